package analysis_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/pcapng"
)

// A talker sends one stream of RTP, with what goes wrong on the way.
type talker struct {
	flow      capgen.Flow
	kind      byte
	ssrc      uint32
	seq       uint16
	timestamp uint32
	class     byte
}

// send adds the next packet of the stream, or what came in place of it.
func (k *talker) send(r *rand.Rand, w *wire, at time.Duration) {
	k.seq++
	k.timestamp += 160
	p, payload := media(k.kind, k.seq, k.timestamp, k.ssrc, speech), ""
	if r.IntN(8) > 0 {
		k.add(w, at, p)
		return
	}
	switch r.IntN(16) {
	case 0: // lost
	case 1:
		k.seq += uint16(r.IntN(5000))
		k.add(w, at, media(k.kind, k.seq, k.timestamp, k.ssrc, speech))
	case 2:
		k.add(w, at, media(k.kind, k.seq-uint16(r.IntN(90)), k.timestamp-uint32(r.IntN(1000)), k.ssrc, speech))
	case 3:
		k.add(w, at, p)
		w.again(at+time.Duration(r.IntN(80))*time.Millisecond, k.flow, p)
	case 4:
		k.add(w, at, media(k.kind|0x80, k.seq, k.timestamp, k.ssrc, speech))
	case 5:
		k.add(w, at, media([]byte{13, 18, 96, 101}[r.IntN(4)], k.seq, k.timestamp, k.ssrc, speech[:20]))
	case 6, 7:
		k.add(w, at, media(101, k.seq, k.timestamp, k.ssrc, event(byte(r.IntN(12)), r.IntN(3) == 0, uint16(160*r.IntN(9)))))
	case 8:
		payload = "\x90" + p[1:12] + "\xbe\xde\x00" + string(rune(r.IntN(60))) + speech
	case 9:
		payload = "\xa0" + p[1:len(p)-1] + string(rune(r.IntN(100)))
	case 10:
		payload = "\x8f" + p[1:12+r.IntN(100)]
	case 11:
		k.class = []byte{0, 8, 0xb8}[r.IntN(3)]
	case 12:
		k.timestamp += uint32(r.IntN(200000))
	case 13:
		payload = p[:12+r.IntN(80)]
	case 14:
		payload = "\x81\xc8\x00\x06" + p[8:12] + strings.Repeat("\x01", 20)
	case 15:
		payload = "\x40" + p[1:]
	}
	if payload != "" {
		k.add(w, at, payload)
	}
}

// add captures a payload with the class of the sender, and some octets of padding behind the packet.
func (k *talker) add(w *wire, at time.Duration, payload string) {
	w.add(at, k.flow, payload)
	p := []byte(w.packets[len(w.packets)-1].Data)
	if k.flow.Src.Addr().Is4() {
		p[15] = k.class
	} else {
		p[14], p[15] = p[14]|k.class>>4, k.class<<4
	}
	w.packets[len(w.packets)-1].Data = string(p) + "\x00\x00"
}

// told is everything that is told of a timeline but the format of its file.
func told(t *testing.T, file []byte, measured bool) (list []string) {
	t.Helper()
	r, err := capture.NewReader(context.Background(), bytes.NewReader(file), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Streams: measured, Calls: true})
	if err != nil {
		t.Fatal(err)
	}
	f := res.Files[0]
	list = append(list, fmt.Sprintf("%d packets, %d in the file to %v, %+v, gaps %+v, marks %v, %v, messages %d",
		res.Packets, f.Capture.Packets, f.Capture.Last, res.Datagrams, res.Gaps, res.Marks, f.Protocols, res.Statistics.Messages))
	for _, s := range res.AllStreams() {
		v := reflect.ValueOf(*s)
		text := fmt.Sprintf("%+v", s.Report())
		for i := range v.NumField() {
			if x := v.Type().Field(i); x.IsExported() {
				text += fmt.Sprintf(" %s %+v", x.Name, v.Field(i))
			}
		}
		list = append(list, text)
	}
	return list
}

