package findings

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
)

// A maker makes captures of calls that no ladder would draw: their messages are most of them as they
// should be, and some have any fault that a rule looks for.
type maker struct {
	*rand.Rand
	hosts []netip.AddrPort
	now   time.Time
	list  []capgen.Packet
}

// odd is true one time in n.
func (m *maker) odd(n int) bool { return m.IntN(n) == 0 }

func pick[T any](m *maker, list ...T) T { return list[m.IntN(len(list))] }

// madeCapture returns a capture of one to three legs.
func madeCapture(rng *rand.Rand) []byte {
	m := &maker{Rand: rng, now: capgen.Start}
	for _, s := range []string{"10.0.0.1:5060", "10.0.0.9:5060", "10.0.0.2:5060", "10.0.0.3:5060", "192.0.2.7:5060", "10.0.0.9:5070"} {
		m.hosts = append(m.hosts, netip.MustParseAddrPort(s))
	}
	if m.odd(4) {
		m.Shuffle(len(m.hosts), func(i, j int) { m.hosts[i], m.hosts[j] = m.hosts[j], m.hosts[i] })
	}
	if m.odd(6) {
		m.hosts[3] = netip.MustParseAddrPort("8.8.8.8:5060")
	}
	for n := range 1 + m.IntN(3) {
		m.call(fmt.Sprintf("c%d@made", n))
	}
	return capgen.Pcap(m.list)
}

// A made is one request with its way.
type made struct {
	id, method, from, to string
	cseq                 int
	way                  []int // hosts
}

// call makes a leg: requests along a chain of hosts, each with what answers it.
func (m *maker) call(id string) {
	way := []int{0, 1, 2, 3}[:2+m.IntN(3)]
	if m.odd(8) {
		way = []int{0, 1, pick(m, 0, 1, 5), 2}
	}
	back := append([]int(nil), way...)
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	cseq := 1
	m.pass(&made{id, "INVITE", "a", "", cseq, way}, pick(m, 200, 200, 200, 404, 422, 407, 302, 0))
	for range m.IntN(7) {
		x := made{id, pick(m, "BYE", "INVITE", "UPDATE", "INFO", "REFER", "NOTIFY", "CANCEL", "OPTIONS", "PRACK"), "a", "b", cseq, way}
		switch m.IntN(3) {
		case 0:
			x.from, x.to, x.way = "b", "a", back
		case 1:
			cseq++
			x.cseq = cseq
		}
		if m.odd(5) {
			x.to = pick(m, "", "c")
		}
		if m.odd(30) {
			for range 20 { // a call that goes on
				m.pass(&x, 200)
				x.cseq++
			}
		}
		m.pass(&x, pick(m, 200, 200, 200, 481, 482, 483, 491, 488, 405, 0))
	}
}

// pass makes the messages of a request and of its response, hop by hop.
func (m *maker) pass(x *made, status int) {
	var there, back []func()
	left := pick(m, 70, 70, 70, 3, 0, 71)
	for i := range len(x.way) - 1 {
		src, dst := m.hosts[x.way[i]], m.hosts[x.way[i+1]]
		branch := fmt.Sprintf("z9hG4bK%d-%s-%d-%d", i, x.method, x.cseq, m.IntN(3))
		if !m.odd(10) {
			left--
		}
		request := m.message(x, i, fmt.Sprintf("%s sip:bob@10.0.0.2 SIP/2.0", x.method), branch, x.method, src, left)
		there = append(there, func() { m.send(src, dst, request) })
		if m.odd(12) {
			there = append(there, func() { m.send(src, dst, request) })
		}
		if status == 0 {
			continue
		}
		code := status
		if m.odd(10) {
			code = pick(m, 100, 180, 183, 200, 486, 603)
		}
		method := x.method
		if m.odd(25) {
			method = "SUBSCRIBE"
		}
		y := *x
		if y.to == "" && !m.odd(6) {
			y.to = pick(m, "b", "b", "b", "d")
		}
		response := m.message(&y, i, fmt.Sprintf("SIP/2.0 %d Said", code), branch, method, src, -1)
		back = append([]func(){func() { m.send(dst, src, response) }}, back...)
		if x.method == "INVITE" && !m.odd(4) {
			ack := m.message(&y, i, "ACK sip:bob@10.0.0.2 SIP/2.0", branch, "ACK", src, left)
			back = append(back, func() { m.send(src, dst, ack) })
		}
	}
	all := append(there, back...)
	if m.odd(4) {
		i, j := m.IntN(len(all)), m.IntN(len(all))
		all[i], all[j] = all[j], all[i]
	}
	for _, send := range all {
		if !m.odd(15) {
			send()
		}
	}
}

