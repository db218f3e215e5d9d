package sipmsg

import "bytes"

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
