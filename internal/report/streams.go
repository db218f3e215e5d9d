package report

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
)

// Streams is the listing of RTP streams.
var Streams = &Table[*analysis.Stream]{Name: "streams", Prefix: "stream", Columns: []Column[*analysis.Stream]{
	{Key: "ssrc", Brief: true, Kind: Text, Doc: "the SSRC in hexadecimal", Get: func(s *analysis.Stream) Value { return Value{Has: !s.UDPTL, Text: ssrcText(s.SSRC())} }},
	{Key: "source_ip", Brief: true, Kind: Text, Doc: "where the packets came from", Get: func(s *analysis.Stream) Value { return textOf(s.Source().Addr().String()) }},
	{Key: "source_port", Brief: true, Kind: Number, Doc: "its port", Get: func(s *analysis.Stream) Value { return intOf(int64(s.Source().Port())) }},
	{Key: "destination_ip", Brief: true, Kind: Text, Doc: "where they went to", Get: func(s *analysis.Stream) Value { return textOf(s.Destination().Addr().String()) }},
	{Key: "destination_port", Brief: true, Kind: Number, Doc: "its port", Get: func(s *analysis.Stream) Value { return intOf(int64(s.Destination().Port())) }},
	{Key: "payload_type", Brief: true, Kind: Number, Doc: "of most packets", Get: func(s *analysis.Stream) Value { return Value{Has: !s.UDPTL, Int: int64(s.Type)} }},
	{Key: "payload_types", Kind: Object, json: (*jsonWriter).payloadTypes},
	{Key: "codec", Brief: true, Kind: Captured, Doc: "what the payload type stands for", Get: func(s *analysis.Stream) Value { return textOf(s.Codec) }},
	{Key: "clock_rate", Kind: Number, Doc: "of the timestamps, in Hz", Get: func(s *analysis.Stream) Value { return countOf(s.Report().ClockRate) }},
	{Key: "clock_rate_estimated", Kind: Bool, Doc: "no session description and no table has it: timestamps were compared with the clock", Get: func(s *analysis.Stream) Value { return boolOf(s.RateEstimated && s.Report().ClockRate > 0) }},
	{Key: "packets", Brief: true, Kind: Number, Doc: "packets, duplicates included and copies left out", Get: func(s *analysis.Stream) Value { return intOf(s.Report().Packets) }},
	{Key: "expected", Kind: Number, Doc: "packets by the sequence numbers", Get: func(s *analysis.Stream) Value { return intOf(s.Report().Expected) }},
	{Key: "lost", Brief: true, Kind: Number, Doc: "of these, those that never came", Get: func(s *analysis.Stream) Value { return intOf(s.Report().Lost) }},
	{Key: "loss_percent", Brief: true, Kind: Decimal, Doc: "their share", Get: func(s *analysis.Stream) Value { r := s.Report(); return decimalOf(r.LossPercent(), 2) }},
	{Key: "loss_bursts", Kind: Number, Doc: "bursts of losses: RFC 3611, section 4.7.2", Get: func(s *analysis.Stream) Value { return intOf(s.Report().Bursts) }},
	{Key: "lost_in_bursts", Kind: Number, Doc: "packets lost in them; the others were lost alone", Get: func(s *analysis.Stream) Value { return intOf(s.Report().BurstLost) }},
	{Key: "duplicates", Brief: true, Kind: Number, Doc: "packets that came twice", Get: func(s *analysis.Stream) Value { return intOf(s.Report().Duplicates) }},
	{Key: "copies", Kind: Number, Doc: "packets that were captured twice, if any", Get: func(s *analysis.Stream) Value { return count64(int64(s.Copies)) }},
	{Key: "reordered", Brief: true, Kind: Number, Doc: "packets that others overtook", Get: func(s *analysis.Stream) Value { return intOf(s.Report().Reordered) }},
	{Key: "sequence_resets", Kind: Number, Doc: "how often the sequence numbers began anew, if ever", Get: func(s *analysis.Stream) Value { return countOf(s.Report().Resets) }},
	{Key: "timestamp_jumps", Kind: Number, Doc: "how often timestamps stepped away from the clock, if ever", Get: func(s *analysis.Stream) Value { return countOf(s.Report().Jumps) }},
	{Key: "max_delta_ms", Brief: true, Kind: Decimal, Doc: "longest time from a packet to the next", Get: func(s *analysis.Stream) Value { return roundMS(s.Report().MaxDelta, timed(s)) }},
	{Key: "mean_jitter_ms", Brief: true, Kind: Decimal, Doc: "interarrival jitter: RFC 3550, section 6.4.1", Get: func(s *analysis.Stream) Value { r := s.Report(); return roundMS(r.MeanJitter, r.Jitters > 0) }},
	{Key: "max_jitter_ms", Brief: true, Kind: Decimal, Doc: "the most of it", Get: func(s *analysis.Stream) Value { r := s.Report(); return roundMS(r.MaxJitter, r.Jitters > 0) }},
	{Key: "skew_ms", Kind: Decimal, Doc: "how much later than its timestamp says the last packet came", Get: func(s *analysis.Stream) Value { r := s.Report(); return roundMS(r.Skew, r.Jitters > 0) }},
	{Key: "clock_drift_ppm", Kind: Decimal, Doc: "how much slower the clock of the sender is, in millionths; known of longer streams", Get: func(s *analysis.Stream) Value {
		r := s.Report()
		if !r.DriftKnown {
			return Value{}
		}
		return decimalOf(r.Drift, 1)
	}},
	{Key: "ptime_ms", Kind: Decimal, Doc: "commonest step of the timestamp from packet to packet", Get: func(s *analysis.Stream) Value { d := s.Report().Interval; return roundMS(d, d > 0) }},
	{Key: "bit_rate", Kind: Number, Doc: "bits a second, headers of RTP, UDP and IP included", Get: func(s *analysis.Stream) Value {
		r := s.Report()
		rate, ok := r.BitRate()
		return Value{Has: ok, Int: int64(math.Round(rate))}
	}},
	{Key: "dscp", Kind: Number, Doc: "the class of service of the last packet: RFC 2474", Get: func(s *analysis.Stream) Value { return intOf(int64(s.Class >> 2)) }},
	{Key: "markers", Kind: Number, Doc: "packets with the marker bit", Get: func(s *analysis.Stream) Value { return intOf(s.Report().Markers) }},
	{Key: "comfort_noise", Kind: Number, Doc: "packets of comfort noise, if any", Get: func(s *analysis.Stream) Value { return count64(int64(s.Noise)) }},
	{Key: "silence_frames", Kind: Number, Doc: "packets that describe silence, if any: SID of G.729, G.723.1, AMR, EVS, DTX of Opus", Get: func(s *analysis.Stream) Value { return count64(int64(s.Silence)) }},
	{Key: "telephone_events", Kind: Number, Doc: "digits and other tones sent as events, if any: RFC 4733", Get: func(s *analysis.Stream) Value { return countOf(s.ToneCount()) }},
	{Key: "discarded", Kind: Number, Doc: "packets too late for the jitter buffer that mos assumes, of 60 ms", Get: func(s *analysis.Stream) Value { r := s.Report(); return Value{Has: r.Jitters > 0, Int: r.Discarded} }},
	{Key: "mos", Brief: true, Kind: Decimal, Doc: "estimated at the capture point by the E-model (ITU-T G.107); loss and delay behind it are not visible", Get: func(s *analysis.Stream) Value {
		m, ok := s.Quality()
		if !ok {
			return Value{}
		}
		return decimalOf(m.MOS(), 2)
	}},
	{Key: "encryption", Kind: Text, Doc: "ZRTP or DTLS-SRTP, where their handshake was seen; SRTP where the session descriptions of both sides ask for it", Get: func(s *analysis.Stream) Value { return textOf(encryptionText(s)) }},
	{Key: "start", Brief: true, Kind: Time, Doc: "the first packet", Get: func(s *analysis.Stream) Value { return timeOf(s.Begin()) }},
	{Key: "end", Brief: true, Kind: Time, Doc: "the last packet", Get: func(s *analysis.Stream) Value { return timeOf(s.End()) }},
	{Key: "first_frame", Kind: Frame, Doc: "of the first packet", Get: func(s *analysis.Stream) Value { return frameOf(s.First) }},
	{Key: "last_frame", Kind: Frame, Doc: "of the last packet", Get: func(s *analysis.Stream) Value { return frameOf(s.Last()) }},
	{Key: "call", Brief: true, Kind: Text, named: true, Doc: "the call it is of", Get: func(s *analysis.Stream) Value {
		if s.Call == 0 {
			return Value{}
		}
		return rankedOf(CallName(s.Call), s.Call)
	}},
	{Key: "sent_by", Brief: true, Kind: Text, Doc: "caller or callee of that call", Get: func(s *analysis.Stream) Value { return textOf(s.SentBy.String()) }},
	{Key: "protocol", Brief: true, Kind: Text, Doc: "UDPTL for that of a fax by T.38; absent for RTP", Get: func(s *analysis.Stream) Value { return textOf(protocolText(s)) }},
	{Key: "payload_type_changes", Kind: Number, Doc: "how often it changed from a packet to the next, if ever", Get: func(s *analysis.Stream) Value { return countOf(s.Report().TypeChanges) }},
	{Key: "previous_ssrc", Kind: Text, Doc: "of the stream on the same ports that had ended when this one began, if any", Get: func(s *analysis.Stream) Value {
		return Value{Has: s.HasPrevious, Text: ssrcText(s.PreviousSSRC)}
	}},
	{Key: "relay_hop", Kind: Bool, Doc: "no session description announces it: it is a stream of the call on another hop of a relay", Get: func(s *analysis.Stream) Value { return boolOf(s.RelayHop) }},
	{Key: "undescribed", Kind: Bool, Doc: "no session description of the call says what the payload type is", Get: func(s *analysis.Stream) Value { return boolOf(s.Undescribed()) }},
	{Key: "rtcp", Kind: Object, json: (*jsonWriter).rtcp},
}, parts: streamParts, closed: []vocabulary{
	{"sent_by", parties, ""}, {"protocol", []string{"UDPTL"}, "write not stream.protocol: RTP"}, {"encryption", []string{"ZRTP", "DTLS-SRTP", "SRTP"}, ""},
}, said: `loss_percent: loss
mean_jitter_ms: jitter jitter_ms
mos: quality
source_ip: ip source src
destination_ip: destination dst
call: call_id
sent_by: direction
start: time since until`}

