package fuzz

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// fieldValues are the values of the header fields of all messages, and some odder ones.
func fieldValues() (list []string) {
	for _, b := range messages() {
		var m sipmsg.Message
		if m.Parse(b) != nil {
			continue
		}
		if m.IsRequest() {
			list = append(list, string(m.RequestURI))
		}
		for f := range m.Fields() {
			list = append(list, string(f.Value))
		}
	}
	return append(list,
		"sips:bob:pw@[2001:db8::10]:5061;transport=tcp?Subject=x&a=%3B", "tel:7042;phone-context=example.com?x", "urn:service:sos", "bob@192.0.2.1:5060",
		"<sip:a;b=c?d@e:65536;f>", "sip:[::ffff:192.0.2.1%eth0]", "sip:1:2:3:4:5:6:7::", "sip:[2001:db8:::192.0.2.1]",
		"SIP / 2.0 / TLS [::1] : 5061 ; rport=1;ttl=256;received=::1;maddr=h;alias", "SIP/2.0 h", "///",
		`Digest username="a, \"b", realm = r,nc=0000001F,,stale=TRUE,response="x",algorithm=MD5,uri="sip:x",qop="auth,auth-int"`, "Basic YWxhZGRpbg==", `nextnonce="x", nc=1`,
		`Q.850;cause=16;text="a \"b\""`, `399 gw:5060 "a, b"`, "120 (a (b) \\) c);duration=60", "1800;refresher=uac", "1 2 INVITE", "c@h;to-tag=1;from-tag=2;early-only",
		"c;local-tag=1;remote-tag=2", "refer;id=1", "active;expires=60;reason=x", "<sip:b@h?Reason=SIP%3Bcause%3D302>;index=1.1", "<sip:d@h;cause=486>;counter=3;privacy=full",
		"ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000", `"56;a3";encoding=hex;purpose=isdn`, "<sip:c@h;method=BYE?Replaces=c%3Bto-tag%3D1>",
		`multipart/mixed;boundary="a b"`, `"A \\ \" b"`+"\r\n <sip:a@h>;q=0.5;reg-id=1;+sip.instance=\"<urn:x>\"", "*;expires=0", "Sat, 13 Nov 2010 23:29:00 GMT")
}

// one fails unless two texts are equal.
func one(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if string(got) != want {
		t.Fatalf("%s is %q, slowly %q", what, got, want)
	}
}

// number fails unless a number is the one that the slow reader finds in its text.
func number(t *testing.T, what string, text []byte, n uint64, ok bool, bits int) {
	t.Helper()
	if want, isNumber := slowNumber(string(text), bits); ok != isNumber || n != want {
		t.Fatalf("%s of %q is %d, %t, slowly %d, %t", what, text, n, ok, want, isNumber)
	}
}

