package main

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// wave returns the rate and the channels of a WAV file that has the lengths it says.
func wave(t *testing.T, b []byte) (rate int, pcm [2][]int16) {
	t.Helper()
	if len(b) < 44 || string(b[:4])+string(b[8:16])+string(b[36:40]) != "RIFFWAVEfmt data" {
		t.Fatalf("no WAV file: %q", b[:min(len(b), 44)])
	}
	if riff, data := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[40:]); int(riff) != len(b)-8 || int(data) != len(b)-44 {
		t.Errorf("of %d octets, %d and %d are said", len(b), riff, data)
	}
	for i := 44; i < len(b); i += 2 {
		side := i / 2 % 2
		pcm[side] = append(pcm[side], int16(binary.LittleEndian.Uint16(b[i:])))
	}
	return int(binary.LittleEndian.Uint32(b[24:])), pcm
}

// share returns how much of the energy of samples is of one frequency: Goertzel's algorithm.
func share(pcm []int16, rate int, hz float64) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/float64(rate))
	var s1, s2, all float64
	for _, v := range pcm {
		s1, s2 = float64(v)+c*s1-s2, s1
		all += float64(v) * float64(v)
	}
	return (s1*s1 + s2*s2 - c*s1*s2) * 2 / float64(len(pcm)) / all
}

// TestExportAudio holds that the tone of 440 Hz that one telephone sent, and the other sent back,
// is in both channels of the file.
func TestExportAudio(t *testing.T) {
	captures(t)
	r := sipsight(t, "export", "--audio", "baresip-call.pcapng", "-o", "call.WAV")
	if want := "sipsight: sound of call-1 written to call.WAV: 2.62 s, 131 packets of the caller on the left, 130 packets of the callee on the right\n"; r.code != exitOK || r.out != "" || r.err != want {
		t.Fatalf("%+v", r)
	}
	b, err := os.ReadFile("call.WAV")
	if err != nil {
		t.Fatal(err)
	}
	rate, pcm := wave(t, b)
	if rate != 8000 || len(pcm[0]) < 20800 || len(pcm[0]) > 21200 {
		t.Errorf("%d Hz, %d samples", rate, len(pcm[0]))
	}
	for side, name := range []string{"caller", "callee"} {
		middle := pcm[side][8000:16000]
		if tone, other := share(middle, rate, 440), share(middle, rate, 550); tone < 0.95 || other > 0.01 {
			t.Errorf("%s: %.3f of the energy is at 440 Hz, %.3f at 550 Hz", name, tone, other)
		}
	}
	// A pipe gets the same samples, behind a header that cannot say how many there are.
	r = sipsight(t, "export", "--audio", "--call", "1", "baresip-call.pcapng", "-o", "-")
	if r.code != exitOK || len(r.out) != len(b) || r.out[44:] != string(b[44:]) || r.out[40:44] != "\xff\xff\xff\xff" {
		t.Errorf("%d octets, want %d; %+v", len(r.out), len(b), r.err)
	}
}

// soundCalls are a call that can be heard, one of another codec, one without media.
const soundCalls = `
	A = 10.0.0.1:5060
	B = 10.0.0.2:5060
	0      A > B  INVITE id=one sdp m=4000
	.1     B > A  200 sdp m=5000
	.2     A > B  ACK id=one
	.3     A:4000 > B:5000 RTP ssrc=1 n=100
	.3     B:5000 > A:4000 RTP ssrc=2 n=100
	5      A > B  BYE id=one
	5.1    B > A  200
	10     A > B  INVITE id=two new sdp m=4002 codecs=18
	10.1   B > A  200 sdp m=5002 codecs=18
	10.2   A > B  ACK id=two
	10.3   A:4002 > B:5002 RTP ssrc=3 n=100 pt=18
	15     A > B  BYE id=two
	15.1   B > A  200
	20     A > B  INVITE id=three new sdp m=4004
	21     B > A  486
	21.1   A > B  ACK id=three
	30     A > B  INVITE id=four new sdp m=4006
	30.1   B > A  200 sdp m=5006
	30.2   A > B  ACK id=four
	30.3   A:4006 > B:5006 RTP ssrc=4 n=50
	35     A > B  BYE id=four
	35.1   B > A  200
`

