package siptools_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/siptools"
)

// TestPaging holds that the pages of an answer, one behind the other, are all messages.
func TestPaging(t *testing.T) {
	var many []string
	for i := range 300 {
		many = append(many, request(fmt.Sprintf("%d@h", i), "X: "+strings.Repeat("x", i)+"\n"))
	}
	for _, c := range []struct {
		name, path string
		messages   int
	}{
		{"21 messages", testdata(t, "udp-call.pcapng"), 21},
		{"39 messages", testdata(t, "udp-failures.pcapng"), 39},
		{"300 messages", capture(t, many...), 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			sizes := []int{0, 1, 2, 3, 5, 20, 21, 22, 100, 100000}
			if testing.Short() {
				sizes = []int{0, 3, 22}
			}
			for _, most := range sizes {
				for _, server := range []int{0, 5} {
					checkPages(t, c.path, c.messages, most, server)
				}
			}
		})
	}
}

// checkPages goes from page to page, most messages at once; the server gives at most limit.
func checkPages(t *testing.T, path string, messages, most, limit int) {
	t.Helper()
	s := server(siptools.Options{MaxPackets: limit})
	a := args{"pcap_file": path}
	if most > 0 {
		a["max_packets"] = most
	}
	next, first := 1, result{}
	for pages := 1; ; pages++ {
		r := good(t, s, a)
		if pages == 1 {
			first = r
		}
		if r.Analyzed != len(r.Described) || r.Found != messages || !reflect.DeepEqual(r.Stats, first.Stats) {
			t.Fatalf("max_packets %d, page %d: %d analyzed of %d, %d described, statistics %v", most, pages, r.Analyzed, r.Found, len(r.Described), r.Stats)
		}
		if n := len(r.Described); n == 0 || most > 0 && n > most || limit > 0 && n > limit {
			t.Fatalf("max_packets %d, limit %d: a page of %d", most, limit, n)
		}
		for _, d := range r.Described {
			if d.Number != next {
				t.Fatalf("max_packets %d, page %d: message %d, want %d", most, pages, d.Number, next)
			}
			next++
		}
		last := next > messages
		if checkNote(t, &r, messages, most, limit, last); last {
			if r.Next != "" {
				t.Errorf("the last page has the next_cursor %q", r.Next)
			}
			return
		}
		a["cursor"] = r.Next
	}
}

// checkNote checks the note of a page, of which most were asked for; the server gives at most limit.
func checkNote(t *testing.T, r *result, messages, most, limit int, last bool) {
	t.Helper()
	n := len(r.Described)
	var want []string
	if n < messages {
		want = append(want, fmt.Sprintf("Messages %d to %d of %d are described; statistics cover all.", r.Described[0].Number, r.Described[n-1].Number, messages))
	}
	if !last {
		more := ""
		switch {
		case n == limit:
			more = "; this server describes 5 at once"
		case most == 0:
			more = ", with max_packets for more at once"
		case n == most && most < 100000:
			more = ", with a larger max_packets for more at once"
		}
		want = append(want, "Pass next_cursor as cursor for the next ones"+more+".")
	}
	if u := r.Stats.Unique; len(r.Stats.CallIDs) < u {
		want = append(want, fmt.Sprintf("call_ids lists the first %d of %d.", len(r.Stats.CallIDs), u))
	}
	if want := strings.Join(want, " "); r.Note != want {
		t.Errorf("note %q, want %q", r.Note, want)
	}
}

// TestListsAreBounded holds that the lists have 50 entries at most, and the counts are whole.
func TestListsAreBounded(t *testing.T) {
	var messages []string
	for i := range 60 {
		m := request(fmt.Sprintf("%02d", i), fmt.Sprintf("User-Agent: %02d\n", i))
		messages = append(messages, strings.ReplaceAll(m, "OPTIONS", fmt.Sprintf("M%02d", i)))
	}
	r := good(t, server(siptools.Options{}), args{"pcap_file": capture(t, messages...), "max_packets": 1})
	if r.Stats.Unique != 60 || len(r.Stats.CallIDs) != 50 || len(r.Stats.Agents) != 50 || len(r.Stats.Methods.(map[string]any)) != 50 {
		t.Errorf("%d Call-IDs, %d and %d listed, %d methods", r.Stats.Unique, len(r.Stats.CallIDs), len(r.Stats.Agents), len(r.Stats.Methods.(map[string]any)))
	}
	if r.Stats.CallIDs[0] != "00" || r.Stats.CallIDs[49] != "49" {
		t.Errorf("not the first ones: %v", r.Stats.CallIDs)
	}
	want := "Messages 1 to 1 of 60 are described; statistics cover all. Pass next_cursor as cursor for the next ones, with a larger max_packets for more at once." +
		" methods lists the first 50 of 60. call_ids lists the first 50 of 60. user_agents lists the first 50 of 60."
	if r.Note != want {
		t.Errorf("note\n     %s\nwant %s", r.Note, want)
	}
}

