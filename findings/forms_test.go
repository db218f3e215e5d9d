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

// inHEP returns datagrams of SIP as an agent sends them that got them by a protocol, nil where there is anything else in packets.
func inHEP(packets []capgen.Packet, proto byte) (list []capgen.Packet) {
	for _, p := range packets {
		d := p.Data
		isFragment := d[20]&0x3f|d[21] != 0
		if capgen.EtherType(d[14:]) != capgen.TypeIPv4 || d[23] != capgen.ProtoUDP || isFragment || p.Cut > 0 || !strings.Contains(d, "SIP/2.0") {
			return nil
		}
		flow := capgen.Flow{Src: addrPort(d[26:30], d[34:]), Dst: addrPort(d[30:34], d[36:])}
		h := capgen.HEP{Flow: flow, Proto: proto, Time: p.Time, Payload: d[42:]}
		p.Data = capgen.Ether(capgen.NewFlow("10.99.0.1:9060", "10.99.0.2:9060").UDP(h.V3()))
		list = append(list, p)
	}
	return list
}

// TestForms: every case is told as it is, whatever way its packets came: in a VLAN, captured twice, by an agent, with compact names and
// header fields in another order, and with another call beside it.
func TestForms(t *testing.T) {
	t.Parallel()
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
	plain, compact := fewer(samples(t, "*.txt")), fewer(samplesOf(t, "*.txt", capgen.Ladder{Compact: true, Shuffle: true}))
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
		if list := inHEP(s.packets, 17); list != nil && !strings.HasPrefix(s.name, "stream-length") { // which is of datagrams
			check("in HEP", list)
		}
		if !strings.HasPrefix(s.name, "udp-too-big") && !strings.HasPrefix(s.name, "capture-quality-fragments") && s.name != "stir-diverted" && s.name != "auth-ignored-cut" { // there its size is what matters
			check("compact", compact[i].packets)
		}
	}
}

// headers is the length of the headers of Ethernet, IPv4 and TCP.
const headers = 54

// segments cuts segments in several, at random.
func segments(list []capgen.Packet, rng *rand.Rand) (out []capgen.Packet) {
	for _, p := range list {
		d := p.Data
		if d[23] != capgen.ProtoTCP || len(d) <= headers {
			out = append(out, p)
			continue
		}
		flow := capgen.Flow{Src: addrPort(d[26:30], d[34:]), Dst: addrPort(d[30:34], d[36:])}
		seq, ack := binary.BigEndian.Uint32([]byte(d[38:])), binary.BigEndian.Uint32([]byte(d[42:]))
		for text := d[headers:]; text != ""; {
			n := min(len(text), 1+rng.IntN(300))
			p.Data = capgen.Ether(flow.TCP(seq, ack, capgen.PSH|capgen.ACK, text[:n]))
			out = append(out, p)
			p.Time = p.Time.Add(100 * time.Microsecond)
			text, seq = text[n:], seq+uint32(n)
		}
	}
	return merged(out, nil)
}

// acked adds an acknowledgement behind each segment with octets, a millisecond later.
func acked(list []capgen.Packet) (out []capgen.Packet) {
	for _, p := range list {
		out = append(out, p)
		d := p.Data
		if d[23] != capgen.ProtoTCP || len(d) <= headers {
			continue
		}
		flow := capgen.Flow{Src: addrPort(d[26:30], d[34:]), Dst: addrPort(d[30:34], d[36:])}
		seq, ack := binary.BigEndian.Uint32([]byte(d[38:])), binary.BigEndian.Uint32([]byte(d[42:]))
		p.Cut, p.Time, p.Data = 0, p.Time.Add(time.Millisecond), capgen.Ether(flow.Back().TCP(ack, seq+uint32(len(d)-headers), capgen.ACK, ""))
		out = append(out, p)
	}
	return merged(out, nil)
}

// TestStreamLosses: of healthy calls over TCP, of which a capture lacks some segments, each a message or a part of one, but not what
// acknowledges them, nothing is wrong.
func TestStreamLosses(t *testing.T) {
	t.Parallel()
	const tries, most = 60, 5
	for _, s := range samplesOf(t, "healthy-*.txt", capgen.Ladder{TCP: true}) {
		rng := rand.New(rand.NewPCG(19, uint64(len(s.packets))))
		whole, segmented := acked(s.packets), acked(segments(s.packets, rng))
		for n := range 2 * tries {
			packets := whole
			if n >= tries {
				packets = segmented
			}
			var sip []int
			for i := range packets {
				if len(packets[i].Data) > headers {
					sip = append(sip, i)
				}
			}
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

// TestKeepalivesBesideStream: what a capture lacks of a connection is no answer to OPTIONS over UDP between the same hosts.
func TestKeepalivesBesideStream(t *testing.T) {
	const hosts = "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n"
	asks := new(capgen.Ladder).Packets(hosts + `
		0    A > B OPTIONS new id=o1
		+.1  B > A 200
		10   A > B OPTIONS new id=o2
		20   A > B OPTIONS new id=o3
		30   A > B OPTIONS new id=o4
		90   A > B OPTIONS new id=o5
		+.1  B > A 200`)
	texts := (&capgen.Ladder{TCP: true}).Packets(hosts + `
		0    A > B MESSAGE new id=m1
		+.1  B > A 200
		25   A > B MESSAGE new id=m2
		+.1  B > A 200 unseen
		40   A > B MESSAGE new id=m3
		+.1  B > A 200`)
	list, _ := told(t, merged(asks, texts))
	if !slices.ContainsFunc(list, func(f *findings.Finding) bool { return f.ID == "keepalive-lost" && f.Severity == findings.Warning }) {
		t.Errorf("keepalive-lost is no warning: %v", list)
	}
}

// addrPort returns an address and a port as packets have them.
func addrPort(addr, port string) netip.AddrPort {
	a, _ := netip.AddrFromSlice([]byte(addr))
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16([]byte(port)))
}
