package analysis_test

import (
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestForkedDescriptions: of the phones of a fork that which answers has the last word, with what it said before the other one rang.
func TestForkedDescriptions(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, `
		0    A > P INVITE sdp
		+.1  P > B INVITE sdp
		+.1  P > C INVITE sdp
		1    B > P 183 sdp c=10.0.0.2 m=5000
		+.1  P > A 183 sdp c=10.0.0.2 m=5000
		2    C > P 183 sdp c=10.0.0.3 m=6000 tt=c3
		+.1  P > A 183 sdp c=10.0.0.3 m=6000 tt=c3
		3    B > P 200 sdp c=10.0.0.2 m=5000
		+.1  P > A 200 sdp c=10.0.0.2 m=5000`)
	for _, l := range res.Calls.At(0).First().Media.Lines {
		if l.Side == analysis.Callee && l.Addr.String() != "10.0.0.2:5000" {
			t.Errorf("the called side wants its media at %s", l.Addr)
		}
	}
}

// TestForkedHold: a phone of a fork that says sendonly first, and says it again where it answers, puts nothing on hold; who lowers what it said does.
func TestForkedHold(t *testing.T) {
	const fork = `
		0     A > P INVITE sdp
		1     P > A 183 tt=one sdp dir=sendonly m=7000 o=111111/1
		2     P > A 183 tt=two sdp m=8000 o=222222/1`
	for _, tt := range []struct {
		name, ladder string
		by           analysis.Party
		resumed      bool
	}{
		{"says it again", fork + `
			3    P > A 200 tt=one sdp dir=sendonly m=7000 o=111111/1
			+.01 A > P ACK tt=one`, analysis.NoParty, false},
		{"the other one says it first", fork + `
			3    P > A 183 tt=three sdp dir=sendonly m=9000 o=333333/1
			+1   P > A 200 tt=two sdp m=8000 o=222222/1
			+.01 A > P ACK tt=two`, analysis.NoParty, false},
		{"lowers it", fork + `
			3    P > A 200 tt=two sdp m=8000 o=222222/1
			+.01 A > P ACK tt=two
			9    P > A INVITE ft=two sdp dir=sendonly m=8000 o=222222/2
			+.01 A > P 200 sdp dir=recvonly
			+.01 P > A ACK
			19   P > A INVITE ft=two sdp m=8000 o=222222/3
			+.01 A > P 200 sdp`, analysis.Callee, true},
		{"behind a back-to-back user agent that keeps the Call-ID", `
			0    A > P INVITE sdp o=111111/1
			+.1  P > B INVITE ft=p fwd=no sdp o=111111/1
			1    B > P 200 tt=b sdp m=8000 o=222222/1
			+.1  P > A 200 tt=q sdp m=8000 o=222222/1
			+.1  A > P ACK tt=q
			+.1  P > B ACK ft=p tt=b
			9    B > P INVITE ft=b tt=p sdp dir=sendonly m=8000 o=222222/2
			+.1  P > B 200 sdp dir=recvonly`, analysis.Callee, false},
		{"from sendonly to sendonly", `
			0    A > P INVITE sdp dir=sendonly o=111111/1
			1    P > A 200 sdp dir=recvonly
			+.01 A > P ACK
			9    A > P INVITE sdp dir=sendonly o=111111/2
			+.01 P > A 200 sdp dir=recvonly`, analysis.NoParty, false},
		{"the caller", `
			0    A > P INVITE sdp o=111111/1
			1    P > A 200 sdp
			+.01 A > P ACK
			9    A > P INVITE sdp dir=sendonly o=111111/2
			+.01 P > A 200 sdp dir=recvonly`, analysis.Caller, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := analyze(t, capgen.Ladder{}, tt.ladder).Calls.At(0).First().Media
			if m.HeldBy != tt.by || m.Resumed != tt.resumed {
				t.Errorf("held by %q, resumed %v", m.HeldBy, m.Resumed)
			}
		})
	}
}

// TestKeptCallID: a back-to-back user agent that keeps the Call-ID calls with a tag of its own; who answers that is the called side.
func TestKeptCallID(t *testing.T) {
	l := analyze(t, capgen.Ladder{}, `
		0    A > P INVITE sdp
		+.1  P > B INVITE ft=p fwd=no sdp m=6002
		1    B > P 200 tt=b sdp m=8000
		+.1  P > A 200 tt=q sdp m=6000
		+.1  A > P ACK tt=q
		+.1  P > B ACK ft=p tt=b`).Calls.At(0).First()
	for i := range l.Media.Endpoints {
		if e := &l.Media.Endpoints[i]; (e.Side == analysis.Callee) != (e.Addr.Port() == 8000 || e.Addr.Port() == 6000) {
			t.Errorf("%s is of the %s", e.Addr, e.Side)
		}
	}
	for _, s := range l.Steps {
		if s.ToCallee != s.Request {
			t.Errorf("frame %d: to the callee %v", s.Frame.Number, s.ToCallee)
		}
	}
}
