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

	// inflateStart and inflateRatio bound what all messages of a timeline may inflate
	// to together: SIP shrinks to a fifth, and to a fiftieth of what was sent just
	// before. A capture of nothing but bombs costs twenty times its length.
	inflateStart = 64 << 20
	inflateRatio = 20
)

// An inflater undoes compression within a budget.
type inflater struct {
	r      io.ReadCloser // of flate, used again and again
	budget int64         // octets that may still come out, beyond inflateStart
}

// inflate undoes the compression of one block of data (RFC 1951) that may refer to window,
// what came before it.
func (d *Dissector) inflate(b, window []byte) (out []byte, ok bool) {
	// An empty block ends it where the sender left that out.
	in := io.MultiReader(bytes.NewReader(b), bytes.NewReader([]byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}))
	f := &d.inflater
	if f.r == nil {
		f.r = flate.NewReaderDict(in, window)
	} else if f.r.(flate.Resetter).Reset(in, window) != nil {
		return nil, false
	}
	return f.read(f.r, len(b))
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

// read reads all of r, which came in size octets.
func (f *inflater) read(r io.Reader, size int) (out []byte, ok bool) {
	f.budget += int64(size) * inflateRatio
	limit := min(maxInflated, f.budget+inflateStart)
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	f.budget -= int64(len(out))
	if int64(len(out)) > limit || err != nil {
		return nil, false
	}
	return out, true
}
