package siptools_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// wholeCall is a call of which each tool has something to say.
const wholeCall = failing + `
	1    A > B INVITE sdp m=4000 id=two
	1.1  B > A 200 sdp m=5000
	1.2  A > B ACK id=two
	1.3  A:4000 > B:5000 RTP ssrc=1 n=100`

// askAll asks every tool about captures, as its only question, and gives the answers by tool.
func askAll(t *testing.T, o siptools.Options, a args, check func(tool tool, got answer)) {
	t.Helper()
	s := server(o)
	for _, tool := range tools(t) {
		b := args{}
		for k, v := range a {
			b[k] = v
		}
		if _, needs := tool.InputSchema.Properties["call"]; needs && (tool.Name == "explain_call" || tool.Name == "draw_call_flow") {
			b["call"] = "call-1"
		}
		got := call(t, s, tool.Name, b)
		if got.isError && strings.Contains(got.text, "the capture holds no calls") {
			continue
		}
		if got.isError {
			t.Fatalf("%s: %s", tool.Name, got.text)
		}
		if len(got.text) > underByDefault {
			t.Errorf("%s: %d characters", tool.Name, len(got.text))
		}
		check(tool, got)
	}
}

// TestNotEverythingWasRead: no tool is silent about a file that it could not read, or not to its
// end, and about a limit that was met. It names the first, and counts the others.
func TestNotEverythingWasRead(t *testing.T) {
	whole, err := os.ReadFile(ladder(t, 1, wholeCall))
	if err != nil {
		t.Fatal(err)
	}
	dir, outside := t.TempDir(), t.TempDir()
	at := func(dir, name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	var zip bytes.Buffer
	z := gzip.NewWriter(&zip)
	z.Write(whole)
	z.Close()
	good := at(dir, "good.pcap", whole)
	cut := at(dir, "cut.pcap", whole[:len(whole)-3])
	gz := at(dir, "cut.pcap.gz", zip.Bytes()[:zip.Len()-20])
	none := filepath.Join(dir, "none.pcap")
	other := at(outside, "other.pcap", whole)
	var flood []string
	for i := range 9000 { // inside of calls, which are waited for until they end
		flood = append(flood, fmt.Sprintf("INVITE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK%d\nFrom: <sip:a@h>;tag=%d\nTo: <sip:b@h>;tag=b\nCall-ID: %d@h\nCSeq: 1 INVITE\nContent-Length: 0\n\n", i, i, i))
	}
	var confined, small siptools.Options
	confined.Capture.Folders = []string{dir}
	small.MaxMemory = 64 << 20
	for _, x := range []struct {
		name string
		o    siptools.Options
		a    args
		want []string
	}{
		{"missing", siptools.Options{}, args{"pcap_file": good, "more_files": []string{none}}, []string{"Not everything was read: " + none + ": no such file; check the path."}},
		{"missing first", siptools.Options{}, args{"pcap_file": none, "more_files": []string{good}}, []string{"Not everything was read: " + none + ": no such file; check the path."}},
		{"outside", confined, args{"pcap_file": good, "more_files": []string{other}}, []string{"Not everything was read: " + other + ": this path is outside of the folders that may be read; give a path inside of one of them."}},
		{"cut", siptools.Options{}, args{"pcap_file": cut}, []string{"Not everything was read: " + cut + ": the file is cut off inside a packet", "(at byte "}},
		{"cut gzip", siptools.Options{}, args{"pcap_file": gz}, []string{"Not everything was read: " + gz + ": the gzip data is cut off (at byte "}},
		{"several", siptools.Options{}, args{"pcap_file": good, "more_files": []string{cut, none, gz}}, []string{"Not everything was read: " + cut + ": the file is cut off", "; and 2 more files, which capture_info names."}},
		{"limits", small, args{"pcap_file": capture(t, flood...)}, []string{"Limits of memory were met: ", "call-limit", "What was over them is not in here"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			askAll(t, x.o, x.a, func(tool tool, got answer) {
				want := x.want
				switch {
				case x.name == "limits" && tool.Name == "search_messages": // it lists them all
					want = nil
				case x.name == "limits" && tool.Name == "analyze_sip_packets":
					want = []string{"Limits of memory were met: call-id-limit. ", "call_ids lists the first ", " of more than 8388."}
				}
				checkMissing(t, tool, got, want)
				const remark = "A limit of memory was met, live-call-limit: not all retransmissions are told."
				if told := strings.Contains(got.text, remark); told != (x.name == "limits" && tool.Name == "search_messages") {
					t.Errorf("%s: retransmissions that are not told: %v", tool.Name, told)
				}
			})
		})
	}
	askAll(t, siptools.Options{}, args{"pcap_file": good}, func(tool tool, got answer) { checkMissing(t, tool, got, nil) })
}

// TestMissingStaysInBudget: the name of a file that is missing, and what follows its name, may
// take six characters for each of its own.
func TestMissingStaysInBudget(t *testing.T) {
	for _, path := range []string{ladder(t, 300, failing), ladder(t, 300, wholeCall), capture(t, hostile[1].messages()...)} {
		askAll(t, siptools.Options{}, args{"pcap_file": path, "more_files": []string{"/" + strings.Repeat("<", 1000)}}, func(tool tool, got answer) {
			checkMissing(t, tool, got, []string{"Not everything was read: /<<<"})
		})
	}
}

// checkMissing holds that an answer tells that it is not from everything, and in which words;
// without any, that it says no such thing.
func checkMissing(t *testing.T, tool tool, got answer, want []string) {
	t.Helper()
	note, complete := got.text, len(want) == 0
	if got.structured != nil {
		var v any
		decode(t, got.structured, &v)
		if faults := tool.OutputSchema.check("$", v); faults != nil {
			t.Errorf("%s: %q", tool.Name, faults)
		}
		var x struct {
			Complete *bool
			Note     string
		}
		decode(t, got.structured, &x)
		note = x.Note
		if complete != (x.Complete == nil || *x.Complete) {
			t.Errorf("%s: complete is %v in %.300s", tool.Name, !complete, got.text)
		}
		if p := tool.OutputSchema.Properties["complete"]; len(p.Type) != 1 || p.Type[0] != "boolean" {
			t.Errorf("%s: the schema of its answers has no complete", tool.Name)
		}
	}
	for _, w := range want {
		if !strings.Contains(note, w) {
			t.Errorf("%s: the note does not say %q: %s", tool.Name, w, note)
		}
	}
	if complete && (strings.Contains(note, "Not everything") || strings.Contains(note, "Limits")) {
		t.Errorf("%s: the note is %s", tool.Name, note)
	}
}

// TestNothingWrongWithTheRest: a capture that could not be read to its end is not said to be in
// order, a call that is not there may be missing, and a drawing says so in its own language.
func TestNothingWrongWithTheRest(t *testing.T) {
	b, err := os.ReadFile(testdata(t, "udp-call.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	path := file(t, b[:len(b)-100])
	s := server(siptools.Options{})
	got := call(t, s, "list_findings", args{"pcap_file": path, "severity": "error"})
	if strings.Contains(got.text, "Nothing is wrong as far") || !strings.Contains(got.text, `"complete":false`) {
		t.Error(got.text)
	}
	got = call(t, s, "explain_call", args{"pcap_file": path, "call": "call-100"})
	if !got.isError || !strings.Contains(got.text, "there is no call call-100") || !strings.Contains(got.text, "Not everything was read: "+path) {
		t.Error(got.text)
	}
	for format, want := range map[string]string{"text": "\nNot everything was read: " + path, "mermaid": "\n%% Not everything was read: " + path} {
		if got = call(t, s, "draw_call_flow", args{"pcap_file": path, "call": "call-1", "format": format}); !strings.Contains(got.text, want) {
			t.Errorf("%s: %s", format, got.text)
		}
	}
	got = call(t, s, "explain_call", args{"pcap_file": path, "call": "call-1", "detail": "full", "ladder": 0})
	if !strings.Contains(got.text, `"complete":false`) || !strings.Contains(got.text, "Not everything was read: ") {
		t.Error(got.text)
	}
}