// TestExportAudioCalls holds what becomes of several calls, and of those that cannot be heard.
func TestExportAudioCalls(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("calls.pcap", new(capgen.Ladder).Pcap(soundCalls), 0o600); err != nil {
		t.Fatal(err)
	}
	const left2 = "sipsight: export: no sound of call-2: what the caller sent to 10.0.0.2:5002 is G729, and only G.711 (PCMU, PCMA) and L16 can be written as sound\n"
	for _, c := range []struct {
		args  string
		code  int
		err   string // what stderr begins with, or all of it
		files []string
	}{
		{"calls.pcap -o all.wav", exitPartial, "sipsight: sound of call-1 written to all-call-1.wav: 2.00 s", []string{"all-call-1.wav", "all-call-4.wav"}},
		{"--call 4 calls.pcap -o all.wav", exitOK, "sipsight: sound of call-4 written to all.wav: 1.00 s, 50 packets of the caller on the left, 0 packets of the callee on the right\n", []string{"all.wav"}},
		{"--finding one-way-audio calls.pcap -o all.wav", exitPartial, left2, []string{"all-call-4.wav"}},
		{"--call 2 calls.pcap -o all.wav", exitFailed, left2 + "sipsight: export: nothing was written\n", nil},
		{"--call 3 calls.pcap -o all.wav", exitFailed, "sipsight: export: no sound of call-3: the capture holds no audio of it\nsipsight: export: nothing was written\n", nil},
		{"--call 9 calls.pcap -o all.wav", exitFailed, "sipsight: export: there is no call 9;", nil},
		{"calls.pcap -o -", exitFailed, "sipsight: export: standard output takes the sound of one call, and 4 are chosen; choose one with --call; nothing was written\n", nil},
		{"--call 1 calls.pcap -o nothing/all.wav", exitFailed, "sipsight: nothing/all.wav cannot be written: the folder does not exist; make it first\n", nil},
		{"--call 1 calls.pcap -o all.mp3", exitUsage, "sipsight: export: with --audio OUT is a WAV file: let its name end in .wav\n", nil},
		{"--call 1 calls.pcap --no-media -o all.wav", exitUsage, "sipsight: export: --audio goes with none of", nil},
		{"--call 1 calls.pcap --hep 127.0.0.1:9 -o all.wav", exitUsage, "sipsight: export: --audio goes with none of", nil},
	} {
		r := sipsight(t, append([]string{"export", "--audio"}, strings.Fields(c.args)...)...)
		if r.code != c.code || !strings.HasPrefix(r.err, c.err) || strings.HasSuffix(c.err, "\n") && c.code != exitPartial && r.err != c.err || r.out != "" {
			t.Errorf("%s: %d\n%s%s", c.args, r.code, r.out, r.err)
		}
		now := slices.DeleteFunc(listFiles(t), func(name string) bool { return name == "calls.pcap" })
		if !slices.Equal(now, c.files) {
			t.Errorf("%s: the folder holds %v", c.args, now)
		}
		for _, name := range now {
			if b, err := os.ReadFile(name); err == nil {
				wave(t, b)
			}
			os.Remove(name)
		}
	}
	if r := sipsight(t, "export", "calls.pcap", "-o", "all.wav"); r.code != exitUsage || !strings.Contains(r.err, "for sound give --audio") {
		t.Errorf("without --audio: %+v", r)
	}
}

// TestExportAudioLeavesNothing holds that a full disk leaves no half file, and that what was there
// stays as it was.
func TestExportAudioLeavesNothing(t *testing.T) {
	captures(t)
	if err := os.WriteFile("kept.wav", []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := listFiles(t)
	if r := sipsight(t, "export", "--audio", "baresip-call.pcapng", "-o", "kept.wav"); r.code != exitFailed || !strings.Contains(r.err, "it exists already") {
		t.Errorf("%+v", r)
	}
	if b, _ := os.ReadFile("kept.wav"); string(b) != "precious" || !slices.Equal(listFiles(t), before) {
		t.Errorf("%q, %v", b, listFiles(t))
	}
	if r := sipsight(t, "export", "--audio", "--force", "baresip-call.pcapng", "-o", "kept.wav"); r.code != exitOK {
		t.Errorf("%+v", r)
	}
	if b, _ := os.ReadFile("kept.wav"); len(b) < 80000 || !slices.Equal(listFiles(t), before) {
		t.Errorf("%d octets, %v", len(b), listFiles(t))
	}
}
