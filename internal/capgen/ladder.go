package capgen

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Ladder writes SIP traffic from a text that reads like a ladder diagram:
//
//	A = 10.0.0.1:5060
//	P = 10.0.0.9:5060
//	B = 10.0.0.2:5060
//
//	0      A > P  INVITE sdp
//	0.01   P > A  100
//	+.01   P > B  INVITE sdp
//	1      B > P  180
//	+.01   P > A  180
//	3      B > P  200 sdp
//	+.01   P > A  200 sdp
//	+.02   A > P  ACK
//	+.01   P > B  ACK
//	9      B > P  BYE
//	…
//
// A line is a time in seconds (with a plus: after the line before), who sends to whom, a
// method or a status code, and words that change what would be sent by itself. What would
// be sent by itself is right: a request to a host that sends the same one on is forwarded
// with its Vias, a response answers the last request of the other side, ACK and CANCEL
// follow their INVITE, tags and CSeq numbers those of the dialog. The words:
//
//	id=X        another Call-ID than c1@example
//	cseq=N      another number; cseq=N/METHOD
//	br=X        another branch, behind the magic cookie; br=! is none at all
//	ft=X tt=X   another From or To tag; - is none
//	from=URI to=URI ruri=URI
//	of=METHOD   what a response answers; of=METHOD/N: with that CSeq number
//	by=callee   a request of the called side, where the hops do not say so
//	new         a request outside of the dialog
//	again copy  the last message of these hosts once more: sent again, captured again
//	sdp         with a session description; its parts: c=ADDR m=PORT dir=X codecs=0,8 o=ID/VERSION
//	fwd=no      not forwarded, though it looks so
//	fwd=back    forwarded to where it came from
//	via=ADDR    another sent-by than the address of the sender
//	received=X  a response tells where its request came from
//	for=HOST    a response to a request of HOST, sent elsewhere
//	frag=N      in IP fragments of N octets; lose=K: all but the first K of them
//	snap=N      only N octets of each packet are captured
//	unseen      sent, but not captured
//	pad=N       a header field of N octets
//
// Indented lines change the message above: "Name: value" adds a header field, "-Name"
// removes what would be there, "| text" is a line of the body.
//
// Lines with "SYN", "SYNACK", "ACKED", "FIN" and "RST" send segments, data=X with octets. Lines with "ICMP" send a port
// unreachable that quotes the last packet of the other side, to=HOST that to HOST, copy: captured again;
// "RTCP ssrc=1" sends a receiver report;
// "RTP n=50 ssrc=1 pt=0 seq=1 every=20" sends n packets of 20 ms, with tag=N octets behind
// each, and len=N octets in place of those of G.711, skip=N: the timestamp is N packets further on than the number, step=N: it goes on by N from one to the next; "UDPTL n=50 seq=0 every=20" as many of a fax; "EVENT key=5 n=6 ssrc=1 pt=101 seq=51" a telephone event in n packets, the last three of
// them with the end bit (ends=N).
type Ladder struct {
	TCP     bool // over TCP, a connection for each pair of hosts
	Compact bool // compact header names
	Shuffle bool // header fields in another order
	IPv6    bool // addresses 10.a.b.c become 2001:db8::a:b:c

	repeat   int
	gap      time.Duration
	hosts    map[string]netip.AddrPort
	packets  []Packet
	round    int
	start    time.Duration
	now      time.Duration
	requests []*sent
	dialogs  map[string]*dialog
	last     map[[2]netip.AddrPort]*sent
	segments []segment
	ipid     uint16
	branches int
}

// A sent message.
type sent struct {
	src, dst netip.AddrPort
	method   string
	status   int // 0: a request
	id       string
	cseq     int
	branch   string
	vias     []string
	from, to string // header fields, with tags
	text     string
	packet   string
	frame    string // with the packet, or its segmentMark
	final    int
	byCallee bool
}

// A dialog is what is known of a Call-ID.
type dialog struct {
	fromTag, toTag string
	cseq           [2]int // of the caller, of the callee
	answered       bool
	invites        [][2]netip.AddrPort // hops of the INVITE, in its direction
}

