package sipmsg

import (
	"bytes"
	"slices"
	"strings"
)

const (
	// maxHead bounds the header section that a Framer waits for. Messages of a
	// hundred kilobytes have been seen in tests of proxies, not in earnest.
	maxHead = 1 << 20

	// maxBody bounds the body that a Framer waits for: a Content-Length is only a
	// claim.
	maxBody = 1 << 20

	// maxMethod bounds the method name at a place where a message may begin.
	maxMethod = 128

	// maxUnknown bounds the header fields of unknown names in front of a known one, where that has to
	// prove that a message begins.
	maxUnknown = 1 << 10
)

// A Framer cuts a stream of octets into SIP messages: RFC 3261, section 18.3. The zero
// Framer is at the start of a stream.
//
//	f.Write(segment)
//	for {
//		u, ok := f.Next()
//		if !ok {
//			break
//		}
//		m.Parse(u.Data)
//	}
//
// It keeps its place between writes, so a stream of one-octet segments costs no more than
// one of large ones. Where the stream departs from SIP, or octets are missing, it goes on
// at the next start line that a known header field follows; a start line in a body, as in
// message/sipfrag, is none as long as the Content-Length covers it.
type Framer struct {
	Skipped    int64 // octets that belong to no message
	Keepalives int64 // line ends, and NULs, between messages

	buf    []byte
	lo     int   // buf[lo:] is not consumed
	off    int64 // stream offset of buf[0]
	scan   int   // where to go on looking: an index into buf
	state  framerState
	doubt  doubt // of what begins here
	mid    bool  // scan, or lo where seeking, is in the middle of a line that begins no message
	glued  bool  // line ends stood in front of the message
	head   int   // end of the header section
	end    int   // end of the message
	inside int   // first start line in the body: 0 for none, -1 if not looked for yet
	drop   int   // octets of a message that was given out as partial, still to come
	claim  int   // 1 + the Content-Length in lines that were skipped, 0 for none
	body   int   // end of the body behind such lines: an index into buf, 0 for none
	await  int   // where there is nothing to be found before: an index into buf
	gaps   []gap
	closed bool

	own    []byte // the memory of buf while buf is borrowed
	lent   bool   // buf is borrowed
	tried  bool   // msg was tried on what was there of the head …
	whole  bool   // … and all of it was there
	fresh  bool   // msg is the head that begins at buf[lo] …
	ready  bool   // … of which Whole found out that it is there
	msg    *Message
	common *Scratch // nil if nothing is shared
}

// A gap is a place in the stream where octets are missing.
type gap struct {
	at int   // index into buf: between buf[at-1] and buf[at]
	n  int64 // how many; -1 if that is not known
}

// maxGaps bounds the gaps remembered in what is not consumed.
const maxGaps = 64

// A doubt is what is not known of a place in a stream.
type doubt uint8

const (
	sure   doubt = iota // a message ended here, or the stream began
	joined              // the stream was joined here, in its middle
	strict              // something else stands in front of it: a start line has to be followed by a known header field
)

type framerState uint8

const (
	seeking framerState = iota // for a start line
	inHead
	inBody    // its end is known
	inOpenEnd // of a body whose length nothing tells
)

// A Unit is one message as it was cut out of the stream.
type Unit struct {
	Data    []byte // from the start line on; valid until the next call of any method
	Off     int64  // stream offset of Data
	Partial bool   // octets are missing at its end, or inside of its body
	Glued   bool   // line ends stood in front of it: a keepalive

	// Message is Data, scanned, where that was done on the way; otherwise nil. It is
	// valid as long as Data is. See Share.
	Message *Message
}

// A Scratch is what Framers may share where each is asked for messages until it has none before the next one gets
// octets: of thousands of streams, each with its own, hardly one has it in the cache of the processor when it
// goes on. What any of the Framers returned is valid until the next call of a method of any of them.
type Scratch struct {
	Message Message // what is scanned into

	free [][]byte // memory of streams in which nothing waits
}

// Share makes f work with what others work with. It is called before anything else, or between messages.
func (f *Framer) Share(s *Scratch) { f.msg, f.common, f.fresh = &s.Message, s, false }

// maxFree bounds the memory that is shared.
const maxFree = 64

// take returns memory for what waits.
func (s *Scratch) take() (b []byte) {
	if s == nil || len(s.free) == 0 {
		return nil
	}
	last := len(s.free) - 1
	b = s.free[last]
	s.free = s.free[:last]
	return b
}

// put takes back what take returned, or what became of it.
func (s *Scratch) put(b []byte) {
	if cap(b) > 0 && cap(b) <= maxIdle && len(s.free) < maxFree {
		s.free = append(s.free, b[:0])
	}
}

// Write adds the next octets of the stream.
func (f *Framer) Write(b []byte) {
	f.compact()
	f.buf = append(f.buf, b...)
}

// Borrow is Write without a copy: b has to stay as it is until Next has returned false.
// Only what is left of it then is copied.
func (f *Framer) Borrow(b []byte) {
	if f.Buffered() > 0 || f.lent {
		f.Write(b)
		return
	}
	f.compact()
	f.own, f.buf, f.lent = f.buf, b[:len(b):len(b)], true
}

