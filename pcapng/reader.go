package pcapng

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/internal/window"
)

// ErrFormat is returned by NewReader when the stream does not begin with a
// section header block. It is wrapped in a *FormatError.
var ErrFormat = errors.New("not a pcapng file")

// A FormatError says what made a file unreadable and where.
type FormatError struct {
	Off  int64  // offset in the (uncompressed) file of the block at fault
	What string // what was wrong, as a clause
	Err  error  // ErrFormat, io.ErrUnexpectedEOF, the error of the underlying reader, or nil
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("pcapng: %s at byte %d", e.What, e.Off)
}

func (e *FormatError) Unwrap() error { return e.Err }

const (
	// maxBlock bounds one block. tcpdump's default snaplen is 256 KiB; 16 MiB
	// (as in libpcap) leaves room for jumbo packets and options, and stops a
	// forged length.
	maxBlock = 16 << 20

	// maxInterfaces bounds the interfaces of a file. Block ids are 32 bits
	// wide, but a capture of 70,000 interfaces is already a test.
	maxInterfaces = 1 << 18

	// maxNames and maxSecrets bound what is kept of name resolution and
	// decryption secrets blocks, maxText one name, comment or description.
	maxNames   = 1 << 16
	maxSecrets = 4 << 20
	maxText    = 64 << 10

	// maxTexts bounds all kept text of one file together.
	maxTexts = 16 << 20

	// maxLost bounds the packets that are counted as lost: sums of lies do not run over.
	maxLost = 1 << 62
)

// A Section is one section header block.
type Section struct {
	BigEndian    bool
	Major, Minor uint16
	Length       int64 // as stated, -1 if not; it is never used to find a block
	Hardware     string
	OS           string
	Application  string
	Comments     []string
}

// An Interface is one interface description block, with what later statistics
// blocks said about it.
type Interface struct {
	Section     int // index of its section, from 0
	LinkType    uint16
	SnapLen     uint32 // 0: no limit
	Name        string
	Description string
	Filter      string // the capture filter, where it is stated as text
	OS          string
	FCSLen      int     // octets of frame check sequence at the end of a packet; -1: not stated
	TsResol     uint8   // if_tsresol as written; 6 where it is absent
	TsOffset    int64   // if_tsoffset in seconds
	Resolution  float64 // nanoseconds of one time unit
	Comments    []string
	Statistics  Statistics
	Lost        uint64 // packets that were lost in front of others, as those say: epb_dropcount, and a field of obsolete blocks

	clock clock
}

// Statistics are the counters of the last interface statistics block. A counter
// that no block gave is absent from Has.
type Statistics struct {
	Has            StatisticsSet
	Received       uint64 // isb_ifrecv
	Dropped        uint64 // isb_ifdrop
	FilterAccepted uint64 // isb_filteraccept
	OSDropped      uint64 // isb_osdrop
}

// A StatisticsSet tells which counters were given.
type StatisticsSet uint8

// The members of a StatisticsSet.
const (
	HasReceived StatisticsSet = 1 << iota
	HasDropped
	HasFilterAccepted
	HasOSDropped
)

// A Name is one record of a name resolution block.
type Name struct {
	Addr  netip.Addr
	Names []string
}

// A Secret is one decryption secrets block. It is kept so that it can be written
// back; every way of printing it shows the type and the length alone.
type Secret struct {
	Type uint32 // for example 0x544c534b, TLS key log

	// A pointer to a string is never followed by fmt, not even where it cannot
	// call Format: for %p, and for a Secret in an unexported field.
	data *string
}

// NewSecret returns a secret that holds a copy of data.
func NewSecret(typ uint32, data []byte) Secret {
	s := string(data)
	return Secret{typ, &s}
}

// Data returns a copy of the octets of the secret.
func (s Secret) Data() []byte { return []byte(s.text()) }

func (s Secret) text() string {
	if s.data == nil {
		return ""
	}
	return *s.data
}

// String names the secret without giving it away.
func (s Secret) String() string { return fmt.Sprintf("secret %#08x, %d octets", s.Type, len(s.text())) }

