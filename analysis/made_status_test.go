package analysis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestVerdictMadeStatus: a status that a server made of another one is not said to be of the called side; one that
// somebody there refused with is, whatever others said.
func TestVerdictMadeStatus(t *testing.T) {
	const begin = "0 A > P INVITE\n.01 P > A 100\n.02 P > B INVITE br=1\n"
	const session = "\n  Session-ID: ab30317f1a784dc48ff824d0d3715d86\n"
	const inner = "0 A > P INVITE id=outer" + session + ".01 P > B INVITE id=inner fwd=no" + session
	const end = "+.01 A > P ACK\n"
	for name, x := range map[string]struct{ ladder, want string }{
		"of 503, 500": {begin + "+.2 B > P 503\n+.01 P > A 500\n" + end,
			"Failed after 230 ms: 500 Server Internal Error from a server on the way, 10.0.0.9:5060, after 503 Service Unavailable from 10.0.0.2:5060."},
		"passed on": {begin + "+.2 B > P 486\n+.01 P > A 486\n" + end,
			"Failed after 230 ms: 486 Busy Here from the called side."},
		"one of two": {begin + "+.2 B > P 503 tt=b\n+.1 P > C INVITE br=2\n+.2 C > P 486 tt=c\n+.01 P > A 486 tt=c\n" + end,
			"Failed after 530 ms: 486 Busy Here from the called side."},
		"none of two": {begin + "+.2 B > P 503 tt=b\n+.1 P > C INVITE br=2\n+.2 C > P 404 tt=c\n+.01 P > A 480 tt=p\n" + end,
			"Failed after 530 ms: 480 Temporarily Unavailable from a server on the way, 10.0.0.9:5060, after 404 Not Found from 10.0.0.3:5060."},
		"no word of the other": {begin + "+.1 P > C INVITE br=2\n+.2 B > P 503 tt=b\n+.01 P > A 500 tt=p\n" + end,
			"Failed after 330 ms: 500 Server Internal Error from the called side."},
		"behind two servers": {"0 A > P INVITE\n.01 P > Q INVITE\n.02 Q > B INVITE\n.2 B > Q 503\n+.01 Q > P 500\n+.01 P > A 500\n" + end,
			"Failed after 220 ms: 500 Server Internal Error from a server on the way, after 503 Service Unavailable from 10.0.0.2:5060."},
		"redirected": {begin + "+.2 B > P 302\n+.01 P > A 302\n" + end,
			"Redirected after 230 ms with 302 Moved Temporarily by the called side, and nothing followed on this Call-ID."},
		"redirected by the server": {begin + "+.2 B > P 486\n+.01 P > A 302\n" + end,
			"Redirected after 230 ms with 302 Moved Temporarily by a server on the way, 10.0.0.9:5060, and nothing followed on this Call-ID."},
		"redirected by the only host": {"0 A > B INVITE\n.1 B > A 302\n+.01 A > B ACK\n",
			"Redirected after 100 ms with 302 Moved Temporarily by 10.0.0.2:5060, and nothing followed on this Call-ID."},
		"behind a back-to-back user agent": {inner + "+.2 B > P 486 id=inner\n+.01 P > A 480 id=outer\n+.01 A > P ACK id=outer\n",
			"Failed after 220 ms: 480 Temporarily Unavailable from 10.0.0.9:5060, after 486 Busy Here from 10.0.0.2:5060."},
		"passed on by a back-to-back user agent": {inner + "+.2 B > P 486 id=inner\n+.01 P > A 486 id=outer\n+.01 A > P ACK id=outer\n",
			"Failed after 220 ms: 486 Busy Here from 10.0.0.9:5060."},
		"behind two of them": {inner + ".02 B > C INVITE id=last fwd=no" + session + "+.2 C > B 404 id=last\n+.01 B > P 480 id=inner\n+.01 P > A 480 id=outer\n+.01 A > P ACK id=outer\n",
			"Failed after 240 ms: 480 Temporarily Unavailable from 10.0.0.9:5060, after 404 Not Found from 10.0.0.3:5060."},
		"the first of two behind a back-to-back user agent": {inner + "+.2 B > P 486 id=inner\n+.1 P > C INVITE id=last fwd=no" + session + "+.2 C > P 404 id=last\n+.01 P > A 486 id=outer\n+.01 A > P ACK id=outer\n",
			"Failed after 520 ms: 486 Busy Here from 10.0.0.9:5060."},
		"neither of two behind a back-to-back user agent": {inner + "+.2 B > P 486 id=inner\n+.1 P > C INVITE id=last fwd=no" + session + "+.2 C > P 404 id=last\n+.01 P > A 480 id=outer\n+.01 A > P ACK id=outer\n",
			"Failed after 520 ms: 480 Temporarily Unavailable from 10.0.0.9:5060, after 404 Not Found from 10.0.0.3:5060."},
		"behind a redirection and a phone that was given up": {inner + "+.2 B > P 302 id=inner\n+.1 P > C INVITE id=last fwd=no" + session + "+.2 C > P 486 id=last\n" +
			"+.1 P > Q INVITE id=ring fwd=no" + session + "+.1 Q > P 180 id=ring\n+9 P > Q CANCEL id=ring\n+.1 Q > P 200 id=ring of=CANCEL\n+.1 Q > P 487 id=ring of=INVITE\n+.1 P > A 480 id=outer\n+.01 A > P ACK id=outer\n",
			"Failed after 10.0 s: 480 Temporarily Unavailable from 10.0.0.9:5060, after 486 Busy Here from 10.0.0.3:5060."},
		"behind a proxy and a back-to-back user agent": {"0 A > Q INVITE id=outer" + session + ".01 Q > P INVITE id=outer" + session + ".02 P > B INVITE id=inner fwd=no" + session +
			"+.2 B > P 486 id=inner\n+.01 P > Q 480 id=outer\n+.01 Q > A 480 id=outer\n+.01 A > Q ACK id=outer\n",
			"Failed after 240 ms: 480 Temporarily Unavailable from a server on the way, after 486 Busy Here from 10.0.0.2:5060."},
		"one of two phones on one host": {"D = 10.0.0.2:5070\n" + begin + "+.01 P > D INVITE br=2\n+.01 P > C INVITE br=3\n+.1 B > P 486 tt=b br=1\n+.1 D > P 404 tt=d br=2\n+.1 C > P 503 tt=c br=3\n+.01 P > A 486 tt=b\n+.01 A > P ACK tt=b\n",
			"Failed after 350 ms: 486 Busy Here from the called side."},
		"told before": {begin + "+.2 B > P 401 tt=b\n\tWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n+.01 P > A 401 tt=b\n+.01 A > P ACK\n+.1 A > P INVITE\n+.1 P > A 486 tt=p\n+.01 A > P ACK\n",
			"Failed after 440 ms: 486 Busy Here from the called side."},
		"tried again": {begin + "+.2 B > P 503 tt=b\n+.01 P > A 500 tt=b\n+.01 A > P ACK\n+.1 A > P INVITE\n+.01 P > C INVITE\n+.1 C > P 404 tt=c\n+.01 P > A 480 tt=p\n+.01 A > P ACK\n",
			"Failed after 460 ms: 480 Temporarily Unavailable from a server on the way, 10.0.0.9:5060, after 404 Not Found from 10.0.0.3:5060."},
		"later than that": {inner + "+.2 P > A 480 id=outer\n+.01 A > P ACK id=outer\n+.2 B > P 486 id=inner\n",
			"Failed after 210 ms: 480 Temporarily Unavailable from 10.0.0.9:5060."},
	} {
		res := analyze(t, capgen.Ladder{}, x.ladder)
		if got := res.Calls.At(0).Verdict(); got != x.want {
			t.Errorf("%s: %s\nwant %s", name, got, x.want)
		}
	}
}

// TestVerdictManyLegs: of more legs than a call of a person has not each is compared with all others.
func TestVerdictManyLegs(t *testing.T) {
	for _, further := range []int{63, 64} {
		var b strings.Builder
		b.WriteString("0 A > P INVITE id=innerinner-00\n")
		for i := range further {
			fmt.Fprintf(&b, "+.001 P > B INVITE id=innerinner-%02d fwd=no\n\tX-Call-ID: innerinner-%02d\n", i+1, i)
		}
		for i := range further {
			fmt.Fprintf(&b, "+.001 B > P 486 id=innerinner-%02d\n", i+1)
		}
		b.WriteString("+.1 P > A 480 id=innerinner-00\n+.01 A > P ACK id=innerinner-00\n")
		c := analyze(t, capgen.Ladder{}, b.String()).Calls.At(0)
		if told := strings.Contains(c.Verdict(), "after 486"); len(c.Legs) != further+1 || told != (further < 64) {
			t.Errorf("%d legs: %s", len(c.Legs), c.Verdict())
		}
	}
}