// FuzzSIPURI: a URI is taken apart as the slow reader does it, and put together again gives
// what was taken apart. Addresses are those of net/netip.
func FuzzSIPURI(f *testing.F) {
	for _, v := range fieldValues() {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if tooLong([]byte(v)) {
			return
		}
		in := slices.Clip([]byte(v))
		u, slow := sipmsg.ParseURI(in), readURI(v)
		one(t, "scheme", u.SchemeText, slow.scheme)
		one(t, "user", u.User, slow.user)
		one(t, "password", u.Password, slow.password)
		one(t, "host", u.Host, slow.host)
		one(t, "port", u.PortText, slow.port)
		one(t, "parameters", u.Params, slow.params)
		one(t, "headers", u.Headers, slow.headers)
		one(t, "rest", u.Opaque, slow.opaque)
		number(t, "port", u.PortText, uint64(u.Port), u.HasPort, 16)
		if u.HasPassword != slow.hasPassword || (u.Scheme == sipmsg.SchemeNone) != (slow.scheme == "") {
			t.Fatalf("%+v, slowly %+v", u, slow)
		}
		for _, p := range [][]byte{u.SchemeText, u.User, u.Password, u.Host, u.PortText, u.Params, u.Headers, u.Opaque} {
			if len(p) > 0 && inside(in, p) < 0 {
				t.Fatalf("%q is not in the input", p)
			}
		}
		together(t, v, u)
		addr, ok := u.Addr()
		if want, isAddr := slowAddr(slow.host); ok != isAddr || ok && addr != want {
			t.Fatalf("address %v, %t of %q, slowly %v, %t", addr, ok, u.Host, want, isAddr)
		}
		one(t, "unescaped", sipmsg.AppendUnescaped(nil, in), slowUnescape(v))
		var headers []string
		for name, value := range u.Headers.All() {
			headers = append(headers, string(name)+"="+string(value))
			if first, ok := u.Headers.Get(lower(string(name))); !ok || len(headers) == 1 && !bytes.Equal(first, value) {
				t.Fatalf("%q is %q", name, first)
			}
		}
		var want []string
		for h := range strings.SplitSeq(slow.headers, "&") {
			if name, value, _ := strings.Cut(h, "="); h != "" {
				want = append(want, name+"="+value)
			}
		}
		if !slices.Equal(headers, want) {
			t.Fatalf("headers %q, slowly %q", headers, want)
		}
	})
}

// together puts a URI together again; blanks and angle brackets are lost.
func together(t *testing.T, v string, u sipmsg.URI) {
	t.Helper()
	var b []byte
	if u.Scheme != sipmsg.SchemeNone {
		b = append(append(b, u.SchemeText...), ':')
	}
	b = append(append(b, u.Opaque...), u.User...)
	if u.HasPassword {
		b = append(append(b, ':'), u.Password...)
	}
	if u.User != nil && u.Scheme != sipmsg.SchemeTel {
		b = append(b, '@')
	}
	b = append(b, u.Host...)
	if u.PortText != nil {
		b = append(append(b, ':'), u.PortText...)
	}
	b = append(b, u.Params...)
	if u.Headers != nil {
		b = append(append(b, '?'), u.Headers...)
	}
	lost := strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", "<", "", ">", "")
	if got, want := lost.Replace(string(b)), lost.Replace(v); got != want {
		t.Fatalf("%q is put together as %q", v, b)
	}
}

// FuzzSIPVia: a Via is read as the slow reader reads it, alone and on top of others.
func FuzzSIPVia(f *testing.F) {
	for _, v := range fieldValues() {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if tooLong([]byte(v)) {
			return
		}
		in := slices.Clip([]byte(v))
		checkVia(t, sipmsg.ParseVia(in), v)
		if strings.Trim(v, spaces) != v || strings.Contains(v, "\n") {
			return
		}
		var m sipmsg.Message
		mustNot(m.Parse([]byte("X sip:x SIP/2.0\r\nv: " + v + "\r\nVia: other\r\n\r\n")))
		top, ok := m.TopVia()
		if !ok {
			t.Fatal("no Via on top")
		}
		checkVia(t, top, slowFirst(v))
		if !bytes.Equal(top.Branch(), m.Branch()) {
			t.Fatalf("branch %q, of the message %q", top.Branch(), m.Branch())
		}
	})
}

