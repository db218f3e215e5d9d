package analysis

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"
)

// Most legs are finished long before the capture ends, and nobody asks for them before that:
// they are kept packed, a fifth of their size and without pointers. Texts that come again and
// again, and addresses, are numbers; times count from the beginning of the leg.

const (
	// maxPackedNames and maxPackedAddrs bound the texts and addresses that are numbers:
	// the others stand in each leg.
	maxPackedNames = 1 << 16
	maxPackedAddrs = 1 << 16
)

// A packer packs legs.
type packer struct {
	callIDs *nameTable // those of the tracker
	names   nameTable
	addrs   []netip.Addr
	addrNo  map[netip.Addr]uint64
	texts   textStore
	b       []byte
}

func newPacker(callIDs *nameTable) packer {
	return packer{callIDs: callIDs, names: newNameTable(maxPackedNames, 256), addrNo: make(map[netip.Addr]uint64)}
}

// packable reports whether a leg can be packed: not where its messages are kept, which are
// many times as large, or it has streams, or sessions, which packets are still added to.
func (l *Leg) packable() bool {
	return len(l.Steps) == 0 && (l.Media == nil || len(l.Media.Streams) == 0 && len(l.Media.Sessions) == 0)
}

// pack returns a leg in its packed form. call is the number of its Call-ID, -1 for none.
func (p *packer) pack(l *Leg, call int) string {
	p.b = p.b[:0]
	p.int(int64(call))
	if call < 0 {
		p.text(l.CallID)
	}
	p.time(l.Begin, time.Time{})
	p.text(l.From)
	p.text(l.To)
	p.flags(l.RequestURI == l.To, l.Running, l.Unfinished, l.Evicted, l.AnswerUnseen, l.EarlyMedia, l.Forked, l.ByBye)
	if l.RequestURI != l.To {
		p.text(l.RequestURI)
	}
	p.text(l.FromTag)
	p.name(l.Transport)
	p.addrPort(l.Source)
	p.addrPort(l.Destination)
	p.list(l.UserAgents)
	p.int(int64(l.State))
	p.int(int64(l.EndedBy))
	p.int(int64(l.FinalStatus))
	p.name(l.FinalReason)
	p.name(l.Cause)
	p.int(int64(l.Attempts))
	p.list(l.Redirects)
	for _, t := range []time.Time{l.Last, l.Invited, l.Ringing, l.Rung, l.Answered, l.Final, l.Ended} {
		p.time(t, l.Begin)
	}
	p.int(int64(l.ByeTook))
	p.frame(l.First, Frame{})
	p.frame(l.LastFrame, l.First)
	p.int(int64(l.Messages))
	p.int(int64(l.Retransmissions))
	p.int(int64(l.order))
	p.transfers(l)
	p.int(int64(len(l.Hops)))
	for _, h := range l.Hops {
		p.addrPort(h.A)
		p.addrPort(h.B)
	}
	p.int(int64(len(l.Dialogs)))
	for _, d := range l.Dialogs {
		p.text(d.LocalTag)
		p.text(d.RemoteTag)
		p.int(int64(d.State))
		p.int(int64(d.Hops))
	}
	p.media(l)
	return p.texts.keep(p.b)
}

func (p *packer) transfers(l *Leg) {
	p.int(int64(len(l.Transfers)))
	for _, x := range l.Transfers {
		p.text(x.Target)
		p.int(int64(x.By))
		p.time(x.Time, l.Begin)
		p.frame(x.Frame, l.First)
		p.int(int64(x.Status))
		p.int(int64(x.Result))
		p.int(int64(x.cseq))
		p.int(int64(x.hop))
	}
}

func (p *packer) media(l *Leg) {
	m := l.Media
	p.flags(m != nil, m != nil && m.Resumed)
	if m == nil {
		return
	}
	p.int(int64(len(m.Lines)))
	for _, x := range m.Lines {
		p.int(int64(x.Side))
		p.name(x.Kind)
		p.addrPort(x.Addr)
		p.name(x.Proto)
		p.name(x.Codecs)
		p.name(x.Direction)
		p.frame(x.Frame, l.First)
	}
	p.int(int64(len(m.Endpoints)))
	for _, x := range m.Endpoints {
		p.addrPort(x.Addr)
		p.int(int64(x.Side))
		p.name(x.Kind)
		p.time(x.Since, l.Begin)
		p.frame(x.Frame, l.First)
		p.name(x.formats)
		p.flags(x.secure)
	}
	p.int(int64(m.Descriptions))
	p.time(m.HeldAt, l.Begin)
	p.frame(m.HeldFrame, l.First)
	p.int(int64(m.HeldBy))
}

