package dissect

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxWSMessage bounds one WebSocket message. RFC 7118: each is one SIP message.
	maxWSMessage = 1 << 20

	// maxWSHeader is the length of the longest header of a frame.
	maxWSHeader = 14

	// maxUpgrade bounds the header section that opens a WebSocket; cookies make the
	// largest.
	maxUpgrade = 64 << 10
)

// A wsReader reads one direction of a WebSocket: RFC 6455, section 5.2.
type wsReader struct {
	buf      []byte
	at       int   // buf[at:] is not read yet
	off      int64 // stream offset of buf[at]
	http     bool  // HTTP is not over: the upgrade, and what was refused before it
	body     int   // octets of the body of a refusal that are still to come
	seeking  bool  // it has a body of a length that is not told: the next answer is looked for
	looked   int   // octets of buf in which a header section does not end
	message  []byte
	start    int64 // stream offset of the first frame of message
	open     bool  // message goes on in further frames
	deflated bool  // message is compressed
	window   []byte
	lost     bool  // where frames begin is not known
	sip      bool  // there was SIP in it
	may      []int // where in buf compressed frames may begin, of which there is not enough to tell …
	judged   int   // … and that is all up to buf[judged]
	skip     int   // octets of a frame that are still to come, and of no use
}

func (w *wsReader) buffered() int { return len(w.buf) + len(w.message) + len(w.window) }

// gap forgets what is not whole, n octets being missing, or -1: what later messages were compressed with
// is not known any more, nor where frames begin, but for a gap inside of one.
func (w *wsReader) gap(n int64) {
	b := w.buf[w.at:]
	rest := int64(w.skip)
	if f, ok := parseWSHeader(b); ok && f.length <= maxWSMessage {
		rest = int64(f.size) + int64(f.length) - int64(len(b))
	}
	w.lost, w.skip = n < 0 || n > rest || w.http || w.lost, 0
	if !w.lost {
		w.skip = int(rest - n)
	}
	w.off += int64(len(b))
	w.buf, w.at, w.message, w.window = nil, 0, nil, nil
	w.open, w.http, w.may = false, false, nil
}

// isUpgrade reports whether b is the header section of an HTTP request or answer that opens
// a WebSocket.
func isUpgrade(b []byte) bool {
	v, ok := httpField(b, "upgrade")
	return ok && bytes.Contains(bytes.ToLower(v), []byte("websocket"))
}

// httpField returns the value of a field in an HTTP header section, whose name is given in lower case.
func httpField(b []byte, name string) (value []byte, ok bool) {
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		n, v, isField := bytes.Cut(line, []byte(":"))
		if isField && len(n) == len(name) && string(bytes.ToLower(n)) == name {
			return bytes.TrimSpace(v), true
		}
	}
	return nil, false
}

// maxProbe bounds the octets that are looked at, and waited for, to tell what a connection
// is: the first line of the longest request.
const maxProbe = 4 << 10

// A verdict is an answer that may have to wait for more octets, so that it does not depend
// on where a stream was cut.
type verdict uint8

const (
	no verdict = iota
	perhaps
	yes
)

// mayUpgrade reports whether b begins an HTTP request or answer that may open a WebSocket.
func mayUpgrade(b []byte) verdict { return beginsWith(b, "GET ", "HTTP/1.1 101") }

// beginsHTTP reports whether b begins a request that may open a WebSocket, or an answer.
func beginsHTTP(b []byte) verdict { return beginsWith(b, "GET ", "HTTP/1.") }

// beginsWith reports whether b begins with one of several texts.
func beginsWith(b []byte, starts ...string) verdict {
	for _, start := range starts {
		n := min(len(b), len(start))
		switch {
		case string(b[:n]) != start[:n]:
		case n == len(start):
			return yes
		default:
			return perhaps
		}
	}
	return no
}

