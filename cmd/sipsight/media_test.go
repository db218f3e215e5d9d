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
