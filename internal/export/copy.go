package export

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

const (
	// maxComment bounds one comment, in octets: programs show them in one line.
	maxComment = 1000

	// maxCommented is how large a packet may be to get comments: a block with both has
	// to stay below what readers take, 16 MiB.
	maxCommented = 8 << 20

	// maxName bounds the texts that describe an interface.
	maxName = 4096
)

// ErrChanged is returned by Copy where packets that were marked are not there any more.
var ErrChanged = errors.New("a capture changed while it was read; let the recording end, or copy the file first")

// Options says how packets are written.
type Options struct {
	Pcap        bool // pcap in place of pcapng: one link type, no comments, no names
	Secrets     bool // with the secrets that decrypt packets, and comments as they are
	Application string
	Comments    []string                    // of the whole file
	Packets     map[analysis.Frame][]string // comments of packets
}

// Copy reads all packets and writes those that are marked, in their order. The files are
// those of the result that the Plan was made with.
func (p *Plan) Copy(w io.Writer, r *capture.Reader, files []analysis.File, o *Options) error {
	c := copier{p: p, o: o, w: w, files: files}
	if err := c.begin(); err != nil {
		return err
	}
	for {
		pkt, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil && p.isMarked(analysis.Frame{File: pkt.File, Number: pkt.Frame}) {
			err = c.packet(pkt)
		}
		if err != nil {
			return err
		}
	}
	if c.n < p.Packets {
		return ErrChanged
	}
	return nil
}

// A copier is one Copy.
type copier struct {
	p          *Plan
	o          *Options
	w          io.Writer
	files      []analysis.File
	ng         *pcapng.Writer
	interfaces map[source]int
	pc         *pcapfile.Writer // nil until the first packet
	link       linkKind
	n          int64
	text       []byte
}

// A linkKind is how packets begin and end.
type linkKind struct {
	link uint16
	fcs  int
}

// A source is what becomes one interface of the new file: packets of one interface of one
// file, of one kind, and with times that its clock can say.
type source struct {
	file, iface int
	linkKind
	resol  uint8
	offset int64
}

func (c *copier) begin() (err error) {
	if c.o.Pcap {
		return nil
	}
	s := pcapng.Section{Application: c.o.Application}
	for _, text := range c.o.Comments {
		s.Comments = append(s.Comments, c.clean(text))
	}
	c.interfaces = make(map[source]int)
	if c.ng, err = pcapng.NewWriter(c.w, s); err != nil || !c.o.Secrets {
		return err
	}
	for i := range c.files {
		if c.p.marked[i].empty() {
			continue
		}
		for _, x := range c.files[i].Capture.Secrets {
			if err := c.ng.WriteSecret(x); err != nil {
				return err
			}
		}
	}
	return nil
}

// clean returns a comment that is fit to be shown.
func (c *copier) clean(s string) string {
	b := []byte(s)
	if !c.o.Secrets {
		c.text = clean.AppendURIs(c.text[:0], b)
		b = c.text
	}
	out, _ := clean.AppendText(nil, b, maxComment)
	return string(out)
}

func (c *copier) packet(pkt *capture.Packet) error {
	c.n++
	now := pkt.Time
	if now.IsZero() && !pkt.HasTime { // nothing before it has one
		now = time.Unix(0, 0)
	}
	if c.o.Pcap {
		return c.packetPcap(pkt, now)
	}
	i, err := c.interfaceOf(pkt, now)
	if err != nil {
		return err
	}
	out := pcapng.Packet{Interface: i, Time: now, TimeOK: true, OrigLen: pkt.OrigLen, Data: pkt.Data, Options: pkt.Options()}
	var comments []string
	if len(pkt.Data) <= maxCommented {
		for _, text := range c.o.Packets[analysis.Frame{File: pkt.File, Number: pkt.Frame}] {
			comments = append(comments, c.clean(text))
		}
		if !pkt.HasTime {
			comments = append(comments, "this packet was recorded without a time: it is given that of the one before it")
		}
	}
	if out.Options.Len() > 0 || len(comments) > 0 {
		out.Options = out.Options.With(comments...)
	}
	return c.ng.Write(out)
}

