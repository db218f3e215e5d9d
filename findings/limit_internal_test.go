package findings

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// TestLimitOfRule holds that the notes of a rule take no place of its warnings and errors, that what is not kept of these is a
// limit that is told, unless a site pattern counts it, and that of notes nothing is told.
func TestLimitOfRule(t *testing.T) {
	c := New()
	r := captureRun{run{c, overload}, &analysis.Result{}}
	for range maxOfRule + 100 {
		r.report(Finding{Severity: Note})
	}
	for range maxOfRule {
		r.report(Finding{Severity: Error})
	}
	if len(c.found) != 2*maxOfRule || c.limited() {
		t.Errorf("%d findings, limited: %v", len(c.found), c.limited())
	}
	r.report(Finding{Severity: Error})
	if len(c.found) != 2*maxOfRule || !c.limited() {
		t.Errorf("with one error too many: %d findings, limited: %v", len(c.found), c.limited())
	}
	of := c.count[overload.ID]
	if of.applied, of.fired[Error] = maxOfRule+1, maxOfRule+1; c.limited() {
		t.Error("a site pattern is told as limited, too")
	}
}

// TestLimitOfHeld holds that messages without Content-Length for which there is no room are told as a limit, too.
func TestLimitOfHeld(t *testing.T) {
	for more, want := range []bool{false, true} {
		c, s := New(), new(lengthState)
		for i := range maxOfRule + more {
			s.hold(Finding{Severity: Warning, Frames: []analysis.Frame{{Number: int64(i + 1)}}}, "")
		}
		s.end(&captureRun{run{c, streamLength}, &analysis.Result{}})
		if c.limited() != want {
			t.Errorf("with %d too many: limited is %v", more, c.limited())
		}
	}
}

// TestLimitOfTexts holds that suspicious texts for which there is no room are told as a limit, and that one of those that are
// kept is none, however often it comes.
func TestLimitOfTexts(t *testing.T) {
	c := New()
	see := func(n int) {
		m := &analysis.Message{SIP: new(sipmsg.Message)}
		if err := m.SIP.Parse(fmt.Appendf(nil, "OPTIONS sip:a@example.com SIP/2.0\r\nSubject: <script>%d\r\n\r\n", n)); err != nil {
			t.Fatal(err)
		}
		c.screened(m)
	}
	for n := range maxSuspicious {
		see(n)
	}
	see(0)
	suspiciousText.capture(&captureRun{run{c, suspiciousText}, &analysis.Result{}})
	if len(c.found) != maxSuspicious || c.limited() {
		t.Errorf("%d findings, limited: %v", len(c.found), c.limited())
	}
	see(maxSuspicious)
	suspiciousText.capture(&captureRun{run{c, suspiciousText}, &analysis.Result{}})
	if !c.limited() {
		t.Error("a text that there is no room for is no limit")
	}
}

// TestUnseenLimit holds that where the snap length cuts nearly each message, on many connections in turn, all that is missing is
// known, and that there is a limit to it.
func TestUnseenLimit(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	server := netip.MustParseAddrPort("192.0.2.1:5060")
	ends := func(i int) (src, dst netip.AddrPort) { // each way between the server and a phone
		phone := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i / 2)}), 5060)
		if i%2 == 0 {
			return phone, server
		}
		return server, phone
	}
	for _, test := range []struct {
		every         time.Duration
		events, known int
	}{{t1, 2 * maxUnseen, 2 * maxUnseen}, {t1 + 2, 2 * maxUnseen, maxUnseen}} {
		const ways = 128
		c, known := New(), 0
		for i := range test.events {
			src, dst := ends(i % ways)
			at := start.Add(time.Duration(i/ways) * test.every)
			c.event(&analysis.Event{Kind: analysis.StreamUnseen, Time: at, Src: src, Dst: dst, Within: 1})
			if c.lacks(hostsOf(src, dst), at, at.Add(time.Second)) {
				known++
			}
		}
		if known != test.known || len(c.unseen) > maxUnseen {
			t.Errorf("every %v: %d of %d are known, at %d places", test.every, known, test.events, len(c.unseen))
		}
		if src, dst := ends(0); c.lacks(hostsOf(src, dst), start.Add(-time.Minute), start.Add(-time.Second)) {
			t.Error("octets are missing that are not")
		}
	}
}
