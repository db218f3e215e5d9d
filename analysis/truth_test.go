package analysis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
)

// A truth is what the capture generator says it wrote.
type truth struct {
	Packets      int64            `json:"packets"`
	Messages     int64            `json:"messages"`
	MessageBytes int64            `json:"message_bytes"`
	MessageSum   uint64           `json:"message_crc32c_sum"`
	Requests     int64            `json:"requests"`
	Responses    int64            `json:"responses"`
	Methods      map[string]int64 `json:"methods"`
	Statuses     map[string]int64 `json:"statuses"`
	CallIDs      int              `json:"unique_call_ids"`
	CallIDSum    uint64           `json:"call_id_crc32c_sum"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// TestGeneratorTruth reads generated captures and compares what was found with what was
// written, to the last octet: the sums are independent of order and cover every message.
// SIPSIGHT_TRUTH_SIZE makes the captures larger than the few megabytes of a quick run.
func TestGeneratorTruth(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: there is no generator")
	}
	dir := t.TempDir()
	gen := filepath.Join(dir, "gen")
	build := exec.Command("go", "build", "-o", gen, ".")
	build.Dir = filepath.Join(shared, "bench", "gen")
	build.Env = append(os.Environ(), "GOARCH=", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the generator: %v\n%s", err, out)
	}
	size := os.Getenv("SIPSIGHT_TRUTH_SIZE")
	if size == "" {
		size = "4MB"
	}
	for _, kind := range []string{"sip-udp", "sip-tcp", "v6frag", "pcapng"} {
		for seed := 1; seed <= 3; seed++ {
			t.Run(fmt.Sprintf("%s/%d", kind, seed), func(t *testing.T) {
				file, truthFile := filepath.Join(dir, "a.pcap"), filepath.Join(dir, "a.json")
				out, err := exec.Command(gen, "-kind", kind, "-size", size, "-seed", strconv.Itoa(seed), "-cps", "200", "-o", file, "-truth", truthFile).CombinedOutput()
				if err != nil {
					t.Fatalf("generating: %v\n%s", err, out)
				}
				compareWithTruth(t, file, truthFile)
			})
		}
	}
}

func compareWithTruth(t *testing.T, file, truthFile string) {
	t.Helper()
	var want, got truth
	b, err := os.ReadFile(truthFile)
	if err == nil {
		err = json.Unmarshal(b, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := capture.Open(context.Background(), []string{file}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	copies := 0
	res, err := analysis.Run(context.Background(), r, analysis.Options{Message: func(m *analysis.Message) error {
		if m.IsCopy() {
			copies++
			return nil
		}
		if m.Partial {
			t.Errorf("partial message in frame %d", m.Frame.Number)
		}
		got.MessageBytes += int64(len(m.SIP.Raw()))
		got.MessageSum += uint64(crc32.Checksum(m.SIP.Raw(), castagnoli))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := &res.Statistics
	got.Packets, got.Messages, got.Requests, got.Responses = res.Packets, s.Messages, s.Requests, s.Responses
	got.Methods, got.CallIDs = s.Methods, len(s.CallIDs)
	got.Statuses = map[string]int64{}
	for code, n := range s.Statuses {
		got.Statuses[strconv.Itoa(code)] = n
	}
	for _, id := range s.CallIDs {
		got.CallIDSum += uint64(crc32.Checksum([]byte(id), castagnoli))
	}
	if copies != 0 {
		t.Errorf("%d messages were taken for copies; there are none", copies)
	}
	if !maps.Equal(got.Methods, want.Methods) || !maps.Equal(got.Statuses, want.Statuses) {
		t.Errorf("methods %v and statuses %v, want %v and %v", got.Methods, got.Statuses, want.Methods, want.Statuses)
	}
	got.Methods, got.Statuses, want.Methods, want.Statuses = nil, nil, nil, nil
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
