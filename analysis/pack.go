package analysis

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/internal/addr"
)

// Most legs are finished long before the capture ends, and nobody asks for them before that:
// they are kept packed, an eighth of their size and without pointers. Texts that come again and
// again, and addresses, are numbers; times count from the one before. What says how a leg went,
// and not when, where and whose it was, is its shape, which many others have as well: that is a
// number, too.

const (
	// maxPackedNames and maxPackedAddrs bound the texts and addresses that are numbers:
	// the others stand in each leg.
	maxPackedNames = 1 << 16
	maxPackedAddrs = 1 << 16

	// maxShapes bounds the shapes that are numbers: where there are more, most legs have one
	// of their own, and nothing is saved.
	maxShapes = 1 << 14

	// maxPackedEnds bounds the endpoints of a leg that are told from new ones: most legs have
	// four, each of which comes twice.
	maxPackedEnds = 8
)

// A packer packs legs, and records of registrations. What is packed is 1 + the number of its shape,
// or 0 and the length of its shape; the length of its numbers; its shape where that has no number;
// its numbers; and its texts one behind the other.
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

	shapes nameTable

	// Of the leg that is being packed.
	shape, nums octets // its shape and its numbers
	text        []byte
	ends        ends
	whole       octets
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

// find returns the place of an endpoint, which is that of the next one where it is not there, and 1
// + that of one with the same address, 0 for none.
func (e *ends) find(a netip.AddrPort) (at, host int) {
	for i := range e.list[:e.n] {
		x := &e.list[i]
		if x.Addr() != a.Addr() {
			continue
		}
		if x.Port() == a.Port() {
			return i, 0
		}
		host = i + 1
	}
	return e.n, host
}

func newPacker(callIDs *nameTable) packer {
	return packer{
		callIDs: callIDs, names: newNameTable(maxPackedNames, 1), shapes: newNameTable(maxShapes, 256), addrNo: make(map[netip.Addr]int64),
	}
}

// packable reports whether a leg can be packed: not where it has sessions, which packets are still
// added to.
func (l *Leg) packable() bool { return l.Media == nil || len(l.Media.Sessions) == 0 }

// pack returns a leg in its packed form, without its Steps. call is the number of its Call-ID, -1 for none.
func (p *packer) pack(l *Leg, call int) textRef {
	p.begin(l.Begin)
	p.callID(l.CallID, call)
	p.time(l.Begin, p.base)
	p.string(l.From)
	p.string(l.To)
	p.shape.flags(l.RequestURI == l.To, l.Running, l.Unfinished, l.Evicted, l.AnswerUnseen, l.EarlyMedia, l.Forked, l.ByBye)
	p.shape.bit(l.ByeUnseen)
	p.shape.bit(l.ByeStray)
	p.shape.int(int64(l.ByeRefused))
	if l.RequestURI != l.To {
		p.string(l.RequestURI)
	}
	p.string(l.FromTag)
	p.name(l.Transport)
	p.addrPort(l.Source)
	p.addrPort(l.Destination)
	p.list(l.UserAgents)
	p.shape.int(int64(l.State))
	p.shape.int(int64(l.EndedBy))
	p.shape.int(int64(l.FinalStatus))
	p.name(l.FinalReason)
	p.name(l.Cause)
	p.shape.int(int64(l.Attempts))
	p.list(l.Redirects)
	from := l.Begin
	for _, t := range l.times() {
		p.time(*t, from)
		from = later(*t, from)
	}
	p.nums.uint(shortened(int64(l.ByeTook)))
	p.frame(l.First, Frame{})
	p.frame(l.LastFrame, l.First)
	p.nums.int(int64(l.Messages))
	p.nums.int(int64(l.Retransmissions))
	p.shape.int(int64(len(l.Hops)))
	for i := range l.Hops {
		p.addrPort(l.Hops[i].A)
		p.addrPort(l.Hops[i].B)
	}
	p.shape.int(int64(len(l.Refusals)))
	for _, x := range l.Refusals {
		p.shape.int(int64(x.Hop))
		status := int64(x.Status) << 1
		if x.Before {
			status |= 1
		}
		p.shape.int(status)
	}
	p.transfers(l)
	p.shape.int(int64(len(l.Dialogs)))
	for i := range l.Dialogs {
		d := &l.Dialogs[i]
		p.tag(d.LocalTag, l.FromTag)
		p.string(d.RemoteTag)
		p.shape.int(int64(d.State))
		p.shape.int(int64(d.Hops))
	}
	p.media(l)
	return p.texts.keep(p.end())
}