// Whole is Borrow and Read where nothing waits and b is one message as most are, to its last octet: it returns true, the
// message is in *u, and nothing is left. It is faster than both. Otherwise it has taken nothing in, and Borrow of b has to be the next
// call: what it has scanned is used again.
func (f *Framer) Whole(b []byte, u *Unit) bool {
	f.ready = f.isIdle() && hasUsualStart(b) && b[len(b)-1] == '\n' && f.scanWhole(b)
	if !f.ready || !f.isWhole() {
		return false
	}
	f.ready = false
	u.Data, u.Off, u.Partial, u.Glued, u.Message = b[:len(b):len(b)], f.off, false, false, f.msg
	f.msg.raw = u.Data
	f.off += int64(len(b))
	return true
}

// isIdle reports whether the next octet begins a message, as far as can be told from what came before.
func (f *Framer) isIdle() bool {
	return len(f.buf) == 0 && f.state == seeking && f.doubt == sure && !f.mid && !f.glued && !f.closed && f.drop == 0 && f.body == 0 && f.await == 0 && len(f.gaps) == 0
}

// scanWhole scans b, and reports whether all of a head is there.
func (f *Framer) scanWhole(b []byte) bool {
	if f.msg == nil {
		f.msg = new(Message)
	}
	whole, _ := f.msg.parseWhole(b)
	return whole
}

// isWhole reports whether what was scanned is plainly one message, of the length that it says.
func (f *Framer) isWhole() bool {
	m := f.msg
	if !m.beginsUsual() || m.quirks&(QuirkDuplicate|oddLine) != 0 || len(m.Method) > 0 && !KnownMethod(m.Method) {
		return false
	}
	n, ok := m.ContentLength()
	return ok && n <= maxBody && int(n) == len(m.Body) && (n == 0 || !bytes.Contains(m.Body, sipVersion))
}

// giveBack copies what is left of borrowed octets.
func (f *Framer) giveBack() {
	if rest := f.buf[f.lo:]; len(rest) > 0 {
		if f.own == nil {
			f.own = f.common.take()
		}
		f.buf = append(f.own, rest...)
	} else {
		f.buf = f.own
	}
	f.own, f.lent = nil, false
	f.moved()
}

// compact drops what is consumed, when that is worth moving the rest.
func (f *Framer) compact() {
	if f.lent {
		f.giveBack()
	}
	if f.lo < 4096 || f.lo < len(f.buf)/2 {
		if f.lo < len(f.buf) {
			return
		}
	}
	f.buf = f.buf[:copy(f.buf, f.buf[f.lo:])]
	f.moved()
	if cap(f.buf) > 64<<10 && len(f.buf) < 4096 { // one large message does not pin its buffer
		f.buf = append(make([]byte, 0, 8192), f.buf...)
	}
}

// maxIdle bounds the memory of a Framer in which nothing waits, where it is not shared: there may be one for each
// direction of tens of thousands of connections.
const maxIdle = 4 << 10

// release lets go of the memory once nothing is in it.
func (f *Framer) release() {
	if f.lo < len(f.buf) {
		return
	}
	idle := &f.buf
	if f.lent {
		idle = &f.own
	}
	switch {
	case f.common != nil:
		f.common.put(*idle)
	case cap(*idle) <= maxIdle:
		return
	}
	if !f.lent {
		f.moved()
	}
	*idle = nil
}

// moved says that what stood at buf[lo] stands at buf[0] now.
func (f *Framer) moved() {
	n := f.lo
	f.lo, f.fresh = 0, false
	f.off += int64(n)
	f.scan, f.head, f.end = f.scan-n, f.head-n, f.end-n
	f.body, f.await = max(f.body-n, 0), max(f.await-n, 0)
	if f.inside > 0 {
		f.inside -= n
	}
	for i := range f.gaps {
		f.gaps[i].at -= n
	}
}

// Gap says that n octets of the stream are missing here; -1 if it is not known how many.
// Stream offsets count the octets that are there.
func (f *Framer) Gap(n int64) {
	if len(f.gaps) < maxGaps {
		f.gaps = append(f.gaps, gap{len(f.buf), n})
	}
}

// Join says that the stream began before its first octet: what it begins with may be the rest of a body, and a message
// quoted in that.
func (f *Framer) Join() { f.doubt = joined }

// Close says that the stream has ended. Next then gives what is left of it.
func (f *Framer) Close() { f.closed = true }

// Buffered returns how many octets wait for the rest of their message.
func (f *Framer) Buffered() int { return len(f.buf) - f.lo }

// Begun reports whether what waits begins with a start line and a header field.
func (f *Framer) Begun() bool { return f.state != seeking }

// Holds reports whether what waits may be a whole message, the end of which the octets that follow have to tell.
func (f *Framer) Holds() bool {
	return f.state == inOpenEnd || f.state == inBody && f.end <= len(f.buf)
}

// Promising reports whether what waits begins with a registered method or with a SIP version, as far
// as there is enough of it to tell: a stream that was anything else so far may go on with SIP.
func (f *Framer) Promising() bool { return f.Buffered() > 0 && BeginsKnown(f.buf[f.lo:]) }

// Offset returns the stream offset of the first octet that waits.
func (f *Framer) Offset() int64 { return f.off + int64(f.lo) }

// Next returns the next message. ok is false when more octets are needed for one.
func (f *Framer) Next() (u Unit, ok bool) {
	ok = f.Read(&u)
	return u, ok
}

