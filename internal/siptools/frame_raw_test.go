package siptools_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/siptools"
)

// rawPage is what search_messages gives by frame.
type rawPage struct {
	Total, Returned int
	Messages        []struct {
		Frame  any
		CallID string `json:"call_id"`
		Raw    string
	}
	Next string `json:"next_cursor"`
	Note string
}

// byFrame asks for the messages in a packet.
func byFrame(t *testing.T, a args) (p rawPage) {
	t.Helper()
	got := call(t, server(siptools.Options{}), "search_messages", a)
	if got.isError {
		t.Fatal(got.text)
	}
	if len(got.text) > neverOver {
		t.Errorf("%d characters", len(got.text))
	}
	decode(t, got.structured, &p)
	if p.Returned != len(p.Messages) {
		t.Errorf("%d of %d messages", len(p.Messages), p.Returned)
	}
	return p
}

// TestLargeMessageByFrame: by its frame a message is there whole, up to 16,000 characters, with
// no more asked for than that.
func TestLargeMessageByFrame(t *testing.T) {
	values := func(value string, n int) string {
		return repeat(n, func(i int) string { return fmt.Sprintf("X-%04d: %s\n", i, value) })
	}
	for _, x := range []struct {
		name, message string
		least, most   int // characters of raw
		whole         bool
	}{
		{"9 KB", request("a", values(strings.Repeat("v", 240), 35)), 8700, 9000, true},
		{"15 KB of quotes", request("a", values(strings.Repeat(`"`, 240), 60)), 15000, 15600, true},
		{"25 KB", request("a", values(strings.Repeat("v", 240), 100)), 15800, 16001, false},
		{"what is ten octets for each", request("a", values(tags[:240], 100)), 8000, 35000, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			a := args{"pcap_file": capture(t, x.message), "frame": 1}
			for range 2 {
				p := byFrame(t, a)
				if len(p.Messages) != 1 || p.Next != "" {
					t.Fatalf("%d messages, %q", len(p.Messages), p.Note)
				}
				raw := p.Messages[0].Raw
				if n := len([]rune(raw)); n < x.least || n > x.most || strings.HasSuffix(raw, "…") == x.whole {
					t.Errorf("%d characters of raw, ending in %.20q", n, raw[max(len(raw)-20, 0):])
				}
				if x.whole && raw != x.message {
					t.Errorf("not the message: %.100s", raw)
				}
				a["limit"] = 1 // asking for more changes nothing
			}
		})
	}
}

// TestFrameOfSeveralFiles: a number alone is a packet of the first file, and the note says so.
func TestFrameOfSeveralFiles(t *testing.T) {
	a := args{"pcap_file": capture(t, request("one", ""), request("two", "")), "more_files": []string{capture(t, "none", request("three", ""))}}
	const taken = `frame is packet 2 of the first file; "2:2" is that of the second.`
	for _, x := range []struct {
		frame      any
		id, frames string
		note       bool
	}{{2, "two", "1:2", true}, {"2", "two", "1:2", true}, {"1:2", "two", "1:2", false}, {"2:2", "three", "2:2", false}} {
		a["frame"] = x.frame
		p := byFrame(t, a)
		if len(p.Messages) != 1 || p.Messages[0].CallID != x.id || p.Messages[0].Frame != x.frames || strings.Contains(p.Note, taken) != x.note {
			t.Errorf("%v: %+v", x.frame, p)
		}
	}
	delete(a, "more_files")
	a["frame"] = 2
	if p := byFrame(t, a); len(p.Messages) != 1 || strings.Contains(p.Note, "first file") {
		t.Errorf("of one file: %+v", p)
	}
}

// TestSeveralByFrame: of several messages in one packet those that fit are whole, and the note
// says which are missing and how to get them.
func TestSeveralByFrame(t *testing.T) {
	var text string
	for i := range 4 {
		text += request(fmt.Sprint(i), repeat(50, func(int) string { return "X: " + strings.Repeat("v", 240) + "\n" })+"Content-Length: 0\n")
	}
	f := capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5060")
	up, down := capgen.Stream{Flow: f}, capgen.Stream{Flow: f.Back()}
	path := file(t, capgen.Pcap(capgen.Packets(101, up.SYN(), down.SYN(), up.Send(strings.ReplaceAll(text, "\n", "\r\n")))))
	a := args{"pcap_file": path, "frame": 3}
	p := byFrame(t, a)
	if want := "Messages 1 to 3 of 4; pass next_cursor as cursor for the next ones."; len(p.Messages) != 3 || !strings.HasSuffix(p.Note, want) {
		t.Fatalf("%d messages, note %q", len(p.Messages), p.Note)
	}
	a["cursor"] = p.Next
	last := byFrame(t, a)
	if len(last.Messages) != 1 || last.Next != "" {
		t.Fatalf("%d messages on the second page, note %q", len(last.Messages), last.Note)
	}
	for i, m := range append(p.Messages, last.Messages...) {
		if m.CallID != fmt.Sprint(i) || len(m.Raw) < 12000 || strings.HasSuffix(m.Raw, "…") {
			t.Errorf("message %d: Call-ID %s, %d octets of raw", i, m.CallID, len(m.Raw))
		}
	}
}
