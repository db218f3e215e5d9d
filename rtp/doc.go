// Package rtp reads RTP and RTCP (RFC 3550) and measures streams of RTP packets as they
// pass a capture point.
//
// [Header] is one RTP packet, with its extensions (RFC 8285). [RTCP] is one packet of an
// RTCP compound: sender and receiver reports, source descriptions, BYE, APP, extended
// reports (RFC 3611) and feedback (RFC 4585). [Event] is a telephone event (RFC 4733).
// [Classify] tells what shares a port with them apart by the first octets (RFC 7983,
// 5761). [Stats] takes the packets of one stream in order of arrival, and [Stats.Report]
// says what was lost, repeated, reordered and late; [EModel] turns that into a MOS
// (ITU-T G.107).
//
//	var h rtp.Header
//	if h.Decode(payload) == nil {
//		stats.Add(&rtp.Sample{Arrival: arrival, Seq: h.Seq, Timestamp: h.Timestamp, ClockRate: 8000})
//	}
//
// Nothing here allocates but [Course.Points], and nothing is trusted: counts, lengths and
// padding that reach beyond the packet are refused with a [SyntaxError], and walking a
// compound always steps on. The octets returned alias those that were given.
package rtp
