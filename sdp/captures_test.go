package sdp_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/sdp"
	"github.com/sipsight/sipsight/sipmsg"
)

// messages calls yield for each message with a description in the captures that match a
// pattern, whole ones alone.
func messages(t testing.TB, pattern string, yield func(from string, m *analysis.Message, body []byte)) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		switch filepath.Ext(name) {
		case ".pcap", ".pcapng", ".cap", ".gz", ".ntar", ".snoop":
		default:
			continue
		}
		r, err := capture.Open(context.Background(), []string{name}, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = analysis.Run(context.Background(), r, analysis.Options{Message: func(m *analysis.Message) error {
			if body := description(m.SIP); body != nil && !m.Partial {
				yield(filepath.Base(name), m, clip(body))
			}
			return nil
		}})
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// description returns the SDP of a message: the first such part of its body.
func description(m *sipmsg.Message) []byte {
	for p := range m.Parts() {
		if p.Type.Is("application", "sdp") {
			return p.Body
		}
	}
	return nil
}

// TestCaptures reads every description of the shared captures: what is written again is read
// as the same, no capture makes more complaints than it deserves, and everything that
// carries RTP has codecs with names.
func TestCaptures(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: there are no captures")
	}
	total, media, refused, odd := 0, 0, 0, 0
	rules, where := map[sdp.Rule]int{}, map[sdp.Rule]string{}
	var used sdp.Session
	for _, folder := range []string{"captures", "wire", "torture"} {
		messages(t, filepath.Join(shared, folder, "*"), func(from string, m *analysis.Message, body []byte) {
			frame := m.Frame.Number
			if err := used.Parse(body); err != nil {
				refused++
				t.Logf("%s frame %d: %v: %q", from, frame, err, body)
				return
			}
			total++
			media += len(used.Media)
			checkLaws(t, body)
			for i := range used.Media {
				m := &used.Media[i]
				if len(m.Codecs()) == 0 && m.IsRTP() && m.Port != 0 {
					t.Errorf("%s frame %d: no codecs: %s", from, frame, &used)
				}
			}
			once := map[sdp.Rule]bool{}
			for _, c := range used.Complaints {
				if !once[c.Rule] {
					rules[c.Rule]++
					where[c.Rule] = fmt.Sprintf("%s frame %d line %d", from, frame, c.Line)
				}
				once[c.Rule] = true
			}
			delete(once, sdp.RuleLastLine) // no part of a multipart body has one
			if len(once) > 0 {
				odd++
			}
		})
	}
	t.Logf("%d descriptions with %d media descriptions, %d refused", total, media, refused)
	for _, r := range slices.Sorted(maps.Keys(rules)) {
		t.Logf("%5d %-24s %s", rules[r], r.ID(), where[r])
	}
	if total < 4000 || refused > total/1000 || odd > total/100 {
		t.Errorf("%d descriptions, %d refused, %d with complaints", total, refused, odd)
	}
}

// TestCapturesAnswers compares the offers of the shared captures with their answers. Real
// ones are hardly ever illegal: a fault that is common is one of this package.
func TestCapturesAnswers(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: there are no captures")
	}
	type transaction struct{ file, callID, cseq string }
	offers := map[transaction]*sdp.Session{}
	pairs, accepted, faults := 0, 0, 0
	messages(t, filepath.Join(shared, "captures", "*"), func(from string, m *analysis.Message, body []byte) {
		callID, _ := m.SIP.First(sipmsg.CallID)
		cseq, _ := m.SIP.First(sipmsg.CSeq)
		key := transaction{from, string(callID), string(cseq)}
		s, err := sdp.Parse(body)
		switch {
		case err != nil || m.SIP.StatusCode >= 300:
			return
		case m.SIP.IsRequest():
			offers[key] = s
			return
		case offers[key] == nil:
			return
		}
		r := sdp.Compare(offers[key], s)
		pairs++
		list := r.Faults
		for i := range r.Streams {
			x := &r.Streams[i]
			list = append(list, x.Faults...)
			if x.Accepted {
				accepted++
			}
			if x.Accepted && x.Offer.IsRTP() && len(x.Common) == 0 {
				t.Errorf("%s frame %d: nothing in common", from, m.Frame.Number)
			}
		}
		if len(list) > 0 {
			faults++
			t.Logf("%s frame %d: %v", from, m.Frame.Number, list)
		}
	})
	t.Logf("%d answers, %d streams accepted, %d answers with faults", pairs, accepted, faults)
	if pairs < 1000 || accepted < pairs || faults > pairs/200 {
		t.Error("that is not what the captures hold")
	}
}
