package siptools_test

import (
	"encoding/json"
	"fmt"
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
