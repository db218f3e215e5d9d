package dissect_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// lawMessages are what the laws are tried with: with and without bodies, and with a start
// line in a body.
func lawMessages() []string {
	frag := "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/TCP x\r\nCall-ID: inner\r\n\r\n"
	notify := strings.Replace(request("NOTIFY", "n@h", 0), "Content-Length: 0\r\n\r\n", "Content-Type: message/sipfrag\r\nContent-Length: "+itoa(len(frag))+"\r\n\r\n"+frag, 1)
	return []string{request("INVITE", "c1@h", 333), request("OPTIONS", "c2@h", 0), notify, request("MESSAGE", "c3@h", 17), request("BYE", "c4@h", 0)}
}

// same checks that the octets of messages are those, in order.
func same(t *testing.T, what string, packets []capgen.Packet, want []string) {
	t.Helper()
	r := dissected(t, packets)
	if !slices.Equal(r.raw, want) {
		t.Fatalf("%s: %d messages, want %d\n\t%s", what, len(r.raw), len(want), strings.Join(r.list, "\n\t"))
	}
	for _, s := range r.list {
		if strings.Contains(s, "partial") || strings.Contains(s, "copy") {
			t.Fatalf("%s: %s", what, s)
		}
	}
}

// TestLawCut: a stream is the same messages wherever it is cut into segments.
func TestLawCut(t *testing.T) {
	messages := lawMessages()
	stream := strings.Join(messages, "")
	for _, f := range []capgen.Flow{flow4, odd} {
		for n := 1; n < len(stream); n++ {
			there, _, packets := connection(f)
			packets = append(packets, there.Send(stream[:n]), there.Send(stream[n:]))
			same(t, "cut at "+itoa(n), packetsOf(packets...), messages)
		}
		for _, size := range []int{1, 2, 3, 7, 50, 536, 1460} {
			there, _, packets := connection(f)
			same(t, "segments of "+itoa(size), packetsOf(append(packets, there.SendAll(stream, size)...)...), messages)
		}
	}
}

// TestLawMidstream: a capture that begins in the middle of a connection has all messages that begin behind
// that, whatever the port, but for one whose start line is cut before anything was known to be SIP.
func TestLawMidstream(t *testing.T) {
	for _, f := range []capgen.Flow{flow4, odd} {
		body := 333
		if f == odd {
			body = 330 // ends with a line end
		}
		m := []string{request("INVITE", "c1@h", body), request("OPTIONS", "c2@h", 0), request("BYE", "c3@h", 0), request("MESSAGE", "c4@h", 20)}
		messages := []string{m[0], m[1], m[2], m[3], m[0], m[1]}
		stream := strings.Join(messages, "")
		for n := 1; n < len(m[0])+len(m[1]); n++ {
			want, at := messages, 0
			for at < n {
				at, want = at+len(want[0]), want[1:]
			}
			cut := (at-n)/400 != (at-n+strings.IndexByte(want[0], '\n'))/400
			there := &capgen.Stream{Flow: f, Seq: 1000}
			got := dissected(t, packetsOf(there.SendAll(stream[n:], 400)...)).raw
			if cut && f == odd && len(got) >= len(want)-1 {
				got, want = got[len(got)-len(want)+1:], want[1:]
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%v, from octet %d on: %q, want %q", f.Dst, n, got, want)
			}
		}
	}
}

// TestLawShuffle: and in whatever order they come, also twice, with FIN and RST among them.
func TestLawShuffle(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	messages := lawMessages()
	stream := strings.Join(messages, "")
	for round := range 300 {
		there, _, handshake := connection([]capgen.Flow{flow4, odd, flow6}[round%3])
		var segments []string
		for at := 0; at < len(stream); {
			n := min(1+r.IntN(300), len(stream)-at)
			segments = append(segments, there.Send(stream[at:at+n]))
			at += n
		}
		if round%2 == 0 {
			segments = append(segments, there.FIN())
		}
		if round%3 == 0 {
			segments = append(segments, segments[r.IntN(len(segments))])
		}
		r.Shuffle(len(segments), func(i, j int) { segments[i], segments[j] = segments[j], segments[i] })
		got := dissected(t, packetsOf(append(handshake, segments...)...))
		slices.Sort(got.raw) // the order is that of their completion
		want := slices.Sorted(slices.Values(messages))
		if !slices.Equal(got.raw, want) {
			t.Fatalf("round %d: %s", round, strings.Join(got.list, "\n"))
		}
	}
}

// TestLawFragments: a datagram is the same message in whatever fragments, of either version
// of IP, and a segment likewise.
func TestLawFragments(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, m := range lawMessages() {
		for size := 8; size < len(m)+16; size += 8 {
			for _, f := range []capgen.Flow{flow4, flow6} {
				parts := capgen.Fragment(f.UDP(m), uint32(size), size)
				same(t, "UDP", packetsOf(parts...), []string{m})
				r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				same(t, "UDP, shuffled", packetsOf(parts...), []string{m})
				there, _, handshake := connection(f)
				same(t, "TCP", packetsOf(append(handshake, capgen.Fragment(there.Send(m), uint32(size), size)...)...), []string{m})
			}
		}
	}
}

