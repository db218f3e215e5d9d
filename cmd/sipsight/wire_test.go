package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A wireCase is what must be found in one of the shared captures that were written octet by
// octet.
type wireCase struct {
	Packets  *int64        `json:"packets"`
	Count    int           `json:"count"`
	Messages []wireMessage `json:"messages"`
	Notes    []string      `json:"notes"`
	Time     bool          `json:"grade_time"`
}

// A wireMessage is one message of it; nil is what is not fixed, or not there.
type wireMessage struct {
	Frame      int64               `json:"frame"`
	Frames     []int64             `json:"frames"`
	FrameAny   []int64             `json:"frame_any"`
	Src        string              `json:"src"`
	SrcPort    int                 `json:"sport"`
	Dst        string              `json:"dst"`
	DstPort    int                 `json:"dport"`
	Transport  string              `json:"transport"`
	Method     *string             `json:"method"`
	Status     *int                `json:"status"`
	CallID     *string             `json:"call_id"`
	CSeq       *string             `json:"cseq"`
	BodyLength *int                `json:"body_length"`
	Timestamp  *string             `json:"timestamp"`
	Partial    *bool               `json:"partial"`
	Copy       bool                `json:"copy"`
	Optional   bool                `json:"optional"`
	Headers    map[string][]string `json:"headers"`
}

// A line is what messages --json says of one message.
type line struct {
	Frame         int64   `json:"frame"`
	Frames        []int64 `json:"frames"`
	Time          moment  `json:"time"`
	Src           string  `json:"source_ip"`
	SrcPort       int     `json:"source_port"`
	Dst           string  `json:"destination_ip"`
	DstPort       int     `json:"destination_port"`
	Transport     string  `json:"transport"`
	Method        string  `json:"method"`
	RequestURI    string  `json:"request_uri"`
	Status        int     `json:"status_code"`
	Reason        string  `json:"reason_phrase"`
	CallID        string  `json:"call_id"`
	CSeq          string  `json:"cseq"`
	CSeqNumber    *int64  `json:"cseq_number"`
	CSeqMethod    string  `json:"cseq_method"`
	FromTag       string  `json:"from_tag"`
	ToTag         string  `json:"to_tag"`
	UserAgent     string  `json:"user_agent"`
	Server        string  `json:"server"`
	ContentType   string  `json:"content_type"`
	ContentLength *int64  `json:"content_length"`
	BodyLength    int     `json:"body_length"`
	Vias          int     `json:"via_count"`
	Partial       bool    `json:"partial"`
	CopyOf        *int64  `json:"copy_of"`
	Raw           string  `json:"raw"`
}

// linesOf returns what messages --json says of a capture.
func linesOf(t *testing.T, file string) (list []line) {
	t.Helper()
	r := sipsight(t, "messages", "--json", "--raw", file)
	for s := range strings.Lines(r.out) {
		var l line
		if err := json.Unmarshal([]byte(s), &l); err != nil {
			t.Fatalf("%v: %s", err, s)
		}
		list = append(list, l)
	}
	return list
}

// sharedDir returns a folder of the shared captures.
func sharedDir(t *testing.T, name string) string {
	t.Helper()
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: there are no shared captures")
	}
	return filepath.Join(shared, name)
}

func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestWire: in every one of these captures all messages are found, and nothing else: in
// order, with their addresses, packets, bodies and times, marked where they are cut or
// copies; and what happened on the wire is said.
func TestWire(t *testing.T) {
	dir := sharedDir(t, "wire")
	var cases map[string]wireCase
	readJSON(t, filepath.Join(dir, "expected.json"), &cases)
	if len(cases) < 50 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name)
			want := cases[name]
			compareWire(t, linesOf(t, file), want)
			var info struct {
				Packets int64    `json:"packets"`
				Notes   []string `json:"notes"`
			}
			if err := json.Unmarshal([]byte(sipsight(t, "info", "--json", file).out), &info); err != nil {
				t.Fatal(err)
			}
			if want.Packets != nil && info.Packets != *want.Packets {
				t.Errorf("%d packets, want %d", info.Packets, *want.Packets)
			}
			for _, n := range want.Notes {
				if !slices.Contains(info.Notes, n) {
					t.Errorf("the note %s is missing among %v", n, info.Notes)
				}
			}
		})
	}
}

// compareWire compares messages one by one. Those that are cut may stand anywhere.
func compareWire(t *testing.T, got []line, want wireCase) {
	t.Helper()
	whole := 0
	for _, l := range got {
		if l.CopyOf == nil && !l.Partial {
			whole++
		}
	}
	if whole != want.Count {
		t.Errorf("%d whole messages, want %d", whole, want.Count)
	}
	isCut := func(l line) bool { return l.Partial }
	for _, w := range want.Messages {
		i := slices.IndexFunc(got, func(l line) bool { return l.is(w) })
		switch {
		case i < 0 && w.Optional:
			continue
		case i < 0:
			t.Errorf("not found: %s", w)
			continue
		case !got[i].Partial && slices.IndexFunc(got, func(l line) bool { return !isCut(l) }) != i:
			t.Errorf("out of order: %s", w)
		}
		for _, d := range got[i].differences(w, want.Time) {
			t.Errorf("%s: %s", w, d)
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, l := range got {
		t.Errorf("not expected: %+v", l)
	}
}

func (w wireMessage) String() string {
	s := "?"
	if w.Method != nil {
		s = *w.Method
	} else if w.Status != nil {
		s = strconv.Itoa(*w.Status)
	}
	return fmt.Sprintf("%s in frame %d", s, w.Frame)
}

func (w wireMessage) cut() bool { return w.Partial != nil && *w.Partial }

// is reports whether l can be the message w.
func (l *line) is(w wireMessage) bool {
	return (w.Method == nil || *w.Method == l.Method) && (w.Status == nil || *w.Status == l.Status) &&
		(w.CallID == nil || *w.CallID == l.CallID) && w.Copy == (l.CopyOf != nil) &&
		(w.Frame == l.Frame || slices.Contains(w.FrameAny, l.Frame) || w.cut()) // which of its octets are shown is up to us
}

// differences compares l with the message w in all that is fixed.
func (l *line) differences(w wireMessage, timed bool) (list []string) {
	differ := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			list = append(list, fmt.Sprintf("%s is %v, want %v", what, got, want))
		}
	}
	cut := w.cut()
	if w.Partial != nil || !w.Optional {
		differ("partial", l.Partial, cut)
	}
	differ("source", l.Src, w.Src)
	differ("source port", l.SrcPort, w.SrcPort)
	differ("destination", l.Dst, w.Dst)
	differ("destination port", l.DstPort, w.DstPort)
	differ("transport", l.Transport, w.Transport)
	if w.Frames != nil && !cut {
		differ("frames", l.Frames, w.Frames)
	}
	if w.BodyLength != nil {
		differ("body length", l.BodyLength, *w.BodyLength)
	}
	if w.CSeq != nil {
		differ("CSeq", l.CSeq, *w.CSeq)
	} else if !cut {
		differ("CSeq", l.CSeq, "")
	}
	if w.CallID == nil && !cut {
		differ("Call-ID", l.CallID, "")
	}
	for name, values := range w.Headers {
		var got []string
		for s := range strings.Lines(l.Raw) {
			if field, value, _ := strings.Cut(s, ": "); field == name {
				got = append(got, strings.TrimSpace(value))
			}
		}
		differ(name, got, values)
	}
	if timed && w.Timestamp != nil {
		differ("time", l.Time.UnixNano(), *w.Timestamp)
	}
	return list
}
