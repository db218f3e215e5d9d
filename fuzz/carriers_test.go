package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/dissect"
)

var (
	there = capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:5060")
	agent = capgen.NewFlow("198.51.100.1:50000", "198.51.100.2:9060")
	web   = capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:8080")
)

// ipPackets are IP packets of a capture.
func ipPackets(ips ...string) (list []seen) {
	for i, ip := range ips {
		list = append(list, seen{Time: at(i), HasTime: true, LinkType: 101, FCSLen: -1, OrigLen: int64(len(ip)), Data: ip})
	}
	return list
}

// whatAndWhence tells of a message what it is and who sent it to whom how.
func whatAndWhence(m *dissect.Message) string {
	return fmt.Sprintf("%v > %v %v %t %q", m.Src, m.Dst, m.Transport, m.Partial, m.SIP.Raw())
}

// shuffled changes the order of a list as ops say, and says some of it twice.
func shuffled(list []string, ops []byte) []string {
	list = slices.Clone(list)
	for i, op := range ops {
		if len(list) == 0 || i > 200 {
			break
		}
		k := int(op>>1) % len(list)
		if op&1 == 0 {
			list[i%len(list)], list[k] = list[k], list[i%len(list)]
		} else if len(list) < 2000 {
			list = slices.Insert(list, k, list[i%len(list)])
		}
	}
	return list
}

// FuzzFragments: a datagram in fragments of any size, in any order and some of them twice, is
// the datagram that came whole, or nothing of it; for IPv4 and IPv6.
func FuzzFragments(f *testing.F) {
	f.Add([]byte(invite), uint8(1), []byte{})
	f.Add([]byte(ringing), uint8(3), []byte{6, 9, 2, 11, 255, 4})
	f.Add(bytes.Repeat([]byte(invite), 20), uint8(200), []byte{0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte, size uint8, ops []byte) {
		if len(b) > 8<<10 {
			return
		}
		for _, flow := range []capgen.Flow{there, capgen.NewFlow("[2001:db8::1]:40000", "[2001:db8::2]:5060")} {
			whole := flow.UDP(string(b))
			want := found(t, ipPackets(whole), false, whatAndWhence)
			parts := capgen.Fragment(whole, 7, 8*(int(size)+1))
			if got := found(t, ipPackets(parts...), true, whatAndWhence); !slices.Equal(got, want) {
				t.Fatalf("in order %s\nwhole %s", show(got), show(want))
			}
			if got := found(t, ipPackets(shuffled(parts, ops)...), true, whatAndWhence); !slices.Equal(got, want) && !isRepeated(got, want) {
				t.Fatalf("shuffled %s\nwhole %s", show(got), show(want))
			}
		}
	})
}

// isRepeated reports whether got is want, and some of it again: fragments that were captured
// twice may make up a datagram twice.
func isRepeated(got, want []string) bool {
	for _, x := range got {
		if !slices.Contains(want, x) {
			return false
		}
	}
	return len(got) >= len(want)
}

