package export_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/export"
)

const hosts = `
	A = 10.0.0.1:5060
	P = 10.0.0.9:5060
	B = 10.0.0.2:5060
`

// call is a call through a proxy.
const call = hosts + `
	0      A > P  INVITE sdp m=4000
	0.01   P > A  100
	+.01   P > B  INVITE sdp m=4000
	1      B > P  180
	+.01   P > A  180
	3      B > P  200 sdp m=6000
	+.01   P > A  200 sdp m=6000
	+.02   A > P  ACK
	+.01   P > B  ACK
	4      A:4000 > B:6000 RTP n=5 ssrc=1
	4      B:6000 > A:4000 RTP n=5 ssrc=2
	9      B > P  BYE
	+.01   P > A  BYE
	+.01   A > P  200
	+.01   P > B  200
`

// An input is a timeline of captures in a folder.
type input struct {
	t     *testing.T
	names []string
}

// files writes captures, one a file.
func files(t *testing.T, captures ...[]byte) *input {
	t.Helper()
	in := &input{t: t}
	dir := t.TempDir()
	for i, b := range captures {
		name := filepath.Join(dir, fmt.Sprintf("%d.cap", i+1))
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		in.names = append(in.names, name)
	}
	return in
}

func packets(t *testing.T, list []capgen.Packet) *input { return files(t, capgen.Pcap(list)) }

func (in *input) open() *capture.Reader {
	in.t.Helper()
	r, err := capture.Open(in.t.Context(), in.names, capture.Options{})
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() { r.Close() })
	return r
}

func (in *input) analyze() *analysis.Result {
	in.t.Helper()
	res, err := analysis.Run(in.t.Context(), in.open(), analysis.Options{Calls: true, Steps: true, Streams: true})
	if err != nil {
		in.t.Fatal(err)
	}
	return res
}

// plan returns the plan of what choose chooses, of which all is marked.
func (in *input) plan(choose func(*analysis.Result) export.Choice) (*analysis.Result, *export.Plan) {
	in.t.Helper()
	res := in.analyze()
	c := choose(res)
	p := export.NewPlan(res, &c)
	if _, err := analysis.Run(in.t.Context(), in.open(), analysis.Options{Message: func(m *analysis.Message) error {
		p.Message(m)
		return nil
	}}); err != nil {
		in.t.Fatal(err)
	}
	if err := p.Mark(in.open()); err != nil {
		in.t.Fatal(err)
	}
	return res, p
}

// export returns what is exported of what choose chooses.
func (in *input) export(o export.Options, choose func(*analysis.Result) export.Choice) *input {
	in.t.Helper()
	var b bytes.Buffer
	res, p := in.plan(choose)
	if err := p.Copy(&b, in.open(), res.Files, &o); err != nil {
		in.t.Fatal(err)
	}
	return files(in.t, b.Bytes())
}

// all chooses every call, number the calls of those numbers.
func all(res *analysis.Result) export.Choice {
	return export.Choice{Calls: slices.Collect(res.Calls.All())}
}

func number(ids ...int) func(*analysis.Result) export.Choice {
	return func(res *analysis.Result) (c export.Choice) {
		for _, id := range ids {
			c.Calls = append(c.Calls, res.Calls.At(id-1))
		}
		return c
	}
}

// A packet is a packet as it is in a capture.
type packet struct {
	file     int
	time     time.Time
	link     uint16
	orig     int64
	data     string
	comments []string
}

func (in *input) packets() (list []packet) {
	in.t.Helper()
	r := in.open()
	for {
		p, err := r.Next()
		if err != nil {
			return list
		}
		list = append(list, packet{p.File, p.Time, p.LinkType, p.OrigLen, string(p.Data), slices.Collect(p.Comments())})
	}
}

// numbers returns which of the packets of in are those of out, from 1, in the order of out.
func numbers(in, out *input) (list []int) {
	in.t.Helper()
	from, n := in.packets(), 0
	for i, p := range out.packets() {
		for ; ; n++ {
			if n == len(from) {
				in.t.Fatalf("packet %d of the export is none of the capture, or not in its order", i+1)
			}
			if q := from[n]; q.time.Equal(p.time) && q.link == p.link && q.orig == p.orig && q.data == p.data {
				break
			}
		}
		n++
		list = append(list, n)
	}
	return list
}

// describe tells all that is known of the calls but for the numbers of frames.
func describe(res *analysis.Result) (list []string) {
	for c := range res.Calls.All() {
		var b strings.Builder
		for _, l := range c.Legs {
			state := fmt.Sprintf("%v unfinished=%v", l.State, l.Unfinished)
			if l.State == analysis.StateAbandoned || l.State == analysis.StateTrying || l.State == analysis.StateEarly {
				state = "no final response" // which of them depends on how long the capture goes on
			}
			fmt.Fprintf(&b, "%s %s>%s %s %v>%v %s %s run=%v ended=%v/%v final=%d %s attempts=%d\n", l.CallID, l.From, l.To, l.RequestURI,
				l.Source, l.Destination, l.Transport, state, l.Running, l.EndedBy, l.ByBye, l.FinalStatus, l.FinalReason, l.Attempts)
			fmt.Fprintln(&b, l.Begin, l.Last, l.Invited, l.Ringing, l.Answered, l.Final, l.Ended, l.ByeTook, l.Messages, l.Retransmissions, l.Hops, l.Dialogs, l.UserAgents)
			for _, s := range l.Steps {
				fmt.Fprintln(&b, s.Time, s.From, s.To, s.Request, s.Method, s.Status, s.Reason, s.CSeq, s.Body, s.Media, s.Resent.Number != 0, s.InDialog, s.Partial)
			}
		}
		list = append(list, b.String())
	}
	return list
}

// same holds that the calls of two timelines are the same.
func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d calls, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("call %d is\n%s\nwant\n%s", i+1, got[i], want[i])
		}
	}
}

// at returns packets of one link type, the first of them that long after the start, 10 ms
// apart.
func at(seconds float64, link uint16, data ...string) (list []capgen.Packet) {
	for i, d := range data {
		when := capgen.Start.Add(time.Duration(seconds*1e9) + time.Duration(i)*10*time.Millisecond)
		list = append(list, capgen.Packet{Time: when, Link: link, Data: d})
	}
	return list
}

// inOrder sorts packets by time.
func inOrder(lists ...[]capgen.Packet) []capgen.Packet {
	list := slices.Concat(lists...)
	slices.SortStableFunc(list, func(a, b capgen.Packet) int { return a.Time.Compare(b.Time) })
	return list
}

// ipOf returns the IP packet of an Ethernet frame without tags.
func ipOf(frame string) string { return frame[14:] }

func invite(id string) string {
	return "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK" + id + "\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: " + id + "\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
}

func answer(id string, status string) string {
	return "SIP/2.0 " + status + "\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK" + id + "\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=2\r\nCall-ID: " + id + "\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
}

// readable returns a capture, nil for a file that is none.
func readable(t *testing.T, b []byte) *input {
	in := files(t, b)
	r, err := capture.Open(t.Context(), in.names, capture.Options{})
	if err != nil {
		return nil
	}
	r.Close()
	return in
}
