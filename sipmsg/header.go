package sipmsg

import "encoding/binary"

// An ID names a header field. Other is every field whose name is not known here.
type ID uint8

// The known header fields, in the order of the names on the wire.
const (
	Other ID = iota
	Accept
	AcceptContact
	AcceptEncoding
	AcceptLanguage
	AlertInfo
	Allow
	AllowEvents
	AnswerMode
	AuthenticationInfo
	Authorization
	CallID
	CallInfo
	Contact
	ContentDisposition
	ContentEncoding
	ContentLanguage
	ContentLength
	ContentType
	CSeq
	Date
	Diversion
	ErrorInfo
	Event
	Expires
	FeatureCaps
	From
	Geolocation
	HistoryInfo
	Identity
	IdentityInfo
	InReplyTo
	Join
	MaxForwards
	MIMEVersion
	MinExpires
	MinSE
	Organization
	PAccessNetworkInfo
	PAssertedIdentity
	PAssociatedURI
	PCalledPartyID
	PChargingFunctionAddresses
	PChargingVector
	PEarlyMedia
	PPreferredIdentity
	PVisitedNetworkID
	Path
	Priority
	Privacy
	ProxyAuthenticate
	ProxyAuthorization
	ProxyRequire
	RAck
	Reason
	RecordRoute
	ReferSub
	ReferTo
	ReferredBy
	RejectContact
	RemotePartyID
	Replaces
	ReplyTo
	RequestDisposition
	Require
	ResourcePriority
	RetryAfter
	Route
	RSeq
	SecurityClient
	SecurityServer
	SecurityVerify
	Server
	ServiceRoute
	SessionExpires
	SessionID
	SIPETag
	SIPIfMatch
	Subject
	SubscriptionState
	Supported
	TargetDialog
	Timestamp
	To
	Unsupported
	UserAgent
	UserToUser
	Via
	Warning
	WWWAuthenticate
	numIDs
)

// fieldNames gives each ID its name as the RFCs write it, and its compact form.
var fieldNames = [numIDs]struct {
	name    string
	compact byte
}{
	Accept:                     {"Accept", 0},
	AcceptContact:              {"Accept-Contact", 'a'},
	AcceptEncoding:             {"Accept-Encoding", 0},
	AcceptLanguage:             {"Accept-Language", 0},
	AlertInfo:                  {"Alert-Info", 0},
	Allow:                      {"Allow", 0},
	AllowEvents:                {"Allow-Events", 'u'},
	AnswerMode:                 {"Answer-Mode", 0},
	AuthenticationInfo:         {"Authentication-Info", 0},
	Authorization:              {"Authorization", 0},
	CallID:                     {"Call-ID", 'i'},
	CallInfo:                   {"Call-Info", 0},
	Contact:                    {"Contact", 'm'},
	ContentDisposition:         {"Content-Disposition", 0},
	ContentEncoding:            {"Content-Encoding", 'e'},
	ContentLanguage:            {"Content-Language", 0},
	ContentLength:              {"Content-Length", 'l'},
	ContentType:                {"Content-Type", 'c'},
	CSeq:                       {"CSeq", 0},
	Date:                       {"Date", 0},
	Diversion:                  {"Diversion", 0},
	ErrorInfo:                  {"Error-Info", 0},
	Event:                      {"Event", 'o'},
	Expires:                    {"Expires", 0},
	FeatureCaps:                {"Feature-Caps", 0},
	From:                       {"From", 'f'},
	Geolocation:                {"Geolocation", 0},
	HistoryInfo:                {"History-Info", 0},
	Identity:                   {"Identity", 'y'},
	IdentityInfo:               {"Identity-Info", 'n'},
	InReplyTo:                  {"In-Reply-To", 0},
	Join:                       {"Join", 0},
	MaxForwards:                {"Max-Forwards", 0},
	MIMEVersion:                {"MIME-Version", 0},
	MinExpires:                 {"Min-Expires", 0},
	MinSE:                      {"Min-SE", 0},
	Organization:               {"Organization", 0},
	PAccessNetworkInfo:         {"P-Access-Network-Info", 0},
	PAssertedIdentity:          {"P-Asserted-Identity", 0},
	PAssociatedURI:             {"P-Associated-URI", 0},
	PCalledPartyID:             {"P-Called-Party-ID", 0},
	PChargingFunctionAddresses: {"P-Charging-Function-Addresses", 0},
	PChargingVector:            {"P-Charging-Vector", 0},
	PEarlyMedia:                {"P-Early-Media", 0},
	PPreferredIdentity:         {"P-Preferred-Identity", 0},
	PVisitedNetworkID:          {"P-Visited-Network-ID", 0},
	Path:                       {"Path", 0},
	Priority:                   {"Priority", 0},
	Privacy:                    {"Privacy", 0},
	ProxyAuthenticate:          {"Proxy-Authenticate", 0},
	ProxyAuthorization:         {"Proxy-Authorization", 0},
	ProxyRequire:               {"Proxy-Require", 0},
	RAck:                       {"RAck", 0},
	Reason:                     {"Reason", 0},
	RecordRoute:                {"Record-Route", 0},
	ReferSub:                   {"Refer-Sub", 0},
	ReferTo:                    {"Refer-To", 'r'},
	ReferredBy:                 {"Referred-By", 'b'},
	RejectContact:              {"Reject-Contact", 'j'},
	RemotePartyID:              {"Remote-Party-ID", 0},
	Replaces:                   {"Replaces", 0},
	ReplyTo:                    {"Reply-To", 0},
	RequestDisposition:         {"Request-Disposition", 'd'},
	Require:                    {"Require", 0},
	ResourcePriority:           {"Resource-Priority", 0},
	RetryAfter:                 {"Retry-After", 0},
	Route:                      {"Route", 0},
	RSeq:                       {"RSeq", 0},
	SecurityClient:             {"Security-Client", 0},
	SecurityServer:             {"Security-Server", 0},
	SecurityVerify:             {"Security-Verify", 0},
	Server:                     {"Server", 0},
	ServiceRoute:               {"Service-Route", 0},
	SessionExpires:             {"Session-Expires", 'x'},
	SessionID:                  {"Session-ID", 0},
	SIPETag:                    {"SIP-ETag", 0},
	SIPIfMatch:                 {"SIP-If-Match", 0},
	Subject:                    {"Subject", 's'},
	SubscriptionState:          {"Subscription-State", 0},
	Supported:                  {"Supported", 'k'},
	TargetDialog:               {"Target-Dialog", 0},
	Timestamp:                  {"Timestamp", 0},
	To:                         {"To", 't'},
	Unsupported:                {"Unsupported", 0},
	UserAgent:                  {"User-Agent", 0},
	UserToUser:                 {"User-to-User", 0},
	Via:                        {"Via", 'v'},
	Warning:                    {"Warning", 0},
	WWWAuthenticate:            {"WWW-Authenticate", 0},
}

