package siptools_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/golden"
	"github.com/sipsight/sipsight/internal/siptools"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

const manual = "../../docs/mcp.md"

// TestManual holds the transcripts of docs/mcp.md to what the tools answer: a line
//
//	> tool {arguments} | members
//
// is followed by these members of the answer; list(a b) are those members of each row.
func TestManual(t *testing.T) {
	s := server(siptools.Options{})
	golden.Play(t, golden.Names(t, manual), func(t *testing.T, text string) string {
		var out []string
		answered := false
		for line := range strings.SplitSeq(text, "\n") {
			question, asked := strings.CutPrefix(line, "    > ")
			switch {
			case asked:
				out = append(out, line, transcript(t, s, question))
				answered = true
			case answered && strings.HasPrefix(line, "    "): // what it answered before
			default:
				out = append(out, line)
				answered = false
			}
		}
		return strings.Join(out, "\n")
	})
}

// transcript plays one question.
func transcript(t *testing.T, s *mcpjsonrpc.Server, question string) string {
	t.Helper()
	tool, rest, _ := strings.Cut(question, " ")
	arguments, members, _ := strings.Cut(rest, " | ")
	var a args
	folder := testdata(t, "") + "/"
	decode(t, []byte(strings.ReplaceAll(arguments, "/captures/", folder)), &a)
	got := call(t, s, tool, a)
	var v map[string]json.RawMessage
	if got.isError {
		t.Fatalf("%s: %s", question, got.text)
	}
	decode(t, got.structured, &v)
	var lines []string
	for name := range strings.FieldsSeq(spaced(members)) {
		name, inner, isList := strings.Cut(strings.TrimSuffix(name, ")"), "(")
		value, there := v[name]
		if !there {
			t.Fatalf("%s: no %s in %s", question, name, got.text)
		}
		text := string(value)
		if isList {
			text = rowsOf(t, value, strings.Split(inner, "+"))
		}
		lines = append(lines, `"`+name+`": `+text)
	}
	body := "{" + strings.Join(lines, ",\n ") + "}"
	return "    " + strings.ReplaceAll(strings.ReplaceAll(body, folder, "/captures/"), "\n", "\n    ")
}

// spaced joins the members of rows with +, so that spaces part the members of the answer.
func spaced(s string) string {
	depth := 0
	return strings.Map(func(r rune) rune {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ' ':
			if depth > 0 {
				return '+'
			}
		}
		return r
	}, s)
}

// rowsOf writes some members of each row of a list, a row a line.
func rowsOf(t *testing.T, list json.RawMessage, members []string) string {
	t.Helper()
	var rows []map[string]json.RawMessage
	decode(t, list, &rows)
	var lines []string
	for _, row := range rows {
		var parts []string
		for _, m := range members {
			if value, there := row[m]; there {
				parts = append(parts, `"`+m+`": `+string(value))
			}
		}
		lines = append(lines, "{"+strings.Join(parts, ", ")+"}")
	}
	if len(lines) < 2 {
		return "[" + strings.Join(lines, "") + "]"
	}
	return "[\n  " + strings.Join(lines, ",\n  ") + "]"
}

// A failure is a row of the table of calls in docs/mcp.md that went wrong.
type failure struct {
	capture, call, state string
	status               int    // 0 for none
	finding              string // "" for none
	frames               []int
	because              string // how the verdict names the cause beside the status: "" for not at all
}

// failures reads that table.
func failures(t *testing.T) (list []failure) {
	t.Helper()
	b, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(b), "| capture | call | state | status | finding | frames | because |\n|---|---|---|--:|---|---|---|\n")
	if !found {
		t.Fatal("docs/mcp.md has no table of calls")
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "| \n"), "`", ""), " | ")
		if len(cells) != 7 {
			break
		}
		f := failure{capture: cells[0], call: cells[1], state: cells[2], finding: strings.Trim(cells[4], "–"), because: strings.Trim(cells[6], "–")}
		if cells[3] != "–" {
			f.status = number(t, cells[3])
		}
		for frame := range strings.SplitSeq(cells[5], ", ") {
			f.frames = append(f.frames, number(t, frame))
		}
		list = append(list, f)
	}
	return list
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWhyDidItFail asks for calls that went wrong as a model does: the summary leads to each,
// and the explanation names its cause.
func TestWhyDidItFail(t *testing.T) {
	s := server(siptools.Options{})
	own := 0
	for _, f := range failures(t) {
		t.Run(f.capture+" "+f.call, func(t *testing.T) {
			path := testdata(t, f.capture)
			if !exists(path) {
				shared := os.Getenv("SIPSIGHT_SHARED")
				if shared == "" {
					t.Skip("SIPSIGHT_SHARED does not name the folder of shared captures")
				}
				path = filepath.Join(shared, "captures", f.capture)
			} else {
				own++
			}
			checkSummary(t, s, path, &f)
			checkExplanation(t, s, path, &f)
		})
	}
	if own < 4 {
		t.Errorf("%d calls of our own", own)
	}
}