// Format makes every verb print what String returns.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// A Packet is one packet block.
type Packet struct {
	Block     BlockType // EnhancedPacket, SimplePacket or ObsoletePacket
	Interface int       // index into the interfaces of the file
	Time      time.Time // UTC; the zero Time for a simple packet, which has none
	TimeOK    bool      // there is a time stamp and it lies in the years 1 to 9999
	OrigLen   int64     // length on the wire
	Data      []byte    // the captured octets; valid until the next call of Next
	Options   Options   // valid until the next call of Next
	Offset    int64     // offset of the block in the file
}

// A Note counts one kind of oddity that did not stop the reader.
type Note struct {
	What  string
	Off   int64 // offset of the first one
	Count int64
}

// The kinds of Note.
const (
	NoteUnaligned     = "block whose length is not a multiple of four"
	NoteTrailer       = "block whose two lengths differ"
	NoteNoInterface   = "packet of an interface that was not described"
	NoteNoStatistics  = "statistics of an interface that was not described"
	NoteInterfaces    = "more interfaces than the limit"
	NotePacketLength  = "captured length over the block's own length"
	NoteOverSnapLen   = "captured length over snaplen"
	NoteOverOriginal  = "captured length over original length"
	NoteOptions       = "option whose length lies about what follows"
	NoteShortBlock    = "block too short for its type"
	NoteTimeInvalid   = "time stamp outside of the years 1 to 9999"
	NoteUnknownBlock  = "block of unknown type, stepped over"
	NoteNames         = "more resolved names than the limit"
	NoteSecrets       = "more decryption secrets than the limit"
	NoteText          = "more text than the limit"
	NoteBadResolution = "interface option of the wrong length"
)

// A Reader reads the packets of one pcapng file in order.
type Reader struct {
	w          *window.Reader
	big        bool
	base       int // index of the first interface of this section
	pending    int // octets of the last block, still in view
	last       int // the interface of the last packet
	err        error
	sections   []Section
	interfaces []Interface
	names      []Name
	secrets    []Secret
	secretLen  int
	textLen    int
	notes      []Note
}

// NewReader reads the first section header. The error is nil or a *FormatError;
// it wraps ErrFormat when the stream is something else than pcapng.
func NewReader(r io.Reader) (*Reader, error) { return newReader(window.New(r, 0)) }

// NewReaderSize is NewReader with a read buffer that starts at size octets;
// 0 is the default.
func NewReaderSize(r io.Reader, size int) (*Reader, error) {
	return newReader(window.New(r, size))
}

func newReader(w *window.Reader) (*Reader, error) {
	r := &Reader{w: w}
	if !w.Fill(4) {
		return nil, r.short(0, "the file ends before its first block type", ErrFormat)
	}
	if order32(w.Bytes(), true) != uint32(SectionHeader) {
		return nil, &FormatError{0, fmt.Sprintf("not a pcapng file: it begins with %#08x", order32(w.Bytes(), true)), ErrFormat}
	}
	if !w.Fill(12) {
		return nil, r.short(0, fmt.Sprintf("the section header is cut off: %d of at least 28 octets are there", len(w.Bytes())), io.ErrUnexpectedEOF)
	}
	if m := order32(w.Bytes()[8:], true); m != byteOrderMagic && order32(w.Bytes()[8:], false) != byteOrderMagic {
		return nil, &FormatError{8, fmt.Sprintf("not a pcapng file: the byte-order magic is %#08x", m), ErrFormat}
	}
	typ, body, err := r.block()
	if err != nil {
		return nil, err
	}
	r.err = r.control(typ, body) // a version that is not known is told by Next
	if len(r.sections) == 0 {
		return nil, r.err
	}
	return r, nil
}

// Sections returns the section headers met so far.
func (r *Reader) Sections() []Section { return r.sections }

// Interfaces returns the interfaces described so far, over all sections. The list is the
// reader's own, valid until the next call of Next.
func (r *Reader) Interfaces() []Interface { return r.interfaces }

// Interface returns the interface with the index i of a Packet. The pointer is
// valid until the next call of Next.
func (r *Reader) Interface(i int) *Interface { return &r.interfaces[i] }