// sniffWebSocket reports whether b begins with a data frame that holds SIP. No SIP message
// begins like one.
func sniffWebSocket(b []byte) verdict {
	if op := b[0] & 0x7f; op != 1 && op != 2 {
		return no
	}
	h, ok := parseWSHeader(b)
	if !ok {
		return perhaps
	}
	n := int(min(h.length, maxProbe))
	head := append([]byte(nil), b[h.size:min(len(b), h.size+n)]...)
	h.unmask(head)
	line := bytes.TrimLeft(head, "\r\n")
	i := bytes.IndexByte(line, '\n')
	isLine := i >= 0
	if isLine { // what follows it may not have come yet
		line = line[:i+1]
	}
	switch {
	case !sipmsg.CanBegin(line):
		return no
	case isLine && sipmsg.Sniff(line):
		return yes
	case !isLine && len(head) < n:
		return perhaps
	case !isLine && !h.fin && len(line) > 0 && sipmsg.BeginsKnown(line):
		return h.goesOn(b[h.size+n:])
	}
	return no
}

// goesOn reports whether a frame of the same direction begins at the start of b that is no first one of a message: the first
// fragment of one may end in its start line.
func (h *wsHeader) goesOn(b []byte) verdict {
	next, ok := parseWSHeader(b)
	switch {
	case !ok:
		return perhaps
	case next.valid() && next.masked == h.masked && next.opcode != 1 && next.opcode != 2:
		return yes
	}
	return no
}

// sniffDeflated reports whether b begins with a data frame of compressed SIP: the handshake
// that agreed on it was not captured.
func (d *Dissector) sniffDeflated(b []byte) verdict {
	if b[0] != 0xc1 && b[0] != 0xc2 {
		return no
	}
	return d.sniffCompressed(b)
}

// maxCompressed bounds the octets of a compressed frame that are looked at, and waited for: a start line is in them.
const maxCompressed = 512

// sniffCompressed reports whether b begins with a frame of compressed SIP, by what it inflates to first.
func (d *Dissector) sniffCompressed(b []byte) verdict {
	h, ok := parseWSHeader(b)
	if !ok {
		return perhaps
	}
	n := int(min(h.length, maxCompressed))
	switch {
	case n < 32 || h.length > maxWSMessage:
		return no
	case n > len(b)-h.size:
		return perhaps
	}
	part := append([]byte(nil), b[h.size:][:n]...)
	h.unmask(part)
	start := d.inflateStart(part)
	if sipmsg.Sniff(start) || !h.fin && len(start) >= len("SIP/2.0 ") && sipmsg.BeginsKnown(start) {
		return yes
	}
	return no
}

// A wsHeader is the header of one frame.
type wsHeader struct {
	fin    bool
	rsv    byte
	opcode byte
	masked bool
	mask   [4]byte
	length uint64
	size   int // of the header
}

func parseWSHeader(b []byte) (h wsHeader, ok bool) {
	if len(b) < 2 {
		return h, false
	}
	h.fin, h.rsv, h.opcode = b[0]&0x80 != 0, b[0]>>4&7, b[0]&15
	h.masked, h.length, h.size = b[1]&0x80 != 0, uint64(b[1]&0x7f), 2
	switch h.length {
	case 126:
		if len(b) < 4 {
			return h, false
		}
		h.length, h.size = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return h, false
		}
		h.length, h.size = binary.BigEndian.Uint64(b[2:]), 10
	}
	if h.masked {
		if len(b) < h.size+4 {
			return h, false
		}
		h.mask = [4]byte(b[h.size:])
		h.size += 4
	}
	return h, true
}

// valid reports whether a header can be one: RFC 6455, section 5.2.
func (h *wsHeader) valid() bool {
	switch {
	case h.rsv&3 != 0 || h.length > maxWSMessage:
		return false
	case h.opcode >= 8:
		return h.opcode <= 10 && h.fin && h.length <= 125
	}
	return h.opcode <= 2
}

func (h *wsHeader) unmask(b []byte) {
	if !h.masked {
		return
	}
	for i := range b {
		b[i] ^= h.mask[i&3]
	}
}

