package sdp

import (
	"bytes"
	"iter"
	"net/netip"
	"strconv"
)

// A Glimpse is what Glance sees of one media description. Its octets are parts of those given
// to Glance, or of a copy that it made of them.
type Glimpse struct {
	Kind      []byte     // audio, video, image …
	Addr      netip.Addr // of c=, its own or that of the session; not valid where that is a name
	Port      uint16     // 0 means that the stream is refused
	Proto     []byte
	Direction Direction
	Hold      bool // sendonly or inactive, or c= is unspecified (without ICE)

	formats []byte // the rest of m=
	lines   []byte // of this media description
}

// Glance iterates over the media descriptions of b and sees no more than where each goes, in
// which direction, and with which codecs. It is for those who read many descriptions and want
// to know little of each: it costs a tenth of Parse, allocates nothing (but for addresses of
// IPv6, and where lines end in CR alone), and complains about nothing.
func Glance(b []byte) iter.Seq[Glimpse] {
	return func(yield func(Glimpse) bool) { glance(b, yield) }
}

// glance is Glance: a function of its own is in the program once, a literal wherever Glance is inlined.
func glance(b []byte, yield func(Glimpse) bool) {
	var session, g Glimpse
	session.Direction = SendRecv
	in := false // a media description
	ice := false
	b = withLF(b)
	end := func() bool {
		g.Hold = g.Direction&RecvOnly == 0 || g.Addr.IsUnspecified() && g.Addr.IsValid() && !ice
		return yield(g)
	}
	for len(b) > 0 {
		line := b
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if len(line) < 3 || line[1] != '=' {
			continue
		}
		to := &session
		if in {
			to = &g
		}
		switch line[0] {
		case 'm':
			if in && !end() {
				return
			}
			g, in = session, true
			g.media(line[2:])
			g.lines = b
		case 'c':
			to.connection(line[2:])
		case 'a':
			if line[2] == 'i' && bytes.HasPrefix(line[2:], []byte("ice-")) {
				ice = true
			}
			to.direction(line[2:])
		}
	}
	if in {
		end()
	}
}

// withLF returns b, or a copy with LF in the place of every CR where one of them stands alone: it ends
// a line, and what follows may be a key.
func withLF(b []byte) []byte {
	for n := 0; ; {
		i := bytes.IndexByte(b[n:], '\r')
		if i < 0 {
			return b
		}
		if n += i + 1; n < len(b) && b[n] != '\n' {
			return bytes.ReplaceAll(b, []byte{'\r'}, []byte{'\n'})
		}
	}
}

// media takes in an m= line.
func (g *Glimpse) media(v []byte) {
	var port []byte
	g.Kind, v = cutBlank(v)
	port, v = cutBlank(v)
	g.Proto, g.formats = cutBlank(v)
	n := 0
	for _, c := range port {
		if c-'0' > 9 || n > 0xffff {
			break
		}
		n = n*10 + int(c-'0')
	}
	g.Port = 0
	if n <= 0xffff {
		g.Port = uint16(n)
	}
}

// connection takes in a c= line.
func (g *Glimpse) connection(v []byte) {
	_, v = cutBlank(v)
	_, v = cutBlank(v)
	host, _ := cutBlank(v)
	if i := bytes.IndexByte(host, '/'); i >= 0 { // of multicast
		host = host[:i]
	}
	g.Addr = parseAddr(host)
}

// direction takes in an attribute that says a direction.
func (g *Glimpse) direction(v []byte) {
	switch string(v) {
	case "sendrecv":
		g.Direction = SendRecv
	case "sendonly":
		g.Direction = SendOnly
	case "recvonly":
		g.Direction = RecvOnly
	case "inactive":
		g.Direction = Inactive
	}
}

// cutBlank cuts off what stands before the first blank.
func cutBlank(v []byte) (word, rest []byte) {
	if i := bytes.IndexByte(v, ' '); i >= 0 {
		return v[:i], bytes.TrimLeft(v[i:], " ")
	}
	return v, nil
}

