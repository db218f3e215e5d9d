package dissect

import (
	"bytes"
	"encoding/binary"

	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// turnsSIP looks at a segment of a connection that did not look like SIP: if a message
// begins in it after all, the connection is followed from here on.
func (d *Dissector) turnsSIP(c *conn, side int, f *layers.Frame, seq uint32) bool {
	b := f.Payload
	kind := c.turns(side, b)
	if kind == foreign && c.heeds[side] == heedAll && d.sniffDeflated(b) == yes {
		kind = isWebSocket
	}
	switch kind {
	case foreign:
		return false
	case isWebSocket, isHEP:
		c.kind, c.heeds = kind, [2]heed{}
		c.half(d, side, f).stream.Start(seq)
	default:
		if c.kind == foreign {
			c.kind = kind
		}
		if c.sealed > 0 && kind == isSIP { // what seemed to be TLS was answered in SIP
			d.Counts[c.sealed-1].unseal()
			c.sealed = 0
		}
		c.heeds[side] = heedAll
		h := c.half(d, side, f)
		h.stream.Start(seq)
		h.framer.Gap(-1)
	}
	return true
}

// turns returns what a connection is as far as a segment tells that begins with b.
func (c *conn) turns(side int, b []byte) connKind {
	if mayUpgrade(b) == yes && (isUpgrade(b[:min(len(b), maxUpgrade)]) || c.kind == foreign && !bytes.Contains(b, emptyLine)) || sniffWebSocket(b) == yes { // the second request of a connection, perhaps the first part of it, or the middle
		return isWebSocket
	}
	if nextHEP3(b) >= 0 {
		return isHEP
	}
	switch c.heeds[side] {
	case heedNone:
		return foreign
	case heedStart:
		switch {
		case startsMessage(b):
			return isSIP
		case startsKnown(b):
			return unknown
		case isBareGet(b):
			return foreign
		case mayUpgrade(b) == perhaps && c.kind == foreign:
			return isWebSocket
		}
		c.heeds[side] = heedNone
		return foreign
	}
	switch {
	case sipmsg.Sniff(b), holdsResponse(b):
		return isSIP
	case bytes.Contains(b, []byte(" SIP/2.0\r\n")):
		if holdsFrame(b) {
			return isWebSocket
		}
		return isSIP
	case startsKnown(b), len(b) <= maxWSHeader && sniffWebSocket(b) == perhaps, c.beginsAtEnd(b): // what comes next tells
		return unknown
	}
	return foreign
}

// holdsFrame reports whether a frame of a WebSocket with SIP begins in b, whole: a length may look like the start of another.
func holdsFrame(b []byte) bool {
	w := wsReader{buf: b}
	return w.resumes(nil, -1) && b[w.at]&0x80 != 0
}

// maxInLine is how many versions of SIP in the middle of a line are looked at for the start of a response, and beforeVersion how much
// of the line in front of it.
const (
	maxInLine     = 4
	beforeVersion = 256
)

// holdsResponse reports whether a response begins in a segment, not at its start: at that of a line, or behind the end of a body
// that has no line end.
func holdsResponse(b []byte) bool {
	for at, tries := 0, 0; ; {
		i := bytes.Index(b[at:], []byte("SIP/2.0 "))
		if i < 0 {
			return false
		}
		at += i
		switch {
		case at > 0 && b[at-1] == '\n':
			return true
		case at > 0 && tries < maxInLine:
			tries++
			from := max(bytes.LastIndexByte(b[:at], '\n')+1, at-beforeVersion)
			if sipmsg.HoldsStart(b[from:]) {
				return true
			}
		}
		at++
	}
}

// isForeign says that a direction is of another protocol, and what it is listened to for. The other
// one may turn out to be SIP as long as nothing came that way: whoever is asked in another language
// answers in its own.
func (h *half) isForeign(to heed) {
	c := h.c
	c.kind = foreign
	for side, s := range c.sides {
		switch {
		case s == h:
			c.heeds[side] = to
		case c.heeds[side] != heedAll:
		case s == nil || s.off == 0:
			c.heeds[side] = heedStart
		default:
			c.heeds[side] = heedNone
		}
	}
}

// turnsBehindGap is turnsSIP for octets that waited for others: those came to be of a connection that did not look like
// SIP. It reports whether the connection is followed from b on.
func (h *half) turnsBehindGap(b []byte) bool {
	c, side := h.c, 0
	if c.sides[1] == h {
		side = 1
	}
	if c.heeds[side] != heedAll || c.sides[side] != h {
		return false
	}
	kind := c.turns(side, b)
	if kind == foreign {
		return false
	}
	c.kind = kind
	h.reset()
	if kind != isWebSocket && kind != isHEP {
		h.framer.Gap(-1)
	}
	return true
}

// probe decides what a connection is by the first octets of a direction. A port of SIP has
// the benefit of the doubt.
func (h *half) probe(b []byte) {
	if nextHEP3(b) == 0 { // whatever was waiting is the rest of a packet
		h.c.kind = isHEP
		h.framer = sipmsg.Framer{}
		h.framer.Share(&h.d.shared)
		return
	}
	if h.framer.Buffered() > 0 {
		return // a start line that is not whole yet
	}
	c := h.c
	onSIP := isSIPPort(h.src.Port()) || isSIPPort(h.dst.Port())
	ws := max(sniffWebSocket(b), mayUpgrade(b), h.d.sniffDeflated(b))
	tls := looksTLS(b)
	if tls == yes && !onSIP && helloIsCut(b) {
		tls = perhaps
	}
	switch {
	case ws == yes, c.midstream && h.isInFrames(b):
		c.kind = isWebSocket
	case tls == yes && (onSIP || helloNamesSIP(b)):
		h.encrypted()
	case tls == yes:
		h.isForeign(heedNone)
	case bytes.HasPrefix(b, []byte("HEP3")) || nextHEP3(b) > 0:
		c.kind = isHEP
	case ws == perhaps || tls == perhaps || isStart(b):
		h.first = append([]byte(nil), b...)
	case isOther(b):
		h.isForeign(heedNone)
	case onSIP:
		c.kind = isSIP
	case !sipmsg.CanBegin(b) && !bytes.Contains(b, []byte("SIP/2.0")) && !c.promising(nil) && !c.beginsAtEnd(b):
		c.kind = foreign
		h.pieces = nil
	}
}

// encrypted takes in that a connection carries SIP in TLS, by what can be told of it.
func (h *half) encrypted() {
	at := int64(0)
	if n := len(h.pieces); n > 0 {
		at = h.pieces[n-1].ref.Frame
	}
	h.d.Counts[h.d.file].seal(at)
	h.c.sealed = int32(h.d.file) + 1
	for _, s := range h.c.sides {
		if s != nil {
			h.d.Streams.Skipped -= s.skipped
		}
	}
	h.isForeign(heedNone)
}

// beginsOther marks the first octets of what isAnother knows.
var beginsOther = [256]bool{'H': true, 0x81: true, 0x82: true}

// isAnother reports whether what was taken for SIP was the middle of a packet of HEP, or of a frame of a WebSocket: the next one
// begins at the start of b. Not inlined: it is cold.
//
//go:noinline
func (h *half) isAnother(b []byte) bool {
	return nextHEP3(b) == 0 || h.given == 0 && sniffWebSocket(b) == yes
}

// isInFrames reports whether b is of a WebSocket that was captured from the middle of a frame on: the rest of one, which may read like
// SIP, and behind it another one. Not inlined: it is cold.
//
//go:noinline
func (h *half) isInFrames(b []byte) bool {
	return !startsMessage(b) && holdsFrame(b)
}

// proxyHeader returns the length of the header of the PROXY protocol that a stream begins with, more than
// there is of b if more is needed to tell it, 0 for none.
func proxyHeader(b []byte) int {
	const version2, head = "\r\n\r\n\x00\r\nQUIT\n", 16
	switch {
	case bytes.HasPrefix(b, []byte("PROXY ")):
		return bytes.IndexByte(b[:min(len(b), 108)], '\n') + 1
	case len(b) <= 4 || string(b[:min(len(b), len(version2))]) != version2[:min(len(b), len(version2))]: // four are a keepalive as well
		return 0
	case len(b) < head:
		return head
	}
	if n := head + int(binary.BigEndian.Uint16(b[14:])); n <= maxProbe {
		return n
	}
	return 0
}

// promising reports whether a direction other than one waits for the rest of what begins like a message.
func (c *conn) promising(but *half) bool {
	for _, h := range c.sides {
		if h != nil && h != but && (h.framer.Promising() || len(h.first) > 0 && sipmsg.BeginsKnown(h.first)) {
			return true
		}
	}
	return false
}

// isStart reports whether b is the start of a start line, of SIP or of another protocol,
// that is worth waiting for the end of.
func isStart(b []byte) bool {
	return len(b) > 0 && len(b) < maxProbe && b[0] != '\r' && b[0] != '\n' && b[0] != 0 && bytes.IndexByte(b, '\n') < 0 && sipmsg.CanBegin(b)
}

// startsMessage reports whether b begins with a start line of SIP, and a header field as far as there is
// enough of it to tell.
func startsMessage(b []byte) bool { return sipmsg.SniffWhole(b) && sipmsg.CanBegin(b) }

// startsKnown reports whether b is the start of a start line with a method or a version of SIP.
func startsKnown(b []byte) bool { return isStart(b) && sipmsg.BeginsKnown(b) }

// maxTries is how many segments of a connection from the middle, or with octets missing, are looked at for a message
// that begins at their end, and maxTail how long that part of its start line may be.
const (
	maxTries = 32
	maxTail  = 256
)

// beginsAtEnd reports whether a segment of such a connection ends in the part of a start line of SIP.
func (c *conn) beginsAtEnd(b []byte) bool {
	if !c.midstream && !c.torn || c.tries >= maxTries {
		return false
	}
	c.tries++
	n := bytes.LastIndexByte(b[max(0, len(b)-maxTail):], '\n')
	tail := b[max(0, len(b)-maxTail)+n+1:]
	return n >= 0 && len(tail) > 0 && sipmsg.BeginsKnown(tail)
}

// isOther reports whether b begins with the start line of another protocol that is made
// like SIP. What it carries may read like SIP, as a log does; CONNECT makes a way for
// whatever comes.
func isOther(b []byte) bool {
	for _, name := range [...]string{"HTTP/", "RTSP/", "MSRP ", "ICY ", "ICAP/"} {
		if bytes.HasPrefix(b, []byte(name)) {
			return true
		}
	}
	n := bytes.IndexByte(b[:min(len(b), maxProbe)], '\n')
	if n < 0 || bytes.HasPrefix(b, []byte("CONNECT ")) || !isStart(b[:n]) {
		return false
	}
	last := b[bytes.LastIndexByte(b[:n], ' ')+1:]
	return bytes.HasPrefix(last, []byte("HTTP/")) || bytes.HasPrefix(last, []byte("RTSP/")) || bytes.HasPrefix(last, []byte("ICAP/"))
}

func isSIPPort(p uint16) bool { return p == 5060 || p == 5061 }

// looksTLS reports whether b begins with a TLS record of a handshake or with data.
func looksTLS(b []byte) verdict {
	switch {
	case b[0] < 20 || b[0] > 23 || len(b) > 1 && b[1] != 3 || len(b) > 2 && b[2] > 4:
		return no
	case len(b) < 5:
		return perhaps
	}
	return yes
}

// maxHello bounds the start of a TLS handshake in which the name of SIP is looked for.
const maxHello = 4 << 10

// helloIsCut reports whether b is the beginning of a TLS handshake of which more is to come.
func helloIsCut(b []byte) bool {
	return b[0] == 22 && len(b) < min(maxHello, tlsHead+int(binary.BigEndian.Uint16(b[3:])))
}

// tlsHead is the length of the header of a TLS record.
const tlsHead = 5

// helloNamesSIP reports whether a TLS handshake asks for SIP: by ALPN, or by the name of a server whose
// first label is sip, perhaps with something behind it that is no letter.
func helloNamesSIP(b []byte) bool {
	b = b[:min(len(b), maxHello)]
	if b[0] != 22 {
		return false
	}
	if bytes.Contains(b, []byte("\x05sip/2")) {
		return true
	}
	const before = 9 // the extension, its length, that of the list, a type, the length of the name
	for at := before; at < len(b); at++ {
		i := bytes.Index(b[at:], []byte("sip"))
		if i < 0 {
			return false
		}
		at += i
		p := b[at-before:]
		n := binary.BigEndian.Uint16(p[7:])
		name := p[before:]
		isName := binary.BigEndian.Uint16(p) == 0 && binary.BigEndian.Uint16(p[2:]) == n+5 && binary.BigEndian.Uint16(p[4:]) == n+3 && p[6] == 0
		if isName && n > 4 && len(name) > 4 && (name[3]|0x20 < 'a' || name[3]|0x20 > 'z' || name[3] == 's' && name[4] == '.') {
			return true
		}
	}
	return false
}