// times returns the times of a leg behind its beginning, in the order in which they mostly come.
func (l *Leg) times() [8]*time.Time {
	return [...]*time.Time{&l.Invited, &l.Ringing, &l.Progressed, &l.Rung, &l.Answered, &l.Final, &l.Ended, &l.Last}
}

// later returns the time that the next one counts from: t where it is one, or else from.
func later(t, from time.Time) time.Time {
	if t.IsZero() {
		return from
	}
	return t
}

// begin begins to pack what began at a time.
func (p *packer) begin(at time.Time) {
	p.shape, p.nums, p.text, p.ends.n = p.shape[:0], p.nums[:0], p.text[:0], 0
	if p.base.IsZero() {
		p.base = at
	}
}

// end returns what was packed, until the next time.
func (p *packer) end() []byte { return p.ended(p.shapes.count(p.shape, len(p.shape))) }

// ended is end for what has a shape with a number, or -1.
func (p *packer) ended(shape int) []byte {
	p.whole = p.whole[:0]
	p.whole.uint(uint64(shape + 1))
	if shape < 0 {
		p.whole.uint(uint64(len(p.shape)))
	}
	p.whole.uint(uint64(len(p.nums)))
	if shape < 0 {
		p.whole = append(p.whole, p.shape...)
	}
	p.whole = append(append(p.whole, p.nums...), p.text...)
	return p.whole
}

// packSteps returns the Steps of a leg in their packed form. No two legs have the same shape there.
func (p *packer) packSteps(l *Leg) textRef {
	p.begin(l.Begin)
	p.shape.uint(uint64(len(l.Steps)))
	var was Step
	was.Time, was.Frame = l.Begin, l.First
	for i := range l.Steps {
		x := &l.Steps[i]
		resent := x.Resent != Frame{}
		p.shape.flags(x.Request, x.InDialog, x.ToCallee, x.Partial, resent, x.Body != "", x.Media != "", x.Media == was.Media)
		p.time(x.Time, was.Time)
		p.frame(x.Frame, was.Frame)
		p.addrPort(x.From)
		p.addrPort(x.To)
		p.name(x.Method)
		p.nums.int(int64(x.CSeq) - int64(was.CSeq))
		p.shape.int(int64(x.Status))
		p.name(x.Reason)
		p.shape.int(int64(x.Dialog))
		if resent {
			p.frame(x.Resent, x.Frame)
		}
		if x.Body != "" {
			p.name(x.Body)
		}
		if x.Media != "" && x.Media != was.Media {
			p.string(x.Media)
		}
		at, media := later(x.Time, was.Time), was.Media
		if was = *x; x.Media == "" {
			was.Media = media
		}
		was.Time = at
	}
	return p.texts.keep(p.ended(-1))
}

// callID puts a Call-ID by its number, or -1 and itself.
func (p *packer) callID(id string, call int) {
	p.nums.int(int64(call))
	if call < 0 {
		p.string(id)
	}
}

func (p *packer) transfers(l *Leg) {
	p.shape.int(int64(len(l.Transfers)))
	for i := range l.Transfers {
		x := &l.Transfers[i]
		p.string(x.Target)
		p.shape.int(int64(x.By))
		p.time(x.Time, l.Begin)
		p.frame(x.Frame, l.First)
		p.shape.int(int64(x.Status))
		p.shape.int(int64(x.Result))
		p.nums.int(int64(x.cseq))
		p.shape.int(int64(x.hop))
		p.shape.bit(x.over)
	}
}

