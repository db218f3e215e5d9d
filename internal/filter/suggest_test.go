package filter_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/filter"
)

// closed is a schema with a text of few values, and with names that people give its fields.
var closed = func() *filter.Schema[*call] {
	s := filter.NewSchema[*call]("call")
	s.String("state", "how far it came", func(c *call) string { return c.state })
	s.Strings("user_agents", "who took part", func(c *call) []string { return c.agents })
	s.Int("final_status", "its code", func(c *call) int64 { return c.count })
	s.Only("state", []string{"early", "failed", "cancelled"}, "write call.answer: answered picked_up")
	s.Said("final_status: code status\nuser_agents: phone")
	s.Usual("final_status")
	return s
}()

// TestVocabulary: a value that a text never has is refused in all that can be asked of it, since
// the answer would look like one.
func TestVocabulary(t *testing.T) {
	const words = "call.state is never %q, but one of: early, failed, cancelled"
	never := func(word string) string { return strings.Replace(words, "%q", `"`+word+`"`, 1) }
	for _, x := range []struct{ expr, what, hint string }{
		{`call.state == failed`, "", ""},
		{`call.state in {early, "failed"}`, "", ""},
		{`call.state contains "ail"`, "", ""},
		{`call.state matches "^(E|F)"`, "", ""},
		{`call.user_agents == early`, "", ""},
		{`call.state == faild`, never("faild"), "did you mean failed?"},
		{`call.state == ""`, never(""), ""},
		{`call.state in {r""}`, never(""), ""},
		{`call.state != "Failed"`, never("Failed"), "did you mean failed?"},
		{`call.state === answered`, never("answered"), "write call.answer"},
		{`call.state in {early, critical}`, never("critical"), ""},
		{`call.state not in {busy}`, never("busy"), ""},
		{`call.state in {early .. failed}`, "words like these have no order", "list them, with commas"},
		{`call.state >= early`, "call.state is a word, and words like these have no order", "use == or in {…} with some of: early, failed, cancelled"},
		{`call.user_agents == 10.0.0.0/8`, "call.user_agents is text, which is in no network", `write a pattern, such as call.user_agents matches "^10\\." for 10.0.0.0/8`},
		{`call.user_agents == "10.0.0.0/8"`, "call.user_agents is text, which is in no network", `write a pattern, such as call.user_agents matches "^10\\." for 10.0.0.0/8`},
		{`call.user_agents in {"10.0.0.1", "2001:db8::/32"}`, "call.user_agents is text, which is in no network", `write a pattern, such as call.user_agents matches "^10\\." for 10.0.0.0/8`},
		{`call.user_agents == "10.0.0.0/80" or call.user_agents contains "10.0.0.0/8"`, "", ""},
		{`call.state contains Fail`, "no call.state contains that", "it is one of: early, failed, cancelled"},
		{`call.state matches "^x"`, "no call.state matches that", "it is one of: early, failed, cancelled"},
	} {
		_, err := closed.Parse(x.expr)
		var e filter.Error
		if err != nil {
			e = *err.(*filter.Error)
		}
		if e.What != x.what || e.Hint != x.hint || e.Fields != nil {
			t.Errorf("%s: %q, %q, %q", x.expr, e.What, e.Hint, e.Fields)
		}
	}
}