// Read is Next with the message written to *u, which is faster. Where it returns false, *u is anything.
func (f *Framer) Read(u *Unit) (ok bool) {
	if f.msg == nil {
		f.msg = new(Message)
	}
	if ok = f.next(u); !ok {
		f.fresh = false
		if f.lent {
			f.giveBack()
		}
	}
	return ok
}

func (f *Framer) next(u *Unit) (ok bool) {
	for {
		switch f.state {
		case seeking:
			if !f.seek() {
				f.release()
				return false
			}
		case inHead:
			if ok, wait := f.nextHead(u); ok || wait {
				return ok
			}
		case inBody:
			return f.nextBody(u)
		case inOpenEnd:
			return f.nextOpenEnd(u)
		}
	}
}

// unit gives out buf[lo:end] and goes on behind it. It is always true.
func (f *Framer) unit(u *Unit, end int, partial bool) bool {
	u.Data, u.Off, u.Partial, u.Glued, u.Message = f.buf[f.lo:end:end], f.off+int64(f.lo), partial, f.glued, nil
	if f.fresh && !partial {
		f.msg.raw, f.msg.Body = u.Data, u.Data[f.head-f.lo:]
		u.Message = f.msg
	}
	f.glued = false
	f.consume(end)
	return true
}

// consume steps over what is before end, and over the gaps in it.
func (f *Framer) consume(end int) {
	f.lo, f.scan = end, end
	f.state, f.mid = seeking, false
	f.untried()
	for len(f.gaps) > 0 && f.gaps[0].at <= end {
		f.drop = left(f.drop, f.gaps[0].n)
		f.body = left(f.body, f.gaps[0].n)
		f.gaps = f.gaps[1:]
		f.doubt = strict
	}
}

// left returns how many of n octets come behind a gap, 0 if it is not known.
func left(n int, gap int64) int {
	if gap < 0 || gap >= int64(n) {
		return 0
	}
	return n - int(gap)
}

// firstGap returns the index of the first gap, or the end of what is there.
func (f *Framer) firstGap() (at int, isGap bool) {
	if len(f.gaps) > 0 {
		return f.gaps[0].at, true
	}
	return len(f.buf), false
}

// seek looks for the start of a message. It reports whether it found one.
func (f *Framer) seek() bool {
	for f.lo < len(f.buf) || len(f.gaps) > 0 {
		limit, isGap := f.firstGap()
		if limit < f.await && !isGap && !f.closed {
			return false
		}
		if f.lo >= limit && isGap {
			f.consume(limit)
			continue
		}
		b := f.buf[f.lo:limit]
		if f.drop > 0 {
			n := min(f.drop, len(b))
			f.lo += n
			f.drop -= n
			if f.doubt = sure; f.drop > 0 {
				f.doubt = strict
			}
			continue
		}
		if f.mid {
			if !f.passLine(b, isGap || f.closed) {
				return false
			}
			continue
		}
		if b[0] == '\r' || b[0] == '\n' || b[0] == 0 {
			f.lineEnds(b)
			f.keepalive(b)
			continue
		}
		v := f.begins(b)
		inner := no
		if v == no || f.doubt == strict { // the middle of a connection, or the rest of a body, perhaps
			var n int
			if n, inner = startWithin(b, v); inner == yes {
				f.pass(n)
				f.untried()
				v = yes
			}
		}
		if v == yes && f.lo < f.body {
			ends := isGap || f.closed
			isQuoted, sure := f.isQuoted(limit, ends)
			switch {
			case isQuoted:
				continue
			case !sure && !ends:
				f.await = max(f.body, limit)
				return false
			}
		}
		switch {
		case v == yes, v == perhaps && isGap && SniffCut(b):
			f.state, f.scan = inHead, max(f.scan, f.lo)
			f.claim, f.body = 0, 0
			return true
		case (v == perhaps || inner == perhaps) && !isGap && !f.closed:
			return false
		}
		f.glued = false
		if mayBeLength(b) && !isGap && !f.closed {
			return false
		}
		f.skipLine(b)
	}
	return false
}

// untried says that msg is nothing that is there.
func (f *Framer) untried() { f.tried, f.whole, f.fresh, f.ready = false, false, false, false }

// begins is beginsMessage for b, which is at lo. Where b begins as most messages do, mostly all of the head
// is there: then one scan tells both. Not so where something else stands in front of it: there may be many lines that begin as messages
// do, and each scan goes to the end of what is there.
func (f *Framer) begins(b []byte) verdict {
	ready := f.ready
	f.untried()
	f.scan, f.tried, f.whole = f.lo, ready, ready
	if (ready || f.doubt != strict && hasUsualStart(b) && f.try(b)) && f.msg.beginsUsual() {
		return yes
	}
	return beginsMessage(b, f.doubt == strict)
}

// beginsUsual reports whether a message begins with a start line of ASCII, not too long, that a known header field follows.
func (m *Message) beginsUsual() bool {
	end := m.start + len(m.StartLine)
	return len(m.fields) > 0 && m.fields[0].id != Other && int(m.fields[0].name) <= end+2 && m.plain >= end && end < maxStartLine
}

// try scans b, which is at lo, and reports whether all of a head is there.
func (f *Framer) try(b []byte) bool {
	var last int
	f.tried = true
	if f.whole, last = f.msg.parseWhole(b); !f.whole {
		f.scan = f.lo + last
	}
	return f.whole
}

// maxInner bounds the line that startWithin looks through, and waits for.
const maxInner = 1 << 10

