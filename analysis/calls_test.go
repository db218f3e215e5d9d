package analysis_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

const hosts = `
	A = 10.0.0.1:5060
	P = 10.0.0.9:5060
	Q = 10.0.0.10:5060
	B = 10.0.0.2:5060
	C = 10.0.0.3:5060
	D = 10.0.0.4:5060
`

// analyze analyses a ladder.
func analyze(t *testing.T, l capgen.Ladder, text string) *analysis.Result {
	t.Helper()
	return run(t, l.Pcap(hosts+text))
}

func run(t *testing.T, pcap []byte) *analysis.Result {
	t.Helper()
	return runWith(t, pcap, analysis.Options{Calls: true, Steps: true})
}

func runWith(t *testing.T, pcap []byte, o analysis.Options) *analysis.Result {
	t.Helper()
	r, err := capture.NewReader(context.Background(), bytes.NewReader(pcap), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// describe says what a call is in one line.
func describe(c *analysis.Call) string {
	l := c.First()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", l.CallID, l.State)
	if l.FinalStatus != 0 {
		fmt.Fprintf(&b, " %d", l.FinalStatus)
	}
	if l.EndedBy != analysis.NoParty {
		fmt.Fprintf(&b, " by %s", l.EndedBy)
	}
	for _, x := range []struct {
		name string
		f    func() (time.Duration, bool)
	}{{"pdd", l.PostDialDelay}, {"ring", l.RingTime}, {"setup", l.SetupTime}, {"talk", l.TalkTime}} {
		if d, ok := x.f(); ok {
			fmt.Fprintf(&b, " %s=%v", x.name, d)
		}
	}
	if l.Attempts > 1 {
		fmt.Fprintf(&b, " attempts=%d", l.Attempts)
	}
	for _, x := range []struct {
		name string
		set  bool
	}{{"forked", l.Forked}, {"early-media", l.EarlyMedia}, {"running", l.Running}, {"unfinished", l.Unfinished}, {"2xx-unseen", l.AnswerUnseen}, {"bye-unseen", l.ByeUnseen}, {"bye", l.ByBye && !l.IsAnswered()}} {
		if x.set {
			b.WriteString(" " + x.name)
		}
	}
	fmt.Fprintf(&b, " messages=%d", l.Messages)
	if l.Retransmissions > 0 {
		fmt.Fprintf(&b, " again=%d", l.Retransmissions)
	}
	for _, d := range l.Dialogs {
		fmt.Fprintf(&b, " %s/%s:%s", d.LocalTag, d.RemoteTag, d.State)
	}
	for i := range l.Transfers {
		x := &l.Transfers[i]
		fmt.Fprintf(&b, " transfer(%s by %v %d %d)", x.Target, x.By, x.Status, x.Result)
	}
	for _, r := range l.Redirects {
		fmt.Fprintf(&b, " to=%s", r)
	}
	for _, x := range c.Legs[1:] {
		fmt.Fprintf(&b, " + %s %s %d %v", x.CallID, x.State, x.Joins[0].Score, x.Joins[0].Reason)
	}
	return b.String()
}

// long makes the capture go on for an hour.
const long = "\n 3600 C > D OPTIONS id=late@example\n"

var callTests = []struct {
	name, ladder string
	want         []string
}{
	{"answered and ended by the caller", `
		0    A > B INVITE sdp
		0.1  B > A 100
		0.5  B > A 180
		3    B > A 200 sdp
		3.1  A > B ACK
		9    A > B BYE
		9.1  B > A 200`,
		[]string{"c1@example completed 200 by caller pdd=500ms ring=2.5s setup=3s talk=6s messages=7 a-c1-example/b-c1-example:terminated"},
	},
	{"ended by the callee, over a proxy", `
		0    A > P INVITE sdp
		0.01 P > A 100
		0.02 P > B INVITE sdp
		0.5  B > P 180
		0.51 P > A 180
		3    B > P 200 sdp
		3.01 P > A 200 sdp
		3.05 A > P ACK
		3.06 P > B ACK
		9    B > P BYE
		9.01 P > A BYE
		9.02 A > P 200
		9.03 P > B 200`,
		[]string{"c1@example completed 200 by callee pdd=500ms ring=2.5s setup=3s talk=6s messages=13 a-c1-example/b-c1-example:terminated"},
	},
	{"refused by the called side, two hops", `
		0    A > P INVITE
		0.01 P > A 100
		0.02 P > B INVITE
		0.5  B > P 180
		0.51 P > A 180
		2    B > P 486
		2.01 P > B ACK
		2.02 P > A 486
		2.03 A > P ACK`,
		[]string{"c1@example failed 486 by callee pdd=500ms ring=1.52s messages=9 a-c1-example/b-c1-example:terminated"},
	},
	{"refused by the proxy itself", `
		0    A > P INVITE
		0.01 P > A 100
		0.02 P > B INVITE
		0.5  P > A 503
		0.51 A > P ACK`,
		[]string{"c1@example failed 503 by server messages=5"},
	},
	{"refused by a proxy that may not pass it on", `
		0    A > P INVITE
		0.02 P > B INVITE
		0.5  B > P 483
		0.51 P > B ACK
		0.52 P > A 483
		0.53 A > P ACK`,
		[]string{"c1@example failed 483 by server messages=6"},
	},
	{"refused by the second proxy, since nobody answers it", `
		Q = 10.0.0.8:5060
		0    A > P INVITE
		0.01 P > A 100
		0.02 P > Q INVITE
		0.03 Q > P 100
		0.04 Q > B INVITE
		32.1 Q > P 408
		32.2 P > Q ACK
		32.2 P > A 408
		32.3 A > P ACK`,
		[]string{"c1@example failed 408 by server messages=9"},
	},
	{"refused by the called side, the capture of the last hop misses it", `
		Q = 10.0.0.8:5060
		0    A > P INVITE
		0.02 P > Q INVITE
		0.04 Q > B INVITE
		2    B > Q 486 unseen
		2.01 Q > B ACK
		2.02 Q > P 486
		2.03 P > Q ACK
		2.04 P > A 486
		2.05 A > P ACK`,
		[]string{"c1@example failed 486 by callee messages=8"},
	},
	{"refused by the called side, all on one machine", `
		A = 127.0.0.1:5070
		P = 127.0.0.1:5060
		B = 127.0.0.1:5080
		0    A > P INVITE
		0.02 P > B INVITE
		2    B > P 404
		2.01 P > B ACK
		2.02 P > A 404
		2.03 A > P ACK`,
		[]string{"c1@example failed 404 by callee messages=6"},
	},
	{"refused by the proxy, which has given up on the called side", `
		0    A > P INVITE
		0.01 P > B INVITE
		1    B > P 180
		1.01 P > A 180
		60   P > B CANCEL
		60.1 B > P 200 of=CANCEL
		60.2 B > P 487 of=INVITE
		60.3 P > B ACK
		60.4 P > A 408
		60.5 A > P ACK`,
		[]string{"c1@example failed 408 by server pdd=1s ring=59.4s messages=10 a-c1-example/b-c1-example:terminated"},
	},
	{"refused without any further hop", `
		0    A > B INVITE
		0.5  B > A 404
		0.51 A > B ACK`,
		[]string{"c1@example failed 404 by callee messages=3"},
	},
	{"challenged, then answered", `
		0    A > B INVITE
		0.1  B > A 407
		0.2  A > B ACK
		0.3  A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		5    A > B BYE
		5.1  B > A 200`,
		[]string{"c1@example completed 200 by caller setup=1s talk=4s attempts=2 messages=8 a-c1-example/b-c1-example:terminated"},
	},
	{"challenged and given up", `
		0    A > B INVITE
		0.1  B > A 401
		0.2  A > B ACK`,
		[]string{"c1@example failed 401 by callee messages=3"},
	},
	{"cancelled while ringing", `
		0    A > B INVITE
		0.1  B > A 180
		5    A > B CANCEL
		5.1  B > A 200 of=CANCEL
		5.2  B > A 487 of=INVITE
		5.3  A > B ACK`,
		[]string{"c1@example cancelled 487 by caller pdd=100ms ring=5.1s messages=6 a-c1-example/b-c1-example:terminated"},
	},
	{"CANCEL and 2xx cross", `
		0    A > B INVITE
		0.1  B > A 180
		5    B > A 200 of=INVITE
		5    A > B CANCEL
		5.1  B > A 200 of=CANCEL
		5.2  A > B ACK
		5.3  A > B BYE
		5.4  B > A 200 of=BYE`,
		[]string{"c1@example completed 200 by caller pdd=100ms ring=4.9s setup=5s talk=300ms messages=8 a-c1-example/b-c1-example:terminated"},
	},
	{"given up with a BYE before the answer, which is then 487", `
		0    A > B INVITE
		0.5  B > A 180
		5    A > B BYE
		5.1  B > A 200 of=BYE
		5.11 B > A 487
		5.12 A > B ACK`,
		[]string{"c1@example cancelled 487 by caller pdd=500ms ring=4.61s bye messages=6 a-c1-example/b-c1-example:terminated"},
	},
	{"a BYE behind a 487 did not give up the call", `
		0    A > B INVITE
		0.5  B > A 180
		5    B > A 487
		5.1  A > B ACK
		6    A > B BYE`,
		[]string{"c1@example failed 487 by callee pdd=500ms ring=4.5s bye messages=5 a-c1-example/b-c1-example:terminated"},
	},
	{"given up with a BYE before the answer", `
		0    A > B INVITE
		0.1  B > A 180
		5    A > B BYE
		5.1  B > A 200 of=BYE`,
		[]string{"c1@example cancelled by caller pdd=100ms bye messages=4 a-c1-example/b-c1-example:terminated"},
	},
	{"redirected and not followed", `
		0    A > B INVITE
		0.1  B > A 302
			Contact: <sip:carol@10.0.0.3;transport=udp>
		0.2  A > B ACK`,
		[]string{"c1@example redirected 302 by callee messages=3 to=sip:carol@10.0.0.3"},
	},
	{"redirected and followed", `
		0    A > B INVITE
		0.1  B > A 302
			Contact: <sip:carol@10.0.0.3>
		0.2  A > B ACK
		0.3  A > C INVITE
		1    C > A 200
		1.1  A > C ACK`,
		[]string{"c1@example confirmed 200 setup=1s attempts=2 unfinished messages=6 a-c1-example/b-c1-example:confirmed to=sip:carol@10.0.0.3"},
	},
	{"nobody answers", `
		0    A > B INVITE
		0.5  A > B INVITE again
		1.5  A > B INVITE again` + long,
		[]string{"c1@example abandoned messages=3 again=2"},
	},
	{"rings for ever", `
		0    A > B INVITE
		0.5  B > A 180` + long,
		[]string{"c1@example abandoned pdd=500ms messages=2 a-c1-example/b-c1-example:terminated"},
	},
	{"the capture ends while it rings", `
		0    A > B INVITE
		0.1  B > A 100
		0.5  B > A 180`,
		[]string{"c1@example early pdd=500ms unfinished messages=3 a-c1-example/b-c1-example:early"},
	},
	{"the capture ends before anything came back", `
		0    A > B INVITE`,
		[]string{"c1@example trying unfinished messages=1"},
	},
	{"running when the capture begins", `
		0    A > B BYE ft=x tt=y
		0.1  B > A 200`,
		[]string{"c1@example completed running messages=2 x/y:terminated"},
	},
	{"re-INVITE alone: running, and going on", `
		0    A > B INVITE ft=x tt=y
		0.1  B > A 200
		0.2  A > B ACK ft=x tt=y`,
		[]string{"c1@example confirmed running unfinished messages=3 x/y:confirmed"},
	},
	{"forked: two phones ring, one answers", `
		0    A > P INVITE
		0.01 P > B INVITE
		0.02 P > C INVITE
		0.5  B > P 180 tt=b
		0.51 P > A 180 tt=b
		0.6  C > P 180 tt=c
		0.61 P > A 180 tt=c
		3    C > P 200 tt=c
		3.01 P > A 200 tt=c
		3.02 P > B CANCEL
		3.03 B > P 200 of=CANCEL
		3.04 B > P 487 of=INVITE tt=b
		3.05 P > B ACK
		3.1  A > P ACK
		3.11 P > C ACK
		9    A > P BYE
		9.01 P > C BYE
		9.02 C > P 200
		9.03 P > A 200`,
		[]string{"c1@example completed 200 by caller pdd=500ms ring=2.5s setup=3s talk=6s forked messages=19 a-c1-example/b:terminated a-c1-example/c:terminated"},
	},
	{"early media and PRACK", `
		0    A > B INVITE sdp
		0.2  B > A 183 sdp
			Require: 100rel
			RSeq: 1
		0.3  A > B PRACK
		0.4  B > A 200 of=PRACK
		3    B > A 200 of=INVITE sdp
		3.1  A > B ACK
		9    A > B BYE
		9.1  B > A 200`,
		[]string{"c1@example completed 200 by caller pdd=200ms setup=3s talk=6s early-media messages=8 a-c1-example/b-c1-example:terminated"},
	},
	{"the 2xx is not in the capture", `
		0    A > B INVITE
		0.1  B > A 180
		3    A > B ACK br=own
		9    A > B BYE
		9.1  B > A 200 of=BYE`,
		[]string{"c1@example completed by caller pdd=100ms ring=2.9s setup=3s talk=6s 2xx-unseen messages=5 a-c1-example/b-c1-example:terminated"},
	},
	{"one direction only, that of the called side, cancelled", `
		0    A > B INVITE unseen
		0.1  B > A 180
		3    A > B CANCEL unseen
		3.1  B > A 200 of=CANCEL
		3.2  B > A 487 of=INVITE`,
		[]string{"c1@example cancelled 487 by caller ring=3.1s messages=3 a-c1-example/b-c1-example:terminated"},
	},
	{"one direction only, that of the caller, cancelled", `
		0    A > B INVITE
		3    A > B CANCEL
		3.2  B > A 487 of=INVITE unseen
		3.3  A > B ACK`,
		[]string{"c1@example cancelled by caller messages=3"},
	},
	{"announcement and ringing have tags of their own, and the 2xx is not in the capture", `
		0    A > B INVITE
		0.1  B > A 183 tt=ann
		1    B > A 180 tt=b
		3    B > A 200 of=INVITE tt=b unseen
		3.1  A > B ACK tt=b br=own
		9    B > A BYE ft=b tt=a-c1-example by=callee
		9.1  A > B 200 of=BYE`,
		[]string{"c1@example completed by callee pdd=100ms ring=2.1s setup=3.1s talk=5.9s forked 2xx-unseen messages=6 a-c1-example/ann:terminated a-c1-example/b:terminated"},
	},
	{"given up with a BYE before the answer, and the 487 is not in the capture", `
		0    A > B INVITE
		0.5  B > A 180
		5    A > B BYE
		5.1  B > A 200 of=BYE
		5.11 B > A 487 of=INVITE unseen
		5.12 A > B ACK`,
		[]string{"c1@example cancelled by caller pdd=500ms ring=4.62s bye messages=5 a-c1-example/b-c1-example:terminated"},
	},
	{"busy, and once more six seconds later, the ACK between is not in the capture", `
		0    A > B INVITE
		0.5  B > A 486
		6.6  A > B INVITE cseq=2
		7    B > A 180`,
		[]string{"c1@example failed 486 by callee messages=2", "c1@example early pdd=400ms unfinished messages=2 a-c1-example/b-c1-example:early"},
	},
	{"one direction only, that of the caller, and the called side invites again", `
		0    A > B INVITE
		1    B > A 200 unseen
		1.1  A > B ACK tt=b-c1-example br=own
		20   B > A INVITE ft=b-c1-example tt=a-c1-example cseq=50 unseen
		20.1 A > B 200 of=INVITE
		30   A > B BYE tt=b-c1-example`,
		[]string{"c1@example completed by caller setup=1.1s talk=28.9s 2xx-unseen messages=4 a-c1-example/b-c1-example:terminated"},
	},
	{"one direction only, refused", `
		0    A > B INVITE
		0.1  B > A 180 unseen
		3    B > A 486 unseen
		3.1  A > B ACK`,
		[]string{"c1@example failed messages=2"},
	},
	{"one direction only, challenged and then answered", `
		0    A > B INVITE
		0.1  B > A 407 unseen
		0.2  A > B ACK
		0.3  A > B INVITE
		1    B > A 200 unseen
		1.1  A > B ACK br=own tt=y`,
		[]string{"c1@example confirmed setup=1.1s attempts=2 unfinished 2xx-unseen messages=4"},
	},
	{"one direction only, and the ACK has the branch of the INVITE, but a BYE follows", `
		0    A > B INVITE br=one
		3    A > B ACK br=one tt=y
		9    A > B BYE tt=y`,
		[]string{"c1@example completed by caller setup=3s talk=6s 2xx-unseen messages=3 a-c1-example/y:terminated"},
	},
	{"one direction only, that of the called side", `
		0    A > B INVITE unseen
		0.1  B > A 180
		3    B > A 200
		3.1  A > B ACK unseen
		9    A > B BYE unseen
		9.1  B > A 200 of=BYE`,
		[]string{"c1@example completed 200 by caller ring=2.9s talk=6.1s bye-unseen messages=3 a-c1-example/b-c1-example:terminated"},
	},
	{"the 2xx to a BYE alone", `
		0    A > B INVITE unseen
		3    B > A 200 unseen
		9    B > A BYE unseen
		9.1  A > B 200 of=BYE`,
		[]string{"c1@example completed running bye-unseen messages=1"},
	},
	{"a BYE that is captured behind its 2xx", `
		0    A > B INVITE
		3    B > A 200
		3.1  A > B ACK
		8.9  A > B BYE br=late unseen
		9    B > A 200 of=BYE
		9.01 A > B BYE br=late cseq=2`,
		[]string{"c1@example completed 200 by caller setup=3s talk=6.01s messages=5 a-c1-example/b-c1-example:terminated"},
	},
	{"the responses come from another address than the INVITE went to, and refuse it", `
		0    A > B INVITE br=one
		0    A > C INVITE br=one cseq=1 unseen
		0.5  C > A 180
		2    C > A 486
		2.1  A > B ACK br=one`,
		[]string{"c1@example failed 486 by callee pdd=500ms ring=1.5s messages=4 a-c1-example/b-c1-example:terminated"},
	},
	{"one direction only", `
		0    A > B INVITE
		3    A > B ACK br=own tt=y
		9    A > B BYE tt=y`,
		[]string{"c1@example completed by caller setup=3s talk=6s 2xx-unseen messages=3 a-c1-example/y:terminated"},
	},
	{"retransmissions, copies and repeated 180s", `
		0    A > B INVITE
		0.01 A > B INVITE copy
		0.5  A > B INVITE again
		0.6  B > A 180
		1.6  B > A 180 again
		2    B > A 183 sdp
		3    B > A 200
		3.5  B > A 200 again
		3.6  A > B ACK
		3.7  A > B ACK again`,
		[]string{"c1@example confirmed 200 pdd=600ms ring=2.4s setup=3s early-media unfinished messages=9 again=4 a-c1-example/b-c1-example:confirmed"},
	},
	{"a Call-ID used again", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		2    A > B BYE
		2.1  B > A 200
		5    A > B INVITE new ft=x
		6    B > A 486 tt=z
		6.1  A > B ACK`,
		[]string{
			"c1@example completed 200 by caller setup=1s talk=1s messages=5 a-c1-example/b-c1-example:terminated",
			"c1@example failed 486 by callee messages=3",
		},
	},
	{"a transfer that works", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		5    B > A REFER
			Refer-To: <sip:carol@example.com?Replaces=x>
		5.1  A > B 202
		5.2  A > B NOTIFY
			Content-Type: message/sipfrag
			| SIP/2.0 100 Trying
		5.3  B > A 200
		6    A > B NOTIFY
			Content-Type: message/sipfrag
			| SIP/2.0 200 OK
		6.1  B > A 200
		7    B > A BYE
		7.1  A > B 200`,
		[]string{"c1@example completed 200 by callee setup=1s talk=6s messages=11 a-c1-example/b-c1-example:terminated transfer(sip:carol@example.com by callee 202 200)"},
	},
	{"two legs with a Session-ID", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > P 200 id=c2@p
		1.1  P > A 200 id=c1@example`,
		[]string{"c1@example confirmed 200 setup=1.1s unfinished messages=2 a-c1-example/b-c1-example:confirmed + c2@p confirmed 240 [session-id from-and-to-user from-user shared-address begins-inside answered-together]"},
	},
	{"a B2BUA hangs up on either side", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > P 200 id=c2@p
		1.1  P > A 200 id=c1@example
		9    P > A BYE id=c1@example
		9.1  P > B BYE id=c2@p`,
		[]string{"c1@example completed 200 by server setup=1.1s talk=7.9s messages=3 a-c1-example/b-c1-example:terminated + c2@p completed 260 [session-id from-and-to-user from-user shared-address begins-inside answered-together ended-together]"},
	},
	{"a B2BUA hangs up on the caller, the called side on it", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > P 200 id=c2@p
		1.1  P > A 200 id=c1@example
		9    B > P BYE id=c2@p
		9.1  P > A BYE id=c1@example`,
		[]string{"c1@example completed 200 by callee setup=1.1s talk=8s messages=3 a-c1-example/b-c1-example:terminated + c2@p completed 260 [session-id from-and-to-user from-user shared-address begins-inside answered-together ended-together]"},
	},
	{"a B2BUA hangs up on the caller, and the called side goes on", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > P 200 id=c2@p
		1.1  P > A 200 id=c1@example
		9    P > A BYE id=c1@example
		20   B > P BYE id=c2@p`,
		[]string{"c1@example completed 200 by server setup=1.1s talk=7.9s messages=3 a-c1-example/b-c1-example:terminated + c2@p completed 240 [session-id from-and-to-user from-user shared-address begins-inside answered-together]"},
	},
	{"a B2BUA hangs up on the called side, which somebody takes the place of, and later on the caller", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > P 200 id=c2@p
		1.1  P > A 200 id=c1@example
		9    P > B BYE id=c2@p
		20   P > A BYE id=c1@example`,
		[]string{"c1@example completed 200 by callee setup=1.1s talk=18.9s messages=3 a-c1-example/b-c1-example:terminated + c2@p completed 240 [session-id from-and-to-user from-user shared-address begins-inside answered-together]"},
	},
	{"a B2BUA hangs up on either side, long after somebody took the place of who was called", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > P 200 id=c2@p
		1.1  P > A 200 id=c1@example
		5    B > P BYE id=c2@p
		5.1  P > Q INVITE id=c3@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		6    Q > P 200 id=c3@p
		20   P > Q BYE id=c3@p
		20.1 P > A BYE id=c1@example`,
		[]string{"c1@example completed 200 by server setup=1.1s talk=19s messages=3 a-c1-example/b-c1-example:terminated + c2@p completed 240 [session-id from-and-to-user from-user shared-address begins-inside answered-together] + c3@p completed 220 [session-id from-and-to-user from-user shared-address ended-together]"},
	},
	{"two B2BUAs, of which the second hangs up", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > Q INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.2  Q > B INVITE id=c3@q fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > Q 200 id=c3@q
		1.1  Q > P 200 id=c2@p
		1.2  P > A 200 id=c1@example
		9    Q > P BYE id=c2@p
		9.05 Q > B BYE id=c3@q
		9.1  P > A BYE id=c1@example`,
		[]string{"c1@example completed 200 by server setup=1.2s talk=7.9s messages=3 a-c1-example/b-c1-example:terminated + c2@p completed 260 [session-id from-and-to-user from-user shared-address begins-inside answered-together ended-together] + c3@q completed 260 [session-id from-and-to-user from-user shared-address begins-inside answered-together ended-together]"},
	},
	{"a B2BUA gives up calling, and refuses", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > P 180 id=c2@p
		1.1  P > A 180 id=c1@example
		20   P > B CANCEL id=c2@p
		20.1 B > P 487 id=c2@p of=INVITE
		20.2 P > A 480 id=c1@example of=INVITE`,
		[]string{"c1@example failed 480 by server pdd=1.1s ring=19.1s messages=3 a-c1-example/b-c1-example:terminated + c2@p cancelled 240 [session-id from-and-to-user from-user shared-address begins-inside ended-together]"},
	},
	{"a B2BUA refuses since nobody answers it", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.6  P > B INVITE again
		1.6  P > B INVITE again
		3.6  P > B INVITE again
		5    P > A 480 id=c1@example of=INVITE`,
		[]string{"c1@example failed 480 by server messages=2 + c2@p trying 220 [session-id from-and-to-user from-user shared-address begins-inside]"},
	},
	{"a B2BUA refuses since nobody answers it, and cancels", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.6  P > B INVITE again
		1.6  P > B INVITE again
		5    P > A 480 id=c1@example of=INVITE
		5.1  P > B CANCEL id=c2@p
		5.6  P > B CANCEL again`,
		[]string{"c1@example failed 480 by server messages=2 + c2@p cancelled 220 [session-id from-and-to-user from-user shared-address begins-inside]"},
	},
	{"the refusal that a B2BUA passes on is not in the capture", `
		0    A > P INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		5    P > A 486 id=c1@example of=INVITE`,
		[]string{"c1@example failed 486 by callee messages=2 + c2@p trying 220 [session-id from-and-to-user from-user shared-address begins-inside]"},
	},
	{"a server that calls both is refused by one, and the other is silent", `
		0    P > A INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p fwd=no
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.6  P > B INVITE again
		1.6  P > B INVITE again
		3.6  P > B INVITE again
		5    A > P 480 id=c1@example of=INVITE`,
		[]string{"c1@example failed 480 by callee messages=2 + c2@p trying 140 [session-id begins-inside same-host]"},
	},
	{"who was called first hangs up on a server that calls both", `
		0    P > A INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    A > P 200
		1.1  P > B INVITE id=c2@p new
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		2    B > P 200 id=c2@p
		9    A > P BYE id=c1@example by=callee
		9.1  P > B BYE id=c2@p`,
		[]string{"c1@example completed 200 by callee setup=1s talk=8s messages=3 a-c1-example/b-c1-example:terminated + c2@p completed 140 [session-id ended-together same-host]"},
	},
	{"a server calls two phones, of which one declines", `
		0    P > A INVITE
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		0.1  P > B INVITE id=c2@p new
			Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
		1    B > P 180 id=c2@p
		5    A > P 603 id=c1@example
		5.1  P > B CANCEL id=c2@p
		5.2  B > P 487 id=c2@p of=INVITE`,
		[]string{"c1@example failed 603 by callee messages=2 + c2@p cancelled 160 [session-id begins-inside ended-together same-host]"},
	},
	{"three legs, two B2BUAs, users alone", `
		0    A > P INVITE
		0.1  P > Q INVITE id=c2@p fwd=no
		0.2  Q > B INVITE id=c3@q fwd=no
		1    B > Q 486 id=c3@q
		1.1  Q > P 486 id=c2@p
		1.2  P > A 486 id=c1@example`,
		[]string{"c1@example failed 486 by callee messages=2 + c2@p failed 160 [from-and-to-user from-user shared-address begins-inside ended-together refused-together] + c3@q failed 160 [from-and-to-user from-user shared-address begins-inside ended-together refused-together]"},
	},
	{"two calls at once that have no more than users and times in common", `
		0    A > B INVITE
		0.1  C > D INVITE id=c2@example
		1    B > A 200 id=c1@example
		1.1  D > C 200 id=c2@example
		5    A > B BYE
		7    C > D BYE id=c2@example`,
		[]string{
			"c1@example completed 200 by caller setup=1s talk=4s messages=3 a-c1-example/b-c1-example:terminated",
			"c2@example completed 200 by caller setup=1s talk=5.9s messages=3 a-c2-example/b-c2-example:terminated",
		},
	},
	{"calls that go on, on both sides of a server with two addresses that passes a part of the tag on", `
		0    A > P INVITE ft=0123456789
		0.1  Q > B INVITE id=c2@q new ft=SD1-0123456789
		1    B > Q 200 id=c2@q
		1.1  P > A 200 id=c1@example`,
		[]string{"c1@example confirmed 200 setup=1.1s unfinished messages=2 0123456789/b-c1-example:confirmed + c2@q confirmed 180 [from-tag from-and-to-user from-user begins-inside answered-together]"},
	},
	{"the same, ended one after the other", `
		0    A > P INVITE ft=0123456789
		0.1  Q > B INVITE id=c2@q new ft=SD1-0123456789
		1    B > Q 200 id=c2@q
		1.1  P > A 200 id=c1@example
		5    A > P BYE id=c1@example
		9    Q > B BYE id=c2@q`,
		[]string{
			"c1@example completed 200 by caller setup=1.1s talk=3.9s messages=3 0123456789/b-c1-example:terminated",
			"c2@q completed 200 by caller setup=900ms talk=8s messages=3 SD1-0123456789/b-c2-q:terminated",
		},
	},
	{"the same, answered one after the other", `
		0    A > P INVITE ft=0123456789
		0.1  Q > B INVITE id=c2@q new ft=SD1-0123456789
		1    B > Q 200 id=c2@q
		3    P > A 200 id=c1@example`,
		[]string{"c1@example confirmed 200 setup=3s unfinished messages=2 0123456789/b-c1-example:confirmed", "c2@q confirmed 200 setup=900ms unfinished messages=2 SD1-0123456789/b-c2-q:confirmed"},
	},
	{"a caller with many calls that describes them all alike", `
		0    A > B INVITE sdp o=123456789/1
		0.1  A > B INVITE id=c2@example sdp o=123456789/1
		1    B > A 486 id=c1@example
		1    B > A 486 id=c2@example`,
		[]string{"c1@example failed 486 by callee messages=2", "c2@example failed 486 by callee messages=2"},
	},
	{"legs that could belong to two calls belong to none", `
		0    A > P INVITE
		0.05 C > P INVITE id=c2@example
		0.1  P > B INVITE id=c3@p fwd=no
		1    B > P 486 id=c3@p
		1.1  P > A 486 id=c1@example
		1.1  P > C 486 id=c2@example`,
		[]string{"c1@example failed 486 by callee messages=2", "c2@example failed 486 by callee messages=2", "c3@p failed 486 by callee messages=2"},
	},
	{"a Call-ID with an affix", `
		0    A > P INVITE id=0123456789ab@h
		0.1  P > B INVITE id=0123456789ab@h-b2b_1 fwd=no from=sip:gateway@p to=sip:other@b`,
		[]string{"0123456789ab@h trying unfinished messages=1 + 0123456789ab@h-b2b_1 trying 200 [call-id-affix from-tag shared-address begins-inside]"},
	},
	{"a header field names the other Call-ID", `
		0    A > P INVITE
		5    P > B INVITE id=c2@p fwd=no from=sip:gateway@p to=sip:other@b
			X-Call-ID: c1@example`,
		[]string{"c1@example trying unfinished messages=1 + c2@p trying 140 [call-id-header shared-address begins-inside]"},
	},
	{"two phones answer, the caller keeps one", `
		0    A > P INVITE
		0.01 P > B INVITE
		0.02 P > C INVITE
		3    C > P 200 tt=c
		3.01 P > A 200 tt=c
		3.02 B > P 200 tt=b
		3.03 P > A 200 tt=b
		3.1  A > P ACK tt=c
		3.2  A > P ACK tt=b
		3.3  A > P BYE tt=b
		3.31 P > B BYE tt=b
		9    A > P BYE tt=c
		9.1  P > A 200`,
		[]string{"c1@example completed 200 by caller setup=3s talk=6s forked messages=13 a-c1-example/c:terminated a-c1-example/b:terminated"},
	},
	{"two phones answer, the caller acknowledges one, and the other repeats its answer", `
		0    A > B INVITE
		0.5  B > A 180 tt=b
		0.6  B > A 180 tt=c
		3    B > A 200 tt=b
		3.1  A > B ACK tt=b
		3.2  B > A 200 tt=c
		3.7  B > A 200 tt=c again
		4.7  B > A 200 tt=c again
		9    A > B BYE tt=b
		9.1  B > A 200 of=BYE`,
		[]string{"c1@example completed 200 by caller pdd=500ms ring=2.5s setup=3s talk=6s forked messages=10 again=2 a-c1-example/b:terminated a-c1-example/c:confirmed"},
	},
	{"a second phone answers when the call with the first is over", `
		0    A > B INVITE
		0.5  B > A 180 tt=b
		0.6  B > A 180 tt=c
		2    B > A 200 of=INVITE tt=b
		2.1  A > B ACK tt=b
		4    A > B BYE tt=b
		4.1  B > A 200 of=BYE tt=b
		10   C > D OPTIONS id=between@example
		14   B > A 200 of=INVITE tt=c
		14.5 B > A 200 of=INVITE tt=c again` + long,
		[]string{"c1@example completed 200 by caller pdd=500ms ring=1.5s setup=2s talk=2s forked messages=9 again=1 a-c1-example/b:terminated a-c1-example/c:confirmed"},
	},
	{"an early dialog given up, another one answers", `
		0    A > B INVITE
		0.5  B > A 180 tt=b
		0.6  B > A 180 tt=c
		1    A > B BYE tt=b
		1.1  B > A 200 of=BYE
		3    B > A 200 of=INVITE tt=c
		3.1  A > B ACK tt=c
		9    B > A BYE tt=a-c1-example ft=c by=callee
		9.1  A > B 200 of=BYE`,
		[]string{"c1@example completed 200 by callee pdd=500ms ring=2.5s setup=3s talk=6s forked messages=9 a-c1-example/b:terminated a-c1-example/c:terminated"},
	},
	{"the only early dialog given up, then a phone that had not rung answers", `
		0    A > B INVITE
		0.5  B > A 180 tt=b
		1    A > B BYE tt=b
		1.1  B > A 200 of=BYE
		3    B > A 200 of=INVITE tt=c
		3.1  A > B ACK tt=c`,
		[]string{"c1@example confirmed 200 pdd=500ms ring=2.5s setup=3s unfinished messages=6 a-c1-example/b:terminated a-c1-example/c:confirmed"},
	},
	{"a BYE and the 2xx of its dialog cross", `
		0    A > B INVITE
		0.5  B > A 180
		1    A > B BYE
		1.01 B > A 200 of=INVITE
		1.02 B > A 200 of=BYE
		1.1  A > B ACK`,
		[]string{"c1@example completed 200 by caller pdd=500ms ring=510ms setup=1.01s messages=6 a-c1-example/b-c1-example:terminated"},
	},
	{"a BYE with tags of nobody, from elsewhere", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		3    C > B BYE ft=x tt=y
		3.1  B > C 481`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=5 a-c1-example/b-c1-example:confirmed x/y:terminated"},
	},
	{"a BYE of another dialog on the hop, refused", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		3    A > B BYE ft=x tt=y
		3.1  B > A 481`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=5 a-c1-example/b-c1-example:confirmed x/y:terminated"},
	},
	{"a BYE of another dialog on the hop, accepted", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		3    A > B BYE ft=x tt=y
		3.1  B > A 200`,
		[]string{"c1@example completed 200 by caller setup=1s talk=2.1s messages=5 a-c1-example/b-c1-example:confirmed x/y:terminated"},
	},
	{"no tags at all: RFC 2543", `
		0    A > B INVITE ft=- br=!
		0.1  B > A 180 tt=-
		1    B > A 200 tt=-
		1.1  A > B ACK ft=- tt=- br=!
		5    B > A BYE ft=- tt=- by=callee br=!
		5.1  A > B 200`,
		[]string{"c1@example completed 200 by callee pdd=100ms ring=900ms setup=1s talk=4s messages=6"},
	},
	{"the same tag on both sides", `
		0    A > B INVITE ft=x
		0.1  B > A 180 tt=x
		1    B > A 200 tt=x
		1.1  A > B ACK ft=x tt=x
		5    B > A BYE ft=x tt=x by=callee
		5.1  A > B 200`,
		[]string{"c1@example completed 200 by callee pdd=100ms ring=900ms setup=1s talk=4s messages=6 x/x:terminated"},
	},
	{"CANCEL behind the final response", `
		0    A > B INVITE
		0.1  B > A 486
		0.2  A > B CANCEL
		0.3  B > A 481 of=CANCEL`,
		[]string{"c1@example failed 486 by callee messages=4"},
	},
	{"CANCEL, its INVITE not in the capture", `
		0    A > B CANCEL br=1 cseq=1
		0.1  B > A 200
		0.2  B > A 487 of=CANCEL cseq=1/INVITE`,
		[]string{"c1@example cancelled 487 by caller messages=3"},
	},
	{"a challenge answered with the same CSeq number", `
		0    A > B INVITE cseq=1
		0.1  B > A 401
		0.2  A > B ACK
		0.3  A > B INVITE cseq=1
		0.4  B > A 486
		0.5  A > B ACK`,
		[]string{"c1@example failed 486 by callee attempts=2 messages=6"},
	},
	{"CSeq going back", `
		0    A > B INVITE cseq=9
		0.1  B > A 407
		0.2  A > B ACK
		0.3  A > B INVITE cseq=3
		0.4  B > A 404
		0.5  A > B ACK`,
		[]string{"c1@example failed 404 by callee attempts=2 messages=6"},
	},
	{"a branch that is used again with another number", `
		0    A > B INVITE br=one
		0.1  B > A 401
		0.2  A > B ACK br=one
		0.3  A > B INVITE br=one
		0.4  B > A 180
		1    B > A 200
		1.1  A > B ACK`,
		[]string{"c1@example confirmed 200 pdd=400ms ring=600ms setup=1s attempts=2 unfinished messages=7 a-c1-example/b-c1-example:confirmed"},
	},
	{"several hops, the nearer one captured late", `
		0     P > B INVITE
			Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKfirst
		0.001 A > P INVITE br=first fwd=no cseq=1
		0.5   P > A 486
		0.501 B > P 486`,
		[]string{"c1@example failed 486 by callee messages=4"},
	},
	{"a re-INVITE that fails, from either side", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		2    B > A INVITE by=callee
		2.1  A > B 488 of=INVITE
		2.2  B > A ACK by=callee
		3    A > B INVITE
		3.1  B > A 408 of=INVITE
		3.2  A > B ACK`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=9 a-c1-example/b-c1-example:confirmed"},
	},
	{"ringing when the capture begins: PRACK and UPDATE, then the answer", `
		0    A > B PRACK ft=x tt=y cseq=2
		0.1  B > A 200
		0.2  A > B UPDATE ft=x tt=y cseq=3
		0.3  B > A 200 of=UPDATE
		1    B > A 200 of=PRACK cseq=1/INVITE
		1.1  A > B ACK ft=x tt=y cseq=1
		9    A > B BYE ft=x tt=y
		9.1  B > A 200 of=BYE`,
		[]string{"c1@example completed 200 by caller talk=8s running messages=8 x/y:terminated"},
	},
	{"ringing when the capture begins and when it ends", `
		0    A > B PRACK ft=x tt=y cseq=2
		0.1  B > A 200`,
		[]string{"c1@example unknown running messages=2 x/y:terminated"},
	},
	{"a subscription on the Call-ID of a call", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		2    A > B SUBSCRIBE new ft=s
		2.1  B > A 202 tt=t
		2.2  B > A NOTIFY ft=t tt=s by=callee
		2.3  A > B 200
		3    A > B BYE ft=a-c1-example tt=b-c1-example
		3.1  B > A 200 of=BYE`,
		[]string{"c1@example completed 200 by caller setup=1s talk=2s messages=7 a-c1-example/b-c1-example:terminated"},
	},
	{"answered when nobody waited for it any more", `
		0     A > B INVITE
		1     B > A 180
		250   C > D OPTIONS id=o
		251   B > A 200 of=INVITE
		251.1 A > B ACK
		255   A > B BYE
		255.1 B > A 200 of=BYE`,
		[]string{"c1@example completed 200 by caller pdd=1s ring=4m10s setup=4m11s talk=4s messages=6 a-c1-example/b-c1-example:terminated"},
	},
	{"refused when nobody waited for it any more", `
		0     A > B INVITE
		1     B > A 180
		250   C > D OPTIONS id=o
		251   B > A 480 of=INVITE`,
		[]string{"c1@example failed 480 by callee pdd=1s ring=4m10s messages=3 a-c1-example/b-c1-example:terminated"},
	},
	{"6xx behind a fork", `
		0    A > P INVITE
		0.01 P > B INVITE
		0.02 P > C INVITE
		1    B > P 603 tt=b
		1.01 P > C CANCEL
		1.02 C > P 200 of=CANCEL
		1.03 C > P 487 of=INVITE tt=c
		1.04 P > A 603 tt=b`,
		[]string{"c1@example failed 603 by callee messages=8"},
	},
	{"redirected twice, then refused", `
		0    A > B INVITE
		0.1  B > A 302
			Contact: <sip:carol@10.0.0.3>
		0.2  A > B ACK
		0.3  A > C INVITE
		0.4  C > A 301
			Contact: <sip:dave@10.0.0.4>
		0.5  A > C ACK
		0.6  A > D INVITE
		0.7  D > A 486
		0.8  A > D ACK`,
		[]string{"c1@example failed 486 by callee attempts=3 messages=9 to=sip:carol@10.0.0.3 to=sip:dave@10.0.0.4"},
	},
	{"a body before the answer that is no session description", `
		0    A > B INVITE
		0.5  B > A 183
			Content-Type: text/plain
			| please wait`,
		[]string{"c1@example early pdd=500ms unfinished messages=2 a-c1-example/b-c1-example:early"},
	},
	{"a challenge answered after a while", `
		0    A > B INVITE
		0.1  B > A 401
		0.2  A > B ACK
		9    C > D OPTIONS id=o
		20   A > B INVITE
		20.1 B > A 486
		20.2 A > B ACK`,
		[]string{"c1@example failed 486 by callee attempts=2 messages=6"},
	},
	{"ACK alone: of what, nobody knows", `
		0    A > B CANCEL br=1 cseq=1
		0.1  A > B ACK br=1 cseq=1 ft=x tt=y`,
		[]string{"c1@example unknown running messages=2"},
	},
	{"a challenge answered with another From tag", `
		0    A > B INVITE
		0.1  B > A 401
		0.2  A > B ACK
		0.3  A > B INVITE ft=other
		0.4  B > A 180
		0.5  B > A 200
		0.6  A > B ACK
		1    A > B BYE
		1.1  B > A 200`,
		[]string{"c1@example completed 200 by caller pdd=400ms ring=100ms setup=500ms talk=500ms attempts=2 messages=9 other/b-c1-example:terminated"},
	},
	{"refused, and the Call-ID used again with another From tag", `
		0    A > B INVITE
		0.1  B > A 486
		0.2  A > B ACK
		0.3  A > B INVITE ft=other
		0.4  B > A 180`,
		[]string{"c1@example failed 486 by callee messages=3", "c1@example early pdd=100ms unfinished messages=2 other/b-c1-example:early"},
	},
	{"a transfer that is challenged and refused, over a proxy", `
		0    A > P INVITE
		0    P > B INVITE
		1    B > P 200
		1    P > A 200
		5    B > P REFER
			Refer-To: <sip:carol@example.com>
		5.1  P > A REFER
			Refer-To: <sip:carol@example.com>
		5.2  A > P 407
		5.3  P > B 407
		5.4  B > P REFER
			Refer-To: <sip:carol@example.com>
		5.5  P > A REFER
			Refer-To: <sip:carol@example.com>
		5.6  A > P 488
		5.7  P > B 488`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=12 a-c1-example/b-c1-example:confirmed transfer(sip:carol@example.com by callee 488 0)"},
	},
	{"a transfer is reported long behind the BYE", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		5    A > B REFER
			Refer-To: <sip:carol@example.com>
		5.1  B > A 202
		5.2  B > A NOTIFY
			Event: refer
			Subscription-State: active
			Content-Type: message/sipfrag
			| SIP/2.0 100 Trying
		5.3  A > B 200 of=NOTIFY
		5.4  A > B BYE
		5.5  B > A 200 of=BYE
		60   C > D OPTIONS id=between@example
		120  B > A NOTIFY
			Event: refer
			Subscription-State: terminated;reason=noresource
			Content-Type: message/sipfrag
			| SIP/2.0 486 Busy Here
		120.1 A > B 200 of=NOTIFY` + long,
		[]string{"c1@example completed 200 by caller setup=1s talk=4.4s messages=11 a-c1-example/b-c1-example:terminated transfer(sip:carol@example.com by caller 202 486)"},
	},
	{"a REFER that asks for no call is no transfer", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		5    A > B REFER
			Refer-To: <sip:carol@example.com;method=BYE>
		5.1  B > A 202`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=5 a-c1-example/b-c1-example:confirmed"},
	},
	{"two transfers, each with the reports that name it", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		5    A > B REFER cseq=10
			Refer-To: <sip:carol@example.com>
		5.1  B > A 202
		5.2  A > B REFER cseq=11
			Refer-To: <sip:dave@example.com>
		5.3  B > A 202
		6    B > A NOTIFY
			Event: refer;id=10
			Subscription-State: terminated;reason=noresource
			Content-Type: message/sipfrag
			| SIP/2.0 486 Busy Here
		6.1  A > B 200 of=NOTIFY
		7    B > A NOTIFY
			Event: refer;id=11
			Subscription-State: terminated;reason=noresource
			Content-Type: message/sipfrag
			| SIP/2.0 200 OK
		7.1  A > B 200 of=NOTIFY`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=11 a-c1-example/b-c1-example:confirmed transfer(sip:carol@example.com by caller 202 486) transfer(sip:dave@example.com by caller 202 200)"},
	},
	{"both sides ask for a transfer, and a NOTIFY is about that of the other side", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		5    A > B REFER
			Refer-To: <sip:carol@example.com>
		5.1  B > A 202
		5.2  B > A REFER
			Refer-To: <sip:dave@example.com>
		5.3  A > B 202
		6    B > A NOTIFY
			Event: refer
			Subscription-State: active
			Content-Type: message/sipfrag
			| SIP/2.0 100 Trying
		6.1  A > B 200 of=NOTIFY`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=9 a-c1-example/b-c1-example:confirmed transfer(sip:carol@example.com by caller 202 100) transfer(sip:dave@example.com by callee 202 0)"},
	},
	{"a NOTIFY of another event, and a report that came out of order", `
		0    A > B INVITE
		1    B > A 200
		1.1  A > B ACK
		5    A > B REFER
			Refer-To: <sip:carol@example.com>
		5.1  B > A 202
		6    B > A NOTIFY
			Event: refer
			Subscription-State: terminated;reason=noresource
			Content-Type: message/sipfrag
			| SIP/2.0 200 OK
		6.01 B > A NOTIFY
			Event: refer
			Subscription-State: active
			Content-Type: message/sipfrag
			| SIP/2.0 100 Trying
		7    B > A NOTIFY
			Event: x-other
			Content-Type: message/sipfrag
			| SIP/2.0 500 Server Internal Error`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=8 a-c1-example/b-c1-example:confirmed transfer(sip:carol@example.com by caller 202 200)"},
	},
	{"a transfer over a hop that counts anew", `
		0    A > P INVITE
		0    P > B INVITE
		1    B > P 200
		1    P > A 200
		5    B > P REFER
			Refer-To: <sip:carol@example.com>
		5.1  P > A REFER cseq=77
			Refer-To: <sip:carol@10.0.0.9>
		5.2  A > P 202
		5.3  P > B 202`,
		[]string{"c1@example confirmed 200 setup=1s unfinished messages=8 a-c1-example/b-c1-example:confirmed transfer(sip:carol@example.com by callee 202 0)"},
	},
	{"no calls", `
		0 A > B OPTIONS
		1 B > A 200
		2 A > B MESSAGE id=m@example
		3 B > A 200`,
		nil,
	},
}

func TestCalls(t *testing.T) {
	for _, tt := range callTests {
		t.Run(tt.name, func(t *testing.T) {
			for _, way := range []struct {
				name string
				l    capgen.Ladder
			}{{"UDP", capgen.Ladder{}}, {"IPv6", capgen.Ladder{IPv6: true}}, {"compact names in another order", capgen.Ladder{Compact: true, Shuffle: true}}} {
				res := analyze(t, way.l, tt.ladder)
				for i := range res.Calls.Len() {
					c := res.Calls.At(i)
					got := describe(c)
					if i >= len(tt.want) {
						t.Errorf("%s: further call %s", way.name, got)
					} else if got != tt.want[i] {
						t.Errorf("%s:\ngot  %s\nwant %s", way.name, got, tt.want[i])
					}
				}
				for _, w := range tt.want[min(res.Calls.Len(), len(tt.want)):] {
					t.Errorf("%s: missing call %s", way.name, w)
				}
			}
		})
	}
}

// TestStepsMultipart: a session description is told of inside of a multipart body as well, as emergency calls and SIP-I have it.
func TestStepsMultipart(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, `
		0 A > B INVITE
			Content-Type: multipart/mixed;boundary=x
			| --x
			| Content-Type: application/isup;version=itu-t92+
			|
			| IAM
			| --x
			| Content-Type: application/sdp
			|
			| v=0
			| o=- 1 1 IN IP4 10.0.0.1
			| s=-
			| c=IN IP4 10.0.0.1
			| t=0 0
			| m=audio 4000 RTP/AVP 0
			| --x--
		1 B > A INFO
			Content-Type: multipart/mixed;boundary=x
			| --x
			| Content-Type: application/isup
			|
			| SUS
			| --x--`)
	steps := res.Calls.At(0).First().Steps
	if len(steps) != 2 || steps[0].Media != "audio 10.0.0.1:4000 PCMU" || steps[1].Media != "" {
		t.Errorf("%+v", steps)
	}
}

// TestStepsOf: messages are kept of the calls that are asked for alone.
func TestStepsOf(t *testing.T) {
	l := new(capgen.Ladder)
	pcap := l.Pcap(hosts + "0 A > B INVITE id=one\n1 B > A 486\n+.1 A > B ACK id=one\n2 A > B INVITE id=two\n3 B > A 486\n+.1 A > B ACK id=two\n")
	r, err := capture.NewReader(context.Background(), bytes.NewReader(pcap), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true, Steps: true, StepsOf: func(id string) bool { return id == "two" }})
	if err != nil {
		t.Fatal(err)
	}
	if one, two := res.Find("one").First(), res.Find("two").First(); len(one.Steps) != 0 || len(two.Steps) != 3 {
		t.Errorf("%d and %d steps", len(one.Steps), len(two.Steps))
	}
}

// TestClockBack: a clock that was set back does not make a call begin with what came last, nor what is kept of its messages wrong.
func TestClockBack(t *testing.T) {
	for _, back := range []int{3, 4} { // the BYE, and a copy of it when the call is over
		packets := new(capgen.Ladder).Packets(hosts + "0 A > B INVITE\n1 B > A 200\n+.1 A > B ACK\n9 A > B BYE\n+.1 B > A 200 of=BYE\n100 C > D OPTIONS id=o\n+.1 C > D OPTIONS id=p\n")
		if back == 4 {
			packets = append(packets, packets[3])
			back = len(packets) - 1
		}
		packets[back].Time = packets[back].Time.Add(-time.Hour)
		r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(packets)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true, Steps: true})
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		l := res.Calls.At(0).First()
		if l.First.Number != 1 || !l.Begin.Equal(packets[0].Time) {
			t.Errorf("packet %d an hour back: the call begins with packet %d at %v", back+1, l.First.Number, l.Begin)
		}
		for i, s := range l.Steps {
			if i < 3 && (s.Frame.Number != int64(i+1) || !s.Time.Equal(packets[i].Time)) {
				t.Errorf("packet %d an hour back: step %d is packet %d at %v", back+1, i, s.Frame.Number, s.Time)
			}
		}
	}
}

// TestInfoOutside: an INFO outside of a dialog is of no call, whatever answers it; one inside of a dialog is.
func TestInfoOutside(t *testing.T) {
	for _, tt := range []struct {
		ladder string
		calls  int
	}{
		{"0 A > B INFO new tt=-\n+.1 B > A 200 tt=x", 0},
		{"0 A > B INFO new tt=-\n+.1 B > A 481 tt=x\n30 A > B INFO new tt=- id=c2@example\n+.1 B > A 481 tt=y", 0},
		{"0 A > B INFO tt=x\n+.1 B > A 200", 1},
	} {
		if got := analyze(t, capgen.Ladder{}, tt.ladder).Calls.Len(); got != tt.calls {
			t.Errorf("%q: %d calls", tt.ladder, got)
		}
	}
}
