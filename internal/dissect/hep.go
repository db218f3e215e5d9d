package dissect

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

// HEP is how Homer's agents send what they captured: version 3 is a list of chunks, the
// versions before it a fixed header. Its numbers are big-endian, those of versions 1 and 2
// but for the addresses as well.

// The chunks of HEP3 that are read, all of vendor 0.
const (
	hepFamily   = 1 // IP protocol family
	hepProto    = 2 // IP protocol number
	hepSrc4     = 3
	hepDst4     = 4
	hepSrc6     = 5
	hepDst6     = 6
	hepSrcPort  = 7
	hepDstPort  = 8
	hepSeconds  = 9
	hepMicros   = 10
	hepPayload  = 15
	hepDeflated = 16 // compressed payload
)

// A hepPacket is what an agent says it captured.
type hepPacket struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
	proto            byte
	sec, usec        uint32
	hasTime          bool
	payload          []byte
	deflated         bool // payload is compressed
}

// hep looks for a packet of HEP and goes on inside of it. It reports whether it was one.
func (d *Dissector) hep(b []byte, c *carrier) bool {
	h, ok := parseHEP(b)
	if !ok {
		return false
	}
	d.Counts[d.file].HEP++
	if d.event != nil { // whoever captured it saw who sent it
		d.pairs.add(h.src, h.dst)
	}
	cut := c.notes&(NoteSnapped|NoteIncomplete) != 0
	if h.deflated {
		if h.payload, ok = d.unpack(h.payload); !ok && !(cut && len(h.payload) > 0) {
			d.Streams.Compressed++
			return true
		}
	}
	if !isMessage(h.payload, cut) {
		return true
	}
	inner := *c
	inner.hep = true
	inner.src, inner.dst = netip.AddrPortFrom(h.src, h.srcPort), netip.AddrPortFrom(h.dst, h.dstPort)
	if h.hasTime {
		inner.time, inner.hasTime = time.Unix(int64(h.sec), int64(h.usec)*1000).UTC(), true
	}
	t := hepTransport(h.proto)
	if t == TLS || t == WS {
		t = d.hopTransport(h.payload, t)
	}
	first, rest := h.payload, []byte(nil)
	for t == TCP || t == TLS { // what an agent read from a stream may hold several: RFC 3261, section 18.3
		if first, rest = d.oneOf(h.payload); rest == nil {
			break
		}
		one := inner
		d.message(t, first, false, &one)
		h.payload = rest
	}
	d.message(t, first, cut, &inner)
	return true
}

// hopTransport tells apart what agents have one number for, that of TLS, or of WebSockets, by the topmost Via: it is that of the hop.
func (d *Dissector) hopTransport(b []byte, t Transport) Transport {
	if d.shared.Message.ParseCut(b) != nil {
		return t
	}
	via, _ := d.shared.Message.TopVia()
	switch string(bytes.ToUpper(via.Transport)) {
	case "TLS":
		return TLS
	case "WS":
		return WS
	case "WSS":
		return WSS
	}
	return t
}

// oneOf cuts the first of several messages off b; rest is nil where there is one alone.
func (d *Dissector) oneOf(b []byte) (first, rest []byte) {
	if d.shared.Message.Parse(b) != nil {
		return b, nil
	}
	n, ok := d.shared.Message.ContentLength()
	body := d.shared.Message.Body
	if !ok || int64(n) >= int64(len(body)) {
		return b, nil
	}
	rest = bytes.TrimLeft(body[n:], "\r\n")
	if !sipmsg.SniffWhole(rest) {
		return b, nil
	}
	return b[:len(b)-len(body)+int(n)], rest
}

// hepTransport maps the IP protocol of HEP, which has numbers of its own for TLS and
// WebSockets in the agents of some vendors.
func hepTransport(proto byte) Transport {
	switch proto {
	case 6:
		return TCP
	case 22:
		return TLS
	case 132:
		return SCTP
	case 50, 51:
		return WS
	}
	return UDP
}

func parseHEP(b []byte) (h hepPacket, ok bool) {
	switch {
	case len(b) < 6:
		return h, false
	case string(b[:4]) == "HEP3":
		return parseHEP3(b)
	case b[0] == 1 || b[0] == 2:
		return parseHEP2(b)
	}
	return h, false
}

// parseHEP3 reads the chunks: vendor, type, length, value.
func parseHEP3(b []byte) (h hepPacket, ok bool) {
	b = b[6:min(len(b), max(6, int(binary.BigEndian.Uint16(b[4:]))))]
	for len(b) >= 6 {
		vendor, typ, n := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), int(binary.BigEndian.Uint16(b[4:]))
		if n < 6 {
			break
		}
		v := b[6:min(n, len(b))]
		if vendor == 0 {
			h.chunk(typ, v)
		}
		b = b[min(n, len(b)):]
	}
	return h, h.src.IsValid() && h.dst.IsValid()
}

