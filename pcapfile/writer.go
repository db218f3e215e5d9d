package pcapfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A Writer writes one pcap file.
type Writer struct {
	w     io.Writer
	h     Header
	order binary.AppendByteOrder
	buf   []byte
}

// NewWriter writes the file header h to w. Major and Minor that are both 0 become 2
// and 4, SnapLen of 0 becomes 262144; FCSLen is written when it is an even number
// from 2 to 30. The modified variant has no nanoseconds: both together are an error.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	if h.Major == 0 && h.Minor == 0 {
		h.Major, h.Minor = 2, 4
	}
	if h.SnapLen == 0 {
		h.SnapLen = softCapLen
	}
	if h.Nanosecond && h.Modified {
		return nil, fmt.Errorf("pcapfile: the modified variant has no nanosecond form")
	}
	p := &Writer{w: w, h: h, order: binary.LittleEndian}
	if h.BigEndian {
		p.order = binary.BigEndian
	}
	magic := uint32(magicMicro)
	switch {
	case h.Nanosecond:
		magic = magicNano
	case h.Modified:
		magic = magicModified
	}
	link := uint32(h.LinkType)
	if h.FCSLen > 0 && h.FCSLen <= 30 && h.FCSLen%2 == 0 {
		link |= 0x04000000 | uint32(h.FCSLen/2)<<28
	}
	o := p.order
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, h.Major)
	b = o.AppendUint16(b, h.Minor)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = o.AppendUint32(b, h.SnapLen)
	b = o.AppendUint32(b, link)
	_, err := w.Write(b)
	return p, err
}

// Write appends one record in a single Write of the underlying writer. The time
// must lie between 1970 and 2106 and is cut to the resolution of the file; an
// OrigLen below len(Data) is raised to it. Offset is ignored. A packet with neither
// time nor octets is written as zeros, which at the end of a file a Reader takes for
// space that was never written.
func (p *Writer) Write(pkt Packet) error {
	sec := pkt.Time.Unix()
	if sec < 0 || sec > math.MaxUint32 {
		return fmt.Errorf("pcapfile: the time %v does not fit the format's 32-bit seconds", pkt.Time)
	}
	if len(pkt.Data) > hardCapLen {
		return fmt.Errorf("pcapfile: a packet of %d octets is over the limit of %d", len(pkt.Data), hardCapLen)
	}
	if pkt.OrigLen > math.MaxUint32 {
		return fmt.Errorf("pcapfile: an original length of %d does not fit 32 bits", pkt.OrigLen)
	}
	frac := uint32(pkt.Time.Nanosecond())
	if !p.h.Nanosecond {
		frac /= 1000
	}
	o := p.order
	b := o.AppendUint32(p.buf[:0], uint32(sec))
	b = o.AppendUint32(b, frac)
	b = o.AppendUint32(b, uint32(len(pkt.Data)))
	b = o.AppendUint32(b, uint32(max(pkt.OrigLen, int64(len(pkt.Data)))))
	if p.h.Modified {
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	b = append(b, pkt.Data...)
	p.buf = b
	_, err := p.w.Write(b)
	return err
}
