package report_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/rtp"
)

// A stream of which little is known has few keys, and what comes from the wire is cleaned.
func TestStreamJSON(t *testing.T) {
	s := analysis.NewStream(netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("[2001:db8::1]:5000"), 0xcafe, time.Time{}, time.Time{}, 97, 101)
	s.Type, s.Call, s.Security, s.First = 97, 3, analysis.SecurityZRTP, analysis.Frame{Number: 1}
	s.Control = &analysis.Control{
		CNAME: "a\x1b]0;b", Reports: 2, CumulativeLost: -1, LostFraction: 64, RoundTripKnown: true, RoundTrip: 1500000, Feedback: 1, SenderReports: 1, SentPackets: 7,
		VoIP: &rtp.VoIPMetrics{LossRate: 64, RFactor: 127, MOSListening: 41, MOSConversational: 127, RoundTrip: 9},
	}
	got := string(report.Streams.AppendJSON(nil, &report.Options{}, s, false))
	for _, want := range []string{
		`"ssrc":"0x0000cafe"`, `"destination_ip":"2001:db8::1"`, `"payload_types":[97,101]`, `"encryption":"ZRTP"`, `"call":"call-3"`,
		`"rtcp":{"sender_reports":1,"sent_packets":7,"receiver_reports":2,"reported_lost":-1,"reported_loss_percent_max":25,"round_trip_ms":1.5,` +
			`"voip_metrics":{"loss_percent":25,"discard_percent":0,"round_trip_ms":9,"mos_listening":4.1},"feedback":1,"cname":"a\\x1b]0;b"}`,
		`"sanitised":true`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	for _, key := range []string{"codec", "mos", "start", "mean_jitter_ms", "clock_rate", "clock_drift_ppm", "max_delta_ms", "copies", "bit_rate", "telephone_events"} {
		if strings.Contains(got, `"`+key+`":`) {
			t.Errorf("%s of a stream without packets:\n%s", key, got)
		}
	}
	row := strings.Join(report.StreamRow(s, &report.Options{}), "|")
	if want := "--:--:--.---|192.0.2.1:4000|[2001:db8::1]:5000|0x0000cafe|type 97|0|0|0.00|||||call-3"; row != want {
		t.Errorf("row %s", row)
	}
	if got := report.NoStreams(&analysis.Result{Packets: 1, Traffic: &analysis.Traffic{Datagrams: analysis.Datagrams{DTLS: 1}}}); !strings.Contains(got, "DTLS") || !strings.Contains(got, "1 packet.") {
		t.Error(got)
	}
}

// TestFilterSSRC: an SSRC is found without its zeros, in rows and in their parts.
func TestFilterSSRC(t *testing.T) {
	f, err := report.Streams.Filters(&report.Options{}).Parse(`stream.ssrc == 0xcafe and not stream.previous_ssrc == 0x1`)
	if s := analysis.NewStream(netip.AddrPort{}, netip.AddrPort{}, 0xcafe, time.Time{}, time.Time{}, 0, 0); err != nil || !f.Match(s) {
		t.Errorf("stream.ssrc: %v", err)
	}
	if _, err := report.Calls.Filters(&report.Options{}).Parse(`call.media.streams.ssrc in {0xcafe, beef}`); err == nil {
		t.Error("call.media.streams.ssrc takes beef")
	}
}
