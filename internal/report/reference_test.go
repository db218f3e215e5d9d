package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/report"
)

func list(n int, format string) (l []string) {
	for i := range n {
		l = append(l, fmt.Sprintf(format, i))
	}
	return l
}

// cut is a file of which the rest is missing.
func cut(name string) analysis.File {
	return analysis.File{Capture: &capture.File{
		Name:  name,
		Notes: []capture.Note{{ID: "odd", What: "is no damage", Off: 1, Count: 1}, {ID: capture.NoteCut, What: "cut\x1b", Off: 99, Count: 1, Lost: true}},
	}}
}

func missing(name string) analysis.File {
	return analysis.File{Capture: &capture.File{Name: name, Err: errors.New(name + ": no such file")}}
}

func result(files ...analysis.File) *analysis.Result {
	return &analysis.Result{
		Files:   files,
		Packets: 7,
		Statistics: analysis.Statistics{
			Messages:   5,
			Requests:   2,
			Responses:  3,
			Methods:    map[string]int64{"OPTIONS": 1, "ACK": 1},
			Statuses:   map[int]int64{0: 1, 200: 2},
			Classes:    [10]int64{0: 1, 2: 2},
			Transports: map[string]int64{"UDP": 4, "TCP": 1},
			CallIDs:    []string{"a\x1b", "b"},
			UserAgents: []string{"u"},
			Limits:     []string{"call-id-limit"},
		},
	}
}

var now = time.Date(2026, 12, 1, 13, 0, 0, 5, time.FixedZone("", 3600))

