package findings

import (
	"fmt"
	"net/netip"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// maxSubscribed bounds the dialogs of SUBSCRIBE whose proxies are held.
const maxSubscribed = 1 << 12

// A subscribed is what is held of a dialog that a SUBSCRIBE made: the proxy that it came to, or that it left, and that is in Record-Route.
type subscribed struct {
	callID string
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
	x := s.m[e.CallID]
	switch {
	case x != nil:
		if e.InDialog {
			x.request(r)
		}
	case e.Method == "SUBSCRIBE" && e.Status/100 == 2 && e.ResponseFields.Has(sipmsg.RecordRoute):
		s.accepted(r)
	}
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
			delete(s.m, old.callID)
			s.order = s.order[1:]
			if old.suspect() {
				r.report(old.f)
			}
		}
		if s.m == nil {
			s.m = make(map[string]*subscribed)
		}
		x := &subscribed{callID: e.CallID, proxy: proxy, answer: e.FinalFrame}
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
	if x.suspect() || m == nil || !oneVia(m) {
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