// Packets returns the packets of a ladder. It panics on a text that it does not
// understand: the text is part of a test.
func (l *Ladder) Packets(text string) []Packet {
	l.hosts, l.dialogs = map[string]netip.AddrPort{}, map[string]*dialog{}
	l.last, l.segments = map[[2]netip.AddrPort]*sent{}, nil
	for i := range max(l.repeat, 1) {
		l.round, l.start, l.now = i, time.Duration(i)*l.gap, 0
		l.lines(strings.Split(text, "\n"))
	}
	slices.SortStableFunc(l.packets, func(a, b Packet) int { return a.Time.Compare(b.Time) })
	return l.connect(l.packets)
}

// Repeat makes Packets write the ladder n times, gap seconds apart, each time with Call-IDs
// of its own.
func (l *Ladder) Repeat(n int, gap float64) {
	l.repeat, l.gap = n, time.Duration(gap*float64(time.Second))
}

func (l *Ladder) lines(lines []string) {
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t")
		if c := strings.TrimSpace(line); c == "" || strings.HasPrefix(c, "#") {
			continue
		}
		var more []string
		for i+1 < len(lines) && isContinuation(lines[i+1]) {
			i++
			more = append(more, strings.TrimSpace(lines[i]))
		}
		l.line(strings.Fields(line), more)
	}
}

// Pcap returns the packets of a ladder as a pcap file.
func (l *Ladder) Pcap(text string) []byte { return Pcap(l.Packets(text)) }

// isContinuation reports whether a line changes the message above it: it is indented, and
// begins neither with a time nor with a comment.
func isContinuation(line string) bool {
	t := strings.TrimSpace(line)
	if t == "" || len(line) == len(strings.TrimLeft(line, " \t")) {
		return false
	}
	first := strings.Fields(t)[0]
	return first == "|" || strings.HasSuffix(first, ":") || first[0] == '-'
}

func (l *Ladder) line(words, more []string) {
	if len(words) == 3 && words[1] == "=" {
		l.hosts[words[0]] = l.address(words[2])
		return
	}
	if len(words) < 5 || words[2] != ">" {
		panic(fmt.Sprintf("capgen: no line of a ladder: %q", words))
	}
	at, plus := strings.CutPrefix(words[0], "+")
	seconds, err := strconv.ParseFloat(at, 64)
	if err != nil {
		panic("capgen: no time: " + words[0])
	}
	d := time.Duration(seconds * float64(time.Second)).Round(time.Microsecond)
	if plus {
		d += l.now
	}
	l.now = d
	m := &message{l: l, src: l.host(words[1]), dst: l.host(words[3]), what: words[4], args: map[string]string{}, more: more}
	for _, w := range words[5:] {
		k, v, _ := strings.Cut(w, "=")
		m.args[k] = v
	}
	m.send()
}

// address parses address:port, and makes it one of IPv6 if that is asked for.
func (l *Ladder) address(s string) netip.AddrPort {
	a := netip.MustParseAddrPort(s)
	if l.IPv6 && a.Addr().Is4() {
		b := a.Addr().As4()
		six := [16]byte{0x20, 0x01, 0x0d, 0xb8, 9: b[0], 11: b[1], 13: b[2], 15: b[3]}
		return netip.AddrPortFrom(netip.AddrFrom16(six), a.Port())
	}
	return a
}

// host returns the address of a name, with another port behind a colon.
func (l *Ladder) host(name string) netip.AddrPort {
	name, port, other := strings.Cut(name, ":")
	a, ok := l.hosts[name]
	if !ok {
		panic("capgen: unknown host " + name)
	}
	if other {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			panic("capgen: no port: " + port)
		}
		a = netip.AddrPortFrom(a.Addr(), uint16(n))
	}
	return a
}

// A message is one line of a ladder on its way to packets.
type message struct {
	l        *Ladder
	src, dst netip.AddrPort
	what     string
	args     map[string]string
	more     []string
	d        *dialog
}

func (m *message) has(key string) bool { _, ok := m.args[key]; return ok }

func (m *message) arg(key, def string) string {
	if v, ok := m.args[key]; ok {
		return v
	}
	return def
}

func (m *message) number(key string, def int) int {
	if v, ok := m.args[key]; ok {
		n, err := strconv.Atoi(v)
		if err != nil {
			panic("capgen: no number: " + key + "=" + v)
		}
		return n
	}
	return def
}

// segments are the flags of TCP segments by their names.
var segments = map[string]byte{"SYN": SYN, "SYNACK": SYN | ACK, "ACKED": ACK, "FIN": FIN | ACK, "RST": RST}

