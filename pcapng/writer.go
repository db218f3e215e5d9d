package pcapng

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// A Writer writes one pcapng file. Every method writes whole blocks, each in a
// single Write of the underlying writer. Of a text over 65535 octets, which are the
// most that an option holds, the beginning is written.
type Writer struct {
	w          io.Writer
	order      order
	interfaces []Interface // of this section
	buf        []byte
}

type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// NewWriter writes the section header s to w. Major of 0 becomes 1; Length is
// written as unspecified.
func NewWriter(w io.Writer, s Section) (*Writer, error) {
	p := &Writer{w: w}
	return p, p.Section(s)
}

// Section begins another section. Its interfaces must be added anew.
func (p *Writer) Section(s Section) error {
	p.order = binary.LittleEndian
	if s.BigEndian {
		p.order = binary.BigEndian
	}
	p.interfaces = nil
	if s.Major == 0 {
		s.Major = 1
	}
	b := p.begin(SectionHeader)
	b = p.order.AppendUint32(b, byteOrderMagic)
	b = p.order.AppendUint16(b, s.Major)
	b = p.order.AppendUint16(b, s.Minor)
	b = p.order.AppendUint64(b, math.MaxUint64)
	b = p.appendTexts(b, OptComment, s.Comments...)
	b = p.appendTexts(b, optSectionHardware, s.Hardware)
	b = p.appendTexts(b, optSectionOS, s.OS)
	b = p.appendTexts(b, optSectionApp, s.Application)
	return p.end(p.appendEnd(b, 24))
}

// AddInterface writes an interface description and returns its index in this
// section. Resolution and Statistics are ignored: TsResol says the resolution,
// and 0 means whole seconds.
func (p *Writer) AddInterface(in Interface) (int, error) {
	b := p.begin(InterfaceDesc)
	b = p.order.AppendUint16(b, in.LinkType)
	b = append(b, 0, 0)
	b = p.order.AppendUint32(b, in.SnapLen)
	b = p.appendTexts(b, OptComment, in.Comments...)
	b = p.appendTexts(b, optIfName, in.Name)
	b = p.appendTexts(b, optIfDescription, in.Description)
	if in.Filter != "" {
		b = p.appendTexts(b, optIfFilter, "\x00"+in.Filter)
	}
	b = p.appendTexts(b, optIfOS, in.OS)
	if in.TsResol != 6 {
		b = p.appendOption(b, optIfTsResol, []byte{in.TsResol})
	}
	if in.FCSLen >= 0 && in.FCSLen <= 31 { // in bits
		b = p.appendOption(b, optIfFCSLen, []byte{byte(in.FCSLen * 8)})
	}
	if in.TsOffset != 0 {
		b = p.appendOption(b, optIfTsOffset, p.order.AppendUint64(nil, uint64(in.TsOffset)))
	}
	if err := p.end(p.appendEnd(b, 16)); err != nil {
		return 0, err
	}
	in.clock = newClock(in.TsResol, in.TsOffset)
	p.interfaces = append(p.interfaces, in)
	return len(p.interfaces) - 1, nil
}

// Write writes a packet as an enhanced packet block, or as a simple one if Block
// says SimplePacket. Interface is an index returned by AddInterface. The time is
// cut to the interface's resolution; one that it cannot hold is an error, and a
// packet without TimeOK is written with a time stamp of 0. Options are copied.
func (p *Writer) Write(pkt Packet) error {
	if pkt.Interface < 0 || pkt.Interface >= len(p.interfaces) {
		return fmt.Errorf("pcapng: there is no interface %d in this section", pkt.Interface)
	}
	if len(pkt.Data) > maxBlock-64-pkt.Options.Len() {
		return fmt.Errorf("pcapng: a packet of %d octets is over the limit of a block", len(pkt.Data))
	}
	if pkt.OrigLen > math.MaxUint32 {
		return fmt.Errorf("pcapng: an original length of %d does not fit 32 bits", pkt.OrigLen)
	}
	in := &p.interfaces[pkt.Interface]
	orig := uint32(max(pkt.OrigLen, int64(len(pkt.Data))))
	if pkt.Block == SimplePacket {
		// Such a block does not say how much was captured: that is the snaplen, unless the packet is shorter.
		kept := orig
		if in.SnapLen != 0 {
			kept = min(kept, in.SnapLen)
		}
		if pkt.Interface != 0 || int64(len(pkt.Data)) != int64(kept) {
			return fmt.Errorf("pcapng: a simple packet block holds whole packets, or packets cut at the snaplen, of interface 0")
		}
		b := p.order.AppendUint32(p.begin(SimplePacket), orig)
		return p.end(appendPadded(b, pkt.Data))
	}
	var ts uint64
	if pkt.TimeOK {
		var ok bool
		if ts, ok = in.clock.stamp(pkt.Time); !ok {
			return fmt.Errorf("pcapng: the time %v cannot be written with the resolution and offset of interface %d", pkt.Time, pkt.Interface)
		}
	}
	b := p.begin(EnhancedPacket)
	b = p.order.AppendUint32(b, uint32(pkt.Interface))
	b = p.order.AppendUint32(b, uint32(ts>>32))
	b = p.order.AppendUint32(b, uint32(ts))
	b = p.order.AppendUint32(b, uint32(len(pkt.Data)))
	b = p.order.AppendUint32(b, orig)
	b = appendPadded(b, pkt.Data)
	n := len(b)
	for o := range pkt.Options.All() {
		b = p.appendOption(b, o.Code, p.reorder(o, pkt.Options.big))
	}
	return p.end(p.appendEnd(b, n))
}

