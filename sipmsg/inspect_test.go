package sipmsg_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// TestInspectControl: a control character is seen wherever it stands.
func TestInspectControl(t *testing.T) {
	for c := range 256 {
		if c == '\r' || c == '\n' || c == 0 {
			continue
		}
		want := c < ' ' && c != '\t' || c == 0x7f
		for at := range 20 {
			value := strings.Repeat("x", at) + string([]byte{byte(c)}) + strings.Repeat("ü", 20-at)
			var m sipmsg.Message
			if err := m.Parse([]byte("OPTIONS sip:a@b SIP/2.0\r\nX: " + value + "\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			if got := m.Inspect()&sipmsg.QuirkControl != 0; got != want {
				t.Fatalf("octet %#x behind %d others: %v", c, at, got)
			}
		}
	}
}
