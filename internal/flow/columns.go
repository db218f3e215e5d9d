package flow

import (
	"net/netip"
	"strconv"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
)

// maxColumns bounds the columns of one ladder; further hosts share the last one.
const maxColumns = 24

// maxHosts bounds the hosts whose order is found: a call may be passed on by thousands, and those further on have no column of their own.
const maxHosts = 16 * maxColumns

// A columnTable says which column an address belongs to.
type columnTable struct {
	o     *Options
	split map[netip.Addr]bool // hosts that talk to themselves: ports tell who is who
	index map[string]int
}

func itoa(n int) string { return strconv.Itoa(n) }

// columns finds the columns, in the order in which the call went through them.
func (p *plan) columns() {
	t := &p.cols
	t.o, t.split, t.index = p.o, make(map[netip.Addr]bool), make(map[string]int)
	for i := range p.steps {
		a, b := p.steps[i].From, p.steps[i].To
		if a.Addr().Unmap() == b.Addr().Unmap() && a.Port() != b.Port() {
			t.split[a.Addr().Unmap()] = true
		}
	}
	var list []column
	for i := range p.steps {
		a, b := p.steps[i].From, p.steps[i].To
		if !p.steps[i].ToCallee { // the caller's side stands to the left
			a, b = b, a
		}
		list = insertHop(list, t.column(a), t.column(b))
	}
	for i := range p.media {
		b := &p.media[i]
		b.from, b.to = p.mediaColumn(list, b, b.From, b.by), p.mediaColumn(list, b, b.To, otherSide(b.by))
		list = insertHop(list, b.from, b.to)
	}
	for i, c := range list {
		if i >= maxColumns {
			p.l.Columns[maxColumns-1] = Column{Name: "further hosts"}
			t.index[c.key] = maxColumns - 1
			continue
		}
		t.index[c.key] = i
		p.l.Columns = append(p.l.Columns, c.Column)
	}
}

// byPort reports whether the ports of a host have columns of their own.
func (t *columnTable) byPort(a netip.AddrPort) bool { return t.o.Ports || t.split[a.Addr().Unmap()] }

// A column is a Column and what it is known by.
type column struct {
	key string
	Column
}

// insertHop adds two columns that a message went between: a new one stands behind all
// others, or in front of the one it sent to if that is known.
func insertHop(list []column, a, b column) []column {
	if len(list) >= maxHosts {
		return list
	}
	i, j := find(list, a.key), find(list, b.key)
	switch {
	case i < 0 && j >= 0:
		list = append(list, column{})
		copy(list[j+1:], list[j:])
		list[j] = a
		return list
	case i < 0:
		list = append(list, a)
	}
	if j < 0 && a.key != b.key {
		list = append(list, b)
	}
	return list
}

func find(list []column, key string) int {
	for i := range list {
		if list[i].key == key {
			return i
		}
	}
	return -1
}

// of returns the column of an address.
func (t *columnTable) of(a netip.AddrPort) int { return t.at(t.column(a).key) }

// at returns the place of a column by its key: the last one for hosts that have none of their own.
func (t *columnTable) at(key string) int {
	if i, ok := t.index[key]; ok {
		return i
	}
	return maxColumns - 1
}

// column returns the column that an address makes.
func (t *columnTable) column(a netip.AddrPort) column {
	if !a.IsValid() {
		return column{"", Column{Name: "unknown"}}
	}
	host := a.Addr().Unmap()
	a = netip.AddrPortFrom(host, a.Port())
	if name, ok := t.o.Names.ports[a]; ok {
		return column{"=" + name, Column{Name: name, Addr: a.String()}}
	}
	if !t.byPort(a) {
		return t.hostColumn(host)
	}
	if name, ok := t.o.Names.hosts[host]; ok {
		name += ":" + itoa(int(a.Port()))
		return column{"=" + name, Column{Name: name, Addr: a.String()}}
	}
	return column{a.String(), Column{Name: a.String()}}
}