// startWithin looks for a start line in the middle of the first line of b, behind the end of a body
// that has no line end: a registered method or a version, and a known header field behind the line. In
// a log, something stands in front of it that parts it from the rest. begins is whether b begins with
// one. Not inlined: it is cold.
//
//go:noinline
func startWithin(b []byte, begins verdict) (n int, v verdict) {
	if begins != no && BeginsKnown(b) {
		return 0, no
	}
	end := bytes.IndexByte(b[:min(len(b), maxInner)], '\n')
	switch {
	case end < 0 && len(b) < maxInner:
		return 0, perhaps
	case end < 0:
		return 0, no
	}
	return startIn(b, end)
}

// HoldsStart reports whether in the first line of b, but not at its start, a message of SIP begins behind the end of a body that has no line
// end: with a registered method or a version, and a known header field in the next line.
func HoldsStart(b []byte) bool {
	_, v := startWithin(b, yes)
	return v == yes
}

// startIn is startWithin for b whose first line ends at end.
func startIn(b []byte, end int) (n int, v verdict) {
	for i := 0; ; {
		n, next := knownWithin(b[:end], i)
		if n == 0 {
			return 0, no
		}
		if !isParted(b[:n]) && bytes.IndexByte(b[n:end], 0) < 0 && Sniff(b[n:end+1]) {
			return n, beginsHeader(b[end+1:], true)
		}
		i = next
	}
}

// knownWithin returns where a registered method or a version begins in a line, not at its start, that a
// blank at i or behind it follows, and where to go on. n is 0 for none.
func knownWithin(line []byte, i int) (n, next int) {
	for {
		k := bytes.IndexByte(line[i:], ' ')
		if k < 0 {
			return 0, 0
		}
		end := i + k
		i = end + 1
		n := end
		for _, s := range knownStarts {
			if s == "SIP/" {
				s = "SIP/2.0"
			}
			if at := end - len(s); at > 0 && at < n && string(line[at:end]) == s { // the longest: PRACK is no ACK
				n = at
			}
		}
		if n < end {
			return n, i
		}
	}
}

// isParted reports whether what follows b stands by itself: behind a blank or a sign that text puts in front
// of something quoted.
func isParted(b []byte) bool {
	if n := len(b) - 6; n >= 0 && string(b[n:n+4]) == "\x00\x00\x00\x0f" { // the payload of a packet of HEP3
		return true
	}
	switch c := b[len(b)-1]; c {
	case ' ', '\t', '"', '\'', '(', '[', ']', ':', '|', '=', '<', '-', '*', '#', '/', ',', ';', '\\', '`', '+', '_':
		return true
	case '>': // behind the priority of syslog, not behind a tag
		return len(b) > 1 && b[len(b)-2]-'0' < 10
	}
	return false
}

// keepalive steps over the line ends and NULs at the start of b.
func (f *Framer) keepalive(b []byte) {
	n := 0
	for n < len(b) && (b[n] == '\r' || b[n] == '\n' || b[n] == 0) {
		n++
	}
	if f.doubt != strict { // behind octets that were skipped they are just line ends
		f.Keepalives++
		f.glued = true
	}
	f.lo += n
}

// skipLine steps over a line that begins no message, if its end is there and not far. Behind that another one can begin.
func (f *Framer) skipLine(b []byte) {
	n := bytes.IndexByte(b, '\n') + 1
	if isLengthStart(b[0]) {
		f.skipLength(b[:n])
	}
	f.doubt = strict
	if f.mid = n == 0 || n > maxInner; !f.mid {
		f.pass(n)
	}
}

// pass steps over n octets that belong to no message.
func (f *Framer) pass(n int) {
	f.Skipped += int64(n)
	f.lo += n
}

// passLine goes on in a line that begins no message, of which b is the rest: a message may begin behind all of it, as startWithin
// has it. ends is set where no more of it will come. It reports whether there is anything to go on with: the end of a line whose
// end is not there is looked at again. Not inlined: it is cold.
//
//go:noinline
func (f *Framer) passLine(b []byte, ends bool) bool {
	end := bytes.IndexByte(b, '\n')
	switch {
	case end < 0 && ends:
		f.pass(len(b))
		return true
	case end < 0:
		f.pass(max(len(b)-maxInner, 0))
		return false
	}
	from := max(end-maxInner, 0)
	n, v := startIn(b[from:], end-from)
	switch {
	case v == perhaps && !ends:
		f.pass(from)
		return false
	case v == yes:
		f.pass(from + n)
	default:
		f.pass(end + 1)
	}
	f.mid = false
	return true
}

// isLengthStart reports whether c begins a name of Content-Length.
func isLengthStart(c byte) bool { return c|0x20 == 'c' || c|0x20 == 'l' }

// maxLength bounds the line of a Content-Length that is waited for.
const maxLength = 64

// mayBeLength reports whether b is the beginning of a line with a Content-Length, as far as there is enough of it to
// tell.
func mayBeLength(b []byte) bool {
	if !isLengthStart(b[0]) || len(b) >= maxLength || bytes.IndexByte(b, '\n') >= 0 {
		return false
	}
	n := scanToken(b, 0)
	return n < len(b) && Lookup(b[:n]) == ContentLength || n == len(b) && n <= len(lengthName) && equalFold(b, lengthName[:n])
}

const lengthName = "content-length"