// TestHex: a text that is a number in hexadecimal is found by it, in whatever way it is written.
func TestHex(t *testing.T) {
	s := filter.NewSchema[string]("stream")
	s.String("ssrc", "the SSRC", func(x string) string { return x })
	s.Hex("ssrc")
	for expr, want := range map[string]bool{
		`stream.ssrc == 0xa1`:                       true,
		`stream.ssrc == 0x000000A1`:                 true,
		`stream.ssrc == "0xa1"`:                     true,
		`stream.ssrc == 161`:                        true,
		`stream.ssrc in {0x1, 0xa0 .. 0xff}`:        true,
		`stream.ssrc >= 0xa1 and stream.ssrc < 162`: true,
		`stream.ssrc contains "a1"`:                 true,
		`stream.ssrc`:                               true,
		`stream.ssrc != 0xa1`:                       false,
		`stream.ssrc in {0xb .. 0xa0}`:              false,
		`stream.ssrc == 0x1a1`:                      false,
	} {
		f, err := s.Parse(expr)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := f.Match("0x000000a1"); got != want {
			t.Errorf("%s: %v", expr, got)
		}
		if again, err := s.Parse(f.String()); err != nil || again.Match("0x000000a1") != want {
			t.Errorf("%s is not what %s is: %v", f, expr, err)
		}
	}
	for _, expr := range []string{`stream.ssrc == deadbeef`, `stream.ssrc == ""`, `stream.ssrc == 0x1ffffffff`, `stream.ssrc == 0161`} {
		if _, err := s.Parse(expr); err == nil {
			t.Errorf("%s is taken", expr)
		}
	}
}

// TestEndpoint: an address is found in whatever way it is written.
func TestEndpoint(t *testing.T) {
	s := filter.NewSchema[string]("call")
	s.Add(filter.Field{Name: "source", Kind: filter.String, Doc: "where it came from"}, func(x string, v *filter.Values) { v.Endpoint(x) })
	s.Endpoint("source")
	for expr, value := range map[string]string{
		`call.source == "2001:0DB8:0::1"`:           "[2001:db8::1]:5060",
		`call.source == "[2001:db8:0:0::1]"`:        "[2001:db8::1]:5060",
		`call.source in {"[2001:DB8::0001]:5060"}`:  "[2001:db8::1]:5060",
		`not call.source == "[2001:db8::1]:5061"`:   "[2001:db8::1]:5060",
		`call.source == "::ffff:192.0.2.7"`:         "192.0.2.7:5060",
		`call.source == 192.0.2.7`:                  "192.0.2.7:5060",
		`call.source == "192.0.2.7:5060"`:           "192.0.2.7:5060",
		`not call.source == "192.0.2.7:"`:           "192.0.2.7:5060",
		`call.source contains "DB8" or call.source`: "192.0.2.7:5060",
	} {
		f, err := s.Parse(expr)
		if err != nil || !f.Match(value) {
			t.Errorf("%s does not select %s: %v", expr, value, err)
		}
	}
}

// TestURI: a name is no URI, and said to be a part of one.
func TestURI(t *testing.T) {
	s := filter.NewSchema[string]("call")
	s.Add(filter.Field{Name: "from", Kind: filter.String, Doc: "URI of From"}, func(x string, v *filter.Values) { v.String(x) })
	s.URI("from")
	for _, expr := range []string{`call.from == "sip:alice@example.com"`, `call.from contains "alice"`, `call.from in {"tel:+1", "sip:alice@example.com"}`, `call.from != ""`} {
		if f, err := s.Parse(expr); err != nil || !f.Match("sip:alice@example.com") {
			t.Errorf("%s does not hold: %v", expr, err)
		}
	}
	for expr, want := range map[string]string{
		`call.from == alice`:               `call.from contains "alice"`,
		`call.from != "alice"`:             `not call.from contains "alice"`,
		`call.from in {"tel:+1", "alice"}`: `call.from contains "alice"`,
	} {
		if _, err := s.Parse(expr); err == nil || !strings.HasSuffix(err.Error(), "; write "+want) {
			t.Errorf("%s: %v", expr, err)
		}
		if _, err := s.Parse(want); err != nil {
			t.Error(err)
		}
	}
}

