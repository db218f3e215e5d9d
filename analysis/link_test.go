package analysis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
)

// linksOf writes the links of all calls, a line each, and holds that both calls know of each.
func linksOf(t *testing.T, res *analysis.Result) []string {
	t.Helper()
	var list []string
	seen := make(map[string]int)
	for c := range res.Calls.All() {
		for _, l := range c.Links {
			line := fmt.Sprintf("%d > %d %v %d %s", l.From, l.To, l.Kind, l.Score, strings.Join(l.Reason, " "))
			if l.From != c.ID && l.To != c.ID || l.Score < 100 {
				t.Errorf("call-%d has the link %s", c.ID, line)
			}
			if seen[line]++; seen[line] == 1 {
				list = append(list, line)
			}
		}
	}
	for line, n := range seen {
		want := 2
		if strings.HasPrefix(line, "0 ") { // a REFER of no call
			want = 1
		}
		if n != want {
			t.Errorf("%d calls know of %s", n, line)
		}
	}
	return list
}

// A talk is a call between alice and bob that goes on.
const talk = `
	0    A > B INVITE
	1    B > A 200
	1.1  A > B ACK
`

// TestLinks: calls that a transfer ties together, and what speaks for it.
func TestLinks(t *testing.T) {
	for _, tt := range []struct {
		name, ladder string
		want         []string
	}{
		{"blind, by the callee", talk + `
			5    B > A REFER by=callee
				Refer-To: <sip:carol@example.com>
			5.1  A > B 202
			5.2  A > C INVITE id=c2@x to=sip:carol@example.com`,
			[]string{"1 > 2 transfer 100 refer-to from-referee from-transferee"}},
		{"asked for outside of calls, over a proxy", `
			0    C > P REFER id=r@x from=sip:app@example.com to=sip:alice@example.com
				Refer-To: <sip:bob@example.com>
			0.1  P > A REFER id=r@x from=sip:app@example.com to=sip:alice@example.com
				Refer-To: <sip:bob@example.com>
			0.2  A > P 202
			0.3  P > C 202
			1    A > B INVITE`,
			[]string{"0 > 1 transfer 100 refer-to from-referee from-transferee"}},
		{"asked for outside of calls, challenged, and again", `
			0    C > A REFER id=r@x from=sip:app@example.com to=sip:alice@example.com
				Refer-To: <sip:bob@example.com>
			0.1  A > C 401
			0.2  C > A REFER id=r@x cseq=2 from=sip:app@example.com to=sip:alice@example.com
				Refer-To: <sip:bob@example.com>
			0.3  A > C 202
			1    A > B INVITE`,
			[]string{"0 > 1 transfer 100 refer-to from-referee from-transferee"}},
		{"asked for outside of calls, and refused", `
			0    C > A REFER id=r@x from=sip:app@example.com to=sip:alice@example.com
				Refer-To: <sip:bob@example.com>
			0.1  A > C 403
			1    A > B INVITE`,
			nil},
		{"two outside of calls that may have asked for one", `
			0    C > A REFER id=r1@x from=sip:app@example.com to=sip:alice@example.com
				Refer-To: <sip:bob@example.com>
			0    D > A REFER id=r2@x from=sip:app@example.com to=sip:alice@example.com
				Refer-To: <sip:bob@example.com>
			1    A > B INVITE`,
			nil},
		{"outside of the dialog that Target-Dialog names", talk + `
			5    A > B REFER id=r@x from=sip:alice@example.com to=sip:bob@example.com
				Refer-To: <sip:carol@example.com>
				Target-Dialog: c1@example;local-tag=b-c1-example;remote-tag=a-c1-example
			5.1  B > A 202
			5.2  B > C INVITE id=c2@x from=sip:bob@example.com to=sip:carol@example.com`,
			[]string{"1 > 2 transfer 100 refer-to from-referee from-transferee"}},
		{"blind, by the caller, with Referred-By and another host in the URI", talk + `
			5    A > B REFER
				Refer-To: <sip:carol@example.com;method=INVITE>
				Referred-By: <sip:alice@example.com>
			5.1  B > A 202
			5.2  B > C INVITE id=c2@x from=sip:bob@10.0.0.2 to=sip:carol@10.0.0.3
				Referred-By: <sip:alice@EXAMPLE.com>;id=x`,
			[]string{"1 > 2 transfer 130 refer-to-user referred-by from-referee from-transferee"}},
		{"attended: what was consulted, what came of it, and what that takes the place of", talk + `
			3    B > C INVITE id=c2@x from=sip:bob@example.com to=sip:carol@example.com
			4    C > B 200
			4.1  B > C ACK
			5    B > A REFER id=c1@example by=callee
				Refer-To: <sip:carol@10.0.0.3?Replaces=c2%40x%3Bto-tag%3Db-c2-x%3Bfrom-tag%3Da-c2-x>
			5.1  A > B 202
			5.2  A > C INVITE id=c3@x to=sip:carol@10.0.0.3
				Replaces: c2@x;to-tag=b-c2-x;from-tag=a-c2-x
			6    C > A 200
			6.1  C > B BYE id=c2@x by=callee`,
			[]string{"1 > 2 consultation 100 refer-to-replaces", "1 > 3 transfer 200 refer-to same-replaces from-referee from-transferee", "2 > 3 replacement 100 replaces"}},
		{"a call that takes over from another one, without any REFER", talk + `
			5    C > B INVITE id=c2@x from=sip:carol@example.com
				Replaces: c1@example;to-tag=b-c1-example;from-tag=a-c1-example
			6    B > C 200
			6.1  B > A BYE id=c1@example by=callee`,
			[]string{"1 > 2 replacement 100 replaces"}},
		{"through a proxy, with credentials, to a busy phone and then to the next", `
			0    A > P INVITE
			0.1  P > B INVITE
			1    B > P 200
			1.1  P > A 200
			1.2  A > P ACK
			1.3  P > B ACK
			5    B > P REFER by=callee
				Refer-To: <sip:carol@example.com>
			5.1  P > B 407
			5.2  B > P REFER by=callee
				Refer-To: <sip:carol@example.com>
			5.3  P > A REFER by=callee
				Refer-To: <sip:carol@example.com>
			5.4  A > P 202
			5.5  P > B 202
			6    A > P INVITE id=c2@x to=sip:carol@example.com
			6.1  P > C INVITE id=c2@x to=sip:carol@example.com
			7    C > P 486 id=c2@x
			7.1  P > A 486 id=c2@x
			8    A > P INVITE id=c3@x to=sip:carol@example.com
			8.1  P > D INVITE id=c3@x to=sip:carol@example.com`,
			[]string{"1 > 2 transfer 100 refer-to from-referee from-transferee", "1 > 3 transfer 100 refer-to from-referee from-transferee"}},
		{"a switch that makes the call itself", `
			0    A > P INVITE from=sip:100@p to=sip:200@p
			0.1  P > B INVITE id=c2@p fwd=no from=sip:100@p to=sip:200@b
				X-Call-ID: c1@example
			1    B > P 200
			1.1  P > A 200 id=c1@example
			5    B > P REFER id=c2@p by=callee from=sip:100@p to=sip:200@b
				Refer-To: <sip:300@p>
			5.1  P > B 202
			5.2  P > C INVITE id=c3@p fwd=no from=sip:100@p to=sip:300@10.0.0.3
				Referred-By: <sip:200@b>`,
			[]string{"1 > 2 transfer 130 refer-to-user referred-by from-referee from-transferee"}},
		{"a switch that makes the call itself, and names nobody in Referred-By", `
			0    A > P INVITE from=sip:100@p to=sip:200@p
			0.1  P > B INVITE id=c2@p fwd=no from=sip:100@p to=sip:200@b
				X-Call-ID: c1@example
			1    B > P 200
			1.1  P > A 200 id=c1@example
			5    B > P REFER id=c2@p by=callee from=sip:100@p to=sip:200@b
				Refer-To: <sip:300@P;user=phone>
			5.1  P > B 202
			5.2  P > C INVITE id=c3@p fwd=no from=sip:100@p to=sip:300@10.0.0.3`,
			[]string{"1 > 2 transfer 100 refer-to from-referee from-transferee"}},
		{"the same, with the port that no port means", `
			0    A > P INVITE from=sip:100@p to=sip:200@p
			0.1  P > B INVITE id=c2@p fwd=no from=sip:100@p to=sip:200@b
				X-Call-ID: c1@example
			1    B > P 200
			1.1  P > A 200 id=c1@example
			5    B > P REFER id=c2@p by=callee from=sip:100@p to=sip:200@b
				Refer-To: <sip:300@P:5060;user=phone>
			5.1  P > B 202
			5.2  P > C INVITE id=c3@p fwd=no from=sip:100@p to=sip:300@10.0.0.3`,
			[]string{"1 > 2 transfer 100 refer-to from-referee from-transferee"}},
		{"the same, with a target elsewhere", `
			0    A > P INVITE from=sip:100@p to=sip:200@p
			0.1  P > B INVITE id=c2@p fwd=no from=sip:100@p to=sip:200@b
				X-Call-ID: c1@example
			1    B > P 200
			1.1  P > A 200 id=c1@example
			5    B > P REFER id=c2@p by=callee from=sip:100@p to=sip:200@b
				Refer-To: <sip:300@elsewhere>
			5.1  P > B 202
			5.2  P > C INVITE id=c3@p fwd=no from=sip:100@p to=sip:300@10.0.0.3`,
			nil},
		{"twice in a row", talk + `
			5    B > A REFER by=callee
				Refer-To: <sip:carol@example.com>
			5.1  A > B 202
			5.2  A > C INVITE id=c2@x to=sip:carol@example.com
			6    C > A 200
			6.1  A > C ACK
			9    C > A REFER id=c2@x by=callee
				Refer-To: <sip:dave@example.com>
			9.1  A > C 202
			9.2  A > D INVITE id=c3@x to=sip:dave@example.com`,
			[]string{"1 > 2 transfer 100 refer-to from-referee from-transferee", "2 > 3 transfer 100 refer-to from-referee from-transferee"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := analyze(t, capgen.Ladder{}, tt.ladder)
			if got := linksOf(t, res); !slices.Equal(got, tt.want) {
				t.Errorf("%q", got)
				for c := range res.Calls.All() {
					t.Log(describe(c))
				}
			}
		})
	}
}

