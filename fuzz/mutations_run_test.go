package fuzz

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The bounds of one run of the command over a mutant.
const (
	mutantTime   = 10 * time.Second
	mutantMemory = 512 << 20
)

// worst is the most that a run took.
type worst struct {
	runs   int
	codes  map[int]int
	time   time.Duration
	memory int64
	slow   string
	large  string
}

func (w *worst) String() string {
	return fmt.Sprintf("%d runs, exit codes %v; the longest took %v (%s), the largest %d KiB (%s)", w.runs, w.codes, w.time.Round(time.Millisecond), w.slow, w.memory>>10, w.large)
}

// mutantCommands are run over every mutant, but for the last three of them, of which each has
// one.
var mutantCommands = []string{"messages --json", "analyze --json", "calls --json", "findings --json", "info --json", "summary --json", "streams --json", "registrations --json", "messages --csv", "messages --raw", "report -o -", "flow --limit 0"}

// process runs the command over a file: it ends in time and memory, with an exit code that is
// known, and prints what may be shown, and JSON where that was asked for.
func (w *worst) process(t *testing.T, bin, what string, b []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range mutantCommands {
		ctx, cancel := context.WithTimeout(t.Context(), mutantTime)
		cmd := exec.CommandContext(ctx, bin, append(strings.Fields(command), name)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		start := time.Now()
		err := cmd.Run()
		took := time.Since(start)
		cancel()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		code, memory := cmd.ProcessState.ExitCode(), peak(cmd.ProcessState)
		if !slices.Contains([]int{0, 3, 4}, code) || took >= mutantTime || memory > mutantMemory {
			t.Errorf("%s: %s: exit code %d after %v, %d KiB: %s", what, command, code, took, memory>>10, show(stderr.String()))
		}
		w.take(fmt.Sprintf("%s: %s", command, what), code, took, memory)
		if problem := unfit(command, stdout.Bytes()); problem != "" {
			t.Errorf("%s: %s: %s", what, command, problem)
		}
		if problem := unfit("", stderr.Bytes()); problem != "" {
			t.Errorf("%s: %s: stderr: %s", what, command, problem)
		}
	}
}

func (w *worst) take(what string, code int, took time.Duration, memory int64) {
	if w.codes == nil {
		w.codes = make(map[int]int)
	}
	w.runs++
	w.codes[code]++
	if took > w.time {
		w.time, w.slow = took, what
	}
	if memory > w.memory {
		w.memory, w.large = memory, what
	}
}

// unfit says why an output may not be given to people and programs, "" if it may.
func unfit(command string, b []byte) string {
	allowed := "\n"
	if strings.Contains(command, "csv") {
		allowed = "\r\n"
	}
	if !utf8.Valid(b) {
		return "no UTF-8"
	}
	if i := bytes.IndexFunc(b, func(r rune) bool { return isBad(r) && !strings.ContainsRune(allowed, r) }); i >= 0 && !strings.HasPrefix(command, "report") {
		return fmt.Sprintf("a character that must not be shown: %q", b[max(0, i-50):min(len(b), i+20)])
	}
	if strings.Contains(command, "json") {
		for line := range bytes.Lines(b) {
			if !json.Valid(line) {
				return fmt.Sprintf("no JSON: %.200q", line)
			}
		}
	}
	return ""
}
