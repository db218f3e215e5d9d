package analysis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
)

// A truth is what the capture generator says it wrote.
type truth struct {
	Packets      int64            `json:"packets"`
	Messages     int64            `json:"messages"`
	MessageBytes int64            `json:"message_bytes"`
	MessageSum   uint64           `json:"message_crc32c_sum"`
	Requests     int64            `json:"requests"`
	Responses    int64            `json:"responses"`
	Methods      map[string]int64 `json:"methods"`
	Statuses     map[string]int64 `json:"statuses"`
	CallIDs      int              `json:"unique_call_ids"`
	CallIDSum    uint64           `json:"call_id_crc32c_sum"`
	callTruth
}

// A callTruth is what the generator says of its calls. Times are in microseconds.
type callTruth struct {
	Calls     int            `json:"calls"`
	Outcomes  map[string]int `json:"call_outcomes"`
	RegOK     int            `json:"registrations_ok"`
	RegFailed int            `json:"registrations_failed"`
	Setup     extent         `json:"setup_us"`
	Delay     extent         `json:"ring_us"`
	Talk      extent         `json:"talk_us"`
	streamTruth
	Sample []sample `json:"sample"`
}

// A streamTruth is what the generator says of its media.
type streamTruth struct {
	RTP     int64 `json:"rtp_packets"`
	Streams int64 `json:"rtp_streams"`
	Lost    int64 `json:"rtp_lost"`
	RTCP    int64 `json:"rtcp_packets"`
}

// An extent is the sum and the extremes of durations in microseconds.
type extent struct {
	N, Sum, Min, Max int64
}

func (e *extent) add(d time.Duration, ok bool) {
	us := d.Microseconds()
	switch {
	case !ok:
		return
	case e.N == 0:
		e.Min, e.Max = us, us
	}
	e.Min, e.Max = min(e.Min, us), max(e.Max, us)
	e.N++
	e.Sum += us
}

// within reports whether e and f are of the same durations, each of which may be off by
// slack microseconds.
func (e *extent) within(f *extent, slack int64) bool {
	off := func(a, b, by int64) bool { return a-b > by || b-a > by }
	return e.N == f.N && !off(e.Sum, f.Sum, e.N*slack) && !off(e.Min, f.Min, slack) && !off(e.Max, f.Max, slack)
}

