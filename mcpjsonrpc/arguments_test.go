package mcpjsonrpc_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

type query struct {
	PcapFile string
	Detail   string
	Methods  []string
	Limit    int
	Rate     float64
	Media    bool
	Filter   json.RawMessage
}

func parse(args string) (query, error) {
	q := query{Detail: "summary", Limit: 20}
	a := mcpjsonrpc.ParseArguments(json.RawMessage(args))
	a.String("pcap_file", &q.PcapFile)
	a.Enum("detail", &q.Detail, "summary", "full")
	a.Strings("methods", &q.Methods)
	a.Int("limit", &q.Limit, 1, 200)
	a.Number("rate", &q.Rate, 0, 0.5)
	a.Bool("media", &q.Media)
	q.Filter = a.Raw("filter")
	return q, a.Err()
}

func TestArguments(t *testing.T) {
	def := query{Detail: "summary", Limit: 20}
	with := func(f func(q *query)) query {
		q := def
		f(&q)
		return q
	}
	tests := []struct {
		name, args string
		want       query
		err        string
	}{
		{"none", `{}`, def, ""},
		{"all", ` { "pcap_file" : "/a\u0062" , "detail" : "full" , "methods" : [ "INVITE" , "BYE" ] , "limit" : 7 , "rate" : 5e-1 , "media" : true , "filter" : {"a": [1]} } `,
			query{"/ab", "full", []string{"INVITE", "BYE"}, 7, 0.5, true, json.RawMessage(`{"a": [1]}`)}, ""},
		{"empty array", `{"methods":[]}`, with(func(q *query) { q.Methods = []string{} }), ""},
		{"false", `{"media":false}`, def, ""},
		{"whole number", `{"limit":10.0}`, with(func(q *query) { q.Limit = 10 }), ""},
		{"exponent", `{"limit":1e2}`, with(func(q *query) { q.Limit = 100 }), ""},
		{"exponent with a plus", `{"limit":1E+2}`, with(func(q *query) { q.Limit = 100 }), ""},
		{"escape in capitals", `{"pcap_file":"\u00DC"}`, with(func(q *query) { q.PcapFile = "Ü" }), ""},

		{"not an object", `[]`, query{}, `the arguments are not a JSON object`},
		{"not JSON", `{"a":}`, query{}, `the arguments are not a JSON object`},
		{"nothing", ``, query{}, `the arguments are not a JSON object`},
		{"unknown", `{"xyzzy":1}`, query{}, `unknown argument "xyzzy"; the arguments are "pcap_file", "detail", "methods", "limit", "rate", "media", "filter"`},
		{"typing error", `{"lmiit":1}`, query{}, `unknown argument "lmiit"; did you mean "limit"?`},
		{"a part of the name", `{"file":"/a"}`, query{}, `unknown argument "file"; did you mean "pcap_file"?`},
		{"more than the name", `{"the_limit":1}`, query{}, `unknown argument "the_limit"; did you mean "limit"?`},
		{"letter case", `{"Limit":1}`, query{}, `unknown argument "Limit"; did you mean "limit"?`},
		{"one letter", `{"x":1}`, query{}, `unknown argument "x"; the arguments are "pcap_file", "detail", "methods", "limit", "rate", "media", "filter"`},
		{"empty name", `{"":1}`, query{}, `unknown argument ""; the arguments are "pcap_file", "detail", "methods", "limit", "rate", "media", "filter"`},
		{"control octets", `{"\u001b[31m\u202e":1}`, query{}, `unknown argument "\x1b[31m\u202e"; the arguments are "pcap_file", "detail", "methods", "limit", "rate", "media", "filter"`},
		{"long name", `{"` + strings.Repeat("limit", 100) + `":1}`, query{},
			`unknown argument "` + strings.Repeat("limit", 12) + `limi"…; the arguments are "pcap_file", "detail", "methods", "limit", "rate", "media", "filter"`},
		{"twice", `{"limit":1,"limit":2}`, query{}, `argument "limit" is given twice`},
		{"twice, with escapes", `{"limit":1,"lim\u0069t":2}`, query{}, `argument "limit" is given twice`},

		{"string", `{"pcap_file":7}`, query{}, `argument "pcap_file" must be a string, not 7`},
		{"null", `{"pcap_file":null}`, query{}, `argument "pcap_file" must be a string, not null`},
		{"enum", `{"detail":"fulll"}`, query{}, `argument "detail" must be one of "summary", "full", not "fulll"; did you mean "full"?`},
		{"enum, far off", `{"detail":"x"}`, query{}, `argument "detail" must be one of "summary", "full", not "x"`},
		{"enum, letter case", `{"detail":"Full"}`, query{}, `argument "detail" must be one of "summary", "full", not "Full"; did you mean "full"?`},
		{"enum, type", `{"detail":["full"]}`, query{}, `argument "detail" must be one of "summary", "full", not an array`},
		{"strings", `{"methods":"INVITE"}`, query{}, `argument "methods" must be an array of strings, not the string "INVITE"`},
		{"strings, element", `{"methods":["INVITE",{}]}`, query{}, `argument "methods" must be an array of strings; element 1 is an object`},
		{"int", `{"limit":"10"}`, query{}, `argument "limit" must be an integer from 1 to 200, not the string "10"`},
		{"int, fraction", `{"limit":1.5}`, query{}, `argument "limit" must be an integer from 1 to 200, not 1.5`},
		{"int, too low", `{"limit":-0}`, query{}, `argument "limit" must be an integer from 1 to 200, not -0`},
		{"int, too high", `{"limit":201}`, query{}, `argument "limit" must be an integer from 1 to 200, not 201`},
		{"int, over 2^32", `{"limit":4294967306}`, query{}, `argument "limit" must be an integer from 1 to 200, not 4294967306`},
		{"int, over 2^64", `{"limit":18446744073709551626}`, query{}, `argument "limit" must be an integer from 1 to 200, not 18446744073709551626`},
		{"int, huge", `{"limit":` + strings.Repeat("9", 1000) + `}`, query{}, `argument "limit" must be an integer from 1 to 200, not a number of 1000 digits`},
		{"int, out of any range", `{"limit":1e999}`, query{}, `argument "limit" must be an integer from 1 to 200, not 1e999`},
		{"number", `{"rate":"Inf"}`, query{}, `argument "rate" must be a number from 0 to 0.5, not the string "Inf"`},
		{"number, too high", `{"rate":0.51}`, query{}, `argument "rate" must be a number from 0 to 0.5, not 0.51`},
		{"number, too low", `{"rate":-1}`, query{}, `argument "rate" must be a number from 0 to 0.5, not -1`},
		{"number, out of any range", `{"rate":-1e999}`, query{}, `argument "rate" must be a number from 0 to 0.5, not -1e999`},
		{"bool", `{"media":1}`, query{}, `argument "media" must be true or false, not 1`},
		{"bool, string", `{"media":"true"}`, query{}, `argument "media" must be true or false, not the string "true"`},

		{"several", `{"limit":0,"file":1,"media":0}`, query{},
			"argument \"limit\" must be an integer from 1 to 200, not 0\nargument \"media\" must be true or false, not 0\nunknown argument \"file\"; did you mean \"pcap_file\"?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parse(test.args)
			if err != nil && err.Error() != test.err || err == nil && test.err != "" {
				t.Errorf("got error  %v\nwant error %v", err, test.err)
			}
			if err == nil && !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestRequire(t *testing.T) {
	var file, call string
	a := mcpjsonrpc.ParseArguments(json.RawMessage(`{"file":""}`))
	a.String("file", &file)
	a.String("call", &call)
	a.Require("file", "call")
	if err := a.Err(); err == nil || err.Error() != `argument "call" is missing` {
		t.Errorf("got %v", err)
	}
}

func TestNoArguments(t *testing.T) {
	if err := mcpjsonrpc.ParseArguments(json.RawMessage(`{"a":1}`)).Err(); err == nil || err.Error() != `unknown argument "a"; there are none` {
		t.Errorf("got %v", err)
	}
}

// TestAskedTwice: an argument that was asked for twice is told of once.
func TestAskedTwice(t *testing.T) {
	var file string
	a := mcpjsonrpc.ParseArguments(json.RawMessage(`{"x":1}`))
	a.Raw("file")
	a.String("file", &file)
	if err := a.Err(); err == nil || strings.Count(err.Error(), "file") != 1 {
		t.Errorf("got %v", err)
	}
}

// TestManyArguments bounds time, memory and what the error tells.
func TestManyArguments(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `,"a%d":1`, i)
	}
	_, err := parse("{" + b.String()[1:] + "}")
	if n := strings.Count(err.Error(), "\n"); n > 8 {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(err.Error(), "more than 256 arguments") {
		t.Error(err)
	}
}

func TestIntRange(t *testing.T) {
	for _, test := range []struct {
		in   string
		want int
	}{
		{"2147483647", math.MaxInt32},
		{"-2147483648", math.MinInt32},
		{"-2147483648.0", math.MinInt32},
	} {
		var got int
		a := mcpjsonrpc.ParseArguments(json.RawMessage(`{"n":` + test.in + `}`))
		a.Int("n", &got, math.MinInt, math.MaxInt)
		if err := a.Err(); err != nil || got != test.want {
			t.Errorf("%s: got %d, %v", test.in, got, err)
		}
	}
}

// TestInstead: an argument that people expect, and that there is not, is answered with what to do.
func TestInstead(t *testing.T) {
	a := mcpjsonrpc.ParseArguments([]byte(`{"since":1,"until":2,"limit":3,"lmiit":4}`))
	var limit int
	a.Int("limit", &limit, 1, 9)
	a.Instead("give filter", "since", "limit")
	a.Instead("turn back", "until")
	const want = "unknown argument \"since\"; give filter\nunknown argument \"until\"; turn back\nunknown argument \"lmiit\"; did you mean \"limit\"?"
	if err := a.Err(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