// protocolText names the protocol of a stream that is not RTP.
func protocolText(s *analysis.Stream) string {
	if s.UDPTL {
		return "UDPTL"
	}
	return ""
}

func encryptionText(s *analysis.Stream) string {
	if s.Security == analysis.NoSecurity && s.Encrypted() {
		return "SRTP"
	}
	return s.Security.String()
}

func ssrcText(n uint32) string { return fmt.Sprintf("0x%08x", n) }

func timed(s *analysis.Stream) bool { return !s.Begin().IsZero() }

func count64(n int64) Value { return Value{Has: n != 0, Int: n} }

// decimalOf is a value with some digits behind the point.
func decimalOf(f float64, digits int) Value {
	p := math.Pow10(digits)
	return Value{Has: true, Float: math.Round(f*p) / p}
}

// roundMS is a duration to the microsecond: timestamps of captures have no more.
func roundMS(d time.Duration, ok bool) Value { return msOf(d.Round(time.Microsecond), ok) }

// payloadTypes writes the payload types of a stream that has several.
func (w *jsonWriter) payloadTypes(o *Options, s *analysis.Stream) {
	if len(s.Types()) < 2 {
		return
	}
	w.key("payload_types").open('[')
	for _, t := range s.Types() {
		w.int(int64(t))
	}
	w.close(']')
}