// TestCursors: a cursor goes on where the answer that gave it ends, also after a restart, and
// is refused for anything else.
func TestCursors(t *testing.T) {
	s := server(siptools.Options{})
	path := testdata(t, "udp-call.pcapng")
	r := good(t, s, args{"pcap_file": path, "cursor": "", "max_packets": 20})
	// Any digits may be in the next one, which depends on where the file lies.
	if r.Analyzed != 20 || r.Described[0].Number != 1 || strings.Trim(strings.TrimPrefix(r.Next, "message-"), "0123456789") == "" {
		t.Errorf("an empty cursor is not the first page, or the next one can be read: %+v", r)
	}
	next := r.Next
	if r = good(t, server(siptools.Options{}), args{"pcap_file": path, "cursor": next, "max_packets": 7}); r.Analyzed != 1 || r.Described[0].Number != 21 || r.Next != "" {
		t.Errorf("the last message: %d described, next %q", r.Analyzed, r.Next)
	}
	another := "A"
	if next[0] == 'A' {
		another = "B"
	}
	for _, bad := range []string{"x", "message-1", "message-22", "3", " " + next, next + "!", next[:8], next + "AAAA", "AAAA" + next, another + next[1:]} {
		got := analyze(t, s, args{"pcap_file": path, "cursor": bad})
		if !got.isError || !strings.HasPrefix(why(t, got, "analyze_sip_packets", path), "cursor: this is no cursor of analyze_sip_packets") {
			t.Errorf("cursor %q: %v %.200s", bad, got.isError, got.text)
		}
	}
	for _, a := range []args{{"filter": "sip.Method == ACK"}, {"more_files": []string{path}}, {"pcap_file": testdata(t, "ipv6-call.pcapng")}} {
		if a["pcap_file"] == nil {
			a["pcap_file"] = path
		}
		a["cursor"] = next
		if got := analyze(t, s, a); !got.isError || !strings.Contains(got.text, "for these files and arguments") {
			t.Errorf("%v: %v %.200s", a, got.isError, got.text)
		}
	}
}

// TestArguments holds that wrong arguments are told in words, in a result that a model sees.
func TestArguments(t *testing.T) {
	s := server(siptools.Options{})
	path := testdata(t, "udp-call.pcapng")
	for _, c := range []struct {
		name   string
		args   args
		want   string
		object bool // as the failures of captures are
	}{
		{"none", args{}, `argument "pcap_file" is missing`, true},
		{"an unknown one", args{"pcap_file": path, "max_packet": 3}, `unknown argument "max_packet"; did you mean "max_packets"?`, false},
		{"another case", args{"PCAP_FILE": path}, `unknown argument "PCAP_FILE"`, false},
		{"a number for a path", args{"pcap_file": 3}, `argument "pcap_file" must be a string, not 3`, false},
		{"a path for more_files", args{"pcap_file": path, "more_files": path}, `argument "more_files" must be an array of strings`, false},
		{"zero", args{"pcap_file": path, "max_packets": 0}, `argument "max_packets" must be an integer from 1 to 100000, not 0`, false},
		{"too many", args{"pcap_file": path, "max_packets": 100001}, "not 100001", false},
		{"a fraction", args{"pcap_file": path, "max_packets": 1.5}, "not 1.5", false},
		{"more files than the schema says", args{"pcap_file": path, "more_files": make([]string, 1001)}, "more_files: at most 1000 files can be given, not 1001", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := analyze(t, s, c.args)
			text := got.text
			if c.object {
				path, _ := c.args["pcap_file"].(string)
				text = why(t, got, "analyze_sip_packets", path)
			}
			if !got.isError || !strings.Contains(text, c.want) || strings.HasPrefix(text, "{") {
				t.Errorf("isError %v: %.300s", got.isError, got.text)
			}
		})
	}
	good(t, s, args{"pcap_file": path}) // and it lives on
}

func TestEmptyResult(t *testing.T) {
	s := server(siptools.Options{})
	path := capture(t, "no SIP", "none here")
	got := analyze(t, s, args{"pcap_file": path})
	want := fmt.Sprintf(`{"file":%q,"total_packets_in_file":2,"sip_packets_found":0,"message":"No SIP messages were found in 2 packets."}`, path)
	if got.text != want || got.isError {
		t.Errorf("got  %s\nwant %s", got.text, want)
	}
	empty := file(t, pcap(t))
	got = analyze(t, s, args{"pcap_file": empty})
	want = fmt.Sprintf(`{"file":%q,"total_packets_in_file":0,"sip_packets_found":0,"message":"No SIP messages were found: the capture holds no packets."}`, empty)
	if got.text != want || got.isError {
		t.Errorf("got  %s\nwant %s", got.text, want)
	}
}