// TestLawCarriers: the same messages are the same whatever carries them, in all that packets
// are carried in and on every link layer.
func TestLawCarriers(t *testing.T) {
	messages := lawMessages()
	for _, f := range []capgen.Flow{flow4, flow6} {
		var udp, sctp, fragments []string
		there, _, tcp := connection(f)
		for i, m := range messages {
			udp = append(udp, f.UDP(m))
			tcp = append(tcp, there.Send(m))
			sctp = append(sctp, f.SCTP(7, capgen.Data(capgen.DataWhole, uint32(i), m)))
			fragments = append(fragments, capgen.Fragment(f.UDP(m), uint32(i+1), 104)...)
		}
		there, here, ws := connection(capgen.Flow{Src: f.Src, Dst: odd.Dst})
		if !f.Src.Addr().Is4() {
			there, here, ws = connection(capgen.NewFlow("[2001:db8::1]:40000", "[2001:db8::2]:8080"))
		}
		ask, answer := capgen.Upgrade(false)
		ws = append(ws, there.Send(ask), here.Send(answer))
		for _, m := range messages {
			ws = append(ws, there.Send(frame(true, m)))
		}
		for _, c := range []struct {
			name    string
			packets []string
		}{{"UDP", udp}, {"TCP", tcp}, {"WebSocket", ws}, {"SCTP", sctp}, {"fragments", fragments}} {
			same(t, c.name, packetsOf(c.packets...), messages)
			wrapped := func(link uint16, wrap func(string) string) (list []capgen.Packet) {
				for _, p := range c.packets {
					list = append(list, capgen.Packets(link, wrap(p))...)
				}
				return list
			}
			for _, tunnel := range capgen.Tunnels() {
				if c.name == "fragments" && (tunnel.Name == "authentication header" || strings.HasPrefix(tunnel.Name, "ESP")) {
					continue // they would stand behind the fragment header
				}
				if strings.HasPrefix(tunnel.Name, "ESP") && c.name == "SCTP" {
					continue // only UDP, TCP and IP are looked for in it
				}
				same(t, c.name+" in "+tunnel.Name, wrapped(tunnel.Link, tunnel.Wrap), messages)
			}
			for _, link := range capgen.Links() {
				same(t, c.name+" on "+link.Name, wrapped(link.Type, link.Wrap), messages)
			}
		}
	}
}

// TestLawTunnelFragments: the packets that carry others may come in fragments.
func TestLawTunnelFragments(t *testing.T) {
	m := lawMessages()[0]
	for _, tunnel := range capgen.Tunnels() {
		if tunnel.Link != 101 || tunnel.Note == "" || tunnel.Note == "esp" {
			continue
		}
		for _, f := range []capgen.Flow{flow4, flow6} {
			same(t, tunnel.Name, packetsOf(capgen.Fragment(tunnel.Wrap(f.UDP(m)), 9, 200)...), []string{m})
			var twice []string // fragments of a datagram whose carriers come in fragments
			for i, p := range capgen.Fragment(f.UDP(m), 5, 160) {
				twice = append(twice, capgen.Fragment(tunnel.Wrap(p), uint32(100+i), 96)...)
			}
			same(t, tunnel.Name+", twice", packetsOf(twice...), []string{m})
			var frames []string // all of them carry it
			for i := range twice {
				frames = append(frames, strconv.Itoa(i+1))
			}
			if got := dissected(t, packetsOf(twice...)).list; len(got) != 1 || !strings.Contains(got[0], "["+strings.Join(frames, " ")+"]") {
				t.Errorf("%s: %q, in %d packets", tunnel.Name, got, len(twice))
			}
		}
	}
}

// TestLawPrefix: the first packets of a capture give the first messages of the whole, but
// for one at the end of a stream.
func TestLawPrefix(t *testing.T) {
	messages := lawMessages()
	there, here, packets := connection(flow4)
	for i, m := range messages {
		packets = append(packets, there.SendAll(m, 90)...)
		packets = append(packets, here.Send(response("r"+itoa(i))), odd.UDP(request("INFO", "u"+itoa(i), 5)))
	}
	whole := dissected(t, packetsOf(packets...)).raw
	for n := range packets {
		got := dissected(t, packetsOf(packets[:n]...))
		k := len(got.raw)
		if k > 0 && strings.Contains(got.list[k-1], "partial") {
			k--
		}
		if k > len(whole) || !slices.Equal(got.raw[:k], whole[:k]) {
			t.Fatalf("%d packets: %q", n, got.list)
		}
	}
}