// TestNotLinked: calls that look like a transfer, and are none, or nobody can tell.
func TestNotLinked(t *testing.T) {
	refer := talk + `
		5    B > A REFER by=callee
			Refer-To: <sip:carol@example.com>
	`
	for _, tt := range []struct{ name, ladder string }{
		{"refused", refer + `
			5.1  A > B 603
			5.2  A > C INVITE id=c2@x to=sip:carol@example.com`},
		{"long after", refer + `
			5.1  A > B 202
			40   A > C INVITE id=c2@x to=sip:carol@example.com`},
		{"before", `
			0    A > C INVITE id=c2@x to=sip:carol@example.com
			0.1  A > B INVITE id=c1@example
			1    B > A 200 id=c1@example
			1.1  A > B ACK id=c1@example
			5    B > A REFER by=callee id=c1@example
				Refer-To: <sip:carol@example.com>
			5.1  A > B 202`},
		{"somebody else calls the same", refer + `
			5.1  A > B 202
			5.2  D > C INVITE id=c2@x from=sip:dave@example.com to=sip:carol@example.com`},
		{"a proxy that got the REFER passes an INVITE on", talk + `
			5    B > P REFER by=callee
				Refer-To: <sip:carol@example.com>
			5.1  P > B 202
			5.2  P > C INVITE id=c2@x to=sip:carol@example.com
				Via: SIP/2.0/UDP 10.0.0.4:5060;branch=z9hG4bKd`},
		{"an INVITE that is passed on to the host that got the REFER", refer + `
			5.1  A > B 202
			5.2  D > A INVITE id=c2@x from=sip:dave@example.com to=sip:carol@example.com
			5.3  A > C INVITE id=c3@x fwd=no from=sip:alice@example.com to=sip:carol@example.com
				X-Call-ID: c2@x`},
		{"another target", refer + `
			5.1  A > B 202
			5.2  A > C INVITE id=c2@x to=sip:dave@example.com`},
		{"a REFER for something else than a call", talk + `
			5    B > A REFER by=callee
				Refer-To: <sip:carol@example.com;method=BYE>
			5.1  A > B 202
			5.2  A > C INVITE id=c2@x to=sip:carol@example.com`},
		{"two calls at once, either of which it could be", refer + `
			5.1  A > B 202
			5.2  A > C INVITE id=c2@x to=sip:carol@example.com
			5.3  A > C INVITE id=c3@x to=sip:carol@example.com`},
		{"two REFERs, of either of which it could be", talk + `
			2    D > A INVITE id=c2@x from=sip:dave@example.com to=sip:alice@example.com
			3    A > D 200
			5    B > A REFER id=c1@example by=callee
				Refer-To: <sip:carol@example.com>
			5.1  D > A REFER id=c2@x from=sip:dave@example.com to=sip:alice@example.com
				Refer-To: <sip:carol@example.com>
			5.2  A > C INVITE id=c3@x to=sip:carol@example.com`},
		{"Replaces with the Call-ID of a call and other tags", talk + `
			5    C > B INVITE id=c2@x from=sip:carol@example.com
				Replaces: c1@example;to-tag=b-c1-example;from-tag=other`},
		{"Replaces without tags", talk + `
			5    C > B INVITE id=c2@x from=sip:carol@example.com
				Replaces: c1@example`},
		{"Replaces of itself", `
			0    A > B INVITE
				Replaces: c1@example;to-tag=b-c1-example;from-tag=a-c1-example
			1    B > A 200`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := analyze(t, capgen.Ladder{}, tt.ladder)
			if res.Calls.Len() < 2 && tt.name != "Replaces of itself" {
				t.Errorf("%d calls", res.Calls.Len())
			}
			if got := linksOf(t, res); got != nil {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestLinked: links make a group, the same one for all of its calls, and a bounded one.
func TestLinked(t *testing.T) {
	text := "0 A > B INVITE id=c0@x\n1 B > A 200\n1.1 A > B ACK\n"
	for i := 1; i <= 9; i++ {
		text += fmt.Sprintf("%d C > B INVITE id=c%d@x from=sip:u%d@x\n\tReplaces: c%d@x;to-tag=b-c%d-x;from-tag=a-c%d-x\n+.1 B > C 200\n+.1 C > B ACK\n", 10*i, i, i, i-1, i-1, i-1)
		if n := i + 1; n > 8 {
			continue
		}
		res := analyze(t, capgen.Ladder{}, text+fmt.Sprintf("%d D > B INVITE id=other@x\n", 10*i+5))
		for c := range res.Calls.All() {
			ids, more := res.Calls.Linked(c.ID)
			if want := i + 1; c.ID <= want && (len(ids) != want || ids[0] != 1 || ids[want-1] != want || more) || c.ID > want && len(ids) != 1 {
				t.Errorf("%d links: call-%d is with %v, more %v", i, c.ID, ids, more)
			}
		}
	}
	res := analyze(t, capgen.Ladder{}, text)
	if ids, more := res.Calls.Linked(1); !slices.Equal(ids, []int{1, 2, 3, 4, 5, 6, 7, 8}) || !more {
		t.Errorf("of ten calls, call-1 is with %v, more %v", ids, more)
	}
	if ids, more := res.Calls.Linked(10); !slices.Equal(ids, []int{3, 4, 5, 6, 7, 8, 9, 10}) || !more {
		t.Errorf("of ten calls, call-10 is with %v, more %v", ids, more)
	}
}

// TestManyAlike: hundreds of transfers that are all alike cost little, and none is taken for
// another one's; a REFER is told from those before it by its call alone.
func TestManyAlike(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "%.2f A > B INVITE id=t%d@x\n+.001 B > A 200\n+.001 A > B ACK\n", float64(i)/100, i)
	}
	for i := range 200 {
		fmt.Fprintf(&b, "%.2f B > A REFER id=t%d@x by=callee\n\tRefer-To: <sip:carol@example.com>\n", 5+float64(i)/100, i)
	}
	for i := range 200 {
		fmt.Fprintf(&b, "%.2f A > C INVITE id=n%d@x to=sip:carol@example.com\n", 8+float64(i)/100, i)
	}
	if got := linksOf(t, analyze(t, capgen.Ladder{}, b.String())); got != nil {
		t.Errorf("%d links, the first is %s", len(got), got[0])
	}
}
