package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/sipsight/sipsight/capture"
)

// A spool keeps what can be read once only, such as standard input and URLs, so that it can be read again: as it
// comes, in files that have no name while they are in use, where the system allows that.
type spool struct{ kept map[string]*spooled }

// isOnce reports whether what has the name can be read once only.
func isOnce(name string) bool { return name == "-" || capture.IsURL(name) || isStream(name) }

// once is what capture.Options.Once takes.
func (s *spool) once(name string, open func() (io.Reader, error)) (io.Reader, error) {
	if !isOnce(name) {
		return open()
	}
	if k := s.kept[name]; k != nil {
		return k.again(), nil
	}
	src, err := open()
	if err != nil {
		return nil, err
	}
	k := &spooled{src: src, dir: filepath.Join(os.TempDir(), "sipsight-"+rand.Text())} // os.CreateTemp is 10 kB
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		return nil, notKept(err)
	}
	k.f, err = os.OpenFile(k.name(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	k.remove() // where that fails, close does it
	if err != nil {
		return nil, notKept(err)
	}
	if s.kept == nil {
		s.kept = make(map[string]*spooled)
	}
	s.kept[name] = k
	return k, nil
}

// notKept says where there was no room, in place of a name by chance.
func notKept(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("it cannot be kept in %s, the folder for temporary files: %w", os.TempDir(), err)
}

// close removes what is left of the files.
func (s *spool) close() {
	for _, k := range s.kept {
		k.f.Close()
		k.remove()
	}
}

// A spooled is one stream. What decompresses it may still be reading when it is read again.
type spooled struct {
	mu  sync.Mutex
	src io.Reader
	f   *os.File
	dir string
	n   int64 // octets in the file
	err error // that ended the stream
}

func (k *spooled) name() string { return filepath.Join(k.dir, "capture") }

func (k *spooled) remove() {
	os.Remove(k.name())
	os.Remove(k.dir)
}

func (k *spooled) Read(b []byte) (int, error) {
	n, err := k.src.Read(b)
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, werr := k.f.WriteAt(b[:n], k.n); werr != nil {
		return 0, notKept(werr)
	}
	k.n += int64(n)
	k.err = err
	return n, err
}

// again returns what was read so far, and ends as that did.
func (k *spooled) again() io.Reader {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := &replay{f: k.f, left: k.n, end: k.err}
	if r.end == nil {
		r.end = io.EOF
	}
	return r
}

// A replay is a stream that is read again.
type replay struct {
	f        *os.File
	at, left int64
	end      error
}

func (r *replay) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, r.end
	}
	n, err := r.f.ReadAt(b[:min(int64(len(b)), r.left)], r.at)
	r.at += int64(n)
	r.left -= int64(n)
	return n, err
}
