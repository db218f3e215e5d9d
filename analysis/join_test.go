package analysis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestJoinOutOfOrder: where the capture holds a response to the further leg before its
// INVITE, the call begins with that leg, and both are one call all the same.
func TestJoinOutOfOrder(t *testing.T) {
	l := capgen.Ladder{}
	p := l.Packets(hosts + `
		0   P > B INVITE id=0123456789ab@h-b2b_1 fwd=no
		0.1 B > P 100
		0.2 A > P INVITE id=0123456789ab@h`)
	p[0].Time = p[2].Time.Add(1)
	p[0], p[1], p[2] = p[1], p[2], p[0]
	res := run(t, capgen.Pcap(p))
	if res.Calls.Len() != 1 || len(res.Calls.At(0).Legs) != 2 {
		t.Fatalf("%d calls", res.Calls.Len())
	}
	legs := res.Calls.At(0).Legs
	if legs[0].CallID != "0123456789ab@h-b2b_1" || legs[0].Joins != nil || len(legs[1].Joins) != 1 || legs[1].Joins[0].With != legs[0].CallID {
		t.Errorf("%s: %v, %s: %v", legs[0].CallID, legs[0].Joins, legs[1].CallID, legs[1].Joins)
	}
}

// TestFirstHopLate: where the INVITE of a further hop is captured first, the call still begins where the one
// with the fewest Vias does, and is not taken for one that the proxy made.
func TestFirstHopLate(t *testing.T) {
	l := capgen.Ladder{}
	p := l.Packets(hosts + `
		0    A > P INVITE sdp
		0.1  A > P INVITE id=c2@x sdp to=sip:carol@example.com
		0.2  P > B INVITE id=c2@x sdp
		1    B > P 200 id=c2@x sdp m=5000
		1.1  P > A 200 id=c1@example sdp m=5000`)
	p[1], p[2] = p[2], p[1]
	p[1].Time, p[2].Time = p[2].Time, p[1].Time
	res := run(t, capgen.Pcap(p))
	if res.Calls.Len() != 2 {
		t.Fatal(describe(res.Calls.At(0)))
	}
	if l := res.Calls.At(1).First(); l.Source.String() != "10.0.0.1:5060" || l.Destination.String() != "10.0.0.9:5060" {
		t.Errorf("from %s to %s", l.Source, l.Destination)
	}
}