// webSocket takes the next octets of a WebSocket.
func (h *half) webSocket(b []byte) {
	if h.ws == nil && startsMessage(b) { // an answer to the upgrade of one who does not know it
		h.answersInSIP()
		h.octets(b)
		return
	}
	if h.ws == nil {
		http := beginsHTTP(b) != no
		h.ws = &wsReader{off: h.off - int64(len(b)), http: http, lost: !http && max(sniffWebSocket(b), h.d.sniffDeflated(b)) != yes}
	}
	w := h.ws
	w.buf = append(w.buf, b...)
	n := min(w.skip, len(w.buf))
	w.consume(n)
	w.skip -= n
	if w.http && !h.skipHTTP() {
		w.compact()
		return
	}
	for segment := len(w.buf) - len(b); h.d.err == nil; {
		if w.lost && !w.resumes(h.d, segment) {
			break
		}
		if w.lost = false; !h.wsFrame() && !w.lost {
			break
		}
	}
	w.compact()
	keep := w.off
	if len(w.message) > 0 {
		keep = w.start
	}
	h.forget(keep)
}

// answersInSIP makes a connection that seemed to be a WebSocket one of SIP, which this direction begins with.
func (h *half) answersInSIP() {
	c := h.c
	c.kind = isSIP
	for side, s := range c.sides {
		if s != h {
			c.heeds[side] = heedStart
			h.d.conns.release(c, side)
		}
	}
}

// resumes looks for the start of a frame behind a gap, or in the middle of a connection: of one that
// holds SIP, compressed if d is there to tell, or at the start of a segment, at buf[segment], of a data frame that is as long as the
// segment. It reports whether there is one; what may become one is kept.
func (w *wsReader) resumes(d *Dissector, segment int) bool {
	i := w.at
	if len(w.may) > 0 {
		i = w.judged
	}
	may := w.may[:0]
	for _, at := range w.may {
		switch d.sniffCompressed(w.buf[at:]) {
		case yes:
			return w.resumesAt(d, at)
		case perhaps:
			may = append(may, at)
		}
	}
	for sniffs := 0; i < len(w.buf); i++ {
		b := w.buf[i:]
		v := no
		if sniffs < maxSniffs && mayHoldSIP(b) {
			sniffs++
			if v = sniffWebSocket(b); v == perhaps {
				break
			}
		} else if d != nil && isCompressed(b) && len(may) < maxMay {
			if v = d.sniffCompressed(b); v == perhaps {
				may = append(may, i)
			}
		}
		if v == yes || i == segment && fillsSegment(b) {
			return w.resumesAt(d, i)
		}
	}
	w.may, w.judged = may, i
	if len(may) > 0 {
		i = may[0]
	}
	w.pass(d, i)
	return false
}

// pass steps over octets up to buf[at] that are in no frame, as far as can be told.
func (w *wsReader) pass(d *Dissector, at int) {
	if w.sip && d != nil {
		d.Streams.Skipped += int64(at - w.at)
	}
	w.consume(at - w.at)
}

// resumesAt goes on with the frame that begins at buf[at].
func (w *wsReader) resumesAt(d *Dissector, at int) bool {
	w.may = nil
	w.pass(d, at)
	return true
}

// maxMay bounds the places of a stream that may begin a compressed frame: in octets at random, one of a hundred does.
const maxMay = 8

// maxSniffs bounds the places of a segment that are looked at closely since a frame with SIP may begin there, and does not: hardly any do
// where nobody means to cost time.
const maxSniffs = 64

// isCompressed reports whether b may begin with a compressed data frame, the first of a message.
func isCompressed(b []byte) bool { return b[0]&0x7f == 0x41 || b[0]&0x7f == 0x42 }

// fillsSegment reports whether b is a data frame, and nothing else.
func fillsSegment(b []byte) bool {
	h, ok := parseWSHeader(b)
	return ok && h.valid() && h.fin && (h.opcode == 1 || h.opcode == 2) && h.length == uint64(len(b)-h.size)
}