// TestDamagedFile holds that what could be read is in the answer, and that the rest is named.
func TestDamagedFile(t *testing.T) {
	s := server(siptools.Options{})
	b, err := os.ReadFile(testdata(t, "udp-call.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	cut := file(t, b[:len(b)*2/3])
	r := good(t, s, args{"pcap_file": cut})
	if r.Complete == nil || *r.Complete || r.Found == 0 || r.Found >= 21 {
		t.Errorf("%d messages, complete %v", r.Found, r.Complete)
	}
	if len(r.Damage) != 1 || r.Damage[0].ID != "file-cut" || r.Damage[0].Offset < len(b)/2 || r.Damage[0].File != "" {
		t.Errorf("damage %+v", r.Damage)
	}

	r = good(t, s, args{"pcap_file": testdata(t, "ipv6-call.pcapng"), "more_files": []string{cut, "/nowhere/a.pcap"}})
	want := []string{cut, "/nowhere/a.pcap"}
	if len(r.Damage) != 2 || r.Damage[0].File != want[0] || r.Damage[1].File != want[1] || r.Damage[1].What != "no such file; check the path" {
		t.Errorf("damage %+v", r.Damage)
	}
	if len(r.Files) != 3 || r.File != r.Files[0] || r.Described[0].Frame != "2:1" {
		t.Errorf("file %q, files %q, the first frame is %v", r.File, r.Files, r.Described[0].Frame)
	}
}

// TestNoFileCanBeRead holds the error of several files that are all missing.
func TestNoFileCanBeRead(t *testing.T) {
	got := analyze(t, server(siptools.Options{}), args{"pcap_file": "/nowhere/a.pcap", "more_files": []string{"/nowhere/b.pcap"}})
	want := `{"error":"none of the 2 files can be read; of the first: no such file; check the path","pcap_file":"/nowhere/a.pcap"}`
	if !got.isError || got.text != want {
		t.Errorf("got  %s\nwant %s", got.text, want)
	}
}

// TestFilesAreOneTimeline holds that the order of the files does not matter but for their
// numbers.
func TestFilesAreOneTimeline(t *testing.T) {
	s := server(siptools.Options{})
	dir := t.TempDir()
	var parts []string
	for i, m := range []string{request("1", ""), request("2", ""), request("3", "")} {
		name := filepath.Join(dir, fmt.Sprintf("%d.pcap", i))
		packets := make([][]byte, 0, 3)
		for range i { // a second each
			packets = append(packets, udp("x"))
		}
		packets = append(packets, udp(strings.ReplaceAll(m, "\n", "\r\n")))
		if err := os.WriteFile(name, pcap(t, packets...), 0o666); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, name)
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		r := good(t, s, args{"pcap_file": parts[order[0]], "more_files": []string{parts[order[1]], parts[order[2]]}})
		var ids string
		for _, d := range r.Described {
			ids += d.CallID
		}
		if ids != "123" || r.Found != 3 || r.Packets != 6 {
			t.Errorf("order %v: messages %s, %d found, %d packets", order, ids, r.Found, r.Packets)
		}
	}
}

func TestSameQuestionSameAnswer(t *testing.T) {
	path := testdata(t, "other-methods.pcapng")
	s := server(siptools.Options{})
	a, b := analyze(t, s, args{"pcap_file": path}), analyze(t, server(siptools.Options{}), args{"pcap_file": path})
	if a.text != b.text {
		t.Error("two answers differ")
	}
	var r result
	decode(t, a.structured, &r)
	if want := start.Format(time.RFC3339); r.Timestamp != "2026-11-23T10:14:00.000000000Z" {
		t.Errorf("analysis_timestamp %s, want %s with nanoseconds", r.Timestamp, want)
	}
}

// TestSecretsStayInside asks for a capture with credentials: they cannot be asked for.
func TestSecretsStayInside(t *testing.T) {
	m := request("s", "Authorization: Digest username=\"alice\", response=\"topsecret\", cnonce=\"topsecret\"\n"+
		"Proxy-Authorization: Basic topsecret\nContact: <sip:alice:topsecret@h>\n")
	m = strings.Replace(m, "sip:bob@example.com", "sip:bob:topsecret@example.com", 1)
	s := server(siptools.Options{})
	got := analyze(t, s, args{"pcap_file": capture(t, m)})
	if strings.Contains(got.text, "topsecret") {
		t.Errorf("a secret: %s", got.text)
	}
	if !strings.Contains(got.text, `sip:alice:***@h`) || !strings.Contains(got.text, `response=\"***\"`) {
		t.Errorf("nothing is masked: %s", got.text)
	}
	if got = analyze(t, s, args{"pcap_file": capture(t, m), "show_secrets": true}); !got.isError {
		t.Error("there is an argument that shows secrets")
	}
}
