package main

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
)

// An outFile is a file that is being made. It has another name in its folder until it is
// whole, so that nobody finds half of it, and what was there before stays until then.
type outFile struct {
	*bufio.Writer
	f     *os.File // nil for standard output
	name  string   // where it is to be
	temp  string   // where it is; "" where it is written in place: a device, a FIFO
	force bool
}

// errExists is returned for a file that is there already.
var errExists = errors.New("it exists already; choose another name, or replace it with --force")

// newOutFile begins a file; the name "-" is standard output. With force a file that exists
// is replaced, unless it is one of the inputs.
func (e *env) newOutFile(name string, force bool, inputs []string) (*outFile, error) {
	if name == "-" {
		return &outFile{Writer: bufio.NewWriterSize(e.stdout, 256<<10)}, nil
	}
	if name == "" {
		return nil, errors.New("its name is empty; give one, or - for standard output")
	}
	o := &outFile{name: name, force: force}
	e.making = o
	st, err := os.Stat(name)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, plainPathError(err)
	case err == nil && st.IsDir():
		return nil, errors.New("this is a folder; give the name of a file in it")
	case err == nil && st.Mode()&os.ModeDevice == 0 && isInput(st, inputs): // a terminal may be both
		return nil, errors.New("it is one of the captures that are read; choose another name")
	case err == nil && !st.Mode().IsRegular():
		o.f, err = os.OpenFile(name, os.O_WRONLY, 0)
	case err == nil && !force:
		return nil, errExists
	default:
		if target, err := filepath.EvalSymlinks(name); err == nil {
			o.name = target // what a link leads to is replaced, not the link
		}
		o.temp = filepath.Join(filepath.Dir(o.name), ".sipsight-"+rand.Text()[:12]+".tmp")
		o.f, err = os.OpenFile(o.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if err != nil {
		return nil, plainPathError(err)
	}
	o.Writer = bufio.NewWriterSize(o.f, 256<<10)
	return o, nil
}

func isInput(st os.FileInfo, inputs []string) bool {
	for _, name := range inputs {
		if in, err := os.Stat(name); err == nil && os.SameFile(st, in) {
			return true
		}
	}
	return false
}

// plainPathError says what is wrong without naming the path again.
func plainPathError(err error) error {
	var pe *os.PathError
	var le *os.LinkError
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("the folder does not exist; make it first")
	case errors.Is(err, os.ErrPermission):
		return errors.New("permission denied; choose a folder that may be written to")
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}

// finish ends the file and gives it its name. The file is gone where that fails.
func (o *outFile) finish() error {
	err := o.Flush()
	if o.f == nil {
		return err
	}
	if e := o.f.Close(); err == nil {
		err = e
	}
	if err == nil && o.temp != "" {
		err = o.rename()
	}
	if err != nil {
		o.remove()
	}
	return err
}

// rewrite replaces the first octets of the file, which is not finished. Where there is no going
// back, as on standard output, they stay as they are.
func (o *outFile) rewrite(b []byte) error {
	if err := o.Flush(); err != nil || o.temp == "" {
		return err
	}
	_, err := o.f.WriteAt(b, 0)
	return err
}

// rename gives the file its name. Somebody may have made a file of that name meanwhile.
func (o *outFile) rename() error {
	if !o.force {
		if _, err := os.Lstat(o.name); err == nil {
			return errExists
		}
	}
	if err := os.Rename(o.temp, o.name); err != nil {
		return plainPathError(err)
	}
	o.temp = ""
	return nil
}

// discard gives the file up.
func (o *outFile) discard() {
	if o.f != nil {
		o.f.Close()
		o.remove()
	}
}

func (o *outFile) remove() {
	if o.temp != "" {
		os.Remove(o.temp)
		o.temp = ""
	}
}

// outputFailed reports that a file could not be made.
func (e *env) outputFailed(name string, err error) int {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if name == "-" {
		return e.writeFailed(err)
	}
	e.errorf("%s cannot be written: %v", limitText(cmp.Or(name, "the output"), 4096), err)
	return exitFailed
}

// end finishes a file, or discards it if it could not be written whole. What it returns is
// a writeError, or nil.
func (o *outFile) end(err error) error {
	if err == nil {
		err = o.finish()
	}
	if err == nil {
		return nil
	}
	o.discard()
	return writeError{err}
}