// unpack returns a leg out of its packed form. Its texts are parts of s.
func (p *packer) unpack(s string) *Leg {
	u := unpacker{s: s, p: p}
	l := new(Leg)
	l.CallID = u.callID()
	l.Begin = u.time(time.Time{})
	l.From, l.To = u.text(), u.text()
	var same bool
	u.flags(&same, &l.Running, &l.Unfinished, &l.Evicted, &l.AnswerUnseen, &l.EarlyMedia, &l.Forked, &l.ByBye)
	if l.RequestURI = l.To; !same {
		l.RequestURI = u.text()
	}
	l.FromTag = u.text()
	l.Transport = u.name()
	l.Source, l.Destination = u.addrPort(), u.addrPort()
	l.UserAgents = u.list()
	l.State, l.EndedBy, l.FinalStatus = State(u.int()), Party(u.int()), int(u.int())
	l.FinalReason, l.Cause = u.name(), u.name()
	l.Attempts = int(u.int())
	l.Redirects = u.list()
	for _, t := range [...]*time.Time{&l.Last, &l.Invited, &l.Ringing, &l.Rung, &l.Answered, &l.Final, &l.Ended} {
		*t = u.time(l.Begin)
	}
	l.ByeTook = time.Duration(u.int())
	l.First = u.frame(Frame{})
	l.LastFrame = u.frame(l.First)
	l.Messages, l.Retransmissions, l.order = int(u.int()), int(u.int()), int(u.int())
	u.transfers(l)
	if n := u.int(); n > 0 {
		l.Hops = make([]Hop, n)
		for i := range l.Hops {
			l.Hops[i] = Hop{u.addrPort(), u.addrPort()}
		}
	}
	if n := u.int(); n > 0 {
		l.Dialogs = make([]Dialog, n)
		for i := range l.Dialogs {
			l.Dialogs[i] = Dialog{LocalTag: u.text(), RemoteTag: u.text(), State: DialogState(u.int()), Hops: uint64(u.int())}
		}
	}
	u.media(l)
	return l
}

// An unpacker reads what a packer wrote.
type unpacker struct {
	s string
	p *packer
}

// callID reads the Call-ID, which comes first.
func (u *unpacker) callID() string {
	if call := u.int(); call >= 0 {
		return u.p.callIDs.names[call].text
	}
	return u.text()
}

func (u *unpacker) transfers(l *Leg) {
	n := u.int()
	if n == 0 {
		return
	}
	l.Transfers = make([]Transfer, n)
	for i := range l.Transfers {
		l.Transfers[i] = Transfer{
			Target: u.text(), By: Party(u.int()), Time: u.time(l.Begin), Frame: u.frame(l.First), Status: int(u.int()), Result: int(u.int()),
			cseq: uint32(u.int()), hop: int(u.int()),
		}
	}
}

func (u *unpacker) media(l *Leg) {
	var has, resumed bool
	u.flags(&has, &resumed)
	if !has {
		return
	}
	m := &Media{Resumed: resumed}
	l.Media = m
	if n := u.int(); n > 0 {
		m.Lines = make([]MediaLine, n)
		for i := range m.Lines {
			m.Lines[i] = MediaLine{
				Side: Party(u.int()), Kind: u.name(), Addr: u.addrPort(), Proto: u.name(), Codecs: u.name(), Direction: u.name(), Frame: u.frame(l.First),
			}
		}
	}
	if n := u.int(); n > 0 {
		m.Endpoints = make([]Endpoint, n)
		for i := range m.Endpoints {
			e := &m.Endpoints[i]
			*e = Endpoint{Addr: u.addrPort(), Side: Party(u.int()), Kind: u.name(), Since: u.time(l.Begin), Frame: u.frame(l.First), formats: u.name()}
			u.flags(&e.secure)
		}
	}
	m.Descriptions = int(u.int())
	m.HeldAt, m.HeldFrame, m.HeldBy = u.time(l.Begin), u.frame(l.First), Party(u.int())
}