// skipLength takes in a line that is skipped: of the header section of a message whose start is missing, perhaps.
func (f *Framer) skipLength(line []byte) {
	name := scanToken(line, 0)
	if colon := scanBlanks(line, name); colon < len(line) && line[colon] == ':' && Lookup(line[:name]) == ContentLength {
		if n, ok := Number(trimSpace(line[colon+1:])); ok && n <= maxBody {
			f.claim = int(n) + 1
		}
	}
}

// lineEnds takes in the line end at the start of b: behind the header section of a message whose start is missing it
// is where the body begins.
func (f *Framer) lineEnds(b []byte) {
	if f.claim > 0 && b[0] != 0 {
		f.body = f.lo + f.claim
		if b[0] == '\r' {
			f.body++
		}
	}
	f.claim = 0
}

// maxLineEnds bounds the line ends that are looked through behind a body for what follows them.
const maxLineEnds = 64

// isQuoted reports whether a start line stands in the body of a message whose start is missing, and steps over that then:
// if behind it a message follows, or the stream ends. sure is false as long as that cannot be told.
func (f *Framer) isQuoted(limit int, ends bool) (is, sure bool) {
	if f.body > limit {
		return false, false
	}
	rest, v := f.buf[f.body:limit], yes
	for len(rest) > 0 && isLineEnd(rest[0]) && limit-f.body-len(rest) < maxLineEnds {
		rest = rest[1:]
	}
	switch {
	case len(rest) == 0:
		v = perhaps
	case isLineEnd(rest[0]):
	case BeginsKnown(rest):
		v = beginsMessage(rest, false)
	default:
		v = no
	}
	switch {
	case v == perhaps && !ends:
		return false, false
	case v != no:
		f.pass(f.body - f.lo)
	}
	f.body = 0
	return v != no, true
}

// nextHead looks for the empty line.
func (f *Framer) nextHead(u *Unit) (ok, wait bool) {
	limit, isGap := f.firstGap()
	b := f.buf[:limit]
	if f.whole || !f.tried && f.try(b[f.lo:]) { // mostly all of it is there, and is scanned once
		f.headDone(limit - len(f.msg.Body))
		return false, false
	}
	f.scan = max(f.scan, f.lo)
	for {
		i := bytes.IndexByte(b[f.scan:], '\n')
		if i < 0 {
			f.scan = len(b)
			break
		}
		i += f.scan
		switch {
		case i+1 < len(b) && b[i+1] == '\n':
			f.headFound(i + 2)
			return false, false
		case i+2 < len(b) && b[i+1] == '\r' && b[i+2] == '\n':
			f.headFound(i + 3)
			return false, false
		case i+2 >= len(b) && (i+1 >= len(b) || b[i+1] == '\r'):
			f.scan = i // what follows this line end is not there yet
			goto short
		}
		f.scan = i + 1
	}
short:
	if isGap || f.closed || len(b)-f.lo > maxHead {
		if f.msg.ParseCut(b[f.lo:]) == nil && (f.misplaced() || f.msg.quirks&oddLine != 0 && f.holdsStart(limit) || f.isCutFragment(limit)) {
			return false, false
		}
		f.unit(u, limit, true)
		f.doubt = strict
		return true, false
	}
	return false, true
}

// headFound scans the header section that ends at end.
func (f *Framer) headFound(end int) {
	if f.msg.Parse(f.buf[f.lo:end]) == nil {
		f.headDone(end)
		return
	}
	f.head, f.scan, f.inside = end, end, -1 // cannot be: it began like one
	f.doubt, f.mid = sure, false
	f.end, f.state = end, inBody
}

// headDone takes in msg, whose header section ends at end, and decides where the message
// does.
func (f *Framer) headDone(end int) {
	if f.doubt != sure && f.isQuotedHead(end) || f.misplaced() || f.msg.quirks&(QuirkDuplicate|oddLine) != 0 && f.isOddHead(end) {
		return
	}
	f.headEnds(end)
	n, ok := f.msg.ContentLength()
	switch {
	case ok && n <= maxBody:
		f.end, f.state = end+int(n), inBody
	case !f.msg.Has(ContentLength) && !f.msg.Has(ContentType):
		f.end, f.state = end, inBody
	default:
		f.state = inOpenEnd
	}
}

// headEnds says that the header section ends at end, and that it is one.
func (f *Framer) headEnds(end int) {
	f.head, f.scan, f.inside = end, end, -1
	f.doubt, f.mid, f.fresh = sure, false, true
}

// isOddHead is headDone for a message that has lines without a name, or several header fields of one that stands alone. It reports whether
// that was different from all others.
func (f *Framer) isOddHead(end int) bool {
	if f.msg.quirks&oddLine != 0 && f.holdsStart(end) {
		return true
	}
	n, _ := f.msg.ContentLength()
	for v := range f.msg.All(ContentLength) {
		if x, isNumber := Number(v); !isNumber || x != n { // which one it is nobody knows
			f.headEnds(end)
			f.state = inOpenEnd
			return true
		}
	}
	return false
}

