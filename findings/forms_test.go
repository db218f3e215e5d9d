package findings_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// counted returns how often each rule is told, with which severity and confidence.
func counted(t *testing.T, packets []capgen.Packet) map[string]int {
	list, _ := told(t, packets)
	n := map[string]int{}
	for _, f := range list {
		if f.ID != "capture-quality" { // each form has its own
			n[fmt.Sprintf("%s %s %s", f.ID, f.Severity, f.Confidence)]++
		}
	}
	return n
}

// beside is a call of nobody else in these captures.
const beside = `
A = 10.77.0.1:5060
P = 10.77.0.9:5060
B = 10.77.0.2:5060
0    A > P INVITE id=beside from=sip:n1@beside.example to=sip:n2@beside.example
+.01 P > A 100
+.01 P > B INVITE id=beside
+.01 B > P 100
+.5  B > P 180
+.01 P > A 180
+3   B > P 200
+.01 P > A 200
+.02 A > P ACK id=beside
+.01 P > B ACK id=beside
+19  B > P BYE id=beside by=callee
+.01 P > A BYE id=beside by=callee
+.01 A > P 200
+.01 P > B 200
`

// merged returns packets in the order of their times.
func merged(a, b []capgen.Packet) []capgen.Packet {
	list := slices.Concat(a, b)
	slices.SortStableFunc(list, func(a, b capgen.Packet) int { return a.Time.Compare(b.Time) })
	return list
}

// inHEP returns datagrams of SIP as an agent sends them, nil where there is anything else in packets.
func inHEP(packets []capgen.Packet) (list []capgen.Packet) {
	for _, p := range packets {
		d := p.Data
		isFragment := d[20]&0x3f|d[21] != 0
		if capgen.EtherType(d[14:]) != capgen.TypeIPv4 || d[23] != 17 || isFragment || p.Cut > 0 || !strings.Contains(d, "SIP/2.0") {
			return nil
		}
		flow := capgen.Flow{Src: addrPort(d[26:30], d[34:]), Dst: addrPort(d[30:34], d[36:])}
		h := capgen.HEP{Flow: flow, Proto: 17, Time: p.Time, Payload: d[42:]}
		p.Data = capgen.Ether(capgen.NewFlow("10.99.0.1:9060", "10.99.0.2:9060").UDP(h.V3()))
		list = append(list, p)
	}
	return list
}

// TestForms: every case is told as it is, whatever way its packets came: in a VLAN, captured twice, by an agent, with compact names and
// header fields in another order, and with another call beside it.
func TestForms(t *testing.T) {
	var l capgen.Ladder
	other := l.Packets(beside)
	forms := map[string]func(list []capgen.Packet) []capgen.Packet{
		"in a VLAN": func(list []capgen.Packet) []capgen.Packet {
			list = slices.Clone(list)
			for i := range list {
				list[i].Data = list[i].Data[:12] + "\x81\x00\x00\x07" + list[i].Data[12:]
			}
			return list
		},
		"twice": func(list []capgen.Packet) []capgen.Packet {
			again := slices.Clone(list)
			for i := range again {
				again[i].Time = again[i].Time.Add(60 * time.Microsecond)
			}
			return merged(list, again)
		},
		"beside another call": func(list []capgen.Packet) []capgen.Packet {
			var noise []capgen.Packet
			for _, p := range other {
				p.Time = p.Time.Add(list[0].Time.Sub(other[0].Time) - 3*time.Second)
				if !p.Time.Before(list[0].Time) && !p.Time.After(list[len(list)-1].Time) {
					noise = append(noise, p)
				}
			}
			return merged(list, noise)
		},
	}
	plain, compact := samples(t, "*.txt"), samplesOf(t, "*.txt", capgen.Ladder{Compact: true, Shuffle: true})
	for i, s := range plain {
		want := counted(t, s.packets)
		check := func(form string, packets []capgen.Packet) {
			if got := counted(t, packets); !maps.Equal(got, want) {
				t.Errorf("%s, %s: %v, want %v", s.name, form, got, want)
			}
		}
		for form, change := range forms {
			check(form, change(s.packets))
		}
		if list := inHEP(s.packets); list != nil && !strings.HasPrefix(s.name, "stream-length") { // which is of datagrams
			check("in HEP", list)
		}
		if !strings.HasPrefix(s.name, "udp-too-big") && !strings.HasPrefix(s.name, "capture-quality-fragments") && s.name != "stir-diverted" { // there its size is what matters
			check("compact", compact[i].packets)
		}
	}
}

// acked adds an acknowledgement behind each segment with octets, a millisecond later.
func acked(list []capgen.Packet) (out []capgen.Packet) {
	const ip, tcp, end = 14, 34, 54
	for _, p := range list {
		out = append(out, p)
		d := p.Data
		if d[ip+9] != 6 || len(d) <= end {
			continue
		}
		flow := capgen.Flow{Src: addrPort(d[ip+12:ip+16], d[tcp:]), Dst: addrPort(d[ip+16:ip+20], d[tcp+2:])}
		seq, ack := binary.BigEndian.Uint32([]byte(d[tcp+4:])), binary.BigEndian.Uint32([]byte(d[tcp+8:]))
		p.Time, p.Data = p.Time.Add(time.Millisecond), capgen.Ether(flow.Back().TCP(ack, seq+uint32(len(d)-end), capgen.ACK, ""))
		out = append(out, p)
	}
	return merged(out, nil)
}

// TestStreamLosses: of healthy calls over TCP, of which a capture lacks some segments but not what acknowledges them, nothing is wrong.
func TestStreamLosses(t *testing.T) {
	const tries, most = 40, 4
	for _, s := range samplesOf(t, "healthy-*.txt", capgen.Ladder{TCP: true}) {
		packets := acked(s.packets)
		var sip []int
		for i := range packets {
			if strings.Contains(packets[i].Data, "SIP/2.0") {
				sip = append(sip, i)
			}
		}
		rng := rand.New(rand.NewPCG(19, uint64(len(packets))))
		for n := range tries {
			lost := map[int]bool{}
			for len(lost) < 1+n%most {
				lost[sip[rng.IntN(len(sip))]] = true
			}
			list, _ := told(t, without(packets, func(i int, _, _ string) bool { return lost[i] }))
			for _, f := range list {
				if f.Severity > findings.Note && f.ID != "capture-quality" {
					t.Errorf("%s without %v: %s %v: %s", s.name, slices.Sorted(maps.Keys(lost)), f.ID, f.Frames, f.Observed)
				}
			}
		}
	}
}

// addrPort returns an address and a port as packets have them.
func addrPort(addr, port string) netip.AddrPort {
	a, _ := netip.AddrFromSlice([]byte(addr))
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16([]byte(port)))
}
