package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sipsight/sipsight/internal/clean"
)

// An output is where a command that makes one file writes it: stdout, or a temporary file
// that takes its name when it is whole. Errors of writing are kept until done.
type output struct {
	*bufio.Writer
	e    *env
	name string // "" for stdout
	file *os.File
}

// create begins the output named name: "" and - are stdout. It refuses to replace a file
// unless force is set.
func (e *env) create(name string, force bool) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: bufio.NewWriterSize(e.stdout, 64<<10), e: e}, nil
	}
	switch st, err := os.Stat(name); {
	case err == nil && st.IsDir():
		return nil, fmt.Errorf("%s is a folder; name a file in it", clean.Text(name))
	case err == nil && !st.Mode().IsRegular(): // a device or pipe: there is nothing to rename
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &output{Writer: bufio.NewWriterSize(f, 64<<10), e: e, file: f}, nil
	case err == nil && !force:
		return nil, fmt.Errorf("%s exists; give another name, or --force to replace it", clean.Text(name))
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("%s cannot be made: %v", clean.Text(name), err)
	}
	return &output{Writer: bufio.NewWriterSize(f, 64<<10), e: e, name: name, file: f}, nil
}

// done ends the output: a file takes its name, if everything was written and err is nil.
func (o *output) done(err error) error {
	if werr := o.Flush(); err == nil {
		err = werr
	}
	if o.file == nil {
		return err
	}
	if o.name != "" && err == nil {
		err = o.file.Chmod(0o644)
	}
	if cerr := o.file.Close(); err == nil {
		err = cerr
	}
	if o.name == "" {
		return err
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		os.Remove(o.file.Name())
	}
	return err
}

// abandon ends the output without leaving anything of it.
func (o *output) abandon() {
	if o.file != nil {
		o.file.Close()
	}
	if o.name != "" {
		os.Remove(o.file.Name())
	}
}
