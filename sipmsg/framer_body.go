package sipmsg

import "bytes"

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
	v, _ := f.msg.firstOf(ContentType)
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