func checkVia(t *testing.T, h sipmsg.ViaHop, v string) {
	t.Helper()
	slow := readVia(v)
	one(t, "protocol", h.Protocol, slow.protocol)
	one(t, "version", h.Version, slow.version)
	one(t, "transport", h.Transport, slow.transport)
	one(t, "host", h.Host, slow.host)
	one(t, "port", h.PortText, slow.port)
	one(t, "parameters", h.Params, slow.params)
	number(t, "port", h.PortText, uint64(h.Port), h.HasPort, 16)
	one(t, "branch", h.Branch(), slowParam(slow.params, "branch"))
	one(t, "received", h.Received(), slowParam(slow.params, "received"))
	one(t, "maddr", h.MAddr(), slowParam(slow.params, "maddr"))
	port, _, ok := h.RPort()
	number(t, "rport", []byte(slowParam(slow.params, "rport")), uint64(port), ok, 16)
	ttl, ok := h.TTL()
	number(t, "ttl", []byte(slowParam(slow.params, "ttl")), uint64(ttl), ok, 8)
	addr, ok := h.HostAddr()
	if want, isAddr := slowAddr(slow.host); ok != isAddr || ok && addr != want {
		t.Fatalf("host %v, %t, slowly %v, %t", addr, ok, want, isAddr)
	}
	addr, ok = h.ReceivedAddr()
	if want, isAddr := slowAddr(slowParam(slow.params, "received")); ok != isAddr || ok && addr != want {
		t.Fatalf("received %v, %t, slowly %v, %t", addr, ok, want, isAddr)
	}
}

// FuzzSIPAuth: challenges and credentials are read as the slow reader reads them.
func FuzzSIPAuth(f *testing.F) {
	for _, v := range fieldValues() {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if tooLong([]byte(v)) {
			return
		}
		in := slices.Clip([]byte(v))
		a := sipmsg.ParseAuth(in)
		scheme, isWord, params, names := readAuth(v)
		first := func(name string) string {
			for _, kv := range params {
				if kv[0] == name {
					return kv[1]
				}
			}
			return ""
		}
		one(t, "scheme", a.Scheme, scheme)
		for name, got := range map[string][]byte{
			"realm": a.Realm, "nonce": a.Nonce, "opaque": a.Opaque, "algorithm": a.Algorithm, "qop": a.QOP, "domain": a.Domain,
			"username": a.Username, "uri": a.URI, "cnonce": a.CNonce, "nc": a.NCText,
		} {
			one(t, name, got, first(name))
			if len(got) > 0 && inside(in, got) < 0 {
				t.Fatalf("%q is not in the input", got)
			}
		}
		stale := false
		for _, kv := range params {
			stale = stale || kv[0] == "stale" && lower(kv[1]) == "true"
		}
		if a.HasToken != isWord || a.HasResponse != names["response"] || a.Stale != stale || a.IsDigest() != (lower(scheme) == "digest") {
			t.Fatalf("%+v of %q", a, v)
		}
		nc := first("nc")
		if n, err := strconv.ParseUint(nc, 16, 32); a.HasNC != (err == nil && len(nc) == 8) || a.HasNC && uint64(a.NC) != n || !a.HasNC && a.NC != 0 {
			t.Fatalf("nonce count %d, %t of %q", a.NC, a.HasNC, nc)
		}
		for name, value := range a.Params.All() {
			if _, ok := a.Params.Get(lower(string(name))); !ok || len(value) > 0 && inside(in, value) < 0 {
				t.Fatalf("%q %q", name, value)
			}
		}
	})
}

// FuzzSIPValue: all other views show what the slow readers find in a value.
func FuzzSIPValue(f *testing.F) {
	for _, v := range fieldValues() {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if tooLong([]byte(v)) {
			return
		}
		in := slices.Clip([]byte(v))
		checkSplit(t, in, v)
		checkContact(t, in, v)
		checkRefer(t, in)

		w, slow := sipmsg.ParseWarning(in), warning.FindStringSubmatch(strings.Trim(v, spaces))
		one(t, "code", w.CodeText, slow[1])
		one(t, "agent", w.Agent, slow[2])
		one(t, "text", w.Text, slowUnquote(slow[3]))
		if n, ok := slowNumber(slow[1], 32); w.HasCode != (ok && len(slow[1]) == 3) || w.HasCode && uint64(w.Code) != n {
			t.Fatalf("code %d, %t of %q", w.Code, w.HasCode, slow[1])
		}

		r := sipmsg.ParseRetryAfter(in)
		text, comment, params := readRetryAfter(v)
		one(t, "seconds", r.SecondsText, text)
		number(t, "seconds", r.SecondsText, uint64(r.Seconds), r.HasSeconds, 32)
		one(t, "comment", r.Comment, comment)
		one(t, "parameters", r.Params, params)

		a := sipmsg.ParseRAck(in)
		number(t, "RSeq", a.RSeqText, uint64(a.RSeq), a.HasRSeq, 32)
		number(t, "CSeq", a.CSeqText, uint64(a.CSeq), a.HasCSeq, 32)
		words := strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(spaces, r) })
		words = append(words, "", "", "")
		one(t, "RSeq", a.RSeqText, words[0])
		one(t, "CSeq", a.CSeqText, words[1])
		if len(words) <= 6 {
			one(t, "method", a.Method, words[2])
		}
	})
}