// interfaceOf returns the interface to write a packet of that time with.
func (c *copier) interfaceOf(pkt *capture.Packet, now time.Time) (int, error) {
	s := source{file: pkt.File, iface: pkt.Interface, linkKind: linkKind{pkt.LinkType, pkt.FCSLen}}
	in := c.describe(pkt)
	s.resol = resolutionOf(in.Resolution)
	if !holds(s.resol, now) {
		s.resol, s.offset = 9, epoch(now)
	}
	if i, ok := c.interfaces[s]; ok {
		return i, nil
	}
	out := pcapng.Interface{
		LinkType: s.link, FCSLen: s.fcs, SnapLen: uint32(min(in.SnapLen, math.MaxUint32)),
		Name: cleanName(in.Name), Description: cleanName(in.Description), Filter: cleanName(in.Filter),
		TsResol: s.resol, TsOffset: s.offset,
	}
	if len(c.files) > 1 {
		out.Comments = []string{c.clean(fmt.Sprintf("from file %d of %d: %s", pkt.File+1, len(c.files), base(clean.Name(c.files[pkt.File].Capture.Name))))}
	}
	i, err := c.ng.AddInterface(out)
	if err == nil {
		c.interfaces[s] = i
	}
	return i, err
}

// describe returns the interface that a packet was recorded on.
func (c *copier) describe(pkt *capture.Packet) capture.Interface {
	if list := c.files[pkt.File].Capture.Interfaces; pkt.Interface < len(list) {
		return list[pkt.Interface]
	}
	return capture.Interface{Resolution: 1} // of a file that has grown since
}

func cleanName(s string) string {
	out, _ := clean.AppendText(nil, []byte(s), maxName)
	return string(out)
}

// base returns the last part of a path or URL.
func base(name string) string {
	for i := len(name) - 1; i > 0; i-- {
		if name[i-1] == '/' || name[i-1] == '\\' {
			return name[i:]
		}
	}
	return name
}

// resolutionOf returns if_tsresol for a unit of that many nanoseconds. Times are read to the
// nanosecond: nothing is finer.
func resolutionOf(unit float64) uint8 {
	pow := 1e9
	for n := range uint8(9) {
		if unit == pow {
			return n
		}
		pow /= 10
	}
	for n := range uint8(30) {
		if unit == math.Ldexp(1e9, -int(n)) {
			return 0x80 | n
		}
	}
	return 9
}

// eon is about 570 years, less than 64 bits of nanoseconds hold.
const eon = 18_000_000_000

// holds reports whether a clock of that resolution that begins in 1970 can say t.
func holds(resol uint8, t time.Time) bool {
	sec := t.Unix()
	if resol&0x80 != 0 {
		return sec >= 0 && sec < 1<<33
	}
	return sec >= 0 && sec < eon
}

// epoch returns the beginning of the eon that t lies in.
func epoch(t time.Time) int64 {
	sec := t.Unix()
	n := sec / eon
	if sec%eon < 0 {
		n--
	}
	return n * eon
}

// packetPcap writes a packet to a pcap file, whose header it begins with the first one.
func (c *copier) packetPcap(pkt *capture.Packet, now time.Time) (err error) {
	kind := linkKind{pkt.LinkType, pkt.FCSLen}
	if kind.fcs <= 0 || kind.fcs > 30 || kind.fcs%2 != 0 { // the format has no words for it
		kind.fcs = -1
	}
	if c.pc == nil {
		c.link = kind
		h := pcapfile.Header{LinkType: kind.link, FCSLen: kind.fcs}
		h.Nanosecond, h.SnapLen = c.clockAndSnapLen()
		if c.pc, err = pcapfile.NewWriter(c.w, h); err != nil {
			return err
		}
	}
	if kind != c.link {
		return &MixedError{[2]linkKind{c.link, kind}}
	}
	return c.pc.Write(pcapfile.Packet{Time: now, OrigLen: pkt.OrigLen, Data: pkt.Data})
}

// clockAndSnapLen returns what fits all files that packets come from.
func (c *copier) clockAndSnapLen() (nanosecond bool, snapLen uint32) {
	unlimited := false
	for i := range c.files {
		if c.p.marked[i].empty() {
			continue
		}
		for _, in := range c.files[i].Capture.Interfaces {
			nanosecond = nanosecond || in.Resolution < 1000
			unlimited = unlimited || in.SnapLen <= 0 || in.SnapLen > math.MaxUint32
			snapLen = max(snapLen, uint32(min(max(in.SnapLen, 0), math.MaxUint32)))
		}
	}
	if unlimited {
		snapLen = 0
	}
	return nanosecond, snapLen
}

// A MixedError says that packets of two kinds cannot stand in one pcap file.
type MixedError struct{ kinds [2]linkKind }

func (e *MixedError) Error() string {
	a, b := e.kinds[0], e.kinds[1]
	if a.link == b.link {
		return fmt.Sprintf("the packets have check sequences of %d and of %d octets, and a pcap file has one kind", max(a.fcs, 0), max(b.fcs, 0))
	}
	return fmt.Sprintf("the packets have different link types (%v and %v), and a pcap file has one", layers.LinkType(a.link), layers.LinkType(b.link))
}