// misplaced corrects the place of a message where its method is none that is registered: it is the end
// of the one that CSeq has, with octets missing in front of it; or that one stands behind it in the line,
// where what is in front of it has no line end. Behind octets that are missing, or were before the stream was joined, where CSeq is
// missing as well, it may be any registered one.
func (f *Framer) misplaced() bool {
	method := f.msg.Method
	if len(method) == 0 || KnownMethod(method) {
		return false
	}
	_, _, hasCSeq, whole := f.msg.CSeq()
	if hasCSeq && !KnownMethod(whole) || !hasCSeq && f.doubt == sure {
		return false
	}
	line := f.msg.StartLine
	n, _ := knownWithin(line, 0)
	switch {
	case n > 0 && (!hasCSeq || bytes.HasPrefix(line[n:], whole)):
		f.pass(n)
	case hasCSeq && bytes.HasSuffix(whole, method), !hasCSeq && endsKnown(method):
		f.skipLine(f.buf[f.lo:])
	default:
		return false
	}
	f.again()
	return true
}

// again looks for the start of a message at lo, behind something that was taken for one.
func (f *Framer) again() {
	f.state, f.scan, f.glued = seeking, f.lo, false
	f.untried()
}

// isQuotedHead reports whether the header section that ends at end begins in a body, by its status line, and steps over what of it does.
func (f *Framer) isQuotedHead(end int) bool {
	return !f.msg.IsRequest() && (f.isGlued() || f.isFragment(end))
}

// isGlued reports whether another start line without anything between stands behind a status line, which is the end of a body then, and
// steps over that; where that is a status line, over it as well.
func (f *Framer) isGlued() bool {
	line := f.msg.StartLine
	at := 0
	for hasVersion(line[at:]) {
		n, _ := knownWithin(line[at:], len("SIP/2.0 "))
		if n == 0 || isParted(line[at:at+n]) || !Sniff(f.buf[f.lo+at+n:min(f.lo+len(line)+1, len(f.buf))]) {
			break
		}
		at += n
	}
	if at == 0 {
		return false
	}
	f.pass(at)
	f.again()
	return true
}

// isFragment reports whether the header section that ends at end is that of no response, since it has nothing that each must have,
// and steps over it: a body quotes it (RFC 3420), whose message began before what is there. Requests without all that are seen:
// as keepalives.
func (f *Framer) isFragment(end int) bool {
	m := f.msg
	if m.IsRequest() || m.Has(Via) || m.Has(CallID) || m.Has(CSeq) || m.Has(From) || m.Has(To) {
		return false
	}
	f.pass(end - f.lo)
	f.doubt = strict
	f.again()
	return true
}

// isCutFragment is isQuotedHead for a header section that is not there behind end: a fragment has to have a name that is known.
func (f *Framer) isCutFragment(end int) bool {
	m := f.msg
	if f.doubt == sure || m.Parse(f.buf[f.lo:end]) != nil || m.IsRequest() {
		return false
	}
	return f.isGlued() || len(m.fields) > 0 && m.fields[0].id != Other && f.isFragment(end)
}

// oddLine is what is odd about a header section in which a start line stands.
const oddLine = QuirkNoColon | QuirkHeaderName

// holdsStart reports whether in the header section that ends at end, or is there up to it, the one of another message begins: what is in front
// of that is quoted in a body, or never ended. It is given out, if it is a message, and what stands up to the last such start
// line is skipped.
func (f *Framer) holdsStart(end int) bool {
	first, last := 0, 0
	for at := f.lo; ; {
		n := bytes.IndexByte(f.buf[at:end], '\n') + 1
		if n == 0 {
			break
		}
		if at += n; BeginsKnown(f.buf[at:end]) && beginsMessage(f.buf[at:end], true) == yes {
			if last = at; first == 0 {
				first = at
			}
		}
	}
	switch {
	case first == 0:
		return false
	case f.msg.Parse(f.buf[f.lo:first]) != nil || f.doubt != sure && f.isFragment(first):
		f.pass(last - f.lo)
		f.doubt = strict
		f.again()
	default:
		f.head, f.scan, f.end, f.inside, f.state = first, first, first, 0, inBody
		f.doubt, f.mid, f.fresh = sure, false, false
		f.drop = last - first
		f.Skipped += int64(f.drop)
	}
	return true
}

// nextBody waits for a body whose end is known.
func (f *Framer) nextBody(u *Unit) (ok bool) {
	limit, isGap := f.firstGap()
	if f.end <= limit {
		waits := !isGap && !f.closed
		if waits && limit < f.await {
			return false
		}
		end, sure := f.bodyEnd(limit)
		if waits && !sure {
			f.await = limit + patience(limit-f.lo)
			return false
		}
		f.await = 0
		return f.unit(u, end, false)
	}
	if isGap {
		return f.gapInBody(u, limit)
	}
	if !f.closed {
		return false
	}
	// The stream ended first: was the Content-Length too large for what came?
	if f.end = limit; f.inside < 0 {
		f.lookInside(limit)
	}
	if f.inside > f.head || f.inside == f.head && !f.mayHoldMessage() { // else it is quoted
		return f.unit(u, f.inside, false)
	}
	return f.unit(u, limit, true)
}

// patience returns how many octets have to come until the end of a message is looked for again, of which size octets were not enough to tell
// it: to look costs as much as it is long, and segments may be of one octet.
func patience(size int) int {
	if size < 4<<10 {
		return 0
	}
	return size / 16
}

