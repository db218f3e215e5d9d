package analysis

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// faulty analyses three calls with a message function that panics over some.
func faulty(t *testing.T, in io.Reader, over func(n int) bool) (res *Result, seen int, err error) {
	t.Helper()
	r, err := capture.NewReader(context.Background(), in, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	res, err = Run(context.Background(), r, Options{Calls: true, Message: func(*Message) error {
		if n++; over(n) {
			panic("secret")
		}
		seen++
		return nil
	}})
	return res, seen, err
}

// A panicReader gives octets, and then panics.
type panicReader struct{ in io.Reader }

func (p panicReader) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	if err != nil {
		panic("secret")
	}
	return n, nil
}

// TestFaults: a panic over a packet costs that packet and is told; one that comes again and
// again, or in reading, ends the analysis with what there is; and in tests nothing is hidden.
func TestFaults(t *testing.T) {
	l := capgen.Ladder{}
	b := l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE sdp\n+.1 B > A 180\n+1 B > A 200 sdp\n+.1 A > B ACK\n+5 A > B BYE\n+.1 B > A 200\n")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic is hidden in tests")
			}
		}()
		faulty(t, bytes.NewReader(b), func(n int) bool { return n == 2 })
	}()
	defer func(f func() bool) { contained = f }(contained)
	contained = func() bool { return true }

	res, seen, err := faulty(t, bytes.NewReader(b), func(n int) bool { return n == 2 || n == 4 })
	if err != nil || seen != 4 || res.Packets != 6 || res.Calls.Len() != 1 || res.Complete() {
		t.Errorf("%v: %d messages, %d packets, %d calls", err, seen, res.Packets, res.Calls.Len())
	}
	notes := res.Files[0].Capture.Notes
	if len(notes) != 1 || notes[0].ID != "internal-error" || notes[0].Count != 2 || !notes[0].Lost || !strings.Contains(notes[0].What, "packet 2") || strings.Contains(fmt.Sprint(notes), "secret") {
		t.Errorf("%+v", notes)
	}

	many := capgen.Pcap(capgen.Packets(101, strings.Split(strings.Repeat(capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5060").UDP("OPTIONS sip:a SIP/2.0\r\n\r\n")+"\x00|\x00", 3000), "\x00|\x00")[:3000]...))
	if res, _, err = faulty(t, bytes.NewReader(many), func(int) bool { return true }); err != errFaults || res.Packets != maxFaults {
		t.Errorf("always: %v after %d packets", err, res.Packets)
	}
	if _, seen, err = faulty(t, panicReader{bytes.NewReader(b)}, func(int) bool { return false }); err != errFaults || seen == 0 {
		t.Errorf("in reading: %v, %d messages", err, seen)
	}
}

// TestFaultOfRules: a panic over a leg costs what is said of that leg, on a goroutine of its own
// or not.
func TestFaultOfRules(t *testing.T) {
	defer func(f func() bool) { contained = f }(contained)
	contained = func() bool { return true }
	l := capgen.Ladder{}
	call := "0 A > B INVITE\n+.1 B > A 404\n+.1 A > B ACK\n"
	b := l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n" + call)
	for _, processors := range []int{1, 4} {
		was := runtime.GOMAXPROCS(processors)
		r, err := capture.NewReader(context.Background(), bytes.NewReader(b), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := Run(context.Background(), r, Options{Calls: true, Finished: func(*Detail) { panic("secret") }})
		runtime.GOMAXPROCS(was)
		if notes := res.Files[0].Capture.Notes; err != nil || res.Calls.Len() != 1 || len(notes) != 1 || notes[0].ID != "internal-error" || !strings.Contains(notes[0].What, "packet 3") {
			t.Errorf("%d processors: %v, %d calls, %+v", processors, err, res.Calls.Len(), notes)
		}
		r.Close()
	}
}
