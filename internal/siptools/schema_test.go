package siptools_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// A schema is as much of JSON Schema as our tools use.
type schema struct {
	Type        types             `json:"type"`
	AnyOf       []schema          `json:"anyOf"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
	Items       *schema           `json:"items"`
	Enum        []string          `json:"enum"`
	Additional  *additional       `json:"additionalProperties"`
	Minimum     *float64          `json:"minimum"`
	Maximum     *float64          `json:"maximum"`
	MaxItems    int               `json:"maxItems"`
	MaxLength   int               `json:"maxLength"`
	Description string            `json:"description"`
	Examples    []any             `json:"examples"`
}

// types are one type or a list of them.
type types []string

func (t *types) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// additional is false or a schema.
type additional struct{ *schema }

func (a *additional) UnmarshalJSON(b []byte) error {
	if string(b) == "false" {
		return nil
	}
	return json.Unmarshal(b, &a.schema)
}

// check returns what is wrong with v. It is stricter than JSON Schema: a member that no
// schema speaks of is wrong, unless the schema speaks of none.
func (s *schema) check(at string, v any) (faults []string) {
	if len(s.Type) > 0 && !slices.Contains(s.Type, typeOf(v)) && !(typeOf(v) == "integer" && slices.Contains(s.Type, "number")) {
		return []string{fmt.Sprintf("%s is of type %s, not %v", at, typeOf(v), s.Type)}
	}
	switch v := v.(type) {
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, v) {
			faults = append(faults, fmt.Sprintf("%s: %q is none of %q", at, v, s.Enum))
		}
	case []any:
		for i, e := range v {
			if s.Items != nil {
				faults = append(faults, s.Items.check(fmt.Sprintf("%s[%d]", at, i), e)...)
			}
		}
	case map[string]any:
		for _, k := range s.Required {
			if _, ok := v[k]; !ok {
				faults = append(faults, fmt.Sprintf("%s.%s is missing", at, k))
			}
		}
		for k, e := range v {
			p, ok := s.Properties[k]
			switch {
			case ok:
				faults = append(faults, p.check(at+"."+k, e)...)
			case s.Additional != nil && s.Additional.schema != nil:
				faults = append(faults, s.Additional.check(at+"."+k, e)...)
			case s.Properties != nil:
				faults = append(faults, fmt.Sprintf("%s.%s is not in the schema", at, k))
			}
		}
	}
	return faults
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return fmt.Sprintf("%T", v)
}

// TestSchemaChecker holds that the checker can find something.
func TestSchemaChecker(t *testing.T) {
	var s schema
	decode(t, []byte(`{"type":"object","properties":{"a":{"type":["integer","null"]},"b":{"type":"array","items":{"type":"string","enum":["x"]}},
		"c":{"type":"object","additionalProperties":{"type":"integer"}}},"required":["a"]}`), &s)
	for in, want := range map[string]string{
		`{"a":1,"b":["x"],"c":{"y":1}}`: "",
		`{"a":null}`:                    "",
		`{}`:                            "$.a is missing",
		`{"a":1.5}`:                     "$.a is of type number, not [integer null]",
		`{"a":1,"b":["y"]}`:             `$.b[0]: "y" is none of ["x"]`,
		`{"a":1,"c":{"y":"z"}}`:         "$.c.y is of type string, not [integer]",
		`{"a":1,"d":1}`:                 "$.d is not in the schema",
		`[]`:                            "$ is of type array, not [object]",
	} {
		var v any
		decode(t, []byte(in), &v)
		if got := strings.Join(s.check("$", v), "; "); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// A tool as it is listed.
type tool struct {
	Name, Title, Description  string
	InputSchema, OutputSchema schema
	Annotations               map[string]bool
}

func tools(t *testing.T) []tool {
	t.Helper()
	var list struct{ Tools []tool }
	decode(t, rpc(t, server(siptools.Options{}), "tools/list", args{}), &list)
	return list.Tools
}

func TestToolList(t *testing.T) {
	for _, tool := range tools(t) {
		if !regexp.MustCompile(`^[a-z_]{1,30}$`).MatchString(tool.Name) || tool.Title == "" {
			t.Errorf("tool %q with title %q", tool.Name, tool.Title)
		}
		if n := len(tool.Description); n == 0 || n > 2000 { // what is over 2 KB is cut by clients
			t.Errorf("%s: a description of %d characters", tool.Name, n)
		}
		if a := tool.Annotations; !a["readOnlyHint"] || a["destructiveHint"] || !a["idempotentHint"] || a["openWorldHint"] {
			t.Errorf("%s: annotations %v", tool.Name, a)
		}
		in := tool.InputSchema
		if !slices.Equal(in.Type, types{"object"}) || in.Additional == nil || in.Additional.schema != nil {
			t.Errorf("%s: the input is of type %v, or open", tool.Name, in.Type)
		}
		for name, p := range in.Properties {
			for _, one := range append(p.AnyOf, p) { // clients map each onto one type: some refuse a list of them
				if len(one.Type) != 1 && (len(one.Type) != 0 || len(p.AnyOf) < 2) {
					t.Errorf("%s: argument %s is of type %v", tool.Name, name, one.Type)
				}
			}
			if p.Description == "" {
				t.Errorf("%s: argument %s has no description", tool.Name, name)
			}
		}
		if tool.Name == "draw_call_flow" { // text alone
			if tool.OutputSchema.Type != nil {
				t.Errorf("%s has an output schema", tool.Name)
			}
			continue
		}
		if !slices.Equal(tool.OutputSchema.Type, types{"object"}) {
			t.Errorf("%s: the output is of type %v", tool.Name, tool.OutputSchema.Type)
		}
	}
}

// TestInputSchema holds that the arguments of the schema are those that are understood.
func TestInputSchema(t *testing.T) {
	in := tools(t)[0].InputSchema
	want := []string{"cursor", "filter", "max_packets", "more_files", "pcap_file"}
	if got := slices.Sorted(maps.Keys(in.Properties)); !slices.Equal(got, want) || !slices.Equal(in.Required, []string{"pcap_file"}) {
		t.Errorf("arguments %v, required %v", got, in.Required)
	}
	s := server(siptools.Options{})
	for name := range in.Properties {
		got := analyze(t, s, args{name: false}) // of the wrong type: it is known, then
		if want := fmt.Sprintf("argument %q must be ", name); !got.isError || !strings.Contains(got.text, want) {
			t.Errorf("%s: %s", name, got.text)
		}
	}
	if m := in.Properties["max_packets"]; m.Minimum == nil || *m.Minimum != 1 || *m.Maximum != 100000 {
		t.Errorf("max_packets: %+v", m)
	}
	if n := in.Properties["more_files"].MaxItems; n != 1000 {
		t.Errorf("more_files: at most %d", n)
	}
	// The description says what the reference says: PRODUCT, section 1.
	for _, word := range []string{"absolute", "URL", "relative paths, uploads and base64 content are not supported"} {
		if !strings.Contains(tools(t)[0].Description, word) {
			t.Errorf("the description does not say %q", word)
		}
	}
}

// TestBounds: the least and the greatest number that the schema allows are taken, and none beyond.
func TestBounds(t *testing.T) {
	s := server(siptools.Options{})
	path := ladder(t, 1, failing)
	seen := 0
	for _, tool := range tools(t) {
		for name, p := range tool.InputSchema.Properties {
			if len(p.AnyOf) > 0 {
				p = p.AnyOf[0]
			}
			if !slices.Contains(p.Type, "integer") {
				continue
			}
			seen++
			if p.Minimum == nil {
				t.Errorf("%s, %s has no minimum", tool.Name, name)
				continue
			}
			numbers := map[float64]bool{*p.Minimum - 1: false, *p.Minimum: true}
			if p.Maximum != nil {
				numbers[*p.Maximum], numbers[*p.Maximum+1] = true, false
			}
			for n, good := range numbers {
				a := args{"pcap_file": path, name: n}
				if name == "ladder" {
					a["call"], a["detail"] = "call-1", "full"
				}
				if got := call(t, s, tool.Name, a); got.isError == good {
					t.Errorf("%s, %s of %v: %.200s", tool.Name, name, n, got.text)
				}
			}
		}
	}
	if seen < 7 {
		t.Errorf("%d arguments are numbers", seen)
	}
}

// TestMaxLength: a text beyond what the schema allows is refused, and no shorter one for its length.
func TestMaxLength(t *testing.T) {
	s := server(siptools.Options{})
	path := ladder(t, 1, failing)
	seen := 0
	for _, tool := range tools(t) {
		for name, p := range tool.InputSchema.Properties {
			if p.MaxLength == 0 {
				continue
			}
			seen++
			a := args{"pcap_file": path, "call": "call-1"}
			if tool.InputSchema.Properties["call"].Type == nil {
				delete(a, "call")
			}
			for n := range 2 {
				a[name] = strings.Repeat("é", p.MaxLength+n)
				want := fmt.Sprintf("%s: at most %d characters are taken, not %d", name, p.MaxLength, p.MaxLength+1)
				if got := call(t, s, tool.Name, a); strings.Contains(got.text, want) != (n == 1) || n == 1 && !got.isError {
					t.Errorf("%s, %s of %d characters: %.200s", tool.Name, name, p.MaxLength+n, got.text)
				} else if n == 0 && strings.Contains(got.text, "longer than") {
					t.Errorf("%s, %s of %d characters is too long: %.200s", tool.Name, name, p.MaxLength, got.text)
				}
			}
		}
	}
	if seen < 8 {
		t.Errorf("%d arguments have a length", seen)
	}
}

// TestOutputSchema holds that every kind of result is what the schema promises, and that
// the schema promises all that there is.
func TestOutputSchema(t *testing.T) {
	out := tools(t)[0].OutputSchema
	s := server(siptools.Options{})
	b, err := os.ReadFile(testdata(t, "udp-call.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	cut := file(t, b[:len(b)-100])
	questions := map[string]args{
		"no SIP":        {"pcap_file": capture(t, "none")},
		"no packets":    {"pcap_file": file(t, pcap(t))},
		"cut":           {"pcap_file": cut},
		"cut and empty": {"pcap_file": file(t, pcap(t, udp("none"))[:50])},
		"several":       {"pcap_file": testdata(t, "ipv6-call.pcapng"), "more_files": []string{cut, "/nowhere/a.pcap"}},
		"page":          {"pcap_file": testdata(t, "udp-call.pcapng"), "max_packets": 2},
		"odd": {"pcap_file": capture(t, request("odd", "Content-Length: abc\n"), "SIP/2.0 99999999999999999999 Odd\nCall-ID: x\n\n",
			"OPTIONS sip:a SIP/2.0\n\n", "SIP/2.0 007 x\n\n")},
	}
	for _, name := range []string{"udp-failures", "register-digest", "snaplen-cut", "tcp-calls", "udp-fragments", "long-headers", "compact-and-folded", "options-keepalive"} {
		for _, ext := range []string{".pcap", ".pcapng"} {
			if path := testdata(t, name+ext); exists(path) {
				questions[name] = args{"pcap_file": path, "max_packets": 1000}
			}
		}
	}
	for _, c := range hostile {
		questions[c.name] = args{"pcap_file": capture(t, c.messages()...), "max_packets": 100}
	}
	for name, a := range questions {
		t.Run(name, func(t *testing.T) {
			got := analyze(t, s, a)
			if got.isError {
				t.Fatal(got.text)
			}
			var v any
			decode(t, got.structured, &v)
			if faults := out.check("$", v); faults != nil {
				t.Errorf("%d faults, the first: %q", len(faults), faults[:min(len(faults), 5)])
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
