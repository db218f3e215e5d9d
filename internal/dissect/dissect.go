// Package dissect finds the SIP messages in captured packets: each once, whole, with the
// innermost addresses and the numbers of the frames that carry it.
//
// IP fragments are put together, TCP connections followed as streams and cut into messages
// by their Content-Length, SCTP user messages and packets of Homer's encapsulation (HEP)
// opened. Where octets are missing, what is there is given and marked as partial. A packet
// that was captured twice gives one message and one copy.
package dissect

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// A Message is one SIP message on the wire. It is valid until the function it was given to
// returns.
type Message struct {
	SIP       *sipmsg.Message
	Ref       reassembly.Ref   // the packet that completes the message
	Refs      []reassembly.Ref // all packets that carry it
	Time      time.Time
	HasTime   bool
	Src, Dst  netip.AddrPort
	Transport Transport
	Tunnels   []layers.Tunnel // outermost first
	HEP       bool            // it came inside of HEP
	Partial   bool            // octets of the message are missing
	Awaited   bool            // the timeline ended while later IP fragments were waited for
	Notes     Notes
	Copy      bool           // the same packet was captured before …
	CopyOf    reassembly.Ref // … as this one
}

// A Transport is what carried a message.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
	TLS
	SCTP
	WS
	WSS
	NumTransports = iota
)

func (t Transport) String() string {
	return [NumTransports]string{"UDP", "TCP", "TLS", "SCTP", "WS", "WSS"}[t]
}

// Notes is a set of what happened to a message on the wire.
type Notes uint32

// The notes.
const (
	NotePartial      Notes = 1 << iota // octets are missing
	NoteSnapped                        // cut by the snaplen of the capture
	NoteIncomplete                     // later IP fragments are missing
	NoteFragOverlap                    // its IP fragments overlapped …
	NoteFragConflict                   // … and differed
	NoteKeepalive                      // line ends in front of the message
	NoteReordered                      // its TCP segments came out of order
	NoteOverlap                        // its TCP segments overlapped …
	NoteConflict                       // … and differed
	NoteGap                            // TCP segments of it are missing
	NoteMidstream                      // the start of the connection was not captured
	NoteCopy                           // the same packet was captured before
	NoteHEP                            // it came inside of HEP
	NoteWebSocket                      // it came inside of a WebSocket
)

var noteIDs = [...]string{"message-partial", "packet-cut", "frag-incomplete", "frag-overlap", "frag-conflict", "crlf-keepalive",
	"tcp-reordered", "tcp-overlap", "tcp-conflict", "tcp-gap", "tcp-midstream", "packet-copy", "hep", "websocket"}

// AppendIDs appends the ids of the notes in the set.
func (n Notes) AppendIDs(ids []string) []string {
	for ; n != 0; n &= n - 1 {
		ids = append(ids, noteIDs[bits.TrailingZeros32(uint32(n))])
	}
	return ids
}

// Counts says what the packets of one file were.
type Counts struct {
	Packets     int64
	IPv4, IPv6  int64
	UDP, TCP    int64
	SCTP, ICMP  int64
	OtherIP     int64 // IP packets of other protocols
	NotIP       int64 // frames of known link types that hold no IP
	Fragments   int64
	Malformed   int64 // packets whose headers contradict themselves or are cut
	MalformedAt int64 // the first of them
	Deep        int64 // packets that lie deeper in others than the limit
	DeepAt      int64 // the first of them
	Sealed      int64 // packets whose content is encrypted below UDP and TCP: ESP, MACsec, 802.11
	SealedAt    int64 // the first of them
	SIP         int64 // messages, without copies
	Copies      int64
	HEP         int64 // packets of HEP
	Quoted      int64 // ICMP errors that quote SIP
	LikeRTP     int64 // datagrams that begin as RTP and RTCP do; whether they are nobody has looked
	Keepalives  int64 // datagrams, and runs in streams, of line ends or NULs alone
	Encrypted   int64 // TCP connections and UDP flows that look like encrypted SIP
	EncryptedAt int64 // a packet of the first of them
	LinkUnknown map[uint16]int64
	Tunnels     [layers.NumTunnelKinds]int64 // packets that came inside of a tunnel, by its kind
}

