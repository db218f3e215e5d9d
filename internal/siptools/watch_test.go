package siptools

import (
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipsight/sipsight/capture"
)

// TestWatch holds that progress is told four times a second until the work is done, and
// never after it.
func TestWatch(t *testing.T) {
	b, err := os.ReadFile("../../testdata/captures/udp-call.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		go out.Write(b)
		r, err := capture.NewReader(t.Context(), in, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		reports := 0
		stop := watch(r, func(done, total int64, text string) {
			reports++
			if done <= 0 || done > int64(len(b)) || total != -1 || text == "" {
				t.Errorf("%d of %d, %q", done, total, text)
			}
		})
		time.Sleep(time.Second + time.Millisecond) // of the bubble
		stop()
		if reports != 4 {
			t.Errorf("%d reports in a second", reports)
		}
		time.Sleep(time.Second)
		if reports != 4 {
			t.Errorf("reports go on: %d", reports)
		}
		out.Close()
		synctest.Wait()
	})
}

// TestCallTime: no call holds its place for ever.
func TestCallTime(t *testing.T) {
	if d := NewServer(Options{Version: "1"}).Timeout; d < time.Minute || d > time.Hour {
		t.Errorf("a call has %v", d)
	}
}