// TestReference holds the reference result around its packets, key by key.
func TestReference(t *testing.T) {
	files := []string{"a\x1b.pcap", "b.pcap", "c.pcap"}
	ref := &report.Reference{Files: files, Now: now, Described: 1, Note: `a "note"`, NextCursor: "c"}
	res := result(analysis.File{Capture: &capture.File{Name: files[0], Ended: true}}, cut(files[1]), missing(files[2]))
	b := report.AppendReferenceEnd(append(report.AppendReference(nil, res, ref), `{}`...), res, ref)
	const want = `{"file":"a\\x1b.pcap","files":["a\\x1b.pcap","b.pcap","c.pcap"],"analysis_timestamp":"2026-12-01T12:00:00.000000005Z",` +
		`"total_packets_in_file":7,"sip_packets_found":5,"sip_packets_analyzed":1,"statistics":{"requests":2,"responses":3,"methods":{"ACK":1,"OPTIONS":1},` +
		`"response_classes":{"0xx":1,"2xx":2},"unique_call_ids":2,"call_ids":["a\\x1b","b"],"transports":{"TCP":1,"UDP":4},"user_agents":["u"],"limits":["call-id-limit"]},` +
		`"packets":[{}],"note":"a \"note\"","next_cursor":"c","complete":false,"damage":[{"file":"b.pcap","id":"file-cut","what":"cut\\x1b","offset":99,"count":1},` +
		`{"file":"c.pcap","what":"no such file"}]}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}

	// Whole, all described: nothing of that.
	ref = &report.Reference{Files: files[:1], Now: now, Described: 5}
	res = result(analysis.File{Capture: &capture.File{Ended: true}})
	res.Statistics.Limits = nil
	b = report.AppendReferenceEnd(report.AppendReference(nil, res, ref), res, ref)
	if got, want := keys(t, b), strings.Fields("file analysis_timestamp total_packets_in_file sip_packets_found sip_packets_analyzed statistics packets"); !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
}

func TestReferenceEmpty(t *testing.T) {
	res := &analysis.Result{Packets: 3, Files: []analysis.File{cut("a")}}
	b := report.AppendReferenceEmpty(nil, res, &report.Reference{Files: []string{"a"}, Note: "n"}, "none")
	const want = `{"file":"a","total_packets_in_file":3,"sip_packets_found":0,"message":"none","note":"n","complete":false,` +
		`"damage":[{"id":"file-cut","what":"cut\\x1b","offset":99,"count":1}]}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func TestReferenceError(t *testing.T) {
	for _, c := range []struct {
		name string
		url  bool
		want string
	}{
		{"/a\x1b", false, `{"error":"x \"\\x0a\"","pcap_file":"/a\\x1b"}`},
		{"http://h/a", true, `{"error":"x \"\\x0a\"","pcap_url":"http://h/a"}`},
	} {
		if got := string(report.AppendReferenceError(nil, c.name, c.url, errors.New("x \"\n\""))); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestListed holds the bounds of lists: they are prefixes, and as long as they may be.
func TestListed(t *testing.T) {
	all := list(100, "%03d")
	for _, c := range []struct{ most, chars, want int }{
		{0, 0, 100}, {50, 0, 50}, {200, 0, 100}, {0, 60, 10}, {0, 59, 10}, {0, 58, 9}, {5, 60, 5}, {0, 1, 0},
	} {
		r := &report.Reference{MaxList: c.most, MaxListChars: c.chars, Files: all}
		if got := r.Listed(all); !slices.Equal(got, all[:c.want]) {
			t.Errorf("at most %d, %d characters: %q", c.most, c.chars, got)
		}
		if c.most == 0 {
			if got := r.ListedFiles(); !slices.Equal(got, all[:c.want]) {
				t.Errorf("files, %d characters: %q", c.chars, got)
			}
		}
	}
	// What is measured is what is shown: nine characters for each of these, up to 256 with the ellipsis.
	tags := []string{strings.Repeat("\U000e0041", 300), "x"}
	if got := (&report.Reference{MaxListChars: 288}).Listed(tags); len(got) != 1 {
		t.Errorf("%d of them fit", len(got))
	}
	if got := (&report.Reference{MaxListChars: 284}).Listed(tags); len(got) != 0 {
		t.Errorf("%d of them fit", len(got))
	}

	res := result(missing("a"), missing("b"), cut("c"), cut("d"))
	for chars, want := range map[int]int{0: 4, 1: 0, 33: 0, 34: 1, 68: 1, 69: 2, 1000: 4} {
		r := &report.Reference{Files: []string{"a", "b", "c", "d"}, MaxListChars: chars}
		shown, total := r.ListedDamage(res)
		var got struct{ Damage []any }
		b := report.AppendReferenceEnd(report.AppendReference(nil, res, r), res, r)
		if err := json.Unmarshal(b, &got); err != nil || shown != want || total != 4 || len(got.Damage) != want {
			t.Errorf("%d characters: %d of %d shown, %d there (%v)", chars, shown, total, len(got.Damage), err)
		}
	}
}

func TestNoSIP(t *testing.T) {
	odd := analysis.File{Capture: &capture.File{}, Notes: []analysis.Note{{ID: "crlf-keepalive", Count: 1}, {ID: "link-type-NFLOG-not-decoded", Count: 3}}}
	for want, res := range map[string]*analysis.Result{
		"No SIP messages were found: the capture holds no packets.":                                          {},
		"No SIP messages were found in 7 packets.":                                                           {Packets: 7},
		"No SIP messages were found in 7 packets. Not looked into: 3 packets (link-type-NFLOG-not-decoded).": {Packets: 7, Files: []analysis.File{odd}},
	} {
		if got := report.NoSIP(res); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := string(report.AppendAnalysisText(nil, res, nil, 20, false)); !strings.HasSuffix(got, "\n\n"+want+"\n") {
			t.Errorf("the text is %q", got)
		}
	}
}

// odd is a file in which everything occurs that a description can hold.
func odd() *analysis.File {
	c := &capture.File{
		Name: "odd\x1b.pcap", Format: "pcap", Variant: "nanosecond", BigEndian: true, Compression: "gzip", Size: 123456,
		Application: "app\x1b", Hardware: "hw", OS: "os",
		Packets: 3, DataBytes: 3000, CapturedBytes: 2000, CutPackets: 1,
		First: now.UTC(), Last: now.UTC().Add(1500 * time.Millisecond), HasTime: true, BackSteps: 2,
		Comments: list(105, "comment %d"),
		Notes:    []capture.Note{{ID: capture.NoteCut, What: "cut\x1b", Off: 12345, Count: 1, Lost: true}, {ID: "odd", What: "odd", Count: 1}},
	}
	for i := range 1030 {
		c.Interfaces = append(c.Interfaces, capture.Interface{ID: i, Name: fmt.Sprintf("eth%d\x1b", i), LinkType: 1, SnapLen: 65535, Resolution: 1e9, Packets: int64(i), Drops: int64(i) - 1})
	}
	return &analysis.File{
		Capture:   c,
		Protocols: []analysis.Protocol{{Name: "IPv4", Packets: 3}, {Name: "UDP", Packets: 2000}},
		Messages:  2,
		Notes:     []analysis.Note{{ID: "a", Count: 1}, {ID: "b", Count: 2000, Frame: 3}},
	}
}

// TestInfoWithin: of what is too much, the busiest interfaces and the first comments are told, and
// how many more there are.
func TestInfoWithin(t *testing.T) {
	whole := report.AppendInfo(nil, odd())
	if b, cut := report.AppendInfoWithin([]byte("{"), odd(), 1<<30); cut || len(b) < len(whole) {
		t.Errorf("cut without need: %d octets", len(b))
	}
	for _, most := range []int{len(whole) - 1, 20000, 8000, 4000} {
		b, cut := report.AppendInfoWithin([]byte("{"), odd(), most)
		var got struct {
			Interfaces     []struct{ Packets int }
			InterfacesLeft int `json:"interfaces_left_out"`
			Comments       []string
			CommentsLeft   int `json:"comments_left_out"`
		}
		if err := json.Unmarshal(b[1:], &got); err != nil {
			t.Fatal(err)
		}
		n := len(got.Interfaces)
		if !cut || len(b)-1 > most || n == 0 || n+got.InterfacesLeft != len(odd().Capture.Interfaces) || len(got.Comments) == 0 || len(got.Comments)+got.CommentsLeft != len(odd().Capture.Comments) {
			t.Fatalf("%d octets of %d, cut %v: %+v", len(b)-1, most, cut, got)
		}
		for i, in := range got.Interfaces {
			if in.Packets != n+got.InterfacesLeft-1-i {
				t.Fatalf("interface %d has %d packets", i, in.Packets)
			}
		}
	}
}

func TestInfo(t *testing.T) {
	b := report.AppendInfo(nil, odd())
	if i := bytes.IndexFunc(b, func(c rune) bool { return c < ' ' }); i >= 0 {
		t.Fatalf("a control character at %d: %q", i, b)
	}
	want := strings.Fields(`file format variant byte_order compression size packets first_time last_time duration_ms data_bytes captured_bytes average_packet_bytes
		bytes_per_second bits_per_second packets_per_second strict_time_order interfaces interfaces_left_out application hardware os comments comments_left_out complete damage protocols
		sip_messages copies encrypted_sip_flows cut_packets notes note_counts sanitised`)
	if got := keys(t, b); !slices.Equal(got, want) {
		t.Errorf("keys\n     %q\nwant %q", got, want)
	}
	var got struct {
		Duration   float64 `json:"duration_ms"`
		Rate       float64 `json:"bits_per_second"`
		Interfaces []struct {
			Name       string
			Type       int     `json:"link_type"`
			TypeName   string  `json:"link_type_name"`
			Resolution float64 `json:"resolution_ns"`
			Drops      *int
		}
		Comments []string
		LeftOut  int `json:"comments_left_out"`
		Complete bool
		Damage   []map[string]any
		Notes    []string
		Counts   map[string]int `json:"note_counts"`
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Duration != 1500 || got.Rate != 16000 || len(got.Comments) != 100 || got.LeftOut != 5 || got.Complete || len(got.Damage) != 1 || got.Damage[0]["id"] != "file-cut" {
		t.Errorf("%+v", got)
	}
	if n := len(got.Interfaces); n != 1024 {
		t.Fatalf("%d interfaces", n)
	}
	if in := got.Interfaces; in[0].Drops != nil || *in[1].Drops != 0 || in[1].Name != `eth1\x1b` || in[1].Type != 1 || in[1].TypeName != "ETHERNET" || in[1].Resolution != 1e9 {
		t.Errorf("%+v", in[:2])
	}
	if !slices.Equal(got.Notes, []string{"a", "b"}) || got.Counts["b"] != 2000 {
		t.Errorf("notes %q, %v", got.Notes, got.Counts)
	}

	missing := missing("gone")
	if got, want := string(report.AppendInfo(nil, &missing)), `{"file":"gone","error":"no such file","complete":false}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	empty := string(report.AppendInfo(nil, &analysis.File{Capture: &capture.File{Name: "empty", Format: "pcap", Ended: true}}))
	if got := keys(t, []byte(empty)); slices.Contains(got, "first_time") || slices.Contains(got, "average_packet_bytes") || !strings.Contains(empty, `"complete":true,"damage":[]`) {
		t.Errorf("an empty file: %s", empty)
	}
}

func TestInfoText(t *testing.T) {
	got := string(report.AppendInfoText(nil, odd()))
	for _, want := range []string{
		"odd\\x1b.pcap\n  format        pcap nanosecond, big-endian, gzip, 123,456 bytes\n  written by    app\\x1b\n",
		"  packets       3 packets, 1 of them cut by the snaplen\n",
		"  duration      1.500 s, 2 steps back in time\n",
		"  data          3,000 bytes on the wire, 1,000 a packet, 2 packets/s, 16 kbit/s\n",
		"  interface 0   eth0\\x1b, ETHERNET, snaplen 65,535, 0 packets, time unit 1e+09 ns\n",
		"  interface 19  eth19\\x1b, ETHERNET, snaplen 65,535, 19 packets, 18 drops, time unit 1e+09 ns\n                and 1,010 interfaces more; --json lists them\n",
		"  protocols     IPv4 3, UDP 2,000\n  comments      comment 0\n                comment 1\n",
		"                comment 9\n                and 95 comments more; --json lists them\n",
		"  notes         a × 1\n                b × 2,000, first in frame 3\n",
		"  damage        cut\\x1b, at byte 12,345\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	missing := missing("gone")
	if got := string(report.AppendInfoText(nil, &missing)); got != "gone\n  error         no such file\n" {
		t.Errorf("%q", got)
	}
	if got := string(report.AppendInfoText(nil, &analysis.File{Encrypted: 2, Capture: &capture.File{Name: "empty", Ended: true}})); !strings.Contains(got, "  protocols     none\n  encrypted     2 flows like SIP over TLS: not decrypted\n") || !strings.Contains(got, "  packets       0 packets\n") {
		t.Errorf("%q", got)
	}
}

func TestAnalysisText(t *testing.T) {
	res := result(missing("a\x1b"), cut("b"))
	res.Statistics.UserAgents = list(13, "agent %d\x1b")
	res.Statistics.Partial = 1
	for i := range 60 {
		res.Statistics.Methods[fmt.Sprintf("M%02d", i)] = 1
	}
	got := string(report.AppendAnalysisText(nil, res, []byte("LINES\n"), 3, false))
	for _, want := range []string{
		"a\\x1b\n  error         no such file\nb\ntogether\n  packets       7\n  SIP messages  5: 2 requests, 3 responses\n                1 of them partial: octets are missing\n",
		"  Call-IDs      2\n  methods       ACK × 1, M00 × 1, ",
		"M48 × 1, and 12 more\n  responses     0 × 1, 200 × 2\n  transports    TCP × 1, UDP × 4\n  user agents   agent 0\\x1b\n                agent 1\\x1b\n",
		"                agent 9\\x1b\n                and 3 more\n\nLINES\n\nand 2 messages more; all of them: sipsight messages FILE\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
