package report

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
)

// maxCallSessions bounds the sessions listed of one call: legs have a few each.
const maxCallSessions = 16

// sessionsOf returns the sessions of all legs: media that is no RTP.
func sessionsOf(c *analysis.Call) (list []*analysis.Session) {
	for _, l := range c.Legs {
		if l.Media != nil {
			list = append(list, l.Media.Sessions...)
		}
	}
	return list
}

// AppendSessions appends the fax, message and floor sessions of a call: a JSON array.
func AppendSessions(b []byte, o *Options, c *analysis.Call) []byte {
	w := jsonWriter{b: b, secrets: o.Secrets}
	w.sessions(o, c)
	return w.b
}

func (w *jsonWriter) sessions(o *Options, c *analysis.Call) {
	w.open('[')
	for _, s := range firstOf(sessionsOf(c), maxCallSessions) {
		w.session(o, s)
	}
	w.close(']')
}

func (w *jsonWriter) session(o *Options, s *analysis.Session) {
	w.open('{')
	w.key("protocol").quote([]byte(s.Protocol))
	w.key("transport").text([]byte(s.Proto))
	w.key("offered_by").quote([]byte(s.OfferedBy.String()))
	w.key("offer_frame").frame(s.Frame, o.several())
	if !s.Offered.IsZero() {
		w.key("offered_at").time(s.Offered)
	}
	w.key("outcome").quote([]byte(s.Outcome.String()))
	if s.Outcome != analysis.OfferOpen {
		if s.Status != 0 {
			w.key("status").int(int64(s.Status))
		}
		w.key("answer_frame").frame(s.Answer, o.several())
	}
	sent := sentOf(s)
	for i, side := range [...]string{"caller", "callee"} {
		w.key(side).open('{')
		if c := &s.Side[i]; c.Addr.IsValid() {
			w.key("address").endpoint(c.Addr)
			if c.Described.IsValid() {
				w.key("described_address").endpoint(c.Described)
			}
		}
		if setup := s.Side[i].Setup; setup != "" {
			w.key("setup").text([]byte(setup))
		}
		if sent[i] > 0 || s.Protocol == "T.38" {
			w.key("packets").int(sent[i])
		}
		w.close('}')
	}
	if s.Conn != analysis.ConnNone {
		w.key("connection").quote([]byte(s.Conn.String()))
		w.key("connection_frame").frame(s.ConnFrame, o.several())
	}
	w.close('}')
}

// sentOf returns how many packets with octets caller and callee sent.
func sentOf(s *analysis.Session) (n [2]int64) {
	n = s.Segments
	for _, x := range s.Streams {
		if by := x.SentBy; by == analysis.Caller || by == analysis.Callee {
			n[by-analysis.Caller] += x.Report().Packets
		}
	}
	return n
}

// appendSessionsText appends the sessions of a call for people.
func appendSessionsText(b []byte, c *analysis.Call, o *Options) []byte {
	for _, s := range firstOf(sessionsOf(c), maxCallSessions) {
		text := fmt.Sprintf("%s, offered by the %s at %s, %s", clean.Text(s.Proto), s.OfferedBy, clockOn(s.Offered, c.First().Begin), s.Outcome)
		if s.Status != 0 {
			text += " with " + strconv.Itoa(s.Status)
		}
		if s.Conn != analysis.ConnNone {
			text += ", connection " + s.Conn.String()
		}
		b = foldedText(b, s.Protocol, text)
		sent := sentOf(s)
		for i, side := range [...]string{"caller", "callee"} {
			if x := &s.Side[i]; x.Addr.IsValid() || sent[i] > 0 {
				b = folded(b, "", "%s: %s", side, cornerText(x, sent[i]))
			}
		}
	}
	return b
}

func cornerText(c *analysis.Corner, sent int64) string {
	s := "no address"
	if c.Addr.IsValid() {
		s = plainEndpoint(c.Addr)
	}
	if c.Described.IsValid() {
		s += " for " + plainEndpoint(c.Described)
	}
	if c.Setup != "" {
		s += " " + clean.Text(c.Setup)
	}
	return s + ", sent " + plural(sent, "packet")
}

func plainEndpoint(a netip.AddrPort) string {
	return string(words.AppendEndpoint(nil, netip.AddrPortFrom(a.Addr().Unmap(), a.Port())))
}
