// Package sipmsg scans SIP messages: RFC 3261, sections 7, 19, 20 and 25.
//
// It says what the octets of a message are; what they mean is the business of package
// analysis. Nothing is refused that can be shown: real traffic is odd, and an analyst
// wants to see it. Oddities are recorded as Quirks, and the octets stay as they were.
//
//	var m sipmsg.Message
//	if sipmsg.Sniff(payload) && m.Parse(payload) == nil {
//		callID, _ := m.First(sipmsg.CallID)
//		for v := range m.Values(sipmsg.Via) {
//			via := sipmsg.ParseVia(v)
//			…
//		}
//	}
//
// Sniff comes first: it tells SIP from everything else that travels in datagrams and
// streams, at the cost of one comparison for RTP and other binary protocols. A Framer cuts
// streams into messages.
//
// # Views
//
// Parse finds the start line, the header fields and the body, no more. What a value says is
// shown by a view, a value of its own that is filled when it is asked for: ParseURI,
// ParseVia, ParseAddress, ParseAuth, ParseReason and so on, and Message.Parts for bodies.
// They take whatever is there, and never fail. A part that is missing is nil; a number that
// is none is 0 with Has… or ok false, and its text is beside it. Only ParsePASSporT has an
// error: it decodes.
//
// # What is promised
//
// Parse does not allocate once a Message has been used for a few messages, and neither do
// the views, other than PASSporT. All that they return are parts of the octets given to
// Parse, and live until those are overwritten or the next Parse.
//
// Time is linear in the length of the message, whatever it holds: scanning passes once
// over the header section. At most MaxFields header fields are kept, and multipart bodies
// are opened down to MaxDepth.
//
// # Oddities of SIP
//
// What a reader of SIP has to know, and what this package does about it:
//
// A field may go on over several lines, each begun by a blank: RFC 3261, section 7.3.1. The
// value keeps its line ends, AppendUnfolded undoes them.
//
//	Subject: I know you're there,
//	 pick up the phone
//
// Names have no case, and twenty of them a form of one letter: Lookup knows them all. A
// method has case, so this is not an INVITE:
//
//	invite sip:bob@example.com SIP/2.0
//
// Values separated by commas and fields of the same name are one list, in order, but a comma
// inside of quotes or angle brackets separates nothing; Values tells. Where quotes are
// missing nothing can be told: this is two values, and a quirk.
//
//	Contact: "Bell, Alexander" <sip:a.g.bell@example.com>, <sip:watson@example.com>
//	Contact: Bell, Alexander <sip:a.g.bell@example.com>
//
// Without angle brackets what follows a semicolon belongs to the field, inside of them to
// the URI. The first has a tag, the second has none; ParseAddress tells them apart.
//
//	From: sip:alice@example.com;tag=1
//	From: <sip:alice@example.com;tag=1>
//
// The user part of a URI may hold semicolons, question marks and escapes, and ends at the
// first @. An escaped separator separates nothing. The host of both is example.com:
//
//	sip:user;par=u%40example.net@example.com
//	sip:sips%3Auser%40example.com@example.com
//
// An IPv6 address stands in brackets. Without them its end cannot be told from a port, and
// ParseURI takes all of it for the host. A received parameter may lack them, which is fine;
// and three colons are taken for two: RFC 5118.
//
//	sip:[2001:db8::10]:5060
//	sip:2001:db8::10
//	Via: SIP/2.0/UDP [2001:db8::9];received=2001:db8::9:255
//
// White space may stand around almost every separator, also in a Via:
//
//	Via: SIP / 2.0 / UDP first.example.com : 4000 ; ttl = 16
//
// A Via asks for rport by naming it, and is told by a value: see ViaHop.RPort.
//
//	Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport
//	Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport=5062;received=198.51.100.7
//
// A branch that does not begin with z9hG4bK, a From without a tag and a missing
// Content-Length come from before 2002. They are quirks, not mistakes.
//
// Digits alone are a number. What has a sign, a point or an exponent, or does not fit, stays
// text; a CSeq of 2^65 is never 0.
//
//	CSeq: 36893488147419103232 REGISTER
//
// In a datagram the body ends where the datagram does, whatever Content-Length says; in a
// stream Content-Length is all there is. Message.Body is what came, and a quirk says that
// the two differ.
//
// A body that has a request in it is no request: message/sipfrag in a NOTIFY tells how a
// REFER went. Message.ParseFragment reads it.
//
// Whoever keeps the octets of messages and looks again at some of them keeps their index as
// well: see Message.AppendIndex and Message.Restore.
//
// A display name, a reason phrase and a quoted parameter may hold any character of UTF-8,
// and with a backslash even NUL and ESC. Nothing here makes them fit for a terminal.
package sipmsg
