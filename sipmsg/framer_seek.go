package sipmsg

import "bytes"

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