// rtcp writes what RTCP says of a stream.
func (w *jsonWriter) rtcp(o *Options, s *analysis.Stream) {
	c := s.Control
	if c == nil {
		return
	}
	w.key("rtcp").open('{')
	w.key("sender_reports").int(int64(c.SenderReports))
	if c.SenderReports > 0 {
		w.key("sent_packets").int(int64(c.SentPackets))
	}
	w.key("receiver_reports").int(int64(c.Reports))
	if c.Reports > 0 {
		w.key("reported_lost").int(int64(c.CumulativeLost))
		w.key("reported_loss_percent_max").float(decimalOf(c.LostPercent(), 2).Float)
		if rate := s.Report().ClockRate; rate > 0 {
			w.key("reported_jitter_ms_max").float(decimalOf(float64(c.Jitter)*1000/float64(rate), 3).Float)
		}
	}
	if c.RoundTripKnown {
		w.key("round_trip_ms").float(roundMS(c.RoundTrip, true).Float)
	}
	if c.VoIP != nil {
		w.voip(c)
	}
	if c.Feedback > 0 {
		w.key("feedback").int(int64(c.Feedback))
	}
	w.given("cname", []byte(c.CNAME))
	if c.Bye {
		w.key("bye").bool(true)
	}
	w.close('}')
}