func (p *packer) media(l *Leg) {
	m := l.Media
	if p.shape.bit(m != nil); m == nil {
		return
	}
	held := !m.HeldAt.IsZero() || m.HeldFrame != Frame{} || m.HeldBy != NoParty
	p.shape.flags(held, m.Resumed)
	if held {
		p.time(m.HeldAt, l.Begin)
		p.frame(m.HeldFrame, l.First)
		p.shape.int(int64(m.HeldBy))
	}
	p.shape.int(int64(len(m.Lines)))
	for i := range m.Lines {
		x := &m.Lines[i]
		p.shape.int(int64(x.Side))
		p.name(x.Kind)
		p.addrPort(x.Addr)
		p.name(x.Proto)
		p.name(x.Codecs)
		p.name(x.Direction)
		p.frame(x.Frame, l.First)
	}
	p.shape.int(int64(len(m.Endpoints)))
	for i := range m.Endpoints {
		at, frame := l.described(i)
		p.endpoint(&m.Endpoints[i], at, frame)
	}
	p.shape.int(int64(m.Descriptions))
	p.shape.int(int64(len(m.Candidates)))
	for i := range m.Candidates {
		p.endpoint(&m.Candidates[i], l.Begin, l.First)
	}
}

// endpoint puts an endpoint that was most likely announced then, in that frame.
func (p *packer) endpoint(x *Endpoint, at time.Time, frame Frame) {
	p.addrPort(x.Addr)
	p.shape.int(int64(x.Side))
	p.name(x.Kind)
	p.time(x.Since, at)
	p.frame(x.Frame, frame)
	p.name(x.formats)
	p.shape.bit(x.secure)
}