// A Datagram is a UDP datagram that holds no SIP. It is valid until the function it was
// given to returns.
type Datagram struct {
	*layers.Frame
	Ref     reassembly.Ref // the packet that completes it
	Time    time.Time
	HasTime bool
}

// Media takes datagrams of media.
type Media interface {
	// Quick takes the packet p, with a time in nanoseconds since 1970, of which layers.Glance says
	// that its payload begins at off and that it is of a version of IP, or returns false and
	// has done nothing.
	Quick(p *capture.Packet, off, end int, version uint8, ns int64) bool
}

// A Dissector turns packets into messages.
type Dissector struct {
	Counts    []Counts // by file
	Fragments reassembly.FragmentStats
	Streams   StreamStats
	Uncounted int64 // packets of flows that look encrypted, beyond those that are counted

	// Datagram is given every UDP datagram that holds no SIP, if it is set.
	Datagram func(*Datagram)

	// Media is offered such datagrams before, by Skim: what it takes Datagram is not given.
	Media Media

	// Ordered is set where Waits is asked.
	Ordered bool

	// Segment is given every TCP segment, if it is set, which it may be at any time.
	Segment func(*Datagram)

	emit       func(*Message) error
	err        error // of emit
	frame      layers.Frame
	quoted     layers.Frame
	shared     sipmsg.Scratch
	msg        Message
	dgram      Datagram
	order      int64
	skimmed    *Counts // of the file that Skim is called for
	file       int
	one        [1]reassembly.Ref
	refs       []reassembly.Ref // of a message in a stream
	carried    carrier          // likewise
	unit       sipmsg.Unit      // likewise
	frags      reassembly.Fragments
	overtaking bool           // datagrams are given up that a message has overtaken
	headSIP    sipmsg.Message // of the first fragment of a datagram
	segments   int            // the most octets that conns waits with
	conns      connTable
	assocs     assocTable
	copies     copyTable

	eventCopies eventCopies

	event     func(*Event) // nil unless watched
	pairs     pairTable
	quotedSIP sipmsg.Message

	encrypted map[flowKey]struct{} // UDP flows that are counted in Encrypted
	inflater  inflater
}

// New returns a Dissector of a timeline of files captures, which calls emit for every
// message, in the order in which they are complete.
func New(files int, emit func(*Message) error) *Dissector {
	d := &Dissector{Counts: make([]Counts, files), emit: emit, segments: maxStreamBytes}
	d.frags.Identify = d.identify
	return d
}

// Limit bounds the octets that wait in connections and in datagrams of which fragments are
// missing; 0 leaves a limit as it is.
func (d *Dissector) Limit(segments, fragments int) {
	d.segments = cmp.Or(segments, d.segments)
	d.frags.Limit = fragments
}

// A carrier is what a payload came in.
type carrier struct {
	src, dst netip.AddrPort
	ref      reassembly.Ref
	refs     []reassembly.Ref
	time     time.Time
	hasTime  bool
	tunnels  []layers.Tunnel
	ipid     uint32
	missing  int // octets of a datagram that the capture cut
	notes    Notes
	awaited  bool
	hep      bool
}

// Packet looks into one packet. The error is the first that emit returned.
func (d *Dissector) Packet(p *capture.Packet) error {
	d.order++
	var off, end int
	var version uint8
	if p.FCSLen <= 0 {
		off, end, version = layers.Glance(layers.LinkType(p.LinkType), p.Data)
	}
	if off < end && !mayMatter[p.Data[off]] && !d.frags.Waiting() {
		d.media(p, off, end, version)
		return d.err
	}
	d.file = p.File
	f := &d.frame
	var err error
	if off > 0 && !layers.Mirrored(p.Data, off) {
		f.Sighted(p.Data, off, end, version)
	} else {
		err = f.Decode(layers.LinkType(p.LinkType), p.FCSLen, p.Data)
	}
	d.count(p, err)
	ref := reassembly.Ref{File: p.File, Frame: p.Frame, Order: d.order}
	if d.frags.Waiting() {
		d.expire(p.Time)
	}
	if len(d.conns.ending) > 0 {
		d.closeEnded(p.Time)
	}
	if len(d.conns.lacks) > 0 {
		d.closeGaps(p.Time)
	}
	d.decoded(f, err, ref, p)
	for f.More() {
		err = f.Next()
		d.count(p, err)
		d.Counts[p.File].Packets-- // it is one
		d.decoded(f, err, ref, p)
	}
	return d.err
}

