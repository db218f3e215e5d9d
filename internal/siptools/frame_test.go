package siptools_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// TestFrameOfKnownCapture: the message in a packet is the same, number and all, whether the
// capture was analysed before, when reading begins near the packet, or not.
func TestFrameOfKnownCapture(t *testing.T) {
	var messages []string
	for i := range 30000 {
		id := i
		if i%10 == 9 { // the one before it again
			id--
		}
		messages = append(messages, request(fmt.Sprintf("%05d", id), ""))
	}
	path := capture(t, messages...)
	cold, warm := server(siptools.Options{}), server(siptools.Options{})
	if r := call(t, warm, "summarize_capture", args{"pcap_file": path}); r.isError {
		t.Fatal(r.text)
	}
	for _, frame := range []int{1, 5000, 8192, 8193, 12193, 20000, 25010, 29999, 30000} {
		a := args{"pcap_file": path, "frame": frame}
		want, got := call(t, cold, "search_messages", a), call(t, warm, "search_messages", a)
		var w, g struct{ Messages []json.RawMessage }
		decode(t, want.structured, &w)
		decode(t, got.structured, &g)
		if want.isError || len(w.Messages) != 1 || len(g.Messages) != 1 || string(g.Messages[0]) != string(w.Messages[0]) {
			t.Errorf("frame %d\ngot  %s\nwant %s", frame, g.Messages, w.Messages)
		}
	}
}

// TestFrameNumbers: a number is an integer however JSON writes it.
func TestFrameNumbers(t *testing.T) {
	s := server(siptools.Options{})
	path := ladder(t, 1, failing)
	for raw, found := range map[string]bool{"2": true, "2.0": true, "0.2e1": true, `"2"`: true, `"1:2"`: true, "2.5": false, `"2.0"`: false, "-2.0": false, "0.0": false, "1e300": false, "true": false, "{}": false} {
		got := call(t, s, "search_messages", args{"pcap_file": path, "frame": json.RawMessage(raw)})
		if got.isError == found || found && !strings.Contains(got.text, "SIP/2.0 100 Trying") {
			t.Errorf("%s: %.200s", raw, got.text)
		}
	}
}

// TestNoteAsItIsRead: a filter in a note is what can be asked for next.
func TestNoteAsItIsRead(t *testing.T) {
	got := call(t, server(siptools.Options{}), "search_messages", args{"pcap_file": capture(t, "none", request("a", "")), "frame": 1})
	if !strings.Contains(got.text, "filter frame.number >= N finds") {
		t.Error(got.text)
	}
}

// TestFrameBehindTheLast: of a packet that there is none of is said how many there are.
func TestFrameBehindTheLast(t *testing.T) {
	path, other := capture(t, request("a", ""), request("b", "")), capture(t, request("c", ""))
	for _, x := range []struct {
		a    args
		want string
	}{
		{args{"pcap_file": path, "frame": 3}, "There is no such packet: the capture has 2."},
		{args{"pcap_file": path, "frame": 3, "text": "zz"}, "There is no such packet: the capture has 2."},
		{args{"pcap_file": path, "frame": 2, "text": "zz"}, "No SIP message in that packet is like that;"},
		{args{"pcap_file": path, "more_files": []string{other}, "frame": "2:2"}, "There is no such packet: file 2 has 1."},
		{args{"pcap_file": path, "more_files": []string{other}, "frame": "1:2", "text": "zz"}, "No SIP message in that packet is like that;"},
	} {
		for _, known := range []bool{false, true} {
			s := server(siptools.Options{})
			if known {
				call(t, s, "capture_info", args{"pcap_file": path})
			}
			if got := call(t, s, "search_messages", x.a); !strings.Contains(got.text, `"total":0`) || !strings.Contains(got.text, x.want) {
				t.Errorf("%v, known %v: %s", x.a, known, got.text)
			}
		}
	}
}