// voip writes what the receiver measured: RFC 3611, section 4.7.
func (w *jsonWriter) voip(c *analysis.Control) {
	const unknown = 127
	m := c.VoIP
	w.key("voip_metrics").open('{')
	w.key("loss_percent").float(decimalOf(float64(m.LossRate)/256*100, 2).Float)
	w.key("discard_percent").float(decimalOf(float64(m.DiscardRate)/256*100, 2).Float)
	w.key("round_trip_ms").int(int64(m.RoundTrip))
	for _, x := range []struct {
		key   string
		value uint8
	}{{"mos_listening", m.MOSListening}, {"mos_conversational", m.MOSConversational}} {
		if x.value != unknown {
			w.key(x.key).float(float64(x.value) / 10)
		}
	}
	if m.RFactor != unknown {
		w.key("r_factor").int(int64(m.RFactor))
	}
	w.close('}')
}

// minEndpoint is the width below which no address and port is cut: that of IPv4.
const minEndpoint = len("192.168.100.100:50600")

// StreamColumns are the columns of the list of streams for people.
var StreamColumns = []GridColumn{
	{Head: "START", Stamp: true, Spare: 6}, {Head: "SOURCE", Min: minEndpoint}, {Head: "DESTINATION", Min: minEndpoint, Spare: 9}, {Head: "SSRC", Spare: 2},
	{Head: "CODEC", Min: 5, Spare: 7}, {Head: "PACKETS", Right: true, Spare: 5}, {Head: "LOST", Right: true, Spare: 3}, {Head: "LOSS %", Right: true},
	{Head: "MAX DELTA", Right: true, Spare: 4}, {Head: "JITTER", Right: true, Spare: 8}, {Head: "MAX", Right: true, Spare: 1}, {Head: "MOS", Right: true, Colour: mosColour}, {Head: "CALL", Spare: 10},
}

// StreamRow is a row of that list.
func StreamRow(s *analysis.Stream, o *Options) []string {
	r := s.Report()
	jitter := r.Jitters > 0
	mos, call, ssrc := "", "", ""
	if !s.UDPTL {
		ssrc = ssrcText(s.SSRC())
	}
	if m, ok := s.Quality(); ok {
		mos = strconv.FormatFloat(m.MOS(), 'f', 2, 64)
	}
	if s.Call != 0 {
		call = CallName(s.Call)
	}
	return []string{
		stampText(s.Begin()), string(words.AppendEndpoint(nil, s.Source())), string(words.AppendEndpoint(nil, s.Destination())), ssrc, clean.Text(codecText(s)),
		strconv.FormatInt(r.Packets, 10), strconv.FormatInt(r.Lost, 10), strconv.FormatFloat(r.LossPercent(), 'f', 2, 64),
		millisText(r.MaxDelta, timed(s)), millisText(r.MeanJitter, jitter), millisText(r.MaxJitter, jitter), mos, call,
	}
}

func millisText(d time.Duration, ok bool) string {
	if !ok {
		return ""
	}
	return strconv.FormatFloat(float64(d)/1e6, 'f', 2, 64)
}

// NoStreams says that there is no media, and what came near.
func NoStreams(res *analysis.Result) string {
	s := "No RTP streams were found in " + plural(res.Packets, "packet") + "."
	if res.Traffic != nil && res.Datagrams.DTLS > 0 {
		s += " There are DTLS packets."
	}
	return s
}