func (m *message) send() {
	l := m.l
	hop := [2]netip.AddrPort{m.src, m.dst}
	switch {
	case m.what == "RTP" || m.what == "EVENT" || m.what == "UDPTL":
		m.rtp()
		return
	case m.what == "RTCP": // a receiver report without report blocks
		l.emit(Ether(Flow{Src: m.src, Dst: m.dst, ID: l.nextID()}.UDP("\x80\xc9\x00\x01" + u32(uint32(m.number("ssrc", 1))))))
		return
	case m.what == "ICMP":
		back := l.last[[2]netip.AddrPort{m.dst, m.src}]
		if name, ok := m.args["to"]; ok {
			back = l.last[[2]netip.AddrPort{m.dst, l.host(name)}]
		}
		if back == nil {
			panic("capgen: nothing to quote")
		}
		if !m.has("copy") {
			l.nextID()
		}
		l.emit(Ether(Flow{Src: m.src, Dst: m.dst, ID: l.ipid}.ICMPError(back.packet)))
		return
	case segments[m.what] != 0:
		l.emit(Ether(Flow{Src: m.src, Dst: m.dst, ID: l.nextID()}.TCP(1, 0, segments[m.what], m.arg("data", ""))))
		return
	case m.has("again") || m.has("copy"):
		old := l.last[hop]
		if old == nil {
			panic("capgen: nothing to send again")
		}
		if m.has("copy") {
			l.emit(old.frame)
			l.packets[len(l.packets)-1].snap(m.number("snap", 0))
		} else {
			l.transmit(old, m)
		}
		return
	}
	m.d = l.dialogs[m.id()]
	if m.d == nil {
		m.d = &dialog{}
		l.dialogs[m.id()] = m.d
	}
	s := &sent{src: m.src, dst: m.dst, id: m.id()}
	if code, err := strconv.Atoi(m.what); err == nil {
		m.response(s, code)
	} else {
		m.request(s)
		l.requests = append(l.requests, s)
	}
	l.transmit(s, m)
	l.last[hop] = s
}

func (m *message) id() string {
	suffix := ""
	if m.l.round > 0 {
		suffix = strconv.Itoa(m.l.round)
	}
	if id := m.args["id"]; id != "" {
		return id + suffix
	}
	if _, err := strconv.Atoi(m.what); err == nil { // of the last request of the other side
		to := m.dst
		if name, ok := m.args["for"]; ok {
			to = m.l.host(name)
		}
		for i := len(m.l.requests) - 1; i >= 0; i-- {
			if r := m.l.requests[i]; r.src == to && r.dst == m.src {
				return r.id
			}
		}
	}
	return "c1@example" + suffix
}

func (l *Ladder) nextID() uint16 {
	l.ipid++
	return l.ipid
}

func (l *Ladder) emit(frame string) {
	l.packets = append(l.packets, Packet{Time: Start.Add(l.start + l.now), Link: 1, Data: frame})
}

// A segment is a message over TCP. Its place in the stream is known when all that is sent is in order: until then its packet is segmentMark
// and its number.
type segment struct {
	flow   Flow
	text   string
	unseen bool
	snap   int
	frame  string // once it has its place
}

const segmentMark = "segment "

// connect gives the segments their sequence numbers and acknowledgements, with a handshake in front of the first of each
// connection, and leaves those out that were not captured, nor a direction of which nothing else was.
func (l *Ladder) connect(packets []Packet) (list []Packet) {
	streams, heard := map[[2]netip.AddrPort]*Stream{}, map[[2]netip.AddrPort]bool{}
	for _, seg := range l.segments {
		if !seg.unseen {
			heard[[2]netip.AddrPort{seg.flow.Src, seg.flow.Dst}] = true
		}
	}
	for _, p := range packets {
		number, ok := strings.CutPrefix(p.Data, segmentMark)
		if !ok {
			list = append(list, p)
			continue
		}
		n, _ := strconv.Atoi(number)
		seg := &l.segments[n]
		if p.Data = seg.frame; p.Data != "" { // captured again
			p.snap(seg.snap)
			list = append(list, p)
			continue
		}
		hop, hopBack := [2]netip.AddrPort{seg.flow.Src, seg.flow.Dst}, [2]netip.AddrPort{seg.flow.Dst, seg.flow.Src}
		there, back := streams[hop], streams[hopBack]
		if there == nil {
			there, back = &Stream{Flow: seg.flow, Seq: 1000}, &Stream{Flow: seg.flow.Back(), Seq: 5000}
			streams[hop], streams[hopBack] = there, back
			if p.Data = Ether(there.SYN()); heard[hop] {
				list = append(list, p)
			}
			back.Ack = there.Seq
			if p.Data = Ether(back.TCP(back.Seq, back.Ack, SYN|ACK, "")); heard[hopBack] {
				list = append(list, p)
			}
			back.Seq++
		}
		there.Ack = back.Seq
		if seg.frame = Ether(there.Send(seg.text)); !seg.unseen {
			p.Data = seg.frame
			p.snap(seg.snap)
			list = append(list, p)
		}
	}
	return list
}

