package analysis

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/rtp"
)

const (
	// maxStreams bounds the streams of a timeline: some 200 MiB of them.
	maxStreams = 1 << 18
	// maxNewcomers bounds what is not known yet to be a stream: where a capture begins
	// on a busy trunk, ten thousand streams show up within 20 ms.
	maxNewcomers = 1 << 15
	// minQueue is how long the queue of newcomers may always be: it is not worth to look through.
	minQueue = 256
	// maxHeld bounds the packets of a newcomer that wait for the verdict, maxHeldInAll
	// those of all.
	maxHeld      = 32
	maxHeldInAll = 1 << 16
	// maxSpareHeld bounds the rooms for packets that are kept for newcomers to come.
	maxSpareHeld = 256
	// sureSteps is how many packets in a row have to fit those before them: the odds
	// that something else does so are far under one in a billion.
	sureSteps = 3
	// maxCourses bounds the streams of which losses and jitter over time are kept: some 13
	// MiB of them.
	maxCourses = 1 << 14
	// maxLone bounds the packets without a stream that are known, and maxLonePair those between
	// two addresses.
	maxLone     = 1 << 14
	maxLonePair = 8
	// maxSecured bounds the pairs of addresses of which the encryption is known.
	maxSecured = 1 << 14
	// recentBits is how many bits of a hash find a stream at once: of a thousand streams at a time
	// most have a place of their own, and all places fit into the cache next to the processor.
	recentBits = 12
)

// Datagrams counts the datagrams of media and of what goes with it.
type Datagrams struct {
	Streams  int64 // streams found and kept
	RTP      int64 // packets of streams
	RTCP     int64
	STUN     int64
	ZRTP     int64
	DTLS     int64
	Channel  int64 // of TURN; what they carry is counted as well
	UDPTL    int64 // of fax by T.38
	NotFound int64 // packets that begin as RTP does and are of no stream
	NotKept  int64 // packets of streams beyond the limit
}

// A streamTable finds streams in datagrams.
type streamTable struct {
	Datagrams
	seed   [2]uint64
	slots  []slot                   // a power of two, at most half of them in use; see slotOf
	recent [1 << recentBits]*Stream // by the upper bits of their hashes: those that are sent now
	list   []*Stream

	newcomers map[streamKey]*newcomer
	queue     []*newcomer // those that came first come first
	held      int         // packets of all of them
	spare     [][]heard   // room for those to come
	control   controlTable
	secured   map[addrPorts]Security
	lone      map[addrPorts][]LonePacket
	lones     int // in there
	limit     int // of streams
	over      bool

	fax       []*Stream // of UDPTL
	coursesOf func(Frame) bool
	courses   int
	announced map[netip.AddrPort]announced
	runs      map[addrPorts]*udptlRun
	watchTCP  func() // asks for TCP segments

	// taken reports whether a call that began since announces one of the ends of a datagram; nil where calls are not followed.
	taken func(d *dissect.Datagram, since time.Duration) bool

	h heard
}

type streamKey struct {
	src, dst netip.AddrPort
	ssrc     uint32
}

type addrPorts struct{ src, dst netip.AddrPort }

type slot struct {
	n   int32 // 1 + index into list, 0 for none
	tag uint32
}

func newStreamTable(limit int) *streamTable {
	return &streamTable{
		limit:     limit,
		seed:      [2]uint64{rand.Uint64(), rand.Uint64()},
		slots:     make([]slot, 256),
		newcomers: make(map[streamKey]*newcomer),
		secured:   make(map[addrPorts]Security),
		lone:      make(map[addrPorts][]LonePacket),
	}
}

// datagram takes in a datagram that holds no SIP.
func (t *streamTable) datagram(d *dissect.Datagram) {
	b := d.Payload
	for range 2 { // a second time inside of the channel data of TURN
		kind := rtp.Classify(b)
		if len(t.announced) > 0 && (kind == rtp.RTP || kind == rtp.Control) && t.likeRTP(d, b, kind) {
			return
		}
		switch kind {
		case rtp.RTP:
			t.packet(d, b)
		case rtp.Control:
			t.RTCP++
			t.control.datagram(d, b)
		case rtp.STUN:
			t.STUN++
		case rtp.ZRTP:
			t.ZRTP++
			t.secure(d, SecurityZRTP)
		case rtp.DTLS:
			t.DTLS++
			t.secure(d, SecurityDTLS)
		case rtp.ChannelData:
			t.Channel++
			b = b[4 : 4+int(binary.BigEndian.Uint16(b[2:]))]
			continue
		case rtp.Unknown:
			if len(t.announced) > 0 {
				t.udptl(d, b)
			}
		}
		return
	}
}

