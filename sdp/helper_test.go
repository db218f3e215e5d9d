package sdp_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

// crlf turns readable text into a description: its lines end in CRLF, and like everything
// that tests hand to Parse it is a slice of its own without room behind it.
func crlf(s string) []byte { return clip(strings.ReplaceAll(s, "\n", "\r\n")) }

func clip[T string | []byte](in T) []byte { return slices.Clip(bytes.Clone([]byte(in))) }

func parse(t testing.TB, in []byte) *sdp.Session {
	t.Helper()
	s, err := sdp.Parse(in)
	if err != nil {
		t.Fatalf("%v: %q", err, in)
	}
	return s
}

// withMedia is a description with these lines behind the session's own, which are line 1
// to 5.
func withMedia(lines string) []byte {
	return crlf("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n" + lines)
}

// media is the first media description of such a description.
func media(t testing.TB, lines string) *sdp.Media {
	t.Helper()
	s := parse(t, withMedia(lines))
	if len(s.Media) == 0 {
		t.Fatalf("no media in %q", lines)
	}
	return &s.Media[0]
}

// complaints are the complaints, each as line and rule.
func complaints(s *sdp.Session) string {
	var list []string
	for _, c := range s.Complaints {
		list = append(list, fmt.Sprintf("%d:%s", c.Line, c.Rule.ID()))
	}
	return strings.Join(list, " ")
}

func codecs(list []sdp.Codec) string {
	var out []string
	for _, c := range list {
		out = append(out, codec(c))
	}
	return strings.Join(out, ", ")
}

func codec(c sdp.Codec) string {
	s := fmt.Sprintf("%d %s/%d", c.PayloadType, c.Name, c.Clock)
	if c.Channels != 1 {
		s += fmt.Sprintf("/%d", c.Channels)
	}
	if c.Params != nil {
		s += fmt.Sprintf(" (%s)", c.Params)
	}
	if !c.Mapped {
		s += " by itself"
	}
	return s
}

// dump writes everything that a Session tells, one line a part.
func dump(s *sdp.Session) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	o := &s.Origin
	if s.Version != nil {
		p("version %s", s.Version)
	}
	if o.Line != 0 {
		p("origin user %q, session %s, version %s, address %s %s %s", o.User, o.SessionID, o.SessionVersion, o.NetType, o.AddrType, o.Address)
	}
	if s.Name != nil {
		p("name %q", s.Name)
	}
	if s.Info != nil {
		p("info %q", s.Info)
	}
	if s.URI != nil {
		p("URI %q", s.URI)
	}
	connection(p, "connection", s.Connection)
	for _, w := range s.Bandwidths {
		p("bandwidth %s %s=%d", w.Type, w.Text, w.Value)
	}
	for _, t := range s.Timings {
		p("time %s to %s", t.Start, t.Stop)
	}
	attributes(p, "", s.Attributes)
	for g := range s.Groups() {
		var mids []string
		for mid := range g.All() {
			mids = append(mids, string(mid))
		}
		p("group %s: %s", g.Semantics, strings.Join(mids, ", "))
	}
	if s.ICELite() {
		p("ice-lite")
	}
	for i := range s.Media {
		m := &s.Media[i]
		p("%s: port %s = %d %t × %d, %s, formats %s", m.Kind, m.PortText, m.Port, m.PortOK, m.PortCount, m.Proto, bytes.Join(m.Formats, []byte(" ")))
		if m.Info != nil {
			p("  info %q", m.Info)
		}
		for _, c := range m.Connections {
			connection(p, "  connection", c)
		}
		for _, w := range m.Bandwidths {
			p("  bandwidth %s %s=%d", w.Type, w.Text, w.Value)
		}
		if a, ok := m.Addr(); ok {
			p("  to %v", a)
		}
		if a, ok := m.RTCPAddr(); ok {
			p("  RTCP to %v, mux %t", a, m.RTCPMux())
		}
		p("  %v, written %t, hold %t, disabled %t", m.Direction(), m.HasDirection(), m.IsHold(), m.Disabled())
		for _, c := range m.Codecs() {
			p("  codec %s", codec(c))
		}
		if ms, ok := m.PTime(); ok {
			p("  ptime %d", ms)
		}
		if ms, ok := m.MaxPTime(); ok {
			p("  maxptime %d", ms)
		}
		if m.MID() != nil || m.Label() != nil || m.Content() != nil {
			p("  mid %q, bundled %t, label %q, content %q", m.MID(), s.Bundled(m), m.Label(), m.Content())
		}
		for c := range m.Cryptos() {
			p("  crypto %s %s", c.Tag, c.Suite)
		}
		if f, ok := m.Fingerprint(); ok {
			p("  fingerprint %s %s, setup %s", f.Hash, f.Value, m.Setup())
		}
		if m.ICE() {
			p("  ice %s", m.ICEUfrag())
		}
		for c := range m.Candidates() {
			p("  candidate %s %d %s %d %s %d %v %s from %v", c.Foundation, c.Component, c.Transport, c.Priority, c.Address, c.Port, c.Addr, c.Type, c.RelatedAddr)
		}
		for n := range m.SSRCs() {
			p("  ssrc %d", n)
		}
		for e := range m.Extmaps() {
			p("  extmap %d %v %s %q", e.ID, e.Direction, e.URI, e.Params)
		}
		if f, ok := m.T38(); ok {
			p("  t38 %+v", f)
		}
		attributes(p, "  ", m.Attributes)
	}
	return b.String()
}

func connection(p func(string, ...any), what string, c sdp.Connection) {
	if c.Line != 0 {
		p("%s %s %s %s = %v, TTL %d × %d", what, c.NetType, c.AddrType, c.Address, c.Addr, c.TTL, c.Count)
	}
}

func attributes(p func(string, ...any), indent string, list []sdp.Attribute) {
	for _, a := range list {
		if a.Value == nil {
			p("%sa %s", indent, a.Name)
		} else {
			p("%sa %s %q", indent, a.Name, a.Value)
		}
	}
}
