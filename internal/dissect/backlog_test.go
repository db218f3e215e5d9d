package dissect

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/reassembly"
)

// What is put off is found by the first messages of HEP, however many messages of streams there were within the
// window; what is older is not.
func TestBacklog(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dense := 0
	for round := range 60 {
		var table copyTable
		step := []time.Duration{20 * time.Microsecond, time.Millisecond, 20 * time.Millisecond}[round%3]
		n := 1 + r.IntN(5000)
		now := time.Unix(1e9, 0)
		message := func(i int, hep bool) (*Message, []byte) {
			payload := bytes.Repeat([]byte{'x'}, 8+i%1500)
			binary.BigEndian.PutUint64(payload, uint64(i))
			return &Message{
				Ref: reassembly.Ref{Frame: int64(i + 1), Order: int64(i + 1)}, Time: now, HasTime: true, Transport: TCP, HEP: hep,
				Src: netip.MustParseAddrPort("10.0.0.1:5060"), Dst: netip.MustParseAddrPort("[2001:db8::2]:5060"),
			}, payload
		}
		for i := range n {
			now = now.Add(step)
			m, payload := message(i, false)
			if _, isCopy := table.find(m, payload, 0, 0); isCopy {
				t.Fatalf("round %d: message %d of a stream is a copy", round, i)
			}
		}
		b := &table.backlog
		if len(b.now.octets)+len(b.before.octets) > 2*mostBacklog+4096 {
			t.Errorf("round %d: %d and %d octets", round, len(b.now.octets), len(b.before.octets))
		}
		if table.last > 0 {
			dense++
		}
		for i := max(0, n-3000); i < n; i++ {
			m, payload := message(i, true)
			m.Ref.Order = int64(n + i + 1)
			of, isCopy := table.find(m, payload, 0, 0)
			if want := time.Duration(n-1-i)*step <= copyWindow; isCopy != want || want && of.Order != int64(i+1) {
				t.Fatalf("round %d, %d messages %v apart: %d is a copy of %d: %v", round, n, step, i, of.Order, isCopy)
			}
		}
	}
	if dense == 0 {
		t.Error("no round had more within the window than is put off")
	}
}
