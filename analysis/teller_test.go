package analysis_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
)

// toldOf lists what the functions of Options are told of a file, on so many processors.
func toldOf(t *testing.T, file string, processors int) (list []string) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
	r, err := capture.Open(context.Background(), []string{file}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	screened := 0
	o := analysis.Options{
		Calls: true, Streams: true,
		Finished: func(d *analysis.Detail) {
			list = append(list, fmt.Sprintf("leg %s %d %v %v", d.Leg.CallID, d.RTP, d.Now, d.Leg.State))
			for i := range d.Messages {
				m := d.Message(i)
				list = append(list, fmt.Sprintf("%v %s %d", d.Messages[i].Frame, m.Method, m.StatusCode))
			}
			for _, x := range d.Transactions {
				list = append(list, fmt.Sprintf("%+v", x))
			}
		},
		Exchanged: func(e *analysis.Exchange) {
			list = append(list, fmt.Sprintf("%s %s %v %v %v %v", e.Method, e.CallID, e.SentFrame, e.Bindings, e.Request() != nil, e.Response() != nil))
		},
		Event:  func(e *analysis.Event) { list = append(list, fmt.Sprintf("%+v", *e)) },
		Screen: func([]byte) bool { screened++; return screened%50 == 0 },
		Screened: func(m *analysis.Message) {
			list = append(list, fmt.Sprintf("screened %v", m.Frame))
		},
	}
	if _, err = analysis.Run(t.Context(), r, o); err != nil {
		t.Fatal(err)
	}
	return list
}

// Rules are told of the same in the same order, whether that waits for them or not.
func TestTold(t *testing.T) {
	files, _ := filepath.Glob("../testdata/captures/*.pcap*")
	all := 0
	for _, file := range files {
		alone, beside := toldOf(t, file, 1), toldOf(t, file, 4)
		all += len(alone)
		if !slices.Equal(alone, beside) {
			for i := range alone {
				if i >= len(beside) || alone[i] != beside[i] {
					t.Errorf("%s: %q is not there, or at another place", file, alone[i])
					break
				}
			}
			t.Errorf("%s: told of %d on one processor, of %d on several", file, len(alone), len(beside))
		}
	}
	if all < 500 {
		t.Errorf("told of %d in %d files", all, len(files))
	}
}