// Names returns what name resolution blocks said, in order, up to a limit.
func (r *Reader) Names() []Name { return r.names }

// Secrets returns the decryption secrets, in order, up to a limit.
func (r *Reader) Secrets() []Secret { return r.secrets }

// Notes returns the oddities met so far, one entry a kind, in the order of
// their first appearance. The list is the reader's own, valid until the next call of Next.
func (r *Reader) Notes() []Note { return r.notes }

// Offset returns how far into the file the reader has come.
func (r *Reader) Offset() int64 { return r.w.Offset() + int64(r.pending) }

// note notes an oddity. Inlined it would be in thirty places, which take 14 kB.
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

// Next returns the next packet, stepping over all other blocks; Data and Options
// are valid until the next call. It returns io.EOF at a clean end. Any other error
// is a *FormatError: it wraps io.ErrUnexpectedEOF when the last block is cut off,
// the error of the underlying reader if there was one, and nothing when a block
// cannot be right. Errors are sticky.
func (r *Reader) Next() (Packet, error) {
	for r.err == nil {
		typ, body, err := r.block()
		if err != nil {
			r.err = err
			break
		}
		if p, ok := r.packet(typ, body); ok {
			return p, nil
		}
		if err := r.control(typ, body); err != nil {
			r.err = err
		}
	}
	return Packet{}, r.err
}

// Quick reads the next packet if all of it was read from the file already, it is of the same
// interface as the last one, has a time, and nothing about its block is odd nor stands beside the
// packet. That takes a fraction of the time of Next. It returns the data, as Next does, the length
// on the wire, and the nanoseconds since 1970. Otherwise ok is false, nothing is read, and
// Next says what there is.
func (r *Reader) Quick() (data []byte, origLen, ns int64, ok bool) {
	const fixed = 28 // octets in front of the data
	b := r.w.From(r.pending)
	if len(b) < fixed+4 || r.err != nil || r.last >= len(r.interfaces) || order32(b, r.big) != uint32(EnhancedPacket) {
		return nil, 0, 0, false
	}
	in := &r.interfaces[r.last]
	size, capLen, wireLen := order32(b[4:], r.big), order32(b[20:], r.big), order32(b[24:], r.big)
	if int64(order32(b[8:], r.big)) != int64(r.last-r.base) || capLen > wireLen || capLen > maxBlock/2 || in.SnapLen != 0 && capLen > in.SnapLen {
		return nil, 0, 0, false
	}
	n := fixed + pad4(int(capLen)) + 4
	if int64(size) != int64(n) || n > len(b) || order32(b[n-4:], r.big) != size {
		return nil, 0, 0, false
	}
	ns, ok = in.clock.quick(uint64(order32(b[12:], r.big))<<32 | uint64(order32(b[16:], r.big)))
	if !ok {
		return nil, 0, 0, false
	}
	r.pending += n
	end := fixed + int(capLen)
	return b[fixed:end:end], int64(wireLen), ns, true
}

// block steps to the next block and returns its type and body in place.
//
//	 0               4               8                   len-4
//	+---------------+---------------+---------- … ------+---------------+
//	| type          | total length  | body, padded      | total length  |
//	+---------------+---------------+---------- … ------+---------------+
func (r *Reader) block() (BlockType, []byte, error) {
	r.w.Skip(r.pending)
	r.pending = 0
	b := r.w.Bytes()
	if len(b) < 12 {
		if !r.w.Fill(12) {
			return 0, nil, r.endOfFile()
		}
		b = r.w.Bytes()
	}
	off := r.w.Offset()
	if order32(b, true) == uint32(SectionHeader) { // reads the same in both orders
		switch m := order32(b[8:], true); {
		case m == byteOrderMagic:
			r.big = true
		case order32(b[8:], false) == byteOrderMagic:
			r.big = false
		default:
			return 0, nil, &FormatError{off + 8, fmt.Sprintf("a section header has the byte-order magic %#08x", m), nil}
		}
	}
	typ, size := BlockType(order32(b, r.big)), int64(order32(b[4:], r.big))
	if size < 12 || size > maxBlock {
		return 0, nil, &FormatError{off, fmt.Sprintf("a block of type %#x claims a length of %d, which cannot be right: the file is damaged from here on", uint32(typ), size), nil}
	}
	n := pad4(int(size))
	if int64(n) != size { // early writers left the padding out of the length, not out of the file
		r.note(NoteUnaligned, off)
	}
	if len(b) < n {
		if !r.w.Fill(n) {
			return 0, nil, r.short(off, fmt.Sprintf("the file is cut off inside a block: %d of %d octets are there", len(r.w.Bytes()), n), io.ErrUnexpectedEOF)
		}
		b = r.w.Bytes()
	}
	if order32(b[n-4:], r.big) != uint32(size) {
		r.note(NoteTrailer, off)
	}
	r.pending = n
	return typ, b[8 : n-4 : n-4], nil
}

