package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// jsonLines decodes what the command prints, an object a line.
func jsonLines[T any](t *testing.T, args ...string) (list []T) {
	t.Helper()
	r := sipsight(t, args...)
	if r.code != exitOK {
		t.Fatalf("%v: %+v", args, r)
	}
	for line := range strings.Lines(r.out) {
		var x T
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

// TestRelayedMedia holds what is measured to what the relay between the telephones said it did:
// testdata/README.md has how the captures were made, test/media does the same anew.
func TestRelayedMedia(t *testing.T) {
	captures(t)
	type stream struct {
		SSRC       string
		SentBy     string `json:"sent_by"`
		Packets    int
		Lost       int
		Reordered  int
		Duplicates int
		MaxDelta   float64 `json:"max_delta_ms"`
		Jitter     float64 `json:"mean_jitter_ms"`
	}
	type finding struct{ ID, Severity, Call string }
	for _, tt := range []struct {
		file    string
		streams []string // by SSRC: sender, packets, lost, reordered
		most    float64  // jitter, of all
		found   []string
	}{
		{"media-impaired.pcapng", []string{"0x000000b2 callee 170 0 0", "0x000000a1 caller 160 10 5"}, 6, nil},
		{"media-one-way.pcapng", []string{"0x000000b2 callee 170 0 0"}, 1, []string{"no-audio error call-1", "one-way-audio error call-2"}},
		{"media-hold.pcapng", []string{"0x000000c3 callee 25 0 0", "0x000000c3 caller 25 0 0", "0x000000a1 caller 170 0 0", "0x000000d4 callee 25 0 0", "0x000000d4 caller 25 0 0"}, 1, []string{"hold-state note call-1"}},
		{"media-fax.pcapng", []string{"0x000000c3 callee 25 0 0", "0x000000c3 caller 25 0 0", " callee 60 0 0", " caller 60 0 0", "0x000000c3 callee 25 0 0", "0x000000c3 caller 25 0 0"}, 20, []string{"t38-failed error call-2"}},
	} {
		var got, found []string
		for _, s := range jsonLines[stream](t, "streams", "--json", tt.file) {
			got = append(got, fmt.Sprintf("%s %s %d %d %d", s.SSRC, s.SentBy, s.Packets, s.Lost, s.Reordered))
			if s.Duplicates != 0 || s.Jitter > tt.most {
				t.Errorf("%s: %+v", tt.file, s)
			}
			// Up to 12 ms of delay at random are 3 to 6 ms of jitter, reordering included; four losses
			// in a row at most are a wait of under 120 ms.
			if s.Lost > 0 && (s.Jitter < 3 || s.MaxDelta < 40 || s.MaxDelta > 120) {
				t.Errorf("%s: %+v", tt.file, s)
			}
		}
		for _, f := range jsonLines[finding](t, "findings", "--json", tt.file) {
			found = append(found, f.ID+" "+f.Severity+" "+f.Call)
		}
		if !slices.Equal(got, tt.streams) {
			t.Errorf("%s: streams %q, want %q", tt.file, got, tt.streams)
		}
		if !slices.Equal(found, tt.found) {
			t.Errorf("%s: findings %q, want %q", tt.file, found, tt.found)
		}
	}
}

// sessionCall is a call with messages by MSRP through a relay and with media through another one, and
// beside it a connection and a stream of others.
const sessionCall = `
	A = 10.0.0.1:5060
	B = 10.0.0.2:5060
	R = 10.0.0.7:5060
	X = 10.0.0.66:7000
	N = 192.0.2.7:40000
	0      A > B  INVITE
	       Content-Type: application/sdp
	       | v=0
	       | o=- 7 2 IN IP4 10.0.0.1
	       | s=-
	       | c=IN IP4 10.0.0.1
	       | t=0 0
	       | m=audio 4000 RTP/AVP 0
	       | m=message 9 TCP/MSRP *
	       | a=path:msrp://10.0.0.7:8000/r;tcp msrp://10.0.0.1:7394/a;tcp
	.1     B > A  200
	       Content-Type: application/sdp
	       | v=0
	       | o=- 7 2 IN IP4 10.0.0.2
	       | s=-
	       | c=IN IP4 10.0.0.2
	       | t=0 0
	       | m=audio 5000 RTP/AVP 0
	       | m=message 7395 TCP/MSRP *
	       | a=path:msrp://10.0.0.2:7395/b;tcp
	.2     A > B  ACK
	.3     B:40000 > R:8000 SYN
	.31    R:8000 > B:40000 SYNACK
	.32    B:40000 > R:8000 ACKED
	.4     B:40000 > R:8000 ACKED data=MSRP
	.41    R:8000 > B:40000 ACKED
	.5     A:40000 > B:80 ACKED data=GET
	1.2    A:4000 > B:5000 RTP ssrc=70001
	1.21   X > N RTP ssrc=70001
	1.22   N > X RTP ssrc=70009 seq=5000
	1.3    A:4004 > B:5004 RTP ssrc=70005
	5      A > B  BYE
	5.1    B > A  200
`

// TestSessionCall holds what is told of sessions by their path and of hops of a relay, and that the
// packets of both are those of the call.
func TestSessionCall(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.pcap", new(capgen.Ladder).Pcap(sessionCall), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"call 1 a.pcap", []string{"caller (relay hop)  12:00:01.210  10.0.0.66:7000", "caller: 10.0.0.7:8000 for 10.0.0.1:9, sent 0 packets", "callee: 10.0.0.2:7395, sent 1 packet\n", "connection open"}},
		{"call --json 1 a.pcap", []string{`"caller":{"address":"10.0.0.7:8000","described_address":"10.0.0.1:9"}`, `"connection":"open"`, `"sent_by":"caller","relay_hop":true,"codec":"PCMU"`}},
		{"streams --json a.pcap", []string{`"source_ip":"10.0.0.66"`, `"relay_hop":true}`}},
	} {
		r := sipsight(t, strings.Fields(tt.args)...)
		for _, want := range tt.want {
			if r.code != exitOK || !strings.Contains(r.out, want) {
				t.Errorf("%s: %d %s%s\nhas no %q", tt.args, r.code, r.out, r.err, want)
			}
		}
		if n := strings.Count(r.out, "relay"); n != 1 {
			t.Errorf("%s: %d times relay", tt.args, n)
		}
	}
	for _, tt := range []struct {
		flags string
		want  string
	}{
		{"", "5 messages, 155 packets of media"}, // 5 of TCP, 150 of RTP: both ways between X and N, once from A to B
		{"--no-media", "5 messages\n"},
	} {
		r := sipsight(t, strings.Fields("export --call call-1 "+tt.flags+" --force a.pcap -o b.pcap")...)
		if r.code != exitOK || !strings.Contains(r.err, tt.want) {
			t.Errorf("export %s: %d %s", tt.flags, r.code, r.err)
		}
	}
}

// TestStreamKeys holds what is told of a stream that is encrypted as its descriptions say, and of one
// that changes its payload type and its SSRC.
func TestStreamKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	type stream struct {
		SSRC       string
		Encryption string
		Changes    int    `json:"payload_type_changes"`
		Previous   string `json:"previous_ssrc"`
		Call       string
	}
	for _, tt := range []struct{ offer, answer, media, want string }{
		{"proto=RTP/SAVP", "proto=RTP/SAVP", "A:4000 > B:5000 RTP ssrc=1", "[{0x00000001 SRTP 0  call-1}]"},
		{"proto=RTP/SAVP", "", "A:4000 > B:5000 RTP ssrc=1", "[{0x00000001  0  call-1}]"},
		{"codecs=0,8", "codecs=0,8", "A:4000 > B:5000 RTP ssrc=1 n=10\n1.5 A:4000 > B:5000 RTP ssrc=1 pt=8 seq=11 n=10\n2 A:4000 > B:5000 RTP ssrc=2", "[{0x00000001  1  call-1} {0x00000002  0 0x00000001 call-1}]"},
	} {
		ladder := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE sdp m=4000 " + tt.offer + "\n.1 B > A 200 sdp m=5000 " + tt.answer + "\n.2 A > B ACK\n1.3 " + tt.media + "\n5 A > B BYE\n5.1 B > A 200\n"
		if err := os.WriteFile("a.pcap", new(capgen.Ladder).Pcap(ladder), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(jsonLines[stream](t, "streams", "--json", "a.pcap")); got != tt.want {
			t.Errorf("%s, %s, %s: %s, want %s", tt.offer, tt.answer, tt.media, got, tt.want)
		}
	}
}

// TestCounted holds that packets of RTP are counted whether they are measured or not, and that it is said what tells of them.
func TestCounted(t *testing.T) {
	captures(t)
	for _, c := range []struct{ args, want string }{
		{"info", "SIP 29, like RTP 265\n"},
		{"info --no-media", "SIP 29, like RTP 265\n"},
		{"info --json", `"SIP":29,"like RTP":265}`},
		{"summary", "  media         265 packets like RTP, 2 streams; sipsight streams lists them\n"},
		{"summary --no-media", "  media         265 packets like RTP, not measured; sipsight streams does that\n"},
		{"summary --json", `"like_rtp_packets":265,"streams":2,`},
		{"summary --json --no-media", `"like_rtp_packets":265,"metrics":`},
	} {
		if r := sipsight(t, append(strings.Fields(c.args), "baresip-call.pcapng")...); r.code != exitOK || !strings.Contains(r.out, c.want) {
			t.Errorf("%s: %d, %s", c.args, r.code, r.out)
		}
	}
	if r := sipsight(t, "summary", "udp-call.pcapng"); strings.Contains(r.out, "media ") {
		t.Errorf("without media: %s", r.out)
	}
}
