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

// bodies calls yield for each description in the captures that match a pattern, whole ones
// alone, and says where it comes from.
func bodies(t testing.TB, pattern string, yield func(from string, frame int64, body []byte)) {
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
			if m.Partial {
				return nil
			}
			if body := description(m.SIP); body != nil {
				yield(filepath.Base(name), m.Frame.Number, clip(body))
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
		bodies(t, filepath.Join(shared, folder, "*"), func(from string, frame int64, body []byte) {
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