// decoded goes on with a packet that was decoded.
func (d *Dissector) decoded(f *layers.Frame, err error, ref reassembly.Ref, p *capture.Packet) {
	d.one[0] = ref
	if err == layers.ErrFragment {
		d.fragment(f, d.one[:], p.Time)
		return
	}
	var c carrier // part by part: a whole one would be made elsewhere first
	c.ref, c.refs, c.time, c.hasTime = ref, d.one[:], p.Time, p.HasTime
	d.transport(f, err, &c)
}

// media takes in a datagram that, by its first octet, is nothing that is looked for here, as all RTP. In a
// capture with media this is the whole work for ninety-nine packets of a hundred.
func (d *Dissector) media(p *capture.Packet, off, end int, version uint8) {
	d.Counts[p.File].media(version, p.Data[off], end-off)
	if d.Datagram != nil {
		d.frame.Sighted(p.Data, off, end, version)
		d.dgram = Datagram{&d.frame, reassembly.Ref{File: p.File, Frame: p.Frame, Order: d.order}, p.Time, p.HasTime}
		d.Datagram(&d.dgram)
	}
}

// media counts a datagram of so many octets that is nothing that is looked for here.
func (c *Counts) media(version, first uint8, size int) {
	c.likeRTP(first, size)
	c.Packets++
	c.UDP++
	if version == 4 {
		c.IPv4++
	} else {
		c.IPv6++
	}
}

// likeRTP counts a datagram of so many octets if it begins as RTP and RTCP do, with their version.
func (c *Counts) likeRTP(first uint8, size int) {
	if first>>6 == 2 && size >= 12 {
		c.LikeRTP++
	}
}

// Skims reports whether Skim may be called for packets that follow p in its file.
func (d *Dissector) Skims(p *capture.Packet) bool {
	d.skimmed = &d.Counts[p.File]
	return p.FCSLen <= 0 && !d.frags.Waiting()
}

// Order returns how many packets were taken in.
func (d *Dissector) Order() int64 { return d.order }

// Skim is Packet for a packet with a time, in nanoseconds since 1970, that is no more than a datagram
// which Media takes, or which nobody wants. Otherwise it returns false and has done nothing. It
// is faster, and nothing but calls of Skim may come between it and a call of Skims.
func (d *Dissector) Skim(p *capture.Packet, ns int64) bool {
	off, end, version := layers.Glance(layers.LinkType(p.LinkType), p.Data)
	if off >= end || mayMatter[p.Data[off]] {
		return false
	}
	d.order++
	if d.Datagram != nil && (d.Media == nil || !d.Media.Quick(p, off, end, version, ns)) {
		d.order--
		return false
	}
	d.skimmed.media(version, p.Data[off], end-off)
	return true
}

// mayMatter marks the first octets of SIP, of HEP, of what keeps bindings alive, and of what
// looksDTLS knows.
var mayMatter = func() (m [256]bool) {
	for c := range m {
		m[c] = c == 1 || c == 2 || c >= 20 && c <= 26 || c >= 0xc0 || sipmsg.CanBegin([]byte{byte(c)})
	}
	return m
}()

// Finish gives out what is left at the end of the timeline.
func (d *Dissector) Finish() error {
	for d.err == nil {
		w := d.frags.Rest()
		if w == nil {
			break
		}
		d.datagramOf(w)
	}
	d.Fragments = d.frags.Stats
	d.finishAssociations()
	d.finishStreams()
	return d.err
}

// fragment takes in an IP fragment.
func (d *Dissector) fragment(f *layers.Frame, refs []reassembly.Ref, now time.Time) {
	if w := d.frags.Add(f, refs, now); w != nil {
		d.datagramOf(w)
		return
	}
	if f.Fragment.Offset == 0 && f.Proto == layers.UDP && d.identify(f.Payload).Call != 0 {
		d.overtake(&d.headSIP, f.Src.Addr(), f.Dst.Addr(), f.Fragment.ID, now)
	}
}