// checkSplit checks the views that are a value and parameters.
func checkSplit(t *testing.T, in []byte, v string) {
	t.Helper()
	value, params := slowSplitParams(v)
	get := func(name string) string { return slowParam(params, name) }
	or := func(a, b string) string {
		for _, kv := range slowParams(params) {
			if kv[0] == a {
				return kv[1]
			}
		}
		return get(b)
	}
	got, p := sipmsg.SplitParams(in)
	one(t, "value", got, value)
	one(t, "parameters", p, params)
	checkParams(t, p)

	reason := sipmsg.ParseReason(in)
	one(t, "protocol", reason.Protocol, value)
	one(t, "cause", reason.CauseText, get("cause"))
	one(t, "text", reason.Text, get("text"))
	number(t, "cause", reason.CauseText, uint64(reason.Cause), reason.HasCause, 32)

	session := sipmsg.ParseSessionExpires(in)
	one(t, "interval", session.IntervalText, value)
	number(t, "interval", session.IntervalText, uint64(session.Interval), session.HasInterval, 32)
	one(t, "refresher", session.Refresher, get("refresher"))

	replaces := sipmsg.ParseReplaces(in)
	one(t, "Call-ID", replaces.CallID, value)
	if !hasBare(params, "to-tag") && !hasBare(params, "from-tag") {
		one(t, "to-tag", replaces.ToTag, or("to-tag", "local-tag"))
		one(t, "from-tag", replaces.FromTag, or("from-tag", "remote-tag"))
	}

	event := sipmsg.ParseEvent(in)
	one(t, "package", event.Package, value)
	one(t, "id", event.ID, get("id"))
	state := sipmsg.ParseSubscriptionState(in)
	one(t, "state", state.State, value)
	one(t, "reason", state.Reason, get("reason"))
	id := sipmsg.ParseSessionID(in)
	one(t, "local UUID", id.Local, value)
	one(t, "remote UUID", id.Remote, get("remote"))
	if sipmsg.IsNilUUID(id.Local) != (value == strings.Repeat("0", 32)) {
		t.Fatalf("%q is the nil UUID", value)
	}
	uui := sipmsg.ParseUserToUser(in)
	one(t, "data", uui.Data, slowUnquote(value))
	one(t, "purpose", uui.Purpose, get("purpose"))
	one(t, "content", uui.Content, get("content"))
	one(t, "encoding", uui.Encoding, get("encoding"))
	media := sipmsg.ParseMediaType(in)
	typ, subtype, _ := strings.Cut(value, "/")
	one(t, "type", media.Type, strings.TrimRight(typ, spaces))
	one(t, "subtype", media.Subtype, strings.TrimLeft(subtype, spaces))
}

// hasBare reports whether a parameter stands without an equals sign: then it counts as
// absent.
func hasBare(params, name string) bool {
	hidden, _ := hide(params)
	for p := range strings.SplitSeq(hidden, ";") {
		if lower(strings.Trim(p, spaces)) == name {
			return true
		}
	}
	return false
}