// endOfFile tells the clean end from a cut block header.
func (r *Reader) endOfFile() error {
	n := len(r.w.Bytes())
	if n == 0 && r.w.Err() == nil {
		return io.EOF
	}
	return r.short(r.w.Offset(), fmt.Sprintf("the file is cut off inside a block header: %d of 12 octets are there", n), io.ErrUnexpectedEOF)
}

// short is the error of a stream that ended too early: err at its end, or the
// error that the underlying reader gave.
func (r *Reader) short(off int64, what string, err error) error {
	if e := r.w.Err(); e != nil {
		return &FormatError{off, "reading failed (" + e.Error() + ")", e}
	}
	return &FormatError{off, what, err}
}

// packet decodes a packet block; ok is false for other blocks, and for a packet
// block that cannot be used, which is noted.
func (r *Reader) packet(typ BlockType, b []byte) (p Packet, ok bool) {
	off := r.w.Offset()
	var id, capLen uint32
	var ts, lost uint64
	fixed := 20
	switch typ {
	case EnhancedPacket:
		if len(b) < fixed {
			r.note(NoteShortBlock, off)
			return p, false
		}
		id = order32(b, r.big)
		ts = uint64(order32(b[4:], r.big))<<32 | uint64(order32(b[8:], r.big))
	case ObsoletePacket: // a 16-bit interface id and a 16-bit drop count
		if len(b) < fixed {
			r.note(NoteShortBlock, off)
			return p, false
		}
		id = uint32(order16(b, r.big))
		if n := order16(b[2:], r.big); n != math.MaxUint16 { // else it is not known
			lost = uint64(n)
		}
		ts = uint64(order32(b[4:], r.big))<<32 | uint64(order32(b[8:], r.big))
	case SimplePacket:
		fixed = 4
		if len(b) < fixed {
			r.note(NoteShortBlock, off)
			return p, false
		}
	default:
		return p, false
	}
	if int64(id) >= int64(len(r.interfaces)-r.base) {
		r.note(NoteNoInterface, off)
		return p, false
	}
	p.Block, p.Offset, p.Interface = typ, off, r.base+int(id)
	r.last = p.Interface
	in := &r.interfaces[p.Interface]
	room := len(b) - fixed
	if typ == SimplePacket {
		// The captured length is not stated: it is the original length, cut
		// by the snaplen and by the block.
		p.OrigLen = int64(order32(b, r.big))
		capLen = uint32(min(p.OrigLen, int64(room)))
		if in.SnapLen != 0 {
			capLen = min(capLen, in.SnapLen)
		}
	} else {
		capLen, p.OrigLen = order32(b[12:], r.big), int64(order32(b[16:], r.big))
		p.Time, p.TimeOK = in.clock.time(ts)
		if !p.TimeOK {
			r.note(NoteTimeInvalid, off)
		}
	}
	if int64(capLen) > int64(room) {
		r.note(NotePacketLength, off)
		capLen = uint32(room)
	}
	if in.SnapLen != 0 && capLen > in.SnapLen {
		r.note(NoteOverSnapLen, off)
	}
	if int64(capLen) > p.OrigLen {
		r.note(NoteOverOriginal, off)
	}
	n := fixed + int(capLen)
	p.Data = b[fixed:n:n]
	if end := fixed + pad4(int(capLen)); typ != SimplePacket && end < len(b) {
		p.Options = Options{b[end:], r.big}
		isWhole := p.Options.walk(func(o Option) bool {
			if typ == EnhancedPacket && o.Code == optPacketDropCount && len(o.Value) == 8 {
				lost = order64(o.Value, r.big)
			}
			return true
		})
		if !isWhole {
			r.note(NoteOptions, off)
		}
	}
	in.Lost += min(lost, maxLost-in.Lost)
	return p, true
}

