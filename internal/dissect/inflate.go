package dissect

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
)

const (
	// maxInflated bounds what one message may inflate to.
	maxInflated = 1 << 20

	// startBudget and inflateRatio bound what all messages of a timeline may inflate
	// to together: SIP shrinks to a fifth, and to a fiftieth of what was sent just
	// before. A capture of nothing but bombs costs twenty times its length.
	startBudget  = 64 << 20
	inflateRatio = 20
)

// An inflater undoes compression within a budget.
type inflater struct {
	r      io.ReadCloser // of flate, used again and again
	budget int64         // octets that may still come out, beyond startBudget
	start  [1 << 10]byte // see inflateStart
}

// inflate undoes the compression of one block of data (RFC 1951) that may refer to window,
// what came before it.
func (d *Dissector) inflate(b, window []byte) (out []byte, ok bool) {
	if !d.inflater.open(ended(b), window) {
		return nil, false
	}
	return d.inflater.read(d.inflater.r, len(b))
}

// ended reads b with an empty block behind it, which ends it where the sender left that out.
func ended(b []byte) io.Reader {
	return io.MultiReader(bytes.NewReader(b), bytes.NewReader([]byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}))
}

// inflatePart is inflate for a block of which octets are missing at the end: it returns what the others inflate to.
func (d *Dissector) inflatePart(b, window []byte) []byte {
	if !d.inflater.open(bytes.NewReader(b), window) {
		return nil
	}
	out, _ := d.inflater.read(d.inflater.r, len(b))
	return out
}

// inflateStart returns the first octets of what a block of data, or the first part of one, inflates to without a window. They are valid
// until the next call.
func (d *Dissector) inflateStart(b []byte) []byte {
	f := &d.inflater
	if !f.open(bytes.NewReader(b), nil) {
		return nil
	}
	n, _ := io.ReadFull(f.r, f.start[:])
	return f.start[:n]
}

// open makes r that of a block of data, behind window.
func (f *inflater) open(in io.Reader, window []byte) bool {
	if f.r == nil {
		f.r = flate.NewReaderDict(in, window)
		return true
	}
	return f.r.(flate.Resetter).Reset(in, window) == nil
}

// unpack undoes the compression of zlib (RFC 1950) or gzip (RFC 1952), or what those hold without their headers.
func (d *Dissector) unpack(b []byte) (out []byte, ok bool) {
	var r io.Reader
	var err error
	if len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b {
		r, err = gzip.NewReader(bytes.NewReader(b))
	} else {
		if r, err = zlib.NewReader(bytes.NewReader(b)); err != nil {
			return d.inflate(b, nil)
		}
	}
	if err != nil {
		return nil, false
	}
	return d.inflater.read(r, len(b))
}

// read reads all of r, which came in size octets. ok is false where that is not to be had; out is what is there of it then.
func (f *inflater) read(r io.Reader, size int) (out []byte, ok bool) {
	f.budget += int64(size) * inflateRatio
	limit := min(maxInflated, f.budget+startBudget)
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	f.budget -= int64(len(out))
	if int64(len(out)) > limit {
		return nil, false
	}
	return out, err == nil
}
