package media_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sipsight/sipsight/test/media"
)

var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if binary = os.Getenv("SIPSIGHT_BIN"); binary == "" {
		dir, err := os.MkdirTemp("", "sipsight-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "sipsight")
		build := exec.Command("go", "build", "-o", binary, "./cmd/sipsight")
		build.Dir, build.Stderr = "../..", os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

const (
	packets = 200 // that either side plays
	short   = 25  // in short.pcap and again.pcap
	faxed   = 60  // in fax.pcap
)

// A talk is one call between two SIPp through a relay.
type talk struct {
	number         int // of the addresses
	caller, callee string
	pause          time.Duration // of the scenario
	relay          media.Relay
}

// A stream is what sipsight says of one.
type stream struct {
	SSRC       string
	SentBy     string  `json:"sent_by"`
	Packets    int     `json:"packets"`
	Lost       int     `json:"lost"`
	Reordered  int     `json:"reordered"`
	Duplicates int     `json:"duplicates"`
	MaxDelta   float64 `json:"max_delta_ms"`
	MeanJitter float64 `json:"mean_jitter_ms"`
	Call       string
	Codec      string
}

type finding struct{ ID, Severity, Observed, Call string }

// needSIPp skips a test where there is no SIPp that may play captures, and fails it in .ci/run,
// which installs it, runs as root, and names the binary.
func needSIPp(t *testing.T) {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("sipp"); err != nil {
		missing = "there is no sipp, that is, the Debian package sip-tester"
	} else if os.Geteuid() != 0 {
		missing = "only root may let SIPp play a capture"
	}
	switch {
	case missing != "" && os.Getenv("SIPSIGHT_BIN") != "":
		t.Fatal(missing)
	case missing != "":
		t.Skip(missing)
	}
}

// hold runs the call and returns what passed between relay and called side.
func (k *talk) hold(t *testing.T) []media.Packet {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte, err error) {
		t.Helper()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".pcap"), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var fax bytes.Buffer
	err := media.WriteUDPTL(&fax, faxed)
	write("fax", fax.Bytes(), err)
	for _, p := range []struct {
		name string
		ssrc uint32
		n    int
	}{{"caller", 0xa1, packets}, {"callee", 0xb2, packets}, {"short", 0xc3, short}, {"again", 0xd4, short}} {
		var b bytes.Buffer
		err := media.WriteRTP(&b, p.ssrc, p.n)
		write(p.name, b.Bytes(), err)
	}
	addr := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, byte(10 + k.number), byte(n)}) }
	r := &k.relay
	r.Addr, r.A, r.B = addr(20), addr(11), addr(12)
	r.SIP, r.Media = 5060, []uint16{6000, 6001}
	var list []media.Packet
	r.Record = func(p media.Packet) { list = append(list, p) }
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	relaying, end := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() { failed <- r.Run(relaying) }()
	scenarios, _ := filepath.Abs("../../testdata/make/scenarios")
	sipp := func(scenario string, a netip.Addr, args ...string) *exec.Cmd {
		args = append([]string{"-sf", filepath.Join(scenarios, scenario+".xml"), "-i", a.String(), "-mi", a.String(), "-p", "5060", "-mp", "6000", "-m", "1", "-nostdin", "-timeout", "30",
			"-key", "agent", "Example/1", "-key", "domain", "example.com", "-key", "caller", "alice", "-key", "name", "Alice", "-key", "callee", "bob", "-cid_str", "c%u-%p@example.com"}, args...)
		cmd := exec.CommandContext(ctx, "sipp", args...)
		cmd.Dir = dir
		return cmd
	}
	called := sipp(k.callee, r.B)
	var answered sync.WaitGroup
	answered.Go(func() {
		if out, err := called.CombinedOutput(); err != nil {
			t.Errorf("called side: %v\n%s", err, out[max(0, len(out)-2000):])
		}
	})
	time.Sleep(500 * time.Millisecond)
	if out, err := sipp(k.caller, r.A, r.Addr.String()+":5060", "-d", fmt.Sprint(k.pause.Milliseconds())).CombinedOutput(); err != nil {
		t.Errorf("calling side: %v\n%s", err, out[max(0, len(out)-2000):])
	}
	answered.Wait()
	end()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return list
}