// identify tells of the first fragment of a UDP datagram what message it is the head of.
func (d *Dissector) identify(head []byte) reassembly.Passing {
	const header = 8 // of UDP
	if len(head) <= header || !isMessage(head[header:], true) || d.headSIP.ParseCut(head[header:]) != nil {
		return reassembly.Passing{}
	}
	return passing(&d.headSIP)
}

// passing tells what message m is, and what it answers.
func passing(m *sipmsg.Message) (x reassembly.Passing) {
	callID, ok := m.First(sipmsg.CallID)
	if !ok || len(callID) == 0 {
		return x
	}
	x.Call = maphash.Bytes(eventSeed, callID) | 1
	if branch := m.Branch(); len(branch) > 0 {
		x.Branch = maphash.Bytes(eventSeed, branch) | 1
		x.Answer = !m.IsRequest()
	}
	if m.IsRequest() && string(m.Method) == "ACK" {
		x.Branch, x.Answer = 0, true
	}
	return x
}

// overtake gives up datagrams of the Call-ID of a message that came between their hosts behind them: who answers has got the whole of what
// it answers, and who sends the next one has sent the whole of the last. What is still missing was not captured, and the message would come
// too late for its call if it waited. Where it reports true others were given out, and a message in d.shared has to be parsed anew.
func (d *Dissector) overtake(m *sipmsg.Message, src, dst netip.Addr, id uint32, now time.Time) (gave bool) {
	if d.overtaking {
		return false
	}
	x := passing(m)
	if x.Call == 0 {
		return false
	}
	d.overtaking = true
	defer func() { d.overtaking = false }()
	for d.err == nil {
		w := d.frags.Overtaken(src, dst, id, &x, now)
		if w == nil {
			break
		}
		d.datagramOf(w)
		gave = true
	}
	return gave
}

// expire gives up datagrams that waited too long.
func (d *Dissector) expire(now time.Time) {
	for d.err == nil {
		w := d.frags.Expired(now)
		if w == nil {
			return
		}
		d.datagramOf(w)
	}
}

// datagramOf goes on with a datagram that was put together. What it holds may be a
// fragment again: of a packet inside of a tunnel.
func (d *Dissector) datagramOf(w *reassembly.Datagram) {
	if w.NoHead || len(w.Refs) == 0 {
		return
	}
	last := w.Refs[len(w.Refs)-1]
	c := carrier{ref: last, refs: w.Refs, time: w.Time, hasTime: !w.Time.IsZero(), awaited: w.Awaited}
	if w.Missing > 0 && !w.Cut {
		c.notes |= NoteIncomplete
	}
	if w.Overlap {
		c.notes |= NoteFragOverlap
	}
	if w.Conflict {
		c.notes |= NoteFragConflict
	}
	f := &w.Frame
	err := f.Transport(w.Payload, w.Missing)
	for {
		one := c
		if err == layers.ErrFragment {
			d.fragment(f, w.Refs, w.Time)
		} else {
			d.transport(f, err, &one)
		}
		if !f.More() || d.err != nil {
			return
		}
		err = f.Next()
	}
}

// transport goes on with what f holds.
func (d *Dissector) transport(f *layers.Frame, err error, c *carrier) {
	if err != nil {
		return
	}
	if f.Proto == layers.TCP && d.event == nil && d.Segment == nil { // nobody asks for what stands below
		d.segment(f, c)
		return
	}
	c.src, c.dst, c.tunnels, c.ipid = f.Src, f.Dst, f.Tunnels, f.IPID
	if d.event != nil {
		d.watch(f, c)
	}
	switch f.Proto {
	case layers.UDP:
		if f.Missing > 0 && c.notes&NoteIncomplete == 0 {
			c.notes |= NoteSnapped
			c.missing = f.Missing
		}
		if d.hep(f.Payload, c) || d.datagram(carrying(f), f.Payload, f.Missing > 0, c) {
			break
		}
		if len(f.Payload) > 0 {
			d.Counts[c.ref.File].likeRTP(f.Payload[0], len(f.Payload))
		}
		if d.Datagram != nil {
			d.dgram = Datagram{f, c.ref, c.time, c.hasTime}
			d.Datagram(&d.dgram)
		}
	case layers.TCP:
		if d.Segment != nil {
			d.dgram = Datagram{f, c.ref, c.time, c.hasTime}
			d.Segment(&d.dgram)
		}
		d.segment(f, c)
	case layers.SCTP:
		d.chunks(f, c)
	case layers.ICMP, layers.ICMPv6:
		if q := f.Quote(); q != nil && quotesSIP(&d.quoted, q) {
			d.Counts[d.file].Quoted++
		}
	}
}

