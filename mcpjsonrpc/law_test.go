package mcpjsonrpc_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"unicode/utf8"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// streams returns what the clients of the transcripts send.
func streams(t *testing.T) []string {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var list []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for line := range strings.Lines(string(text)) {
			if message, ok := strings.CutPrefix(line, "> "); ok {
				b.WriteString(message)
			} else if quoted, ok := strings.CutPrefix(line, ">> "); ok {
				s, err := strconv.Unquote(strings.TrimSpace(quoted))
				if err != nil {
					t.Fatal(err)
				}
				b.WriteString(s)
			}
		}
		list = append(list, b.String())
	}
	return list
}

// quick is the toy with tools and resources that return at once and do not panic, one
// after the other.
func quick() *mcpjsonrpc.Server {
	s := toy()
	s.MaxConcurrent, s.MaxQueue = 1, 1e6
	s.Tools = slices.Delete(s.Tools, 2, 4) // wait and fail
	s.Prompts[0].Arguments[1].Complete = func(_ context.Context, value string, _ map[string]string) []string {
		return []string{value}
	}
	s.Templates[0].Complete = nil
	s.Templates[0].Read = func(_ context.Context, uri string, vars map[string]string, _ mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
		return mcpjsonrpc.ResourceContent{Text: uri + vars["box"]}, nil
	}
	return s
}

// answers returns the output for input in an order that does not depend on when
// the tools got their turn.
func answers(t *testing.T, s *mcpjsonrpc.Server, input string, oneByOne bool) (got []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := strings.NewReader(input)
		if oneByOne {
			got = serve(t, s, iotest.OneByteReader(r))
		} else {
			got = serve(t, s, r)
		}
	})
	slices.Sort(got)
	return got
}

// TestOneByteReads is the law that how the input is cut does not matter. Ids
// are unique and there is no cancellation, so that time does not matter either.
func TestOneByteReads(t *testing.T) {
	for _, stream := range streams(t) {
		stream = strings.ReplaceAll(stream, "notifications/cancelled", "notifications/other")
		lines := strings.SplitAfter(stream, "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool {
			return strings.Contains(line, "tools/call") && strings.HasPrefix(line, "[")
		})
		for i := range lines {
			lines[i] = strings.Replace(lines[i], `"id":`, `"id":`+strconv.Itoa(1000+i), 1)
		}
		stream = strings.Join(lines, "")
		whole := answers(t, quick(), stream, false)
		if bytes := answers(t, quick(), stream, true); !slices.Equal(whole, bytes) {
			t.Errorf("one by one %q\nas a whole %q\nfor %s", bytes, whole, stream)
		}
		if len(whole) == 0 {
			t.Errorf("no answers for %s", stream)
		}
	}
}

// TestAnyStream is the law that whatever comes in, valid lines go out, the
// server goes on, and -32700 is for what encoding/json does not read either.
func TestAnyStream(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	const salt = "{}[]\",:\\u0eE+-.truefalsn \t\r\n\x00\x1f\x7f\x80\xff\xc3\xe2"
	for _, stream := range streams(t) {
		lines := strings.SplitAfter(stream, "\n")
		for range rounds {
			// A few lines, some octets of them replaced, inserted or removed.
			var b []byte
			for range 1 + rnd.IntN(4) {
				b = append(b, lines[rnd.IntN(len(lines))]...)
			}
			for range rnd.IntN(6) {
				i := rnd.IntN(len(b) + 1)
				switch c := salt[rnd.IntN(len(salt))]; {
				case i == len(b) || rnd.IntN(3) == 0:
					b = slices.Insert(b, i, c)
				case rnd.IntN(2) == 0:
					b[i] = c
				default:
					j := min(len(b), i+rnd.IntN(20))
					b = slices.Delete(b, i, j)
				}
			}
			input := string(b) + "\n" + ping

			notJSON := 0
			for i, line := range strings.Split(input, "\n") {
				if i == 0 {
					line = strings.TrimPrefix(line, "\uFEFF")
				}
				if line = strings.Trim(line, " \t\r"); line != "" && (!utf8.ValidString(line) || !json.Valid([]byte(line))) {
					notJSON++
				}
			}
			s := quick()
			log := logged(s)
			got := answers(t, s, input, false)
			parseErrors := 0
			for _, line := range got {
				if strings.Contains(line, `"error":{"code":-32700,`) {
					parseErrors++
				}
			}
			if !slices.Contains(got, pong) {
				t.Errorf("the last line was not answered in %q\nfor %q", got, input)
			}
			if parseErrors != notJSON {
				t.Errorf("%d lines refused, %d are not JSON, in %q\nfor %q", parseErrors, notJSON, got, input)
			}
			if log.Len() > 0 {
				t.Errorf("logged %s\nfor %q", log, input)
			}
		}
	}
}