func (p *packer) int(n int64) { p.b = binary.AppendVarint(p.b, n) }

func (u *unpacker) int() int64 {
	if c := u.s[0]; c < 0x80 { // most are small
		u.s = u.s[1:]
		return int64(c>>1) ^ -int64(c&1)
	}
	n, shift := uint64(0), 0
	for i := 0; ; i++ {
		c := u.s[i]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			u.s = u.s[i+1:]
			return int64(n>>1) ^ -int64(n&1)
		}
		shift += 7
	}
}

// flags puts up to eight bits into an octet.
func (p *packer) flags(list ...bool) {
	c := byte(0)
	for i, set := range list {
		if set {
			c |= 1 << i
		}
	}
	p.b = append(p.b, c)
}

func (u *unpacker) flags(list ...*bool) {
	c := u.s[0]
	u.s = u.s[1:]
	for i, set := range list {
		*set = c&(1<<i) != 0
	}
}

func (p *packer) text(s string) {
	p.int(int64(len(s)))
	p.b = append(p.b, s...)
}

func (u *unpacker) text() (s string) {
	n := u.int()
	s, u.s = u.s[:n], u.s[n:]
	return s
}

// name puts a text that others are likely to share: its number, or -1 and itself.
func (p *packer) name(s string) {
	n := p.names.count([]byte(s), len(s))
	p.int(int64(n))
	if n < 0 {
		p.text(s)
	}
}

func (u *unpacker) name() string {
	if n := u.int(); n >= 0 {
		return u.p.names.names[n].text
	}
	return u.text()
}

func (p *packer) list(list []string) {
	p.int(int64(len(list)))
	for _, s := range list {
		p.name(s)
	}
}

func (u *unpacker) list() []string {
	n := u.int()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = u.name()
	}
	return list
}

// addrPort puts the number of an address, or -1 and itself, and the port.
func (p *packer) addrPort(a netip.AddrPort) {
	n, known := p.addrNo[a.Addr()]
	switch {
	case known:
		p.int(int64(n))
	case len(p.addrs) < maxPackedAddrs:
		p.addrNo[a.Addr()] = uint64(len(p.addrs))
		p.int(int64(len(p.addrs)))
		p.addrs = append(p.addrs, a.Addr())
	default:
		b, _ := a.Addr().MarshalBinary() // it never fails
		p.int(-1)
		p.text(string(b))
	}
	p.int(int64(a.Port()))
}

func (u *unpacker) addrPort() netip.AddrPort {
	var a netip.Addr
	if n := u.int(); n >= 0 {
		a = u.p.addrs[n]
	} else {
		a.UnmarshalBinary([]byte(u.text())) // which was marshalled
	}
	return netip.AddrPortFrom(a, uint16(u.int()))
}

// What stands for a time in place of its distance.
const (
	noTime  = math.MinInt64
	farTime = math.MaxInt64 // too far away: its seconds and nanoseconds follow
)

// time puts a time by its distance from another one, in nanoseconds.
func (p *packer) time(t, from time.Time) {
	if t.IsZero() {
		p.int(noTime)
		return
	}
	if d := t.Sub(from); !from.IsZero() && d > -1<<62 && d < 1<<62 { // Sub stops at its limits
		p.int(int64(d))
		return
	}
	p.int(farTime)
	p.int(t.Unix())
	p.int(int64(t.Nanosecond()))
}

func (u *unpacker) time(from time.Time) time.Time {
	switch d := u.int(); d {
	case noTime:
		return time.Time{}
	case farTime:
		sec := u.int()
		return time.Unix(sec, u.int()).UTC()
	default:
		return from.Add(time.Duration(d))
	}
}

func (p *packer) frame(f, from Frame) {
	p.int(int64(f.File))
	p.int(f.Number - from.Number)
}

func (u *unpacker) frame(from Frame) Frame {
	return Frame{File: int(u.int()), Number: from.Number + u.int()}
}