// carrying returns the transport of what is taken for a datagram: UDP, but for a PDU that was exported alone.
func carrying(f *layers.Frame) Transport {
	switch f.Exported {
	case layers.TCP:
		return TCP
	case layers.SCTP:
		return SCTP
	}
	return UDP
}

// another counts one more packet, of which first is the number of the first. Not inlined: it is cold, and in many places.
//
//go:noinline
func another(n, first *int64, p *capture.Packet) {
	if *n++; *n == 1 {
		*first = p.Frame
	}
}

// refused counts a packet of which no more than its headers can be read, if err says so.
func (c *Counts) refused(p *capture.Packet, err error) {
	switch err {
	case layers.ErrEncrypted:
		another(&c.Sealed, &c.SealedAt, p)
	case layers.ErrTooDeep:
		another(&c.Deep, &c.DeepAt, p)
	}
}

// count counts what the frame is.
func (d *Dissector) count(p *capture.Packet, err error) {
	c, f := &d.Counts[p.File], &d.frame
	c.Packets++
	for i := range f.Tunnels {
		if k := f.Tunnels[i].Kind; i == 0 || k != f.Tunnels[i-1].Kind {
			c.Tunnels[k]++
		}
	}
	if err != nil {
		c.refused(p, err)
	}
	switch f.Version {
	case 4:
		c.IPv4++
	case 6:
		c.IPv6++
	default:
		switch {
		case f.Proto == layers.SCTP:
		case err == layers.ErrUnsupported && !layers.LinkType(p.LinkType).Supported():
			if c.LinkUnknown == nil {
				c.LinkUnknown = make(map[uint16]int64)
			}
			c.LinkUnknown[p.LinkType]++
			return
		case err == layers.ErrFragment: // of 802.11
			c.Fragments++
			c.NotIP++
			return
		case err == layers.ErrUnsupported, err == layers.ErrEncrypted, err == layers.ErrTooDeep:
			c.NotIP++
			return
		default:
			another(&c.Malformed, &c.MalformedAt, p)
			return
		}
	}
	switch err {
	case layers.ErrTruncated, layers.ErrMalformed:
		another(&c.Malformed, &c.MalformedAt, p)
		return
	case layers.ErrFragment:
		c.Fragments++
	}
	proto := f.Proto
	if f.Exported != 0 {
		proto = f.Exported
	}
	switch proto {
	case layers.UDP:
		c.UDP++
	case layers.TCP:
		c.TCP++
	case layers.SCTP:
		c.SCTP++
	case layers.ICMP, layers.ICMPv6:
		c.ICMP++
	default:
		c.OtherIP++
	}
}

// A flowKey names a flow and the one back by their ends, the lower one first.
type flowKey struct{ a, b netip.AddrPort }

func flowOf(a, b netip.AddrPort) flowKey {
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	return flowKey{a, b}
}

// quotesSIP reports whether an ICMP error quotes a packet with SIP.
func quotesSIP(f *layers.Frame, quote []byte) bool {
	err := f.DecodeIP(quote)
	return err == nil && (f.Proto == layers.UDP || f.Proto == layers.TCP) && sipmsg.Sniff(f.Payload)
}

// isKeepalive reports whether b is what clients send to keep a NAT binding: line ends
// (RFC 5626, section 3.5.1), a NUL, or a few NULs.
func isKeepalive(b []byte) bool {
	if len(b) == 0 || len(b) > 16 {
		return false
	}
	for _, c := range b {
		if c != '\r' && c != '\n' && c != 0 {
			return false
		}
	}
	return true
}