func (t *streamTable) secure(d *dissect.Datagram, s Security) {
	if len(t.secured) < maxSecured {
		t.secured[addrPorts{d.Src, d.Dst}] = s
	}
}

// packet takes in a packet that begins as RTP does.
func (t *streamTable) packet(d *dissect.Datagram, b []byte) {
	ssrc := binary.BigEndian.Uint32(b[8:])
	hash := t.hash(d.Src, d.Dst, ssrc)
	t.h.take(d, b)
	if s := t.find(hash, d.Src, d.Dst, ssrc); s != nil && !s.over(&t.h) && !t.isOfNext(s, d) {
		if b[0]&0x1f != 0 && lies(d, b) {
			t.NotFound++
			return
		}
		t.RTP++
		s.add(&t.h)
		return
	}
	t.newcomer(d, b, ssrc, hash)
}

// isOfNext reports whether the packet at hand, which has the ports and the SSRC of a stream, is of the next call between them, which may follow soon.
func (t *streamTable) isOfNext(s *Stream, d *dissect.Datagram) bool {
	last := s.stats.LastArrival()
	return t.taken != nil && t.h.Arrival-last > betweenCalls && s.isAnew(&t.h) && t.taken(d, last)
}

const (
	rtpHeaderLen = 12
	rtpPlain     = 0x80 // version 2, no padding, extension or contributing sources
	rtpMarker    = 0x80
)

// Quick takes in a datagram that is the next of a stream, with nothing out of the ordinary: see
// dissect.Media. It is packet for these, in a fraction of the time.
func (t *streamTable) Quick(p *capture.Packet, off, end int, version uint8, ns int64) bool {
	b := p.Data[off:end]
	if len(b) <= rtpHeaderLen+rtp.MaxSilence || b[1] >= rtpMarker {
		return false // RTCP has the marker bit, telephone events and silence are short
	}
	if version == 6 {
		return t.quick6(p, off, b, ns)
	}
	x := layers.Sight4(p.Data, off)
	k := flow4{x.Addrs, x.Ports, binary.BigEndian.Uint32(b[8:])}
	hash := t.hash4(k)
	s := t.recent[hash>>(64-recentBits)]
	if s == nil || s.key != k || s.version != 4 {
		if s = t.keyed(hash, k, 4); s == nil {
			return false
		}
	}
	if !s.next(p, b, &x, ns) {
		return false
	}
	t.RTP++
	return true
}

// quick6 is Quick for a packet of IPv6.
func (t *streamTable) quick6(p *capture.Packet, off int, b []byte, ns int64) bool {
	x, src, dst := layers.Sight6(p.Data, off)
	ssrc := binary.BigEndian.Uint32(b[8:])
	hash := t.hash6(src, dst, uint64(x.Ports)<<32|uint64(ssrc))
	k := flow4{hash, x.Ports, ssrc}
	s := t.recent[hash>>(64-recentBits)]
	if s == nil || s.key != k || s.version != 6 {
		s = t.keyed(hash, k, 6)
	}
	if s == nil || s.Source().Addr().As16() != src || s.Destination().Addr().As16() != dst || !s.next(p, b, &x, ns) {
		return false
	}
	t.RTP++
	return true
}

// keyed returns the stream of a key, and remembers it as one that is sent now; nil for none.
func (t *streamTable) keyed(hash uint64, k flow4, version uint8) *Stream {
	_, s := t.slotOf(hash, func(s *Stream) bool { return s.key == k && s.version == version })
	if s != nil {
		t.recent[hash>>(64-recentBits)] = s
	}
	return s
}

// extended reports whether b, of a datagram of so many octets, begins as RTP does with a header that
// is longer than usual and fits, and holds more than a telephone event.
func extended(b []byte, length int) bool {
	var p rtp.Header
	return b[0]>>6 == 2 && len(b) >= maxEventLen && len(b) == length && p.DecodeCut(b) == nil
}

// lies reports whether a header is longer than its packet: no receiver takes it for one of the
// stream. Of padding nothing is said, which SRTP encrypts.
func lies(d *dissect.Datagram, b []byte) bool {
	var p rtp.Header
	return d.Missing == 0 && p.DecodeCut(b) != nil
}