// FuzzWebSocket: messages in frames of any kind, in segments of any length, are the messages
// that were sent; and what comes of any octets does not depend on the segments.
func FuzzWebSocket(f *testing.F) {
	f.Add([]byte(invite), []byte{1, 7, 30}, []byte{200, 10})
	f.Add([]byte(ringing), []byte{0xff, 0x80, 0x40}, []byte{3})
	f.Add([]byte("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), []byte{}, []byte{1})
	f.Add([]byte("\x88\x02\x03\xe8\x81\x05hello\xc1\x01x"), []byte{}, []byte{1, 2})
	f.Add([]byte("0\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), []byte{}, []byte{'0'}) // a length that runs over, behind octets that are none of a frame
	f.Fuzz(func(t *testing.T, b, ops, lengths []byte) {
		if len(b) > 8<<10 || len(ops) > 100 || len(lengths) > 100 {
			return
		}
		ask, answer := capgen.Upgrade(false)
		stream := func(octets string, lengths []byte) []string {
			up, down := &capgen.Stream{Flow: web}, &capgen.Stream{Flow: web.Back()}
			packets := []string{up.SYN(), down.SYN(), up.Send(ask), down.Send(answer)}
			for i, at := 0, 0; at < len(octets); i++ {
				n := min(1400, len(octets)-at)
				if len(lengths) > 0 {
					n = min(n, int(lengths[i%len(lengths)])+1)
				}
				packets = append(packets, up.Send(octets[at:at+n]))
				at += n
			}
			return found(t, ipPackets(packets...), true, whatAndWhence)
		}
		if one, other := stream(string(b), nil), stream(string(b), lengths); !slices.Equal(one, other) {
			t.Fatalf("in large segments %s\nin others %s", show(one), show(other))
		}
		framed := ""
		for i, rest := 0, string(b); ; i++ {
			op := byte(0)
			if len(ops) > 0 {
				op = ops[i%len(ops)]
			}
			n := min(len(rest), int(op)*8+1)
			frame := capgen.WSFrame{Opcode: capgen.WSContinuation, More: n < len(rest), Masked: op&1 == 0, Mask: [4]byte{op, 2, 3, op}, Wide: op&2 != 0, Payload: rest[:n]}
			if i == 0 {
				frame.Opcode = capgen.WSText + op>>2&1
			}
			framed += frame.String()
			if rest = rest[n:]; rest == "" {
				break
			}
			if op&8 != 0 {
				framed += capgen.WSFrame{Opcode: capgen.WSPing, Payload: "ping"}.String()
			}
		}
		got := stream(framed, lengths)
		want := found(t, ipPackets(web.UDP(string(b))), false, whatAndWhence)
		if len(got) != len(want) {
			t.Fatalf("framed %s\nin a datagram %s", show(got), show(want))
		}
		for i := range got {
			if strings.ReplaceAll(got[i], " WS ", " UDP ") != want[i] {
				t.Fatalf("framed %s\nin a datagram %s", show(got[i]), show(want[i]))
			}
		}
	})
}

// FuzzHEP: whatever a packet of HEP holds, a message that is found in it is a part of it; the
// message that was put in is found whatever chunks stand around it, in a datagram and in a
// stream, as that of the flow it was captured on.
func FuzzHEP(f *testing.F) {
	f.Add([]byte(capgen.HEP{Flow: there, Proto: 17, Time: sometime, Payload: invite}.V3()), []byte(ringing), []byte{})
	f.Add([]byte(capgen.HEP{Flow: there, Proto: 6, Time: sometime, Payload: invite}.V2()), []byte(invite), []byte{17, 3, 9, 200})
	f.Add([]byte(capgen.HEP{Flow: there, Proto: 132, Payload: ringing}.V1()), []byte(invite), []byte{0x13, 0})
	f.Add([]byte("HEP3\xff\xff\x00\x00\x00\x01\x00\x05"), []byte("x"), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b, message, chunks []byte) {
		if len(b) > 8<<10 || len(message) > 8<<10 || len(chunks) > 1000 {
			return
		}
		found(t, ipPackets(agent.UDP(string(b))), true, func(m *dissect.Message) string {
			if m.HEP && !bytes.Contains(b, m.SIP.Raw()) && len(m.SIP.Raw()) < len(b) && !bytes.Contains(b, []byte("\x00\x10")) { // 16 is a compressed payload
				t.Fatalf("%q is no part of %q", m.SIP.Raw(), b)
			}
			return ""
		})
		if bytes.HasPrefix(message, []byte("HEP3")) || len(message) > 0 && (message[0] == 1 || message[0] == 2) {
			return // HEP in HEP is none
		}
		var more []string
		for i := 0; i+1 < len(chunks); i += 2 { // of types that are not known, and of another vendor
			more = append(more, capgen.HEPChunk(0x20+int(chunks[i]), strings.Repeat("x", int(chunks[i+1]))), "\x00\x07"+capgen.HEPChunk(15, "other")[2:])
		}
		packet := capgen.HEP{Flow: there, Proto: 17, Time: sometime, Payload: string(message)}.V3(more...)
		if len(packet) > 60000 {
			return
		}
		s := &capgen.Stream{Flow: agent}
		segments := append([]string{s.SYN()}, s.SendAll(packet, 100+len(chunks))...)
		datagram := found(t, ipPackets(agent.UDP(packet)), true, whatAndWhence)
		stream := found(t, ipPackets(segments...), true, whatAndWhence)
		plain := found(t, ipPackets(there.UDP(string(message))), true, whatAndWhence)
		if !slices.Equal(datagram, stream) || !slices.Equal(datagram, plain) {
			t.Fatalf("in a datagram of HEP %s\nin a stream of HEP %s\nplain %s", show(datagram), show(stream), show(plain))
		}
	})
}

// FuzzSCTP: a message in fragments of any size, in any order and some of them twice, among
// other chunks, is the message; and whatever chunks come, messages are parts of them.
func FuzzSCTP(f *testing.F) {
	f.Add([]byte("\x03\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), []byte(invite), uint8(100), []byte{})
	f.Add([]byte("\x00\x03\xff\xff"), []byte(ringing), uint8(9), []byte{2, 5, 250, 77})
	f.Add([]byte("\x00\x03\x00\x00\x00\x02\x00\x10"), []byte(ringing), uint8(0), []byte{1, 1, 1})
	f.Fuzz(func(t *testing.T, chunk, message []byte, size uint8, ops []byte) {
		if len(chunk) > 4<<10 || len(message) > 8<<10 || len(message) == 0 {
			return
		}
		found(t, ipPackets(there.SCTP(7, string(chunk)), there.SCTP(7, string(chunk))), true, func(m *dissect.Message) string {
			if !bytes.Contains(chunk, m.SIP.Raw()) && !m.Partial {
				for _, part := range bytes.Split(m.SIP.Raw(), []byte("\r\n")) { // of fragments that were put together
					if len(part) > 0 && len(part) < 8 && !bytes.Contains(chunk, part) {
						t.Fatalf("%q is no part of %q", m.SIP.Raw(), chunk)
					}
				}
			}
			return ""
		})
		step := max(1, len(message)/60, int(size))
		var packets []string
		for i, n := 0, uint32(0); i < len(message); i, n = i+step, n+1 {
			flags := byte(0)
			if i == 0 {
				flags |= capgen.DataBegin
			}
			if i+step >= len(message) {
				flags |= capgen.DataEnd
			}
			packets = append(packets, there.SCTP(9, "\x03\x00\x00\x04", capgen.Data(flags, 0xfffffff0+n, string(message[i:min(len(message), i+step)]))))
		}
		want := found(t, ipPackets(there.SCTP(8, capgen.Data(capgen.DataWhole, 1, string(message)))), true, whatAndWhence)
		if got := found(t, ipPackets(packets...), true, whatAndWhence); !slices.Equal(got, want) {
			t.Fatalf("in order %s\nwhole %s", show(got), show(want))
		}
		if got := found(t, ipPackets(shuffled(packets, ops)...), true, whatAndWhence); !slices.Equal(got, want) {
			t.Fatalf("shuffled %s\nwhole %s", show(got), show(want))
		}
	})
}