// looksDTLS reports whether b begins with a record of DTLS (RFC 6347, 9147) or with a long
// header of QUIC (RFC 9000, 9369).
func looksDTLS(b []byte) bool {
	if len(b) < 13 {
		return false
	}
	if b[0] >= 20 && b[0] <= 26 && b[1] == 0xfe && b[2] >= 0xfc {
		return true
	}
	version := binary.BigEndian.Uint32(b[1:])
	return b[0]&0xc0 == 0xc0 && (version == 1 || version == 0x6b3343cf)
}

// maxEncrypted bounds the flows that are counted once each as encrypted.
const maxEncrypted = 1 << 16

// encryptedFlow counts a flow of datagrams that look encrypted.
func (d *Dissector) encryptedFlow(c *carrier) {
	k := flowOf(c.src, c.dst)
	if _, known := d.encrypted[k]; known {
		return
	}
	if len(d.encrypted) >= maxEncrypted {
		d.Uncounted++
		return
	}
	if d.encrypted == nil {
		d.encrypted = make(map[flowKey]struct{})
	}
	d.encrypted[k] = struct{}{}
	d.Counts[d.file].seal(c.ref.Frame)
}

// seal counts a flow that looks encrypted, by a packet of it.
func (c *Counts) seal(frame int64) {
	if c.Encrypted++; c.EncryptedAt == 0 {
		c.EncryptedAt = frame
	}
}

// unseal counts one less.
func (c *Counts) unseal() {
	if c.Encrypted--; c.Encrypted == 0 {
		c.EncryptedAt = 0
	}
}

// isMessage reports whether b begins like a message. One that is cut may lack what tells it from a
// line of a log.
func isMessage(b []byte, cut bool) bool { return sipmsg.SniffWhole(b) || cut && sipmsg.SniffCut(b) }

// datagram looks at the payload of one datagram: it is one message or none. It reports
// whether it is known what it is.
func (d *Dissector) datagram(t Transport, b []byte, cut bool, c *carrier) bool {
	if !isMessage(b, cut) {
		switch {
		case isKeepalive(b):
			d.Counts[d.file].Keepalives++
			return true
		case t == UDP && (isSIPPort(c.src.Port()) || isSIPPort(c.dst.Port())) && looksDTLS(b):
			d.encryptedFlow(c)
			return true
		}
		return false
	}
	if b[0] == '\r' || b[0] == '\n' {
		c.notes |= NoteKeepalive
	}
	d.message(t, b, cut, c)
	return true
}

// message gives out the message b, which is only its beginning if cut.
func (d *Dissector) message(t Transport, b []byte, cut bool, c *carrier) {
	parse := d.shared.Message.Parse
	if cut {
		parse = d.shared.Message.ParseCut
	}
	if parse(b) != nil {
		return
	}
	if d.frags.Waiting() && d.overtake(&d.shared.Message, c.src.Addr(), c.dst.Addr(), uint32(c.ipid), c.time) && parse(b) != nil {
		return
	}
	d.give(t, &d.shared.Message, cut, c)
}

// give gives out a message that has been scanned.
func (d *Dissector) give(t Transport, sip *sipmsg.Message, cut bool, c *carrier) {
	if d.err != nil {
		return
	}
	if cut {
		c.notes |= NotePartial
	}
	if c.hep {
		c.notes |= NoteHEP
	}
	m := &d.msg // part by part: a whole one would be made elsewhere first
	m.SIP, m.Ref, m.Refs, m.Time, m.HasTime = sip, c.ref, c.refs, c.time, c.hasTime
	m.Src, m.Dst, m.Transport, m.Tunnels = c.src, c.dst, t, c.tunnels
	m.HEP, m.Partial, m.Notes, m.Awaited = c.hep, cut, c.notes, c.awaited
	counts := &d.Counts[c.ref.File]
	if m.CopyOf, m.Copy = d.copies.find(m, sip.Raw(), c.ipid, c.missing); m.Copy {
		m.Notes |= NoteCopy
		counts.Copies++
	} else {
		counts.SIP++
	}
	d.err = d.emit(m)
}