// checkContact checks the parameters of addresses, and display names.
func checkContact(t *testing.T, in []byte, v string) {
	t.Helper()
	a := sipmsg.ParseAddress(in)
	display, uri, params := slowAddress(v)
	if a.IsStar() != (display == "" && uri == "*") {
		t.Fatalf("%q is a star", v)
	}
	expires, _, ok := a.Params.Expires()
	number(t, "expires", []byte(slowParam(params, "expires")), uint64(expires), ok, 32)
	id, _, ok := a.Params.RegID()
	number(t, "reg-id", []byte(slowParam(params, "reg-id")), uint64(id), ok, 32)
	q, _, ok := a.Params.Q()
	text := slowParam(params, "q")
	if ok != qvalue.MatchString(text) {
		t.Fatalf("q %d, %t of %q", q, ok, text)
	}
	if x, err := strconv.ParseFloat(text, 64); ok && (err != nil || int(x*1000+0.5) != q) {
		t.Fatalf("q %d of %q", q, text)
	}
	one(t, "instance", a.Params.Instance(), slowUnangle(slowParam(params, "+sip.instance")))
	one(t, "tag", a.Tag(), slowParam(params, "tag"))
	name := slowUnfold(display)
	if strings.HasPrefix(display, `"`) {
		name = slowUnescapeQuoted(slowUnfold(slowUnquote(display)))
	}
	one(t, "name", a.AppendName(nil), name)
	d := sipmsg.ParseDiversion(in)
	one(t, "reason", d.Reason, slowParam(params, "reason"))
	one(t, "privacy", d.Privacy, slowParam(params, "privacy"))
	if n, isNumber := slowNumber(slowParam(params, "counter"), 32); isNumber && uint64(d.Counter) != n || !isNumber && d.Counter != 1 {
		t.Fatalf("counter %d", d.Counter)
	}
	h := sipmsg.ParseHistoryInfo(in)
	one(t, "index", h.Index, slowParam(params, "index"))
}

// checkRefer checks that a Refer-To and the Reason of a History-Info say what their URI says.
func checkRefer(t *testing.T, in []byte) {
	t.Helper()
	r := sipmsg.ParseReferTo(in)
	u := readURI(string(r.URI))
	one(t, "target", r.Target.Host, u.host)
	replaces, reason := "", ""
	for h := range strings.SplitSeq(u.headers, "&") {
		name, value, _ := strings.Cut(h, "=")
		if lower(name) == "replaces" && replaces == "" {
			replaces = value
		}
		if lower(name) == "reason" && reason == "" {
			reason = value
		}
	}
	if b, ok := r.AppendReplaces(nil); !ok || replaces != "" {
		one(t, "Replaces", b, slowUnescape(replaces))
	}
	if len(reason) > 256 || reason == "" {
		return
	}
	cause, ok := sipmsg.ParseHistoryInfo(in).Cause()
	_, params := slowSplitParams(slowUnescape(reason))
	want, isNumber := slowNumber(slowParam(params, "cause"), 32)
	if !isNumber {
		want, isNumber = slowNumber(slowParam(u.params, "cause"), 32)
	}
	if ok != isNumber || uint64(cause) != want {
		t.Fatalf("cause %d, %t, slowly %d, %t", cause, ok, want, isNumber)
	}
}

// FuzzSIPInspect: Inspect finds what the regular expressions of the grammar find, whatever
// field a value stands in; a field of another name says nothing.
func FuzzSIPInspect(f *testing.F) {
	ids := make([]sipmsg.ID, 0, len(slowIDs))
	for _, id := range slowIDs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i, v := range fieldValues() {
		f.Add(v, uint8(i))
		f.Add(v, uint8(sipmsg.Contact-1))
	}
	for _, b := range messages() {
		f.Add(string(b), uint8(255))
	}
	f.Fuzz(func(t *testing.T, v string, field uint8) {
		if tooLong([]byte(v)) {
			return
		}
		text := v
		if int(field) < len(ids) {
			text = fmt.Sprintf("OPTIONS sip:x SIP/2.0\r\n%v: %s\r\n\r\n", ids[field], v)
		}
		in := slices.Clip([]byte(text))
		var m sipmsg.Message
		if m.Parse(in) != nil {
			return
		}
		slow, _ := slowParse(text)
		got := m.Inspect()
		want := m.Check() | slowInspect(&slow, strings.TrimSuffix(text[slow.offset:], slow.body))
		if got != want {
			t.Fatalf("quirks %q\nslowly %q", slices.Collect(got.IDs()), slices.Collect(want.IDs()))
		}
	})
}

