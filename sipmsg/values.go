package sipmsg

import "bytes"

// The views below are named after the header field whose value they show, and filled by the
// Parse function of that name. They take whatever is there: a part that is missing is nil,
// and a number that is none is 0 with Has… or ok false, its text beside it.

// Number returns the value of a header field that is a number and nothing else, such as
// Max-Forwards, Expires, Min-Expires and RSeq: the first field's text, and ok if it is a
// number that fits 32 bits.
func (m *Message) Number(id ID) (text []byte, n uint32, ok bool) {
	text, _ = m.First(id)
	n, ok = Number(text)
	return text, n, ok
}

// A ReasonValue is one value of Reason: RFC 3326.
type ReasonValue struct {
	Protocol  []byte // SIP, Q.850, …
	CauseText []byte
	Cause     uint32
	HasCause  bool
	Text      []byte // without its quotes, escapes as they are
	Params    Params
}

// ParseReason scans one value of Reason.
func ParseReason(v []byte) (r ReasonValue) {
	r.Protocol, r.Params = SplitParams(v)
	r.CauseText, r.Text = r.Params.value("cause"), r.Params.value("text")
	r.Cause, r.HasCause = Number(r.CauseText)
	return r
}

// A WarningValue is one value of Warning: RFC 3261, section 20.43.
type WarningValue struct {
	CodeText []byte
	Code     uint16
	HasCode  bool   // the code has three digits
	Agent    []byte // host and port, or a pseudonym
	Text     []byte // without its quotes, escapes as they are
}

// ParseWarning scans one value of Warning.
func ParseWarning(v []byte) (w WarningValue) {
	w.CodeText, v = cutWord(trimSpace(v))
	if n, ok := Number(w.CodeText); ok && len(w.CodeText) == 3 {
		w.Code, w.HasCode = uint16(n), true
	}
	if len(v) > 0 && v[0] != '"' {
		w.Agent, v = cutWord(v)
	}
	if len(v) > 0 {
		w.Text = unquote(v)
	}
	return w
}

// cutWord cuts off what precedes white space, and the white space.
func cutWord(v []byte) (word, rest []byte) {
	n := 0
	for n < len(v) && !isSpace(v[n]) {
		n++
	}
	return v[:n:n], v[n+scanSpace(v[n:]):]
}

// A RetryAfterValue is the value of Retry-After: RFC 3261, section 20.33.
type RetryAfterValue struct {
	SecondsText []byte
	Seconds     uint32
	HasSeconds  bool
	Comment     []byte // without its outer parentheses; nil for none
	Params      Params // see Duration
}

// ParseRetryAfter scans the value of Retry-After.
func ParseRetryAfter(v []byte) (r RetryAfterValue) {
	v = trimSpace(v)
	n := scanDigits(v, 0)
	for n < len(v) && v[n] != ';' && v[n] != '(' && !isSpace(v[n]) {
		n++
	}
	r.SecondsText = v[:n:n]
	r.Seconds, r.HasSeconds = Number(r.SecondsText)
	v = v[n+scanSpace(v[n:]):]
	if len(v) > 0 && v[0] == '(' {
		n = scanComment(v)
		r.Comment = v[1:n]
		if n < len(v) {
			n++ // the parenthesis
		}
		v = v[n:]
	}
	if i := bytes.IndexByte(v, ';'); i >= 0 {
		r.Params = Params(v[i:])
	}
	return r
}

// scanComment returns the place of the parenthesis that closes the one at the start of v,
// or the end of v. Comments nest: RFC 3261, section 25.1.
func scanComment(v []byte) int {
	depth := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(v)
}

// Duration returns for how many seconds the callee will be available after that time.
func (r RetryAfterValue) Duration() (seconds uint32, present, ok bool) {
	return r.Params.Number("duration")
}

// A SessionExpiresValue is the value of Session-Expires or Min-SE: RFC 4028, sections 4 and 5.
type SessionExpiresValue struct {
	IntervalText []byte
	Interval     uint32 // in seconds
	HasInterval  bool
	Refresher    []byte // uac, uas, or nil
	Params       Params
}

// ParseSessionExpires scans the value of Session-Expires or Min-SE.
func ParseSessionExpires(v []byte) (s SessionExpiresValue) {
	s.IntervalText, s.Params = SplitParams(v)
	s.Interval, s.HasInterval = Number(s.IntervalText)
	s.Refresher = s.Params.value("refresher")
	return s
}

// A RAckValue is the value of RAck: RFC 3262, section 7.2. A number that does not fit 32
// bits keeps its text.
type RAckValue struct {
	RSeqText, CSeqText []byte
	RSeq, CSeq         uint32
	HasRSeq, HasCSeq   bool
	Method             []byte
}

// ParseRAck scans the value of RAck.
func ParseRAck(v []byte) (r RAckValue) {
	r.RSeqText, v = cutWord(trimSpace(v))
	r.CSeqText, r.Method = cutWord(v)
	r.RSeq, r.HasRSeq = Number(r.RSeqText)
	r.CSeq, r.HasCSeq = Number(r.CSeqText)
	return r
}

// A ReplacesValue names a dialog: the value of Replaces (RFC 3891), Join (RFC 3911) or
// Target-Dialog (RFC 4538). Target-Dialog says local-tag and remote-tag; its tags are those
// of who receives it, and so are to-tag and from-tag of the others.
type ReplacesValue struct {
	CallID, ToTag, FromTag []byte
	EarlyOnly              bool
	Params                 Params
}