// checkSummary holds that the summary has the call, or one that went wrong in the same way,
// and says what to ask.
func checkSummary(t *testing.T, s *mcpjsonrpc.Server, path string, f *failure) {
	t.Helper()
	var sum struct {
		Failed []struct{ ID, Verdict string } `json:"failed_calls"`
		Next   []string
	}
	decode(t, call(t, s, "summarize_capture", args{"pcap_file": path}).structured, &sum)
	named := false
	for _, x := range sum.Failed {
		named = named || x.ID == f.call || f.status != 0 && strings.Contains(x.Verdict, fmt.Sprintf(" %d ", f.status))
	}
	if !named {
		t.Errorf("the summary does not tell of it: %+v", sum.Failed)
	}
	if !slices.ContainsFunc(sum.Next, func(n string) bool {
		return strings.HasPrefix(n, "explain_call call-") || strings.HasPrefix(n, "list_calls with ")
	}) {
		t.Errorf("the summary does not lead to it: %q", sum.Next)
	}
}

// checkExplanation holds that the explanation names the cause, with its proof.
func checkExplanation(t *testing.T, s *mcpjsonrpc.Server, path string, f *failure) {
	t.Helper()
	var x struct {
		State    string
		Verdict  string
		Status   int `json:"final_status"`
		Timeline []struct{ Frame int }
		Findings []struct {
			ID       string
			Frames   []int
			NextStep string `json:"next_step"`
		}
	}
	got := call(t, s, "explain_call", args{"pcap_file": path, "call": f.call})
	decode(t, got.structured, &x)
	if x.State != f.state || x.Status != f.status {
		t.Errorf("state %s, status %d", x.State, x.Status)
	}
	if f.status >= 300 && !strings.Contains(x.Verdict, fmt.Sprintf(" %d ", f.status)) {
		t.Errorf("the verdict does not name the status: %s", x.Verdict)
	}
	if (f.because == "yes") != strings.Contains(x.Verdict, " because ") || f.because == "beside" && strings.Count(x.Verdict, "; ") == 0 {
		t.Errorf("the verdict names a cause, or does not: %s", x.Verdict)
	}
	for _, frame := range f.frames {
		if f.finding == "" && !slices.ContainsFunc(x.Timeline, func(s struct{ Frame int }) bool { return s.Frame == frame }) {
			t.Errorf("frame %d is not in the timeline", frame)
		}
	}
	if f.finding == "" {
		return
	}
	for _, finding := range x.Findings {
		if finding.ID == f.finding && slices.Equal(finding.Frames, f.frames) {
			if finding.NextStep == "" {
				t.Error("the finding has no next step")
			}
			return
		}
	}
	t.Errorf("no finding %s with frames %v: %+v", f.finding, f.frames, x.Findings)
}

// TestHintsAsTheyStand: a call that is made of the words of a hint, each argument with the value behind
// its name, answers with as many rows as the summary counts.
func TestHintsAsTheyStand(t *testing.T) {
	failed := "0 A > B INVITE\n0.1 B > A 486\n0.2 A > B ACK\n"
	abandoned := "1 A > B INVITE id=2\n300 A > P OPTIONS id=3\n300.1 P > A 200\n"
	for name, c := range map[string]struct {
		text string
		hint string
		rows int
	}{
		"failed":    {failed, "list_calls with state failed: 1 of 1 calls", 1},
		"abandoned": {abandoned, "list_calls with state abandoned: 1 of 1 calls", 1},
		"both":      {failed + abandoned, `list_calls with filter call.state in {"failed", "abandoned"}: 2 of 2 calls`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			path, s := ladder(t, 1, c.text), server(siptools.Options{})
			var sum struct {
				Findings struct{ Error, Warning int }
				Next     []string
			}
			decode(t, call(t, s, "summarize_capture", args{"pcap_file": path}).structured, &sum)
			if !slices.Contains(sum.Next, c.hint) {
				t.Errorf("next is %q, without %q", sum.Next, c.hint)
			}
			for _, hint := range sum.Next {
				what, _, _ := strings.Cut(hint, ": ")
				tool, arg, given := strings.Cut(what, " with ")
				if !given {
					continue
				}
				name, value, _ := strings.Cut(arg, " ")
				got := pageOf(t, call(t, s, tool, args{"pcap_file": path, name: value}))
				want := c.rows
				if tool == "list_findings" {
					want = sum.Findings.Error + sum.Findings.Warning
				}
				if got.Total != want {
					t.Errorf("%s: %d rows, not %d", hint, got.Total, want)
				}
			}
		})
	}
}

