// Package dissect finds the SIP messages in captured packets: each once, with the
// innermost addresses and the numbers of the frames that carry it.
//
// Datagrams are looked at whole, and in TCP every segment by itself: a message that
// goes on in another segment is given as far as it goes, marked as partial.
package dissect

import (
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// A Message is one SIP message on the wire. It is valid until the next packet.
type Message struct {
	SIP       *sipmsg.Message
	File      int
	Frame     int64   // the packet that completes the message
	Frames    []int64 // all packets that carry it
	Time      time.Time
	HasTime   bool
	Src, Dst  netip.AddrPort
	Transport Transport
	Tags      int  // 802.1Q tags in front of the packet
	Partial   bool // octets of the message are missing
	Notes     Notes
}

// A Transport is what carried a message.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
	SCTP
)

func (t Transport) String() string { return [...]string{"UDP", "TCP", "SCTP"}[t] }

// Notes is a set of what happened to a message on the wire.
type Notes uint16

// The notes.
const (
	NotePartial   Notes = 1 << iota // octets are missing
	NoteFragment                    // an IP fragment, given by itself
	NoteKeepalive                   // line ends in front of the message
	NoteSnapped                     // cut by the snaplen of the capture
)

var noteIDs = [...]string{"message-partial", "frag-incomplete", "crlf-keepalive", "packet-cut"}

