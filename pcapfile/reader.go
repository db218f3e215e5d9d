package pcapfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"time"

	"github.com/sipsight/sipsight/internal/window"
)

// ErrFormat is returned by NewReader when the stream does not begin with a
// pcap magic number. It is wrapped in a *FormatError.
var ErrFormat = errors.New("not a pcap file")

// A FormatError says what made a file unreadable and where.
type FormatError struct {
	Off  int64  // offset in the (uncompressed) file of the record or header at fault
	What string // what was wrong, as a clause
	Err  error  // ErrFormat, io.ErrUnexpectedEOF, the error of the underlying reader, or nil
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("pcapfile: %s at byte %d", e.What, e.Off)
}

func (e *FormatError) Unwrap() error { return e.Err }

// Magic numbers as they are written by a machine of the file's byte order.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34
)

const (
	headerLen         = 24
	recordLen         = 16
	modifiedRecordLen = 24 // and an interface index, a protocol and a packet type

	// softCapLen is libpcap's MAXIMUM_SNAPLEN. A longer packet is believed
	// only if the file's snaplen or the packet's own length allows it.
	softCapLen = 256 << 10

	// hardCapLen bounds every packet. It is the block limit of libpcap's
	// pcapng reader, above anything an interface can deliver.
	hardCapLen = 16 << 20
)

// A Header is the file header.
type Header struct {
	BigEndian    bool   // byte order of the file header
	Nanosecond   bool   // the fraction of a time stamp counts nanoseconds
	Modified     bool   // the variant with 24-octet record headers
	Major, Minor uint16 // format version, 2.4 in practice
	SnapLen      uint32 // 0: no limit stated
	LinkType     uint16 // a LINKTYPE_ value
	FCSLen       int    // octets of frame check sequence at the end of a packet; -1: not stated
}

// A Packet is one record.
type Packet struct {
	Time    time.Time // UTC
	OrigLen int64     // length on the wire
	Data    []byte    // the captured octets; valid until the next call of Next
	Offset  int64     // offset of the record header in the file
}

// A Note counts one kind of oddity that did not stop the reader.
type Note struct {
	What  string
	Off   int64 // offset of the first one
	Count int64
}

// A Reader reads the packets of one pcap file in order.
type Reader struct {
	w       *window.Reader
	h       Header
	big     bool   // record headers are big-endian
	unit    uint32 // fractions in a second
	nanos   int64  // of each
	usual   uint32 // captured octets that nothing is said of
	recLen  int
	started bool // a record has been read
	pending int  // octets of the last packet, still in view
	blank   int  // records without anything in them that stand ahead of what is in view, and were not given out yet
	err     error
	notes   []Note
}

// NewReader reads the file header. The error is nil or a *FormatError; it wraps
// ErrFormat when the stream is something else than pcap.
func NewReader(r io.Reader) (*Reader, error) { return newReader(window.New(r, 0)) }

// NewReaderSize is NewReader with a read buffer that starts at size octets;
// 0 is the default.
func NewReaderSize(r io.Reader, size int) (*Reader, error) {
	return newReader(window.New(r, size))
}

func newReader(w *window.Reader) (*Reader, error) {
	r := &Reader{w: w}
	if !w.Fill(4) {
		return nil, r.short(w.Offset(), "the file ends before its magic number", ErrFormat)
	}
	if !isMagic(w.Bytes()) {
		return nil, &FormatError{0, fmt.Sprintf("not a pcap file: it begins with %#08x", binary.BigEndian.Uint32(w.Bytes())), ErrFormat}
	}
	if !w.Fill(headerLen) {
		return nil, r.short(0, fmt.Sprintf("the file header is cut off: %d of %d octets are there", len(w.Bytes()), headerLen), io.ErrUnexpectedEOF)
	}
	r.readHeader(w.Bytes())
	w.Skip(headerLen)
	return r, nil
}

