package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestPasswordInPhrase: the password of a URI in a reason phrase, a Reason or the name of a product is masked as in any other place, and
// no filter tells of it.
func TestPasswordInPhrase(t *testing.T) {
	t.Chdir(t.TempDir())
	pcap := new(capgen.Ladder).Pcap(`A = 10.0.0.1:5060
B = 10.0.0.2:5060

0    A > B INVITE
     User-Agent: sip:bob:geheim1@h1
0.1  B > A 487
     Server: sip:bob:geheim2@h1
     Reason: SIP;cause=480;text="try sip:bob:geheim99@h1"
0.2  A > B ACK
`)
	phrase := []byte("487 " + capgen.Phrase(487))
	if n := bytes.Count(pcap, phrase); n != 1 {
		t.Fatalf("%d responses", n)
	}
	pcap = bytes.Replace(pcap, phrase, []byte("487 sip:bob:geheim9@h1"), 1)
	if err := os.WriteFile("a.pcap", pcap, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"analyze", "analyze --json", "messages", "messages --json", "messages --csv", "calls", "calls --json", "calls --csv", "call 1", "call --json 1", "flow --call 1", "flow --call 1 --format html",
		"findings", "findings --json", "findings --csv", "summary", "summary --json", "report -o -",
	} {
		r := sipsight(t, append(strings.Fields(args), "a.pcap")...)
		if r.code != exitOK || strings.Contains(r.out+r.err, "geheim") {
			t.Errorf("%s: code %d\n%.2000s", args, r.code, r.out+r.err)
		}
	}
	for _, field := range []string{"sip", "sip.Status-Line", "sip.Reason", "sip.User-Agent", "sip.Server", "sip.msg_hdr"} {
		if r := sipsight(t, "messages", "--filter", field+" contains geheim", "a.pcap"); r.code != exitOK || r.out != "" {
			t.Errorf("%s contains it: %+v", field, r)
		}
	}
	for args, want := range map[string]string{"messages --json": `"reason_phrase":"sip:bob:***@h1"`, "call 1": `text="try sip:bob:***@h1"`, "messages --show-secrets": "geheim9@", "call 1 --show-secrets": "geheim1@",
		"analyze --json --show-secrets": `"user_agents":["sip:bob:geheim1@h1"`} {
		if r := sipsight(t, append(strings.Fields(args), "a.pcap")...); !strings.Contains(r.out, want) {
			t.Errorf("%s has no %s:\n%s", args, want, r.out)
		}
	}
}