// hostColumn returns the column that a host makes with all of its ports.
func (t *columnTable) hostColumn(host netip.Addr) column {
	if name, ok := t.o.Names.hosts[host]; ok {
		return column{"=" + name, Column{Name: name, Addr: host.String()}}
	}
	return column{host.String(), Column{Name: host.String()}}
}

// otherSide returns the side that a stream goes to, by the one that sends it.
func otherSide(by analysis.Party) analysis.Party {
	switch by {
	case analysis.Caller:
		return analysis.Callee
	case analysis.Callee:
		return analysis.Caller
	}
	return by
}

// mediaColumn returns the column of one end of a stream, among those of the messages. Media
// have ports of their own: where the ports of a host have columns, it is the one that
// announced the port of the media, or else the outermost one of that side.
func (p *plan) mediaColumn(list []column, b *mediaBar, a netip.AddrPort, side analysis.Party) column {
	t := &p.cols
	host := a.Addr().Unmap()
	if _, named := t.o.Names.ports[netip.AddrPortFrom(host, a.Port())]; named || !t.byPort(a) {
		return t.column(a)
	}
	if at := p.announcer(b.leg, a); at.IsValid() {
		return t.column(at)
	}
	for _, leg := range []int{b.leg, anyLeg} {
		if i := p.outermost(list, leg, host, side); i >= 0 {
			return list[i]
		}
	}
	return t.hostColumn(host)
}

// announcer returns who sent the session description of a leg that announced an address,
// where that is the same host.
func (p *plan) announcer(leg int, a netip.AddrPort) netip.AddrPort {
	if leg == anyLeg {
		return netip.AddrPort{}
	}
	for _, e := range p.c.Legs[leg].Media.Endpoints {
		if e.Addr != a {
			continue
		}
		for i := range p.steps {
			if s := &p.steps[i]; s.Leg == leg && s.Frame == e.Frame && s.Media != "" && s.From.Addr().Unmap() == a.Addr().Unmap() {
				return s.From
			}
		}
	}
	return netip.AddrPort{}
}

// outermost returns the column of a host that stands farthest out on a side, among those of
// the messages of a leg; -1 for none.
func (p *plan) outermost(list []column, leg int, host netip.Addr, side analysis.Party) int {
	best := -1
	for i := range p.steps {
		s := &p.steps[i]
		if leg != anyLeg && s.Leg != leg {
			continue
		}
		for _, a := range []netip.AddrPort{s.From, s.To} {
			if a.Addr().Unmap() != host {
				continue
			}
			if n := find(list, p.cols.column(a).key); best < 0 || (side == analysis.Callee) == (n > best) {
				best = n
			}
		}
	}
	return best
}

// cutText shortens s to n characters. A quotation that is cut is closed.
func cutText(s string, n int) string {
	head := firstRunes(s, n-1)
	if len(head) == len(s) || len(firstRunes(s, n)) == len(s) {
		return s
	}
	if clean.Closing(head) != "" {
		head = firstRunes(s, n-2)
	}
	return head + "…" + clean.Closing(head)
}

// firstRunes returns the first n characters of s.
func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// titleText returns the name of a capture's host fit to be shown.
func titleText(s string) string { return cutText(clean.Text(s), 40) }

// clock writes a time of the day.
func clock(r *Row) string {
	if r.Time.IsZero() {
		return "--:--:--.---"
	}
	return r.Time.UTC().Format("15:04:05.000")
}

// seconds writes how long after the start a row comes; "" where that is not known.
func seconds(l *Ladder, r *Row) string {
	if r.Time.IsZero() || l.Start.IsZero() {
		return ""
	}
	return strconv.FormatFloat(r.Time.Sub(l.Start).Seconds(), 'f', 3, 64)
}

// again says how a message was sent again; "" where it was not.
func again(r *Row) string {
	if len(r.Repeats) == 0 {
		return ""
	}
	s := "sent again"
	if last := r.Repeats[len(r.Repeats)-1]; last.After(r.Time) && !r.Time.IsZero() {
		s += " within " + words.Duration(last.Sub(r.Time))
	}
	return s
}
