package flow

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
)

// maxColumns bounds the columns of one ladder; further hosts share the last one.
const maxColumns = 24

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
	p.media = slices.DeleteFunc(p.media, func(b Bar) bool { return t.byPort(b.From) || t.byPort(b.To) })
	for _, b := range p.media {
		list = insertHop(list, t.column(b.From), t.column(b.To))
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

// byPort reports whether the ports of a host have columns of their own: streams of media,
// each with its port, would only add more.
func (t *columnTable) byPort(a netip.AddrPort) bool { return t.o.Ports || t.split[a.Addr().Unmap()] }

// A column is a Column and what it is known by.
type column struct {
	key string
	Column
}

// insertHop adds two columns that a message went between: a new one stands behind all
// others, or in front of the one it sent to if that is known.
func insertHop(list []column, a, b column) []column {
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
func (t *columnTable) of(a netip.AddrPort) int { return t.index[t.column(a).key] }

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
	name, named := t.o.Names.hosts[host]
	whole, addr := host.String(), host.String()
	if t.byPort(a) {
		addr = a.String()
		whole = addr
		if named {
			name += ":" + itoa(int(a.Port()))
		}
	}
	if named {
		return column{"=" + name, Column{Name: name, Addr: addr}}
	}
	return column{whole, Column{Name: addr}}
}

// cutText shortens s to n characters.
func cutText(s string, n int) string {
	count := 0
	for i := range s {
		if count == n-1 && len(s)-i > 1 && moreThanOne(s[i:]) {
			return s[:i] + "…"
		}
		count++
	}
	return s
}

func moreThanOne(s string) bool {
	n := 0
	for range s {
		if n++; n > 1 {
			return true
		}
	}
	return false
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
		s += " within " + report.DurationText(last.Sub(r.Time))
	}
	return s
}