// TestApart: calls that have something in common, and are calls of their own all the same.
func TestApart(t *testing.T) {
	for _, tt := range []struct {
		name, ladder string
		calls        int
	}{
		{"one caller says the same in X-Call-ID every time", `
			0    A > B INVITE
				X-Call-ID: constant
			0.1  A > B INVITE id=c2@x
				X-Call-ID: constant
			0.2  A > C INVITE id=c3@x to=sip:carol@example.com
				X-Call-ID: constant`, 3},
		{"two callers say the same in X-Call-ID", `
			0    A > P INVITE
				X-Call-ID: constant
			0.1  C > P INVITE id=c2@x from=sip:carol@example.com
				X-Call-ID: constant`, 2},
		{"two calls in reply to one that is not in the capture", `
			0    A > P INVITE
				In-Reply-To: other@x
			0.1  C > P INVITE id=c2@x from=sip:carol@example.com
				In-Reply-To: other@x`, 2},
		{"two hosts try the same numbers at two servers, and are refused alike", `
			0    A > B INVITE
			0.1  C > D INVITE id=c2@x
			0.5  D > C 404
			0.6  B > A 404 id=c1@example`, 2},
		{"two instances of a test tool with its own session id", `
			0    A > P INVITE sdp o=53655765/1 c=10.0.0.1
			0.1  C > P INVITE id=c2@x sdp o=53655765/1 from=sip:carol@example.com
			1    P > C 200 id=c2@x
			1.1  P > A 200 id=c1@example
			5    A > P BYE id=c1@example
			5.1  C > P BYE id=c2@x`, 2},
		{"one session id at two addresses", `
			0    A > P INVITE sdp o=123456789/1
			0.1  C > P INVITE id=c2@x sdp o=123456789/1 from=sip:carol@example.com
			1    P > C 200 id=c2@x
			1.1  P > A 200 id=c1@example
			5    A > P BYE id=c1@example
			5.1  C > P BYE id=c2@x`, 2},
		{"Call-IDs with the date in front and one host behind", `
			0    A > P INVITE id=20240101-120000-1@sbc.example.com
			0.1  P > B INVITE id=20240101-120000-2@sbc.example.com fwd=no from=sip:x@h to=sip:y@h`, 2},
		{"the leg before has ended", `
			0    A > P INVITE id=0123456789ab@h
			0.1  P > A 486
			1    P > B INVITE id=0123456789ab@h-2 fwd=no`, 2},
		{"a call that takes over from another one", `
			0    A > B INVITE
			1    B > A 200
			1.1  A > B ACK
			5    C > B INVITE id=c2@x from=sip:carol@example.com
				Replaces: c1@example;to-tag=b-c1-example;from-tag=a-c1-example
			6    B > C 200
			6.1  B > A BYE id=c1@example by=callee`, 2},
		{"one caller, two calls to two phones through one server that passes neither on", `
			0    A > P INVITE
			0.1  A:5070 > P INVITE id=c2@x to=sip:carol@example.com
			1    P > A:5070 200 id=c2@x
			1.1  P > A 200 id=c1@example
			5    A > P BYE id=c1@example
			5.1  A:5070 > P BYE id=c2@x`, 2},
		{"two callers of one number, two legs that could be of either", `
			0    A > P INVITE from=sip:215@p to=sip:90891234567@p
			0.1  C > P INVITE id=c2@p from=sip:216@p to=sip:90891234567@p
			0.2  P > B INVITE id=c3@p fwd=no from=sip:+498999999@p to=sip:+49891234567@b
			0.3  P > B INVITE id=c4@p fwd=no from=sip:+498999999@p to=sip:+49891234567@b
			1    B > P 200 id=c3@p
			1    B > P 200 id=c4@p
			1.1  P > A 200 id=c1@example
			1.1  P > C 200 id=c2@p`, 4},
		{"one tag for all calls", `
			0    A > P INVITE ft=12345678
			0.1  A > P INVITE id=c2@x ft=12345678 to=sip:carol@example.com
			0.2  C > B INVITE id=c3@x ft=12345678 from=sip:dave@example.com
			1    B > C 486 id=c3@x
			1.1  P > A 486 id=c2@x
			1.2  P > A 486 id=c1@example`, 3},
		{"one medium offered in two calls that are answered with different ones", `
			0    A > P INVITE sdp c=10.0.0.7 m=4000
			1    C > B INVITE id=c2@x sdp c=10.0.0.7 m=4000 from=sip:carol@example.com to=sip:dave@example.com
			2    B > C 200 id=c2@x sdp m=5000
			2.1  P > A 200 id=c1@example sdp m=6000
			8    A > P BYE id=c1@example
			8.1  C > B BYE id=c2@x`, 2},
		{"two callers of one name give up at once, and so does one of two legs behind", `
			0    A > P INVITE from=sip:215@p to=sip:700@p
			0    C > P INVITE id=c3@x new from=sip:215@p to=sip:700@p
			+.01 P > B INVITE id=c2@p fwd=no from=sip:215@p to=sip:bob@b
			5    A > P CANCEL id=c1@example
			+.01 P > A 487 of=INVITE
			+.01 C > P CANCEL id=c3@x
			+.01 P > C 487 of=INVITE
			+.01 P > B CANCEL id=c2@p
			+.01 B > P 487 of=INVITE`, 3},
		{"a caller gives up, and what the exchange called did so before", `
			0    A > P INVITE from=sip:215@p to=sip:700@p
			+.01 P > B INVITE id=c2@p fwd=no from=sip:215@p to=sip:bob@b
			5    P > B CANCEL id=c2@p
			+.01 B > P 487 of=INVITE
			9    A > P CANCEL id=c1@example
			+.01 P > A 487 of=INVITE`, 2},
		{"a contact that is registered for two", `
			0    B > P REGISTER id=r from=sip:bob@p to=sip:bob@p
				-Contact
				Contact: <sip:line@10.0.0.2:5060>
			+.01 P > B 200
				-Contact
				Contact: <sip:line@10.0.0.2:5060>;expires=60
			1    B > P REGISTER id=r2 from=sip:carol@p to=sip:carol@p
				-Contact
				Contact: <sip:line@10.0.0.2:5060>
			+.01 P > B 200
				-Contact
				Contact: <sip:line@10.0.0.2:5060>;expires=60
			5    A > P INVITE id=c1@example from=sip:alice@p to=sip:bob@p
			+.01 P > B INVITE id=c2@p fwd=no from=sip:alice@p to=sip:line@10.0.0.2
			+2   B > P 200
			+.01 P > A 200 id=c1@example
			9    A > P BYE id=c1@example
			15   P > B BYE id=c2@p`, 2},
		{"a contact that is named as another user is", `
			0    C > P REGISTER id=r from=sip:1000@p to=sip:1000@p
				-Contact
				Contact: <sip:1000@10.0.0.3:5060>
			+.01 P > C 200
				-Contact
				Contact: <sip:1000@10.0.0.3:5060>;expires=60
			1    B > P REGISTER id=r2 from=sip:bob@p to=sip:bob@p
				-Contact
				Contact: <sip:1000@10.0.0.2:5060>
			+.01 P > B 200
				-Contact
				Contact: <sip:1000@10.0.0.2:5060>;expires=60
			5    A > P INVITE id=c1@example from=sip:alice@p to=sip:bob@p
			+.01 P > C INVITE id=c2@p fwd=no from=sip:alice@p to=sip:1000@10.0.0.3
			+2   C > P 200
			+.01 P > A 200 id=c1@example
			9    A > P BYE id=c1@example
			15   P > C BYE id=c2@p`, 2},
		{"the same users, long after", `
			0    A > P INVITE
			60   P > B INVITE id=c2@p fwd=no`, 2},
	} {
		t.Run(tt.name, func(t *testing.T) { comesTo(t, tt.ladder, tt.calls) })
	}
}

