package analysis_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/sipmsg"
)

// folds puts line folds where a ladder has ~~~~~: it has a line for each header field.
func folds(pcap []byte) []byte { return bytes.ReplaceAll(pcap, []byte("~~~~~"), []byte("\r\n \t ")) }

// TestFoldedValues holds that a line fold in a value is one blank wherever the value is kept: RFC 3261,
// section 7.3.1.
func TestFoldedValues(t *testing.T) {
	res := run(t, folds(new(capgen.Ladder).Pcap(hosts+`
		0   A > B INVITE id=one~~~~~1@h
			User-Agent: Phone~~~~~2
		0.1 B > A 200
			-Server
			Server: Box~~~~~3
		0.2 A > B ACK id=one~~~~~1@h
		1   A > B BYE id=one~~~~~1@h
			Reason: Q.850;~~~~~cause=16;~~~~~text="Normal~~~~~clearing"
		1.1 B > A 200
		5   A > P REGISTER id=r~~~~~1
			-Contact
			-User-Agent
			User-Agent: Phone~~~~~4
			Contact: ~~~~~<sip:a@~~~~~10.0.0.1>;~~~~~expires=60
		5.1 P > A 200
			-Contact
			Contact: <sip:a@~~~~~10.0.0.1>;expires=~~~~~50
	`)))
	call := res.Calls.At(0).First()
	reg := res.Registrations.At(0)
	for _, x := range []struct{ what, got, want string }{
		{"Call-ID", call.CallID, "one 1@h"},
		{"user agents", strings.Join(call.UserAgents, "|"), "Phone 2|Box 3"},
		{"cause", call.Cause, `Q.850; cause=16; text="Normal clearing"`},
		{"Call-ID of a registration", reg.CallID, "r 1"},
		{"user agent of a registration", reg.UserAgent, "Phone 4"},
		{"registration", describeRegistration(reg), "sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=2 sip:a@ 10.0.0.1(60/50)"},
		{"all Call-IDs", strings.Join(res.Statistics.CallIDs, "|"), "one 1@h|r 1"},
		{"all user agents", strings.Join(res.Statistics.UserAgents, "|"), "Phone 2|Phone 4"},
	} {
		if x.got != x.want {
			t.Errorf("%s: %q, want %q", x.what, x.got, x.want)
		}
	}
}

func TestCallIDDoesNotAllocate(t *testing.T) {
	var m sipmsg.Message
	if err := m.Parse([]byte("BYE sip:b@h SIP/2.0\r\nCall-ID: 1@h\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(10, func() {
		if string(analysis.CallID(&m)) != "1@h" {
			panic("another Call-ID")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
