package rtp_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/rtp"
)

func TestDecode(t *testing.T) {
	const fixed = " 00 0001 00000002 00000003"
	for _, c := range []struct {
		name, in string
		want     string // what show says, or the error
	}{
		{"plain", "80 88 1234 00000002 00000003 aabb", "type 8 marker seq 4660 ts 2 ssrc 3 payload aabb"},
		{"no payload", "80 00 0001 00000002 00000003", "type 0 seq 1 ts 2 ssrc 3 payload "},
		{"two sources", "82 00 0001 00000002 00000003 00000004 00000005 aa", "type 0 seq 1 ts 2 ssrc 3 csrc 4 csrc 5 payload aa"},
		{"padding", "a0 00 0001 00000002 00000003 aabb 000003", "type 0 seq 1 ts 2 ssrc 3 payload aabb padding 3"},
		{"padding alone", "a0 00 0001 00000002 00000003 0002", "type 0 seq 1 ts 2 ssrc 3 payload  padding 2"},
		{"one-octet extension", "90 00 0001 00000002 00000003 bede 0002 10aa 00 21bbcc 0000 ff", "type 0 seq 1 ts 2 ssrc 3 profile bede ext 1=aa ext 2=bbcc payload ff"},
		{"id 15 ends", "90 00 0001 00000002 00000003 bede 0001 10aa f011", "type 0 seq 1 ts 2 ssrc 3 profile bede ext 1=aa payload "},
		{"id 0 with a length ends", "90 00 0001 00000002 00000003 bede 0001 03aabbcc", "type 0 seq 1 ts 2 ssrc 3 profile bede payload "},
		{"one-octet element too long", "90 00 0001 00000002 00000003 bede 0001 10aa 2fbb", "type 0 seq 1 ts 2 ssrc 3 profile bede ext 1=aa payload "},
		{"two-octet extension", "90 00 0001 00000002 00000003 1003 0002 0100 00 0202bbcc 00", "type 0 seq 1 ts 2 ssrc 3 profile 1003 ext 1= ext 2=bbcc payload "},
		{"two-octet element without length", "90 00 0001 00000002 00000003 1000 0001 00000005", "type 0 seq 1 ts 2 ssrc 3 profile 1000 payload "},
		{"two-octet element too long", "90 00 0001 00000002 00000003 1000 0001 05ff aabb", "type 0 seq 1 ts 2 ssrc 3 profile 1000 payload "},
		{"other extension", "90 00 0001 00000002 00000003 abcd 0001 01020304 ee", "type 0 seq 1 ts 2 ssrc 3 profile abcd payload ee"},
		{"empty extension", "90 00 0001 00000002 00000003 bede 0000 ee", "type 0 seq 1 ts 2 ssrc 3 profile bede payload ee"},
		{"everything", "b1 e5 ffff ffffffff ffffffff 00000001 bede 0001 10ee0000 aa 01", "type 101 marker seq 65535 ts 4294967295 ssrc 4294967295 csrc 1 profile bede ext 1=ee payload aa padding 1"},

		{"nothing", "", "packet ends inside the header at octet 0"},
		{"eleven octets", "80 00 0001 00000002 000000", "packet ends inside the header at octet 0"},
		{"version 1", "40" + fixed, "version is not 2 at octet 0"},
		{"version 3", "c0" + fixed, "version is not 2 at octet 0"},
		{"15 sources, none there", "8f 00 0001 00000002 00000003 aabb", "more contributing sources than octets at octet 12"},
		{"extension header cut", "90 00 0001 00000002 00000003 bede", "header extension is longer than the packet at octet 12"},
		{"extension of 65,535 words", "90 00 0001 00000002 00000003 bede ffff aabbccdd", "header extension is longer than the packet at octet 12"},
		{"padding of 0", "a0 00 0001 00000002 00000003 aa00", "padding is longer than the payload at octet 0"},
		{"padding beyond the payload", "a0 00 0001 00000002 00000003 aa03", "padding is longer than the payload at octet 0"},
		{"padding without payload", "a0 00 0001 00000002 00000003", "padding is longer than the payload at octet 0"},
		{"padding over the extension", "b0 00 0001 00000002 00000003 bede 0000 aa05", "padding is longer than the payload at octet 0"},
	} {
		var h rtp.Header
		got := ""
		if err := h.Decode(octets(c.in)); err != nil {
			var syntax *rtp.SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("%s: %T", c.name, err)
			}
			got = strings.TrimPrefix(err.Error(), "rtp: ")
		} else {
			got = show(&h)
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func show(h *rtp.Header) string {
	var b strings.Builder
	fmt.Fprintf(&b, "type %d ", h.Type)
	if h.Marker {
		b.WriteString("marker ")
	}
	fmt.Fprintf(&b, "seq %d ts %d ssrc %d ", h.Seq, h.Timestamp, h.SSRC)
	for c := range h.CSRCs() {
		fmt.Fprintf(&b, "csrc %d ", c)
	}
	if h.Extension != nil {
		fmt.Fprintf(&b, "profile %x ", h.Profile)
	}
	for id, data := range h.Extensions() {
		fmt.Fprintf(&b, "ext %d=%x ", id, data)
	}
	fmt.Fprintf(&b, "payload %x", h.Payload)
	if h.Padding > 0 {
		fmt.Fprintf(&b, " padding %d", h.Padding)
	}
	return b.String()
}

// A packet of which the end was not captured has no padding to look for.
func TestDecodeCut(t *testing.T) {
	var h rtp.Header
	in := octets("a0 00 0001 00000002 00000003 aaff")
	if err := h.Decode(in); err == nil {
		t.Error("padding of 255 octets was taken")
	}
	if err := h.DecodeCut(in); err != nil || len(h.Payload) != 2 || h.Padding != 0 {
		t.Errorf("cut: %v, payload %x", err, h.Payload)
	}
	if err := h.DecodeCut(in[:11]); err == nil {
		t.Error("a cut header was taken")
	}
}

// Walks may be ended by their caller.
func TestStopWalking(t *testing.T) {
	var h rtp.Header
	if err := h.Decode(octets("92 00 0001 00000002 00000003 00000004 00000005 bede 0001 10aa 20bb")); err != nil {
		t.Fatal(err)
	}
	for c := range h.CSRCs() {
		if c != 4 {
			t.Errorf("CSRC %d", c)
		}
		break
	}
	for id := range h.Extensions() {
		if id != 1 {
			t.Errorf("element %d", id)
		}
		break
	}
}

func TestEvent(t *testing.T) {
	for _, c := range []struct {
		in   string
		want rtp.Event
		ok   bool
		key  byte
	}{
		{"050a00a0", rtp.Event{Event: 5, Volume: 10, Duration: 160}, true, '5'},
		{"0b8a0320", rtp.Event{Event: 11, End: true, Volume: 10, Duration: 800}, true, '#'},
		{"0f7fffff ee", rtp.Event{Event: 15, Reserved: true, Volume: 63, Duration: 65535}, true, 'D'},
		{"10000000", rtp.Event{Event: 16}, true, 0},
		{"050a00", rtp.Event{}, false, '0'},
	} {
		e := rtp.Event{Event: 99}
		if ok := e.Decode(octets(c.in)); ok != c.ok || e != c.want || e.Digit() != c.key {
			t.Errorf("%s: %+v %v, key %q", c.in, e, ok, e.Digit())
		}
	}
}

func TestStatic(t *testing.T) {
	for _, c := range []struct {
		kind uint8
		want rtp.Codec
	}{
		{0, rtp.Codec{"PCMU", 8000, 1}}, {8, rtp.Codec{"PCMA", 8000, 1}}, {9, rtp.Codec{"G722", 8000, 1}}, {10, rtp.Codec{"L16", 44100, 2}},
		{13, rtp.Codec{"CN", 8000, 1}}, {14, rtp.Codec{"MPA", 90000, 1}}, {18, rtp.Codec{"G729", 8000, 1}}, {34, rtp.Codec{"H263", 90000, 0}},
	} {
		if got, ok := rtp.Static(c.kind); !ok || got != c.want {
			t.Errorf("type %d: %+v %v", c.kind, got, ok)
		}
	}
	for _, kind := range []uint8{1, 2, 20, 35, 72, 95, 96, 127, 255} {
		if got, ok := rtp.Static(kind); ok {
			t.Errorf("type %d: %+v", kind, got)
		}
	}
	if !rtp.IsComfortNoise(13) || !rtp.IsComfortNoise(19) || rtp.IsComfortNoise(0) {
		t.Error("comfort noise is 13 and 19")
	}
}

func TestDescribesSilence(t *testing.T) {
	for _, c := range []struct {
		kind uint8
		are  []int
		not  []int
	}{
		{18, []int{2, 12}, []int{0, 10, 20, 30, 1, 22}},
		{4, []int{1, 4}, []int{0, 2, 20, 24}},
		{96, []int{1, 2, 3, 5, 6, 7}, []int{-1, 0, 4, 8, 14, 32}},
		{0, nil, []int{0, 1, 2, 4, 7, 12}},
		{72, nil, []int{1, 2, 4}},
	} {
		for _, n := range c.are {
			if !rtp.DescribesSilence(c.kind, n) {
				t.Errorf("type %d: %d octets are silence", c.kind, n)
			}
		}
		for _, n := range c.not {
			if rtp.DescribesSilence(c.kind, n) {
				t.Errorf("type %d: %d octets are no silence", c.kind, n)
			}
		}
	}
}

// Every rate is found again from a measure that is off by 5 %, the usual ones by 10.
func TestNearestRate(t *testing.T) {
	usual := []int{8000, 16000, 32000, 48000, 90000}
	for _, rate := range append([]int{11025, 12000, 22050, 24000, 44100}, usual...) {
		for _, off := range []float64{0.98, 1, 1.02} {
			if got := rtp.NearestRate(float64(rate) * off); got != rate {
				t.Errorf("%d × %v: %d", rate, off, got)
			}
		}
		if slices.Contains(usual, rate) {
			for _, off := range []float64{0.95, 1.04} {
				if got := rtp.NearestRate(float64(rate) * off); got != rate {
					t.Errorf("%d × %v: %d", rate, off, got)
				}
			}
		}
	}
	for _, none := range []float64{0, -8000, 1000, 6000, 70000, 1e9} {
		if got := rtp.NearestRate(none); got != 0 {
			t.Errorf("%v: %d", none, got)
		}
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     rtp.Kind
	}{
		{"RTP", "80 00 0001 00000002 00000003", rtp.RTP},
		{"RTP with all bits", "bf ff 0001 00000002 00000003", rtp.RTP},
		{"type 63 with marker", "80 bf 0001 00000002 00000003", rtp.RTP},
		{"type 96 with marker", "80 e0 0001 00000002 00000003", rtp.RTP},
		{"short RTP", "80 00 0001 00000002 000000", rtp.Unknown},
		{"SR", "80 c8 0006 00000001" + strings.Repeat("00", 20), rtp.Control},
		{"RR", "81 c9 0001 00000001", rtp.Control},
		{"SRTCP", "80 c9 0001 00000001 80000001" + strings.Repeat("ee", 10), rtp.Control},
		{"RTCP of length 0", "80 c9 0000 00000001", rtp.Control},
		{"RTCP longer than the datagram", "80 c8 0006 00000001", rtp.Unknown},
		{"RTCP header alone", "80 cb 0000", rtp.Unknown},
		{"STUN", "0001 0000 2112a442 0102030405060708090a0b0c", rtp.STUN},
		{"STUN of old", "0001 0000 00000000 0102030405060708090a0b0c", rtp.Unknown},
		{"STUN of odd length", "0001 0001 2112a442 0102030405060708090a0b0c", rtp.Unknown},
		{"ZRTP", "1000 0001 5a525450 00000003", rtp.ZRTP},
		{"no ZRTP", "1000 0001 5a525451 00000003", rtp.Unknown},
		{"DTLS 1.2", "16 fefd 0000 000000000000 0000", rtp.DTLS},
		{"DTLS 1.0", "16 feff 0000 000000000000 0000", rtp.DTLS},
		{"TLS over UDP", "16 0303 0000 000000000000 0000", rtp.Unknown},
		{"channel data", "4000 0004 aabbccdd", rtp.ChannelData},
		{"channel data with padding", "4001 0003 aabbcc00", rtp.ChannelData},
		{"channel data too long", "4000 0005 aabbccdd", rtp.Unknown},
		{"channel data too short", "4000 0000 aabbccdd", rtp.Unknown},
		{"QUIC", "c0 00000001 08 0102030405060708", rtp.Unknown},
		{"QUIC short header", "5e aabbccddeeff", rtp.Unknown},
		{"text", "47455420", rtp.Unknown},
		{"three octets", "800000", rtp.Unknown},
		{"nothing", "", rtp.Unknown},
	} {
		if got := rtp.Classify(octets(c.in)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if rtp.Kind(200).String() != "unknown" || rtp.DTLS.String() != "DTLS" {
		t.Error("names of kinds")
	}
}

func TestHeaderAllocs(t *testing.T) {
	var h rtp.Header
	good := octets("91 00 0001 00000002 00000003 00000004 bede 0001 10aa 20bb ff")
	bad := octets("8f 00 0001 00000002 00000003")
	n := 0
	noAllocs(t, "Decode", func() {
		if err := h.Decode(good); err != nil {
			panic(err)
		}
		for range h.CSRCs() {
			n++
		}
		for range h.Extensions() {
			n++
		}
	})
	noAllocs(t, "refusing", func() {
		if h.Decode(bad) == nil {
			panic("taken")
		}
	})
	noAllocs(t, "Classify", func() {
		if rtp.Classify(good) != rtp.RTP {
			panic("not RTP")
		}
	})
}
