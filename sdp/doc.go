// Package sdp reads session descriptions: RFC 8866, and what SIP carries in them by RFC 3264
// and its many companions.
//
// It takes whatever is there. What is wrong with it is said beside, in Complaints with line
// and section, and nothing that can be shown is refused:
//
//	var s sdp.Session // one is enough for a whole capture
//	if err := s.Parse(body); err != nil {
//		return err // no line of it looks like SDP
//	}
//	for i := range s.Media {
//		m := &s.Media[i]
//		to, ok := m.Addr()
//		fmt.Println(to, ok, m.Direction(), m.IsHold(), len(m.Codecs()))
//	}
//
// Compare says what an answer makes of an offer, ChangeOf what a description changes against
// the one before of the same side.
//
// # Lifetimes
//
// All octets in a Session are parts of those given to Parse, and live until those are
// overwritten or the next Parse. Clone makes a copy that lives for itself. Parse allocates
// nothing once a Session has been used for a few descriptions, but for addresses of IPv6.
//
// # Secrets
//
// Descriptions carry keys: in a=crypto, a=key-mgmt and k=, and the password of ICE in
// a=ice-pwd. They are left out of everything that a Session holds, whatever it is printed
// with, and written as ***. That they changed is still known: ChangeOf compares their hashes.
//
// # Hostile input
//
// Nothing is trusted. Lines, media descriptions, formats and complaints are bounded by the
// constants Max…, time is linear in the number of octets, numbers that do not fit are no
// numbers. All text is that of strangers: whoever shows it has to escape it.
//
// # What descriptions are like
//
// What stands below is all seen in the field, read, and complained about where it is wrong.
//
// Static payload types have no rtpmap, or one that says what they mean anyhow:
//
//	m=audio 4000 RTP/AVP 0 8       PCMU and PCMA, as by a=rtpmap:0 PCMU/8000
//
// G.722 samples at 16000 and is written 8000, a mistake that was made into the rule (RFC
// 3551, section 4.5.2). Those who correct it are complained about, and understood:
//
//	a=rtpmap:9 G722/16000          the same codec as G722/8000
//
// Dynamic payload types mean something within one description only. The other side may
// number the same codec differently, and the number that counts is that of the receiver:
//
//	a=rtpmap:101 telephone-event/8000      of the offer
//	a=rtpmap:96 telephone-event/8000       of the answer: send 96 there, expect 101
//
// No direction means sendrecv, also in the answer to a sendonly, where it must not: many
// answer so, and mean recvonly. RuleAnswerDefault is that case alone.
//
// Hold is sendonly or inactive today. RFC 2543 had another way, which goes on living, and
// which is not to be confused with ICE that has not found its addresses yet:
//
//	c=IN IP4 0.0.0.0               on hold, with a port
//	m=audio 9 UDP/TLS/RTP/SAVPF 0  not on hold, with c=IN IP4 0.0.0.0 and a=ice-ufrag
//
// Port 0 refuses a stream, or ends it, and what else is said about it means nothing. A
// stream that is bundled with another may have port 0 in an offer all the same:
//
//	m=video 0 RTP/AVP 31           refused: its place must be kept, and nothing else
//	m=video 0 RTP/SAVPF 96         offered, with a=bundle-only
//
// Attributes of the session count for each stream that does not say otherwise: direction,
// setup, fingerprint, ice-ufrag; rtpmap never does.
//
// The version in o= is a number of any length; it is often a time in NTP's seconds, and
// grows by more than one. Compare versions with CompareVersions:
//
//	o=- 1 18446744073709551616 IN IP4 192.0.2.1
//
// User names in o= may not hold blanks, and do:
//
//	o=Main Office 5 1 IN IP4 192.0.2.1     the last five fields are counted from the end
//
// s= may not be empty, and is; a blank or - is what should be there.
//
// Names of attributes are case-significant, and written as one likes; for T.38 there are two
// spellings in the specification itself:
//
//	a=SendRecv
//	a=T38maxBitRate:14400
//	a=T38FaxFillBitRemoval:0       a flag, which should stand alone
//
// Lines end in CRLF; some end in LF, some in CR, and the last one in nothing.
//
// SRTP with keys in the description is announced as RTP/SAVP. Telephones that would like to
// encrypt, and can do without, write RTP/AVP with a=crypto: RuleCryptoClear.
//
// Addresses may be names, also in a=candidate, where browsers hide their own behind names
// that end in .local. Addr is not valid then, and the text is there.
package sdp
