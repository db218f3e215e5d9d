package capture_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/pcapfile"
)

// TestLeavesNothing holds that URLs that fail in every way, a hundred times, leave no file and
// keep none open: bodies are read as they come, and go nowhere else.
func TestLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("TMP", os.Getenv("TMPDIR"))
	t.Chdir(t.TempDir())
	b := pcap(pcapfile.Header{}, three...)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/short":
			w.Header().Set("Content-Length", fmt.Sprint(len(b)+1))
			w.Write(b)
		case "/long":
			w.Write(slices.Concat(b, make([]byte, 4096)))
		case "/zipped":
			w.Write(zipped(b)[:40])
		case "/text":
			fmt.Fprint(w, "no capture")
		case "/gone":
			panic(http.ErrAbortHandler)
		default:
			http.NotFound(w, r)
		}
	}))
	defer web.Close()
	before := openFiles()
	for i := range 100 {
		path := []string{"/short", "/long", "/zipped", "/text", "/gone", "/none"}[i%6]
		r, err := capture.Open(t.Context(), []string{web.URL + path}, capture.Options{MaxDownload: int64(len(b)) + 100})
		for err == nil {
			_, err = r.Next()
		}
		r.Close()
		if r.Files()[0].Complete() {
			t.Errorf("%s is complete", path)
		}
	}
	web.Close()
	for _, dir := range []string{os.Getenv("TMPDIR"), "."} {
		if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
			t.Errorf("%s holds %v, %v", dir, list, err)
		}
	}
	if after := openFiles(); after > before+3 { // connections of the server that are closing
		t.Errorf("%d files are open, %d before", after, before)
	}
}

// openFiles returns how many files this process has open, 0 where that cannot be told.
func openFiles() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}