// TestOnlyTrue: what is absent where it is not true is never false.
func TestOnlyTrue(t *testing.T) {
	s := filter.NewSchema[*call]("call")
	s.Bool("forked", "several phones", func(*call) bool { return true })
	s.OnlyTrue("forked")
	for _, x := range []struct{ expr, what, hint string }{
		{`call.forked and call.forked not in {true}`, "", ""},
		{`call.forked == true or call.forked === TRUE or call.forked in {true}`, "", ""},
		{`call.forked == false`, `call.forked is never "false", but one of: true`, "write not call.forked"},
		{`call.forked in {True, False}`, `call.forked is never "false", but one of: true`, "write not call.forked"},
		{`call.forked != true`, "call.forked is true or absent", "write not call.forked"},
		{`call.forked ne true`, "call.forked is true or absent", "write not call.forked"},
		{`call.forked !== true`, "call.forked is true or absent", "write not call.forked"},
		{`call.forked > true`, "true and false have no order", "use == or !="},
	} {
		_, err := s.Parse(x.expr)
		var e filter.Error
		if err != nil {
			e = *err.(*filter.Error)
		}
		if e.What != x.what || e.Hint != x.hint {
			t.Errorf("%s: %q, %q", x.expr, e.What, e.Hint)
		}
	}
}

// TestSuggestions: a name that is not there is answered with the field that people mean by it,
// and with others to choose from.
func TestSuggestions(t *testing.T) {
	for _, x := range []struct {
		schema             *filter.Schema[*call]
		expr, hint, fields string
	}{
		{closed, `call.status == 503`, "did you mean call.final_status?", "call.final_status call.state call.user_agents"},
		{closed, `Phone == "x"`, "did you mean call.user_agents?", "call.user_agents call.final_status call.state"},
		{closed, `call.stat == "x"`, "did you mean call.state?", "call.state call.final_status call.user_agents"},
		{closed, `state == "x"`, "did you mean call.state?", "call.state call.final_status call.user_agents"},
		{closed, `sate == "x"`, "did you mean call.state?", "call.state call.final_status call.user_agents"},
		{closed, `Early`, `write call.state == "early"`, "call.final_status call.state call.user_agents"},
		{closed, `4711`, `write what it is compared with, such as call.state == "early"`, ""},
		{calls, `call.setup > 3`, "did you mean call.setup_ms, in milliseconds?", "call.setup_ms call.state call.user_agents call.messages call.mos call.start call.partial call.source_ip call.source_port"},
		{calls, `call.setupms > 3`, "did you mean call.setup_ms?", "call.setup_ms call.state call.user_agents call.messages call.mos call.start call.partial call.source_ip call.source_port"},
		{closed, ` `, `an example is call.state == "early"`, ""},
		{closed, `call.agent == "x"`, "all fields are listed by", "call.user_agents call.final_status call.state"},
		{calls, `call.nothing == "x"`, "all fields are listed by", "call.state call.user_agents call.setup_ms call.messages call.mos call.start call.partial call.source_ip call.source_port"},
	} {
		_, err := x.schema.Parse(x.expr)
		var e *filter.Error
		if !errors.As(err, &e) {
			t.Errorf("%s is taken", x.expr)
			continue
		}
		if !strings.HasPrefix(e.Hint, x.hint) || strings.Join(e.Fields, " ") != x.fields {
			t.Errorf("%s: %q, %q", x.expr, e.Hint, e.Fields)
		}
	}
	_, err := filter.Messages().Parse("sip.status >= 400")
	e := err.(*filter.Error)
	if e.Hint != "did you mean sip.Status-Code?" || len(e.Fields) != 10 || !slices.Contains(e.Fields, "sip.Method") {
		t.Errorf("%q, %q", e.Hint, e.Fields)
	}
}

// TestMessageNames: what people say in the place of a field of messages leads to one that is there.
func TestMessageNames(t *testing.T) {
	for _, name := range []string{"status_code", "sip.code", "request_uri", "from_user", "sip.callee", "source_ip", "msg.retransmission", "time", "sip.ua"} {
		_, err := filter.Messages().Parse(name)
		e, _ := err.(*filter.Error)
		if e == nil || !strings.HasPrefix(e.Hint, "did you mean ") {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := filter.Messages().Parse(strings.TrimSuffix(strings.TrimPrefix(e.Hint, "did you mean "), "?")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