// isMagic reports whether b, at least four octets, begins a pcap file header.
func isMagic(b []byte) bool {
	le := binary.LittleEndian.Uint32(b)
	if be := bits.ReverseBytes32(le); be>>16 == 0xa1b2 {
		le = be
	}
	return le == magicMicro || le == magicNano || le == magicModified
}

// mayBeMagic is a quick look whether b may begin a file header.
func mayBeMagic(b []byte) bool {
	return b[0] == magicMicro>>24 || b[0] == magicMicro&0xff || b[0] == magicNano&0xff || b[0] == magicModified&0xff
}

// readHeader sets r up from b, a whole file header.
//
//	 0               4       6       8               12
//	+---------------+-------+-------+---------------+
//	| magic         | major | minor | reserved      |
//	+---------------+-------+-------+---------------+
//	| reserved      | snaplen       | link type     |
//	+---------------+---------------+---------------+
func (r *Reader) readHeader(b []byte) {
	h := Header{FCSLen: -1}
	var order binary.ByteOrder = binary.LittleEndian
	magic := order.Uint32(b)
	if magic != magicMicro && magic != magicNano && magic != magicModified {
		h.BigEndian = true
		order = binary.BigEndian
		magic = order.Uint32(b)
	}
	h.Nanosecond = magic == magicNano
	h.Modified = magic == magicModified
	h.Major, h.Minor = order.Uint16(b[4:]), order.Uint16(b[6:])
	h.SnapLen = order.Uint32(b[16:])
	word := order.Uint32(b[20:])
	h.LinkType = uint16(word)
	if word&0x04000000 != 0 { // the P bit: an FCS length is present
		h.FCSLen = int(word>>28) * 2
	}
	r.h, r.big, r.unit, r.nanos, r.recLen, r.usual = h, h.BigEndian, 1e6, 1000, recordLen, softCapLen
	if h.SnapLen != 0 {
		r.usual = min(h.SnapLen, softCapLen)
	}
	if h.Nanosecond {
		r.unit, r.nanos = 1e9, 1
	}
	if h.Modified {
		r.recLen = modifiedRecordLen
	}
}

// Header returns the file header. Where several files were joined end to end it
// is the header of the part that the last packet came from.
func (r *Reader) Header() Header { return r.h }

// Offset returns how far into the file the reader has come.
func (r *Reader) Offset() int64 { return r.w.Offset() + int64(r.pending) }

// Notes returns the oddities met so far, one entry a kind, in the order of
// their first appearance. The list is the reader's own, valid until the next call of Next.
func (r *Reader) Notes() []Note { return r.notes }

// note counts an oddity. Not inlined: it is cold, and in many places.
//
//go:noinline
func (r *Reader) note(what string, off int64) {
	for i := range r.notes {
		if r.notes[i].What == what {
			r.notes[i].Count++
			return
		}
	}
	r.notes = append(r.notes, Note{what, off, 1})
}

// The kinds of Note.
const (
	NoteOverSnapLen  = "captured length over snaplen"
	NoteOverOriginal = "captured length over original length"
	NoteFraction     = "time stamp fraction of a second or more"
	NoteSwapped      = "record headers in the other byte order than the file header"
	NoteSecondHeader = "a second file header: files joined end to end"
	NoteVersion      = "unknown format version"
	NoteBlank        = "records of nothing but zeros: no packets, but space that was never written"
)

// LinkType returns the link type of the last packet, and the octets of frame check
// sequence at its end, -1 where that is not stated. See Header.
func (r *Reader) LinkType() (link uint16, fcsLen int) { return r.h.LinkType, r.h.FCSLen }

// Next returns the next packet; its Data is valid until the next call. It
// returns io.EOF at a clean end. Any other error is a *FormatError: it wraps
// io.ErrUnexpectedEOF when the last packet is cut off, the error of the
// underlying reader if there was one, and nothing when a record header cannot be
// right. Errors are sticky.
func (r *Reader) Next() (p Packet, err error) {
	if err = r.Read(&p); err != nil {
		return Packet{}, err
	}
	return p, nil
}