// control takes in a block that is no packet.
func (r *Reader) control(typ BlockType, b []byte) error {
	off := r.w.Offset()
	switch typ {
	case SectionHeader:
		return r.section(b, off)
	case InterfaceDesc:
		r.describe(b, off)
	case InterfaceStatistics:
		r.statistics(b, off)
	case NameResolution:
		r.resolve(b, off)
	case DecryptionSecrets:
		r.secret(b, off)
	case EnhancedPacket, SimplePacket, ObsoletePacket, CustomCopy, CustomNoCopy:
	default:
		r.note(NoteUnknownBlock, off)
	}
	return nil
}

// options walks the options of a control block.
func (r *Reader) options(b []byte, off int64, take func(Option)) {
	if !(Options{b, r.big}).walk(func(o Option) bool { take(o); return true }) {
		r.note(NoteOptions, off)
	}
}

// text copies an option value, which may or may not end in a NUL.
func (r *Reader) text(v []byte) string {
	v = r.bounded(v)
	if i := bytes.IndexByte(v, 0); i >= 0 {
		v = v[:i]
	}
	return string(v)
}

// bounded cuts text to what may still be kept of it.
func (r *Reader) bounded(v []byte) []byte {
	n := min(len(v), maxText, maxTexts-r.textLen)
	if n < len(v) {
		r.note(NoteText, r.w.Offset())
	}
	r.textLen += n
	return v[:n]
}

// appendText appends a comment or a name; each costs a string header beside its octets.
func (r *Reader) appendText(list []string, v []byte) []string {
	if r.textLen += 16; r.textLen > maxTexts {
		r.textLen = maxTexts
		r.note(NoteText, r.w.Offset())
		return list
	}
	return append(list, r.text(v))
}

func (r *Reader) section(b []byte, off int64) error {
	if len(b) < 16 {
		return &FormatError{off, fmt.Sprintf("a section header of %d octets is too short", len(b)+12), nil}
	}
	s := Section{
		BigEndian: r.big,
		Major:     order16(b[4:], r.big),
		Minor:     order16(b[6:], r.big),
		Length:    int64(order64(b[8:], r.big)),
	}
	r.options(b[16:], off, func(o Option) {
		switch o.Code {
		case OptComment:
			s.Comments = r.appendText(s.Comments, o.Value)
		case optSectionHardware:
			s.Hardware = r.text(o.Value)
		case optSectionOS:
			s.OS = r.text(o.Value)
		case optSectionApp:
			s.Application = r.text(o.Value)
		}
	})
	if len(r.sections) < maxInterfaces { // a section without interfaces costs 28 octets of file
		r.sections = append(r.sections, s)
	}
	r.base = len(r.interfaces)
	if s.Major != 1 { // what comes cannot be read with the rules of another version
		return &FormatError{off, fmt.Sprintf("a section of version %d.%d, of which only 1 is known", s.Major, s.Minor), nil}
	}
	return nil
}

