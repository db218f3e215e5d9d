// Package sipmsg scans SIP messages: RFC 3261, sections 7, 19, 20 and 25.
//
// It says what the octets of a message are; what they mean is the business of package
// analysis. Nothing is refused that can be shown: real traffic is odd, and an analyst
// wants to see it. Oddities are recorded as Quirks, and the octets stay as they were.
//
//	var m sipmsg.Message
//	if sipmsg.Sniff(payload) && m.Parse(payload) == nil {
//		callID, _ := m.First(sipmsg.CallID)
//		for via := range m.Values(sipmsg.Via) {
//			…
//		}
//	}
//
// Parse does not allocate once a Message has been used for a few messages. All that a
// Message returns are parts of the octets given to Parse, and live until those are
// overwritten or the next Parse.
//
// Sniff comes first: it tells SIP from everything else that travels in datagrams and
// streams, at the cost of one comparison for RTP and other binary protocols.
//
// Time is linear in the length of the message, whatever it holds: scanning passes once
// over the header section. At most MaxFields header fields are kept.
package sipmsg
