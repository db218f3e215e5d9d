package analysis

import (
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/rtp"
)

const (
	// maxControls bounds the streams of which RTCP speaks: there is one of each that
	// is kept.
	maxControls = 1 << 16
	// maxCNAME bounds the name of a source. RFC 3550, section 6.5.
	maxCNAME = 255
)

// A Control is what RTCP says of a stream.
type Control struct {
	SenderReports uint32
	SentPackets   uint32 // as the last of them has it
	SentOctets    uint32
	Reports       uint32 // of receivers
	CNAME         string

	RoundTrip      time.Duration    // from the capture point to the receiver and back …
	VoIP           *rtp.VoIPMetrics // what the receiver measured: RFC 3611; nil for nothing
	CumulativeLost int32            // as the last report has it
	Jitter         uint32           // the most, in units of the RTP timestamp
	Feedback       uint32           // messages about the stream: RFC 4585
	RoundTripKnown bool             // … which is known
	Bye            bool             // the sender said that it ends
	LostFraction   uint8            // the most between two reports, in 1/256

	lastSR   uint32 // compact NTP time …
	lastSeen int64  // … and when it came, as instant has it
}

// LostPercent returns the most of what was lost from one report to the next.
func (c *Control) LostPercent() float64 { return float64(c.LostFraction) / 256 * 100 }

// A controlKey is a stream as its RTCP sees it. Ports are left out: those of RTCP are
// others, or not.
type controlKey struct {
	src, dst netip.Addr
	ssrc     uint32
}

// A controlTable holds what is known by RTCP, of streams of IPv4 by a key of a third of the size.
type controlTable struct {
	four  map[flow4]*Control
	m     map[controlKey]*Control
	names interner // of sources

	met   map[hostPair]bool
	pairs []hostPair // senders and receivers of RTCP that is encrypted or not, each once; at most maxControls
}

// get returns what is known of a stream; nil if the table is full.
func (t *controlTable) get(k controlKey) *Control {
	c := t.find(k)
	if c != nil || len(t.m)+len(t.four) >= maxControls {
		return c
	}
	c = &Control{lastSeen: never}
	if k4, ok := k.four(); ok {
		if t.four == nil {
			t.four = make(map[flow4]*Control)
		}
		t.four[k4] = c
		return c
	}
	if t.m == nil {
		t.m = make(map[controlKey]*Control)
	}
	t.m[k] = c
	return c
}

// find returns what is known of a stream; nil for nothing.
func (t *controlTable) find(k controlKey) *Control {
	if k4, ok := k.four(); ok {
		return t.four[k4]
	}
	return t.m[k]
}

// four returns the key of a stream of IPv4, without ports.
func (k controlKey) four() (flow4, bool) {
	return newFlow4(netip.AddrPortFrom(k.src, 0), netip.AddrPortFrom(k.dst, 0), k.ssrc)
}

func (t *controlTable) of(s *Stream) *Control {
	return t.find(controlKey{s.Source().Addr(), s.Destination().Addr(), s.SSRC()})
}

// meet notes who sent RTCP to whom.
func (t *controlTable) meet(p hostPair) {
	if t.met[p] || len(t.pairs) == maxControls {
		return
	}
	if t.met == nil {
		t.met = make(map[hostPair]bool)
	}
	t.met[p] = true
	t.pairs = append(t.pairs, p)
}

// datagram takes in a compound of RTCP. What does not end with the datagram is encrypted
// or no RTCP, and says nothing: RFC 3711, section 3.4.
func (t *controlTable) datagram(d *dissect.Datagram, b []byte) {
	t.meet(hostPair{d.Src.Addr(), d.Dst.Addr()})
	var p rtp.RTCP
	for rest := b; len(rest) > 0; {
		var err error
		if rest, err = p.Decode(rest); err != nil {
			return
		}
	}
	for p := range rtp.Compound(b) {
		t.packet(d, &p)
	}
}

// packet takes in one packet of a compound.
func (t *controlTable) packet(d *dissect.Datagram, p *rtp.RTCP) {
	src, dst := d.Src.Addr(), d.Dst.Addr()
	if s, ok := p.Sender(); ok {
		ssrc, _ := p.SSRC()
		if c := t.get(controlKey{src, dst, ssrc}); c != nil {
			c.SenderReports++
			c.SentPackets, c.SentOctets = s.Packets, s.Octets
			c.lastSR, c.lastSeen = rtp.CompactNTP(s.NTP), instant(d.Time)
		}
	}
	for r := range p.Reports() {
		if c := t.get(controlKey{dst, src, r.SSRC}); c != nil {
			c.report(&r, d)
		}
	}
	for i := range p.Items() {
		if c := t.get(controlKey{src, dst, i.SSRC}); c != nil && i.Type == rtp.CNAME && c.CNAME == "" {
			c.CNAME = t.names.string(i.Text[:min(len(i.Text), maxCNAME)])
		}
	}
	for ssrc := range p.Leaving() {
		if c := t.get(controlKey{src, dst, ssrc}); c != nil {
			c.Bye = true
		}
	}
	for x := range p.Blocks() {
		if m, ok := x.VoIP(); ok {
			if c := t.get(controlKey{dst, src, m.SSRC}); c != nil {
				if c.VoIP == nil {
					c.VoIP = new(rtp.VoIPMetrics)
				}
				*c.VoIP = m
			}
		}
	}
	if f, ok := p.Feedback(); ok {
		if c := t.get(controlKey{dst, src, f.Media}); c != nil {
			c.Feedback++
		}
	}
}

// report takes in what a receiver says.
func (c *Control) report(r *rtp.ReportBlock, d *dissect.Datagram) {
	c.Reports++
	c.LostFraction = max(c.LostFraction, r.FractionLost)
	c.CumulativeLost = r.CumulativeLost
	c.Jitter = max(c.Jitter, r.Jitter)
	if r.LastSR == 0 || r.LastSR != c.lastSR || c.lastSeen == never {
		return
	}
	if rtt := time.Duration(instant(d.Time)-c.lastSeen) - rtp.FromCompact(r.Delay); rtt >= 0 {
		c.RoundTrip, c.RoundTripKnown = rtt, true
	}
}