func (h *hepPacket) chunk(typ uint16, v []byte) {
	switch typ {
	case hepProto:
		if len(v) >= 1 {
			h.proto = v[0]
		}
	case hepSrc4, hepSrc6:
		h.src, _ = netip.AddrFromSlice(v)
	case hepDst4, hepDst6:
		h.dst, _ = netip.AddrFromSlice(v)
	case hepSrcPort:
		h.srcPort = number16(v)
	case hepDstPort:
		h.dstPort = number16(v)
	case hepSeconds:
		if len(v) == 4 {
			h.sec, h.hasTime = binary.BigEndian.Uint32(v), true
		}
	case hepMicros:
		if len(v) == 4 {
			h.usec = binary.BigEndian.Uint32(v)
		}
	case hepPayload:
		h.payload, h.deflated = v, false
	case hepDeflated:
		h.payload, h.deflated = v, true
	}
}

func number16(v []byte) uint16 {
	if len(v) != 2 {
		return 0
	}
	return binary.BigEndian.Uint16(v)
}

// parseHEP2 reads the header of versions 1 and 2: version, length, family, protocol, ports,
// addresses, and in version 2 a time and an agent id in the byte order of the agent, which some agents count in the length.
func parseHEP2(b []byte) (h hepPacket, ok bool) {
	size := 16
	switch b[2] {
	case 2:
	case 10, 24, 28, 30: // AF_INET6 of Linux, NetBSD, FreeBSD and Darwin
		size = 40
	default:
		return h, false
	}
	total := size
	if b[0] == 2 {
		total += 12
	}
	if n := int(b[1]); n != size && n != total || len(b) < total+4 {
		return h, false
	}
	h.proto = b[3]
	h.srcPort, h.dstPort = binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	n := (size - 8) / 2
	h.src, _ = netip.AddrFromSlice(b[8 : 8+n])
	h.dst, _ = netip.AddrFromSlice(b[8+n : 8+2*n])
	if b[0] == 2 {
		t := b[size:]
		h.sec, h.usec, h.hasTime = binary.LittleEndian.Uint32(t), binary.LittleEndian.Uint32(t[4:]), true
		if h.usec >= 1e6 {
			h.sec, h.usec = binary.BigEndian.Uint32(t), binary.BigEndian.Uint32(t[4:])
		}
	}
	h.payload = b[total:]
	return h, sipmsg.Sniff(h.payload)
}

// A hepReader cuts a TCP stream into packets of HEP3.
type hepReader struct {
	buf []byte
	off int64 // stream offset of buf[0]
}

// gap forgets what is not whole, and returns how many octets that are.
func (r *hepReader) gap() (n int) {
	n = len(r.buf)
	r.off += int64(n)
	r.buf = nil
	return n
}

// hepStart is how many octets tell that a packet of HEP3 begins: its header, and that of a chunk.
const hepStart = 12

// nextHEP3 returns where a packet of HEP3 begins in b, as far as its first chunk tells; -1 for nowhere.
func nextHEP3(b []byte) int {
	for at := 0; ; at += 4 {
		i := bytes.Index(b[at:], []byte("HEP3"))
		if i < 0 || len(b)-at-i < hepStart {
			return -1
		}
		at += i
		p := b[at:]
		size, vendor, typ, n := binary.BigEndian.Uint16(p[4:]), binary.BigEndian.Uint16(p[6:]), binary.BigEndian.Uint16(p[8:]), binary.BigEndian.Uint16(p[10:])
		if vendor == 0 && typ > 0 && typ < 64 && n > 6 && n <= size {
			return at
		}
	}
}

// hepStream takes the next octets of a stream of HEP3. Where no packet begins, in the middle of a
// connection or behind octets that are missing, the next one is looked for.
func (h *half) hepStream(b []byte) {
	if h.hep == nil {
		h.hep = &hepReader{off: h.off - int64(len(b))}
	}
	r := h.hep
	r.buf = append(r.buf, b...)
	n := 0
	for h.d.err == nil && len(r.buf)-n >= 6 {
		p := r.buf[n:]
		if string(p[:4]) != "HEP3" {
			i := nextHEP3(p)
			more := i < 0
			if more {
				i = max(len(p)-hepStart+1, 0) // the beginning of one may be there
			}
			h.d.Streams.Skipped += int64(i)
			h.skipped += int64(i)
			n += i
			if more {
				break
			}
			continue
		}
		size := max(6, int(binary.BigEndian.Uint16(p[4:])))
		if len(p) < size {
			break
		}
		h.found(r.off + int64(n))
		c := h.carry(r.off+int64(n), r.off+int64(n+size))
		if len(c.refs) > 0 {
			h.d.hep(p[:size], c)
		}
		n += size
	}
	r.off += int64(n)
	r.buf = idle(r.buf[:copy(r.buf, r.buf[n:])])
	h.forget(r.off)
}
