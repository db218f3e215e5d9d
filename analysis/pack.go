package analysis

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
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

	// maxPackedEnds bounds the endpoints of a leg that are told from new ones: most legs have
	// four, each of which comes twice.
	maxPackedEnds = 8
)

// A packer packs legs. A packed leg is the length of its numbers, its numbers, and its texts one
// behind the other.
type packer struct {
	callIDs *nameTable // those of the tracker
	names   nameTable
	shared  []string // the names, by their numbers: each is read many times
	addrs   []netip.Addr
	addrNo  map[netip.Addr]int64
	texts   textStore
	base    time.Time // when the first leg began

	lateName recall[string]
	lateAddr recall[netip.Addr]

	// Of the leg that is being packed.
	b, text []byte // its numbers and its texts
	ends    ends
	whole   []byte
}

// A recall knows the numbers of some keys that were looked up lately, each in a place of its own:
// most names and addresses of a leg are those of the legs before it.
type recall[K comparable] [256]struct {
	key K
	no  int64 // 1 + its number, 0 for none
}

// ends are the endpoints of a leg that were put already.
type ends struct {
	list [maxPackedEnds]netip.AddrPort
	n    int
}

func (e *ends) add(a netip.AddrPort) {
	if e.n < len(e.list) {
		e.list[e.n] = a
		e.n++
	}
}

func newPacker(callIDs *nameTable) packer {
	return packer{callIDs: callIDs, names: newNameTable(maxPackedNames, 1), addrNo: make(map[netip.Addr]int64)}
}

// packable reports whether a leg can be packed: not where its messages are kept, which are
// many times as large, or it has sessions, which packets are still added to.
func (l *Leg) packable() bool {
	return len(l.Steps) == 0 && (l.Media == nil || len(l.Media.Sessions) == 0)
}

// pack returns a leg in its packed form. call is the number of its Call-ID, -1 for none.
func (p *packer) pack(l *Leg, call int) textRef {
	p.begin(l.Begin)
	p.callID(l.CallID, call)
	p.time(l.Begin, p.base)
	p.string(l.From)
	p.string(l.To)
	p.flags(l.RequestURI == l.To, l.Running, l.Unfinished, l.Evicted, l.AnswerUnseen, l.EarlyMedia, l.Forked, l.ByBye)
	if l.RequestURI != l.To {
		p.string(l.RequestURI)
	}
	p.string(l.FromTag)
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
	for _, t := range [...]*time.Time{&l.Last, &l.Invited, &l.Ringing, &l.Rung, &l.Answered, &l.Final, &l.Ended} {
		p.time(*t, l.Begin)
	}
	p.uint(shortened(int64(l.ByeTook)))
	p.frame(l.First, Frame{})
	p.frame(l.LastFrame, l.First)
	p.int(int64(l.Messages))
	p.int(int64(l.Retransmissions))
	p.transfers(l)
	p.int(int64(len(l.Hops)))
	for i := range l.Hops {
		p.addrPort(l.Hops[i].A)
		p.addrPort(l.Hops[i].B)
	}
	p.int(int64(len(l.Dialogs)))
	for i := range l.Dialogs {
		d := &l.Dialogs[i]
		p.tag(d.LocalTag, l.FromTag)
		p.string(d.RemoteTag)
		p.int(int64(d.State))
		p.int(int64(d.Hops))
	}
	p.media(l)
	return p.texts.keep(p.end())
}

// begin begins to pack what began at a time.
func (p *packer) begin(at time.Time) {
	p.b, p.text, p.ends.n = p.b[:0], p.text[:0], 0
	if p.base.IsZero() {
		p.base = at
	}
}

// end returns what was packed, until the next time.
func (p *packer) end() []byte {
	p.whole = append(append(appendUint(p.whole[:0], uint64(len(p.b))), p.b...), p.text...)
	return p.whole
}

// callID puts a Call-ID by its number, or -1 and itself.
func (p *packer) callID(id string, call int) {
	p.int(int64(call))
	if call < 0 {
		p.string(id)
	}
}

