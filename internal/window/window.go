// Package window gives the capture readers a sliding view of a byte stream.
//
// A format reader asks for the next n octets, looks at them in place and steps
// over them; nothing is copied per record. The view grows only as data really
// arrives, so a forged length costs at most twice the octets that were there.
package window

import "io"

// Size is the default size of the view in octets. Reading in steps of 256 KiB
// costs no measurable time against 1 MiB and keeps many open files cheap.
const Size = 256 << 10

// maxEmptyReads bounds readers that return neither data nor an error.
const maxEmptyReads = 100

// A Reader is a sliding view of a stream. The zero Reader is not usable; see New.
//
// Invariant: 0 <= lo <= hi <= len(buf); buf[lo:hi] has been read and not skipped.
type Reader struct {
	r      io.Reader
	buf    []byte
	lo, hi int
	off    int64 // stream offset of buf[lo]
	err    error // sticky, of r
}

// New returns a view of r that starts at the given size, or Size if size is 0.
func New(r io.Reader, size int) *Reader {
	if size <= 0 {
		size = Size
	}
	return &Reader{r: r, buf: make([]byte, size)}
}

// Bytes returns what has been read and not skipped. It is valid until the next Fill.
func (w *Reader) Bytes() []byte { return w.buf[w.lo:w.hi] }

// From returns what has been read, without what was skipped and n octets behind it; n must not
// exceed len(Bytes()). It is valid until the next Fill.
func (w *Reader) From(n int) []byte { return w.buf[w.lo+n : w.hi] }

// Offset returns the stream offset of the first octet of Bytes.
func (w *Reader) Offset() int64 { return w.off }

// Skip steps over n octets; n must not exceed len(Bytes()).
func (w *Reader) Skip(n int) {
	w.lo += n
	w.off += int64(n)
}

// Fill reads until at least n octets are in view and reports whether it could.
// Slices returned by Bytes before are invalid afterwards. Fill reads no more
// than it must, so that records of a pipe still being written appear at once.
func (w *Reader) Fill(n int) bool {
	if w.hi-w.lo >= n {
		return true
	}
	for empty := 0; w.hi-w.lo < n && w.err == nil; {
		w.makeRoom(n)
		m, err := w.r.Read(w.buf[w.hi:])
		if m < 0 || m > len(w.buf)-w.hi {
			m, err = 0, io.ErrNoProgress
		}
		w.hi += m
		w.err = err
		if m > 0 {
			empty = 0
		} else if empty++; empty >= maxEmptyReads && err == nil {
			w.err = io.ErrNoProgress
		}
	}
	return w.hi-w.lo >= n
}

// makeRoom leaves at least one free octet behind hi, on the way to a view of n.
func (w *Reader) makeRoom(n int) {
	if w.lo == w.hi {
		w.lo, w.hi = 0, 0
	}
	if w.lo+n <= len(w.buf) && w.hi < len(w.buf) {
		return
	}
	if w.lo > 0 {
		w.hi = copy(w.buf, w.buf[w.lo:w.hi])
		w.lo = 0
	}
	if w.hi == len(w.buf) { // full of real data: the view may double
		grown := make([]byte, 2*len(w.buf))
		copy(grown, w.buf)
		w.buf = grown
	}
}

// Err returns the error that ended the stream: nil as long as it has not
// ended, nil for io.EOF, and otherwise the error of the underlying reader.
func (w *Reader) Err() error {
	if w.err == io.EOF {
		return nil
	}
	return w.err
}

// Read lets the rest of the stream be read as an io.Reader.
func (w *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if w.lo == w.hi && !w.Fill(1) {
		return 0, w.err
	}
	n := copy(p, w.buf[w.lo:w.hi])
	w.Skip(n)
	return n, nil
}

// ReadByte makes the rest of the stream an io.ByteReader, which keeps
// compress/gzip from reading past the end of a member.
func (w *Reader) ReadByte() (byte, error) {
	if w.lo == w.hi && !w.Fill(1) {
		return 0, w.err
	}
	c := w.buf[w.lo]
	w.Skip(1)
	return c, nil
}
