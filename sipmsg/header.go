package sipmsg

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

// The name table is a hash table without collisions: every known name has a place of
// its own, so a lookup is one comparison.
const (
	tableBits = 10
	tableMult = 45541 // found by trying: the least one that works
)

var (
	lowerNames [numIDs]string
	compactIDs [256]ID
	nameTable  [1 << tableBits]ID
)

func init() {
	for id := Accept; id < numIDs; id++ {
		lowerNames[id] = toLower(fieldNames[id].name)
		h := nameHash([]byte(lowerNames[id]))
		if nameTable[h] != Other {
			panic("sipmsg: two header names share a place; find another tableMult")
		}
		nameTable[h] = id
		if c := fieldNames[id].compact; c != 0 {
			compactIDs[c], compactIDs[c-0x20] = id, id
		}
	}
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

// nameHash maps a name of two octets or more to its place: its length and four of its
// octets, without regard to case, are enough to tell the known names apart.
func nameHash(b []byte) uint32 {
	n := len(b)
	h := uint32(b[0]|0x20) | uint32(b[n/3]|0x20)<<8 | uint32(b[n-1]|0x20)<<16 | uint32(b[n/2]|0x20)<<24
	return (h ^ uint32(n)*0x9e37) * tableMult >> (32 - tableBits)
}

// Lookup returns the ID of a header field name, compact or long, in any case.
func Lookup(name []byte) ID {
	if len(name) < 2 {
		if len(name) == 0 {
			return Other
		}
		return compactIDs[name[0]]
	}
	id := nameTable[nameHash(name)]
	if id != Other && equalFold(name, lowerNames[id]) {
		return id
	}
	return Other
}
