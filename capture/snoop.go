package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/sipsight/sipsight/internal/window"
)

// Snoop capture files: RFC 1761. All numbers are big-endian.
//
//	file header: "snoop\0\0\0", version, datalink type
//	record:      original length, included length, record length,
//	             cumulative drops, seconds, microseconds, data, padding
const (
	snoopHeaderLen = 16
	snoopRecordLen = 24
	snoopMaxRecord = 16 << 20
)

func isSnoop(b []byte) bool { return hasPrefix(b, "snoop\x00\x00\x00") }

// snoopLinks maps the datalink types of RFC 1761 and its successors to link types.
var snoopLinks = map[uint32]uint16{
	0: 1,  // IEEE 802.3
	2: 6,  // IEEE 802.5 token ring
	4: 1,  // Ethernet
	8: 10, // FDDI
	// SunATM (18) has a header of its own and stays unread.
	26: 226, // Solaris ipnet
}

type snoopSource struct {
	w       *window.Reader
	link    uint16
	pending int
	drops   int64
	over    int64
	overOff int64
}

func newSnoop(r io.Reader, size int) (*snoopSource, error) {
	s := &snoopSource{w: window.New(r, size), drops: -1}
	if !s.w.Fill(snoopHeaderLen) {
		return nil, fmt.Errorf("the snoop file header is cut off: %d of %d octets are there", len(s.w.Bytes()), snoopHeaderLen)
	}
	b := s.w.Bytes()
	if v := binary.BigEndian.Uint32(b[8:]); v != 2 {
		return nil, fmt.Errorf("snoop version %d cannot be read, only version 2; %s", v, convert)
	}
	typ := binary.BigEndian.Uint32(b[12:])
	link, ok := snoopLinks[typ]
	if !ok {
		return nil, fmt.Errorf("snoop datalink type %d cannot be read; %s", typ, convert)
	}
	s.link = link
	s.w.Skip(snoopHeaderLen)
	return s, nil
}

func (s *snoopSource) next(p *Packet) error {
	s.w.Skip(s.pending)
	s.pending = 0
	if !s.w.Fill(snoopRecordLen) {
		if n := len(s.w.Bytes()); n > 0 || s.w.Err() != nil {
			return s.cut(fmt.Sprintf("the file is cut off inside a record header: %d of %d octets are there", n, snoopRecordLen))
		}
		return io.EOF
	}
	b := s.w.Bytes()
	be := binary.BigEndian
	orig, incl, rec := be.Uint32(b), int64(be.Uint32(b[4:])), int64(be.Uint32(b[8:]))
	if rec > snoopMaxRecord || rec < snoopRecordLen+incl {
		return &snoopError{s.w.Offset(), fmt.Sprintf("a record claims a length of %d for %d captured octets, which cannot be right: the file is damaged from here on", rec, incl), nil}
	}
	if !s.w.Fill(int(rec)) && !s.w.Fill(snoopRecordLen+int(incl)) { // the last padding may be missing
		return s.cut(fmt.Sprintf("the file is cut off inside a packet: %d of %d octets are there", len(s.w.Bytes()), rec))
	}
	b = s.w.Bytes()
	s.pending = min(int(rec), len(b))
	if incl > int64(orig) {
		if s.over++; s.over == 1 {
			s.overOff = s.w.Offset()
		}
	}
	s.drops = int64(be.Uint32(b[12:]))
	n := snoopRecordLen + int(incl)
	p.Time, p.HasTime = time.Unix(int64(be.Uint32(b[16:])), int64(be.Uint32(b[20:]))*1000).UTC(), true
	p.LinkType, p.FCSLen = s.link, -1
	p.OrigLen, p.Data = int64(orig), b[snoopRecordLen:n:n]
	return nil
}

func (s *snoopSource) cut(what string) error {
	if err := s.w.Err(); err != nil {
		return &snoopError{s.w.Offset(), "reading failed (" + err.Error() + ")", err}
	}
	return &snoopError{s.w.Offset(), what, io.ErrUnexpectedEOF}
}

func (s *snoopSource) finish(f *File) {
	if len(f.Interfaces) == 0 {
		f.Interfaces = []Interface{{}}
	}
	i := &f.Interfaces[0]
	i.LinkType, i.Resolution, i.Drops = s.link, 1000, s.drops
	if s.over > 0 {
		f.note(Note{ID: "over-original-length", What: "captured length over original length", Off: s.overOff, Count: s.over})
	}
}

// A snoopError is to snoop what the FormatErrors of the format rooms are to theirs.
type snoopError struct {
	off  int64
	what string
	err  error
}

func (e *snoopError) Error() string { return fmt.Sprintf("snoop: %s at byte %d", e.what, e.off) }
func (e *snoopError) Unwrap() error { return e.err }