// FuzzSIPAppend: a message that is written back says what it said, and is written back as
// the same octets; so does a fragment.
func FuzzSIPAppend(f *testing.F) {
	for _, b := range messages() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		var m, again sipmsg.Message
		if m.Parse(b) == nil {
			out := m.Append(nil)
			if err := again.Parse(out); err != nil {
				t.Fatalf("%v: %q", err, out)
			}
			if second := again.Append(nil); !bytes.Equal(out, second) {
				t.Fatalf("once  %q\ntwice %q", out, second)
			}
			sameMessage(t, &m, &again)
		}
		// The first line of a fragment may be a start line, once it is not folded.
		if m.ParseFragment(b) == nil && m.Quirks()&(sipmsg.QuirkHeaderName|sipmsg.QuirkNoColon) == 0 {
			out := m.Append(nil)
			if err := again.ParseFragment(out); err != nil {
				t.Fatalf("fragment: %v: %q", err, out)
			}
			if second := again.Append(nil); !bytes.Equal(out, second) {
				t.Fatalf("fragment once  %q\ntwice %q", out, second)
			}
		}
	})
}

// sameMessage compares a message with what was read of it when it was written back.
func sameMessage(t *testing.T, m, again *sipmsg.Message) {
	t.Helper()
	one(t, "method", again.Method, string(m.Method))
	one(t, "Request-URI", again.RequestURI, string(m.RequestURI))
	one(t, "version", again.Version, string(m.Version))
	one(t, "status", again.StatusText, string(m.StatusText))
	one(t, "reason", again.Reason, string(m.Reason))
	one(t, "body", again.Body, string(m.Body))
	if m.Quirks()&(sipmsg.QuirkHeaderName|sipmsg.QuirkNoColon|sipmsg.QuirkFieldLimit) != 0 {
		return // an odd line may be a field that is known, once it is not folded
	}
	if m.NumFields() != again.NumFields() {
		t.Fatalf("%d fields, once there were %d", again.NumFields(), m.NumFields())
	}
	for i := range m.NumFields() {
		was, is := m.Field(i), again.Field(i)
		if was.ID != is.ID || was.ID == sipmsg.Other && !bytes.Equal(was.Name, is.Name) {
			t.Fatalf("%q was %q", is.Name, was.Name)
		}
		one(t, string(is.Name), is.Value, slowUnfold(string(was.Value)))
	}
}

