package findings

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sdp"
)

const (
	// maxSessions bounds the session descriptions of one leg that rules look into, and
	// maxDeals the offers.
	maxSessions = 64
	maxDeals    = 64
)

// A deal is an offer with what answers it, on one hop: RFC 3264. Where several phones
// answer one offer, each makes a deal.
type deal struct {
	transaction int  // of the INVITE, UPDATE or PRACK
	offer       int  // message with the offer
	answer      int  // message with the answer, -1 for none
	final       int  // the 2xx, -1 for none
	ack         int  // of an offer in a response: the ACK or PRACK that has to answer it, -1 for none
	late        bool // the offer stands in a response
	unreliable  bool // the answer stands in unreliable provisional responses alone
}

// A legDeals holds the deals of one leg, and the descriptions that were looked into.
type legDeals struct {
	of       *analysis.Leg
	list     []deal
	at       []int          // messages …
	sessions []*sdp.Session // … and what they describe
	bad      []bool         // nothing
	n        int            // of these that are of the leg
	order    []int          // see answererFirst
}

// session returns the session description in message i; nil where there is none, or octets
// of it are missing. It is valid until the next leg.
func (r *legRun) session(i int) *sdp.Session {
	d := r.dealt()
	if k := slices.Index(d.at[:d.n], i); k >= 0 {
		if d.bad[k] {
			return nil
		}
		return d.sessions[k]
	}
	m := &r.Messages[i]
	if !m.SDP || m.Partial || d.n == maxSessions {
		return nil
	}
	x := r.Message(i)
	if x == nil {
		return nil
	}
	if d.n == len(d.at) {
		d.at, d.sessions, d.bad = append(d.at, 0), append(d.sessions, new(sdp.Session)), append(d.bad, false)
	}
	body := x.Body
	for p := range x.Parts() {
		if p.Type.Is("application", "sdp") {
			body = p.Body
			break
		}
	}
	k := d.n
	d.n++
	d.at[k], d.bad[k] = i, d.sessions[k].Parse(body) != nil
	if d.bad[k] {
		return nil
	}
	return d.sessions[k]
}

func (r *legRun) dealt() *legDeals {
	d := &r.c.deals
	if d.of != r.Leg {
		d.of, d.list, d.n = r.Leg, d.list[:0], 0
		r.deal(d)
	}
	return d
}

// deals returns the offers of the leg with their answers, in the order of their transactions.
//
//go:noinline
func (r *legRun) deals() []deal {
	if r.Leg.Media == nil {
		return nil
	}
	return r.dealt().list
}

// answererFirst returns the deals of a list in such an order that of those of one request the one nearest to who answered, or should have, comes
// first: the last one, and where the offer stands in a response, the first.
//
//go:noinline
func (r *legRun) answererFirst(list []deal) []int {
	d := &r.c.deals
	d.order = d.order[:0]
	for k := len(list) - 1; k >= 0; k-- {
		if !list[k].late {
			d.order = append(d.order, k)
		}
	}
	for k := range list {
		if list[k].late {
			d.order = append(d.order, k)
		}
	}
	return d.order
}

// deal finds the deals.
func (r *legRun) deal(d *legDeals) {
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if t.Method != "INVITE" && t.Method != "UPDATE" && t.Method != "PRACK" || len(d.list) >= maxDeals {
			continue
		}
		switch req := r.requestOf(i); {
		case req < 0 || r.Messages[req].Partial:
		case r.Messages[req].SDP:
			if t.Method != "PRACK" || r.offersAgain(d, req) {
				r.answers(d, i, req)
			}
		case t.Method == "INVITE":
			r.lateOffer(d, i)
		}
	}
}