// transmit sends a message over UDP or TCP.
func (l *Ladder) transmit(s *sent, m *message) {
	f := Flow{Src: s.src, Dst: s.dst, ID: l.nextID()}
	if captured := len(l.packets); m.has("unseen") && !l.TCP {
		defer func() { l.packets = l.packets[:captured] }()
	}
	if !l.TCP {
		s.packet = f.UDP(s.text)
		s.frame = Ether(s.packet)
		parts := []string{s.packet}
		if n := m.number("frag", 0); n > 0 {
			parts = Fragment(s.packet, uint32(f.ID), n)
			parts = parts[:min(m.number("lose", len(parts)), len(parts))]
		}
		for _, p := range parts {
			l.emit(Ether(p))
		}
		for i := len(l.packets) - len(parts); i < len(l.packets); i++ {
			l.packets[i].snap(m.number("snap", 0))
		}
		return
	}
	s.packet = f.TCP(1000, 0, PSH|ACK, s.text)
	s.frame = segmentMark + strconv.Itoa(len(l.segments))
	l.segments = append(l.segments, segment{flow: f, text: s.text, unseen: m.has("unseen"), snap: m.number("snap", 0)})
	l.emit(s.frame)
}

// snap cuts a packet to a length; 0 leaves it whole.
func (p *Packet) snap(n int) {
	if n > 0 {
		p.Cut = max(len(p.Data)-n, 0)
	}
}

func (m *message) newBranch() string {
	m.l.branches++
	return fmt.Sprintf("z9hG4bK%04d", m.l.branches)
}

// hostport writes an address for URIs and Vias.
func hostport(a netip.AddrPort) string { return a.String() }