// IDs returns the ids of the notes in the set, nil for none.
func (n Notes) IDs() (ids []string) {
	for i, id := range noteIDs {
		if n&(1<<i) != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// Counts says what the packets were.
type Counts struct {
	Packets     int64
	IPv4, IPv6  int64
	UDP, TCP    int64
	SCTP, ICMP  int64
	OtherIP     int64 // IP packets of other protocols
	NotIP       int64 // frames of known link types that hold no IP
	Fragments   int64
	Malformed   int64 // packets whose headers contradict themselves or are cut
	SIP         int64 // messages
	Quoted      int64 // ICMP errors that quote SIP
	Keepalives  int64 // datagrams and segments of line ends or NULs alone
	LinkUnknown map[uint16]int64
}

// A Dissector turns packets into messages. The zero Dissector is ready to use.
type Dissector struct {
	Counts Counts

	frame  layers.Frame
	quoted layers.Frame
	sip    sipmsg.Message
	msg    Message
	frames [1]int64
}

// Packet looks into one packet and calls emit for each message that it completes. It
// returns the first error that emit returns.
func (d *Dissector) Packet(p *capture.Packet, emit func(*Message) error) error {
	d.Counts.Packets++
	f := &d.frame
	err := f.Decode(layers.LinkType(p.LinkType), p.FCSLen, p.Data)
	d.count(p, err)
	switch {
	case err == nil:
	case err == layers.ErrFragment && f.Fragment.Offset == 0:
		// The head of a datagram: what it begins with can be shown.
		if f.Transport(f.Payload, 1) != nil {
			return nil
		}
	default:
		return nil
	}
	switch f.Proto {
	case layers.UDP:
		return d.datagram(p, UDP, f.Payload, f.Missing > 0, err == layers.ErrFragment, emit)
	case layers.TCP:
		return d.segment(p, emit)
	case layers.SCTP:
		return d.chunks(p, emit)
	case layers.ICMP, layers.ICMPv6:
		if q := f.Quote(); q != nil && quotesSIP(&d.quoted, q) {
			d.Counts.Quoted++
		}
	}
	return nil
}

// count counts what the frame is.
func (d *Dissector) count(p *capture.Packet, err error) {
	c, f := &d.Counts, &d.frame
	switch f.Version {
	case 4:
		c.IPv4++
	case 6:
		c.IPv6++
	default:
		switch {
		case err == layers.ErrUnsupported && !layers.LinkType(p.LinkType).Supported():
			if c.LinkUnknown == nil {
				c.LinkUnknown = make(map[uint16]int64)
			}
			c.LinkUnknown[p.LinkType]++
		case err == layers.ErrUnsupported:
			c.NotIP++
		default:
			c.Malformed++
		}
		return
	}
	switch err {
	case layers.ErrTruncated, layers.ErrMalformed:
		c.Malformed++
		return
	case layers.ErrFragment:
		c.Fragments++
	}
	switch f.Proto {
	case layers.UDP:
		c.UDP++
	case layers.TCP:
		c.TCP++
	case layers.SCTP:
		c.SCTP++
	case layers.ICMP, layers.ICMPv6:
		c.ICMP++
	default:
		c.OtherIP++
	}
}

// quotesSIP reports whether an ICMP error quotes a packet with SIP.
func quotesSIP(f *layers.Frame, quote []byte) bool {
	err := f.DecodeIP(quote)
	return (err == nil || err == layers.ErrTruncated) && (f.Proto == layers.UDP || f.Proto == layers.TCP) && sipmsg.Sniff(f.Payload)
}

// isKeepalive reports whether b is what clients send to keep a NAT binding: line ends
// (RFC 5626, section 3.5.1), a NUL, or a few NULs.
func isKeepalive(b []byte) bool {
	if len(b) == 0 || len(b) > 16 {
		return false
	}
	for _, c := range b {
		if c != '\r' && c != '\n' && c != 0 {
			return false
		}
	}
	return true
}

// begin sets up d.msg for a message of this packet.
func (d *Dissector) begin(p *capture.Packet, t Transport) *Message {
	d.frames[0] = p.Frame
	d.msg = Message{
		SIP:       &d.sip,
		File:      p.File,
		Frame:     p.Frame,
		Frames:    d.frames[:],
		Time:      p.Time,
		HasTime:   p.HasTime,
		Src:       d.frame.Src,
		Dst:       d.frame.Dst,
		Transport: t,
		Tags:      int(d.frame.Tags),
	}
	return &d.msg
}

// datagram looks at the payload of one datagram: it is one message or none.
func (d *Dissector) datagram(p *capture.Packet, t Transport, b []byte, cut, fragment bool, emit func(*Message) error) error {
	if !sipmsg.Sniff(b) {
		if isKeepalive(b) {
			d.Counts.Keepalives++
		}
		return nil
	}
	m := d.begin(p, t)
	parse := d.sip.Parse
	if cut || fragment {
		parse = d.sip.ParseCut
	}
	if parse(b) != nil {
		return nil
	}
	if b[0] == '\r' || b[0] == '\n' {
		m.Notes |= NoteKeepalive
	}
	switch {
	case fragment:
		m.Notes |= NoteFragment | NotePartial
	case cut:
		m.Notes |= NoteSnapped | NotePartial
	}
	m.Partial = m.Notes&NotePartial != 0
	d.Counts.SIP++
	return emit(m)
}

// segment looks at one TCP segment: messages follow each other in it.
func (d *Dissector) segment(p *capture.Packet, emit func(*Message) error) error {
	f := &d.frame
	b := f.Payload
	if isKeepalive(b) && f.Missing == 0 {
		d.Counts.Keepalives++
	}
	for len(b) > 0 && sipmsg.Sniff(b) {
		m := d.begin(p, TCP)
		if d.sip.Parse(b) != nil || !headerFollows(&d.sip) {
			return nil
		}
		if b[0] == '\r' || b[0] == '\n' {
			m.Notes |= NoteKeepalive
		}
		// RFC 3261, section 18.3: the Content-Length says where the message ends.
		head := len(b) - len(d.sip.Body)
		n, ok := d.sip.ContentLength()
		rest := b[len(b):]
		switch {
		case d.sip.Quirks()&sipmsg.QuirkUnterminated != 0, ok && int64(n) > int64(len(d.sip.Body)):
			m.Notes |= NotePartial
			if f.Missing > 0 {
				m.Notes |= NoteSnapped
			}
			if d.sip.ParseCut(b) != nil {
				return nil
			}
		default:
			end := head
			if ok {
				end += int(n)
			}
			if b, rest = b[:end:end], b[end:]; d.sip.Parse(b) != nil {
				return nil
			}
		}
		m.Partial = m.Notes&NotePartial != 0
		d.Counts.SIP++
		if err := emit(m); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// headerFollows reports whether a start line in a stream is followed by a header field:
// other protocols have streams in which anything may stand on a line of its own.
func headerFollows(m *sipmsg.Message) bool {
	return m.NumFields() == 0 || len(m.Field(0).Name) > 0
}

// chunks looks at the DATA chunks of an SCTP packet. RFC 4168: each user message is
// one SIP message.
func (d *Dissector) chunks(p *capture.Packet, emit func(*Message) error) error {
	for c := range layers.Chunks(d.frame.Payload) {
		data, ok := c.Data()
		if !ok || !data.Begin {
			continue
		}
		if err := d.datagram(p, SCTP, data.User, c.Cut || !data.End, false, emit); err != nil {
			return err
		}
	}
	return nil
}