// hash mixes what makes a stream, in a way that nobody outside can foresee.
func (t *streamTable) hash(src, dst netip.AddrPort, ssrc uint32) uint64 {
	if k, ok := newFlow4(src, dst, ssrc); ok {
		return t.hash4(k)
	}
	return t.hash6(src.Addr().As16(), dst.Addr().As16(), uint64(src.Port())<<48|uint64(dst.Port())<<32|uint64(ssrc))
}

// hash6 is hash for addresses that are not both of IPv4, and for ports and SSRC in one word.
func (t *streamTable) hash6(a, b [16]byte, ports uint64) uint64 {
	hi, lo := bits.Mul64(t.seed[0]^binary.LittleEndian.Uint64(a[:8])^ports, t.seed[1]^binary.LittleEndian.Uint64(a[8:]))
	h := hi ^ lo
	hi, lo = bits.Mul64(h^binary.LittleEndian.Uint64(b[:8]), t.seed[0]^binary.LittleEndian.Uint64(b[8:])^ports)
	return hi ^ lo ^ h
}

// A flow4 is what makes a stream of IPv4, addresses and ports as layers.Sight has them. Streams of
// IPv6 have their hash in place of the addresses, which are compared beside it.
type flow4 struct {
	addrs       uint64
	ports, ssrc uint32
}

// newFlow4 returns the key of a stream; ok is false where it is not of IPv4.
func newFlow4(src, dst netip.AddrPort, ssrc uint32) (k flow4, ok bool) {
	if !src.Addr().Is4() || !dst.Addr().Is4() {
		return k, false
	}
	a, b := src.Addr().As4(), dst.Addr().As4()
	addrs := uint64(binary.BigEndian.Uint32(a[:]))<<32 | uint64(binary.BigEndian.Uint32(b[:]))
	return flow4{addrs, uint32(src.Port())<<16 | uint32(dst.Port()), ssrc}, true
}

// hash4 is hash for a flow4.
func (t *streamTable) hash4(k flow4) uint64 {
	hi, lo := bits.Mul64(t.seed[0]^k.addrs, t.seed[1]^(uint64(k.ports)<<32|uint64(k.ssrc)))
	return hi ^ lo
}

// end returns one end of a flow: address and port are so many bits from the right.
func (k flow4) end(addr, port uint) netip.AddrPort {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], uint32(k.addrs>>addr))
	return netip.AddrPortFrom(netip.AddrFrom4(a), uint16(k.ports>>port))
}

// identify sets what Quick finds a stream of IPv6 by.
func (s *Stream) identify(t *streamTable) {
	if s.six != nil {
		s.key.addrs = t.hash(s.six[0], s.six[1], s.key.ssrc)
	}
}

// find returns the stream of a hash, nil for none.
func (t *streamTable) find(hash uint64, src, dst netip.AddrPort, ssrc uint32) *Stream {
	_, s := t.slotOf(hash, func(s *Stream) bool { return s.SSRC() == ssrc && s.Source() == src && s.Destination() == dst })
	return s
}

// slotOf returns the slot of the stream of a hash that is the one, and it, or the slot to put it in
// if there is none. Slots are tried one after the other from the place that the hash names; none is
// ever given up.
func (t *streamTable) slotOf(hash uint64, isOne func(*Stream) bool) (*slot, *Stream) {
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		k := &t.slots[i]
		if k.n == 0 {
			return k, nil
		}
		if k.tag == uint32(hash>>32) {
			if s := t.list[k.n-1]; isOne(s) {
				return k, s
			}
		}
	}
}

// insert adds a stream. It takes the place of one with its ports and SSRC, which is over.
func (t *streamTable) insert(s *Stream) {
	t.list = append(t.list, s)
	if 2*len(t.list) > len(t.slots) {
		t.slots = make([]slot, 2*len(t.slots))
		for i := range t.list {
			t.place(i)
		}
		return
	}
	t.place(len(t.list) - 1)
}

// place puts stream i of the list where it is found.
func (t *streamTable) place(i int) {
	s := t.list[i]
	hash := t.hash(s.Source(), s.Destination(), s.SSRC())
	k, _ := t.slotOf(hash, func(o *Stream) bool {
		return o.SSRC() == s.SSRC() && o.Source() == s.Source() && o.Destination() == s.Destination()
	})
	*k = slot{int32(i + 1), uint32(hash >> 32)}
	t.recent[hash>>(64-recentBits)] = nil // it may be the one before
}