// examine asks sipsight about a capture.
func examine(t *testing.T, list []media.Packet) (streams map[string]stream, found []finding) {
	t.Helper()
	slices.SortStableFunc(list, func(a, b media.Packet) int { return a.Time.Compare(b.Time) })
	var b bytes.Buffer
	if err := media.WriteCapture(&b, list); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "call.pcap")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	streams = map[string]stream{}
	for _, s := range ask[stream](t, "streams", path) {
		if _, twice := streams[s.SSRC+s.SentBy]; twice {
			t.Errorf("stream %s of the %s is there twice", s.SSRC, s.SentBy)
		}
		streams[s.SSRC+s.SentBy] = s
	}
	return streams, ask[finding](t, "findings", path)
}

func ask[T any](t *testing.T, command, path string) (list []T) {
	t.Helper()
	cmd := exec.Command(binary, command, "--json", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(command, err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var x T
		if err := d.Decode(&x); err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

// mediaIDs returns the findings about media, but for hold-state.
func mediaIDs(found []finding) (ids []string) {
	for _, f := range found {
		switch f.ID {
		case "one-way-audio", "no-audio", "rtp-wrong-target", "sdp-vs-source", "late-or-cut-media", "ptime-mismatch", "hold-state":
			ids = append(ids, f.ID+" "+f.Severity)
		}
	}
	slices.Sort(ids)
	return ids
}

// near reports whether measured times are those at which the relay sent, and what it set by a
// quarter and 5 ms: packets go out later than they are due where the machine is busy.
func near(s stream, truth media.Truth) bool {
	by := func(got float64, want time.Duration, share, ms float64) bool {
		return math.Abs(got-want.Seconds()*1000) <= share*want.Seconds()*1000+ms
	}
	return by(s.MeanJitter, truth.Gone.Jitter, .01, .1) && by(s.MaxDelta, truth.Gone.MaxGap, .01, .1) &&
		by(s.MeanJitter, truth.Due.Jitter, .25, 5) && by(s.MaxDelta, truth.Due.MaxGap, .25, 25)
}

const toCallee, toCaller = "0x000000a1caller", "0x000000b2callee"

// TestSIPp lets two SIPp call each other through the relay.
func TestSIPp(t *testing.T) {
	needSIPp(t)
	for i, tt := range []struct {
		name  string
		toB   media.Impair
		toA   media.Impair
		check func(t *testing.T, r *media.Relay, streams map[string]stream, found []finding)
	}{
		{"clean", media.Impair{}, media.Impair{}, func(t *testing.T, r *media.Relay, streams map[string]stream, found []finding) {
			for _, key := range []string{toCallee, toCaller} {
				if s := streams[key]; s.Packets != packets || s.Lost != 0 || s.Reordered != 0 || s.Duplicates != 0 || s.Call != "call-1" || s.Codec != "G729" {
					t.Errorf("%+v", s)
				}
			}
			if s := streams[toCallee]; !near(s, r.TruthB) {
				t.Errorf("%+v, and the relay had %v", s, r.TruthB)
			}
			if ids := mediaIDs(found); len(ids) > 0 {
				t.Errorf("findings %v", ids)
			}
		}},
		{"loss and reordering", media.Impair{Loss: .06, Swap: .04}, media.Impair{}, func(t *testing.T, r *media.Relay, streams map[string]stream, found []finding) {
			s, truth := streams[toCallee], r.TruthB
			if truth.Received != packets || truth.Lost < 5 || truth.Swapped < 3 {
				t.Fatalf("the relay had %v", truth)
			}
			if s.Packets != truth.Sent+truth.Swapped || s.Lost != truth.Lost || s.Reordered != truth.Swapped || s.Duplicates != 0 {
				t.Errorf("%+v, and the relay had %v", s, truth)
			}
			if s := streams[toCaller]; s.Packets != packets || s.Lost != 0 {
				t.Errorf("the other side: %+v", s)
			}
		}},
		{"jitter and a stall", media.Impair{Jitter: 40 * time.Millisecond, Stall: 300 * time.Millisecond}, media.Impair{}, func(t *testing.T, r *media.Relay, streams map[string]stream, found []finding) {
			s, truth := streams[toCallee], r.TruthB
			if s.Lost != 0 || s.Reordered != 0 || s.Packets != packets || truth.Due.Jitter < 5*time.Millisecond {
				t.Errorf("%+v, and the relay had %v", s, truth)
			}
			if !near(s, truth) || truth.Due.MaxGap < 250*time.Millisecond {
				t.Errorf("%+v, and the relay had %v", s, truth)
			}
			if s := streams[toCaller]; s.Packets != packets || s.Lost != 0 {
				t.Errorf("the other side: %+v", s)
			}
		}},
		{"one way", media.Impair{Drop: true}, media.Impair{}, func(t *testing.T, r *media.Relay, streams map[string]stream, found []finding) {
			if ids := mediaIDs(found); !slices.Equal(ids, []string{"one-way-audio error"}) || len(streams) != 1 || streams[toCaller].Packets != packets {
				t.Errorf("findings %v, %+v", ids, streams)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := talk{number: i, caller: "media-caller", callee: "media-callee", pause: 4300 * time.Millisecond, relay: media.Relay{Seed: 9, ToB: tt.toB, ToA: tt.toA}}
			list := k.hold(t)
			streams, found := examine(t, list)
			tt.check(t, &k.relay, streams, found)
		})
	}
	t.Run("hold", func(t *testing.T) {
		t.Parallel()
		k := talk{number: 10, caller: "hold-caller", callee: "hold-callee", pause: 4300 * time.Millisecond}
		streams, found := examine(t, k.hold(t))
		if ids := mediaIDs(found); !slices.Equal(ids, []string{"hold-state note"}) {
			t.Errorf("findings %v", ids)
		}
		for key, n := range map[string]int{toCallee: packets, "0x000000c3caller": short, "0x000000c3callee": short, "0x000000d4caller": short, "0x000000d4callee": short} {
			if s := streams[key]; s.Packets != n || s.Lost != 0 {
				t.Errorf("%s: %+v", key, s)
			}
		}
	})
	t.Run("fax", func(t *testing.T) {
		t.Parallel()
		k := talk{number: 20, caller: "fax-caller", callee: "fax-callee", pause: 2500 * time.Millisecond}
		streams, found := examine(t, k.hold(t))
		for _, side := range []string{"caller", "callee"} {
			if s := streams[side]; s.Packets != faxed || s.Lost != 0 || s.Codec != "t38" {
				t.Errorf("%s: %+v of %+v", side, s, streams)
			}
		}
		if slices.ContainsFunc(found, func(f finding) bool { return f.ID == "t38-failed" }) {
			t.Errorf("findings %+v", found)
		}
	})
	t.Run("fax refused", func(t *testing.T) {
		t.Parallel()
		k := talk{number: 21, caller: "fax-refused-caller", callee: "fax-refusing-callee", pause: 2 * time.Second}
		_, found := examine(t, k.hold(t))
		if !slices.ContainsFunc(found, func(f finding) bool { return f.ID == "t38-failed" && f.Severity == "error" }) {
			t.Errorf("findings %+v", found)
		}
	})
	// Nobody is heard in one call, and somebody is in another one of the same capture.
	t.Run("no audio", func(t *testing.T) {
		t.Parallel()
		silent := talk{number: 11, caller: "caller", callee: "callee", pause: 4300 * time.Millisecond}
		loud := talk{number: 12, caller: "media-caller", callee: "media-callee", pause: 4300 * time.Millisecond}
		both := slices.Concat(silent.hold(t), loud.hold(t))
		streams, found := examine(t, both)
		if ids := mediaIDs(found); !slices.Equal(ids, []string{"no-audio error"}) || len(streams) != 2 {
			t.Errorf("findings %v, %d streams", ids, len(streams))
		}
	})
}
