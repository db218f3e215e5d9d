package analysis

import (
	"iter"

	"slices"
	"strings"
	"time"
)

// Of most addresses-of-record nothing is heard between one REGISTER and the next, and there are
// as many as users: all are kept packed, as finished legs are, but for those of the last
// REGISTERs.

// maxRecentAORs bounds those that are not packed: several REGISTERs and their responses come at
// a time.
const maxRecentAORs = 512

// of returns the record of the address-of-record that an exchange is about, nil for none. It is
// valid until another one is asked for.
func (g *registrar) of(r *exchange) *aor {
	if r.aor == 0 {
		return nil
	}
	return g.at(r.aor - 1)
}

// at returns the record with a number.
func (g *registrar) at(n int) *aor {
	a := g.place(n)
	if a.held == 0 {
		g.packer.unpackAOR(a, g.rows[n])
		a.held, a.AOR = n+1, g.aors.text(n)
		for i := range a.Contacts { // rules hold them, and should not hold the row
			a.Contacts[i].URI = strings.Clone(a.Contacts[i].URI)
		}
	}
	return a
}

// place returns the place of the record with a number: it is there, or else nothing is.
func (g *registrar) place(n int) *aor {
	if g.recent == nil {
		g.recent = make([]aor, maxRecentAORs)
	}
	a := &g.recent[n%maxRecentAORs]
	if a.held != n+1 {
		g.put(a)
	}
	return a
}

// put packs a record.
func (g *registrar) put(a *aor) {
	if a.held != 0 {
		g.rows[a.held-1] = g.packer.packAOR(a)
		a.held = 0
	}
}

// result returns the registrations. now is the latest time of the capture: a challenge that
// nothing followed for long enough was not taken up.
func (g *registrar) result(now time.Time) RegistrationList {
	for i := range g.recent {
		g.put(&g.recent[i])
	}
	g.recent = nil
	return RegistrationList{g.packer, &g.aors, g.rows, now, nil}
}

// packAOR returns a record in its packed form, without its number and its name.
func (p *packer) packAOR(a *aor) string {
	p.begin(a.Begin)
	p.time(a.Begin, p.base)
	p.callID(a.CallID, a.call)
	p.addrPort(a.Source)
	p.addrPort(a.Registrar)
	p.shape.bit(a.unseen)
	p.shape.int(int64(a.expired)) // 0 until the capture has ended
	same := a.from == a.Source.Addr()
	if p.shape.bit(same); !same {
		p.addr(a.from)
	}
	p.shape.int(int64(a.Outcome))
	p.shape.int(int64(a.Status))
	p.name(a.Reason)
	p.name(a.UserAgent)
	for _, n := range a.counts() {
		if p.shape.bit(*n != 0); *n != 0 {
			p.nums.int(int64(*n))
		}
	}
	p.time(a.Last, a.Begin)
	p.time(a.challenged, a.Last)
	p.frame(a.First, Frame{})
	p.frame(a.LastFrame, a.First)
	p.shape.int(int64(len(a.Contacts)))
	for i := range a.Contacts {
		b := &a.Contacts[i]
		p.string(b.URI)
		p.shape.int(b.Asked)
		if p.shape.bit(b.Granted == b.Asked); b.Granted != b.Asked {
			p.nums.int(b.Granted)
		}
	}
	return string(p.end())
}

// unpackAOR makes a record of its packed form. Its texts are parts of s.
func (p *packer) unpackAOR(a *aor, s string) {
	*a = aor{Registration: Registration{Contacts: a.Contacts[:0]}}
	var u unpacker
	u.open(s, p)
	a.Begin = u.time(p.base)
	a.CallID, a.call = u.callID()
	a.Source, a.Registrar = u.addrPort(), u.addrPort()
	a.unseen = u.shape.bit()
	a.expired = uint8(u.shape.int())
	if u.shape.bit() {
		a.from = a.Source.Addr()
	} else {
		a.from = u.addr()
	}
	a.Outcome, a.Status = Outcome(u.shape.int()), int(u.shape.int())
	a.Reason, a.UserAgent = u.name(), u.name()
	for _, n := range a.counts() {
		if u.shape.bit() {
			*n = int(u.nums.int())
		}
	}
	a.Last = u.time(a.Begin)
	a.challenged = u.time(a.Last)
	a.First = u.frame(Frame{})
	a.LastFrame = u.frame(a.First)
	for range u.shape.int() {
		b := Binding{URI: u.string(), Asked: u.shape.int()}
		if u.shape.bit() {
			b.Granted = b.Asked
		} else {
			b.Granted = u.nums.int()
		}
		a.Contacts = append(a.Contacts, b)
	}
}

// counts returns what is counted of a registration.
func (r *Registration) counts() [8]*int {
	return [...]*int{&r.Attempts, &r.Challenges, &r.Accepted, &r.Refreshes, &r.Failures, &r.Retransmissions, &r.Messages, &r.Sources}
}

// A RegistrationList is the registrations of a timeline, in the order in which they began. The
// zero RegistrationList is empty.
//
// They are kept in a form that takes little room: each one that At or All gives is made for the
// caller and may be held.
type RegistrationList struct {
	packer   *packer
	aors     *nameTable
	rows     []string
	now      time.Time
	findings map[int][]string // by number, where there are any
}

// Len returns the number of registrations.
func (l *RegistrationList) Len() int { return len(l.rows) }

// At returns registration i, from 0.
func (l *RegistrationList) At(i int) *Registration {
	a := new(aor)
	l.fill(a, i)
	return &a.Registration
}

// fill makes a registration i.
func (l *RegistrationList) fill(a *aor, i int) {
	l.packer.unpackAOR(a, l.rows[i])
	a.AOR, a.Findings = l.aors.text(i), l.findings[i]
	if !a.challenged.IsZero() && l.now.Sub(a.challenged) >= timerTimeout {
		a.Outcome = RegChallenged
	}
	for i, b := range a.Contacts {
		if b.Granted >= 0 && !a.unseen && !a.Last.IsZero() && int64(l.now.Sub(a.Last)/time.Second) > b.Granted {
			a.expired |= 1 << i
		}
	}
}

// All iterates over the registrations in order.
func (l *RegistrationList) All() iter.Seq[*Registration] { return each(l.Len, l.At) }

// Tell adds the id of a finding to those of an address-of-record, unless it is there. It is for
// whoever looks for what is wrong, before others read the list.
func (l *RegistrationList) Tell(aor, id string) {
	if l.Len() == 0 {
		return
	}
	i := l.aors.number([]byte(aor))
	if i < 0 || slices.Contains(l.findings[i], id) {
		return
	}
	if l.findings == nil {
		l.findings = make(map[int][]string)
	}
	l.findings[i] = append(l.findings[i], id)
}

// A RegistrationReader gives registrations one at a time, each in the place of the one before:
// for those who look at many and keep none. A list may have many readers at a time; a reader is
// for one goroutine.
type RegistrationReader struct {
	list *RegistrationList
	room aor
}

// Reader returns a reader of the list.
func (l *RegistrationList) Reader() *RegistrationReader { return &RegistrationReader{list: l} }

// Len returns the number of registrations.
func (r *RegistrationReader) Len() int { return r.list.Len() }

// At returns registration i as RegistrationList.At does. It is valid until the next call; its
// texts stay.
func (r *RegistrationReader) At(i int) *Registration {
	r.list.fill(&r.room, i)
	return &r.room.Registration
}

// All iterates over the registrations as RegistrationList.All does, each valid for one turn.
func (r *RegistrationReader) All() iter.Seq[*Registration] { return each(r.Len, r.At) }
