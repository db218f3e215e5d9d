package fuzz

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
)

// FuzzCell: a cell of CSV is read as the text that was written, with an apostrophe in front
// where a spreadsheet would compute it.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "a", "=1+1", "+49 30", "-1", "@SUM(A1)", "\t=1", "a,b", "\"", "a\"b\r\nc", "'=1", " =1", "=cmd|'/c calc'!A1", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		b, _ = clean.AppendText(nil, b, 0) // as all text of cells is
		line := append(report.AppendCell([]byte("first,"), b), ",last\r\n"...)
		rows, err := csv.NewReader(bytes.NewReader(line)).ReadAll()
		if err != nil || len(rows) != 1 || len(rows[0]) != 3 || rows[0][0] != "first" || rows[0][2] != "last" {
			t.Fatalf("%q became %q: %q, %v", b, line, rows, err)
		}
		cell := rows[0][1]
		if computes(cell) {
			t.Fatalf("%q became %q, which a spreadsheet would compute", b, cell)
		}
		if cell != string(b) && cell != "'"+string(b) {
			t.Fatalf("%q became %q", b, cell)
		}
	})
}

// computes reports whether a spreadsheet would compute a cell.
func computes(cell string) bool { return cell != "" && strings.Contains("=+-@\t\r", cell[:1]) }

// FuzzTables: whatever a capture holds, its calls, registrations, streams and findings are
// JSON, CSV and text that may be shown, with and without secrets.
func FuzzTables(f *testing.F) {
	for _, b := range captures() {
		f.Add(b, false)
	}
	f.Add(mediaCapture(), true)
	f.Fuzz(func(t *testing.T, b []byte, secrets bool) {
		if tooLong(b) {
			return
		}
		r, err := capture.NewReader(context.Background(), bytes.NewReader(b), options)
		if err != nil {
			return
		}
		defer r.Close()
		c := findings.New()
		res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Steps: true, Streams: true}))
		if err != nil {
			t.Fatal(err)
		}
		found := c.Finish(res)
		o := &report.Options{Secrets: secrets}
		calls := slices.Collect(res.Calls.All())
		checkTable(t, report.Calls, o, calls, report.CallRow)
		checkTable(t, report.Registrations, o, slices.Collect(res.Registrations.All()), report.RegistrationRow)
		checkTable(t, report.Streams, o, res.Streams, report.StreamRow)
		checkTable(t, report.Findings, o, found, report.FindingRow)
		for _, call := range calls[:min(len(calls), 20)] {
			checkText(t, "a call", report.AppendCallText(nil, call, o, found, 0), "\n")
		}
		checkText(t, "the summary", report.AppendSummaryText(nil, res, found, o), "\n")
	})
}

// checkTable checks every form of the records of a table.
func checkTable[T any](t *testing.T, table *report.Table[T], o *report.Options, records []T, row func(T, *report.Options) []string) {
	t.Helper()
	text := table.AppendCSVHeader(nil)
	for _, x := range records {
		checkJSON(t, table.Name, table.AppendJSON(nil, o, x, true))
		text = table.AppendCSV(text, o, x)
		for _, cell := range row(x, o) {
			checkText(t, table.Name, []byte(cell), "")
		}
	}
	checkText(t, table.Name, text, "\r\n")
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 1+len(records) {
		t.Fatalf("%s: %d rows of %d records, %v: %s", table.Name, len(rows), len(records), err, show(text))
	}
	for _, row := range rows {
		for _, cell := range row {
			if _, err := strconv.ParseFloat(cell, 64); computes(cell) && err != nil {
				t.Fatalf("%s: a spreadsheet would compute %q", table.Name, cell)
			}
		}
	}
}
