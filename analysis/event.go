package analysis

import (
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
)

// An Event is something that happened on the wire beside messages: an ICMP error, or
// something about a TCP connection. Options.Event is given it.
type Event struct {
	Kind     EventKind
	Frame    Frame
	Time     time.Time
	Reporter netip.Addr     // who sent the packet
	Src, Dst netip.AddrPort // of the packet that an ICMP error quotes, of the reset itself, or of the octets
	Type     uint8          // of the ICMP error
	Code     uint8          // of the ICMP error, or the description of the TLS alert
	IPv6     bool
	After    Frame         // of StreamSkipped and StreamGoesOn: the message before …
	Octets   int64         // … and how many octets stand between
	Within   time.Duration // of StreamUnseen: how long before that the receiver had acknowledged; 0 where it had not

	// Of the message that an ICMP error quotes; "" where it is no SIP.
	Method string
	Status int
	CallID string
}

// An EventKind is the kind of an Event.
type EventKind uint8

// The kinds of events.
const (
	ICMPError     EventKind = iota
	TCPReset                // of a connection that carried SIP
	TCPRefused              // a SYN to a port of SIP was answered with a reset
	StreamSkipped           // between two messages of a stream are octets that belong to neither
	TLSAlert                // a handshake on a port of SIP ended with a fatal alert
	StreamUnseen            // octets of a stream of SIP were acknowledged, given up or cut off that are not in the capture so far
	StreamGoesOn            // a message follows one without Content-Length, which was not the end of the stream
)

// event takes in an event.
func (a *analyzer) event(d *dissect.Event) {
	e := Event{
		Kind: EventKind(d.Kind), Frame: Frame{d.Ref.File, d.Ref.Frame}, Reporter: d.Reporter, Src: d.Src, Dst: d.Dst, Type: d.Type, Code: d.Code, IPv6: d.Reporter.Is6(),
		After: Frame{d.After.File, d.After.Frame}, Octets: d.Octets,
	}
	if d.HasTime {
		e.Time = d.Time
		if d.Since != 0 {
			e.Within = d.Time.Sub(time.Unix(0, d.Since))
		}
	}
	if s := d.SIP; s != nil {
		_, _, _, method := s.CSeq()
		e.Method, e.Status = a.track.methodOf(s, method), s.StatusCode
		e.CallID = string(CallID(s))
	}
	a.track.rules.tell(errand{event: &e})
}