func (p *packer) transfers(l *Leg) {
	p.int(int64(len(l.Transfers)))
	for i := range l.Transfers {
		x := &l.Transfers[i]
		p.string(x.Target)
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
	if p.flags(m != nil); m == nil {
		return
	}
	held := !m.HeldAt.IsZero() || m.HeldFrame != Frame{} || m.HeldBy != NoParty
	p.flags(held, m.Resumed)
	if held {
		p.time(m.HeldAt, l.Begin)
		p.frame(m.HeldFrame, l.First)
		p.int(int64(m.HeldBy))
	}
	p.int(int64(len(m.Lines)))
	for i := range m.Lines {
		x := &m.Lines[i]
		p.int(int64(x.Side))
		p.name(x.Kind)
		p.addrPort(x.Addr)
		p.name(x.Proto)
		p.name(x.Codecs)
		p.name(x.Direction)
		p.frame(x.Frame, l.First)
	}
	p.int(int64(len(m.Endpoints)))
	for i := range m.Endpoints {
		x := &m.Endpoints[i]
		p.addrPort(x.Addr)
		p.int(int64(x.Side))
		p.name(x.Kind)
		p.time(x.Since, l.Begin)
		p.frame(x.Frame, l.First)
		p.name(x.formats)
		p.flags(x.secure)
	}
	p.int(int64(m.Descriptions))
}

// A legRoom is a leg with room for what most legs have: one allocation holds all of it.
type legRoom struct {
	leg     Leg
	media   Media
	agents  [2]string
	hops    [2]Hop
	dialogs [2]Dialog
	lines   [2]MediaLine
	ends    [2]Endpoint
}

// room returns a slice of n values, in the room for it where that is enough; nil for none.
func room[T any](in []T, n int64) []T {
	switch {
	case n == 0:
		return nil
	case n <= int64(len(in)):
		return in[:n:n]
	}
	return make([]T, n)
}

// unpack makes leg number order out of its packed form, in a room that is empty. Its texts are
// parts of that. head leaves out what a leg may have several of.
func (p *packer) unpack(r *legRoom, packed textRef, order int, head bool) *Leg {
	u := newUnpacker(p.texts.text(packed), p)
	u.head(r)
	if !head {
		u.rest(r)
	}
	r.leg.order = order
	return &r.leg
}

func (u *unpacker) head(r *legRoom) {
	l := &r.leg
	l.CallID = u.callID()
	l.Begin = u.time(u.p.base)
	l.From, l.To = u.string(), u.string()
	var same bool
	u.flags(&same, &l.Running, &l.Unfinished, &l.Evicted, &l.AnswerUnseen, &l.EarlyMedia, &l.Forked, &l.ByBye)
	if l.RequestURI = l.To; !same {
		l.RequestURI = u.string()
	}
	l.FromTag = u.string()
	l.Transport = u.name()
	l.Source, l.Destination = u.addrPort(), u.addrPort()
	l.UserAgents = u.list(r.agents[:])
	l.State, l.EndedBy, l.FinalStatus = State(u.int()), Party(u.int()), int(u.int())
	l.FinalReason, l.Cause = u.name(), u.name()
	l.Attempts = int(u.int())
	l.Redirects = u.list(nil)
	for _, t := range [...]*time.Time{&l.Last, &l.Invited, &l.Ringing, &l.Rung, &l.Answered, &l.Final, &l.Ended} {
		*t = u.time(l.Begin)
	}
	l.ByeTook = lengthened(u.uint())
	l.First = u.frame(Frame{})
	l.LastFrame = u.frame(l.First)
	l.Messages, l.Retransmissions = int(u.int()), int(u.int())
}

func (u *unpacker) rest(r *legRoom) {
	l := &r.leg
	u.transfers(l)
	l.Hops = room(r.hops[:], u.int())
	for i := range l.Hops {
		l.Hops[i] = Hop{u.addrPort(), u.addrPort()}
	}
	l.Dialogs = room(r.dialogs[:], u.int())
	for i := range l.Dialogs {
		l.Dialogs[i] = Dialog{LocalTag: u.tag(l.FromTag), RemoteTag: u.string(), State: DialogState(u.int()), Hops: uint64(u.int())}
	}
	u.media(r)
}

// An unpacker reads what a packer wrote.
type unpacker struct {
	numbers
	text int // where in the leg its next text begins
	p    *packer
	ends ends
}

// numbers are the numbers of a packed leg.
type numbers struct {
	s  string // the leg
	at int    // the next one
}

func newUnpacker(s string, p *packer) unpacker {
	u := unpacker{numbers: numbers{s: s}, p: p}
	n := u.uint()
	u.text = u.at + int(n)
	return u
}

// callIDOf returns the Call-ID of a packed leg, which comes first.
func (p *packer) callIDOf(packed textRef) string {
	s := p.texts.text(packed)
	u := numbers{s: s}
	n := int(u.uint())
	text := u.at + n
	if call := u.int(); call >= 0 {
		return p.callIDs.text(int(call))
	}
	return s[text : text+int(u.uint())]
}

func (u *unpacker) callID() string {
	id, _ := u.callIDNumber()
	return id
}

// callIDNumber reads a Call-ID and its number, -1 for none.
func (u *unpacker) callIDNumber() (string, int) {
	if call := int(u.int()); call >= 0 {
		return u.p.callIDs.text(call), call
	}
	return u.string(), -1
}

func (u *unpacker) transfers(l *Leg) {
	l.Transfers = room(l.Transfers, u.int())
	for i := range l.Transfers {
		l.Transfers[i] = Transfer{
			Target: u.string(), By: Party(u.int()), Time: u.time(l.Begin), Frame: u.frame(l.First), Status: int(u.int()), Result: int(u.int()),
			cseq: uint32(u.int()), hop: int(u.int()),
		}
	}
}

func (u *unpacker) media(r *legRoom) {
	var has, held bool
	if u.flags(&has); !has {
		return
	}
	l, m := &r.leg, &r.media
	l.Media = m
	if u.flags(&held, &m.Resumed); held {
		m.HeldAt, m.HeldFrame, m.HeldBy = u.time(l.Begin), u.frame(l.First), Party(u.int())
	}
	m.Lines = room(r.lines[:], u.int())
	for i := range m.Lines {
		m.Lines[i] = MediaLine{
			Side: Party(u.int()), Kind: u.name(), Addr: u.addrPort(), Proto: u.name(), Codecs: u.name(), Direction: u.name(), Frame: u.frame(l.First),
		}
	}
	m.Endpoints = room(r.ends[:], u.int())
	for i := range m.Endpoints {
		e := &m.Endpoints[i]
		*e = Endpoint{Addr: u.addrPort(), Side: Party(u.int()), Kind: u.name(), Since: u.time(l.Begin), Frame: u.frame(l.First), formats: u.name()}
		u.flags(&e.secure)
	}
	m.Descriptions = int(u.int())
}

// Numbers take an octet for each seven bits. The lowest bits of the first octet say how many
// octets there are, so that a number is read at once: a one behind a zero for each further
// octet. Eight zeros say that eight octets follow.

// appendUint appends a number.
func appendUint(b []byte, x uint64) []byte {
	n := (bits.Len64(x|1) + 6) / 7
	if n > 8 {
		return binary.LittleEndian.AppendUint64(append(b, 0), x)
	}
	b = binary.LittleEndian.AppendUint64(b, (x<<1|1)<<(n-1))
	return b[:len(b)-8+n]
}

func (u *numbers) uint() uint64 {
	if c := u.s[u.at]; c&1 != 0 { // most are small
		u.at++
		return uint64(c >> 1)
	}
	return u.long()
}

// long reads a number of more than one octet.
func (u *numbers) long() uint64 {
	s := u.s[u.at:]
	n := bits.TrailingZeros8(s[0]) + 1
	if n > 8 {
		u.at += 9
		return load(s[1:])
	}
	u.at += n
	return load(s) << (64 - 8*n) >> (64 - 7*n)
}

// load returns the first eight octets of s, zeros where there are none.
func load(s string) uint64 {
	if len(s) < 8 {
		var b [8]byte
		copy(b[:], s)
		return binary.LittleEndian.Uint64(b[:])
	}
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// int puts a number that may be negative: those near to zero are short.
func (p *packer) int(n int64) { p.uint(unsigned(n)) }

func (u *numbers) int() int64 { return signed(u.uint()) }

func unsigned(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

func signed(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

func (p *packer) uint(x uint64) { p.b = appendUint(p.b, x) }

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

func (u *numbers) flags(list ...*bool) {
	c := u.s[u.at]
	u.at++
	for i, set := range list {
		*set = c&(1<<i) != 0
	}
}

func (p *packer) string(s string) {
	p.uint(uint64(len(s)))
	p.text = append(p.text, s...)
}

func (u *unpacker) string() string {
	n := u.text + int(u.uint())
	s := u.s[u.text:n]
	u.text = n
	return s
}

// tag puts a tag that is likely to be that of the caller.
func (p *packer) tag(s, caller string) {
	p.flags(s == caller)
	if s != caller {
		p.string(s)
	}
}

func (u *unpacker) tag(caller string) string {
	var same bool
	if u.flags(&same); same {
		return caller
	}
	return u.string()
}

// name puts a text that others are likely to share: its number, or -1 and itself.
func (p *packer) name(s string) {
	n := p.nameNo(s)
	p.int(n)
	if n < 0 {
		p.string(s)
	}
}

func (p *packer) nameNo(s string) int64 {
	late := &p.lateName[lateHash(s)]
	if late.no == 0 || late.key != s {
		late.key, late.no = s, 1+p.findName(s)
	}
	return late.no - 1
}

func (p *packer) findName(s string) int64 {
	n := p.names.count([]byte(s), len(s))
	if n == len(p.shared) {
		p.shared = append(p.shared, p.names.text(n))
	}
	return int64(n)
}

func lateHash(s string) uint8 {
	n := len(s)
	if n == 0 {
		return 0
	}
	return uint8(n)*31 ^ s[n/2]*7 ^ s[n-1]
}

func (u *unpacker) name() string {
	if n := u.int(); n >= 0 {
		return u.p.shared[n]
	}
	return u.string()
}

func (p *packer) list(list []string) {
	p.int(int64(len(list)))
	for _, s := range list {
		p.name(s)
	}
}

func (u *unpacker) list(in []string) []string {
	list := room(in, u.int())
	for i := range list {
		list[i] = u.name()
	}
	return list
}

// addrPort puts an endpoint: its place among those of the leg, or where it is not there yet the
// number of that place, and the endpoint.
func (p *packer) addrPort(a netip.AddrPort) {
	at := slices.Index(p.ends.list[:p.ends.n], a)
	if at >= 0 {
		p.uint(uint64(at))
		return
	}
	p.uint(uint64(p.ends.n))
	p.ends.add(a)
	p.addr(a.Addr())
	p.uint(uint64(a.Port()))
}

func (u *unpacker) addrPort() netip.AddrPort {
	if at := int(u.uint()); at < u.ends.n {
		return u.ends.list[at]
	}
	a := netip.AddrPortFrom(u.addr(), uint16(u.uint()))
	u.ends.add(a)
	return a
}

// addr puts the number of an address, or -1 and itself.
func (p *packer) addr(a netip.Addr) {
	n := p.addrNumber(a)
	p.int(n)
	if n < 0 {
		b, _ := a.MarshalBinary() // it never fails
		p.string(string(b))
	}
}

func (p *packer) addrNumber(a netip.Addr) int64 {
	b := a.As16()
	late := &p.lateAddr[b[15]^b[14]*7]
	if late.no == 0 || late.key != a {
		late.key, late.no = a, 1+p.findAddr(a)
	}
	return late.no - 1
}

func (p *packer) findAddr(a netip.Addr) int64 {
	n, known := p.addrNo[a]
	switch {
	case known:
		return n
	case len(p.addrs) == maxPackedAddrs:
		return -1
	}
	n = int64(len(p.addrs))
	p.addrNo[a] = n
	p.addrs = append(p.addrs, a)
	return n
}

func (u *unpacker) addr() (a netip.Addr) {
	if n := u.int(); n >= 0 {
		return u.p.addrs[n]
	}
	a.UnmarshalBinary([]byte(u.string())) // which was marshalled
	return a
}

// What a time begins with. Its distance from another one is the number less nearTime.
const (
	noTime  = iota
	farTime // too far away: its seconds and nanoseconds follow
	nearTime
)

// shortened makes a number of nanoseconds. Most captures count microseconds: of those it is twice
// the number, of others one more than twice that of the nanoseconds.
func shortened(ns int64) uint64 {
	if us := ns / 1000; us*1000 == ns {
		return unsigned(us) << 1
	}
	return unsigned(ns)<<1 | 1
}

func lengthened(x uint64) time.Duration {
	n := time.Duration(signed(x >> 1))
	if x&1 == 0 {
		n *= 1000
	}
	return n
}

// maxNear is how far apart two times may be, in seconds, that are kept by their distance.
const maxNear = 1 << 30 // whose nanoseconds take sixty of the bits

// time puts a time by its distance from another one, in nanoseconds.
func (p *packer) time(t, from time.Time) {
	if t.IsZero() {
		p.uint(noTime)
		return
	}
	if s := t.Unix() - from.Unix(); !from.IsZero() && s > -maxNear && s < maxNear {
		p.uint(nearTime + shortened(s*1e9+int64(t.Nanosecond()-from.Nanosecond())))
		return
	}
	p.uint(farTime)
	p.int(t.Unix())
	p.int(int64(t.Nanosecond()))
}

func (u *unpacker) time(from time.Time) time.Time {
	switch x := u.uint(); x {
	case noTime:
		return time.Time{}
	case farTime:
		sec := u.int()
		return time.Unix(sec, u.int()).UTC()
	default:
		return from.Add(lengthened(x - nearTime))
	}
}

// frame puts a frame by its distance from another one, times two, and one more where another
// file follows.
func (p *packer) frame(f, from Frame) {
	d := (f.Number - from.Number) << 1
	if f.File == from.File {
		p.int(d)
		return
	}
	p.int(d | 1)
	p.int(int64(f.File))
}

func (u *unpacker) frame(from Frame) Frame {
	d := u.int()
	f := Frame{File: from.File, Number: from.Number + d>>1}
	if d&1 != 0 {
		f.File = int(u.int())
	}
	return f
}
