package analysis

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

// TestUnmeasuredAreBounded: streams whose last message has no Content-Length are bounded, and those that come later are seen all the same.
func TestUnmeasuredAreBounded(t *testing.T) {
	told := 0
	var tr tracker
	tr.rules = teller{event: func(*Event) { told++ }, over: func() Frame { return Frame{} }, release: func(*errand) {}}
	to := netip.MustParseAddrPort("192.0.2.2:5060")
	give := func(i int, at time.Time) {
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5060)
		m := &dissect.Message{Transport: dissect.TCP, Src: src, Dst: to, SIP: new(sipmsg.Message)}
		tr.goesOn(&seen{m: m, now: at, frame: Frame{Number: int64(i + 1)}})
	}
	at := time.Unix(1e9, 0)
	const last = 2*maxUnmeasured + 9
	for i := range last + 1 {
		give(i, at)
	}
	if len(tr.unmeasured) > maxUnmeasured {
		t.Errorf("%d are held", len(tr.unmeasured))
	}
	give(last, at.Add(time.Second))
	if told != 1 {
		t.Errorf("told %d times that the last of the streams goes on", told)
	}
	give(last, at.Add(time.Hour))
	if told != 1 {
		t.Error("told of a stream an hour later")
	}
}