// bodyEnd returns the end of a message whose body is there, and what follows up to limit. A
// Content-Length that is too large may have swallowed the start of a message, or a part of its start
// line: then the body holds a start line, or a start line runs over its end. The first is so only where
// what follows cannot be the start of a message. sure is false as long as that cannot be told, so that
// it does not depend on how the stream was cut.
func (f *Framer) bodyEnd(limit int) (end int, sure bool) {
	body, rest := f.buf[f.head:f.end], f.buf[f.end:limit]
	switch {
	case len(body) == 0 || bytes.HasSuffix(body, dashes): // dashes: of a multipart body
		return f.end, true
	case body[len(body)-1] == '\n' && (!bytes.Contains(body, sipVersion) || f.mayHoldMessage()): // most bodies
		return f.end, true
	}
	if f.inside < 0 && !f.lookInside(limit) {
		return f.end, false
	}
	last := f.head + bytes.LastIndexByte(body, '\n') + 1
	switch {
	case f.inside == 0:
		return f.end, true
	case f.inside == last && f.end < last+scanToken(f.buf[last:limit], 0): // in the middle of its method
		return f.inside, true
	case f.inside < last && body[len(body)-1] != '\r' && len(rest) > 0 && isLineEnd(rest[0]):
		return f.endInHead(limit, last)
	case f.inside < last && last < f.end && BeginsKnown(f.buf[last:limit]): // in the middle of the start line of another one
		switch v := beginsMessage(f.buf[last:limit], true); {
		case v == no || BeginsKnown(rest):
		case v == perhaps:
			return f.end, false
		default:
			return f.ifHead(limit, yes)
		}
	}
	if f.describes() && f.isHead(f.end) == yes { // by what is in the body: behind it stands what may be of another message
		return f.inside, true
	}
	switch beginsMessage(rest, false) {
	case no:
		if last < f.end {
			return f.inside, true
		}
		return f.ifHead(limit, yes)
	case perhaps:
		return f.end, false
	}
	return f.end, true
}

// describes reports whether the body begins as a session description, and is of no other type: a start line in it is that of the next
// message, whatever length it has.
func (f *Framer) describes() bool {
	if !bytes.HasPrefix(f.buf[f.head:f.end], []byte("v=0")) {
		return false
	}
	kind, _, _ := bytes.Cut(f.contentType(), []byte(";"))
	kind = trimSpace(kind)
	return len(kind) == 0 || equalFold(kind, "application/sdp")
}

// ifHead returns the end of a message, in the body of which a start line is: that line if it is the one of a message
// and v is yes.
func (f *Framer) ifHead(limit int, v verdict) (end int, sure bool) {
	if v = min(v, f.isHead(limit)); v == yes {
		return f.inside, true
	}
	return f.end, v == no
}

// endInHead returns the end of a message whose body, in which a start line is, a line end follows. It may be
// that of a line in the header section of a message, or the empty line behind that: behind the body of a
// quoted message come line ends, or another message.
func (f *Framer) endInHead(limit, last int) (end int, sure bool) {
	rest := f.buf[f.end:limit]
	_, next := lineEnd(rest, 0)
	switch {
	case rest[next-1] != '\n': // half of a line end, or NULs
		return f.end, len(rest) > 1 || rest[0] == 0
	case next < len(rest) && isBlank(rest[next]):
		return f.ifHead(limit, yes)
	case last < f.end && next < len(rest) && !isLineEnd(rest[next]):
		return f.ifHead(limit, beginsHeader(rest[next:], true))
	}
	sure = last == f.end || next < len(rest)
	if hasEmptyLine(f.buf[f.inside:f.end]) || last < f.end && f.mayHoldMessage() {
		return f.end, sure
	}
	end, isSure := f.ifHead(limit, yes)
	return end, sure && isSure
}

// isHead reports whether a start line in the body is that of a message, and not quoted: its header section
// has what each has.
func (f *Framer) isHead(limit int) verdict {
	f.fresh = false
	switch {
	case f.msg.Parse(f.buf[f.inside:limit]) != nil:
		return no
	case f.msg.Has(CallID) && f.msg.Has(CSeq):
		return yes
	case f.msg.quirks&QuirkUnterminated != 0 && limit-f.inside < maxHead:
		return perhaps
	}
	return no
}

// hasEmptyLine reports whether a header section ends in b.
func hasEmptyLine(b []byte) bool {
	return bytes.Contains(b, []byte("\n\r\n")) || bytes.Contains(b, []byte("\n\n"))
}

// mayHoldMessage reports whether the body is of a type that start lines may stand in.
func (f *Framer) mayHoldMessage() bool {
	kind, _, _ := bytes.Cut(f.contentType(), []byte("/"))
	return equalFold(kind, "message") || equalFold(kind, "multipart") || equalFold(kind, "text")
}

// hasType reports whether the message says what its body is.
func (f *Framer) hasType() bool { return len(f.contentType()) > 0 }

// contentType returns the type of the body, as the message has it.
func (f *Framer) contentType() []byte {
	if !f.fresh && f.msg.Parse(f.buf[f.lo:f.head]) != nil {
		return nil
	}
	v, _ := f.msg.First(ContentType)
	return v
}