// request builds a request.
func (m *message) request(s *sent) {
	d := m.d
	s.method = m.what
	forwarded := m.forwarded(s)
	s.byCallee = m.byCallee(forwarded)
	side := 0
	if s.byCallee {
		side = 1
	}
	invite := m.lastInvite(s.id, side)
	inDialog := d.answered && !m.has("new") && s.method != "REGISTER"
	if s.method == "INVITE" && !inDialog && !s.byCallee {
		d.invites = append(d.invites, [2]netip.AddrPort{m.src, m.dst})
	}
	if d.fromTag == "" {
		d.fromTag = "a-" + strings.ReplaceAll(s.id, "@", "-")
	}
	s.branch = m.newBranch()
	switch {
	case forwarded != nil:
		s.cseq = forwarded.cseq
	case (s.method == "ACK" || s.method == "CANCEL") && m.inviteOn(s.id) != nil:
		s.cseq = m.inviteOn(s.id).cseq
	case invite != nil && (s.method == "ACK" || s.method == "CANCEL"):
		s.cseq = invite.cseq
	default:
		d.cseq[side]++
		s.cseq = d.cseq[side]
	}
	if on := m.inviteOn(s.id); on != nil && (s.method == "CANCEL" || s.method == "ACK" && on.final >= 300) {
		s.branch = on.branch
		s.vias = slices.Clone(on.vias[:1])
	}
	if br, ok := m.args["br"]; ok {
		s.branch = "z9hG4bK" + br
		if br == "!" {
			s.branch = ""
		}
		s.vias = nil
	}
	if s.vias == nil || m.has("via") {
		s.vias = []string{m.via(s.branch)}
		if forwarded != nil {
			s.vias = append(s.vias, forwarded.vias...)
		}
	}
	caller, callee := m.arg("from", "sip:alice@example.com"), m.arg("to", "sip:bob@example.com")
	if s.method == "REGISTER" && !m.has("to") {
		callee = caller
	}
	fromTag, toTag := m.arg("ft", d.fromTag), ""
	if inDialog || s.method == "ACK" || d.toTag != "" && slices.Contains([]string{"PRACK", "UPDATE", "BYE", "INFO"}, s.method) {
		toTag = d.toTag
	}
	toTag = m.arg("tt", toTag)
	if m.has("ft") && !s.byCallee {
		d.fromTag = fromTag
	}
	if s.byCallee {
		caller, callee = callee, caller
		fromTag, toTag = m.arg("ft", d.toTag), m.arg("tt", d.fromTag)
	}
	s.from, s.to = nameAddr(caller, fromTag), nameAddr(callee, toTag)
	if on := m.inviteOn(s.id); on != nil && s.method == "CANCEL" && !m.has("tt") && !m.has("ft") {
		s.from, s.to = on.from, on.to
	}
	ruri := callee
	if s.method == "REGISTER" {
		ruri = "sip:example.com"
	}
	if cs, method, ok := strings.Cut(m.arg("cseq", ""), "/"); cs != "" {
		n, err := strconv.Atoi(cs)
		if err != nil {
			panic("capgen: no CSeq: " + cs)
		}
		s.cseq = n
		d.cseq[side] = max(d.cseq[side], n)
		if ok {
			s.method = method
		}
	}
	h := m.headers(s)
	h = append(h, field{"Max-Forwards", strconv.Itoa(71 - len(s.vias))})
	if s.method == "INVITE" || s.method == "REGISTER" || s.method == "SUBSCRIBE" || s.method == "REFER" || s.method == "UPDATE" {
		h = append(h, field{"Contact", "<sip:" + userOf(caller) + "@" + hostport(m.src) + ">"})
	}
	if s.method == "REGISTER" {
		h = append(h, field{"Expires", "3600"})
	}
	s.text = m.finish(m.what+" "+m.arg("ruri", ruri)+" SIP/2.0", h)
}

// lastInvite returns the last INVITE of a side of a dialog.
func (m *message) lastInvite(id string, side int) *sent {
	for i := len(m.l.requests) - 1; i >= 0; i-- {
		if r := m.l.requests[i]; r.id == id && r.method == "INVITE" && r.byCallee == (side == 1) {
			return r
		}
	}
	return nil
}

// inviteOn returns the last INVITE between the hosts of a request.
func (m *message) inviteOn(id string) *sent {
	for i := len(m.l.requests) - 1; i >= 0; i-- {
		if r := m.l.requests[i]; r.id == id && r.method == "INVITE" && r.src == m.src && r.dst == m.dst {
			return r
		}
	}
	return nil
}

// forwarded returns the request that this one passes on, nil for none.
func (m *message) forwarded(s *sent) *sent {
	if m.arg("fwd", "") == "no" || m.has("new") {
		return nil
	}
	for i := len(m.l.requests) - 1; i >= 0; i-- {
		r := m.l.requests[i]
		if r.id != s.id || r.method != s.method {
			continue
		}
		if r.dst == m.src && (r.src != m.dst || m.arg("fwd", "") == "back") && (r.final == 0 || r.method == "ACK") {
			return r
		}
	}
	return nil
}

// byCallee reports whether a request is of the called side: it goes against the INVITE.
func (m *message) byCallee(forwarded *sent) bool {
	switch {
	case m.has("by"):
		return m.args["by"] == "callee"
	case forwarded != nil:
		return forwarded.byCallee
	case m.what == "INVITE" && !m.d.answered:
		return false
	}
	for _, hop := range m.d.invites {
		if hop[0] == m.dst && hop[1] == m.src {
			return true
		}
	}
	return false
}

