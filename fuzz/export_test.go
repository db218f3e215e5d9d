package fuzz

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/audio"
	"github.com/sipsight/sipsight/internal/export"
)

// FuzzExport holds that an export is packets of the capture, whole and in their order: those
// that the plan counted; that every message of a call is among them; and that the messages
// of all calls are found in it.
func FuzzExport(f *testing.F) {
	for _, b := range captures() {
		f.Add(b, false)
		f.Add(b, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, pcap bool) {
		if tooLong(b) {
			return
		}
		open := func(b []byte) *capture.Reader {
			r, err := capture.NewReader(context.Background(), bytes.NewReader(b), options)
			if err != nil {
				return nil
			}
			return r
		}
		r := open(b)
		if r == nil {
			return
		}
		res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true})
		mustNot(err)
		p := export.NewPlan(res, &export.Choice{Calls: slices.Collect(res.Calls.All())})
		chosen := 0
		carriers := map[analysis.Frame]bool{}
		_, err = analysis.Run(context.Background(), open(b), analysis.Options{Message: func(m *analysis.Message) error {
			if p.Message(m) {
				chosen++
				carriers[m.Frame] = true
			}
			return nil
		}})
		mustNot(err)
		calls := 0
		for c := range res.Calls.All() {
			for _, l := range c.Legs {
				calls += l.Messages
				if !carriers[l.First] {
					t.Errorf("the first message of %q, in frame %v, is not chosen", l.CallID, l.First)
				}
			}
		}
		if chosen < calls {
			t.Errorf("%d messages are chosen, the calls have %d", chosen, calls)
		}
		mustNot(p.Mark(open(b)))
		var out bytes.Buffer
		err = p.Copy(&out, open(b), res.Files, &export.Options{Pcap: pcap})
		if pcap && err != nil { // of two kinds, or of a time that pcap cannot say
			if errors.Is(err, export.ErrChanged) {
				t.Error(err)
			}
			return
		}
		mustNot(err)
		if p.Packets == 0 {
			return
		}
		whole, r := read(t, open(b), nil), open(out.Bytes())
		if r == nil {
			t.Fatal("the export cannot be read")
		}
		got := read(t, r, nil)
		if int64(len(got.packets)) != p.Packets || !got.files[0].Complete() {
			t.Fatalf("%d packets are in the export, %d were marked; %+v", len(got.packets), p.Packets, got.files[0].Notes)
		}
		checkPart(t, got.packets, whole.packets)
	})
}

// checkPart holds that part is packets of whole, in their order. What has no time is given
// one, and pcap has no words for some lengths of check sequences.
func checkPart(t *testing.T, part, whole []seen) {
	n := 0
	for i, p := range part {
		for ; n < len(whole); n++ {
			q := whole[n]
			if p.Data == q.Data && p.OrigLen == max(q.OrigLen, int64(len(q.Data))) && p.LinkType == q.LinkType && (p.FCSLen == q.FCSLen || p.FCSLen < 0) && (!q.HasTime || p.Time.Equal(q.Time)) {
				break
			}
		}
		if n++; n > len(whole) {
			t.Fatalf("packet %d of the export is none of the capture, or not in its order", i+1)
		}
	}
}

// FuzzAudio holds that the sound of a call, whatever its packets say, is whole samples of two
// sides within the bound, and no more than the packets and the silence between them explain.
func FuzzAudio(f *testing.F) {
	for _, b := range captures() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		r, err := capture.NewReader(context.Background(), bytes.NewReader(b), options)
		if err != nil {
			return
		}
		res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true, Streams: true})
		mustNot(err)
		for i := range min(res.Calls.Len(), 3) {
			c := res.Calls.At(i)
			a, err := export.NewAudio(c)
			if err != nil {
				continue
			}
			r, err := capture.NewReader(context.Background(), bytes.NewReader(b), options)
			mustNot(err)
			var n octetCount
			mustNot(a.Write(&n, r))
			heard := a.Heard[0] + a.Heard[1]
			if int64(n) != a.Octets() || n%4 != 0 || n > audio.MaxOctets || heard == 0 && n > 0 {
				t.Errorf("call %d: %d octets of %d packets, %d are said", c.ID, n, heard, a.Octets())
			}
		}
	})
}

type octetCount int64

func (n *octetCount) Write(b []byte) (int, error) { *n += octetCount(len(b)); return len(b), nil }
