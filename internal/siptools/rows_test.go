package siptools_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// TestWholeRows: rows have all the keys of a listing where the page fits an answer of the usual
// size with them. Otherwise they are short, and the note says so and who has the rest; what
// answered calls are told by is in them all the same.
func TestWholeRows(t *testing.T) {
	few, many := ladder(t, 2, talking), ladder(t, 60, talking)
	streams := ladder(t, 1, "0 A > B OPTIONS\n"+repeat(60, func(i int) string { return fmt.Sprintf("1 A:%d > B:%d RTP ssrc=%d n=50\n", 4000+2*i, 6000+2*i, i) }))
	for _, x := range []struct {
		name, tool, rows string
		args             args
		n                int // rows of the page; 0 for any number
		whole            bool
	}{
		{"a few calls", "list_calls", "calls", args{"pcap_file": few}, 4, true},
		{"a few streams", "analyze_media", "streams", args{"pcap_file": few}, 3, true},
		{"many calls", "list_calls", "calls", args{"pcap_file": many}, 0, false},
		{"many streams", "analyze_media", "streams", args{"pcap_file": streams}, 0, false},
		{"two calls of many", "list_calls", "calls", args{"pcap_file": many, "limit": 2}, 2, true},
		{"two streams of many", "analyze_media", "streams", args{"pcap_file": streams, "limit": 2}, 2, true},
		{"most calls of many", "list_calls", "calls", args{"pcap_file": many, "limit": 1000}, 0, false},
		{"those of one call", "analyze_media", "streams", args{"pcap_file": many, "call": "call-1"}, 2, true},
		{"no calls", "list_calls", "calls", args{"pcap_file": many, "state": "failed"}, 0, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := call(t, server(siptools.Options{}), x.tool, x.args)
			if most := 8000; len(got.text) > most && x.args["limit"] == nil || len(got.text) > neverOver {
				t.Errorf("%d characters", len(got.text))
			}
			var page map[string]json.RawMessage
			decode(t, got.structured, &page)
			var rows []map[string]any
			decode(t, page[x.rows], &rows)
			if x.n > 0 && len(rows) != x.n || x.n == 0 && !x.whole && len(rows) < 10 {
				t.Errorf("%d rows", len(rows))
			}
			for _, r := range rows {
				keys := []string{"messages", "retransmissions", "request_uri", "last_frame"}
				if x.tool == "analyze_media" {
					keys = []string{"expected", "markers", "first_frame", "last_frame"}
				}
				for _, k := range keys {
					if _, there := r[k]; there != x.whole {
						t.Errorf("%s is there: %v", k, there)
					}
				}
				if r["answer"] == nil && x.tool == "list_calls" {
					t.Errorf("a call that was answered has no answer: %v", r)
				}
			}
			if n := strings.Count(string(page["note"]), "Rows are short; "); n != 1 && !x.whole || n != 0 && x.whole {
				t.Errorf("the note is %s", page["note"])
			}
		})
	}
}

// TestCopies: messages captured again are rows, and the note tells them from those that are counted.
func TestCopies(t *testing.T) {
	s := server(siptools.Options{})
	path := capture(t, request("a", ""), request("b", "X: y\n"))
	for _, x := range []struct {
		a           args
		total, copy int
		of          string
	}{
		{args{}, 4, 2, ""},
		{args{"text": "X: y"}, 2, 1, "2 of 4 messages are what was asked for. "},
		{args{"filter": "sip.Call-ID == b"}, 2, 1, "2 of 4 messages are what was asked for. "},
		{args{"text": "Z: y"}, 0, 0, "0 of 4 messages are what was asked for. No message is like that; leave out filter and text to see all."},
		{args{"frame": "1:2"}, 1, 0, ""},
		{args{"frame": "2:2"}, 1, 1, ""},
	} {
		x.a["pcap_file"], x.a["more_files"] = path, []string{path}
		var r struct {
			Total int
			Note  string
		}
		decode(t, call(t, s, "search_messages", x.a).structured, &r)
		copies := ""
		if x.copy > 0 {
			copies = fmt.Sprintf("%d of these are copies (copy_of), which statistics, calls and findings leave out.", x.copy)
		}
		if r.Total != x.total || r.Note != x.of+copies {
			t.Errorf("%v: %d messages, %q", x.a, r.Total, r.Note)
		}
	}
}

// TestNoSIPInLists: a list of a capture without SIP is not empty because all is well.
func TestNoSIPInLists(t *testing.T) {
	s := server(siptools.Options{})
	for _, tool := range []string{"list_calls", "list_findings", "list_registrations", "search_messages"} {
		if got := call(t, s, tool, args{"pcap_file": capture(t, "none")}); !strings.Contains(got.text, `"note":"No SIP messages were found in 1 packet`) {
			t.Errorf("%s: %s", tool, got.text)
		}
	}
}
