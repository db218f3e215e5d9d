package sdp

import "fmt"

// A Complaint says where a description is not as a specification has it. Descriptions
// with complaints are everyday: they say what to look at, not what to refuse.
type Complaint struct {
	Line int // counted from 1; 0 for the description as a whole
	Rule Rule
}

// String gives, for example, "line 4: m= has no format (RFC 8866, section 5.14)".
func (c Complaint) String() string {
	if c.Line == 0 {
		return fmt.Sprintf("%s (%s)", c.Rule, c.Rule.RFC())
	}
	return fmt.Sprintf("line %d: %s (%s)", c.Line, c.Rule, c.Rule.RFC())
}

// A Rule is what a description, an answer or a later description can offend.
type Rule uint8

// The rules of one description.
const (
	_ Rule = iota
	// Lines.
	RuleLineEnd        // a line ends in LF or CR alone
	RuleLastLine       // the last line has no end
	RuleLine           // a line is no letter, equals sign and value
	RuleEmptyLine      // an empty line
	RuleLetter         // a letter that means nothing
	RuleOrder          // a line stands behind one that it must stand ahead of
	RuleTwice          // a line twice that may stand once
	RuleSpace          // white space where one space or none belongs
	RuleNUL            // a NUL
	RuleLineLimit      // over MaxLines lines
	RuleComplaintLimit // over MaxComplaints complaints

	// Lines that are missing.
	RuleNoVersion
	RuleNoOrigin
	RuleNoName
	RuleNoTime
	RuleNoConnection

	// Lines of the session.
	RuleVersion    // v= is not 0
	RuleOrigin     // o= has not six fields
	RuleOriginUser // the user name of o= holds blanks, or is missing
	RuleSessionID  // the session id of o= is no number
	RuleSessVer    // the version of o= is no number
	RuleName       // s= is empty
	RuleConnection // c= has not three fields
	RuleAddrType   // an address that its type does not fit
	RuleTTL        // a multicast address without TTL, or a unicast one with it
	RuleAddrCount  // a count of addresses that is no number above 0
	RuleManyConn   // several c= in a media description without multicast
	RuleBandwidth  // b= is no type, colon and number
	RuleTime       // t= is not two numbers
	RuleRepeat     // r= or z= without t=
	RuleKey        // k= is obsolete

	// Media.
	RuleMedia       // m= has not four fields
	RulePort        // a port that is no number up to 65535
	RulePortCount   // a count of ports that is no number above 0
	RuleNoFormat    // m= has no format
	RuleFormat      // a format of RTP that is no payload type
	RuleFormatTwice // a format twice
	RuleFormatLimit // over MaxFormats formats
	RuleMediaLimit  // over MaxMedia media descriptions

	// Attributes.
	RuleAttribute     // a= has no name, or no colon behind it
	RuleAttributeCase // a known attribute in other case
	RuleDirection     // two directions in one description
	RuleRtpmap        // rtpmap is not payload type, name and clock rate
	RuleRtpmapTwice   // a payload type is mapped twice
	RuleRtpmapUnused  // rtpmap of a payload type that m= does not list
	RuleNoRtpmap      // a payload type that means nothing without rtpmap
	RuleStatic        // rtpmap gives a static payload type another meaning
	RuleG722          // G722 with a clock rate other than 8000
	RuleFmtp          // fmtp is not a format and parameters
	RuleFmtpUnused    // fmtp of a format that m= does not list
	RulePtime         // ptime or maxptime is no number above 0
	RulePtimeMax      // ptime is over maxptime
	RuleRTCP          // rtcp is no port, or an address that cannot be
	RuleCandidate     // candidate lacks parts
	RuleCrypto        // crypto is not tag, suite and key
	RuleCryptoClear   // crypto on a profile without encryption
	RuleNoKeying      // a secure profile without crypto, fingerprint or other keys
	RuleFingerprint   // fingerprint is not a hash and its octets
	RuleSetup         // a setup role that is none
	RuleNoSetup       // fingerprint without setup
	RuleMidTwice      // two media descriptions with one mid
	RuleGroupMid      // a group names a mid that no media description has

	// An answer against its offer.
	RuleAnswerCount     // the answer has another number of media descriptions
	RuleAnswerMedia     // another kind of media stands at that place
	RuleAnswerProto     // another transport
	RuleAnswerSecurity  // SAVP answered AVP, or the reverse
	RuleAnswerNoFormat  // an accepted stream without a format of the offer
	RuleAnswerDirection // a direction that the offer does not allow
	RuleAnswerDefault   // no direction, which means sendrecv, where the offer does not allow that
	RuleAnswerDisabled  // a stream offered with port 0 is accepted
	RuleAnswerSetup     // both sides wait, or both connect, or the answer leaves it open
	RuleAnswerCrypto    // the answer's crypto tag and suite are none of the offer's
	RuleAnswerGroup     // the answer groups what the offer did not

	// Notes about an answer: unusual, and allowed.
	RuleNoteProfile // AVP answered AVPF, or SAVP with and without DTLS, or the reverse
	RuleNoteNumber  // a codec has another payload type in the answer
	RuleNoteEvents  // tones, noise and repair are all there is in common

	// A description against the one before of the same side.
	RuleChangeSame    // other content, the same version
	RuleChangeLowered // a lower version
	RuleChangeStep    // a version raised by more than one, or without need
	RuleChangeOrigin  // another origin
	RuleChangeMedia   // fewer media descriptions
	RuleChangeNumber  // a payload type means another codec than before

	numRules = iota
)