// Comment returns options that hold one opt_comment for each text.
func Comment(texts ...string) Options {
	p := &Writer{order: binary.LittleEndian}
	return Options{b: p.appendTexts(nil, OptComment, texts...)}
}

// Custom options whose enterprise does not want them in other files.
const (
	optCustomTextNoCopy  = 19372
	optCustomBytesNoCopy = 19373
)

// With returns a copy of the options for another file, with an opt_comment for each text
// behind them. Custom options that may not be copied are left out.
func (o Options) With(comments ...string) Options {
	p := &Writer{order: binary.LittleEndian}
	if o.big {
		p.order = binary.BigEndian
	}
	var b []byte
	for x := range o.All() {
		if x.Code != optCustomTextNoCopy && x.Code != optCustomBytesNoCopy {
			b = p.appendOption(b, x.Code, x.Value)
		}
	}
	return Options{b: p.appendTexts(b, OptComment, comments...), big: o.big}
}

// WriteSecret writes a decryption secrets block.
func (p *Writer) WriteSecret(s Secret) error {
	b := p.order.AppendUint32(p.begin(DecryptionSecrets), s.Type)
	data := s.Data()
	b = p.order.AppendUint32(b, uint32(len(data)))
	return p.end(appendPadded(b, data))
}

// WriteNames writes a name resolution block.
func (p *Writer) WriteNames(names []Name) error {
	b := p.begin(NameResolution)
	for _, n := range names {
		if !n.Addr.IsValid() {
			return fmt.Errorf("pcapng: the names %q have no address", n.Names)
		}
		v := n.Addr.AsSlice()
		typ := uint16(1)
		if len(v) == 16 {
			typ = 2
		}
		for _, s := range n.Names {
			v = append(append(v, s...), 0)
		}
		if len(v) > math.MaxUint16 {
			return fmt.Errorf("pcapng: the names of %v are too long for a record", n.Addr)
		}
		b = p.appendOption(b, typ, v)
	}
	return p.end(append(b, 0, 0, 0, 0))
}

// WriteStatistics writes an interface statistics block without a time of its own.
func (p *Writer) WriteStatistics(iface int, s Statistics) error {
	if iface < 0 || iface >= len(p.interfaces) {
		return fmt.Errorf("pcapng: there is no interface %d in this section", iface)
	}
	b := p.order.AppendUint32(p.begin(InterfaceStatistics), uint32(iface))
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	n := len(b)
	for _, c := range []struct {
		has  StatisticsSet
		code uint16
		n    uint64
	}{
		{HasReceived, optStatsIfRecv, s.Received},
		{HasDropped, optStatsIfDrop, s.Dropped},
		{HasFilterAccepted, optStatsFilterAccept, s.FilterAccepted},
		{HasOSDropped, optStatsOSDrop, s.OSDropped},
	} {
		if s.Has&c.has != 0 {
			b = p.appendOption(b, c.code, p.order.AppendUint64(nil, c.n))
		}
	}
	return p.end(p.appendEnd(b, n))
}

// WriteBlock writes any block. Body is taken as it is, padded to 32 bits.
func (p *Writer) WriteBlock(typ BlockType, body []byte) error {
	return p.end(appendPadded(p.begin(typ), body))
}

func (p *Writer) begin(typ BlockType) []byte {
	b := p.order.AppendUint32(p.buf[:0], uint32(typ))
	return append(b, 0, 0, 0, 0)
}

func (p *Writer) end(b []byte) error {
	n := len(b) + 4
	if n > maxBlock {
		return fmt.Errorf("pcapng: a block of %d octets is over the limit of %d", n, maxBlock)
	}
	p.order.PutUint32(b[4:], uint32(n))
	b = p.order.AppendUint32(b, uint32(n))
	p.buf = b
	_, err := p.w.Write(b)
	return err
}

//go:noinline
func appendPadded(b, v []byte) []byte {
	b = append(b, v...)
	return append(b, 0, 0, 0)[:len(b)+pad4(len(v))-len(v)]
}

func (p *Writer) appendOption(b []byte, code uint16, v []byte) []byte {
	v = v[:min(len(v), math.MaxUint16)]
	b = p.order.AppendUint16(b, code)
	b = p.order.AppendUint16(b, uint16(len(v)))
	return appendPadded(b, v)
}

// appendTexts appends an option for each text that is not empty.
func (p *Writer) appendTexts(b []byte, code uint16, texts ...string) []byte {
	for _, s := range texts {
		if s != "" {
			b = p.appendOption(b, code, []byte(fitting(s)))
		}
	}
	return b
}

// fitting returns as much of a text as an option holds, without half a character at its end.
func fitting(s string) string {
	if len(s) <= math.MaxUint16 {
		return s
	}
	n := math.MaxUint16
	for n > math.MaxUint16-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// appendEnd ends the option list that began at b[n:], if there is one.
func (p *Writer) appendEnd(b []byte, n int) []byte {
	if len(b) > n {
		b = append(b, 0, 0, 0, 0)
	}
	return b
}

// reorder returns the value of a packet option for this writer's byte order. The
// numbers among them are epb_flags and epb_queue (32 bits), epb_dropcount and
// epb_packetid (64 bits); everything else is octets.
func (p *Writer) reorder(o Option, big bool) []byte {
	if big == (p.order == order(binary.BigEndian)) {
		return o.Value
	}
	switch {
	case (o.Code == optPacketFlags || o.Code == 6) && len(o.Value) == 4:
		return p.order.AppendUint32(nil, order32(o.Value, big))
	case (o.Code == optPacketDropCount || o.Code == 5) && len(o.Value) == 8:
		return p.order.AppendUint64(nil, order64(o.Value, big))
	}
	return o.Value
}