// mayHoldSIP reports whether b may begin with the first frame of a message of SIP: with a registered
// method or a version, as far as there is enough of b to tell. It is what sniffWebSocket looks for, at a
// fraction of the cost.
func mayHoldSIP(b []byte) bool {
	if op := b[0] & 0x7f; op != 1 && op != 2 {
		return false
	}
	h, ok := parseWSHeader(b)
	if !ok {
		return true
	}
	payload := b[h.size:]
	if h.length < uint64(len(payload)) { // it may be as large as a number can be
		payload = payload[:h.length]
	}
	var first [12]byte
	start := first[:copy(first[:], payload)]
	h.unmask(start)
	for len(start) > 0 && (start[0] == '\r' || start[0] == '\n') {
		start = start[1:]
	}
	return h.length > 0 && sipmsg.BeginsKnown(start)
}

// skipHTTP steps over the upgrade, and over requests that were refused before it: for want of
// credentials, or with a redirection. It reports whether frames begin. A connection that turns
// out to be plain HTTP is of no interest.
func (h *half) skipHTTP() bool {
	w := h.ws
	for {
		b := w.buf[w.at:]
		switch {
		case w.body > 0 && len(b) > 0:
			n := min(w.body, len(b))
			w.consume(n)
			w.body -= n
			continue
		case w.seeking:
			i := bytes.Index(b, []byte("HTTP/1."))
			if i < 0 {
				w.consume(max(len(b)-len("HTTP/1"), 0))
				return false
			}
			w.consume(i)
			w.seeking = false
			continue
		}
		switch beginsHTTP(b) {
		case perhaps:
			return false
		case no:
			w.http = false
			return true
		}
		from := max(w.at, w.looked-3)
		i := bytes.Index(w.buf[from:], emptyLine)
		w.looked = len(w.buf)
		if i < 0 && len(b) <= maxUpgrade {
			return false
		}
		if i < 0 {
			h.isForeign(heedNone)
			return false
		}
		end := from + i + 4
		if head := w.buf[w.at:end]; !w.passHTTP(head) {
			h.plainHTTP(isBareGet(head), w.buf[end:])
			return false
		}
		w.consume(end - w.at)
		w.looked = w.at
	}
}

var emptyLine = []byte("\r\n\r\n")

// isBareGet reports whether b is an HTTP request that HTTP alone may follow, and nothing else: without a
// body, and without the wish for another protocol.
func isBareGet(b []byte) bool {
	if mayUpgrade(b) != yes || b[0] != 'G' || !bytes.HasSuffix(b, emptyLine) || bytes.Count(b, emptyLine) > 1 {
		return false
	}
	for _, name := range [...]string{"content-length", "transfer-encoding", "upgrade"} {
		if _, has := httpField(b, name); has {
			return false
		}
	}
	return true
}

// plainHTTP takes in that a connection is of HTTP, without a WebSocket; rest is what stands behind a
// header section. Behind a request without a body a message of SIP may begin.
func (h *half) plainHTTP(bare bool, rest []byte) {
	switch {
	case bare && len(rest) == 0:
		h.isForeign(heedStart)
	case bare && (startsMessage(rest) || startsKnown(rest)):
		h.restart(h.off - int64(len(rest)))
		h.octets(rest)
	default:
		h.isForeign(heedNone)
	}
}

// restart makes what stands at off in the stream its beginning.
func (h *half) restart(off int64) {
	h.forget(off)
	for i := range h.pieces {
		h.pieces[i].end -= off
	}
	h.off -= off
	if h.early != nil {
		h.early.start += uint32(off)
	}
	h.ws, h.c.kind = nil, unknown
}

// passHTTP takes in a header section: of a request that opens a WebSocket, of the answer to it, or of
// a refusal. It reports whether it is one of these.
func (w *wsReader) passHTTP(head []byte) bool {
	status, isAnswer := bytes.CutPrefix(head, []byte("HTTP/1."))
	if !isAnswer || len(status) > 5 && string(status[2:5]) == "101" {
		return isUpgrade(head)
	}
	w.seeking = true
	if v, ok := httpField(head, "content-length"); ok {
		if n, err := strconv.ParseUint(string(v), 10, 31); err == nil {
			w.body, w.seeking = int(n), false
		}
	}
	return true
}

func (w *wsReader) consume(n int) {
	w.at += n
	w.off += int64(n)
}