// ngOf writes packets into a pcapng file, with comments if so.
func ngOf(t *testing.T, packets []capgen.Packet, comments ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapng.NewWriter(&b, pcapng.Section{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: -1}); err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if err := w.Write(pcapng.Packet{Time: p.Time, TimeOK: true, OrigLen: int64(len(p.Data)), Data: []byte(p.Data), Options: pcapng.Comment(comments...)}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// Packets of a file are passed over, those with comments are not: of both the same is told.
func TestSkim(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 7))
		var talkers []*talker
		for i := range 1 + r.IntN(20) {
			f := capgen.NewFlow(fmt.Sprintf("192.0.2.1:%d", 4000+2*r.IntN(6)), fmt.Sprintf("192.0.2.%d:5000", 2+r.IntN(3)))
			if r.IntN(3) == 0 {
				f = capgen.NewFlow("[2001:db8::1]:4000", fmt.Sprintf("[2001:db8::2]:%d", 5000+r.IntN(5)))
			}
			talkers = append(talkers, &talker{flow: f, kind: []byte{0, 8, 9, 96, 97}[r.IntN(5)], ssrc: uint32(1 + i/2), seq: uint16(65000 + r.IntN(500))})
		}
		w := new(wire)
		at := time.Duration(0)
		for i := range 600 {
			at += 20 * time.Millisecond
			switch r.IntN(200) {
			case 0:
				at += 61 * time.Second
			case 1:
				at += 3 * time.Second
			case 2:
				w.add(at, capgen.NewFlow("192.0.2.9:5060", "192.0.2.8:5060"), "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: "+fmt.Sprint(i)+"\r\nCSeq: 1 OPTIONS\r\n\r\n")
			}
			for _, k := range talkers {
				k.send(r, w, at+time.Duration(r.IntN(4000))*time.Microsecond)
			}
		}
		slices.SortStableFunc(w.packets, func(a, b capgen.Packet) int { return a.Time.Compare(b.Time) })
		for _, measured := range []bool{true, false} {
			want := told(t, ngOf(t, w.packets, "looked at"), measured)
			if measured && len(want) < 2 {
				t.Fatalf("seed %d: no streams", seed)
			}
			for _, file := range [][]byte{capgen.Pcap(w.packets), ngOf(t, w.packets)} {
				if got := told(t, file, measured); !slices.Equal(got, want) {
					t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		}
	}
}

// A stream that took the place of one with its ports and SSRC is given all that comes, also what
// would be the next of the one before.
func TestSkimReplaced(t *testing.T) {
	w := new(wire)
	for i := range 100 {
		w.add(time.Duration(i)*20*time.Millisecond, flow, media(0, uint16(i), uint32(160*i), 1, speech))
	}
	for i := range 100 {
		w.add(5*time.Second+time.Duration(i)*20*time.Millisecond, flow, media(0, uint16(30000+i), uint32(1e6+160*i), 1, speech))
	}
	w.add(8*time.Second, flow, media(0, 100, 16000, 1, speech))
	check(t, lines(w.streams(t)), "00000001 192.0.2.1:4000>192.0.2.2:5000 type 0 PCMU 8000 Hz, 100 of 100, lost 0, duplicates 0, copies 0, tones 0, frames 1-100\n"+
		"00000001 192.0.2.1:4000>192.0.2.2:5000 type 0 PCMU 8000 Hz, 101 of 101, lost 0, duplicates 0, copies 0, tones 0, frames 101-201")
}

// A timeline that is begun at a mark goes on from there: with the same numbers and frames.
func TestSkimToMark(t *testing.T) {
	w := new(wire)
	for i := range 20000 {
		at := time.Duration(i) * time.Millisecond
		if i%500 == 0 {
			w.add(at, capgen.NewFlow("192.0.2.9:5060", "192.0.2.8:5060"), "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: "+fmt.Sprint(i)+"\r\nCSeq: 1 OPTIONS\r\n\r\n")
		} else {
			w.add(at, flow, media(0, uint16(i), uint32(8*i), 1, speech))
		}
	}
	for _, file := range [][]byte{capgen.Pcap(w.packets), ngOf(t, w.packets), ngOf(t, w.packets, "looked at")} {
		from := func(m analysis.Mark) (list []string, res *analysis.Result) {
			r, err := capture.NewReader(context.Background(), bytes.NewReader(file), capture.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			res, err = analysis.Run(context.Background(), r, analysis.Options{From: m, Message: func(m *analysis.Message) error {
				list = append(list, fmt.Sprint(m.Number, m.Frame.Number, m.Time))
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			return list, res
		}
		all, whole := from(analysis.Mark{})
		if len(all) != 40 || len(whole.Marks) != 2 {
			t.Fatalf("%d messages, %d marks", len(all), len(whole.Marks))
		}
		for _, m := range whole.Marks {
			rest, res := from(m)
			if !slices.Equal(rest, all[m.Messages:]) || res.Packets != whole.Packets || res.Files[0].Capture.Packets != 20000 {
				t.Errorf("from %+v: %d packets, %q\nwant %q", m, res.Packets, rest, all[m.Messages:])
			}
		}
	}
}
