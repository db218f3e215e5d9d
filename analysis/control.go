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
	SenderReports int
	SentPackets   uint32 // as the last of them has it
	SentOctets    uint32
	CNAME         string
	Bye           bool // the sender said that it ends

	Reports        int     // of receivers
	LostPercent    float64 // the most of any two reports in a row
	CumulativeLost int32   // as the last one has it
	Jitter         uint32  // the most, in units of the RTP timestamp
	RoundTrip      time.Duration
	RoundTripKnown bool // from the capture point to the receiver and back
	Feedback       int  // messages about the stream: RFC 4585
	VoIP           rtp.VoIPMetrics
	VoIPKnown      bool // the receiver measured it: RFC 3611

	lastSR   uint32 // compact NTP time
	lastSeen time.Time
}

// A controlKey is a stream as its RTCP sees it. Ports are left out: those of RTCP are
// others, or not.
type controlKey struct {
	src, dst netip.Addr
	ssrc     uint32
}

type controlTable struct {
	m map[controlKey]*Control
}

// get returns what is known of a stream; nil if the table is full.
func (t *controlTable) get(k controlKey) *Control {
	c := t.m[k]
	if c == nil && len(t.m) < maxControls {
		if t.m == nil {
			t.m = make(map[controlKey]*Control)
		}
		c = &Control{}
		t.m[k] = c
	}
	return c
}

func (t *controlTable) of(s *Stream) *Control {
	return t.m[controlKey{s.Source.Addr(), s.Destination.Addr(), s.SSRC}]
}

// datagram takes in a compound of RTCP. What does not end with the datagram is encrypted
// or no RTCP, and says nothing: RFC 3711, section 3.4.
func (t *controlTable) datagram(d *dissect.Datagram, b []byte) {
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
			c.lastSR, c.lastSeen = rtp.CompactNTP(s.NTP), d.Time
		}
	}
	for r := range p.Reports() {
		if c := t.get(controlKey{dst, src, r.SSRC}); c != nil {
			c.report(&r, d)
		}
	}
	for i := range p.Items() {
		if c := t.get(controlKey{src, dst, i.SSRC}); c != nil && i.Type == rtp.CNAME && c.CNAME == "" {
			c.CNAME = string(i.Text[:min(len(i.Text), maxCNAME)])
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
				c.VoIP, c.VoIPKnown = m, true
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
	c.LostPercent = max(c.LostPercent, float64(r.FractionLost)/256*100)
	c.CumulativeLost = r.CumulativeLost
	c.Jitter = max(c.Jitter, r.Jitter)
	if r.LastSR == 0 || r.LastSR != c.lastSR || c.lastSeen.IsZero() {
		return
	}
	if rtt := d.Time.Sub(c.lastSeen) - rtp.FromCompact(r.Delay); rtt >= 0 {
		c.RoundTrip, c.RoundTripKnown = rtt, true
	}
}