// lookInside looks for the first start line that begins in the body and that a known header field
// follows, there or behind it: inside is where, or 0. The last line, which runs over the end of the
// body, has to begin with a registered method or a version, and is not all of a body that has a type. It
// reports whether there is enough to tell.
func (f *Framer) lookInside(limit int) bool {
	for f.scan < f.end { // lines that were looked at before are not looked at again
		i := bytes.IndexByte(f.buf[f.scan:f.end], '\n')
		if i < 0 && (f.scan == f.head && f.hasType() || !BeginsKnown(f.buf[f.scan:limit])) {
			break
		}
		switch beginsMessage(f.buf[f.scan:limit], true) {
		case yes:
			f.inside = f.scan
			return true
		case perhaps:
			return false
		}
		if i < 0 {
			break
		}
		f.scan += i + 1
	}
	f.inside = 0
	return true
}

// BeginsKnown reports whether b begins with a registered method or with a SIP version, as far as there
// is enough of it to tell.
func BeginsKnown(b []byte) bool {
	if len(b) > 0 && !canBeKnown[b[0]] {
		return false
	}
	if n := scanToken(b[:min(len(b), maxMethod)], 0); n < len(b) {
		return KnownMethod(b[:n]) || hasVersion(b)
	}
	return slices.ContainsFunc(knownStarts[:], func(s string) bool { return strings.HasPrefix(s, string(b)) })
}

var knownStarts = [...]string{
	"ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE", "SIP/",
}

// canBeKnown marks the octets that knownStarts begin with; a version may be in lower case.
var canBeKnown = classOf("ABCIMNOPRSUs")

// endsKnown reports whether a registered method ends in b.
func endsKnown(b []byte) bool {
	return slices.ContainsFunc(knownStarts[:], func(s string) bool { return strings.HasSuffix(s, string(b)) })
}

func isLineEnd(c byte) bool { return c == '\r' || c == '\n' || c == 0 }

// gapInBody gives out a message in whose body octets are missing. Where it is known how
// many, so is how much of the body is still to come.
func (f *Framer) gapInBody(u *Unit, limit int) bool {
	rest := f.end - limit
	for _, g := range f.gaps {
		if g.at == limit {
			rest = left(rest, g.n)
		}
	}
	f.unit(u, limit, true)
	f.drop = rest
	return true
}

// nextOpenEnd looks for the end of a body without a usable Content-Length: the next start
// line, or the end of the stream.
func (f *Framer) nextOpenEnd(u *Unit) (ok bool) {
	limit, isGap := f.firstGap()
	for f.scan < limit {
		if !f.mid {
			switch v := beginsMessage(f.buf[f.scan:limit], true); {
			case v == yes:
				return f.unit(u, f.scan, false)
			case v == perhaps && !isGap && !f.closed && limit-f.head <= maxBody:
				return false
			}
		}
		i := bytes.IndexByte(f.buf[f.scan:limit], '\n')
		if f.mid = i < 0; f.mid {
			f.scan = limit
			break
		}
		f.scan += i + 1
	}
	switch {
	case limit-f.head > maxBody:
		f.unit(u, limit, true)
		f.doubt = strict
		return true
	case isGap:
		return f.unit(u, limit, true)
	case f.closed:
		return f.unit(u, limit, false)
	}
	return false
}

var sipVersion = []byte("SIP/2.0")

// A verdict is an answer that may have to wait.
type verdict uint8

const (
	no verdict = iota
	perhaps
	yes
)

// beginsMessage reports whether b begins with a start line and a header field, as far as
// there is enough of b to tell. If strict, the header field has to be a known one.
func beginsMessage(b []byte, strict bool) verdict {
	if len(b) == 0 {
		return perhaps
	}
	if !canStart[b[0]] {
		return no
	}
	method := scanToken(b[:min(len(b), maxMethod)], 0)
	switch {
	case method == len(b):
		return perhaps
	case method == 0:
		return no
	case b[method] == '/':
		if method != 3 || !hasVersion(b) {
			return no
		}
	case b[method] != ' ':
		return no
	}
	end := bytes.IndexByte(b[:min(len(b), maxStartLine)], '\n')
	if end < 0 {
		if len(b) >= maxStartLine || bytes.IndexByte(b, 0) >= 0 {
			return no
		}
		return perhaps
	}
	if bytes.IndexByte(b[:end], 0) >= 0 || !Sniff(b[:end+1]) {
		return no
	}
	return beginsHeader(b[end+1:], strict)
}

// beginsHeader reports whether a header field, or the end of the header section, follows a
// start line. If strict, one of the first fields has to be a known one.
func beginsHeader(b []byte, strict bool) verdict {
	if len(b) > 0 && isLineEnd(b[0]) && b[0] != 0 {
		if strict {
			return no
		}
		return yes
	}
	for all := b; ; {
		name := scanToken(b[:min(len(b), maxMethod)], 0)
		colon := scanBlanks(b, name)
		switch {
		case name == 0 && len(b) > 0:
			if len(b) == len(all) || !isBlank(b[0]) { // else the line before goes on
				return no
			}
		case colon == len(b) && name < maxMethod:
			return perhaps
		case colon >= len(b) || b[colon] != ':':
			return no
		case !strict || Lookup(b[:name]) != Other:
			return yes
		}
		_, next := lineEnd(b, 0)
		switch {
		case len(all)-len(b)+next > maxUnknown:
			return no
		case b[next-1] != '\n':
			return perhaps
		}
		b = b[next:]
	}
}

// CanBegin reports whether b can be the beginning of a SIP message, or line ends in front
// of one, as far as there is enough of it to tell.
func CanBegin(b []byte) bool {
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n' || b[0] == 0) {
		b = b[1:]
	}
	return beginsMessage(b, false) != no
}
