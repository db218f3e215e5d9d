package fuzz

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/sipmsg"
)

// FuzzFilter: whatever the expression and the message, evaluation ends without a panic; what
// is refused says where; what is taken is printed as an expression that is taken, is printed
// the same again, and selects the same; and not turns the result around.
func FuzzFilter(f *testing.F) {
	exprs := []string{
		`sip`, `not (sip.Method == "INVITE" or sip.CSeq.seq >= 0x10) && !udp`, `sip.Status-Code in {100 .. 199, 200}`,
		`ip.addr == 10.0.0.0/8 or ipv6.addr in {::1 .. ::2, 2001:db8::/32}`, `frame.time >= "2026-11-23 10:14:00.5Z"`,
		`frame.time_epoch < -1.5`, `sip.from.user matches r"^\w+$" and sip contains "\x00"`, `sip.Via.branch !== z9 and sdp.media === "a"`,
		`sip.msg_hdr contains "***"`, `sip.call-id`, `sip.Method not in {"A", B`, `((((sip))))`, "\xff\"\u202e",
	}
	for _, field := range filter.Messages().Fields() {
		exprs = append(exprs, field.ExampleText())
	}
	inputs := messages()
	for i, e := range exprs {
		f.Add(e, inputs[i%len(inputs)])
	}
	f.Fuzz(func(t *testing.T, expr string, b []byte) {
		if tooLong(b) {
			return
		}
		x, err := filter.Messages().Parse(expr)
		if err != nil {
			var e *filter.Error
			if !errors.As(err, &e) || e.Pos < 0 || e.Pos > e.End || e.End > len(expr) || e.What == "" {
				t.Fatalf("%q: %#v", expr, err)
			}
			checkText(t, "Caret", []byte(e.Caret()), "\n")
			return
		}
		printed := x.String()
		y, err := filter.Messages().Parse(printed)
		if err != nil {
			if len(printed) > 4096 { // escapes can be longer than what they stand for
				return
			}
			t.Fatalf("%q is printed as %q, which is refused: %v", expr, printed, err)
		}
		if again := y.String(); again != printed {
			t.Fatalf("%q is printed as %q, and that as %q", expr, printed, again)
		}
		var m sipmsg.Message
		if m.Parse(b) != nil {
			return
		}
		msg := analysis.Message{
			Frame: analysis.Frame{Number: 17}, Time: time.Unix(1795428840, 5), HasTime: true, Transport: "UDP", SIP: &m,
			Source: netip.MustParseAddrPort("10.0.0.1:5060"), Destination: netip.MustParseAddrPort("[2001:db8::1]:5061"),
		}
		not, err := filter.Messages().Parse("not (" + printed + ")")
		for _, secrets := range []bool{false, true} {
			x.Secrets, y.Secrets = secrets, secrets
			got := x.Match(&msg)
			if y.Match(&msg) != got || x.Match(&msg) != got {
				t.Fatalf("%q is %t, and then it is not", expr, got)
			}
			if err != nil {
				continue // too deep or too long by now
			}
			if not.Secrets = secrets; not.Match(&msg) == got {
				t.Fatalf("%q and its negation are %t", expr, got)
			}
		}
	})
}