// FuzzSIPBody: a body is split into the parts that the slow reader finds by lines. Each
// part is a part of the body, behind the one before.
func FuzzSIPBody(f *testing.F) {
	for _, s := range [][2]string{
		{`multipart/mixed;boundary="b"`, "x\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b \r\nContent-Type:multipart/x;boundary=c\r\n\r\n--c\n\n1\n--c--\r\n--b--\r\ny"},
		{"multipart/mixed;boundary=b", "--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b--"},
		{"multipart/mixed;boundary=b--", "--b--\n\n1\n--b----"},
		{"multipart/mixed;boundary=-", "---\n\n1\n--- \n-----"},
		{"multipart/mixed;boundary=b", "--b\nContent-ID: <x>\n f\nContent-Disposition: a;b\nl: 5"},
		{"application/sdp", "v=0"},
		{"multipart/mixed", "--\n\n--"},
	} {
		f.Add(s[0], []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		if tooLong(body, []byte(contentType)) || strings.Contains(contentType, "\n") || bytes.Contains(body, []byte("\n ")) && strings.Contains(string(body), "boundary") {
			return // a boundary that is folded is none that the slow reader knows
		}
		in := fmt.Appendf(nil, "X sip:x SIP/2.0\r\nContent-Type: %s\r\n\r\n%s", contentType, body)
		var m sipmsg.Message
		mustNot(m.Parse(in))
		if !bytes.Equal(m.Body, body) {
			return // the type is the end of the header section
		}
		want := slowParts(contentType, string(body), 0)
		i, last := 0, 0
		for p := range m.Parts() {
			if i == len(want) {
				t.Fatalf("over %d parts", i)
			}
			one(t, "type", p.Type.Type, want[i].typ)
			one(t, "subtype", p.Type.Subtype, want[i].subtype)
			one(t, "body", p.Body, want[i].body)
			if p.Depth != want[i].depth || p.Depth > sipmsg.MaxDepth {
				t.Fatalf("depth %d, slowly %d", p.Depth, want[i].depth)
			}
			if at := inside(in, p.Body); len(p.Body) > 0 && at < last {
				t.Fatalf("a part at %d, the one before ended at %d", at, last)
			} else if len(p.Body) > 0 {
				last = at + len(p.Body)
			}
			i++
		}
		if i != len(want) {
			t.Fatalf("%d parts, slowly %d", i, len(want))
		}
	})
}

// FuzzSIPPassport: what was put into a PASSporT comes out, and what is no PASSporT is an
// error with its place.
func FuzzSIPPassport(f *testing.F) {
	f.Add(`{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://c"}`, `{"attest":"A","orig":{"tn":"1"},"dest":{"tn":["2"],"uri":["sip:b@h"]},"iat":5,"origid":"x"}`, "sig;info=<https://c>;alg=ES256")
	f.Add(`{"alg":5}`, `{"iat":"5","div":{"tn":"1"},"rcd":{"nam":"N"}}`, "")
	f.Add("", "", "x;ppt=shaken")
	f.Add("[]", "null", "..")
	f.Fuzz(func(t *testing.T, head, payload, rest string) {
		if tooLong([]byte(head), []byte(payload), []byte(rest)) {
			return
		}
		b64 := base64.RawURLEncoding.EncodeToString
		v := b64([]byte(head)) + "." + b64([]byte(payload)) + "." + rest
		p, err := sipmsg.ParsePASSporT([]byte(v))
		checkPassportError(t, err, v)
		if p.Compact != (head == "" && payload == "") {
			t.Fatalf("compact %t", p.Compact)
		}
		var h, c map[string]any
		headOK := json.Unmarshal([]byte(head), &h) == nil && h != nil
		payloadOK := json.Unmarshal([]byte(payload), &c) == nil && c != nil
		if !p.Compact && (err == nil) != (headOK && payloadOK) && len(v) < maxInput {
			t.Fatalf("%v: header %t, payload %t", err, headOK, payloadOK)
		}
		if alg, ok := h["alg"].(string); headOK && ok && alg != "" && p.Alg != alg {
			t.Fatalf("algorithm %q, want %q", p.Alg, alg)
		}
		if attest, _ := c["attest"].(string); payloadOK && p.Attest != attest {
			t.Fatalf("attestation %q, want %q", p.Attest, attest)
		}
		if orig, ok := c["orig"].(map[string]any); payloadOK && ok {
			if tn, ok := orig["tn"].(string); ok && tn != "" && !slices.Equal(p.Orig.TN, []string{tn}) {
				t.Fatalf("from %q, want %q", p.Orig.TN, tn)
			}
		}
		_, err = sipmsg.ParsePASSporT([]byte(rest))
		checkPassportError(t, err, rest)
	})
}

func checkPassportError(t *testing.T, err error, v string) {
	t.Helper()
	var syntax *sipmsg.SyntaxError
	if err != nil && (!errors.As(err, &syntax) || syntax.Off < 0 || syntax.Off > len(v)) {
		t.Fatalf("%#v", err)
	}
}
