package main

import (
	"os"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// faxCall is a call that changes over to T.38.
const faxCall = `
	A = 10.0.0.1:5060
	B = 10.0.0.2:5060
	0      A > B  INVITE sdp m=4000
	.1     B > A  200 sdp m=5000
	.2     A > B  ACK
	.3     A:4000 > B:5000 RTP ssrc=1 n=100
	3      B > A  INVITE
	       Content-Type: application/sdp
	       | v=0
	       | o=- 7 2 IN IP4 10.0.0.2
	       | s=-
	       | c=IN IP4 10.0.0.2
	       | t=0 0
	       | m=image 5002 udptl t38
	3.1    A > B  200
	       Content-Type: application/sdp
	       | v=0
	       | o=- 7 2 IN IP4 10.0.0.1
	       | s=-
	       | c=IN IP4 10.0.0.1
	       | t=0 0
	       | m=image 4002 udptl t38
	3.2    B > A  ACK
	3.3    A:4002 > B:5002 UDPTL n=30
	3.3    B:5002 > A:4002 UDPTL n=20
	5      A > B  BYE
	5.1    B > A  200
`

// TestFax holds what the commands tell of a fax.
func TestFax(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("fax.pcap", new(capgen.Ladder).Pcap(faxCall), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		want []string
	}{
		{"call 1 fax.pcap", []string{
			"T.38          udptl, offered by the callee at 12:00:03.000, accepted\n",
			"caller: 10.0.0.1:4002, sent 30 packets\n", "callee: 10.0.0.2:5002, sent 20 packets\n",
			"10.0.0.1:4002  10.0.0.2:5002              t38         30     0    0.00"}},
		{"call --json 1 fax.pcap", []string{`"sessions":[{"protocol":"T.38","transport":"udptl","offered_by":"callee"`, `"outcome":"accepted"`, `"callee":{"address":"10.0.0.2:5002","packets":20}`}},
		{"streams fax.pcap", []string{"10.0.0.1:4002  10.0.0.2:5002              t38         30     0    0.00"}},
		{"streams --json fax.pcap", []string{`{"source_ip":"10.0.0.1","source_port":4002,"destination_ip":"10.0.0.2","destination_port":5002,"codec":"t38","packets":30,"expected":30,"lost":0`, `"protocol":"UDPTL"`}},
		{"flow --call 1 fax.pcap", []string{"UDPTL t38"}},
	} {
		r := sipsight(t, strings.Fields(c.args)...)
		for _, want := range c.want {
			if r.code != exitOK || !strings.Contains(r.out, want) {
				t.Errorf("%s lacks %q: %d\n%s%s", c.args, want, r.code, r.out, r.err)
			}
		}
	}
	if r := sipsight(t, "call", "--no-media", "--json", "1", "fax.pcap"); strings.Contains(r.out, "T.38") {
		t.Errorf("--no-media: %s", r.out)
	}
}
