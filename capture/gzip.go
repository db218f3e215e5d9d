package capture

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/sipsight/sipsight/internal/window"
)

// A gzipError says how the compressed data went wrong.
type gzipError struct {
	id, what string
	err      error
}

func (e *gzipError) Error() string { return e.what }
func (e *gzipError) Unwrap() error { return e.err }

// A gunzip inflates all members of a gzip stream (RFC 1952, section 2.2), and goes
// as far as it can: what follows the last member is counted and left out, and a
// wrong checksum at the end of a member does not take back what was read.
type gunzip struct {
	w      *window.Reader
	z      *gzip.Reader
	n      int64 // octets inflated
	max    int64
	beyond [1]byte // of the limit
	err    error
	notes  []Note
}

func newGunzip(r io.Reader, limit int64) *gunzip {
	return &gunzip{w: window.New(r, 64<<10), max: limit}
}

func (g *gunzip) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for g.err == nil {
		if g.z == nil {
			if g.err = g.member(); g.err != nil {
				break
			}
		}
		room := g.max - g.n
		if room == 0 { // is there more?
			p = g.beyond[:]
		}
		n, err := g.z.Read(p[:min(int64(len(p)), max(room, 1))])
		if n > 0 && room == 0 {
			g.err = g.full()
			break
		}
		g.n += int64(n)
		switch {
		case err == io.EOF:
			g.err = g.nextMember()
		case errors.Is(err, gzip.ErrChecksum):
			g.note(Note{ID: "gzip-checksum", What: "the gzip checksum of the file is wrong; what was read may be damaged", Off: g.n, Count: 1, Lost: true})
			g.err = g.nextMember()
		case err != nil:
			g.err = g.fault(err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, g.err
}

// member begins the first member.
func (g *gunzip) member() error {
	z, err := gzip.NewReader(g.w)
	if err != nil {
		return g.fault(err)
	}
	z.Multistream(false)
	g.z = z
	return nil
}

// nextMember goes on with the member that follows, if one does.
func (g *gunzip) nextMember() error {
	if !g.w.Fill(2) || !isGzip(g.w.Bytes()) {
		return g.trailing()
	}
	if err := g.z.Reset(g.w); err != nil {
		return g.fault(err)
	}
	g.z.Multistream(false)
	return nil
}

// trailing looks at what follows the last member. Zeros are padding, as tapes and
// block devices leave it; anything else is told.
func (g *gunzip) trailing() error {
	g.weigh()
	var other int64
	for g.w.Fill(1) {
		b := g.w.Bytes()
		for _, c := range b {
			if c != 0 {
				other++
			}
		}
		g.w.Skip(len(b))
	}
	if err := g.w.Err(); err != nil {
		return g.fault(err)
	}
	if other > 0 {
		g.note(Note{ID: "gzip-trailing", What: "octets behind the gzip data, left out", Off: g.n, Count: other})
	}
	return io.EOF
}

// manyTimes is how much larger than its compressed data no capture is: RTP of silence is about
// twenty times as large. Small files are no harm.
const (
	manyTimes = 200
	manyFrom  = 16 << 20
)

// weigh tells of data that was made to be large.
func (g *gunzip) weigh() {
	if read := g.w.Offset(); g.n >= manyFrom && g.n/manyTimes > read {
		g.note(Note{ID: "gzip-ratio", What: fmt.Sprintf("the gzip data inflates to %d times its size, as no capture does", g.n/max(read, 1)), Count: 1})
	}
}

func (g *gunzip) full() error {
	g.weigh()
	return &gzipError{NoteInflate, fmt.Sprintf("the limit of %d inflated octets was met; raise it with --max-inflated", g.max), nil}
}

func (g *gunzip) fault(err error) error {
	if e := g.w.Err(); e != nil {
		return e
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		return &gzipError{NoteGzipCut, "the gzip data is cut off", io.ErrUnexpectedEOF}
	}
	return &gzipError{NoteGzipCorrupt, "the gzip data is damaged", err}
}

// note keeps one Note a kind: a file can have millions of members.
func (g *gunzip) note(n Note) { g.notes = appendNote(g.notes, n) }
