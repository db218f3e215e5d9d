package sipmsg_test

import (
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// every is a message with a value for every view.
const every = `REFER sips:bob:pw@[2001:db8::10]:5061;transport=tcp?Subject=x SIP/2.0
Via: SIP/2.0/TLS [2001:db8::9]:5061;branch=z9hG4bK1;rport=5062;received=2001:db8::8;ttl=1, SIP/2.0/UDP 192.0.2.1;alias
Max-Forwards: 70
From: "Alice \"A\"" <sip:alice@example.com>;tag=a1
To: <tel:7042;phone-context=example.com>
Call-ID: every@192.0.2.1
CSeq: 1 REFER
Contact: <sip:alice@192.0.2.1>;q=0.5;expires=60;+sip.instance="<urn:uuid:1>";reg-id=1
Authorization: Digest username="alice", realm="r", nonce="n", uri="sip:h", response="0", nc=00000001
Reason: Q.850;cause=16;text="Normal call clearing", SIP;cause=200
Warning: 399 gw "a, b"
Retry-After: 60 (soon);duration=10
Session-Expires: 1800;refresher=uac
RAck: 1 2 INVITE
Replaces: c;to-tag=1;from-tag=2;early-only
Event: refer;id=1
Subscription-State: active;expires=60
Refer-To: <sip:carol@example.com?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2>
Diversion: <sip:d@example.com>;reason=user-busy;counter=1
History-Info: <sip:b@h?Reason=SIP%3Bcause%3D302>;index=1, <sip:c@h>;index=1.1
Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000
User-to-User: 56a390f3;encoding=hex
P-Asserted-Identity: <sip:alice@example.com>, <tel:+15550100>
Allow: INVITE, ACK, BYE
Supported: replaces, timer
Content-Type: multipart/mixed;boundary=b
Content-Length: 79

--b
Content-Type: application/sdp

v=0
--b
Content-Type: a/b

x
--b--
`

// consume looks at all views of a message, and returns how many it saw.
func consume(m *sipmsg.Message, scratch []byte) (n int) {
	uri := func(b []byte) {
		if u := sipmsg.ParseURI(b); len(u.Host)+len(u.User)+len(u.Opaque) > 0 {
			n++
		}
	}
	address := func(a sipmsg.Address) {
		uri(a.URI)
		n++
	}
	if m.IsRequest() {
		uri(m.RequestURI)
	}
	if _, _, ok, _ := m.CSeq(); ok {
		n++
	}
	for _, id := range [...]sipmsg.ID{sipmsg.MaxForwards, sipmsg.Expires, sipmsg.ContentLength, sipmsg.RSeq, sipmsg.MinExpires} {
		if _, _, ok := m.Number(id); ok {
			n++
		}
	}
	for v := range m.Values(sipmsg.Via) {
		h := sipmsg.ParseVia(v)
		h.Branch()
		h.ReceivedAddr()
		h.RPort()
		n++
	}
	for _, id := range [...]sipmsg.ID{sipmsg.From, sipmsg.To} {
		if v, ok := m.First(id); ok {
			a := sipmsg.ParseAddress(v)
			a.Tag()
			address(a)
		}
	}
	for v := range m.Values(sipmsg.Contact) {
		a := sipmsg.ParseAddress(v)
		a.Params.Expires()
		a.Params.Q()
		a.Params.Instance()
		a.Params.RegID()
		address(a)
	}
	for _, id := range [...]sipmsg.ID{sipmsg.Route, sipmsg.RecordRoute, sipmsg.Path, sipmsg.PAssertedIdentity, sipmsg.PPreferredIdentity, sipmsg.ReferredBy, sipmsg.RemotePartyID, sipmsg.Geolocation} {
		if m.Has(id) {
			for v := range m.Values(id) {
				address(sipmsg.ParseAddress(v))
			}
		}
	}
	for _, id := range [...]sipmsg.ID{sipmsg.Authorization, sipmsg.ProxyAuthorization, sipmsg.WWWAuthenticate, sipmsg.ProxyAuthenticate, sipmsg.AuthenticationInfo} {
		if m.Has(id) {
			for v := range m.All(id) {
				sipmsg.ParseAuth(v)
				n++
			}
		}
	}
	for _, id := range [...]sipmsg.ID{sipmsg.Allow, sipmsg.Supported, sipmsg.Require, sipmsg.Unsupported, sipmsg.ProxyRequire} {
		if m.Has(id) {
			for range m.Values(id) {
				n++
			}
		}
	}
	return n + consumeRare(m, scratch)
}

// consumeRare looks at the views of fields that few messages have.
func consumeRare(m *sipmsg.Message, scratch []byte) (n int) {
	each := func(id sipmsg.ID, f func(v []byte)) {
		if m.Has(id) {
			for v := range m.Values(id) {
				f(v)
				n++
			}
		}
	}
	each(sipmsg.Reason, func(v []byte) { sipmsg.ParseReason(v) })
	each(sipmsg.Warning, func(v []byte) { sipmsg.ParseWarning(v) })
	each(sipmsg.RetryAfter, func(v []byte) { sipmsg.ParseRetryAfter(v).Duration() })
	each(sipmsg.SessionExpires, func(v []byte) { sipmsg.ParseSessionExpires(v) })
	each(sipmsg.MinSE, func(v []byte) { sipmsg.ParseSessionExpires(v) })
	each(sipmsg.RAck, func(v []byte) { sipmsg.ParseRAck(v) })
	each(sipmsg.Replaces, func(v []byte) { sipmsg.ParseReplaces(v) })
	each(sipmsg.Event, func(v []byte) { sipmsg.ParseEvent(v) })
	each(sipmsg.SubscriptionState, func(v []byte) { sipmsg.ParseSubscriptionState(v) })
	each(sipmsg.ReferTo, func(v []byte) {
		r := sipmsg.ParseReferTo(v)
		r.Method()
		b, _ := r.AppendReplaces(scratch[:0])
		sipmsg.ParseReplaces(b)
	})
	each(sipmsg.Diversion, func(v []byte) { sipmsg.ParseDiversion(v) })
	each(sipmsg.HistoryInfo, func(v []byte) { sipmsg.ParseHistoryInfo(v).Cause() })
	each(sipmsg.SessionID, func(v []byte) { sipmsg.ParseSessionID(v) })
	each(sipmsg.UserToUser, func(v []byte) { sipmsg.ParseUserToUser(v) })
	if v, ok := m.First(sipmsg.ContentType); ok {
		sipmsg.ParseMediaType(v)
		n++
	}
	return n
}

func TestViewAllocs(t *testing.T) {
	const seen = 38 // counted by hand
	in, scratch := crlf(every), make([]byte, 0, 4096)
	m := parse(t, in)
	field := func(id sipmsg.ID) []byte {
		v, ok := m.First(id)
		if !ok {
			t.Fatalf("the message has no %v", id)
		}
		return v
	}
	test := func(name string, f func() bool) {
		t.Helper()
		if n := testing.AllocsPerRun(100, func() {
			if !f() {
				panic(name)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	via, from, contact := field(sipmsg.Via), field(sipmsg.From), field(sipmsg.Contact)
	auth, reason, warning, retry := field(sipmsg.Authorization), field(sipmsg.Reason), field(sipmsg.Warning), field(sipmsg.RetryAfter)
	expires, rack, replaces, event := field(sipmsg.SessionExpires), field(sipmsg.RAck), field(sipmsg.Replaces), field(sipmsg.Event)
	state, refer, diversion, history := field(sipmsg.SubscriptionState), field(sipmsg.ReferTo), field(sipmsg.Diversion), field(sipmsg.HistoryInfo)
	session, uui, media := field(sipmsg.SessionID), field(sipmsg.UserToUser), field(sipmsg.ContentType)

	test("ParseURI", func() bool { return sipmsg.ParseURI(m.RequestURI).HasPort })
	test("URI.Addr", func() bool { _, ok := sipmsg.ParseURI(m.RequestURI).Addr(); return ok })
	test("URIHeaders.Get", func() bool { _, ok := sipmsg.ParseURI(m.RequestURI).Headers.Get("subject"); return ok })
	test("AppendUnescaped", func() bool { return len(sipmsg.AppendUnescaped(scratch[:0], refer)) > 0 })
	test("ParseVia", func() bool { return sipmsg.ParseVia(via).HasPort })
	test("TopVia", func() bool { _, ok := m.TopVia(); return ok })
	test("ViaHop.Branch", func() bool { return sipmsg.ParseVia(via).Branch() != nil })
	test("ViaHop.ReceivedAddr", func() bool { _, ok := sipmsg.ParseVia(via).ReceivedAddr(); return ok })
	test("ViaHop.RPort", func() bool { _, _, ok := sipmsg.ParseVia(via).RPort(); return ok })
	test("ParseAddress", func() bool { return sipmsg.ParseAddress(from).Display != nil })
	test("Address.Tag", func() bool { return sipmsg.ParseAddress(from).Tag() != nil })
	test("Address.AppendName", func() bool { return len(sipmsg.ParseAddress(from).AppendName(scratch[:0])) > 0 })
	test("Params.All", func() bool {
		n := 0
		for range sipmsg.ParseAddress(contact).Params.All() {
			n++
		}
		return n == 4
	})
	test("Params.Expires", func() bool { _, _, ok := sipmsg.ParseAddress(contact).Params.Expires(); return ok })
	test("Params.Q", func() bool { _, _, ok := sipmsg.ParseAddress(contact).Params.Q(); return ok })
	test("Params.Instance", func() bool { return sipmsg.ParseAddress(contact).Params.Instance() != nil })
	test("Message.Number", func() bool { _, _, ok := m.Number(sipmsg.MaxForwards); return ok })
	test("ParseAuth", func() bool { return sipmsg.ParseAuth(auth).HasResponse })
	test("AuthParams.Get", func() bool { _, ok := sipmsg.ParseAuth(auth).Params.Get("response"); return ok })
	test("ParseReason", func() bool { return sipmsg.ParseReason(reason).HasCause })
	test("ParseWarning", func() bool { return sipmsg.ParseWarning(warning).HasCode })
	test("ParseRetryAfter", func() bool { return sipmsg.ParseRetryAfter(retry).HasSeconds })
	test("ParseSessionExpires", func() bool { return sipmsg.ParseSessionExpires(expires).HasInterval })
	test("ParseRAck", func() bool { return sipmsg.ParseRAck(rack).HasCSeq })
	test("ParseReplaces", func() bool { return sipmsg.ParseReplaces(replaces).EarlyOnly })
	test("ParseEvent", func() bool { return sipmsg.ParseEvent(event).ID != nil })
	test("ParseSubscriptionState", func() bool { return sipmsg.ParseSubscriptionState(state).State != nil })
	test("ParseReferTo", func() bool { _, ok := sipmsg.ParseReferTo(refer).AppendReplaces(scratch[:0]); return ok })
	test("ParseDiversion", func() bool { return sipmsg.ParseDiversion(diversion).Reason != nil })
	test("HistoryEntry.Cause", func() bool { _, ok := sipmsg.ParseHistoryInfo(history).Cause(); return ok })
	test("ParseSessionID", func() bool { return sipmsg.ParseSessionID(session).Remote != nil })
	test("ParseUserToUser", func() bool { return sipmsg.ParseUserToUser(uui).Data != nil })
	test("ParseMediaType", func() bool { return sipmsg.ParseMediaType(media).Is("multipart", "mixed") })
	test("Message.Parts", func() bool {
		n := 0
		for range m.Parts() {
			n++
		}
		return n == 2
	})
	test("Message.Append", func() bool { return len(m.Append(scratch[:0])) > 0 })
	test("Message.Check", func() bool { return m.Check() == 0 })
	test("Message.Inspect", func() bool { return m.Inspect() == sipmsg.QuirkRequestURIHeaders })
	test("Quirks.Infos", func() bool {
		n := 0
		for range (sipmsg.QuirkVia | sipmsg.QuirkDate).Infos() {
			n++
		}
		return n == 2
	})
	test("ParseSessionExpires, refused", func() bool { return !sipmsg.ParseSessionExpires(via).HasInterval })
	test("URI.Addr, refused", func() bool { _, ok := sipmsg.ParseURI(from).Addr(); return !ok })
	var fragment sipmsg.Message
	start := len(m.StartLine) + 2
	test("ParseFragment", func() bool { return fragment.ParseFragment(in[start:]) == nil })
	test("all views", func() bool { return consume(m, scratch) == seen })
}