// response builds a response.
func (m *message) response(s *sent, code int) {
	r := m.answers(s.id)
	s.status, s.method, s.cseq, s.vias = code, r.method, r.cseq, r.vias
	if received, ok := m.args["received"]; ok {
		s.vias = slices.Clone(s.vias)
		s.vias[0] += ";received=" + received
	}
	s.from, s.to = r.from, r.to
	if code > 100 && !strings.Contains(r.to, ";tag=") {
		tag := m.arg("tt", "b-"+strings.ReplaceAll(s.id, "@", "-"))
		if tag != "-" {
			s.to += ";tag=" + tag
		}
		if m.d.toTag == "" || r.method == "INVITE" && code/100 == 2 {
			m.d.toTag = tag
		}
	}
	if code >= 200 {
		r.final = code
		if r.method == "INVITE" && code < 300 {
			m.d.answered = true
		}
	}
	if cs, method, ok := strings.Cut(m.arg("cseq", ""), "/"); cs != "" && ok {
		s.method = method
	}
	h := m.headers(s)
	if r.method == "INVITE" && code > 100 && code < 300 {
		h = append(h, field{"Contact", "<sip:bob@" + hostport(m.src) + ">"})
	}
	if r.method == "REGISTER" && code/100 == 2 {
		h = append(h, field{"Contact", "<sip:alice@" + hostport(m.dst) + ">;expires=3600"})
	}
	s.text = m.finish("SIP/2.0 "+m.what+" "+Phrase(code), h)
}

// answers returns the request that a response answers.
func (m *message) answers(id string) *sent {
	var best *sent
	to := m.dst
	if name, ok := m.args["for"]; ok {
		to = m.l.host(name)
	}
	for i := len(m.l.requests) - 1; i >= 0; i-- {
		r := m.l.requests[i]
		if r.id != id || r.src != to || r.dst != m.src || r.method == "ACK" {
			continue
		}
		of, n, _ := strings.Cut(m.args["of"], "/")
		if of != "" && of != r.method || n != "" && n != strconv.Itoa(r.cseq) {
			continue
		}
		if best == nil {
			best = r
		}
		if r.final == 0 {
			return r
		}
	}
	if best == nil {
		panic(fmt.Sprintf("capgen: %s answers nothing", m.what))
	}
	return best
}

func (m *message) via(branch string) string {
	transport := "UDP"
	if m.l.TCP {
		transport = "TCP"
	}
	v := "SIP/2.0/" + transport + " " + m.arg("via", hostport(m.src))
	if branch != "" {
		v += ";branch=" + branch
	}
	return v
}

func nameAddr(uri, tag string) string {
	if tag == "" || tag == "-" {
		return "<" + uri + ">"
	}
	return "<" + uri + ">;tag=" + tag
}

func userOf(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	user, _, ok := strings.Cut(rest, "@")
	if !ok {
		return "user"
	}
	return user
}

// A field is a header field.
type field struct{ name, value string }

// headers returns the header fields that every message has.
func (m *message) headers(s *sent) (h []field) {
	for _, v := range s.vias {
		h = append(h, field{"Via", v})
	}
	return append(h, field{"From", s.from}, field{"To", s.to}, field{"Call-ID", s.id}, field{"CSeq", fmt.Sprintf("%d %s", s.cseq, s.method)})
}

// finish applies the indented lines and writes the message.
func (m *message) finish(start string, h []field) string {
	var body strings.Builder
	if m.has("sdp") {
		body.WriteString(m.sdp())
	}
	contentType := ""
	if m.has("sdp") {
		contentType = "application/sdp"
	}
	removed := map[string]bool{}
	for _, x := range m.more {
		switch {
		case strings.HasPrefix(x, "|"):
			body.WriteString(strings.TrimPrefix(strings.TrimPrefix(x, "|"), " ") + "\r\n")
		case strings.HasPrefix(x, "-"):
			name := strings.ToLower(x[1:])
			removed[name] = true
			h = slices.DeleteFunc(h, func(f field) bool { return strings.ToLower(f.name) == name })
		default:
			name, value, _ := strings.Cut(x, ":")
			if strings.EqualFold(name, "Content-Type") {
				contentType = strings.TrimSpace(value)
				continue
			}
			h = append(h, field{name, strings.TrimSpace(value)})
		}
	}
	if contentType != "" && !removed["content-type"] {
		h = append(h, field{"Content-Type", contentType})
	}
	hasLength := slices.ContainsFunc(h, func(f field) bool { return strings.EqualFold(f.name, "Content-Length") })
	if !hasLength && !removed["content-length"] {
		h = append(h, field{"Content-Length", strconv.Itoa(body.Len())})
	}
	if n := m.number("pad", 0); n > 0 {
		h = append(h, field{"X-Pad", strings.Repeat("x", n)})
	}
	if m.l.Shuffle { // the order of fields of one name has to stay
		slices.SortStableFunc(h, func(a, b field) int { return cmp.Compare(b.name, a.name) })
	}
	var b strings.Builder
	b.WriteString(start + "\r\n")
	for _, f := range h {
		name := f.name
		if c := compact[strings.ToLower(name)]; m.l.Compact && c != "" {
			name = c
		}
		b.WriteString(name + ": " + f.value + "\r\n")
	}
	return b.String() + "\r\n" + body.String()
}

