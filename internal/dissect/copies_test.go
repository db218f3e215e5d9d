package dissect

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/reassembly"
)

// The table finds what a map and a queue find, while entries leave the ring several times
// over and buckets hold several of them.
func TestCopyTable(t *testing.T) {
	type entry struct {
		order int64
		time  time.Time
	}
	var table copyTable
	seen := make(map[string]entry)
	var queue []string
	r := rand.New(rand.NewPCG(1, 2))
	start, found := time.Unix(1e9, 0), 0
	for i := range int64(4 * maxRemembered) {
		payload := []byte{byte(r.IntN(8)), byte(r.IntN(256)), byte(r.IntN(32))} // 65,536 of them
		port := uint16(r.IntN(2))
		m := &Message{
			Ref:     reassembly.Ref{Frame: i + 1, Order: i + 1},
			Time:    start.Add(time.Duration(i) * 10 * time.Microsecond),
			HasTime: true,
			Src:     netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), port),
			Dst:     netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 2}), 5060),
		}
		of, isCopy := table.find(m, payload, 7, 0)
		key := string(payload) + string(rune('0'+port))
		old, known := seen[key]
		want := known && m.Time.Sub(old.time) <= copyWindow
		if isCopy != want || want && of.Order != old.order {
			t.Fatalf("message %d: copy %v of %d, want %v of %d", i, isCopy, of.Order, want, old.order)
		}
		if want {
			found++
			continue
		}
		if seen[key] = (entry{m.Ref.Order, m.Time}); !known {
			if queue = append(queue, key); len(queue) > maxRemembered {
				delete(seen, queue[0])
				queue = queue[1:]
			}
		}
	}
	if found == 0 || len(table.ring) != maxRemembered {
		t.Errorf("%d copies, %d entries", found, len(table.ring))
	}
}

// Messages that differ in one thing alone are not copies of each other.
func TestCopyTableKey(t *testing.T) {
	base := Message{Src: netip.MustParseAddrPort("10.0.0.1:5060"), Dst: netip.MustParseAddrPort("10.0.0.2:5060")}
	keys := make(map[uint64]string)
	var table copyTable
	add := func(what string, m Message, payload string) {
		_, k := table.keys(m.Transport, m.Src, m.Dst, []byte(payload))
		if other, ok := keys[k]; ok {
			t.Errorf("%s and %s have the same key", what, other)
		}
		keys[k] = what
	}
	table.find(&Message{HasTime: true}, nil, 0, 0) // makes the seed
	add("the message", base, "OPTIONS")
	add("payload", base, "OPTIONs")
	add("no payload", base, "")
	m := base
	m.Src, m.Dst = m.Dst, m.Src
	add("the other way", m, "OPTIONS")
	for _, a := range []string{"10.0.0.1:5061", "10.0.0.3:5060", "10.0.1.1:5060", "[2001:db8::1]:5060", "[2001:db8:1::1]:5060", "[::a00:1]:5060"} {
		m = base
		m.Src = netip.MustParseAddrPort(a)
		add("from "+a, m, "OPTIONS")
		m = base
		m.Dst = netip.MustParseAddrPort(a)
		add("to "+a, m, "OPTIONS")
	}
	m = base
	m.Transport = TCP
	add("transport", m, "OPTIONS")
}

// When the numbers of the entries are used up the table begins anew.
func TestCopyTableWraps(t *testing.T) {
	var table copyTable
	order := int64(0)
	find := func(i int) bool {
		order++
		payload := []byte{byte(i), byte(i >> 8), byte(i >> 16)}
		of, isCopy := table.find(&Message{HasTime: true, Time: time.Unix(1e9, 0), Ref: reassembly.Ref{Order: order}}, payload, 1, 0)
		return isCopy && of.Order == order-1
	}
	for i := range maxRemembered + 5 {
		find(i)
	}
	table.last = math.MaxUint32 - 3
	for i := range 2 * maxRemembered {
		if find(1<<20+i) || !find(1<<20+i) {
			t.Fatalf("message %d: its copy is not told from it", i)
		}
	}
}

// The ring grows only for messages that a copy may still follow.
func TestCopyTableGrows(t *testing.T) {
	for _, c := range []struct {
		step time.Duration
		want int
	}{{time.Millisecond, minRemembered}, {copyWindow / minRemembered / 3, 4 * minRemembered}, {0, maxRemembered}} {
		var table copyTable
		for i := range 2 * maxRemembered {
			m := &Message{HasTime: true, Time: time.Unix(1e9, 0).Add(time.Duration(i) * c.step), Ref: reassembly.Ref{Order: int64(i)}}
			table.find(m, []byte{byte(i), byte(i >> 8), byte(i >> 16)}, 1, 0)
		}
		if len(table.ring) != c.want || len(table.links) != c.want {
			t.Errorf("a message each %v: room for %d, want %d", c.step, len(table.ring), c.want)
		}
	}
}
