package rtp_test

import (
	"math"
	"testing"
	"time"

	"github.com/sipsight/sipsight/rtp"
)

// The curve of ITU-T G.107, annex B and its figures: R to MOS, and what delay and loss do.
func TestEModel(t *testing.T) {
	for _, c := range []struct {
		name   string
		model  rtp.EModel
		r, mos float64
	}{
		{"G.711", rtp.EModel{Robustness: 25.1}, 93.2, 4.41},
		{"G.729A", rtp.EModel{Impairment: 11, Robustness: 19}, 82.2, 4.10},
		{"G.711, 1 % lost", rtp.EModel{Robustness: 25.1, Loss: 1}, 93.2 - 95/26.1, 4.32},
		{"G.711, 5 % lost", rtp.EModel{Robustness: 25.1, Loss: 5}, 93.2 - 475/30.1, 3.92},
		{"G.711, 5 % lost in bursts of two", rtp.EModel{Robustness: 25.1, Loss: 5, BurstRatio: 2}, 93.2 - 475/27.6, 3.86},
		{"100 ms", rtp.EModel{Robustness: 25.1, Delay: 100 * time.Millisecond}, 93.2, 4.41},
		{"150 ms", rtp.EModel{Robustness: 25.1, Delay: 150 * time.Millisecond}, 93.0, 4.40},
		{"400 ms", rtp.EModel{Robustness: 25.1, Delay: 400 * time.Millisecond}, 69.0, 3.56},
		{"everything lost", rtp.EModel{Robustness: 4.3, Loss: 100, BurstRatio: 50}, 0, 1},
		{"wideband", rtp.EModel{Impairment: 13, Robustness: 10, Wideband: true}, 116 / 1.29, 4.34},
		{"wideband without fault", rtp.EModel{Wideband: true, Robustness: 10}, 100, 4.5},
	} {
		if r, mos := c.model.R(), c.model.MOS(); math.Abs(r-c.r) > 0.5 || math.Abs(mos-c.mos) > 0.02 {
			t.Errorf("%s: R %.2f MOS %.3f, want %.2f and %.2f", c.name, r, mos, c.r, c.mos)
		}
	}
}

// More loss, longer bursts and more delay are never better.
func TestEModelLaw(t *testing.T) {
	for _, codec := range []string{"PCMU", "pcma", "G729", "G722", "AMR-WB", "GSM", "G726-16"} {
		m, ok := rtp.NewEModel(codec)
		if !ok {
			t.Fatalf("no values of %s", codec)
		}
		last := m.MOS()
		for range 100 {
			m.Loss++
			if mos := m.MOS(); mos > last || mos < 1 {
				t.Fatalf("%s: %v at %v %% of loss after %v", codec, mos, m.Loss, last)
			} else {
				last = mos
			}
		}
		m.Loss, m.BurstRatio = 3, 1
		last = m.MOS()
		for range 20 {
			m.BurstRatio++
			m.Delay += 50 * time.Millisecond
			if mos := m.MOS(); mos > last {
				t.Fatalf("%s: %v in longer bursts after %v", codec, mos, last)
			} else {
				last = mos
			}
		}
	}
	if _, ok := rtp.NewEModel("opus"); ok {
		t.Error("there are no values of Opus")
	}
}

func TestHeard(t *testing.T) {
	m, _ := rtp.NewEModel("PCMA")
	m.Heard(&rtp.Report{Expected: 1000, Lost: 20, LossRuns: 10, Discarded: 30, Interval: 20 * time.Millisecond})
	if m.Loss != 5 || math.Abs(m.BurstRatio-1.96) > 1e-9 || m.Delay != 80*time.Millisecond {
		t.Errorf("%+v", m)
	}
	m.Heard(&rtp.Report{Expected: 10, Discarded: 30})
	if m.Loss != 100 {
		t.Errorf("%v %% lost", m.Loss)
	}
	m.Heard(&rtp.Report{})
	if m.Loss != 0 {
		t.Errorf("%v %% of nothing lost", m.Loss)
	}
}
