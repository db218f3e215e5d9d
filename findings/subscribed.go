package findings

import (
	"fmt"
	"hash/maphash"
	"net/netip"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// maxSubscribed bounds the dialogs of SUBSCRIBE whose proxies are held.
const maxSubscribed = 1 << 12

// A subscribed is what is held of a dialog that a SUBSCRIBE made: the proxy that it came to, or that it left, and that is in Record-Route.
type subscribed struct {
	callID string
	tags   [2]uint64 // hashes of the tags of its ends
	proxy  netip.AddrPort
	answer analysis.Frame // the 2xx that says so

	// Of the first request inside of the dialog that goes past the proxy; what passes that later is the same request on another hop.
	method string
	cseq   uint32
	f      Finding
}

// subscribedState applies route-bypass to dialogs of SUBSCRIBE.
type subscribedState struct {
	m     map[string]*subscribed
	order []*subscribed
}

func (s *subscribedState) exchange(r *exchangeRun) {
	e := r.Exchange
	switch x := s.m[e.CallID]; {
	case e.InDialog:
		if x != nil {
			x.request(r)
		}
	case e.Method == "SUBSCRIBE" && e.Status/100 == 2 && e.FirstHop: // another dialog with that Call-ID
		delete(s.m, e.CallID)
		fallthrough
	case e.Method == "SUBSCRIBE" && e.Status/100 == 2 && s.m[e.CallID] == nil:
		if e.ResponseFields.Has(sipmsg.RecordRoute) {
			s.accepted(r)
		}
	}
}

// tagsOf returns the hashes of the tags of a message, the lesser one first.
func tagsOf(m *sipmsg.Message) [2]uint64 {
	a, b := maphash.Bytes(seed, m.Tag(sipmsg.From)), maphash.Bytes(seed, m.Tag(sipmsg.To))
	return [2]uint64{min(a, b), max(a, b)}
}

// accepted takes in a SUBSCRIBE that was accepted by way of a proxy.
func (s *subscribedState) accepted(r *exchangeRun) {
	m := r.Response()
	if m == nil {
		return
	}
	e := r.Exchange
	for v := range m.Values(sipmsg.RecordRoute) {
		proxy, ok := target(v)
		if !ok || proxy.Addr() != e.Source.Addr() && proxy.Addr() != e.Destination.Addr() {
			continue
		}
		if len(s.order) == maxSubscribed {
			old := s.order[0]
			if s.m[old.callID] == old {
				delete(s.m, old.callID)
			}
			s.order = s.order[1:]
			if old.suspect() {
				r.report(old.f)
			}
		}
		if s.m == nil {
			s.m = make(map[string]*subscribed)
		}
		x := &subscribed{callID: e.CallID, tags: tagsOf(m), proxy: proxy, answer: e.FinalFrame}
		s.m[e.CallID], s.order = x, append(s.order, x)
		return
	}
}

// suspect reports whether a request went past the proxy, as far as is known.
func (x *subscribed) suspect() bool { return x.f.Severity != 0 }

// request takes in a request inside of the dialog.
func (x *subscribed) request(r *exchangeRun) {
	e := r.Exchange
	if e.Source.Addr() == x.proxy.Addr() || e.Destination.Addr() == x.proxy.Addr() {
		if x.suspect() && e.Method == x.method && e.CSeq == x.cseq { // it comes past it in the end
			x.f = Finding{}
		}
		return
	}
	m := r.Request()
	if x.suspect() || m == nil || !oneVia(m) || tagsOf(m) != x.tags {
		return
	}
	for v := range m.Values(sipmsg.Route) {
		if to, ok := target(v); !ok || to.Addr() == x.proxy.Addr() {
			return
		}
	}
	x.method, x.cseq = e.Method, e.CSeq
	x.f = Finding{
		Severity: Warning, Frames: []analysis.Frame{x.answer, e.SentFrame}, CallID: e.CallID, AOR: e.AOR,
		Observed: fmt.Sprintf("%s goes to %s without a Route for %s, which is in Record-Route", e.Method, endpoint(e.Destination), endpoint(x.proxy)),
		Expected: "a Route for each Record-Route",
	}
}

func (s *subscribedState) end(r *captureRun) {
	for _, x := range s.order {
		if x.suspect() {
			r.report(x.f)
		}
	}
}