// idle lets go of a large buffer that is empty.
func idle(b []byte) []byte {
	if len(b) == 0 && cap(b) > maxIdleBuffer {
		return nil
	}
	return b
}

// compact drops what was read.
func (w *wsReader) compact() {
	w.buf = idle(w.buf[:copy(w.buf, w.buf[w.at:])])
	w.looked, w.judged = max(w.looked-w.at, 0), w.judged-w.at
	for i := range w.may {
		w.may[i] -= w.at
	}
	w.at = 0
}

// wsFrame takes one frame out of the buffer. It reports whether there was a whole one.
func (h *half) wsFrame() bool {
	w := h.ws
	b := w.buf[w.at:]
	f, ok := parseWSHeader(b)
	if !ok {
		return false
	}
	if !f.valid() || len(w.message) > maxWSMessage {
		w.message, w.window, w.open, w.lost = nil, nil, false, true
		w.consume(1)
		return false
	}
	end := f.size + int(f.length)
	if len(b) < end {
		return false
	}
	payload := b[f.size:end]
	f.unmask(payload)
	switch {
	case f.opcode >= 8, f.opcode == 0 && !w.open: // control, which may stand between the fragments of a message; or the rest of one
		w.consume(end)
		return true
	case f.opcode != 0:
		w.message, w.start, w.deflated = nil, w.off, f.rsv&4 != 0
	}
	w.message = append(w.message, payload...)
	if w.open = !f.fin; w.open {
		w.consume(end)
		return true
	}
	m, start := w.message, w.start
	w.message = nil
	stop := w.off + int64(end)
	w.consume(end)
	if w.deflated {
		if m, ok = h.d.inflateWS(w, m); !ok {
			h.d.Streams.Compressed++
			return true
		}
	}
	h.wsMessage(m, start, stop)
	return true
}

// wsMessage gives out one WebSocket message that lies at start to stop in the stream.
func (h *half) wsMessage(b []byte, start, stop int64) {
	if !sipmsg.SniffWhole(b) {
		if isKeepalive(b) {
			h.d.Counts[h.d.file].Keepalives++
		}
		return
	}
	h.found(start)
	h.ws.sip = true
	c := h.carry(start, stop)
	c.notes |= NoteWebSocket
	if len(c.refs) > 0 {
		h.d.message(WS, b, false, c)
	}
}

// wsRest gives out the beginning of a message whose rest is missing. The reader is of no
// use behind it.
func (h *half) wsRest() {
	w := h.ws
	switch {
	case w == nil || w.http:
		return
	case w.lost:
		w.pass(h.d, len(w.buf))
		return
	}
	m, start, deflated := w.message, w.start, w.deflated
	b := w.buf[w.at:]
	if f, ok := parseWSHeader(b); ok && f.opcode < 8 && (f.opcode == 0) == w.open {
		if f.opcode != 0 {
			start, deflated = w.off, f.rsv&4 != 0
		}
		part := b[f.size:]
		f.unmask(part)
		m = append(m, part...)
	}
	if deflated = deflated && len(m) > 0; deflated {
		m = h.d.inflatePart(m, w.window)
	}
	if !sipmsg.Sniff(m) {
		if deflated {
			h.d.Streams.Compressed++
		}
		return
	}
	h.found(start)
	c := h.carry(start, h.off)
	c.notes |= NoteWebSocket | h.missing()
	h.gap, h.why = false, 0
	if len(c.refs) > 0 {
		h.d.message(WS, m, true, c)
	}
}

// inflateWS undoes permessage-deflate: RFC 7692, section 7.2.2. A message may be compressed
// with what came before it, whether the handshake said so or not.
func (d *Dissector) inflateWS(w *wsReader, b []byte) (out []byte, ok bool) {
	if out, ok = d.inflate(b, w.window); !ok {
		w.window = nil
		return nil, false
	}
	w.window = append(w.window, out...)
	if n := len(w.window) - 32<<10; n > 0 {
		w.window = append(w.window[:0], w.window[n:]...)
	}
	return out, true
}
