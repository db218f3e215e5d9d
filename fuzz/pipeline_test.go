package fuzz

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/pcapfile"
)

// outputs is everything that is told about a timeline, and why not.
type outputs struct {
	lines     []byte // a JSON object a line
	info      []byte // likewise, for each file
	reference []byte // one JSON object
	text      []byte
	table     []byte // CSV
	err       string
}

func (o *outputs) each(f func(what string, b []byte)) {
	f("the lines", o.lines)
	f("the info", o.info)
	f("the reference result", o.reference)
	f("the text", o.text)
	f("the table", o.table)
	f("the error", []byte(o.err))
}

// tell tells all about a timeline.
func tell(t *testing.T, r *capture.Reader, err error, secrets bool) (o outputs) {
	t.Helper()
	if err != nil {
		o.err = err.Error()
		return o
	}
	defer r.Close()
	var names []string
	for _, f := range r.Files() {
		names = append(names, f.Name)
	}
	lines := report.NewMessages(report.Options{Files: names, Raw: true, Secrets: secrets})
	packets := report.NewMessages(report.Options{Files: names, Secrets: secrets})
	text := report.NewMessages(report.Options{Files: names, Raw: true, Secrets: secrets})
	table := report.NewMessages(report.Options{Files: names, Secrets: secrets})
	o.table = report.AppendCSVHeader(nil)
	var body []byte
	ref := report.Reference{Files: names, Now: sometime}
	res, err := analysis.Run(context.Background(), r, analysis.Options{Message: func(m *analysis.Message) error {
		o.lines = lines.AppendLine(o.lines, m)
		o.text = text.AppendText(o.text, m)
		o.table = table.AppendCSV(o.table, m)
		if m.IsCopy() {
			return nil
		}
		if ref.Described++; ref.Described > 1 {
			body = append(body, ',')
		}
		body = packets.AppendPacket(body, m)
		return nil
	}})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	for i := range res.Files {
		f := &res.Files[i]
		if !f.Capture.Complete() {
			f.Capture.Size = 0 // of a stream: how much was taken from it before the damage showed
		}
		o.info = append(report.AppendInfo(o.info, f), '\n')
		o.text = report.AppendInfoText(o.text, f)
	}
	o.text = report.AppendAnalysisText(o.text, res, nil, 0, false)
	if res.Statistics.Messages == 0 {
		o.reference = report.AppendReferenceEmpty(nil, res, &ref, report.NoSIP(res))
	} else {
		o.reference = append(report.AppendReference(nil, res, &ref), body...)
		o.reference = report.AppendReferenceEnd(o.reference, res, &ref)
	}
	return o
}

func tellStream(t *testing.T, in io.Reader) outputs {
	t.Helper()
	r, err := capture.NewReader(context.Background(), in, options)
	return tell(t, r, err, false)
}

// sameOutputs checks that two outputs are the same.
func sameOutputs(t *testing.T, what string, a, b outputs) {
	t.Helper()
	var all [][]byte
	b.each(func(_ string, x []byte) { all = append(all, x) })
	a.each(func(name string, x []byte) {
		if !bytes.Equal(x, all[0]) {
			t.Fatalf("%s: %s differ %s", what, name, differ(string(x), string(all[0])))
		}
		all = all[1:]
	})
}

// checkOutputs checks that outputs are what programs and people may be given.
func checkOutputs(t *testing.T, o outputs) {
	t.Helper()
	if o.err != "" {
		return
	}
	for line := range bytes.Lines(o.lines) {
		checkJSON(t, "a line", bytes.TrimSuffix(line, []byte("\n")))
	}
	for line := range bytes.Lines(o.info) {
		checkJSON(t, "the info", bytes.TrimSuffix(line, []byte("\n")))
	}
	checkJSON(t, "the reference result", o.reference)
	checkText(t, "the text", o.text, "\n")
	checkText(t, "the table", o.table, "\r\n")
	rows, err := csv.NewReader(bytes.NewReader(o.table)).ReadAll()
	if err != nil || bytes.Count(o.table, []byte("\r\n")) != len(rows) || bytes.Count(o.table, []byte("\n")) != len(rows) {
		t.Fatalf("%d rows, %v: %s", len(rows), err, show(o.table))
	}
	if len(rows)-1 != bytes.Count(o.lines, []byte("\n")) {
		t.Fatalf("%d rows, %d lines", len(rows)-1, bytes.Count(o.lines, []byte("\n")))
	}
	for _, row := range rows {
		for _, cell := range row {
			if computes(cell) {
				t.Fatalf("a spreadsheet would compute %q", cell)
			}
		}
	}
}

