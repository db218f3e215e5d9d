package analysis_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestCancel holds that an analysis of a capture without an end stops soon after it was told
// to, and gives what it has. The bound is ten times what is promised.
func TestCancel(t *testing.T) {
	l := capgen.Ladder{}
	b := l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE sdp\n+.1 B > A 180\n+1 B > A 200 sdp\n+.1 A > B ACK\n+.1 A > B RTP n=200 ssrc=1\n+5 A > B BYE\n+.1 B > A 200\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := capture.NewReader(ctx, io.MultiReader(bytes.NewReader(b), &again{b: b[24:]}), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var told time.Time
	n := 0
	res, err := analysis.Run(ctx, r, analysis.Options{Calls: true, Steps: true, Streams: true, Message: func(*analysis.Message) error {
		if n++; n == 1000 {
			told = time.Now()
			cancel()
		}
		return nil
	}})
	if took := time.Since(told); told.IsZero() || took > time.Second {
		t.Errorf("it stopped after %v", took)
	}
	if !errors.Is(err, context.Canceled) || res == nil || res.Complete() || res.Statistics.Messages < 1 || res.Calls.Len() == 0 {
		t.Errorf("%v, %+v", err, res)
	}
}

// TestCancelled holds that a context that is done already ends Run before it reads, however small the capture is.
func TestCancelled(t *testing.T) {
	l := capgen.Ladder{}
	b := l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B OPTIONS\n+.1 B > A 200\n")
	r, err := capture.NewReader(t.Context(), bytes.NewReader(b), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err := analysis.Run(ctx, r, analysis.Options{Calls: true})
	if !errors.Is(err, context.Canceled) || res.Packets != 0 || res.AllRead() {
		t.Errorf("%v, %d packets, all read %t", err, res.Packets, res.AllRead())
	}
}

// TestComplete holds that a result is whole only where the timeline was read to its end, or to where ErrStop ended it.
func TestComplete(t *testing.T) {
	l := capgen.Ladder{}
	b := l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE sdp\n+.1 B > A 180\n+1 B > A 200 sdp\n+.1 A > B ACK\n+5 A > B BYE\n+.1 B > A 200\n")
	other := errors.New("of the caller")
	for _, x := range []struct {
		err             error
		complete, ended bool
	}{{nil, true, true}, {analysis.ErrStop, true, false}, {other, false, false}} {
		r, err := capture.NewReader(t.Context(), bytes.NewReader(b), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		res, err := analysis.Run(t.Context(), r, analysis.Options{Calls: true, Message: func(*analysis.Message) error {
			if n++; n == 3 {
				return x.err
			}
			return nil
		}})
		if err != nil && err != other || res.Complete() != x.complete || res.AllRead() != x.complete || res.Files[0].Capture.Ended != x.ended {
			t.Errorf("with %v: %v, complete %t, all read %t, ended %t", x.err, err, res.Complete(), res.AllRead(), res.Files[0].Capture.Ended)
		}
		r.Close()
	}
}

// again gives the same octets for ever.
type again struct {
	b []byte
	n int
}

func (a *again) Read(p []byte) (int, error) {
	n := copy(p, a.b[a.n:])
	a.n = (a.n + n) % len(a.b)
	return n, nil
}