// described returns when and where endpoint i of a leg was most likely announced: with the line of
// the same place, the first one in the INVITE and the others in the answer.
func (l *Leg) described(i int) (at time.Time, frame Frame) {
	at, frame = l.Begin, l.First
	if i > 0 {
		at = later(l.Answered, at)
	}
	if i < len(l.Media.Lines) {
		frame = l.Media.Lines[i].Frame
	}
	return at, frame
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
// parts of that. head leaves out what CallList.Heads does.
func (p *packer) unpack(r *legRoom, packed textRef, order int, head bool) *Leg {
	var u unpacker
	u.open(p.texts.text(packed), p)
	u.head(r)
	if !head {
		u.rest(r)
	}
	r.leg.order = order
	return &r.leg
}

// unpackSteps makes the Steps of l again.
func (p *packer) unpackSteps(l *Leg, packed textRef) {
	var u unpacker
	u.open(p.texts.text(packed), p)
	l.Steps = make([]Step, u.shape.uint())
	at, frame, cseq, media := l.Begin, l.First, int64(0), ""
	for i := range l.Steps {
		x := &l.Steps[i]
		var resent, body, described, again bool
		u.shape.flags(&x.Request, &x.InDialog, &x.ToCallee, &x.Partial, &resent, &body, &described, &again)
		x.Time, x.Frame = u.time(at), u.frame(frame)
		x.From, x.To, x.Method = u.addrPort(), u.addrPort(), u.name()
		cseq += u.nums.int()
		x.CSeq, x.Status, x.Reason, x.Dialog = uint32(cseq), int(u.shape.int()), u.name(), int(u.shape.int())
		if resent {
			x.Resent = u.frame(x.Frame)
		}
		if body {
			x.Body = u.name()
		}
		if described && !again {
			media = u.string()
		}
		if described {
			x.Media = media
		}
		at, frame = later(x.Time, at), x.Frame
	}
}

func (u *unpacker) head(r *legRoom) {
	l := &r.leg
	l.CallID, _ = u.callID()
	l.Begin = u.time(u.p.base)
	l.From, l.To = u.string(), u.string()
	var same bool
	u.shape.flags(&same, &l.Running, &l.Unfinished, &l.Evicted, &l.AnswerUnseen, &l.EarlyMedia, &l.Forked, &l.ByBye)
	l.ByeUnseen = u.shape.bit()
	l.ByeStray = u.shape.bit()
	l.ByeRefused = int(u.shape.int())
	if l.RequestURI = l.To; !same {
		l.RequestURI = u.string()
	}
	l.FromTag = u.string()
	l.Transport = u.name()
	l.Source, l.Destination = u.addrPort(), u.addrPort()
	l.UserAgents = u.list(r.agents[:])
	l.State, l.EndedBy, l.FinalStatus = State(u.shape.int()), Party(u.shape.int()), int(u.shape.int())
	l.FinalReason, l.Cause = u.name(), u.name()
	l.Attempts = int(u.shape.int())
	l.Redirects = u.list(nil)
	from := l.Begin
	for _, t := range l.times() {
		*t = u.time(from)
		from = later(*t, from)
	}
	l.ByeTook = lengthened(u.nums.uint())
	l.First = u.frame(Frame{})
	l.LastFrame = u.frame(l.First)
	l.Messages, l.Retransmissions = int(u.nums.int()), int(u.nums.int())
	l.Hops = room(r.hops[:], u.shape.int())
	for i := range l.Hops {
		l.Hops[i] = Hop{u.addrPort(), u.addrPort()}
	}
	l.Refusals = room([]Refusal(nil), u.shape.int())
	for i := range l.Refusals {
		hop, status := int(u.shape.int()), int(u.shape.int())
		l.Refusals[i] = Refusal{hop, status >> 1, status&1 != 0}
	}
}

func (u *unpacker) rest(r *legRoom) {
	l := &r.leg
	u.transfers(l)
	l.Dialogs = room(r.dialogs[:], u.shape.int())
	for i := range l.Dialogs {
		l.Dialogs[i] = Dialog{LocalTag: u.tag(l.FromTag), RemoteTag: u.string(), State: DialogState(u.shape.int()), Hops: uint64(u.shape.int())}
	}
	u.media(r)
}

// An unpacker reads what a packer wrote.
type unpacker struct {
	shape, nums numbers
	s           string // the leg
	text        int    // where in it its next text begins
	p           *packer
	ends        ends
}

// numbers are the numbers of a packed leg, or those of its shape.
type numbers struct {
	s  string
	at int // the next one
}

// open begins to read.
func (u *unpacker) open(s string, p *packer) {
	u.s, u.p = s, p
	var shape, n int
	if shape, n, u.text = u.nums.head(s); shape > 0 {
		u.shape.s = p.shapes.text(shape - 1)
	} else {
		u.shape.s = s[u.nums.at-n : u.nums.at]
	}
}

// head reads what stands in front of the numbers of a leg: 1 + the number of its shape, or 0 and
// the length of its shape, and where its texts begin.
func (u *numbers) head(s string) (shape, n, text int) {
	u.s = s
	if shape = int(u.uint()); shape == 0 {
		n = int(u.uint())
	}
	length := int(u.uint())
	u.at += n
	return shape, n, u.at + length
}

// callIDOf returns the Call-ID of a packed leg, which comes first.
func (p *packer) callIDOf(packed textRef) string {
	var u numbers
	_, _, text := u.head(p.texts.text(packed))
	if call := u.int(); call >= 0 {
		return p.callIDs.text(int(call))
	}
	return u.s[text : text+int(u.uint())]
}

// callID reads a Call-ID and its number, -1 for none.
func (u *unpacker) callID() (string, int) {
	if call := int(u.nums.int()); call >= 0 {
		return u.p.callIDs.text(call), call
	}
	return u.string(), -1
}

func (u *unpacker) transfers(l *Leg) {
	l.Transfers = room(l.Transfers, u.shape.int())
	for i := range l.Transfers {
		l.Transfers[i] = Transfer{
			Target: u.string(), By: Party(u.shape.int()), Time: u.time(l.Begin), Frame: u.frame(l.First), Status: int(u.shape.int()), Result: int(u.shape.int()),
			cseq: uint32(u.nums.int()), hop: int(u.shape.int()), over: u.shape.bit(),
		}
	}
}

func (u *unpacker) media(r *legRoom) {
	if !u.shape.bit() {
		return
	}
	var held bool
	l, m := &r.leg, &r.media
	l.Media = m
	if u.shape.flags(&held, &m.Resumed); held {
		m.HeldAt, m.HeldFrame, m.HeldBy = u.time(l.Begin), u.frame(l.First), Party(u.shape.int())
	}
	m.Lines = room(r.lines[:], u.shape.int())
	for i := range m.Lines {
		m.Lines[i] = MediaLine{
			Side: Party(u.shape.int()), Kind: u.name(), Addr: u.addrPort(), Proto: u.name(), Codecs: u.name(), Direction: u.name(), Frame: u.frame(l.First),
		}
	}
	m.Endpoints = room(r.ends[:], u.shape.int())
	for i := range m.Endpoints {
		at, frame := l.described(i)
		m.Endpoints[i] = u.endpoint(at, frame)
	}
	m.Descriptions = int(u.shape.int())
	m.Candidates = room([]Endpoint(nil), u.shape.int())
	for i := range m.Candidates {
		m.Candidates[i] = u.endpoint(l.Begin, l.First)
	}
}

// endpoint takes what packer.endpoint put.
func (u *unpacker) endpoint(at time.Time, frame Frame) Endpoint {
	return Endpoint{Addr: u.addrPort(), Side: Party(u.shape.int()), Kind: u.name(), Since: u.time(at), Frame: u.frame(frame), formats: u.name(), secure: u.shape.bit()}
}

// Numbers take an octet for each seven bits. The lowest bits of the first octet say how many
// octets there are, so that a number is read at once: a one behind a zero for each further
// octet. Eight zeros say that eight octets follow.

// octets are numbers that are being packed.
type octets []byte

// uint puts a number. It has two hundred callers, all but a few with small numbers: inlined it
// would be 40 kB.
//
//go:noinline
func (b *octets) uint(x uint64) {
	if x < 1<<7 {
		*b = append(*b, byte(x<<1|1))
		return
	}
	n := (bits.Len64(x|1) + 6) / 7
	if n > 8 {
		*b = binary.LittleEndian.AppendUint64(append(*b, 0), x)
		return
	}
	*b = binary.LittleEndian.AppendUint64(*b, (x<<1|1)<<(n-1))
	*b = (*b)[:len(*b)-8+n]
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
//
//go:noinline
func (b *octets) int(n int64) { b.uint(unsigned(n)) }

//go:noinline
func (u *numbers) int() int64 { return signed(u.uint()) }

func unsigned(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

func signed(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

// flags puts up to eight bits into an octet.
func (b *octets) flags(list ...bool) {
	c := byte(0)
	for i, set := range list {
		if set {
			c |= 1 << i
		}
	}
	*b = append(*b, c)
}

func (u *numbers) flags(list ...*bool) {
	c := u.s[u.at]
	u.at++
	for i, set := range list {
		*set = c&(1<<i) != 0
	}
}

// bit puts one bit into an octet.
//
//go:noinline
func (b *octets) bit(set bool) {
	if set {
		*b = append(*b, 1)
	} else {
		*b = append(*b, 0)
	}
}

func (u *numbers) bit() bool {
	u.at++
	return u.s[u.at-1] != 0
}

//go:noinline
func (p *packer) string(s string) {
	p.nums.uint(uint64(len(s)))
	p.text = append(p.text, s...)
}

func (u *unpacker) string() string {
	n := u.text + int(u.nums.uint())
	s := u.s[u.text:n]
	u.text = n
	return s
}

// tag puts a tag that is likely to be that of the caller.
func (p *packer) tag(s, caller string) {
	p.shape.bit(s == caller)
	if s != caller {
		p.string(s)
	}
}

func (u *unpacker) tag(caller string) string {
	if u.shape.bit() {
		return caller
	}
	return u.string()
}

// name puts a text that others are likely to share: its number, or -1 and itself.
func (p *packer) name(s string) {
	n := p.nameNo(s)
	p.shape.int(n)
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
	if n := u.shape.int(); n >= 0 {
		return u.p.shared[n]
	}
	return u.string()
}

func (p *packer) list(list []string) {
	p.shape.int(int64(len(list)))
	for _, s := range list {
		p.name(s)
	}
}

func (u *unpacker) list(in []string) []string {
	list := room(in, u.shape.int())
	for i := range list {
		list[i] = u.name()
	}
	return list
}

// addrPort puts an endpoint: its place among those of the leg, or where it is not there yet the
// number of that place, and the endpoint.
func (p *packer) addrPort(a netip.AddrPort) {
	at, host := p.ends.find(a)
	if p.shape.uint(uint64(at)); at < p.ends.n {
		return
	}
	if p.shape.uint(uint64(host)); host == 0 {
		p.addr(a.Addr())
	}
	p.ends.add(a)
	if p.shape.bit(a.Port() == sipPort); a.Port() != sipPort {
		p.nums = binary.LittleEndian.AppendUint16(p.nums, a.Port())
	}
}

// sipPort is the port that most endpoints of signalling have.
const sipPort = 5060

func (u *unpacker) addrPort() netip.AddrPort {
	if at := int(u.shape.uint()); at < u.ends.n {
		return u.ends.list[at]
	}
	var addr netip.Addr
	if host := int(u.shape.uint()); host > 0 {
		addr = u.ends.list[host-1].Addr()
	} else {
		addr = u.addr()
	}
	port := uint16(sipPort)
	if !u.shape.bit() {
		port = u.nums.uint16()
	}
	a := netip.AddrPortFrom(addr, port)
	u.ends.add(a)
	return a
}

// uint16 reads a number of two octets.
func (u *numbers) uint16() uint16 {
	u.at += 2
	return uint16(u.s[u.at-2]) | uint16(u.s[u.at-1])<<8
}

// addr puts the number of an address, or -1 and itself.
func (p *packer) addr(a netip.Addr) {
	n := p.addrNumber(a)
	p.nums.int(n)
	if n < 0 {
		b, _ := a.MarshalBinary() // it never fails
		p.string(string(b))
	}
}

func (p *packer) addrNumber(a netip.Addr) int64 {
	_, lo := addr.Words(a)
	late := &p.lateAddr[uint8(lo)^uint8(lo>>8)*7]
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
	if n := u.nums.int(); n >= 0 {
		return u.p.addrs[n]
	}
	a.UnmarshalBinary([]byte(u.string())) // which was marshalled
	return a
}

// What a time is, in the shape.
const (
	noTime   = iota
	sameTime // as the one that it counts from
	nearTime // its distance from that follows
	farTime  // too far away: its seconds and nanoseconds follow
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
	s, ns := t.Unix()-from.Unix(), t.Nanosecond()-from.Nanosecond()
	switch {
	case t.IsZero():
		p.shape.uint(noTime)
	case s == 0 && ns == 0:
		p.shape.uint(sameTime)
	case !from.IsZero() && s > -maxNear && s < maxNear:
		p.shape.uint(nearTime)
		p.nums.uint(shortened(s*1e9 + int64(ns)))
	default:
		p.shape.uint(farTime)
		p.nums.int(t.Unix())
		p.nums.int(int64(t.Nanosecond()))
	}
}

func (u *unpacker) time(from time.Time) time.Time {
	switch u.shape.uint() {
	case noTime:
		return time.Time{}
	case sameTime:
		return from
	case nearTime:
		return from.Add(lengthened(u.nums.uint()))
	default:
		sec := u.nums.int()
		return time.Unix(sec, u.nums.int()).UTC()
	}
}

// What a frame is, in the shape.
const (
	sameFrame = iota // as the one that it counts from
	sameFile         // its distance from that follows
	otherFile        // and its file
)

// frame puts a frame by its distance from another one.
func (p *packer) frame(f, from Frame) {
	switch {
	case f == from:
		p.shape.uint(sameFrame)
		return
	case f.File == from.File:
		p.shape.uint(sameFile)
	default:
		p.shape.uint(otherFile)
		p.nums.int(int64(f.File))
	}
	p.nums.int(f.Number - from.Number)
}

func (u *unpacker) frame(from Frame) Frame {
	f := from
	switch u.shape.uint() {
	case sameFrame:
		return f
	case otherFile:
		f.File = int(u.nums.int())
	}
	f.Number += u.nums.int()
	return f
}