// FuzzPipeline: whatever a file holds, what is told about it is JSON, CSV and text that may
// be shown; the same on a second run, and however the file was read.
func FuzzPipeline(f *testing.F) {
	for _, b := range captures() {
		f.Add(b)
	}
	for _, m := range messages() {
		if len(m) < 60000 {
			f.Add(pcap(pcapfile.Header{LinkType: 1}, [][]byte{ether(0, ip4(17, udp(string(m))))}))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		o := tellStream(t, bytes.NewReader(b))
		checkOutputs(t, o)
		sameOutputs(t, "a second run", o, tellStream(t, bytes.NewReader(b)))
		sameOutputs(t, "octet by octet", o, tellStream(t, iotest.OneByteReader(bytes.NewReader(b))))
		r, err := capture.NewReader(context.Background(), bytes.NewReader(b), options)
		checkOutputs(t, tell(t, r, err, true))
	})
}

// FuzzTimeline: two captures are one timeline, which a slow merge makes too; a capture that
// is split between any two of its packets is the same timeline as the whole.
func FuzzTimeline(f *testing.F) {
	list := captures()
	for i, b := range list {
		f.Add(b, list[(i+1)%len(list)], uint16(i))
	}
	dir := f.TempDir()
	names := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	open := func(t *testing.T, a, b []byte) (*capture.Reader, error) {
		for i, content := range [][]byte{a, b} {
			if err := os.WriteFile(names[i], content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return capture.Open(context.Background(), names, options)
	}
	f.Fuzz(func(t *testing.T, a, b []byte, split uint16) {
		if tooLong(a, b) {
			return
		}
		r, err := open(t, a, b)
		both := read(t, r, err)
		x, y := readStream(t, bytes.NewReader(a)), readStream(t, bytes.NewReader(b))
		if (both.err == "") != (x.err == "" || y.err == "") {
			t.Fatalf("both %q, one %q, the other %q", both.err, x.err, y.err)
		}
		if want := merge(x.packets, y.packets); !slices.Equal(both.packets, want) {
			t.Fatalf("%s\nslowly %s", show(both.packets), show(want))
		}
		if both.err == "" {
			r, err := open(t, a, b)
			o := tell(t, r, err, false)
			checkOutputs(t, o)
			r, err = open(t, a, b)
			sameOutputs(t, "a second run", o, tell(t, r, err, false))
		}
		if front, rest, ok := splitPcap(t, a, int(split)); ok {
			r, err := open(t, front, rest)
			parts := read(t, r, err)
			for i := range parts.packets {
				p := &parts.packets[i]
				p.Frame += int64(p.File) * parts.files[0].Packets
				p.File = 0
			}
			if !slices.Equal(parts.packets, x.packets) {
				t.Fatalf("in parts %s\nwhole %s", show(parts.packets), show(x.packets))
			}
		}
	})
}

// merge merges two captures by time; where the times are equal the first goes first.
func merge(a, b []seen) (list []seen) {
	b = slices.Clone(b)
	for i := range b {
		b[i].File = 1
	}
	for len(a)+len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && !a[0].Time.After(b[0].Time) {
			list, a = append(list, a[0]), a[1:]
		} else {
			list, b = append(list, b[0]), b[1:]
		}
	}
	return list
}

// splitPcap splits a pcap file in which time does not go back behind its n-th packet.
func splitPcap(t *testing.T, b []byte, n int) (front, rest []byte, ok bool) {
	x := readPcap(t, bytes.NewReader(b), 0)
	if len(x.packets) == 0 || len(x.notes) > 0 {
		return nil, nil, false
	}
	for i := range x.packets[1:] {
		if x.packets[i+1].Time.Before(x.packets[i].Time) {
			return nil, nil, false
		}
	}
	at := x.packets[n%len(x.packets)].Offset
	return b[:at], slices.Concat(b[:24], b[at:]), true
}

// FuzzFormats: the same packets make the same messages, in pcap, pcapng and snoop.
func FuzzFormats(f *testing.F) {
	for _, b := range captures() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		x := readStream(t, bytes.NewReader(b))
		var packets [][]byte
		for _, p := range x.packets {
			if p.LinkType == 1 {
				packets = append(packets, []byte(p.Data))
			}
		}
		if len(packets) == 0 {
			return
		}
		want := tellStream(t, bytes.NewReader(pcap(pcapfile.Header{LinkType: 1}, packets)))
		for _, other := range [][]byte{pcapngOf(packets), snoop(packets)} {
			if got := tellStream(t, bytes.NewReader(other)); !bytes.Equal(got.lines, want.lines) {
				t.Fatal(differ(string(got.lines), string(want.lines)))
			}
		}
	})
}
