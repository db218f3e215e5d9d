package findings

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// parts are what values of Via, Route and Record-Route are made of, and what spoils them.
var parts = []string{
	"SIP/2.0/UDP ", "SIP / 2.0 / TCP", "<sip:", "<sips:", "sip:", "user@", "a;b@", "10.0.0.1", "192.0.2.77", "010.0.0.1", "256.0.0.1", "[2001:db8::1]", "example.com",
	":5060", ":", ":x", ">", ";lr", ";LR", ";lr=on", "; lr", ";lr ", ";lrx", ";maddr=10.0.0.9", "; Maddr=10.0.0.9", ";branch=z9hG4bK1", ";rport", ";x=\"", "\"", ";", ",", "?", "?h=1", "@",
	"\\\"", " ", "\t", "\r\n ", "=", "%", "<", "\"A;lr\" ",
}

// madeOf returns values made of parts, most of them nearly right.
func madeOf(rng *rand.Rand, frames [][]string) []byte {
	list := append([]string(nil), frames[rng.IntN(len(frames))]...)
	for range rng.IntN(4) {
		i, part := rng.IntN(len(list)+1), parts[rng.IntN(len(parts))]
		if i == len(list) || rng.IntN(2) == 0 {
			list = append(list[:i], append([]string{part}, list[i:]...)...)
		} else {
			list[i] = part
		}
	}
	var b []byte
	for _, x := range list {
		b = append(b, x...)
	}
	return b
}

// TestPlain: what is read of a Via or Route at a glance is what is read of it closely.
func TestPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	vias := [][]string{{"SIP/2.0/UDP ", "10.0.0.1", ":5060", ";branch=z9hG4bK1", ";rport"}, {"SIP/2.0/UDP ", "192.0.2.77", ";lr"}}
	routes := [][]string{{"<sip:", "10.0.0.1", ":5060", ";lr", ">"}, {"<sip:", "192.0.2.77", ";lr=on", ";x=", ">", ";y"}}
	plain, fit, source := [2]int{}, 0, netip.MustParseAddr("10.0.0.1")
	for range 200_000 {
		v := bytes.TrimSpace(madeOf(rng, vias))
		if host, ok := plainVia(v); ok {
			plain[0]++
			var m sipmsg.Message
			if err := m.Parse([]byte("OPTIONS sip:a SIP/2.0\r\nVia: " + string(v) + "\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			if via, ok := m.TopVia(); !ok || !bytes.Equal(via.Host, host) || via.MAddr() != nil {
				t.Fatalf("the Via %q has the host %q, and not %q alone", v, via.Host, host)
			}
			if plainlyFits(v, source) {
				fit++
			}
		}
		if plainlyFits(v, source) {
			if host, ok := plainVia(v); !ok || string(host) != source.String() {
				t.Fatalf("the Via %q does not fit %s plainly", v, source)
			}
		}
		v = bytes.TrimSpace(madeOf(rng, routes))
		if host, ok := plainRoute(v); ok {
			plain[1]++
			addr, isAddr := sipmsg.URI{Host: host}.Addr()
			if a, ok := target(v); !isLoose(v) || !bytes.Equal(hostOf(v), host) || ok != isAddr || ok && a.Addr() != addr {
				t.Fatalf("the Route %q leads to %q, loose %v, and not to %q", v, hostOf(v), isLoose(v), host)
			}
		}
	}
	if plain[0] < 10_000 || plain[1] < 10_000 || fit < 10_000 {
		t.Errorf("only %v are plain, %d fit", plain, fit)
	}
}

// TestFaultless: what is faultless at a glance has no fault.
func TestFaultless(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	methods := []string{"INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "REFER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "PRACK", "INFO", ""}
	statuses := []int{0, 100, 180, 200, 202, 302, 401, 405, 407, 420, 421, 422, 423, 486}
	quirks := []sipmsg.Quirks{sipmsg.QuirkMissing, sipmsg.QuirkCSeqMethod, sipmsg.QuirkUnterminated, sipmsg.QuirkContentLengthShort}
	clean := 0
	for range 200_000 {
		m := analysis.Seen{Request: rng.IntN(2) == 0, Method: methods[rng.IntN(len(methods))], OldBranch: rng.IntN(8) == 0, Body: rng.IntN(2), ToTag: uint64(rng.IntN(2))}
		for k := range m.Fields {
			m.Fields[k] = rng.Uint64() | rng.Uint64()
		}
		if !m.Request {
			m.Status = statuses[rng.IntN(len(statuses))]
		}
		if rng.IntN(4) == 0 {
			m.Quirks = quirks[rng.IntN(len(quirks))]
		}
		l := linted{m.Request, m.Method, m.Status, m.Fields, m.Quirks, m.ToTag != 0, m.OldBranch, m.Body}
		if !faultless(&m) {
			continue
		}
		clean++
		if faults := l.check(nil); len(faults) > 0 {
			t.Fatalf("%+v is faultless, and yet %v", l, faults)
		}
	}
	if clean < 10_000 {
		t.Errorf("only %d are faultless", clean)
	}
}

// TestInside: of what has no parameter outside of its URI at a glance, none is found by a close look.
func TestInside(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	frames := [][]string{{"<sip:", "user@", "10.0.0.1", ";lr", ">", ";tag=", "1"}, {"\"A;lr\" ", "<sip:", "example.com", ">"}, {"sip:", "example.com", ";transport=tcp"}}
	parts = append(parts, ";tag=", ";transport=tcp", ";user=phone")
	defer func() { parts = parts[:len(parts)-3] }()
	inside := 0
	for range 100_000 {
		v := bytes.TrimSpace(madeOf(rng, frames))
		for _, id := range []sipmsg.ID{sipmsg.From, sipmsg.Contact} {
			var m sipmsg.Message
			if err := m.Parse([]byte("OPTIONS sip:a SIP/2.0\r\n" + id.String() + ": " + string(v) + "\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			if !areInside(&m, id) {
				continue
			}
			inside++
			for v := range m.Values(id) {
				if p := outsideURI(v); p != "" {
					t.Fatalf("the %s %q has the parameter %s outside of its URI", id, v, p)
				}
			}
		}
	}
	if inside < 10_000 {
		t.Errorf("only %d are seen to be inside", inside)
	}
}

// TestPlainUser: the user of an address that is read at a glance is the one that is read closely.
func TestPlainUser(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	frames := [][]string{{"\"A\" ", "<", "sip:", "user@", "10.0.0.1", ">", ";tag=", "1"}, {"<", "sip:", "a;b@", "example.com", ";lr", ">"}}
	plain := 0
	for range 100_000 {
		v := madeOf(rng, frames)
		user, ok := plainUser(v)
		if !ok {
			continue
		}
		plain++
		if want := sipmsg.ParseURI(sipmsg.ParseAddress(v).URI).User; !bytes.Equal(user, want) {
			t.Fatalf("the user of %q is %q, want %q", v, user, want)
		}
	}
	if plain < 10_000 {
		t.Errorf("only %d are plain", plain)
	}
}
