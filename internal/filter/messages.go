package filter

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/sipmsg"
)

// Messages returns the schema of SIP messages. The names are Wireshark's, and so is what
// they mean: differences are listed in docs/filters.md.
func Messages() *Schema[*analysis.Message] { return messages() }

var messages = sync.OnceValue(func() *Schema[*analysis.Message] {
	s := NewSchema[*analysis.Message]("")
	addFrame(s)
	addNetwork(s)
	addStartLine(s)
	addURIs(s)
	addVia(s)
	addFieldParts(s)
	addHeaders(s)
	addSDP(s)
	s.Usual("sip.Method", "sip.Status-Code", "sip.Call-ID", "sip.from.user", "sip.to.user", "sip.CSeq.method", "ip.addr", "frame.number", "frame.time", "sip.resend")
	s.Said(messagesSaid)
	return s
})

// NeedsCalls reports whether a filter asks for what only an analysis with calls tells of messages.
func NeedsCalls(f *Filter[*analysis.Message]) bool { return f != nil && f.root.asksForRepeats() }

func (n *node) asksForRepeats() bool {
	return strings.HasPrefix(n.test.name, "sip.resend") || slices.ContainsFunc(n.kids, (*node).asksForRepeats)
}

const messagesSaid = `sip.Status-Code: status status_code code
sip.Status-Line: reason_phrase
sip.Request-Line: start_line
sip.r-uri: request_uri ruri
sip.from.user: user caller from_user
sip.to.user: callee called to_user
sip.from.tag: from_tag
sip.to.tag: to_tag
sip.Via.branch: branch
sip.CSeq.method: cseq_method
sip.CSeq.seq: cseq_number
sip.User-Agent: ua
sip.reason_cause_q850: cause
sip.resend: retransmission retransmissions
sip.resend-original: retransmission_of
frame.number: number
frame.time: time start since until
ip.src: source source_ip src_ip
ip.dst: destination destination_ip dst_ip
sdp.mime.type: codec`

func addFrame(s *Schema[*analysis.Message]) {
	s.Add(Field{"frame", Present, "any message", ""}, func(m *analysis.Message, v *Values) { v.Present() })
	s.Add(Field{"frame.number", Frame, "the packet that completes the message, in its file; 2:17 is that of the second file", "frame.number in {17, 20 .. 29}"}, func(m *analysis.Message, v *Values) {
		v.Frame(m.Frame.File, m.Frame.Number)
	})
	s.Add(Field{"frame.time", Time, "the time of that packet", ""}, frameTime)
	s.Add(Field{"frame.time_epoch", Epoch, "the same in seconds since 1970", ""}, frameTime)
}

func frameNumber(n int64) uint32 { return uint32(min(n, 1<<32-1)) }

func frameTime(m *analysis.Message, v *Values) {
	if m.HasTime {
		v.Time(m.Time)
	}
}