func (m *maker) send(src, dst netip.AddrPort, text string) {
	m.now = m.now.Add(pick(m, time.Millisecond, 20*time.Millisecond, 500*time.Millisecond, 3*time.Second))
	if m.odd(60) {
		m.now = m.now.Add(pick(m, 40*time.Second, 70*time.Second))
	}
	m.list = append(m.list, capgen.Packet{Time: m.now, Link: 1, Data: capgen.Ether(capgen.Flow{Src: src, Dst: dst}.UDP(text))})
}

// message makes a message as it goes over hop i. left is its Max-Forwards, -1 for a response.
func (m *maker) message(x *made, i int, start, branch, method string, src netip.AddrPort, left int) string {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\r\n", a...) }
	line("%s", start)
	top := pick(m, src.String(), src.String(), src.String(), src.String(), src.String()+";maddr=10.0.0.1", "10.7.7.7", "phone.example")
	if left < 0 || !m.odd(3) {
		top = src.String()
	}
	line("Via: SIP/2.0/UDP %s;branch=%s;rport", top, branch)
	vias := i
	if m.odd(15) {
		vias++
	}
	for n := range vias {
		line("Via: SIP/2.0/UDP %s;branch=z9hG4bKv%d", m.hosts[x.way[n]], n)
	}
	if left >= 0 && !m.odd(20) {
		line("Max-Forwards: %d", left)
	}
	tag := func(t string) string {
		if t == "" {
			return ""
		}
		return ";tag=" + t
	}
	line("From: <sip:+49301234567@made>%s%s", tag(x.from), pick(m, "", "", "", "", "", "", ";user=phone"))
	line("To: <sip:bob@made>%s", tag(x.to))
	line("Call-ID: %s", x.id)
	line("CSeq: %d %s", x.cseq, method)
	if !m.odd(15) {
		line("Contact: <sip:x@%s%s>", pick(m, "10.0.0.1", "10.0.0.1", "10.0.0.1", "host.invalid", "192.0.2.7"), pick(m, "", ">;x=1<"))
	}
	proxy := m.hosts[x.way[min(1, len(x.way)-1)]]
	for range pick(m, 0, 1, 1, 2) {
		if left < 0 {
			line("Record-Route: <sip:%s%s>", pick(m, proxy.Addr().String(), proxy.String(), "10.9.9.9", "P.example"), pick(m, ";lr", ";lr", ";lr", ";lr=on;d=1", ""))
		} else if x.to != "" {
			line("Route: <sip:%s%s>", pick(m, proxy.Addr().String(), proxy.String(), "10.9.9.9", "P.example"), pick(m, ";lr", ";lr", ";lr", ";lr=on;d=1", ""))
		}
	}
	for _, s := range []string{"Reason: Q.850;cause=16", "Replaces: z;to-tag=a;from-tag=b", "Diversion: <sip:y@made>;counter=9", "RSeq: 1\r\nRequire: 100rel", "Warning: 304 x \"y\"", "Identity: x",
		"P-Asserted-Identity: <sip:+49309999999@made>", "P-Asserted-Identity: <sip:+49301234567@made>", "Session-Expires: 90", "Session-Expires: 1800", "Min-SE: 900"} {
		if m.odd(12) {
			line("%s", s)
		}
	}
	m.body(line, method)
	return b.String()
}

// body ends a message, with a session description if it is of an offer or an answer.
func (m *maker) body(line func(string, ...any), method string) {
	if method != "INVITE" && method != "UPDATE" || m.odd(4) {
		line("Content-Length: 0")
		line("")
		return
	}
	body := "v=0\r\no=- 1 " + pick(m, "1", "2") + " IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n" + pick(m,
		"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n", "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		"m=audio 4000 RTP/AVP 0\r\n", "m=audio 4000 RTP/SAVP 8\r\n", "m=audio 4000 RTP/AVP 8\r\na=sendonly\r\n", "m=image 4000 udptl t38\r\n")
	if !m.odd(15) {
		line("Content-Type: application/sdp")
	}
	line("Content-Length: %d", len(body))
	line("")
	line("%s", strings.TrimSuffix(body, "\r\n"))
}
