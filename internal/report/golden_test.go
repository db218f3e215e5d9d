package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/golden"
	"github.com/sipsight/sipsight/internal/report"
)

// TestGoldens plays testdata/*.txt. A golden is prose, and
//
//	$ VIEW FILE...
//
// with the name of a view below and of captures in testdata/captures; what the view shows
// follows, indented, up to the next line that is not.
func TestGoldens(t *testing.T) {
	names := golden.Names(t, "testdata/*.txt")
	t.Chdir("../../testdata/captures")
	golden.Play(t, names, play)
}

// play returns the golden with what its views show today.
func play(t *testing.T, text string) string {
	var b strings.Builder
	shown := false
	for line := range strings.Lines(text) {
		if shown && (line == "\n" || strings.HasPrefix(line, "    ")) {
			continue
		}
		if shown {
			b.WriteString("\n")
		}
		shown = strings.HasPrefix(line, "$ ")
		b.WriteString(line)
		if !shown {
			continue
		}
		words := strings.Fields(line)
		for out := range strings.Lines(views[words[1]](t, words[2:])) {
			if out != "\n" {
				out = "    " + out
			}
			b.WriteString(out)
		}
	}
	return b.String()
}

// views are the ways to show captures.
var views = map[string]func(t *testing.T, files []string) string{
	"messages": func(t *testing.T, files []string) string {
		return lines(t, files, report.Options{}, 1000, (*report.Messages).AppendText)
	},
	"messages-raw": func(t *testing.T, files []string) string { // the first four
		return lines(t, files, report.Options{Raw: true}, 4, (*report.Messages).AppendText)
	},
	"messages-json": func(t *testing.T, files []string) string { // the first two
		return indent(t, lines(t, files, report.Options{}, 2, (*report.Messages).AppendLine))
	},
	"messages-csv": func(t *testing.T, files []string) string { // its line ends are CRLF
		s := string(report.AppendCSVHeader(nil)) + lines(t, files, report.Options{}, 1000, (*report.Messages).AppendCSV)
		return strings.ReplaceAll(s, "\r\n", "\n")
	},
	"analyze": func(t *testing.T, files []string) string {
		var b []byte
		r := report.NewMessages(report.Options{Files: files})
		res := run(t, files, func(m *analysis.Message) {
			if m.Number <= 5 {
				b = r.AppendText(b, m)
			}
		})
		return string(report.AppendAnalysisText(nil, res, b, 5, false))
	},
	"analyze-json": func(t *testing.T, files []string) string {
		var packets []byte
		ref := report.Reference{Files: files, Now: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), Described: 2, Note: "Two of them are shown.", NextCursor: "three"}
		r := report.NewMessages(report.Options{Files: files})
		res := run(t, files, func(m *analysis.Message) {
			if m.Number > 2 {
				return
			}
			if m.Number > 1 {
				packets = append(packets, ',')
			}
			packets = r.AppendPacket(packets, m)
		})
		if res.Statistics.Messages == 0 {
			return indent(t, string(report.AppendReferenceEmpty(nil, res, &ref, report.NoSIP(res))))
		}
		return indent(t, string(report.AppendReferenceEnd(append(report.AppendReference(nil, res, &ref), packets...), res, &ref)))
	},
	"info": func(t *testing.T, files []string) string {
		var b []byte
		for _, f := range run(t, files, nil).Files {
			b = report.AppendInfoText(b, &f)
		}
		return string(b)
	},
	"info-json": func(t *testing.T, files []string) string {
		var b []byte
		for _, f := range run(t, files, nil).Files {
			b = append(report.AppendInfo(b, &f), '\n')
		}
		return indent(t, string(b))
	},
}

// run analyses captures and calls f, if there is one, for each message.
func run(t testing.TB, files []string, f func(m *analysis.Message)) *analysis.Result {
	t.Helper()
	r, err := capture.Open(t.Context(), files, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(t.Context(), r, analysis.Options{Message: func(m *analysis.Message) error {
		if f != nil {
			f(m)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// lines shows the first messages, most of them at most.
func lines(t *testing.T, files []string, o report.Options, most int64, show func(r *report.Messages, b []byte, m *analysis.Message) []byte) string {
	var b []byte
	o.Files = files
	r := report.NewMessages(o)
	run(t, files, func(m *analysis.Message) {
		if m.Number <= most {
			b = show(r, b, m)
		}
	})
	return string(b)
}

// indent makes lines of JSON readable.
func indent(t *testing.T, s string) string {
	var b bytes.Buffer
	for line := range strings.Lines(s) {
		if err := json.Indent(&b, []byte(line), "", "  "); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	}
	return b.String() + "\n"
}