// TestTogether: legs that are one call, however many and in whatever way they hang together.
func TestTogether(t *testing.T) {
	for _, tt := range []struct{ name, ladder string }{
		{"the header field that names the other Call-ID comes first", `
			0    A > P INVITE
				P-Orig-Call-ID: c2@p
			5    P > B INVITE id=c2@p fwd=no from=sip:gateway@p to=sip:other@b`},
		{"two legs name a third one that is not in the capture", `
			0    A > P INVITE
				X-Call-ID: other@x
			0.1  P > B INVITE id=c2@p fwd=no from=sip:x@p to=sip:y@b
				X-Call-ID: other@x`},
		{"one description passed on unchanged", `
			0    A > P INVITE sdp o=123456789/1 c=10.0.0.1
			0.1  P > B INVITE id=c2@p fwd=no sdp o=123456789/1 c=10.0.0.1 from=sip:x@p to=sip:y@b
				-Contact`},
		{"one medium offered, and one that answers, passed on for media to go directly", `
			0    A > P INVITE sdp c=10.0.0.7 m=4000
			1    C > B INVITE id=c2@x sdp c=10.0.0.7 m=4000 from=sip:carol@example.com to=sip:dave@example.com
			2    B > C 200 id=c2@x sdp c=10.0.0.8 m=5000
			2.1  P > A 200 id=c1@example sdp c=10.0.0.8 m=5000
			8    A > P BYE id=c1@example
			8.1  C > B BYE id=c2@x`},
		{"three legs, the last two by a Session-ID", `
			0    A > P INVITE
			0.1  P > Q INVITE id=c2@p fwd=no
				Session-ID: ab30317f1a784dc48ff824d0d3715d86
			3    Q > B INVITE id=c3@q fwd=no from=sip:x@q to=sip:y@b
				Session-ID: ab30317f1a784dc48ff824d0d3715d86`},
		{"a phone that has a contact of its own making, as it was registered", `
			0    B > P REGISTER id=r from=sip:bob@p to=sip:bob@p
				-Contact
				Contact: <sip:bob-0x5624e7ef0630@10.0.0.2:5060>
			+.01 P > B 200
				-Contact
				Contact: <sip:bob-0x5624e7ef0630@10.0.0.2:5060>;expires=60
			5    A > P INVITE id=c1@example from=sip:alice@p to=sip:bob@p
			+.01 P > B INVITE id=c2@p fwd=no from=sip:alice@p to=sip:bob-0x5624e7ef0630@10.0.0.2
			+2   B > P 200
			+.01 P > A 200 id=c1@example
			9    A > P BYE id=c1@example
			15   P > B BYE id=c2@p`},
		{"a phone that has a contact of its own making, whose registrar lists none", `
			0    B > P REGISTER id=r from=sip:bob@p to=sip:bob@p
				-Contact
				Contact: <sip:bob-0x5624e7ef0630@10.0.0.2:5060>
			+.01 P > B 401
			+.01 B > P REGISTER id=r from=sip:bob@p to=sip:bob@p
				-Contact
				Contact: <sip:bob-0x5624e7ef0630@10.0.0.2:5060>
			+.01 P > B 200
				-Contact
			5    A > P INVITE id=c1@example from=sip:alice@p to=sip:bob@p
			+.01 P > B INVITE id=c2@p fwd=no from=sip:alice@p to=sip:bob-0x5624e7ef0630@10.0.0.2
			+2   B > P 200
			+.01 P > A 200 id=c1@example
			9    A > P BYE id=c1@example
			15   P > B BYE id=c2@p`},
		{"a fork into two legs", `
			0    A > P INVITE
				Session-ID: ab30317f1a784dc48ff824d0d3715d86
			0.1  P > B INVITE id=c2@p fwd=no
				Session-ID: ab30317f1a784dc48ff824d0d3715d86
			0.1  P > C INVITE id=c3@p fwd=no
				Session-ID: ab30317f1a784dc48ff824d0d3715d86`},
		{"a border that puts something in front of the From tag, at another address", `
			0    A > P INVITE ft=00e9d478
			0.1  Q > B INVITE id=c2@p fwd=no ft=SD49097-00e9d478 from=sip:x@q to=sip:y@b
			1    B > Q 200 id=c2@p
			1.1  P > A 200 id=c1@example
			5    A > P BYE id=c1@example
			5.1  Q > B BYE id=c2@p`},
		{"a switch that calls out with a number of its own", `
			0    A > P INVITE from=sip:215@p to=sip:90891234567@p
			0.1  P > B INVITE id=c2@p fwd=no from=sip:+498999999@p to=sip:+49891234567@b
			1    B > P 200 id=c2@p
			1.1  P > A 200 id=c1@example`},
		{"an extension that is another number behind the exchange, given up by the caller", `
			0    A > P INVITE from=sip:215@p to=sip:700@p
			+.01 P > B INVITE id=c2@p fwd=no from=sip:215@p to=sip:bob@b
			1    B > P 180 id=c2@p
			+.01 P > A 180 id=c1@example
			5    A > P CANCEL id=c1@example
			+.01 P > A 200
			+.01 P > A 487 of=INVITE
			+.01 P > B CANCEL id=c2@p
			+.01 B > P 200
			+.01 B > P 487 of=INVITE`},
		{"numbers written in two ways", `
			0    A > P INVITE from=sip:+49301234567@x to=sip:0891234567@p
			0.1  P > B INVITE id=c2@p fwd=no from=sip:0049301234567@p to=sip:+49891234567@b`},
	} {
		t.Run(tt.name, func(t *testing.T) { comesTo(t, tt.ladder, 1) })
	}
}

