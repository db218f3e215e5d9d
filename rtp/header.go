package rtp

import (
	"encoding/binary"
	"iter"
	"strconv"
)

// A SyntaxError says why octets are no RTP or RTCP packet.
type SyntaxError struct {
	Off  int    // where
	What string // and what is wrong
}

func (e *SyntaxError) Error() string {
	return "rtp: " + e.What + " at octet " + strconv.Itoa(e.Off)
}

// The errors of Decode, made once: refusing is free.
var (
	errShort     = &SyntaxError{0, "packet ends inside the header"}
	errVersion   = &SyntaxError{0, "version is not 2"}
	errCSRC      = &SyntaxError{12, "more contributing sources than octets"}
	errExtension = &SyntaxError{12, "header extension is longer than the packet"}
	errPadding   = &SyntaxError{0, "padding is longer than the payload"}
)

// headerLen is the length of the fixed header.
const headerLen = 12

// A Header is an RTP packet. The zero Header is ready to use.
type Header struct {
	Type      uint8 // payload type
	Marker    bool
	Padding   uint8 // octets of padding at the end, their count included
	Seq       uint16
	Timestamp uint32
	SSRC      uint32

	Profile   uint16 // of the extension; see Extensions
	Extension []byte // its octets; nil without one
	Payload   []byte // without padding

	csrc []byte
}

// Decode replaces *h with the packet b. It does not allocate; its slices alias b. The
// error is nil or a *SyntaxError.
//
//	 0        8        16       24
//	+--+-+-+----+-+-------+-----------------+
//	|V |P|X| CC |M|  PT   | sequence number |
//	+--+-+-+----+-+-------+-----------------+
//	| timestamp                             |
//	+---------------------------------------+
//	| SSRC                                  |
//	+---------------------------------------+
//	| CSRC, CC of them …                    |
//	+------------------+--------------------+
//	| profile          | length in words    |  if X
//	+------------------+--------------------+
//
// RFC 3550, sections 5.1 and 5.3.1.
func (h *Header) Decode(b []byte) error {
	return h.decode(b, false)
}

// DecodeCut is Decode for a packet of which the end was not captured: padding and a
// payload that is missing are not looked for.
func (h *Header) DecodeCut(b []byte) error {
	return h.decode(b, true)
}

func (h *Header) decode(b []byte, cut bool) error {
	*h = Header{}
	if len(b) < headerLen {
		return errShort
	}
	if b[0]>>6 != 2 {
		return errVersion
	}
	h.Type, h.Marker = b[1]&0x7f, b[1]&0x80 != 0
	h.Seq = binary.BigEndian.Uint16(b[2:])
	h.Timestamp = binary.BigEndian.Uint32(b[4:])
	h.SSRC = binary.BigEndian.Uint32(b[8:])
	n := headerLen + 4*int(b[0]&15)
	if n > len(b) {
		return errCSRC
	}
	h.csrc = b[headerLen:n:n]
	if b[0]&0x10 != 0 {
		if n+4 > len(b) {
			return errExtension
		}
		end := n + 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
		if end > len(b) {
			return errExtension
		}
		h.Profile = binary.BigEndian.Uint16(b[n:])
		h.Extension = b[n+4 : end : end]
		n = end
	}
	end := len(b)
	if b[0]&0x20 != 0 && !cut {
		h.Padding = b[end-1]
		if h.Padding == 0 || int(h.Padding) > end-n {
			return errPadding
		}
		end -= int(h.Padding)
	}
	h.Payload = b[n:end:end]
	return nil
}

// CSRCs returns the contributing sources.
func (h *Header) CSRCs() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for b := h.csrc; len(b) >= 4; b = b[4:] {
			if !yield(binary.BigEndian.Uint32(b)) {
				return
			}
		}
	}
}

// Extensions returns the elements of the header extension by their ids, if it is one of
// RFC 8285: with headers of one octet (profile 0xBEDE) or of two (0x1000 to 0x100F). An
// element that is longer than the extension ends them.
func (h *Header) Extensions() iter.Seq2[uint8, []byte] {
	return func(yield func(uint8, []byte) bool) {
		b := h.Extension
		for {
			id, data, rest, ok := h.element(b)
			if !ok || !yield(id, data) {
				return
			}
			b = rest
		}
	}
}

// element returns the first element of b, which is a part of the extension. RFC 8285,
// sections 4.2 and 4.3.
func (h *Header) element(b []byte) (id uint8, data, rest []byte, ok bool) {
	for len(b) > 0 && b[0] == 0 { // padding
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, nil, nil, false
	}
	var n, size int
	switch {
	case h.Profile == 0xbede:
		id, n, size = b[0]>>4, 1, int(b[0]&15)+1
		if id == 15 || id == 0 { // 15 ends them; 0 with a length is not allowed
			return 0, nil, nil, false
		}
	case h.Profile&0xfff0 == 0x1000:
		if len(b) < 2 {
			return 0, nil, nil, false
		}
		id, n, size = b[0], 2, int(b[1])
	default:
		return 0, nil, nil, false
	}
	if n+size > len(b) {
		return 0, nil, nil, false
	}
	return id, b[n : n+size : n+size], b[n+size:], true
}

// An Event is a telephone event: a digit of DTMF or another tone. RFC 4733, section 2.3.
type Event struct {
	Event    uint8 // 0 to 9, 10 for *, 11 for #, 12 to 15 for A to D, 16 for a hook flash
	End      bool
	Reserved bool   // must be false
	Volume   uint8  // in -dBm0
	Duration uint16 // so far, in units of the RTP timestamp
}

// Decode replaces *e with the first event of the payload b. It reports whether there is
// one.
func (e *Event) Decode(b []byte) bool {
	if len(b) < 4 {
		*e = Event{}
		return false
	}
	*e = Event{b[0], b[1]&0x80 != 0, b[1]&0x40 != 0, b[1] & 0x3f, binary.BigEndian.Uint16(b[2:])}
	return true
}

// Digit returns the key of the telephone, 0 for an event that is none.
func (e *Event) Digit() byte {
	if e.Event < 16 {
		return "0123456789*#ABCD"[e.Event]
	}
	return 0
}
