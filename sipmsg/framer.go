package sipmsg

import "bytes"

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

// Rest returns how many octets of a body are still to come, also of a message that was given out as partial, as far as its head
// tells; 0 where that is not there.
func (f *Framer) Rest() int {
	if f.state == inBody {
		return max(0, f.end-len(f.buf))
	}
	return f.drop
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