// TestSameHost: calls that are refused behind a gateway with an address on either side are joined where answered ones
// show that it is one host.
func TestSameHost(t *testing.T) {
	answered := func(i int, header string) string {
		return strings.NewReplacer("HEADER", strings.ReplaceAll(header, "#", fmt.Sprint(i)), "#", fmt.Sprint(i)).Replace(`
			#0   A > P INVITE id=a#@a from=sip:150#@a to=sip:240#@pHEADER
			+.1  Q > B INVITE id=b#@q fwd=no from=sip:150#@a to=sip:240#@pHEADER
			+1   B > Q 200 id=b#@q
			+.1  P > A 200 id=a#@a
			+3   A > P BYE id=a#@a
			+.1  Q > B BYE id=b#@q`)
	}
	refused := func(via, from string) string {
		return strings.NewReplacer("VIA", via, "FROM", from).Replace(`
			90   A > P INVITE id=a9@a from=sip:1509@a to=sip:2409@p
			+.1  FROM > VIA INVITE id=b9@q fwd=no from=sip:1509@a to=sip:2409@p
			+.1  VIA > FROM 503 id=b9@q
			+.1  P > A 503 id=a9@a`)
	}
	back := `
			90   B > Q INVITE id=a9@a from=sip:1509@a to=sip:2409@p
			+.1  P > A INVITE id=b9@q fwd=no from=sip:1509@a to=sip:2409@p
			+.1  A > P 486 id=b9@q
			+.1  Q > B 486 id=a9@a`
	sessionID := "\n\t\t\t\tSession-ID: ab30317f1a784dc48ff824d0d3715d8#"
	for _, tt := range []struct {
		name, ladder string
		calls        int
	}{
		{"two calls show it", answered(1, "") + answered(2, "") + refused("B", "Q"), 3},
		{"another carrier", answered(1, "") + answered(2, "") + refused("C", "Q"), 3},
		{"the other way", answered(1, "") + answered(2, "") + back, 3},
		{"one call alone", answered(1, "") + refused("B", "Q"), 3},
		{"one call that says so itself", answered(1, sessionID) + refused("B", "Q"), 2},
		{"from another host", answered(1, "") + answered(2, "") + refused("B", "D"), 4},
	} {
		t.Run(tt.name, func(t *testing.T) { comesTo(t, tt.ladder, tt.calls) })
	}
}