func (r *Reader) describe(b []byte, off int64) {
	if len(b) < 8 {
		r.note(NoteShortBlock, off)
		return
	}
	if len(r.interfaces) >= maxInterfaces {
		r.note(NoteInterfaces, off)
		return
	}
	in := Interface{
		Section:  len(r.sections) - 1,
		LinkType: order16(b, r.big),
		SnapLen:  order32(b[4:], r.big),
		FCSLen:   -1,
		TsResol:  6,
	}
	r.options(b[8:], off, func(o Option) {
		switch o.Code {
		case OptComment:
			in.Comments = r.appendText(in.Comments, o.Value)
		case optIfName:
			in.Name = r.text(o.Value)
		case optIfDescription:
			in.Description = r.text(o.Value)
		case optIfFilter:
			if len(o.Value) > 0 && o.Value[0] == 0 { // text, not a program
				in.Filter = r.text(o.Value[1:])
			}
		case optIfOS:
			in.OS = r.text(o.Value)
		case optIfTsResol:
			if len(o.Value) < 1 {
				r.note(NoteBadResolution, off)
				return
			}
			in.TsResol = o.Value[0]
		case optIfFCSLen:
			if len(o.Value) < 1 {
				r.note(NoteBadResolution, off)
				return
			}
			in.FCSLen = fcsOctets(o.Value[0])
		case optIfTsOffset:
			if len(o.Value) < 8 {
				r.note(NoteBadResolution, off)
				return
			}
			in.TsOffset = int64(order64(o.Value, r.big))
		}
	})
	in.clock = newClock(in.TsResol, in.TsOffset)
	in.Resolution = in.clock.nanoseconds()
	r.interfaces = append(r.interfaces, in)
}

// fcsOctets returns the length that an if_fcslen option means. The draft counts
// bits, and some writers, as its own example did, octets: 4 and 32 are the same.
func fcsOctets(v byte) int {
	if v < 8 {
		return int(v)
	}
	return int(v) / 8
}

func (r *Reader) statistics(b []byte, off int64) {
	if len(b) < 12 {
		r.note(NoteShortBlock, off)
		return
	}
	id := order32(b, r.big)
	if int64(id) >= int64(len(r.interfaces)-r.base) {
		r.note(NoteNoStatistics, off)
		return
	}
	s := &r.interfaces[r.base+int(id)].Statistics
	r.options(b[12:], off, func(o Option) {
		if len(o.Value) < 8 {
			return
		}
		n := order64(o.Value, r.big)
		switch o.Code {
		case optStatsIfRecv:
			s.Received, s.Has = n, s.Has|HasReceived
		case optStatsIfDrop:
			s.Dropped, s.Has = n, s.Has|HasDropped
		case optStatsFilterAccept:
			s.FilterAccepted, s.Has = n, s.Has|HasFilterAccepted
		case optStatsOSDrop:
			s.OSDropped, s.Has = n, s.Has|HasOSDropped
		}
	})
}

// resolve reads the records of a name resolution block: a type, a length, an
// address of that type, and names that end in NUL.
func (r *Reader) resolve(b []byte, off int64) {
	for len(b) >= 4 {
		typ, n := order16(b, r.big), int(order16(b[2:], r.big))
		if typ == 0 {
			return
		}
		if n > len(b)-4 {
			r.note(NoteOptions, off)
			return
		}
		v := b[4 : 4+n]
		b = b[min(4+pad4(n), len(b)):]
		addrLen := 0
		switch typ {
		case 1:
			addrLen = 4
		case 2:
			addrLen = 16
		default: // a record type of later years
			continue
		}
		if n < addrLen {
			r.note(NoteOptions, off)
			continue
		}
		if len(r.names) >= maxNames {
			r.note(NoteNames, off)
			return
		}
		a, _ := netip.AddrFromSlice(v[:addrLen])
		r.names = append(r.names, Name{a, r.splitNames(v[addrLen:])})
	}
}

// splitNames splits names that end in NUL each.
func (r *Reader) splitNames(v []byte) (list []string) {
	for name := range bytes.SplitSeq(v, []byte{0}) {
		if len(name) > 0 {
			list = r.appendText(list, name)
		}
	}
	return list
}

func (r *Reader) secret(b []byte, off int64) {
	if len(b) < 8 {
		r.note(NoteShortBlock, off)
		return
	}
	n := int64(order32(b[4:], r.big))
	if n > int64(len(b)-8) {
		r.note(NoteOptions, off)
		n = int64(len(b) - 8)
	}
	if r.secretLen+int(n) > maxSecrets || len(r.secrets) >= maxNames {
		r.note(NoteSecrets, off)
		return
	}
	r.secretLen += int(n)
	r.secrets = append(r.secrets, NewSecret(order32(b, r.big), b[8:8+n]))
}