// addNetwork adds the fields of the network and transport layers: the innermost, where
// the message came through a tunnel.
func addNetwork(s *Schema[*analysis.Message]) {
	for _, p := range []struct {
		name, doc string
		kind      Kind
		is        func(netip.Addr) bool
	}{
		{"ip", "IPv4", IPv4, func(a netip.Addr) bool { return a.Unmap().Is4() }},
		{"ipv6", "IPv6", IPv6, func(a netip.Addr) bool { return a.IsValid() && !a.Unmap().Is4() }},
	} {
		add := func(name string, k Kind, doc string, src, dst bool) {
			s.Add(Field{p.name + name, k, doc, ""}, func(m *analysis.Message, v *Values) {
				if !p.is(m.Source.Addr()) {
					return
				}
				if k == Present {
					v.Present()
					return
				}
				if src {
					v.Address(m.Source.Addr())
				}
				if dst {
					v.Address(m.Destination.Addr())
				}
			})
		}
		add("", Present, "it came over "+p.doc, false, false)
		add(".addr", p.kind, "source and destination address", true, true)
		add(".src", p.kind, "source address", true, false)
		add(".dst", p.kind, "destination address", false, true)
	}
	for _, p := range []struct {
		name, doc  string
		transports []string
	}{
		{"udp", "UDP", []string{"UDP"}},
		{"tcp", "TCP, also TLS or WebSocket over it", []string{"TCP", "TLS", "WS", "WSS"}},
		{"sctp", "SCTP", []string{"SCTP"}},
	} {
		add := func(name string, k Kind, doc string, src, dst bool) {
			s.Add(Field{p.name + name, k, doc, ""}, func(m *analysis.Message, v *Values) {
				if !contains(p.transports, m.Transport) {
					return
				}
				if k == Present {
					v.Present()
					return
				}
				if src {
					v.Number(uint32(m.Source.Port()))
				}
				if dst {
					v.Number(uint32(m.Destination.Port()))
				}
			})
		}
		add("", Present, "it came over "+p.doc, false, false)
		add(".port", Port, "source and destination port", true, true)
		add(".srcport", Port, "source port", true, false)
		add(".dstport", Port, "destination port", false, true)
	}
	s.Add(Field{"websocket", Present, "it came over WebSocket", ""}, func(m *analysis.Message, v *Values) {
		if m.Transport == "WS" || m.Transport == "WSS" {
			v.Present()
		}
	})
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func addStartLine(s *Schema[*analysis.Message]) {
	add := func(name string, k Kind, doc, example string, get func(*sipmsg.Message, *Values)) {
		s.Add(Field{name, k, doc, example}, func(m *analysis.Message, v *Values) { get(m.SIP, v) })
	}
	add("sip", Protocol, "any message; its whole text", `sip contains "b2bua"`, func(m *sipmsg.Message, v *Values) {
		v.whole(m, 0)
	})
	add("sip.Request", Present, "a request (Wireshark: sip.Request-Line)", "", func(m *sipmsg.Message, v *Values) {
		if m.IsRequest() {
			v.Present()
		}
	})
	add("sip.Response", Present, "a response (Wireshark: sip.Status-Line)", "", func(m *sipmsg.Message, v *Values) {
		if !m.IsRequest() {
			v.Present()
		}
	})
	add("sip.Request-Line", String, "the first line of a request", "", func(m *sipmsg.Message, v *Values) {
		if m.IsRequest() {
			v.uris(m.StartLine)
		}
	})
	add("sip.Method", String, "the method of a request", `sip.Method in {"INVITE", "BYE"}`, func(m *sipmsg.Message, v *Values) {
		if m.IsRequest() {
			v.Text(m.Method)
		}
	})
	add("sip.Status-Line", String, "the first line of a response", "", func(m *sipmsg.Message, v *Values) {
		if !m.IsRequest() {
			v.uris(m.StartLine)
		}
	})
	add("sip.Status-Code", Number, "the code of a response", "sip.Status-Code in {400 .. 699}", func(m *sipmsg.Message, v *Values) {
		if n, ok := sipmsg.Number(m.StatusText); ok && !m.IsRequest() {
			v.Number(n)
		}
	})
	s.Add(Field{"sip.resend", Bool, "it is a retransmission", ""}, func(m *analysis.Message, v *Values) { v.Bool(m.RetransmissionOf.Number != 0) })
	s.Add(Field{"sip.resend-original", Number, "the packet with what it repeats, in its file", "sip.resend-original == 17"}, func(m *analysis.Message, v *Values) {
		if n := m.RetransmissionOf.Number; n != 0 {
			v.Number(frameNumber(n))
		}
	})
	add("sip.msg_hdr", String, "all that follows the first line: header and, as in Wireshark, body", `sip.msg_hdr contains "X-Tenant: 7"`, func(m *sipmsg.Message, v *Values) {
		v.whole(m, lineLen(m))
	})
	add("sip.msg_body", Present, "it has a body", "", func(m *sipmsg.Message, v *Values) {
		if len(m.Body) > 0 {
			v.Present()
		}
	})
}

// lineLen returns the length of the start line with its line end.
func lineLen(m *sipmsg.Message) int {
	raw, n := m.Raw(), len(m.StartLine)
	for n < len(raw) && raw[n] == '\r' {
		n++
	}
	if n < len(raw) && raw[n] == '\n' {
		n++
	}
	return n
}

// whole takes the text of a message but for its first n octets, which end before or at
// the first header field.
func (v *Values) whole(m *sipmsg.Message, n int) {
	raw := m.Raw()
	if n == len(raw) && n > 0 {
		return
	}
	if !v.secrets && !v.onlyPresence() {
		cut := n > 0
		v.masked = clean.AppendMessage(v.masked[:0], m)
		raw = v.masked
		if cut { // the start line may have changed its length
			if n = bytes.IndexByte(raw, '\n') + 1; n == 0 {
				return
			}
		}
	}
	v.Text(raw[n:])
}

// uris takes a text that may hold URIs with passwords.
func (v *Values) uris(b []byte) { v.Text(v.clean(b)) }

// clean returns a text without the passwords of its URIs. It is valid until the next call
// of clean or value.
func (v *Values) clean(b []byte) []byte {
	if v.secrets || v.onlyPresence() {
		return b
	}
	v.masked = clean.AppendURIs(v.masked[:0], b)
	return v.masked
}

// value returns the value of a header field, unfolded and without secrets. It is valid
// until the next call of clean or value.
func (v *Values) value(id sipmsg.ID, b []byte) []byte {
	switch {
	case !v.secrets:
		v.masked = clean.AppendValue(v.masked[:0], sipmsg.Field{ID: id, Value: b})
		return v.masked
	case bytes.IndexByte(b, '\n') >= 0:
		v.masked = sipmsg.AppendUnfolded(v.masked[:0], b)
		return v.masked
	}
	return b
}

// headers are the header fields that have a name in Wireshark, and that name where it is
// not the field's own.
var headers = []struct {
	id   sipmsg.ID
	kind Kind
	name string
}{
	{sipmsg.Accept, String, ""}, {sipmsg.AcceptContact, String, ""}, {sipmsg.AcceptEncoding, String, ""}, {sipmsg.AcceptLanguage, String, ""},
	{sipmsg.AlertInfo, String, ""}, {sipmsg.Allow, String, ""}, {sipmsg.AllowEvents, String, ""}, {sipmsg.AnswerMode, String, ""},
	{sipmsg.AuthenticationInfo, String, ""}, {sipmsg.Authorization, String, ""}, {sipmsg.CallID, String, ""}, {sipmsg.CallInfo, String, ""},
	{sipmsg.Contact, String, ""}, {sipmsg.ContentDisposition, String, ""}, {sipmsg.ContentEncoding, String, ""}, {sipmsg.ContentLanguage, String, ""},
	{sipmsg.ContentLength, Number, ""}, {sipmsg.ContentType, String, ""}, {sipmsg.CSeq, String, ""}, {sipmsg.Date, String, ""}, {sipmsg.Diversion, String, ""},
	{sipmsg.ErrorInfo, String, ""}, {sipmsg.Event, String, ""}, {sipmsg.Expires, Number, ""}, {sipmsg.FeatureCaps, String, ""}, {sipmsg.From, String, ""},
	{sipmsg.Geolocation, String, ""}, {sipmsg.HistoryInfo, String, ""}, {sipmsg.Identity, String, ""}, {sipmsg.IdentityInfo, String, "Identity-info"},
	{sipmsg.InReplyTo, String, ""}, {sipmsg.Join, String, ""}, {sipmsg.MaxForwards, Number, ""}, {sipmsg.MIMEVersion, String, ""},
	{sipmsg.MinExpires, String, ""}, {sipmsg.MinSE, String, ""}, {sipmsg.Organization, String, ""}, {sipmsg.PAccessNetworkInfo, String, ""},
	{sipmsg.PAssertedIdentity, String, ""}, {sipmsg.PAssociatedURI, String, ""}, {sipmsg.PCalledPartyID, String, ""},
	{sipmsg.PChargingFunctionAddresses, String, ""}, {sipmsg.PChargingVector, String, ""}, {sipmsg.PEarlyMedia, String, ""},
	{sipmsg.PPreferredIdentity, String, ""}, {sipmsg.PVisitedNetworkID, String, ""}, {sipmsg.Path, String, ""}, {sipmsg.Priority, String, ""},
	{sipmsg.Privacy, String, ""}, {sipmsg.ProxyAuthenticate, String, ""}, {sipmsg.ProxyAuthorization, String, ""}, {sipmsg.ProxyRequire, String, ""},
	{sipmsg.RAck, String, ""}, {sipmsg.Reason, String, ""}, {sipmsg.RecordRoute, String, ""}, {sipmsg.ReferSub, String, ""}, {sipmsg.ReferTo, String, ""},
	{sipmsg.ReferredBy, String, "Referred-by"}, {sipmsg.RejectContact, String, ""}, {sipmsg.Replaces, String, ""}, {sipmsg.ReplyTo, String, ""},
	{sipmsg.RequestDisposition, String, ""}, {sipmsg.Require, String, ""}, {sipmsg.ResourcePriority, String, ""}, {sipmsg.RetryAfter, Number, ""},
	{sipmsg.Route, String, ""}, {sipmsg.RSeq, Number, ""}, {sipmsg.SecurityClient, String, ""}, {sipmsg.SecurityServer, String, ""},
	{sipmsg.SecurityVerify, String, ""}, {sipmsg.Server, String, ""}, {sipmsg.ServiceRoute, String, ""}, {sipmsg.SessionExpires, String, ""},
	{sipmsg.SessionID, String, ""}, {sipmsg.SIPETag, String, "ETag"}, {sipmsg.SIPIfMatch, String, "If_Match"}, {sipmsg.Subject, String, ""},
	{sipmsg.SubscriptionState, String, ""}, {sipmsg.Supported, String, ""}, {sipmsg.TargetDialog, String, ""}, {sipmsg.Timestamp, String, ""},
	{sipmsg.To, String, ""}, {sipmsg.Unsupported, String, ""}, {sipmsg.UserAgent, String, ""}, {sipmsg.UserToUser, String, "uui"}, {sipmsg.Via, String, ""},
	{sipmsg.Warning, String, ""}, {sipmsg.WWWAuthenticate, String, ""},
}

// addHeaders adds the header fields: one value a line of the header, lists in one piece.
func addHeaders(s *Schema[*analysis.Message]) {
	for _, h := range headers {
		name := h.name
		if name == "" {
			name = h.id.String()
		}
		doc := "the header field " + h.id.String()
		if h.kind == Number {
			s.Add(Field{"sip." + name, Number, doc, ""}, func(m *analysis.Message, v *Values) {
				for b := range m.SIP.All(h.id) {
					if n, ok := leadingNumber(b); ok {
						v.Number(n)
					}
				}
			})
			continue
		}
		s.Add(Field{"sip." + name, String, doc, ""}, func(m *analysis.Message, v *Values) {
			for b := range m.SIP.All(h.id) {
				if v.Text(v.value(h.id, b)); v.Done() {
					return
				}
			}
		})
	}
}

// leadingNumber reads the digits at the start of a value: parameters may follow them.
func leadingNumber(b []byte) (n uint32, ok bool) {
	i := 0
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return sipmsg.Number(b[:i])
}

// addURIs adds the parts of the Request-URI and of addresses.
func addURIs(s *Schema[*analysis.Message]) {
	type part func(uri []byte) (b []byte, ok bool)
	parts := func(prefix, whole, what string, each func(m *sipmsg.Message, v *Values, p part)) {
		add := func(name, doc string, p part) {
			s.Add(Field{"sip." + prefix + name, String, doc + " of " + what, ""}, func(m *analysis.Message, v *Values) { each(m.SIP, v, p) })
		}
		add(whole, "the URI", func(uri []byte) ([]byte, bool) { return uri, true })
		add(".user", "the user in the URI", func(uri []byte) ([]byte, bool) { u := splitURI(uri); return u.user, u.hasUser })
		add(".host", "the host in the URI", func(uri []byte) ([]byte, bool) { u := splitURI(uri); return u.host, u.ok })
		add(".port", "the port in the URI, as text,", func(uri []byte) ([]byte, bool) { u := splitURI(uri); return u.port, u.hasPort })
	}
	parts("r-uri", "", "a request's first line", func(m *sipmsg.Message, v *Values, p part) {
		if !m.IsRequest() {
			return
		}
		if b, ok := p(v.clean(m.RequestURI)); ok {
			v.Text(b)
		}
	})
	for _, a := range []struct {
		id            sipmsg.ID
		prefix, whole string
	}{
		{sipmsg.From, "from", ".addr"}, {sipmsg.To, "to", ".addr"}, {sipmsg.Contact, "contact", ".uri"},
		{sipmsg.PAssertedIdentity, "pai", ".addr"}, {sipmsg.PPreferredIdentity, "ppi", ".addr"},
		{sipmsg.Route, "Route", ".uri"}, {sipmsg.RecordRoute, "Record-Route", ".uri"}, {sipmsg.Path, "Path", ".uri"},
	} {
		parts(a.prefix, a.whole, a.id.String(), func(m *sipmsg.Message, v *Values, p part) {
			for b := range m.Values(a.id) {
				if x, ok := p(sipmsg.ParseAddress(v.value(a.id, b)).URI); ok {
					v.Text(x)
				}
				if v.Done() {
					return
				}
			}
		})
	}
	for _, t := range []struct {
		name, doc string
		ids       []sipmsg.ID
	}{
		{"sip.from.tag", "the tag of From", []sipmsg.ID{sipmsg.From}},
		{"sip.to.tag", "the tag of To", []sipmsg.ID{sipmsg.To}},
		{"sip.tag", "the tags of From and To", []sipmsg.ID{sipmsg.From, sipmsg.To}},
	} {
		s.Add(Field{t.name, String, t.doc, ""}, func(m *analysis.Message, v *Values) {
			for _, id := range t.ids {
				if tag := m.SIP.Tag(id); len(tag) > 0 {
					v.Text(tag)
				}
			}
		})
	}
	for _, d := range []struct {
		name string
		id   sipmsg.ID
	}{{"from", sipmsg.From}, {"to", sipmsg.To}} {
		s.Add(Field{"sip." + d.name + ".display.info", String, "the display name of " + d.id.String() + ", with its quotes", ""}, func(m *analysis.Message, v *Values) {
			for b := range m.SIP.All(d.id) {
				if display := displayOf(v.value(d.id, b)); len(display) > 0 {
					v.Text(display)
				}
			}
		})
	}
}

// displayOf returns the display name of an address as Wireshark has it: with its quotes,
// and one without quotes with the blanks behind it.
func displayOf(b []byte) []byte {
	display := sipmsg.ParseAddress(b).Display
	if len(display) == 0 || display[0] == '"' {
		return display
	}
	start := bytes.Index(b, display)
	if end := bytes.IndexByte(b, '<'); end > start {
		return b[start:end]
	}
	return display
}

// uriParts are the parts of a SIP URI that can be asked for.
type uriParts struct {
	user, host, port     []byte
	ok, hasUser, hasPort bool
}

// splitURI splits a sip or sips URI the way Wireshark does: the user, with its password
// and parameters, is what stands before the first @.
func splitURI(b []byte) (u uriParts) {
	if len(b) < 4 || !strings.EqualFold(string(b[:3]), "sip") {
		return u
	}
	i := bytes.IndexByte(b, ':')
	if i < 0 {
		return u
	}
	b = b[i+1:]
	if i = bytes.IndexByte(b, '@'); i >= 0 {
		u.user, u.hasUser = b[:i], i > 0
		b = b[i+1:]
	}
	u.ok = true
	n := 0
	for in6 := false; n < len(b); n++ {
		switch c := b[n]; {
		case c == '[' || c == ']':
			in6 = c == '['
			continue
		case in6 || c != ':' && c != ';' && c != '?' && c != ' ' && c != '>' && c != ',':
			continue
		}
		break
	}
	u.host = b[:n]
	if n < len(b) && b[n] == ':' {
		u.hasPort = true
		u.port = b[n+1:]
		if i := bytes.IndexAny(u.port, ";? >,"); i >= 0 {
			u.port = u.port[:i]
		}
	}
	return u
}

// addVia adds the parts of Via.
func addVia(s *Schema[*analysis.Message]) {
	add := func(name string, k Kind, doc string, get func(h sipmsg.ViaHop, v *Values)) {
		s.Add(Field{"sip.Via." + name, k, doc, ""}, func(m *analysis.Message, v *Values) { v.vias(m.SIP, get) })
	}
	param := func(name, doc string) {
		add(name, String, doc, func(h sipmsg.ViaHop, v *Values) {
			if b, ok := h.Params.Get(name); ok {
				v.Text(b)
			}
		})
	}
	add("transport", String, "the transport in Via", func(h sipmsg.ViaHop, v *Values) { v.Text(h.Transport) })
	add("sent-by.address", String, "the host in Via, without brackets", func(h sipmsg.ViaHop, v *Values) {
		if host := bytes.Trim(h.Host, "[]"); len(host) > 0 {
			v.Text(host)
		}
	})
	add("sent-by.port", Port, "the port in Via", func(h sipmsg.ViaHop, v *Values) {
		if h.HasPort {
			v.Number(uint32(h.Port))
		}
	})
	param("branch", "the branch in Via")
	param("received", "where Via says the request really came from")
	add("rport", String, `the port it came from; "rport" where that is asked for`, func(h sipmsg.ViaHop, v *Values) {
		switch b, ok := h.Params.Get("rport"); {
		case ok && len(b) == 0:
			v.String("rport")
		case ok:
			v.Text(b)
		}
	})
}

// vias gives each value of Via to get. It is a function of its own because inside of a
// closure the iterator would be allocated.
func (v *Values) vias(m *sipmsg.Message, get func(h sipmsg.ViaHop, v *Values)) {
	for b := range m.Values(sipmsg.Via) {
		if get(sipmsg.ParseVia(v.value(sipmsg.Via, b)), v); v.Done() {
			return
		}
	}
}

// addFieldParts adds the parts of other header fields.
func addFieldParts(s *Schema[*analysis.Message]) {
	add := func(name string, k Kind, doc, example string, get func(*sipmsg.Message, *Values)) {
		s.Add(Field{name, k, doc, example}, func(m *analysis.Message, v *Values) { get(m.SIP, v) })
	}
	add("sip.CSeq.seq", Number, "the number in CSeq", "", func(m *sipmsg.Message, v *Values) {
		if _, n, ok, _ := m.CSeq(); ok {
			v.Number(n)
		}
	})
	add("sip.CSeq.method", String, "the method in CSeq, which responses have too", `sip.CSeq.method == "REGISTER"`, func(m *sipmsg.Message, v *Values) {
		if _, _, _, method := m.CSeq(); len(method) > 0 {
			v.Text(method)
		}
	})
	rack := func(name string, k Kind, doc string, get func(r *sipmsg.RAckValue, v *Values)) {
		add("sip.RAck."+name, k, doc, "", func(m *sipmsg.Message, v *Values) {
			if b, ok := m.First(sipmsg.RAck); ok {
				r := sipmsg.ParseRAck(b)
				get(&r, v)
			}
		})
	}
	number := func(v *Values, n uint32, ok bool) {
		if ok {
			v.Number(n)
		}
	}
	rack("RSeq.seq", Number, "the RSeq number in RAck", func(r *sipmsg.RAckValue, v *Values) { number(v, r.RSeq, r.HasRSeq) })
	rack("CSeq.seq", Number, "the CSeq number in RAck", func(r *sipmsg.RAckValue, v *Values) { number(v, r.CSeq, r.HasCSeq) })
	rack("CSeq.method", String, "the method in RAck", func(r *sipmsg.RAckValue, v *Values) {
		if len(r.Method) > 0 {
			v.Text(r.Method)
		}
	})
	for _, c := range []struct{ name, protocol string }{{"sip.reason_cause_q850", "Q.850"}, {"sip.reason_cause_sip", "SIP"}} {
		add(c.name, Number, "the "+c.protocol+" cause in Reason", c.name+" in {16, 487}", func(m *sipmsg.Message, v *Values) {
			for b := range m.Values(sipmsg.Reason) {
				if r := sipmsg.ParseReason(b); strings.EqualFold(string(r.Protocol), c.protocol) {
					number(v, r.Cause, r.HasCause)
				}
			}
		})
	}
	for _, p := range []struct {
		name, doc string
	}{
		{"scheme", "the scheme"}, {"username", "the user name, with its quotes,"}, {"realm", "the realm, with its quotes,"},
		{"uri", "the URI, with its quotes,"}, {"algorithm", "the algorithm"}, {"nonce", "the nonce, with its quotes,"}, {"qop", "the quality of protection"},
	} {
		s.Add(Field{"sip.auth." + p.name, String, p.doc + " of credentials and challenges", ""}, func(m *analysis.Message, v *Values) {
			for _, id := range []sipmsg.ID{sipmsg.Authorization, sipmsg.ProxyAuthorization, sipmsg.WWWAuthenticate, sipmsg.ProxyAuthenticate} {
				for b := range m.SIP.All(id) {
					if x, ok := authPart(v.value(id, b), p.name); ok {
						v.Text(x)
					}
				}
			}
		})
	}
}

// authPart returns one part of digest credentials or of a challenge, as written.
func authPart(b []byte, name string) (value []byte, ok bool) {
	i := bytes.IndexAny(b, " \t")
	if i < 0 {
		return nil, false
	}
	if name == "scheme" {
		return b[:i], true
	}
	for b = b[i:]; len(b) > 0; {
		b = bytes.TrimLeft(b, " \t,")
		end, quoted := 0, false
		for ; end < len(b) && (quoted || b[end] != ','); end++ {
			switch {
			case quoted && b[end] == '\\':
				end = min(end+1, len(b)-1)
			case b[end] == '"':
				quoted = !quoted
			}
		}
		k, val, found := bytes.Cut(b[:end], []byte("="))
		if found && strings.EqualFold(string(bytes.TrimSpace(k)), name) {
			return bytes.TrimSpace(val), true
		}
		b = b[end:]
	}
	return nil, false
}
