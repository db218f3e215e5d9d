package mcpjsonrpc_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipsight/sipsight/internal/golden"
)

// TestTranscripts plays testdata/*.txt. A transcript is prose, and
//
//	> a line that the client sends
//	>> "octets that the client sends, as Go writes them"
//	@ 250ms          time passes
//	@ eof            the input ends
//	< a line that the server answers
func TestTranscripts(t *testing.T) {
	names := golden.Names(t, "testdata/*.txt")
	golden.Play(t, names, func(t *testing.T, text string) (got string) {
		synctest.Test(t, func(t *testing.T) { got = play(t, text) })
		return got
	})
}

// play returns the transcript with the answers of the toy server.
func play(t *testing.T, text string) string {
	k := begin(t, toy())
	var b strings.Builder
	ended := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "< ") {
			continue
		}
		b.WriteString(line)
		line = strings.TrimSuffix(line, "\n")
		var answers []string
		if quoted, ok := strings.CutPrefix(line, ">> "); ok {
			octets, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			answers = k.send(octets)
		} else if message, ok := strings.CutPrefix(line, "> "); ok {
			answers = k.send(message + "\n")
		} else if line == "@ eof" {
			answers = k.eof()
			ended = true
		} else if d, ok := strings.CutPrefix(line, "@ "); ok {
			d, err := time.ParseDuration(d)
			if err != nil {
				t.Fatal(err)
			}
			answers = k.pass(d)
			if !slices.ContainsFunc(answers, func(a string) bool { return !strings.HasPrefix(a, `{"jsonrpc":"2.0","id":`) }) {
				slices.Sort(answers) // what is answered at one moment has no order
			}
		}
		for _, a := range answers {
			b.WriteString("< " + a + "\n")
		}
	}
	if !ended {
		for _, a := range k.eof() {
			b.WriteString("< " + a + "\n")
		}
	}
	return b.String()
}
