package export_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/export"
)

// talk is a call over which something is said; %s are further words of its descriptions.
const talk = hosts + `
	0      A > B  INVITE sdp m=4000 %s
	1      B > A  200 sdp m=6000 %s
	+.02   A > B  ACK
	90     A > B  BYE
	+.01   B > A  200
`

var caller, callee = "10.0.0.1:4000", "10.0.0.2:6000"

// A spoken is one packet of RTP, 20 ms of one value.
type spoken struct {
	from, to string
	at       float64 // seconds
	seq      int
	stamp    uint32
	pt       byte
	marker   bool
	ssrc     uint32
	payload  string // 160 octets of 0x80 and the sequence number where it is ""
}

func (s spoken) packet() capgen.Packet {
	if s.payload == "" {
		s.payload = strings.Repeat(string([]byte{0x80 | byte(s.seq&0x3f)}), 160)
	}
	b := []byte{0x80, s.pt}
	if s.marker {
		b[1] |= 0x80
	}
	b = binary.BigEndian.AppendUint16(b, uint16(s.seq))
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, s.stamp), s.ssrc)
	f := capgen.Flow{Src: netip.MustParseAddrPort(s.from), Dst: netip.MustParseAddrPort(s.to), ID: uint16(s.seq*7 + int(s.ssrc))}
	return capgen.Packet{Time: capgen.Start.Add(time.Duration(s.at*1e6) * time.Microsecond), Link: 1, Data: capgen.Ether(f.UDP(string(b) + s.payload))}
}

// say returns n packets from a time on, as change, if there is one, has them.
func say(from, to string, at float64, n int, ssrc uint32, change func(*spoken)) (list []capgen.Packet) {
	for i := range n {
		s := spoken{from: from, to: to, at: at + float64(i)*.02, seq: i + 1, stamp: uint32(i+1) * 160, ssrc: ssrc}
		if change != nil {
			change(&s)
		}
		if s.seq >= 0 {
			list = append(list, s.packet())
		}
	}
	return list
}

// sound writes the sound of the only call of packets.
func sound(t *testing.T, text string, media ...[]capgen.Packet) (*export.Audio, [2][]int16, error) {
	t.Helper()
	in := packets(t, inOrder(append([][]capgen.Packet{new(capgen.Ladder).Packets(text)}, media...)...))
	res, err := analysis.Run(t.Context(), in.open(), analysis.Options{Calls: true, Streams: true})
	if err != nil || res.Calls.Len() != 1 {
		t.Fatal(err, res.Calls.Len())
	}
	a, err := export.NewAudio(res.Calls.At(0))
	if err != nil {
		return nil, [2][]int16{}, err
	}
	var b bytes.Buffer
	if err := a.Write(&b, in.open()); err != nil {
		t.Fatal(err)
	}
	if a.Octets() != int64(b.Len()) {
		t.Errorf("%d octets, and %d were written", a.Octets(), b.Len())
	}
	var list [2][]int16
	for i, raw := 0, b.Bytes(); i+1 < len(raw); i += 2 {
		list[i/2%2] = append(list[i/2%2], int16(binary.LittleEndian.Uint16(raw[i:])))
	}
	return a, list, nil
}

// numbersHeard returns what sounds in each 20 ms, by the sequence number that say has put in: 0
// for silence, -1 for anything that changes in between.
func numbersHeard(pcm []int16, law byte) (list []int) {
	codes := map[int16]int{}
	for n := 1; n < 64; n++ {
		v := muLawOf(0x80 | byte(n))
		if law == 'A' {
			v = aLawOf(0x80 | byte(n))
		}
		codes[v] = n
	}
	for block := range slices.Chunk(pcm, 160) {
		n := 0
		if block[0] != 0 {
			n = codes[block[0]]
		}
		for _, v := range block {
			if v != block[0] {
				n = -1
			}
		}
		list = append(list, n)
	}
	return list
}

// muLawOf and aLawOf are ITU-T G.711 for positive code words, written another way than in
// internal/audio.
func muLawOf(c byte) int16 {
	c = 0xff - c
	return int16((float64(c%16)+16.5)*float64(int(8)<<(c/16))) - 132
}

func aLawOf(c byte) int16 {
	c ^= 0xd5
	if c < 16 {
		return int16(c)*16 + 8
	}
	return int16((float64(c%16) + 16.5) * float64(int(8)<<(c/16)))
}

func seconds(n int) []int { return make([]int, n*50) }

