package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A soaked server is asked again and again over one connection.
type soaked struct {
	t       *testing.T
	r       *rand.Rand
	in      io.Writer
	answers chan soakAnswer
	waiting map[int]bool
	id      int
	tools   map[string][]string // their required arguments
	files   []string
	good    int
	failed  int
	gone    int // cancelled
}

type soakAnswer struct {
	ID     *int
	Error  json.RawMessage
	Result struct {
		IsError bool
		Tools   []struct {
			Name  string
			Input struct{ Required []string } `json:"inputSchema"`
		}
	}
}

// send sends a request and returns its id.
func (s *soaked) send(method string, params any) int {
	s.id++
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": s.id, "method": method, "params": params})
	if err == nil {
		_, err = s.in.Write(append(b, '\n'))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.waiting[s.id] = true
	return s.id
}

// take takes answers until no more than n requests wait for theirs.
func (s *soaked) take(n int) (last soakAnswer) {
	for len(s.waiting) > n {
		select {
		case a, ok := <-s.answers:
			switch {
			case !ok:
				s.t.Fatal("the server has ended")
			case a.ID == nil:
				continue // progress
			case a.Error != nil || a.Result.IsError:
				s.failed++
			default:
				s.good++
			}
			delete(s.waiting, *a.ID)
			last = a
		case <-time.After(time.Minute):
			s.t.Fatalf("no answer in a minute to %d requests", len(s.waiting))
		}
	}
	return last
}

// ask asks something, of which some is nonsense, and sometimes wants no answer.
func (s *soaked) ask() {
	file := s.files[s.r.IntN(len(s.files))]
	id := 0
	switch s.r.IntN(20) {
	case 0:
		id = s.send("resources/read", map[string]any{"uri": "sipsight://" + []string{"summary", "calls", "call/call-1"}[s.r.IntN(3)] + file})
	case 1:
		id = s.send("prompts/get", map[string]any{"name": "explain_failed_call", "arguments": map[string]any{"pcap_file": file}})
	case 2:
		id = s.send("completion/complete", map[string]any{"ref": map[string]any{"type": "ref/prompt", "name": "explain_failed_call"}, "argument": map[string]any{"name": "pcap_file", "value": filepath.Dir(file) + "/"}})
	case 3:
		id = s.send([]string{"tools/call", "nonsense", "tools/list", "ping"}[s.r.IntN(4)], map[string]any{"name": "nonsense"})
	default:
		args := map[string]any{"pcap_file": file}
		var names []string
		for name := range s.tools {
			names = append(names, name)
		}
		name := names[s.r.IntN(len(names))]
		for _, required := range s.tools[name] {
			if required == "call" {
				args["call"] = "call-" + strconv.Itoa(1+s.r.IntN(3))
			}
		}
		switch s.r.IntN(8) {
		case 0:
			args["limit"] = 1 + s.r.IntN(1000)
		case 1:
			args["filter"] = "sip.Method == \"INVITE\""
		case 2:
			args["more_files"] = []string{s.files[s.r.IntN(len(s.files))]}
		case 3:
			args["cursor"] = "nonsense"
		}
		id = s.send("tools/call", map[string]any{"name": name, "arguments": args})
	}
	if s.r.IntN(5) == 0 {
		fmt.Fprintf(s.in, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`+"\n", id)
		delete(s.waiting, id)
		s.gone++
	}
	s.take(4)
}

// A load is what a process holds.
type load struct {
	heap              uint64
	goroutines, files int
}

func measure() (l load) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	list, _ := os.ReadDir("/proc/self/fd") // 0 where that cannot be told
	return load{m.HeapAlloc, runtime.NumGoroutine(), len(list)}
}

// TestSoak asks one MCP server many things over many captures, some of which it wants no
// answers to: what the process holds does not grow, and nothing is left when it ends. SOAK says
// how many questions there are, 300 by default; shared captures are asked about too.
func TestSoak(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("SOAK"))
	if err != nil {
		n = 300
	}
	s := &soaked{t: t, r: rand.New(rand.NewPCG(1, uint64(n))), answers: make(chan soakAnswer, 100), waiting: map[int]bool{}, tools: map[string][]string{}}
	patterns := []string{"../../testdata/captures/*.pcap*"}
	if dir := os.Getenv("SIPSIGHT_SHARED"); dir != "" && n > 300 {
		patterns = append(patterns, filepath.Join(dir, "captures", "*.pcap*"), filepath.Join(dir, "wire", "*.pcap*"))
	}
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if name, err = filepath.Abs(name); err == nil && !strings.HasSuffix(name, ".json") {
				s.files = append(s.files, name)
			}
		}
	}
	before := measure()
	in, feed := io.Pipe()
	printed, out := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := run(t.Context(), []string{"mcp"}, in, out, &stderr)
		out.Close()
		ended <- code
	}()
	go func() {
		defer close(s.answers)
		r := bufio.NewReader(printed)
		for {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			var a soakAnswer
			if err := json.Unmarshal(line, &a); err != nil {
				t.Errorf("no JSON: %.200s", line)
			}
			s.answers <- a
		}
	}()
	s.in = feed
	s.send("initialize", map[string]any{"protocolVersion": "2025-11-25"})
	s.take(0)
	s.send("tools/list", map[string]any{})
	for _, tool := range s.take(0).Result.Tools {
		s.tools[tool.Name] = tool.Input.Required
	}
	start := time.Now()
	var warm load
	for i := range n {
		s.ask()
		if i == n/3 {
			s.take(0)
			warm = measure()
		}
	}
	s.take(0)
	took := time.Since(start)
	hot := measure()
	feed.Close()
	if code := <-ended; code != exitOK || stderr.Len() > 0 {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
	var after load
	for range 100 { // what was cancelled ends soon
		if after = measure(); after.goroutines <= before.goroutines {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%d questions over %d captures in %v: %d answered, %d refused, %d cancelled; heap %d, %d, %d, %d KiB; goroutines %d, %d, %d, %d; files %d, %d, %d, %d",
		n, len(s.files), took.Round(time.Millisecond), s.good, s.failed, s.gone,
		before.heap>>10, warm.heap>>10, hot.heap>>10, after.heap>>10, before.goroutines, warm.goroutines, hot.goroutines, after.goroutines, before.files, warm.files, hot.files, after.files)
	switch {
	case s.good < n/2 || s.gone < n/10:
		t.Error("too few of them were answered, or cancelled")
	case hot.heap > warm.heap+64<<20: // the analyses of eight captures are kept
		t.Error("memory grows")
	case hot.goroutines > warm.goroutines+4 || after.goroutines > before.goroutines:
		t.Error("goroutines are left")
	case hot.files > warm.files+2 || after.files > before.files:
		t.Error("files are left open")
	}
}