// singles marks the fields that may stand once, with one value: RFC 3261, table 2 and 3.
var singles = [numIDs]bool{
	CallID: true, ContentDisposition: true, ContentLength: true, ContentType: true, CSeq: true,
	Date: true, Event: true, Expires: true, From: true, MaxForwards: true, MIMEVersion: true,
	MinExpires: true, MinSE: true, RAck: true, ReferTo: true, Replaces: true, RetryAfter: true,
	RSeq: true, Server: true, SessionExpires: true, Subject: true, SubscriptionState: true,
	Timestamp: true, To: true, UserAgent: true,
}

// String returns the name of the field as the RFCs write it, "" for Other.
func (id ID) String() string {
	if id < numIDs {
		return fieldNames[id].name
	}
	return ""
}

// LowerName returns the name of the field in lower case, "" for Other.
func (id ID) LowerName() string {
	if id < numIDs {
		return lowerNames[id]
	}
	return ""
}

// The name table is a hash table without collisions: every known name, compact or long,
// has a place of its own, so a lookup is one comparison. Names are compared as words of
// eight octets: going through them octet by octet took half of the time of Parse.
const (
	tableBits = 10
	tableMult = 0x45a039e11454994f // found by trying
)

// A knownName is a name as two words: its first sixteen octets, which tell the known names
// apart, in lower case, with zeros behind the end.
type knownName struct {
	w0, w1       uint64
	fold0, fold1 uint64 // the bit of the case in each octet that is a letter
	len          uint32
	id           ID
}

var (
	lowerNames [numIDs]string
	knownNames [1 << 8]knownName // from 1; the first one is none
	nameTable  [1 << tableBits]uint8
)

func init() {
	knownNames[0].w0 = 1
	n := 1
	for id := Accept; id < numIDs; id++ {
		lowerNames[id] = toLower(fieldNames[id].name)
		addName(n, []byte(lowerNames[id]), id)
		n++
		if c := fieldNames[id].compact; c != 0 {
			addName(n, []byte{c}, id)
			n++
		}
	}
}

func addName(n int, name []byte, id ID) {
	k := &knownNames[n]
	k.len, k.id = uint32(len(name)), id
	k.w0, k.w1 = nameWords(name)
	k.fold0, k.fold1 = k.w0&eachLetter>>1, k.w1&eachLetter>>1
	h := nameHash(k.w0, k.w1)
	if nameTable[h] != 0 {
		panic("sipmsg: two header names share a place; find another tableMult")
	}
	nameTable[h] = uint8(n)
}

func toLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c-'A' < 26 {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// The words that hold one octet eight times.
const (
	eachOne    = 0x0101010101010101
	eachHigh   = 0x8080808080808080
	eachFold   = 0x2020202020202020
	eachLetter = 0x4040404040404040 // set in letters, not in hyphens
	eachColon  = 0x3a3a3a3a3a3a3a3a
)

// nameWords returns the first sixteen octets of a name as two words.
func nameWords(name []byte) (w0, w1 uint64) {
	var b [16]byte
	copy(b[:], name)
	return binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])
}

// nameHash maps a name as two words, in any case, to its place.
func nameHash(w0, w1 uint64) uint64 {
	return ((w0 | eachFold) + 3*(w1|eachFold)) * tableMult >> (64 - tableBits)
}

// findName returns the known name that two words are, nil for none. Where it is longer than
// they are, what is behind them has not been looked at; nor is the end, where they hold zeros.
func findName(w0, w1 uint64) *knownName {
	k := &knownNames[nameTable[nameHash(w0, w1)]]
	if w0|k.fold0 != k.w0 || w1|k.fold1 != k.w1 {
		return nil
	}
	return k
}

// colonsIn marks the octets of w that are colons; those above the first may be marked wrongly.
func colonsIn(w uint64) uint64 {
	w ^= eachColon
	return (w - eachOne) &^ w & eachHigh
}

// below returns the bits below the first octet that is marked.
func below(marks uint64) uint64 { return marks&-marks>>7 - 1 }

// Lookup returns the ID of a header field name, compact or long, in any case.
func Lookup(name []byte) ID {
	k := findName(nameWords(name))
	if k == nil || int(k.len) != len(name) || len(name) > 16 && !equalFold(name, lowerNames[k.id]) {
		return Other
	}
	return k.id
}