// AppendCodecs appends the names of the codecs in their order, separated by commas; the
// format itself stands for one without a name.
func (g *Glimpse) AppendCodecs(dst []byte) []byte {
	formats := g.formats
	for n := 0; len(formats) > 0 && n < maxGlanced; n++ {
		var format []byte
		format, formats = cutBlank(formats)
		if len(format) == 0 {
			continue
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		name := g.rtpmap(format)
		if name == nil {
			if pt, ok := payloadType(format); ok {
				if c, ok := Static(pt); ok {
					name = c.Name
				}
			}
		}
		if name == nil {
			name = format
		}
		dst = append(dst, name...)
	}
	return dst
}

// maxGlanced bounds the codecs that AppendCodecs names: no telephone has more.
const maxGlanced = 32

// AppendMap appends what the payload types stand for, as far as the description or RFC 3551
// tells: "0 PCMU/8000,101 telephone-event/8000".
func (g *Glimpse) AppendMap(dst []byte) []byte {
	formats, start := g.formats, len(dst)
	for n := 0; len(formats) > 0 && n < maxGlanced; n++ {
		var format []byte
		format, formats = cutBlank(formats)
		pt, ok := payloadType(format)
		if !ok {
			continue
		}
		by, isStatic := Static(pt)
		encoding := g.encoding(format)
		if encoding == nil && !isStatic {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(dst, format...), ' ')
		if encoding != nil {
			dst = append(dst, encoding...)
			continue
		}
		dst = strconv.AppendUint(append(append(dst, by.Name...), '/'), uint64(by.Clock), 10)
	}
	return dst
}

// Section returns all that AppendCodecs, AppendMap and Secure read: two media descriptions of
// which that is equal are equal to them. Address, port and direction may differ.
func (g *Glimpse) Section() (proto, formats, lines []byte) {
	lines = g.lines
	if len(lines) > 0 && lines[0] == 'm' {
		lines = nil
	} else if i := bytes.Index(lines, []byte("\nm")); i >= 0 {
		lines = lines[:i+1]
	}
	return g.Proto, g.formats, lines
}

// Attribute returns the value of the first attribute of that name in the media description;
// ok is false where there is none. Those of the session are not seen.
func (g *Glimpse) Attribute(name string) (value []byte, ok bool) {
	for lines := g.lines; len(lines) > 2 && lines[0] != 'm'; {
		var line []byte
		line, lines, _ = bytes.Cut(lines, []byte("\n"))
		v, found := bytes.CutPrefix(line, []byte("a="))
		if !found {
			continue
		}
		key, value, _ := bytes.Cut(bytes.TrimRight(v, "\r"), []byte(":"))
		if string(key) == name {
			return value, true
		}
	}
	return nil, false
}

// Secure reports whether the description asks for SRTP, brings a key for it, or holds it out: RFC 3711,
// section 12; RFC 4568; RFC 5764, section 8; RFC 5939. What is said of the whole session is not seen.
func (g *Glimpse) Secure() bool {
	if bytes.Contains(g.Proto, []byte("SAVP")) {
		return true
	}
	if _, ok := g.Attribute("crypto"); ok {
		return true
	}
	if _, ok := g.Attribute("fingerprint"); ok {
		return true
	}
	held, _ := g.Attribute("tcap")
	return bytes.Contains(held, []byte("SAVP"))
}

func payloadType(v []byte) (uint8, bool) {
	n := 0
	for _, c := range v {
		if c-'0' > 9 {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > 127 {
			return 0, false
		}
	}
	return uint8(n), len(v) > 0
}

// rtpmap returns the name that a=rtpmap gives a format, nil for none.
func (g *Glimpse) rtpmap(format []byte) []byte {
	name, _, _ := bytes.Cut(g.encoding(format), []byte("/"))
	return name
}

// encoding returns what a=rtpmap says of a format: name and clock rate; nil for nothing.
func (g *Glimpse) encoding(format []byte) []byte {
	b := g.lines
	for len(b) > 2 && b[0] != 'm' {
		line := b
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		v, ok := bytes.CutPrefix(line, []byte("a=rtpmap:"))
		if !ok || !bytes.HasPrefix(v, format) {
			continue
		}
		if v = v[len(format):]; len(v) > 0 && v[0] == ' ' {
			return bytes.TrimSpace(v)
		}
	}
	return nil
}