// A newcomer is packets that may be a stream: they wait until enough of them fit each
// other, and until the clock rate is known.
type newcomer struct {
	key  streamKey
	held []heard
	high uint16
	fits int // packets that fit the one before
	done bool
}

// newcomer takes in a packet of what is no stream yet.
func (t *streamTable) newcomer(d *dissect.Datagram, b []byte, ssrc uint32, hash uint64) {
	var p rtp.Header
	decode := p.Decode
	if d.Missing > 0 {
		decode = p.DecodeCut
	}
	if k := b[1] & 0x7f; k >= 64 && k < rtp.FirstDynamic || decode(b) != nil {
		t.NotFound++
		return
	}
	key := streamKey{d.Src, d.Dst, ssrc}
	c := t.newcomers[key]
	if c == nil {
		c = t.fresh(key)
		t.newcomers[key] = c
		if len(t.queue) > 2*len(t.newcomers)+minQueue { // more than half of them are done
			t.queue = slices.DeleteFunc(t.queue, func(c *newcomer) bool { return c.done })
		}
		t.queue = append(t.queue, c)
	}
	switch {
	case len(c.held) == 0:
		c.high = t.h.Seq
	case !c.fit(&t.h):
		t.leave(c)
		t.held -= len(c.held)
		c.held, c.fits, c.high = c.held[:0], 0, t.h.Seq
	}
	c.held = append(c.held, t.h)
	t.held++
	for len(t.newcomers) > maxNewcomers || t.held > maxHeldInAll {
		t.oldest()
	}
	if c.done {
		return
	}
	if c.fits >= sureSteps && (c.rate(8) != 0 || len(c.held) == maxHeld) {
		t.accept(c)
	} else if len(c.held) == maxHeld {
		t.drop(c)
	}
}

// fresh returns a newcomer, with the room of one that is gone if there is any.
func (t *streamTable) fresh(key streamKey) *newcomer {
	c := &newcomer{key: key}
	if n := len(t.spare); n > 0 {
		c.held, t.spare = t.spare[n-1], t.spare[:n-1]
	}
	return c
}

// oldest gives up the oldest newcomer, or what is left of it.
func (t *streamTable) oldest() {
	c := t.queue[0]
	t.queue[0] = nil
	t.queue = t.queue[1:]
	if !c.done {
		t.conclude(c)
	}
}

// conclude decides on a newcomer of which no more will come. Where few packets fit each
// other, their timestamps have to follow the clock as well.
func (t *streamTable) conclude(c *newcomer) {
	if c.fits >= sureSteps || c.fits > 0 && c.keepsTime() {
		t.accept(c)
	} else {
		t.drop(c)
	}
}

// keepsTime reports whether the timestamps went on as the clock did, by a quarter more or
// less and with the jitter of a packet.
func (c *newcomer) keepsTime() bool {
	rate := c.rate(2)
	if rate == 0 {
		return false
	}
	first, last := &c.held[0], &c.held[len(c.held)-1]
	ticks, since := int32(last.Timestamp-first.Timestamp), last.Arrival-first.Arrival
	if ticks <= 0 {
		return ticks == 0 && first.isEvent
	}
	off := since - time.Duration(ticks)*time.Second/time.Duration(rate)
	return max(off, -off) <= since/4+5*time.Millisecond
}

func (t *streamTable) drop(c *newcomer) {
	t.leave(c)
	t.forget(c)
}

// leave counts packets that make no stream, and remembers the first of them.
func (t *streamTable) leave(c *newcomer) {
	t.NotFound += int64(len(c.held))
	k := addrPorts{c.key.src, c.key.dst}
	list := t.lone[k]
	before := len(list)
	for i := range c.held {
		h := &c.held[i]
		if again := i > 0 && h.Seq == c.held[i-1].Seq; !again && len(list) < maxLonePair && t.lones < maxLone {
			list = append(list, LonePacket{h.ref, h.time, rtp.IsComfortNoise(h.Type)})
			t.lones++
		}
	}
	if len(list) > before {
		t.lone[k] = list
	}
}

// A LonePacket begins as RTP does, and is of no stream.
type LonePacket struct {
	Frame Frame
	Time  time.Time
	Noise bool // comfort noise
}