// Read is Next with the packet written to *p, which is faster. After an error *p is what
// it was.
func (r *Reader) Read(p *Packet) error {
	if r.err != nil {
		return r.err
	}
	if r.blank > 0 {
		r.giveBlank(p)
		return nil
	}
	r.w.Skip(r.pending)
	r.pending = 0
	b := r.w.Bytes()
	if len(b) < r.recLen || !r.started || mayBeMagic(b) {
		var err error
		if b, err = r.record(); err != nil {
			return r.fail(err)
		}
	}
	sec, frac := uint32At(b, r.big), uint32At(b[4:], r.big)
	capLen, origLen := uint32At(b[8:], r.big), uint32At(b[12:], r.big)
	if capLen|origLen|sec|frac == 0 && isBlank(b[:r.recLen]) {
		if err := r.skipBlank(); err != nil {
			return r.fail(err)
		}
		r.giveBlank(p)
		return nil
	}
	if capLen > softCapLen && !r.plausible(capLen, origLen) {
		return r.fail(&FormatError{r.w.Offset(), fmt.Sprintf("a record claims %d captured octets, which cannot be right: the file is damaged from here on", capLen), nil})
	}
	n := r.recLen + int(capLen)
	if len(b) < n {
		if !r.w.Fill(n) {
			return r.fail(r.short(r.w.Offset(),
				fmt.Sprintf("the file is cut off inside a packet: %d of %d octets are there", len(r.w.Bytes()), n), io.ErrUnexpectedEOF))
		}
		b = r.w.Bytes()
	}
	off := r.w.Offset()
	if r.h.SnapLen != 0 && capLen > r.h.SnapLen {
		r.note(NoteOverSnapLen, off)
	}
	if capLen > origLen {
		r.note(NoteOverOriginal, off)
	}
	if frac >= r.unit {
		r.note(NoteFraction, off)
	}
	r.pending = n
	p.Time = time.Unix(int64(sec), r.nsec(frac)).UTC()
	p.OrigLen = int64(origLen)
	p.Data = b[r.recLen:n:n]
	p.Offset = off
	return nil
}

// skipBlank steps over records that hold nothing but zeros, and counts them. Up to the end of the file they are no packets: it was set
// aside, and never written. Ahead of others, and alone, they are such as have neither a time nor octets.
func (r *Reader) skipBlank() error {
	from := r.w.Offset()
	for r.w.Fill(r.recLen) && isBlank(r.w.Bytes()[:r.recLen]) {
		r.w.Skip(r.recLen)
		r.blank++
	}
	if rest := r.w.Bytes(); len(rest) < r.recLen && r.w.Err() == nil && isBlank(rest) && r.blank*r.recLen+len(rest) > r.recLen {
		return &FormatError{from, "there is nothing but zeros from here on: the file was not written to its end, or is damaged", nil}
	}
	return nil
}

// giveBlank gives out the first of the records that skipBlank counted.
func (r *Reader) giveBlank(p *Packet) {
	*p = Packet{Time: time.Unix(0, 0).UTC(), Offset: r.w.Offset() - int64(r.blank)*int64(r.recLen)}
	r.note(NoteBlank, p.Offset)
	r.blank--
}

