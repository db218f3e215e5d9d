package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/rtp"
)

// checkKeys holds of each key of a row, and of those of its objects, that a filter has it and that the row has
// the value that is asked for. It notes the keys.
func checkKeys[T any](t *testing.T, seen map[string]bool, table *Table[T], o *Options, row T) {
	t.Helper()
	s := table.Filters(o)
	kinds := make(map[string]filter.Kind)
	for _, f := range s.Fields() {
		kinds[f.Name] = f.Kind
	}
	d := json.NewDecoder(bytes.NewReader(table.AppendJSON(nil, o, row, false)))
	d.UseNumber()
	var keys map[string]any
	if err := d.Decode(&keys); err != nil {
		t.Fatal(err)
	}
	delete(keys, "sanitised") // it is about the row, not about what it tells of
	var walk func(path string, v any)
	walk = func(path string, v any) {
		seen[path[strings.LastIndexByte(path, '.')+1:]] = true
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(path+"."+k, x)
			}
			return
		case []any:
			for _, x := range v {
				walk(path, x)
			}
			return
		}
		expr := fmt.Sprintf("%s == %v", path, v)
		if k := kinds[path]; k == filter.String || k == filter.Time {
			expr = fmt.Sprintf("%s == %q", path, v)
		}
		f, err := s.Parse(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
		} else if !f.Match(row) {
			t.Errorf("%s is not true of its row", expr)
		}
	}
	for k, v := range keys {
		walk(table.Prefix+"."+k, v)
	}
}

// TestKeys: what a row has, filters have. The keys below objects stand in two places, so that what is written by the
// functions that write them has to be in some row here.
func TestKeys(t *testing.T) {
	seen := make(map[string]bool)
	one, two := &Options{}, &Options{Files: []string{"a.pcap", "b.pcap"}}

	at := netip.MustParseAddrPort
	s := analysis.NewStream(at("192.0.2.1:4000"), at("192.0.2.9:6000"), 0xcafe, time.Time{}, time.Time{}, 97, 101)
	s.Type, s.Call, s.SentBy, s.RelayHop, s.First = 0, 1, analysis.Caller, true, analysis.Frame{File: 1, Number: 8}
	s.Control = &analysis.Control{
		CNAME: "a@b", Reports: 2, CumulativeLost: -1, LostFraction: 64, Jitter: 80, RoundTripKnown: true, RoundTrip: 1500000, Feedback: 1, SenderReports: 1, SentPackets: 7, Bye: true,
		VoIP: &rtp.VoIPMetrics{LossRate: 64, RFactor: 90, MOSListening: 41, MOSConversational: 40, RoundTrip: 9},
	}
	call := behindServer()
	call.Legs[0].First = analysis.Frame{File: 1, Number: 2}
	call.Legs[0].Transfers[0].Result = 200
	call.Links[0].Refer = analysis.Frame{Number: 7}
	m := call.Legs[0].Media
	m.HeldAt, m.HeldBy, m.Resumed = time.Unix(1795428840, 5e8), analysis.Callee, true
	m.Streams = []*analysis.Stream{s, s, s}
	m.Sessions = []*analysis.Session{{
		Protocol: "MSRP", Proto: "TCP/MSRP", OfferedBy: analysis.Caller, Offered: time.Unix(1795428841, 0), Frame: analysis.Frame{Number: 4}, Outcome: analysis.OfferRefused, Status: 488,
		Answer: analysis.Frame{File: 1, Number: 5}, Conn: analysis.ConnOpen, ConnFrame: analysis.Frame{Number: 6}, Segments: [2]int64{1, 2},
		Side: [2]analysis.Corner{{Addr: at("192.0.2.1:7000"), Described: at("10.0.0.1:7000"), Setup: "active"}, {Addr: at("192.0.2.9:7000"), Described: at("10.0.0.9:7000"), Setup: "passive"}},
	}}
	reg := &analysis.Registration{AOR: "sip:a@h", Contacts: []analysis.Binding{{URI: "sip:a@192.0.2.1", Asked: 3600, Granted: 60}}}
	x := &findings.Finding{ID: "auth-loop", Call: 1, CallID: "one", Frames: []analysis.Frame{{File: 1, Number: 17}, {File: 1, Number: 20}}}
	for _, o := range []*Options{one, two} {
		few := *o
		few.MaxStreams = 2
		checkKeys(t, seen, Calls, &few, call)
		checkKeys(t, seen, Streams, o, s)
		checkKeys(t, seen, Registrations, o, reg)
		checkKeys(t, seen, Findings, o, x)
	}

	for _, name := range []string{"baresip-call.pcapng", "media-fax.pcapng", "media-hold.pcapng", "udp-failures.pcapng", "register-digest.pcap"} {
		r, err := capture.Open(context.Background(), []string{"../../testdata/captures/" + name}, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := findings.New()
		res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Streams: true}))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range c.Finish(res) {
			checkKeys(t, seen, Findings, one, x)
		}
		for c := range res.Calls.All() {
			checkKeys(t, seen, Calls, one, c)
		}
		for _, s := range res.Streams {
			checkKeys(t, seen, Streams, one, s)
		}
		regs := res.Registrations.Reader()
		for i := range regs.Len() {
			checkKeys(t, seen, Registrations, one, regs.At(i))
		}
	}

	for _, name := range []string{"reg.contacts.expired", "stream.rtcp.reported_jitter_ms_max"} { // only an analysis makes these
		seen[name[strings.LastIndexByte(name, '.')+1:]] = true
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	writers := " dialogs legs transfers linked media mediaStreams session contacts rtcp voip payloadTypes findingFile findingFrames "
	found := 0
	look := func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok && !strings.Contains(writers, " "+f.Name.Name+" ") {
			return false
		} else if ok {
			found++
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		f, isMethod := call.Fun.(*ast.SelectorExpr)
		key, isText := call.Args[0].(*ast.BasicLit)
		if isMethod && isText && strings.Contains(" key given pair ", " "+f.Sel.Name+" ") && !seen[strings.Trim(key.Value, `"`)] {
			t.Errorf("no row here has %s, which is written: let one have it", key.Value)
		}
		return true
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, look)
	}
	if found != len(strings.Fields(writers)) {
		t.Errorf("%d functions that write keys; the test names %s", found, writers)
	}
}

// TestNoMedia: a filter sees no media where rows have none.
func TestNoMedia(t *testing.T) {
	for _, expr := range []string{"call.media", "call.media.codecs == PCMA", "call.media.endpoints.side == caller"} {
		for _, without := range []bool{false, true} {
			f, err := Calls.Filters(&Options{NoMedia: without}).Parse(expr)
			if err != nil {
				t.Fatal(err)
			}
			if f.Match(behindServer()) == without {
				t.Errorf("%s, no media %v: %v", expr, without, !without)
			}
		}
	}
}