// forget takes a newcomer out of the table. It stays in the queue until its turn comes.
//
//go:noinline
func (t *streamTable) forget(c *newcomer) {
	t.held -= len(c.held)
	c.done = true
	delete(t.newcomers, c.key)
	if len(t.spare) < maxSpareHeld && cap(c.held) > 0 {
		t.spare = append(t.spare, c.held[:0])
	}
	c.held = nil
}

// fit reports whether a packet may follow those that are held: it is of the same sequence,
// and its timestamp moved no more than the clock did.
func (c *newcomer) fit(h *heard) bool {
	last := &c.held[len(c.held)-1]
	since := h.Arrival - last.Arrival
	step := int16(h.Seq - c.high)
	if step <= 0 {
		return step > -50 // repeated or overtaken: neither for it nor against
	}
	if step > 50 && since < time.Duration(step)*5*time.Millisecond {
		return false
	}
	ticks := time.Duration(int32(h.Timestamp - last.Timestamp))
	if ticks < 0 && !last.Marker || ticks > 100*(max(since, 0)+time.Second)/time.Millisecond { // 100 kHz at most
		return false
	}
	c.high = h.Seq
	if ticks != 0 || h.isEvent || h.Type != last.Type || since < 5*time.Millisecond {
		c.fits++
	}
	return true
}

// rate returns the clock rate of a newcomer, 0 if it is not known. A payload type that is
// static tells; otherwise at least n packets have to.
func (c *newcomer) rate(n int) int {
	first, events := &c.held[0], true
	for i := range c.held {
		h := &c.held[i]
		if k, ok := rtp.Static(h.Type); ok {
			return k.ClockRate
		}
		events = events && h.isEvent
	}
	last := &c.held[len(c.held)-1]
	if events && first.Timestamp == last.Timestamp && first.event.Event == last.event.Event && first.event.Duration < last.event.Duration {
		return 8000 // nearly all telephone events have it: RFC 4733, section 2.4.1
	}
	if len(c.held) < n || last.Untimed {
		return 0
	}
	return rateBetween(first.Timestamp, last.Timestamp, first.Arrival, last.Arrival)
}

// accept makes a stream of a newcomer.
func (t *streamTable) accept(c *newcomer) {
	defer t.forget(c)
	if len(t.list) >= t.limit {
		t.over = true
		t.NotKept += int64(len(c.held))
		return
	}
	t.Streams++
	t.RTP += int64(len(c.held))
	h := &c.held[0]
	s := NewStream(c.key.src, c.key.dst, c.key.ssrc, h.time, h.time)
	s.First, s.order = h.ref, h.order
	s.class = h.class
	s.identify(t)
	if _, ok := rtp.Static(h.Type); !ok {
		s.rates[0] = uint32(c.rate(2))
	}
	if t.coursesOf != nil && t.courses < maxCourses && t.coursesOf(s.First) {
		t.courses++
		s.extra().course = new(rtp.Course)
	}
	t.insert(s)
	for i := range c.held {
		s.add(&c.held[i])
	}
}

// result finishes the streams and returns them in the order in which they began.
func (t *streamTable) result() []*Stream {
	for len(t.queue) > 0 {
		t.oldest()
	}
	for _, s := range t.fax {
		s.stop()
	}
	for _, s := range t.list {
		s.finish()
		s.Security = max(t.secured[addrPorts{s.Source(), s.Destination()}], t.secured[addrPorts{s.Destination(), s.Source()}])
		s.Control = t.control.of(s)
	}
	slices.SortFunc(t.list, func(a, b *Stream) int { return cmp.Compare(a.order, b.order) })
	follow(t.list)
	return t.list
}

// follow finds the streams that go on where another one on the same ports ended: their sender
// changed its SSRC. One that begins while the other goes on is beside it.
func follow(list []*Stream) {
	sorted := slices.Clone(list)
	sort.SliceStable(sorted, func(i, k int) bool {
		a, b := sorted[i], sorted[k]
		return cmp.Or(a.Source().Compare(b.Source()), a.Destination().Compare(b.Destination())) < 0
	})
	var last *Stream
	for _, s := range sorted {
		if last == nil || last.Source() != s.Source() || last.Destination() != s.Destination() {
			last = s
			continue
		}
		if !last.End().After(s.Begin()) {
			s.PreviousSSRC, s.HasPrevious = last.SSRC(), true
		}
		if !last.End().After(s.End()) {
			last = s
		}
	}
}