// offersAgain reports whether the description in a PRACK is an offer: its INVITE had made one, or the PRACK of another response has
// answered that of a response. Else it answers that of the response which it acknowledges. RFC 3262, section 5.
func (r *legRun) offersAgain(d *legDeals, prack int) bool {
	a, ok := r.rack(prack)
	m := &r.Messages[prack]
	return ok && slices.ContainsFunc(d.list, func(x deal) bool {
		t := &r.Transactions[x.transaction]
		if t.Method != "INVITE" || t.CSeq != a.CSeq || r.fromTag(x.transaction) != m.FromTag {
			return false
		}
		return !x.late || t.Hop == m.Hop && x.answer >= 0 && x.answer < prack && r.Messages[x.offer].ToTag == m.ToTag && !r.acknowledges(prack, x.offer)
	})
}

// answers finds what answers the offer of a request: for each To tag the description in a
// reliable provisional response, or that in the 2xx, or that in an unreliable response.
func (r *legRun) answers(d *legDeals, i, req int) {
	start := len(d.list)
	var tags [8]uint64
	for _, j := range r.of(i) {
		m := &r.Messages[j]
		if m.Request || m.Status <= 100 || m.Status >= 300 || m.Partial || m.Resent.Number != 0 || !m.SDP && m.Status < 200 {
			continue
		}
		k := slices.Index(tags[:len(d.list)-start], m.ToTag)
		if k < 0 {
			if k = len(d.list) - start; k == len(tags) {
				return
			}
			tags[k] = m.ToTag
			d.list = append(d.list, deal{transaction: i, offer: req, answer: -1, final: -1, ack: -1})
		}
		x := &d.list[start+k]
		if m.Status >= 200 && x.final < 0 {
			x.final = j
		}
		if !m.SDP || x.answer >= 0 && !x.unreliable {
			continue
		}
		if m.Status >= 200 || r.reliable(j) {
			x.answer, x.unreliable = j, false
		} else if x.answer < 0 {
			x.answer, x.unreliable = j, true
		}
	}
	if len(d.list) == start {
		d.list = append(d.list, deal{transaction: i, offer: req, answer: -1, final: -1, ack: -1})
	}
}

// lateOffer finds the offers in the responses to an INVITE without one, of each To tag the first, and their answers in the
// PRACK or ACK.
func (r *legRun) lateOffer(d *legDeals, i int) {
	start := len(d.list)
	for j := range r.Messages {
		m := &r.Messages[j]
		if m.Partial || m.Resent.Number != 0 || m.Transaction != i && m.Method != "PRACK" {
			continue
		}
		k := start
		for k < len(d.list) && r.Messages[d.list[k].offer].ToTag != m.ToTag {
			k++
		}
		ok := m.Transaction == i && !m.Request && m.Status/100 == 2
		if k == len(d.list) {
			if k == maxDeals || !m.SDP || !ok && !r.reliable(j) {
				continue
			}
			d.list = append(d.list, deal{transaction: i, offer: j, answer: -1, final: -1, ack: -1, late: true})
		}
		switch x := &d.list[k]; {
		case ok && x.final < 0:
			x.final = j
		case m.Request && x.ack < 0 && (m.Method == "ACK" && x.offer == x.final ||
			m.Hop == r.Transactions[i].Hop && r.acknowledges(j, x.offer)):
			x.ack = j
			if m.SDP {
				x.answer = j
			}
		}
	}
}

// changedUnseen reports whether a transaction may have changed the session without the capture showing how: an INVITE or
// UPDATE that was accepted and is not there itself, or of which octets of the request or of the 2xx are missing; or one whose final response is not there, though
// it was acknowledged, or, inside of the dialog, not sent again as one is that nobody answers.
func (r *legRun) changedUnseen(i int) bool {
	t := &r.Transactions[i]
	switch {
	case t.Method != "INVITE" && t.Method != "UPDATE":
		return false
	case t.Requests == 0 || t.Status/100 == 2 && r.isTorn(i):
		return t.Status/100 == 2
	case t.Initial:
		return t.Status == 0 && t.Acked
	}
	req := r.requestOf(i)
	return t.Status == 0 && (t.Acked || t.Requests < 3) && req >= 0 && (t.Method == "INVITE" || r.Messages[req].SDP)
}