func isBlank(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// nsec returns a fraction of a second in nanoseconds.
func (r *Reader) nsec(frac uint32) int64 { return int64(frac) * r.nanos }

// Quick reads the next packet if all of it was read from the file already and nothing about its
// record is odd, in a fraction of the time that Read takes: it returns the data, as Read does, the
// length on the wire, and the nanoseconds since 1970. Otherwise ok is false, nothing is
// read, and Read says what there is.
func (r *Reader) Quick() (data []byte, origLen, ns int64, ok bool) {
	b := r.w.From(r.pending)
	if len(b) < recordLen || !r.started || r.blank > 0 || r.err != nil {
		return nil, 0, 0, false
	}
	times, lengths := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if times&0xffff == 0xb2a1 || times>>16&0xffff == 0xa1b2 { // see isMagic
		return nil, 0, 0, false
	}
	if r.big {
		times, lengths = bits.RotateLeft64(bits.ReverseBytes64(times), 32), bits.RotateLeft64(bits.ReverseBytes64(lengths), 32)
	}
	sec, frac := int64(uint32(times)), uint32(times>>32)
	capLen, wireLen := uint32(lengths), uint32(lengths>>32)
	n := r.recLen + int(capLen)
	if capLen > r.usual || capLen > wireLen || frac >= r.unit || n > len(b) || wireLen == 0 {
		return nil, 0, 0, false
	}
	r.pending += n
	return b[r.recLen:n:n], int64(wireLen), sec*1e9 + r.nsec(frac), true
}

// record returns what is in view, at least one record header.
func (r *Reader) record() ([]byte, error) {
	for {
		b := r.w.Bytes()
		if len(b) < r.recLen {
			if !r.w.Fill(r.recLen) {
				return nil, r.endOfFile()
			}
			b = r.w.Bytes()
		}
		if isMagic(b) {
			if ok, err := r.secondHeader(); err != nil {
				return nil, err
			} else if ok {
				continue
			}
		}
		if !r.started {
			r.start(b)
		}
		return b, nil
	}
}

// uint32At reads the 32-bit number at the start of b.
func uint32At(b []byte, big bool) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// plausible reports whether a record of this captured length can be believed.
func (r *Reader) plausible(capLen, origLen uint32) bool {
	return capLen <= softCapLen || capLen <= hardCapLen && (capLen <= r.h.SnapLen || capLen <= origLen)
}

// start looks at the first record header b. Some writers swap the file header
// but not the records; then only the other byte order makes sense.
func (r *Reader) start(b []byte) {
	r.started = true
	if r.h.Major != 2 {
		r.note(NoteVersion, 0)
	}
	if r.plausible(uint32At(b[8:], r.big), uint32At(b[12:], r.big)) {
		return
	}
	capLen, origLen := uint32At(b[8:], !r.big), uint32At(b[12:], !r.big)
	if capLen <= softCapLen && capLen <= origLen && origLen <= hardCapLen {
		r.big = !r.big
		r.note(NoteSwapped, r.w.Offset())
	}
}

// secondHeader accepts another file header in place of a record: captures that
// were joined with cat. It reports whether it did; the error is that of a header
// that is cut off.
func (r *Reader) secondHeader() (bool, error) {
	b := r.w.Bytes() // as long as a record header at least
	le, be := binary.LittleEndian, binary.BigEndian
	if !(le.Uint16(b[4:]) == 2 && le.Uint16(b[6:]) == 4) && !(be.Uint16(b[4:]) == 2 && be.Uint16(b[6:]) == 4) {
		return false, nil
	}
	if !r.w.Fill(headerLen) {
		return false, r.short(r.w.Offset(), fmt.Sprintf("the file is cut off inside a second file header: %d of %d octets are there", len(r.w.Bytes()), headerLen), io.ErrUnexpectedEOF)
	}
	r.note(NoteSecondHeader, r.w.Offset())
	r.readHeader(r.w.Bytes())
	r.started = false
	r.w.Skip(headerLen)
	return true, nil
}

// endOfFile tells the clean end from a cut record header.
func (r *Reader) endOfFile() error {
	n := len(r.w.Bytes())
	if n == 0 && r.w.Err() == nil {
		return io.EOF
	}
	return r.short(r.w.Offset(), fmt.Sprintf("the file is cut off inside a record header: %d of %d octets are there", n, r.recLen), io.ErrUnexpectedEOF)
}

// short is the error of a stream that ended too early: err at its end, or the
// error that the underlying reader gave.
func (r *Reader) short(off int64, what string, err error) error {
	if e := r.w.Err(); e != nil {
		return &FormatError{off, "reading failed (" + e.Error() + ")", e}
	}
	return &FormatError{off, what, err}
}

func (r *Reader) fail(err error) error {
	r.err = err
	return err
}