const (
	rfc8866 = "RFC 8866, section "
	rfc3264 = "RFC 3264, section "
)

// rules are the ids, sentences and sections of the rules.
var rules = [numRules]struct{ id, what, rfc string }{
	RuleLineEnd:        {"line-end", "a line ends in LF or CR alone", rfc8866 + "5"},
	RuleLastLine:       {"last-line-end", "the last line has no end", rfc8866 + "9"},
	RuleLine:           {"line", "a line is no letter, equals sign and value", rfc8866 + "5"},
	RuleEmptyLine:      {"empty-line", "an empty line", rfc8866 + "9"},
	RuleLetter:         {"letter", "a letter that means nothing", rfc8866 + "5"},
	RuleOrder:          {"order", "the line stands behind one that it must stand ahead of", rfc8866 + "5"},
	RuleTwice:          {"twice", "the line may stand once", rfc8866 + "9"},
	RuleSpace:          {"space", "white space where one space or none belongs", rfc8866 + "5"},
	RuleNUL:            {"nul", "the line holds a NUL", rfc8866 + "9"},
	RuleLineLimit:      {"line-limit", "too many lines, the rest is left out", rfc8866 + "5"},
	RuleComplaintLimit: {"complaint-limit", "too many complaints, the rest is left out", rfc8866 + "5"},

	RuleNoVersion:    {"no-version", "there is no v=", rfc8866 + "5.1"},
	RuleNoOrigin:     {"no-origin", "there is no o=", rfc8866 + "5.2"},
	RuleNoName:       {"no-name", "there is no s=", rfc8866 + "5.3"},
	RuleNoTime:       {"no-time", "there is no t=", rfc8866 + "5.9"},
	RuleNoConnection: {"no-connection", "there is no c= for this media description", rfc8866 + "5.7"},

	RuleVersion:    {"version", "v= is not 0", rfc8866 + "5.1"},
	RuleOrigin:     {"origin", "o= has not six fields", rfc8866 + "5.2"},
	RuleOriginUser: {"origin-user", "the user name of o= holds blanks or is missing", rfc8866 + "5.2"},
	RuleSessionID:  {"session-id", "the session id of o= is no number", rfc8866 + "5.2"},
	RuleSessVer:    {"session-version", "the version of o= is no number", rfc8866 + "5.2"},
	RuleName:       {"name", "s= is empty", rfc8866 + "5.3"},
	RuleConnection: {"connection", "c= has not three fields", rfc8866 + "5.7"},
	RuleAddrType:   {"address-type", "the address does not fit its type", rfc8866 + "5.7"},
	RuleTTL:        {"ttl", "a TTL belongs to IPv4 multicast, and to nothing else", rfc8866 + "5.7"},
	RuleAddrCount:  {"address-count", "the count of addresses is no number above 0", rfc8866 + "5.7"},
	RuleManyConn:   {"many-connections", "several c= without multicast", rfc8866 + "5.7"},
	RuleBandwidth:  {"bandwidth", "b= is no type, colon and number", rfc8866 + "5.8"},
	RuleTime:       {"time", "t= is not two numbers", rfc8866 + "5.9"},
	RuleRepeat:     {"repeat", "r= or z= without t=", rfc8866 + "9"},
	RuleKey:        {"key", "k= is obsolete", rfc8866 + "5.12"},

	RuleMedia:       {"media", "m= has not four fields", rfc8866 + "5.14"},
	RulePort:        {"port", "the port is no number up to 65535", rfc8866 + "5.14"},
	RulePortCount:   {"port-count", "the count of ports is no number above 0", rfc8866 + "5.14"},
	RuleNoFormat:    {"no-format", "m= has no format", rfc8866 + "5.14"},
	RuleFormat:      {"format", "a format of RTP is no payload type", rfc8866 + "5.14"},
	RuleFormatTwice: {"format-twice", "m= lists a format twice", rfc8866 + "5.14"},
	RuleFormatLimit: {"format-limit", "too many formats, the rest is left out", rfc8866 + "5.14"},
	RuleMediaLimit:  {"media-limit", "too many media descriptions, the rest is left out", rfc8866 + "5.14"},

	RuleAttribute:     {"attribute", "a= has no name, or no colon behind it", rfc8866 + "5.13"},
	RuleAttributeCase: {"attribute-case", "the name of the attribute is spelled in other case", rfc8866 + "5"},
	RuleDirection:     {"direction-twice", "a second direction", rfc8866 + "6.7"},
	RuleRtpmap:        {"rtpmap", "rtpmap is not payload type, name and clock rate", rfc8866 + "6.6"},
	RuleRtpmapTwice:   {"rtpmap-twice", "the payload type is mapped twice", rfc8866 + "6.6"},
	RuleRtpmapUnused:  {"rtpmap-unused", "m= does not list the payload type", rfc8866 + "6.6"},
	RuleNoRtpmap:      {"no-rtpmap", "a payload type that means nothing without rtpmap", rfc8866 + "5.14"},
	RuleStatic:        {"static", "the payload type has another meaning by itself", "RFC 3551, section 6"},
	RuleG722:          {"g722-clock", "the clock rate of G722 is 8000", "RFC 3551, section 4.5.2"},
	RuleFmtp:          {"fmtp", "fmtp is not a format and its parameters", rfc8866 + "6.15"},
	RuleFmtpUnused:    {"fmtp-unused", "m= does not list the format", rfc8866 + "6.15"},
	RulePtime:         {"ptime", "the packet time is no number above 0", rfc8866 + "6.4"},
	RulePtimeMax:      {"ptime-max", "ptime is over maxptime", rfc8866 + "6.5"},
	RuleRTCP:          {"rtcp", "rtcp is not a port, or not an address behind it", "RFC 3605, section 2.1"},
	RuleCandidate:     {"candidate", "candidate lacks parts", "RFC 8839, section 5.1"},
	RuleCrypto:        {"crypto", "crypto is not tag, suite and key", "RFC 4568, section 4"},
	RuleCryptoClear:   {"crypto-clear", "crypto on a profile without encryption", "RFC 4568, section 4"},
	RuleNoKeying:      {"no-keying", "a secure profile without keys or fingerprint", "RFC 4568, section 5.1.1; RFC 5763, section 5"},
	RuleFingerprint:   {"fingerprint", "fingerprint is not a hash and its octets", "RFC 8122, section 5"},
	RuleSetup:         {"setup", "setup is not active, passive, actpass or holdconn", "RFC 4145, section 4"},
	RuleNoSetup:       {"no-setup", "fingerprint without setup", "RFC 5763, section 5"},
	RuleMidTwice:      {"mid-twice", "the mid stands in two media descriptions", "RFC 5888, section 4"},
	RuleGroupMid:      {"group-mid", "group names a mid that no media description has", "RFC 5888, section 5"},

	RuleAnswerCount:     {"answer-count", "the answer has another number of media descriptions", rfc3264 + "6"},
	RuleAnswerMedia:     {"answer-media", "another kind of media stands at that place", rfc3264 + "6"},
	RuleAnswerProto:     {"answer-proto", "another transport than offered", rfc3264 + "6.1"},
	RuleAnswerSecurity:  {"answer-security", "SAVP answered AVP, or the reverse", rfc3264 + "6.1"},
	RuleAnswerNoFormat:  {"answer-format", "accepted without a format of the offer", rfc3264 + "6.1"},
	RuleAnswerDirection: {"answer-direction", "the offer does not allow that direction", rfc3264 + "6.1"},
	RuleAnswerDefault:   {"answer-direction-default", "no direction means sendrecv, which the offer does not allow", rfc3264 + "6.1"},
	RuleAnswerDisabled:  {"answer-disabled", "a stream offered with port 0 is accepted", rfc3264 + "8.2"},
	RuleAnswerSetup:     {"answer-setup", "the setup roles do not fit each other", "RFC 4145, section 4.1"},
	RuleAnswerCrypto:    {"answer-crypto", "the crypto of the answer is none of the offer", "RFC 4568, section 5.1.2"},
	RuleAnswerGroup:     {"answer-group", "the answer groups what the offer did not", "RFC 5888, section 9.2"},

	RuleNoteProfile: {"note-profile", "another profile that understands the offered one", rfc3264 + "6.1"},
	RuleNoteNumber:  {"note-number", "a codec has another payload type in the answer", rfc3264 + "6.1"},
	RuleNoteEvents:  {"note-events", "tones, noise or repair are all there is in common", rfc3264 + "6.1"},

	RuleChangeSame:    {"change-same-version", "other content with the same version in o=", rfc3264 + "8"},
	RuleChangeLowered: {"change-lowered-version", "the version in o= is lower than before", rfc3264 + "8"},
	RuleChangeStep:    {"change-step", "the version in o= is raised by more than one, or without other content", rfc3264 + "8"},
	RuleChangeOrigin:  {"change-origin", "o= is of another session than before", rfc3264 + "8"},
	RuleChangeMedia:   {"change-media", "fewer media descriptions than before", rfc3264 + "8"},
	RuleChangeNumber:  {"change-number", "a payload type means another codec than before", rfc3264 + "8.3.2"},
}

func (r Rule) entry() (id, what, rfc string) {
	if r == 0 || r >= numRules {
		return "none", "no rule", "none"
	}
	e := &rules[r]
	return e.id, e.what, e.rfc
}

// ID returns the short name of the rule, for example "no-format".
func (r Rule) ID() string { id, _, _ := r.entry(); return id }

// String returns what is wrong, as half a sentence.
func (r Rule) String() string { _, what, _ := r.entry(); return what }

// RFC returns where the rule stands, for example "RFC 8866, section 5.14".
func (r Rule) RFC() string { _, _, rfc := r.entry(); return rfc }