// ParseReplaces scans a value of Replaces and its like. As a header of the URI in Refer-To
// it is escaped: undo that first, see AppendUnescaped.
func ParseReplaces(v []byte) (r ReplacesValue) {
	r.CallID, r.Params = SplitParams(v)
	if r.ToTag = r.Params.value("to-tag"); r.ToTag == nil {
		r.ToTag = r.Params.value("local-tag")
	}
	if r.FromTag = r.Params.value("from-tag"); r.FromTag == nil {
		r.FromTag = r.Params.value("remote-tag")
	}
	r.EarlyOnly = r.Params.Has("early-only")
	return r
}

// An EventValue is the value of Event: RFC 6665, section 8.2.1.
type EventValue struct {
	Package []byte // with its templates: presence.winfo
	ID      []byte
	Params  Params
}

// ParseEvent scans the value of Event.
func ParseEvent(v []byte) (e EventValue) {
	e.Package, e.Params = SplitParams(v)
	e.ID = e.Params.value("id")
	return e
}

// A SubscriptionStateValue is the value of Subscription-State: RFC 6665, section 8.2.3.
type SubscriptionStateValue struct {
	State  []byte // active, pending, terminated, …
	Reason []byte
	Params Params // see Params.Expires, and Number("retry-after")
}

// ParseSubscriptionState scans the value of Subscription-State.
func ParseSubscriptionState(v []byte) (s SubscriptionStateValue) {
	s.State, s.Params = SplitParams(v)
	s.Reason = s.Params.value("reason")
	return s
}

// A DiversionValue is one value of Diversion, the latest redirection first: RFC 5806.
type DiversionValue struct {
	Address
	Reason  []byte // unconditional, user-busy, …
	Counter uint32 // how many diversions it stands for
	Privacy []byte
}

// ParseDiversion scans one value of Diversion.
func ParseDiversion(v []byte) (d DiversionValue) {
	d.Address = ParseAddress(v)
	d.Reason = d.Params.value("reason")
	d.Counter = 1
	if n, _, ok := d.Params.Number("counter"); ok {
		d.Counter = n
	}
	d.Privacy = d.Params.value("privacy")
	return d
}

// A HistoryEntry is one value of History-Info, the first target first: RFC 7044.
type HistoryEntry struct {
	Address
	Index []byte // 1.1.2
}

// ParseHistoryInfo scans one value of History-Info.
func ParseHistoryInfo(v []byte) (h HistoryEntry) {
	h.Address = ParseAddress(v)
	h.Index = h.Params.value("index")
	return h
}

// maxCause bounds the Reason in which Cause looks, in octets without escapes; the cause
// stands at its beginning.
const maxCause = 256

// Cause returns why the request went on from this target: the cause of the Reason that the
// URI carries among its headers, or its cause parameter (RFC 4458).
func (h HistoryEntry) Cause() (cause uint32, ok bool) {
	u := ParseURI(h.URI)
	if v, has := u.Headers.Get("reason"); has {
		var room [maxCause]byte
		b := AppendUnescaped(room[:0], v[:min(len(v), maxCause)])
		if r := ParseReason(b); r.HasCause {
			return r.Cause, true
		}
	}
	cause, _, ok = u.Params.Number("cause")
	return cause, ok
}

// A SessionIDValue is the value of Session-ID: RFC 7989. Before that RFC it was one UUID
// alone.
type SessionIDValue struct {
	Local, Remote []byte // 32 hexadecimal digits each, where they are what they should be
	Params        Params
}

// ParseSessionID scans the value of Session-ID.
func ParseSessionID(v []byte) (s SessionIDValue) {
	s.Local, s.Params = SplitParams(v)
	s.Remote = s.Params.value("remote")
	return s
}

// IsNilUUID reports whether a UUID is the one that says that none is known: all zeros.
func IsNilUUID(uuid []byte) bool {
	for _, c := range uuid {
		if c != '0' {
			return false
		}
	}
	return len(uuid) == 32
}

// A UserToUserValue is one value of User-to-User: RFC 7433.
type UserToUserValue struct {
	Data                       []byte // as written; without quotes around it
	Purpose, Content, Encoding []byte
	Params                     Params
}

// ParseUserToUser scans one value of User-to-User.
func ParseUserToUser(v []byte) (u UserToUserValue) {
	u.Data, u.Params = SplitParams(v)
	u.Data = unquote(u.Data)
	u.Purpose, u.Content, u.Encoding = u.Params.value("purpose"), u.Params.value("content"), u.Params.value("encoding")
	return u
}

// A ReferToValue is the value of Refer-To: RFC 3515, and with a Replaces in its URI an
// attended transfer: RFC 3891.
type ReferToValue struct {
	Address
	Target URI
}

// ParseReferTo scans the value of Refer-To.
func ParseReferTo(v []byte) (r ReferToValue) {
	r.Address = ParseAddress(v)
	r.Target = ParseURI(r.URI)
	return r
}

// Method returns the method that the target is asked with: INVITE, unless the URI says
// otherwise.
func (r ReferToValue) Method() []byte {
	if v := r.Target.Params.value("method"); len(v) > 0 {
		return v
	}
	return inviteMethod
}

var inviteMethod = []byte("INVITE")

// AppendReplaces appends the Replaces that the target is asked with, its escapes undone:
// for ParseReplaces. ok is false if there is none.
func (r ReferToValue) AppendReplaces(dst []byte) (b []byte, ok bool) {
	v, ok := r.Target.Headers.Get("replaces")
	return AppendUnescaped(dst, v), ok
}