var compact = map[string]string{
	"via": "v", "from": "f", "to": "t", "call-id": "i", "contact": "m", "content-length": "l", "content-type": "c", "supported": "k",
	"subject": "s", "event": "o", "refer-to": "r", "session-expires": "x", "identity": "y", "referred-by": "b", "content-encoding": "e",
}

// sdp returns a session description with one audio stream.
func (m *message) sdp() string {
	id, version, _ := strings.Cut(m.arg("o", ""), "/")
	if id == "" {
		id = strconv.Itoa(int(m.src.Port())*1000 + int(m.src.Addr().AsSlice()[len(m.src.Addr().AsSlice())-1]))
	}
	if version == "" {
		version = "1"
	}
	c := m.src.Addr().String()
	if v, ok := m.args["c"]; ok {
		c = v
	}
	family := "IP4"
	if strings.Contains(c, ":") {
		family = "IP6"
	}
	codecs := strings.Split(m.arg("codecs", "0,101"), ",")
	b := fmt.Sprintf("v=0\r\no=- %s %s IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %s %s %s\r\n",
		id, version, family, c, family, c, m.arg("m", "4000"), m.arg("proto", "RTP/AVP"), strings.Join(codecs, " "))
	names := map[string]string{"0": "PCMU/8000", "8": "PCMA/8000", "9": "G722/8000", "18": "G729/8000", "101": "telephone-event/8000", "96": "opus/48000/2"}
	for _, pt := range codecs {
		if names[pt] != "" {
			b += "a=rtpmap:" + pt + " " + names[pt] + "\r\n"
		}
	}
	if dir := m.arg("dir", ""); dir != "" {
		b += "a=" + dir + "\r\n"
	}
	return b
}

// rtp sends RTP packets.
func (m *message) rtp() {
	l := m.l
	n, ssrc, pt, seq := m.number("n", 50), m.number("ssrc", 1), m.number("pt", 0), m.number("seq", 1)
	every := time.Duration(m.number("every", 20)) * time.Millisecond
	start, size := l.now, int(every/time.Millisecond)*8
	for i := range n {
		at, body := seq+i, strings.Repeat("\xff", m.number("len", size))+strings.Repeat("\x5a", m.number("tag", 0))
		if m.what == "EVENT" {
			at = seq
			end := byte(10)
			if i >= n-m.number("ends", 3) {
				end |= 0x80
			}
			body = string([]byte{byte(m.number("key", 5)), end}) + u16(uint16((i+1)*size))
		}
		if m.what == "UDPTL" { // an indicator, and no redundancy
			l.now = start + time.Duration(i)*every
			l.emit(Ether(Flow{Src: m.src, Dst: m.dst, ID: l.nextID()}.UDP(u16(uint16(m.number("seq", 0)+i)) + "\x01\x02\x00\x00")))
			continue
		}
		payload := string([]byte{0x80, byte(pt)}) + u16(uint16(seq+i)) + u32(uint32((at+m.number("skip", 0))*m.number("step", size))) + u32(uint32(ssrc)) + body
		l.now = start + time.Duration(i)*every
		p := Flow{Src: m.src, Dst: m.dst, ID: l.nextID()}.UDP(payload)
		l.emit(Ether(p))
		l.last[[2]netip.AddrPort{m.src, m.dst}] = &sent{packet: p} // for ICMP
	}
	l.now = start
}

// Phrase returns the reason phrase of a status code.
func Phrase(code int) string {
	switch code {
	case 100:
		return "Trying"
	case 180:
		return "Ringing"
	case 183:
		return "Session Progress"
	case 200:
		return "OK"
	case 202:
		return "Accepted"
	case 401:
		return "Unauthorized"
	case 407:
		return "Proxy Authentication Required"
	case 404:
		return "Not Found"
	case 486:
		return "Busy Here"
	case 487:
		return "Request Terminated"
	case 488:
		return "Not Acceptable Here"
	case 503:
		return "Service Unavailable"
	}
	return "Status " + strconv.Itoa(code)
}