// TestTimelineProofs: what a finding names stays in a timeline that is too long to be told whole.
func TestTimelineProofs(t *testing.T) {
	path := ladder(t, 1, "0 A > B INVITE\n0.1 B > A 200\n0.2 A > B ACK\n"+repeat(200, func(i int) string {
		if i == 90 { // below the number of the one before
			return fmt.Sprintf("%d A > B INFO cseq=50\n%[1]d.1 B > A 500\n", i+1)
		}
		return fmt.Sprintf("%d A > B INFO cseq=%d\n%[1]d.1 B > A 200\n", i+1, i+2)
	}))
	for _, detail := range []string{"summary", "full"} {
		var x struct {
			Timeline []struct {
				Frame int
				What  string
			}
			Left     int `json:"timeline_left_out"`
			Findings []struct{ Frames []int }
		}
		decode(t, call(t, server(siptools.Options{}), "explain_call", args{"pcap_file": path, "call": "call-1", "detail": detail}).structured, &x)
		shown := make(map[int]bool)
		for i, step := range x.Timeline {
			shown[step.Frame] = true
			if i > 0 && step.Frame <= x.Timeline[i-1].Frame {
				t.Errorf("%s: frame %d stands behind %d", detail, step.Frame, x.Timeline[i-1].Frame)
			}
		}
		if x.Left == 0 || x.Left+len(x.Timeline) != 403 || !shown[1] || !shown[403] || len(x.Findings) < 2 {
			t.Errorf("%s: %d messages of 403, %d left out, %d findings", detail, len(x.Timeline), x.Left, len(x.Findings))
		}
		for _, f := range x.Findings {
			for _, frame := range f.Frames {
				if !shown[frame] {
					t.Errorf("%s: the timeline lacks frame %d, which a finding names", detail, frame)
				}
			}
		}
	}
}

// TestTimelineLimit: of a call with more messages than are kept of a leg, every answer says how many it lacks.
func TestTimelineLimit(t *testing.T) {
	const kept, all = 4096, 3 + 2*2100
	path := ladder(t, 1, "0 A > B INVITE\n0.1 B > A 200\n0.2 A > B ACK\n"+repeat(2100, func(i int) string {
		return fmt.Sprintf("%d A > B INFO cseq=%d\n%[1]d.1 B > A 200\n", i+1, i+2)
	}))
	s := server(siptools.Options{})
	var x struct {
		Messages int
		Timeline []struct{ Frame int }
		Left     int `json:"timeline_left_out"`
		Note     string
	}
	decode(t, call(t, s, "explain_call", args{"pcap_file": path, "call": "call-1"}).structured, &x)
	if x.Messages != all || x.Left+len(x.Timeline) != all || !strings.Contains(x.Note, fmt.Sprintf(" %d messages behind the end of the timeline", all-kept)) {
		t.Errorf("%d messages, %d in the timeline, %d left out: %s", x.Messages, len(x.Timeline), x.Left, x.Note)
	}
	rows, left := 0, 0
	for line := range strings.Lines(call(t, s, "draw_call_flow", args{"pcap_file": path, "call": "call-1"}).text) {
		if strings.HasSuffix(line, "│\n") || strings.HasSuffix(line, "!1\n") {
			rows++
		}
		fmt.Sscanf(line, "  … and %d messages more", &left)
	}
	if rows+left != all {
		t.Errorf("a ladder of %d messages, and %d more", rows, left)
	}
}

// TestFailuresMore: of why calls failed the summary for people names the commonest, and counts the others.
func TestFailuresMore(t *testing.T) {
	path := ladder(t, 1, repeat(8, func(i int) string {
		return fmt.Sprintf("%d A > B INVITE id=c%[1]d\n%[1]d.1 B > A %d\n%[1]d.2 A > B ACK\n", i, 480+i)
	}))
	var got struct{ Contents []struct{ Text string } }
	decode(t, rpc(t, server(siptools.Options{}), "resources/read", args{"uri": "sipsight://summary" + path}), &got)
	if len(got.Contents) != 1 || !strings.Contains(got.Contents[0].Text, ", first call-6\n                and 2 more\n") {
		t.Error(got)
	}
}