// TestAudio holds what is heard when: 20 ms an entry, by the number of the packet.
func TestAudio(t *testing.T) {
	count := func(from, to int) (list []int) {
		for i := from; i <= to; i++ {
			list = append(list, i)
		}
		return list
	}
	replaced := func(list []int, pairs ...int) []int {
		list = slices.Clone(list)
		for i := 0; i < len(pairs); i += 2 {
			list[pairs[i]-1] = pairs[i+1]
		}
		return list
	}
	for _, tt := range []struct {
		name        string
		sdp         string
		change      func(*spoken)
		want        []int
		law         byte
		late, other int64
	}{
		{name: "as it was sent", want: count(1, 20)},
		{name: "A-law", change: func(s *spoken) { s.pt = 8 }, want: count(1, 20), law: 'A'},
		{name: "lost", change: func(s *spoken) {
			if s.seq == 5 || s.seq == 6 {
				s.seq = -1
			}
		}, want: replaced(count(1, 20), 5, 0, 6, 0)},
		{name: "jitter", change: func(s *spoken) { s.at += .03 * float64(s.seq%2) }, want: append([]int{}, count(1, 20)...)},
		{name: "overtaken, and late by 300 ms", change: func(s *spoken) {
			if s.seq == 5 {
				s.at += .05
			}
			if s.seq == 3 {
				s.at += .3
			}
		}, want: count(1, 20)},
		{name: "comfort noise", change: func(s *spoken) {
			if s.seq > 8 && s.seq < 12 {
				s.pt, s.payload = 13, "\x40"
			}
		}, want: replaced(count(1, 20), 9, 0, 10, 0, 11, 0)},
		{name: "telephone event", sdp: "codecs=0,101", change: func(s *spoken) {
			if s.seq > 8 && s.seq < 12 {
				s.pt, s.stamp, s.payload = 101, 9*160, "\x05\x0a\x00"+string([]byte{byte(s.seq * 10)})
			}
		}, want: replaced(count(1, 20), 9, 0, 10, 0, 11, 0)},
		{name: "another codec in between", sdp: "codecs=0,18", change: func(s *spoken) {
			if s.seq > 8 && s.seq < 12 {
				s.pt, s.payload = 18, strings.Repeat("\x01", 20)
			}
		}, want: replaced(count(1, 20), 9, 0, 10, 0, 11, 0), other: 3},
		{name: "a timestamp far ahead", change: func(s *spoken) {
			if s.seq > 10 {
				s.stamp += 1 << 30
			}
		}, want: count(1, 20)},
		{name: "silence that was not sent", change: func(s *spoken) {
			if s.seq > 10 {
				s.at, s.stamp, s.marker = s.at+2, s.stamp+16000, s.seq == 11
			}
		}, want: slices.Concat(count(1, 10), seconds(2), count(11, 20))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := fmt.Sprintf(talk, tt.sdp, tt.sdp)
			media := say(caller, callee, 2, 20, 1, tt.change)
			a, pcm, err := sound(t, text, media)
			if err != nil {
				t.Fatal(err)
			}
			if got := numbersHeard(pcm[0], tt.law); !slices.Equal(got, tt.want) {
				t.Errorf("\n%v\nwant\n%v", got, tt.want)
			}
			if slices.ContainsFunc(pcm[1], func(v int16) bool { return v != 0 }) || a.Heard[1] != 0 {
				t.Error("the callee is heard")
			}
			if a.Late != tt.late || a.Other != tt.other || a.Replaced != 0 || a.Rate != 8000 || len(a.LeftOut) != 0 {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestAudioSides holds that both sides are where they were at the same time.
func TestAudioSides(t *testing.T) {
	_, pcm, err := sound(t, fmt.Sprintf(talk, "", ""), say(caller, callee, 2, 10, 1, nil), say(callee, caller, 2.06, 10, 2, nil))
	if err != nil {
		t.Fatal(err)
	}
	left, right := numbersHeard(pcm[0], 0), numbersHeard(pcm[1], 0)
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0}; !slices.Equal(left, want) {
		t.Errorf("left %v", left)
	}
	if want := []int{0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(right, want) {
		t.Errorf("right %v", right)
	}
}

// TestAudioRelay holds that a stream that passes the capture point twice is heard once, with
// its losses, and that one that comes when the other is silent is heard.
func TestAudioRelay(t *testing.T) {
	text := fmt.Sprintf(talk, "", "") // the second stream goes to the same address
	lossy := say(caller, callee, 2, 20, 1, func(s *spoken) {
		if s.seq == 5 {
			s.seq = -1
		}
	})
	again := say(caller, callee, 2.005, 15, 7, nil)
	music := say(caller, callee, 4, 10, 9, nil)
	a, pcm, err := sound(t, text, lossy, again, music)
	if err != nil {
		t.Fatal(err)
	}
	got := numbersHeard(pcm[0], 0)
	want := slices.Concat([]int{1, 2, 3, 4, 0}, []int{6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, make([]int, 80), []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if !slices.Equal(got, want) || a.Replaced != 15 {
		t.Errorf("\n%v\nwant\n%v\n%+v", got, want, a)
	}
}

// TestAudioCopies holds that packets that were captured twice count once.
func TestAudioCopies(t *testing.T) {
	a, pcm, err := sound(t, fmt.Sprintf(talk, "", ""), say(caller, callee, 2, 20, 1, nil), say(caller, callee, 2.001, 20, 1, nil))
	if err != nil || a.Heard[0] != 20 || a.Late != 0 || len(pcm[0]) != 20*160 {
		t.Errorf("%v, %d packets, %d late, %d samples", err, a.Heard[0], a.Late, len(pcm[0]))
	}
}

// TestAudioFollows holds that a stream is heard from its beginning on where a better one is over, as where a sender
// changes its SSRC, and not what is left of one that ends with that.
func TestAudioFollows(t *testing.T) {
	ring, speech := say(caller, callee, 2, 80, 1, nil), say(caller, callee, 3.6, 60, 2, nil)
	late := say(caller, callee, 2.03, 80, 3, func(s *spoken) {
		if s.seq == 7 {
			s.seq = -1
		}
	})
	a, pcm, err := sound(t, fmt.Sprintf(talk, "", ""), ring, speech, late)
	if err != nil {
		t.Fatal(err)
	}
	got, want := numbersHeard(pcm[0], 0), []int(nil)
	for n := range 80 {
		want = append(want, (n+1)&0x3f)
	}
	for n := range 60 {
		want = append(want, n+1)
	}
	if !slices.Equal(got, want) || a.Replaced != 79 || a.Heard[0] != 140 {
		t.Errorf("\n%v\nwant\n%v\n%+v", got, want, a)
	}
}

// TestAudioAgain holds that a tool which has one SSRC and the same numbers in all calls is heard in
// each by itself, and twice in a call that it begins anew in.
func TestAudioAgain(t *testing.T) {
	begins := func(at float64) []capgen.Packet { return say(caller, callee, at, 10, 1, nil) }
	second := strings.NewReplacer("INVITE", "INVITE id=two new", "ACK", "ACK id=two", "BYE", "BYE id=two", "0      A", "100    A", "1      B", "101    B", "90     A", "190    A").Replace(fmt.Sprintf(talk, "", ""))
	in := packets(t, inOrder(new(capgen.Ladder).Packets(fmt.Sprintf(talk, "", "")+strings.TrimPrefix(second, hosts)), begins(2), begins(12), begins(102)))
	res, err := analysis.Run(t.Context(), in.open(), analysis.Options{Calls: true, Streams: true})
	if err != nil || res.Calls.Len() != 2 || len(res.Streams) != 3 {
		t.Fatal(err, res.Calls.Len(), len(res.Streams))
	}
	for i, want := range []time.Duration{10200 * time.Millisecond, 200 * time.Millisecond} {
		a, err := export.NewAudio(res.Calls.At(i))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := a.Write(&b, in.open()); err != nil || a.Length != want || a.Heard[0] != int64(10*(2-i)) {
			t.Errorf("call %d: %v, %v, %d packets", i+1, err, a.Length, a.Heard[0])
		}
	}
}

// TestAudioL16 holds L16 of a rate that the description names, in packets larger than a frame,
// beside µ-law of another rate.
func TestAudioL16(t *testing.T) {
	text := hosts + `
	0      A > B  INVITE sdp m=4000 codecs=0,97
	       | a=rtpmap:97 L16/44100/2
	1      B > A  200 sdp m=6000 codecs=0,97
	       | a=rtpmap:97 L16/44100/2
	+.02   A > B  ACK
	9      A > B  BYE
	+.01   B > A  200
`
	var stereo []capgen.Packet
	for i, p := range say(caller, callee, 2, 10, 1, func(s *spoken) {
		s.pt, s.stamp = 97, uint32(s.seq*882)
		s.payload = strings.Repeat("\x10\x00\x20\x00", 882)
	}) {
		for _, f := range capgen.Fragment(ipOf(p.Data), uint32(i+1), 1480) {
			stereo = append(stereo, capgen.Packet{Time: p.Time, Link: 1, Data: capgen.Ether(f)})
		}
	}
	a, pcm, err := sound(t, text, stereo, say(callee, caller, 2, 10, 2, nil))
	if err != nil {
		t.Fatal(err)
	}
	if a.Rate != 44100 || len(pcm[0]) != 8820 || slices.ContainsFunc(pcm[0], func(v int16) bool { return v != 0x1800 }) {
		t.Errorf("%d Hz, %d samples: %v", a.Rate, len(pcm[0]), pcm[0][:4])
	}
	if pcm[1][0] != muLawOf(0x81) || pcm[1][8000] != muLawOf(0x8a) {
		t.Errorf("the other side: %d %d", pcm[1][0], pcm[1][8000])
	}
}

// TestAudioRefused holds why the sound of a call cannot be written.
func TestAudioRefused(t *testing.T) {
	g729 := func(s *spoken) { s.pt, s.payload = 18, strings.Repeat("\x01", 20) }
	for _, tt := range []struct {
		name, offer, answer string
		change              func(*spoken)
		want                string
	}{
		{"another codec", "codecs=18", "codecs=18", g729, "what the caller sent to 10.0.0.2:6000 is G729, and only G.711 (PCMU, PCMA) and L16 can be written as sound"},
		{"encrypted", "proto=RTP/SAVP", "proto=RTP/SAVP", nil, "what the caller sent to 10.0.0.2:6000 is encrypted (SRTP), and its keys are not looked for"},
		{"unknown", "codecs=99", "codecs=99", func(s *spoken) { s.pt = 99 }, "what the caller sent to 10.0.0.2:6000 is of payload type 99, which no session description explains, and only G.711 (PCMU, PCMA) and L16 can be written as sound"},
	} {
		_, _, err := sound(t, fmt.Sprintf(talk, tt.offer, tt.answer), say(caller, callee, 2, 20, 1, tt.change))
		var silent *export.SilentError
		if !errors.As(err, &silent) || err.Error() != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	// Both sides, of which one begins anew.
	const both = "what the caller sent to 10.0.0.2:6000, and what the callee sent to 10.0.0.1:4000, is encrypted (SRTP), and its keys are not looked for"
	_, _, err := sound(t, fmt.Sprintf(talk, "proto=RTP/SAVP", "proto=RTP/SAVP"), say(caller, callee, 2, 20, 1, nil), say(callee, caller, 2.1, 20, 2, nil), say(caller, callee, 4, 20, 3, nil))
	if err == nil || err.Error() != both {
		t.Errorf("both sides: %v", err)
	}
	if _, _, err := sound(t, fmt.Sprintf(talk, "", "")); err == nil || err.Error() != "the capture holds no audio of it" {
		t.Errorf("no RTP: %v", err)
	}
	// SRTP was offered, and not answered.
	if _, _, err := sound(t, fmt.Sprintf(talk, "proto=RTP/SAVP", ""), say(caller, callee, 2, 20, 1, nil)); err != nil {
		t.Errorf("in the clear: %v", err)
	}
	// One direction can be heard, the other cannot.
	a, _, err := sound(t, fmt.Sprintf(talk, "codecs=0,18", "codecs=0,18"), say(caller, callee, 2, 20, 1, nil), say(callee, caller, 2, 20, 2, g729))
	if err != nil || len(a.LeftOut) != 1 || !strings.Contains(a.LeftOut[0], "what the callee sent to 10.0.0.1:4000 is G729") {
		t.Errorf("%v, %+v", err, a)
	}
}

// TestAudioTime holds that the times of a capture do not make a file long, and that a capture
// that changed is not taken for silence.
func TestAudioTime(t *testing.T) {
	far := say(caller, callee, 2, 20, 1, func(s *spoken) {
		if s.seq > 10 {
			s.at += 1e7
		}
	})
	a, pcm, err := sound(t, fmt.Sprintf(strings.ReplaceAll(talk, "90  ", "1e8 "), "", ""), far)
	if err != nil {
		t.Fatal(err)
	}
	if n := time.Duration(len(pcm[0])) * time.Second / 8000; n > 6*time.Minute || a.Shortened < 9e6*time.Second || a.Heard[0] != 20 {
		t.Errorf("%v, of which %v were left out; %d packets", n, a.Shortened, a.Heard[0])
	}
	in := packets(t, inOrder(new(capgen.Ladder).Packets(fmt.Sprintf(talk, "", "")), say(caller, callee, 2, 20, 1, nil)))
	res, err := analysis.Run(t.Context(), in.open(), analysis.Options{Calls: true, Streams: true})
	if err != nil {
		t.Fatal(err)
	}
	if a, err = export.NewAudio(res.Calls.At(0)); err != nil {
		t.Fatal(err)
	}
	in = packets(t, new(capgen.Ladder).Packets(fmt.Sprintf(talk, "", "")))
	if err := a.Write(new(bytes.Buffer), in.open()); err != export.ErrChanged {
		t.Errorf("another capture: %v", err)
	}
}