// TestBehindProxy: a back-to-back user agent behind a proxy calls where its own first hop does not begin at the first hop of the other leg.
func TestBehindProxy(t *testing.T) {
	for _, tt := range []struct {
		name, ladder string
		calls        int
	}{
		{"refused, through the proxy again", `
			0    A > P INVITE id=1@a
			+.1  P > Q INVITE id=1@a
			+.1  Q > P INVITE id=9@q fwd=no
			+.1  P > B INVITE id=9@q
			+.1  B > P 486 id=9@q
			+.1  P > Q 486 id=9@q
			+.1  Q > P 486 id=1@a
			+.1  P > A 486 id=1@a`, 1},
		{"to a carrier", `
			0    A > P INVITE id=1@a
			+.1  P > Q INVITE id=1@a
			+.1  Q > B INVITE id=9@q fwd=no
			+.1  B > Q 503 id=9@q`, 1},
		{"from a host that it was not passed on to", `
			0    A > P INVITE id=1@a
			+.1  P > Q INVITE id=1@a
			+.1  C > B INVITE id=9@q fwd=no
			+.1  B > C 503 id=9@q`, 2},
		{"a number of its own, busy", `
			0    A > P INVITE id=1@a from=sip:1234567@a to=sip:090@p
			+.1  P > B INVITE id=9@p fwd=no from=sip:1234567@a to=sip:215@b
			+.1  B > P 486 id=9@p
			+.1  P > A 486 id=1@a`, 1},
		{"another number, refused otherwise", `
			0    A > P INVITE id=1@a from=sip:1234567@a to=sip:090@p
			+.1  P > B INVITE id=9@p fwd=no from=sip:1234567@a to=sip:215@b
			+.1  B > P 404 id=9@p
			+.1  P > A 486 id=1@a`, 2},
		{"a group of two phones", `
			0    A > P INVITE id=1@a from=sip:1234567@a to=sip:090@p
			+.1  P > B INVITE id=8@p fwd=no from=sip:1234567@a to=sip:215@b
			+.1  P > C INVITE id=9@p fwd=no from=sip:1234567@a to=sip:216@c
			+.1  B > P 180 id=8@p
			+.1  C > P 180 id=9@p
			4    B > P 200 id=8@p
			+.1  P > A 200 id=1@a
			+.1  P > C CANCEL id=9@p
				Reason: SIP;cause=200;text="Call completed elsewhere"
			+.1  C > P 200 of=CANCEL id=9@p
			+.1  C > P 487 of=INVITE id=9@p
			9    A > P BYE id=1@a
			+.1  P > B BYE id=8@p`, 1},
		{"forwarded when nobody answers", `
			0    A > P INVITE id=1@a
			+.1  P > A 180 id=1@a
			20   P > B INVITE id=9@p fwd=no
			+1   B > P 200 id=9@p
			+.1  P > A 200 id=1@a`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) { comesTo(t, tt.ladder, tt.calls) })
	}
}

// comesTo holds how many calls a ladder comes to.
func comesTo(t *testing.T, ladder string, calls int) {
	t.Helper()
	for _, alone := range []bool{false, true} {
		res := runWith(t, (&capgen.Ladder{}).Pcap(hosts+ladder), analysis.Options{Calls: true, CallsAlone: alone})
		if res.Calls.Len() == calls {
			continue
		}
		t.Errorf("%d calls, without requests outside of calls: %v", res.Calls.Len(), alone)
		for _, c := range describeAll(res) {
			t.Error(c)
		}
	}
}