// A sample is one call of the generator.
type sample struct {
	CallID   string `json:"call_id"`
	Outcome  string `json:"outcome"`
	From     string `json:"from"`
	To       string `json:"to"`
	Messages int    `json:"messages"`
	Invite   int64  `json:"invite_us"`
	Ring     int64  `json:"ring_us"`
	Answer   int64  `json:"answer_us"`
	Bye      int64  `json:"bye_us"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// TestGeneratorTruth reads generated captures and compares what was found with what was
// written, to the last octet: the sums are independent of order and cover every message.
// SIPSIGHT_TRUTH_SIZE makes the captures larger than the few megabytes of a quick run.
func TestGeneratorTruth(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: there is no generator")
	}
	dir := t.TempDir()
	gen := filepath.Join(dir, "gen")
	build := exec.Command("go", "build", "-o", gen, ".")
	build.Dir = filepath.Join(shared, "bench", "gen")
	build.Env = append(os.Environ(), "GOARCH=", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the generator: %v\n%s", err, out)
	}
	size := os.Getenv("SIPSIGHT_TRUTH_SIZE")
	if size == "" {
		size = "4MB"
	}
	for _, kind := range []string{"sip-udp", "sip-tcp", "v6frag", "pcapng", "rtp"} {
		for seed := 1; seed <= 3; seed++ {
			size := size
			if kind == "rtp" && seed > 1 {
				size = "100KB" // there are twenty octets of media to one of SIP
			}
			t.Run(fmt.Sprintf("%s/%d", kind, seed), func(t *testing.T) {
				file, truthFile := filepath.Join(dir, "a.pcap"), filepath.Join(dir, "a.json")
				out, err := exec.Command(gen, "-kind", kind, "-size", size, "-seed", strconv.Itoa(seed), "-cps", "200", "-o", file, "-truth", truthFile).CombinedOutput()
				if err != nil {
					t.Fatalf("generating: %v\n%s", err, out)
				}
				compareWithTruth(t, kind, file, truthFile)
			})
		}
	}
}

func compareWithTruth(t *testing.T, kind, file, truthFile string) {
	t.Helper()
	var want, got truth
	b, err := os.ReadFile(truthFile)
	if err == nil {
		err = json.Unmarshal(b, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := capture.Open(context.Background(), []string{file}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	copies := 0
	res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true, Streams: true, Message: func(m *analysis.Message) error {
		if m.IsCopy() {
			copies++
			return nil
		}
		if m.Partial {
			t.Errorf("partial message in frame %d", m.Frame.Number)
		}
		got.MessageBytes += int64(len(m.SIP.Raw()))
		got.MessageSum += uint64(crc32.Checksum(m.SIP.Raw(), castagnoli))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := &res.Statistics
	got.Packets, got.Messages, got.Requests, got.Responses = res.Packets, s.Messages, s.Requests, s.Responses
	got.Methods, got.CallIDs = s.Methods, len(s.CallIDs)
	got.Statuses = map[string]int64{}
	for code, n := range s.Statuses {
		got.Statuses[strconv.Itoa(code)] = n
	}
	for _, id := range s.CallIDs {
		got.CallIDSum += uint64(crc32.Checksum([]byte(id), castagnoli))
	}
	if copies != 0 {
		t.Errorf("%d messages were taken for copies; there are none", copies)
	}
	if !maps.Equal(got.Methods, want.Methods) || !maps.Equal(got.Statuses, want.Statuses) {
		t.Errorf("methods %v and statuses %v, want %v and %v", got.Methods, got.Statuses, want.Methods, want.Statuses)
	}
	compareCalls(t, res, &want.callTruth, kind)
	media := streamsFound(res.Traffic)
	// What is lost behind the last packet of a stream leaves no gap in its numbers: of a
	// hundred streams not one ends so.
	if unseen := want.Lost - media.Lost; unseen >= 0 && unseen <= want.Streams/100 {
		media.Lost = want.Lost
	}
	if media != want.streamTruth {
		t.Errorf("media %+v, want %+v", media, want.streamTruth)
	}
	got.Methods, got.Statuses, want.Methods, want.Statuses = nil, nil, nil, nil
	want.callTruth = callTruth{}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// streamsFound counts as the generator does.
func streamsFound(tr *analysis.Traffic) streamTruth {
	got := streamTruth{RTP: tr.Datagrams.RTP, Streams: tr.Datagrams.Streams, RTCP: tr.Datagrams.RTCP}
	for _, s := range tr.Streams {
		got.Lost += s.Report().Lost
	}
	return got
}

// slack is how far a time may be from that of the generator, in microseconds: over TCP it
// says when the application sent, and of fragments when the first was sent.
var slack = map[string]int64{"sip-tcp": 180_000, "v6frag": 64}

func compareCalls(t *testing.T, res *analysis.Result, want *callTruth, kind string) {
	t.Helper()
	got := callTruth{Outcomes: map[string]int{}}
	byID := map[string]*analysis.Leg{}
	for c := range res.Calls.All() {
		got.Calls++
		l := c.First()
		byID[l.CallID] = l
		got.Outcomes[outcomeOf(l)]++
		got.Setup.add(l.SetupTime())
		got.Delay.add(l.PostDialDelay())
		got.Talk.add(l.TalkTime())
		if len(c.Legs) != 1 {
			t.Errorf("call of %s was joined with %s for %v", l.CallID, c.Legs[1].CallID, c.Legs[1].Joins)
		}
	}
	for r := range res.Registrations.All() { // in a large capture some register twice, from two places
		got.RegOK += r.Attempts - r.Challenges - r.Failures
		got.RegFailed += r.Failures
		if ok := r.Outcome == analysis.RegRegistered; ok != (r.Failures == 0) {
			t.Errorf("%s: %v with %d failures", r.AOR, r.Outcome, r.Failures)
		}
	}
	if got.Calls != want.Calls || !maps.Equal(got.Outcomes, want.Outcomes) {
		t.Errorf("%d calls with outcomes %v, want %d with %v", got.Calls, got.Outcomes, want.Calls, want.Outcomes)
	}
	if got.RegOK != want.RegOK || got.RegFailed != want.RegFailed {
		t.Errorf("%d registrations and %d that failed, want %d and %d", got.RegOK, got.RegFailed, want.RegOK, want.RegFailed)
	}
	for _, e := range []struct {
		what      string
		got, want *extent
	}{{"setup", &got.Setup, &want.Setup}, {"post-dial delay", &got.Delay, &want.Delay}, {"talk", &got.Talk, &want.Talk}} {
		if !e.got.within(e.want, slack[kind]) {
			t.Errorf("%s times %+v, want %+v", e.what, *e.got, *e.want)
		}
	}
	for i := range want.Sample {
		s := &want.Sample[i]
		l := byID[s.CallID]
		if l == nil {
			t.Errorf("call %s is not listed", s.CallID)
			continue
		}
		near := func(what string, at time.Time, us int64) {
			if d := at.UnixMicro() - us; us != 0 && (d > slack[kind] || d < -slack[kind]) || at.IsZero() != (us == 0) {
				t.Errorf("call %s: %s at %v, want %v", s.CallID, what, at, time.UnixMicro(us).UTC())
			}
		}
		near("INVITE", l.Invited, s.Invite)
		near("ringing", l.Ringing, s.Ring)
		near("answer", l.Answered, s.Answer)
		if s.Bye != 0 {
			near("BYE", l.Ended, s.Bye)
		}
		if o := outcomeOf(l); o != s.Outcome || l.Messages != s.Messages {
			t.Errorf("call %s: %s with %d messages, want %s with %d", s.CallID, o, l.Messages, s.Outcome, s.Messages)
		}
	}
}

// outcomeOf names the outcome of a call as the generator does.
func outcomeOf(l *analysis.Leg) string {
	switch l.State {
	case analysis.StateCompleted, analysis.StateConfirmed:
		return "answered"
	case analysis.StateFailed:
		return strconv.Itoa(l.FinalStatus)
	}
	return l.State.String()
}
