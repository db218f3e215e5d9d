package findings_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestHealthy: calls as they should be, over none to three proxies of which some put no Record-Route in, seen everywhere or at
// one host alone, over UDP or TCP, have nothing wrong with them.
func TestHealthy(t *testing.T) {
	t.Parallel()
	seeds := uint64(1000)
	if testing.Short() {
		seeds = 100
	}
	for seed := range seeds {
		w := &walk{Rand: rand.New(rand.NewPCG(seed, 3261)), address: "10.0.0.%s:5060"}
		w.named = w.odds(3)
		ladder := capgen.Ladder{TCP: w.odds(4), Compact: w.odds(4), Shuffle: w.odds(4), IPv6: w.odds(4)}
		if ladder.IPv6 {
			w.address = "[2001:db8::a:0:0:%s]:5060"
		}
		w.call()
		w.pause(40) // what did not come by then never will
		for i, h := range w.hosts[1:] {
			w.say(w.hosts[i], h, "OPTIONS id="+h+"@example")
			w.say(h, w.hosts[i], "200")
		}
		text := w.b.String()
		packets := ladder.Packets(text)
		view := "all hosts"
		if w.odds(2) {
			view = w.hosts[w.IntN(len(w.hosts))]
			packets = slices.DeleteFunc(packets, func(p capgen.Packet) bool { return !touches(p, view, ladder.IPv6) })
		}
		list, _ := told(t, packets)
		for _, f := range list {
			if f.Severity > findings.Note {
				t.Errorf("seed %d, seen at %s: %s %s %v: %s\n%s", seed, view, f.ID, f.Severity, f.Frames, f.Observed, text)
			}
		}
	}
}

// touches reports whether a packet goes from or to a host of a walk.
func touches(p capgen.Packet, host string, ipv6 bool) bool {
	at, n := 26, 4
	if ipv6 {
		at, n = 22, 16
	}
	for range 2 {
		a, _ := netip.AddrFromSlice([]byte(p.Data[at : at+n]))
		if b := a.AsSlice(); fmt.Sprintf("H%d", b[len(b)-1]) == host {
			return true
		}
		at += n
	}
	return false
}

// A walk writes a call as a ladder.
type walk struct {
	*rand.Rand
	b       strings.Builder
	address string   // of a host in a URI, by its number
	named   bool     // proxies have names there, and the first one puts a Record-Route in: behind one with none, a name says nothing
	hosts   []string // H1 is the caller, H2 and so on the proxies, the last one the called phone
	record  []bool   // they put a Record-Route in
}

// odds is true one time in n.
func (w *walk) odds(n int) bool { return w.IntN(n) == 0 }

// uri returns the beginning of the URI of a host, for a user with an @ behind its name, or of a proxy, which may have a name.
func (w *walk) uri(user, host string) string {
	if user == "" && w.named {
		return "<sip:" + host + ".example.com"
	}
	return "<sip:" + user + fmt.Sprintf(w.address, host[1:])
}

// say writes one line, some milliseconds behind the one before, and header fields below it.
func (w *walk) say(from, to, what string, header ...string) {
	fmt.Fprintf(&w.b, "+.0%02d %s > %s %s\n", 1+w.IntN(40), from, to, what)
	for _, h := range header {
		fmt.Fprintf(&w.b, "     %s\n", h)
	}
}

func (w *walk) pause(seconds float64) {
	fmt.Fprintf(&w.b, "+%.3f H1 > H1 ACK unseen id=pause@example\n", seconds)
}

// route returns the hosts that a request of the dialog goes past.
func (w *walk) route(callee bool) (list []string) {
	for i, h := range w.hosts {
		if w.record[i] {
			list = append(list, h)
		}
	}
	if callee {
		slices.Reverse(list)
	}
	return list
}

// recorded returns the Record-Routes that a message has behind the host with a number.
func (w *walk) recorded(behind int) (list []string) {
	for i := behind; i > 0; i-- {
		if w.record[i] && i < len(w.hosts)-1 {
			list = append(list, "Record-Route: "+w.uri("", w.hosts[i])+";lr>")
		}
	}
	return list
}

// contact returns what makes a host the Contact of a message.
func (w *walk) contact(host, user string) []string {
	return []string{"-Contact", "Contact: " + w.uri(user+"@", host) + ">"}
}

// back writes the response to the INVITE.
func (w *walk) back(status string) {
	last := len(w.hosts) - 1
	for i := last; i > 0; i-- {
		w.say(w.hosts[i], w.hosts[i-1], status, append(w.recorded(last-1), w.contact(w.hosts[last], "bob")...)...)
	}
}

// ask writes a request of the dialog, and a response to it but for ACK.
func (w *walk) ask(callee bool, method, response string) {
	path, side := w.route(callee), ""
	if callee {
		side = " by=callee"
	}
	me := w.contact(path[0], map[bool]string{false: "alice", true: "bob"}[callee])
	if method == "ACK" || method == "BYE" {
		me = []string{"-Contact"}
	}
	for i := range path[:len(path)-1] {
		header := me
		for _, h := range path[i+1 : len(path)-1] {
			header = append(slices.Clip(header), "Route: "+w.uri("", h)+";lr>")
		}
		w.say(path[i], path[i+1], method+side, header...)
	}
	if response == "" {
		return
	}
	peer := []string{"-Contact"}
	if method == "INVITE sdp" || method == "UPDATE sdp" {
		peer = w.contact(path[len(path)-1], map[bool]string{true: "alice", false: "bob"}[callee])
	}
	for i := len(path) - 1; i > 0; i-- {
		w.say(path[i], path[i-1], response, peer...)
	}
}

// call writes the whole call.
func (w *walk) call() {
	n := 2 + w.IntN(4)
	for i := range n {
		w.hosts = append(w.hosts, fmt.Sprintf("H%d", i+1))
		w.record = append(w.record, i == 0 || i == n-1 || !w.odds(3) || w.named && i == 1)
		fmt.Fprintf(&w.b, "H%d = 10.0.0.%d:5060\n", i+1, i+1)
	}
	w.b.WriteString("0 H1 > H1 ACK unseen id=pause@example\n")
	for i := range n - 1 {
		w.say(w.hosts[i], w.hosts[i+1], "INVITE sdp", append(w.recorded(i), w.contact("H1", "alice")...)...)
		w.say(w.hosts[i+1], w.hosts[i], "100")
	}
	if !w.odds(4) {
		w.pause(.3)
		w.back("180")
	}
	w.pause(1 + 5*w.Float64())
	if w.odds(4) {
		for i := n - 1; i > 0; i-- {
			w.say(w.hosts[i], w.hosts[i-1], "486")
			w.say(w.hosts[i-1], w.hosts[i], "ACK")
		}
		return
	}
	w.back("200 sdp")
	w.ask(false, "ACK", "")
	for range w.IntN(4) {
		w.pause(1 + 3*w.Float64())
		switch callee := w.odds(2); w.IntN(4) {
		case 0:
			w.ask(callee, "INVITE sdp", "200 sdp")
			w.ask(callee, "ACK", "")
		case 1:
			w.ask(callee, "UPDATE sdp", "200 sdp")
		case 2:
			w.ask(callee, "OPTIONS", "200")
		case 3:
			w.ask(callee, "INFO", "200")
		}
	}
	w.pause(1 + 5*w.Float64())
	w.ask(w.odds(2), "BYE", "200")
}