// isTorn reports whether octets of the request of a transaction, or of its 2xx, are missing.
func (r *legRun) isTorn(i int) bool {
	return slices.ContainsFunc(r.of(i), func(j int) bool {
		m := &r.Messages[j]
		return m.Partial && (m.Request && m.Method != "ACK" || m.Status/100 == 2)
	})
}

// changedOnWay reports whether a request that changes the session was accepted behind a time on another hop of the way, and
// is not in the capture on this one.
func (r *legRun) changedOnWay(hop int, after time.Time) bool {
	for j := range r.Transactions {
		t := &r.Transactions[j]
		if t.Hop == hop || t.Initial || t.Method != "INVITE" && t.Method != "UPDATE" || t.Status/100 != 2 || !t.Answered.After(after) {
			continue
		}
		if r.onBoth(hop, t.Hop) && !r.isOn(j, hop) {
			return true
		}
	}
	return false
}

// isOn reports whether the request of a transaction is on a hop.
func (r *legRun) isOn(i, hop int) bool {
	for j := range r.Transactions {
		if r.Transactions[j].Hop == hop && r.sameRequest(i, j) {
			return true
		}
	}
	return false
}

// onBoth reports whether a first INVITE went over two hops: so does what follows it, where no proxy leaves the way.
func (r *legRun) onBoth(a, b int) bool {
	for j := range r.Transactions {
		if t := &r.Transactions[j]; t.Initial && t.Method == "INVITE" && t.Hop == a && r.isOn(j, b) {
			return true
		}
	}
	return false
}

// answeredOnWay reports whether a response with a description to the request of a transaction is on another hop, and
// none with its status and To tag on that of the transaction.
func (r *legRun) answeredOnWay(i int) bool {
	for j := range r.Messages {
		m := &r.Messages[j]
		if m.Request || !m.SDP || m.Transaction < 0 || m.Transaction == i || !r.sameRequest(i, m.Transaction) {
			continue
		}
		if r.first(func(x *analysis.Seen) bool {
			return x.Transaction == i && !x.Request && x.Status == m.Status && x.ToTag == m.ToTag
		}) < 0 {
			return true
		}
	}
	return false
}

// promisedUnseen reports whether a PRACK is of a reliable response to an INVITE that is not in the capture: it
// may have answered the offer, or made one. So may one that another hop of its way shows.
func (r *legRun) promisedUnseen(i int) bool {
	if r.answeredOnWay(i) {
		return true
	}
	t := &r.Transactions[i]
	for j := range r.Messages {
		m := &r.Messages[j]
		if !m.Request || m.Method != "PRACK" || m.Hop != t.Hop {
			continue
		}
		if a, ok := r.rack(j); ok && a.CSeq == t.CSeq && !slices.ContainsFunc(r.of(i), func(k int) bool { return r.rseq(k) == a.RSeq }) {
			return true
		}
	}
	return false
}

// accepted reports whether the request of a deal was answered 2xx.
func (d *deal) accepted() bool { return d.final >= 0 }

// speaker returns the tag of who sent a message.
//
//go:noinline
func speaker(m *analysis.Seen) uint64 {
	if m.Request {
		return m.FromTag
	}
	return m.ToTag
}

// changes reports whether a deal changes a session that was agreed on before.
func (r *legRun) changes(d *deal) bool {
	return !r.Transactions[d.transaction].Initial
}

// names lists the codecs or formats of a media description.
func names(m *sdp.Media) string {
	var list []string
	for _, c := range m.Codecs() {
		if c.Name != nil {
			list = append(list, string(c.Name))
		} else {
			list = append(list, "type "+strconv.Itoa(int(c.PayloadType)))
		}
	}
	if !m.IsRTP() {
		for _, f := range m.Formats {
			list = append(list, string(f))
		}
	}
	if len(list) == 0 {
		return "nothing"
	}
	return quote([]byte(strings.Join(list, ", ")))
}

// streamName names a media description: its kind and its place.
//
//go:noinline
func streamName(m *sdp.Media, place int) string {
	return kindOf(m) + " stream " + strconv.Itoa(place+1)
}
