package sdp

// A Codec is what a payload type of a stream stands for.
type Codec struct {
	PayloadType uint8
	Name        []byte // as rtpmap has it, or RFC 3551; nil where neither says anything
	Clock       uint32 // of its RTP timestamps, in Hz; 0 where it is not known
	Channels    int    // 1 where none is given
	Params      []byte // of fmtp; nil for none
	Mapped      bool   // rtpmap says so; otherwise it is RFC 3551
}

// static are the payload types of RFC 3551, tables 4 and 5.
var static = [35]struct {
	name     string
	clock    uint32
	channels int
}{
	0: {"PCMU", 8000, 1}, 3: {"GSM", 8000, 1}, 4: {"G723", 8000, 1}, 5: {"DVI4", 8000, 1},
	6: {"DVI4", 16000, 1}, 7: {"LPC", 8000, 1}, 8: {"PCMA", 8000, 1},
	9:  {"G722", 8000, 1}, // it samples at 16000: section 4.5.2 tells the story
	10: {"L16", 44100, 2}, 11: {"L16", 44100, 1}, 12: {"QCELP", 8000, 1}, 13: {"CN", 8000, 1},
	14: {"MPA", 90000, 1}, 15: {"G728", 8000, 1}, 16: {"DVI4", 11025, 1}, 17: {"DVI4", 22050, 1},
	18: {"G729", 8000, 1},
	25: {"CelB", 90000, 1}, 26: {"JPEG", 90000, 1}, 28: {"nv", 90000, 1}, 31: {"H261", 90000, 1},
	32: {"MPV", 90000, 1}, 33: {"MP2T", 90000, 1}, 34: {"H263", 90000, 1},
}

// staticNames are the names above as octets, made once.
var staticNames = func() (names [len(static)][]byte) {
	for i := range static {
		if n := static[i].name; n != "" {
			names[i] = []byte(n)[:len(n):len(n)]
		}
	}
	return names
}()

// Static returns the codec that a payload type has by RFC 3551; ok is false for those that
// have none.
func Static(payloadType uint8) (c Codec, ok bool) {
	c = Codec{PayloadType: payloadType, Channels: 1}
	if int(payloadType) >= len(static) || staticNames[payloadType] == nil {
		return c, false
	}
	e := &static[payloadType]
	c.Name, c.Clock, c.Channels = staticNames[payloadType], e.clock, e.channels
	return c, true
}

// firstDynamic is the first payload type that means nothing by itself: RFC 3551, section 6.
const firstDynamic = 96

// Same reports whether two codecs are one: they have the same name, but for case, the same
// clock rate and the same number of channels. Payload types and parameters may differ. A
// clock rate that is missing fits any, and so does that of G722, which is often written
// down wrongly. Where neither side names a codec, the payload types must be equal. One number
// of RFC 3551 is one codec, though a side names a variant of it, as in 18 G729A.
func (c Codec) Same(d Codec) bool {
	if c.PayloadType == d.PayloadType && (c.Name == nil && d.Name == nil || c.isStatic() && d.isStatic()) {
		return true
	}
	return c.Name != nil && d.Name != nil && equalFold(c.Name, d.Name) && c.Channels == d.Channels &&
		(c.Clock == d.Clock || c.Clock == 0 || d.Clock == 0 || equalFold(c.Name, "G722"))
}

// isStatic reports whether the codec is what its payload type means by RFC 3551, or a variant of that: its name begins
// with that of the former.
func (c Codec) isStatic() bool {
	by, ok := Static(c.PayloadType)
	return ok && len(c.Name) >= len(by.Name) && equalFold(c.Name[:len(by.Name)], by.Name)
}

// IsEvent reports whether the codec carries digits and tones: RFC 4733.
func (c Codec) IsEvent() bool { return equalFold(c.Name, "telephone-event") }

// IsAuxiliary reports whether the codec carries no media by itself: telephone-event, tone,
// comfort noise, and what repairs or repeats another stream.
func (c Codec) IsAuxiliary() bool {
	for _, name := range [...]string{"telephone-event", "CN", "tone", "red", "rtx", "ulpfec", "parityfec", "flexfec-03", "flexfec"} {
		if equalFold(c.Name, name) {
			return true
		}
	}
	return false
}

// Codecs returns what the payload types of the stream stand for, in the order of m=, which
// is the order of preference, each once: 128 at most. Formats that are no payload types are
// left out; a stream that is not RTP has none.
func (m *Media) Codecs() []Codec { return m.codecs }

// codecsOf collects the codecs of m: one pass over its attributes, one over its formats.
func (s *Session) codecsOf(m *Media) {
	if !m.IsRTP() {
		return
	}
	// Indexes into the attributes, plus 1; the last rtpmap of a payload type counts, as does
	// the last fmtp.
	var rtpmap, fmtp [128]int32
	for i := range m.Attributes {
		a := &m.Attributes[i]
		if a.id != attrRtpmap && a.id != attrFmtp {
			continue
		}
		f := fields{rest: a.Value}
		pt, ok := number(f.next(), 127)
		if !ok {
			continue
		}
		if a.id == attrRtpmap {
			rtpmap[pt] = int32(i + 1)
		} else {
			fmtp[pt] = int32(i + 1)
		}
	}
	var seen [128]bool
	for _, format := range m.Formats {
		pt, ok := number(format, 127)
		if !ok || seen[pt] {
			continue
		}
		seen[pt] = true
		c, _ := Static(uint8(pt))
		if i := rtpmap[pt]; i > 0 {
			readRtpmap(m.Attributes[i-1].Value, &c)
		}
		if i := fmtp[pt]; i > 0 {
			f := fields{rest: m.Attributes[i-1].Value}
			f.next()
			c.Params = f.rest[:len(f.rest):len(f.rest)]
		}
		s.codecs = append(s.codecs, c)
	}
}

// readRtpmap reads the value of an rtpmap of that payload type; ok is false where it is not
// as it should be. RFC 8866, section 6.6. What is missing stays as it is for static types,
// and as the name has it for others.
func readRtpmap(v []byte, c *Codec) (ok bool) {
	f := fields{rest: v}
	f.next()
	encoding := f.next()
	ok = len(f.rest) == 0
	name, rest, slash := cutByte(encoding, '/')
	if len(name) == 0 {
		return false
	}
	if !equalFold(c.Name, name) {
		*c = Codec{PayloadType: c.PayloadType, Channels: 1}
		for i := range static {
			if equalFold(name, static[i].name) {
				c.Clock = static[i].clock
				break
			}
		}
	}
	c.Name, c.Mapped = name, true
	clock, channels, more := cutByte(rest, '/')
	if n, isNumber := number(clock, 1<<32-1); slash && isNumber && n > 0 {
		c.Clock = uint32(n)
		c.Channels = 1
	} else {
		ok = false
	}
	if more {
		if n, isNumber := number(channels, 1<<8-1); isNumber && n > 0 {
			c.Channels = int(n)
		} else {
			ok = false
		}
	}
	return ok
}

// PTime returns the length of a packet that this side would like to get, in milliseconds:
// RFC 8866, section 6.4.
func (m *Media) PTime() (ms uint32, ok bool) { return m.milliseconds(attrPtime) }

// MaxPTime returns the length of a packet that this side can take, in milliseconds:
// RFC 8866, section 6.5.
func (m *Media) MaxPTime() (ms uint32, ok bool) { return m.milliseconds(attrMaxPtime) }

func (m *Media) milliseconds(id attrID) (ms uint32, ok bool) {
	v, ok := m.first(id)
	if !ok {
		return 0, false
	}
	return milliseconds(v)
}

// milliseconds reads a packet time. Fractions, as in 20.0, are cut off.
func milliseconds(v []byte) (ms uint32, ok bool) {
	whole, fraction, dot := cutByte(v, '.')
	if dot && (len(fraction) == 0 || scanDigits(fraction, 0) < len(fraction)) {
		return 0, false
	}
	n, ok := number(whole, 1<<32-1)
	return uint32(n), ok && n > 0
}

// Param returns the value of a parameter of fmtp, of those written name=value and separated
// by semicolons; the name may be in any case. ok is false where there is none.
func (c Codec) Param(name string) (value []byte, ok bool) {
	for rest := c.Params; len(rest) > 0; {
		var p []byte
		p, rest, _ = cutByte(rest, ';')
		k, v, _ := cutByte(p, '=')
		if equalFold(trim(k), name) {
			return trim(v), true
		}
	}
	return nil, false
}

// checkRtpmap complains about an rtpmap of a payload type that means something without it.
func (s *Session) checkRtpmap(line int, c Codec) {
	by, ok := Static(c.PayloadType)
	switch {
	case equalFold(c.Name, "G722") && c.Clock != 8000:
		s.complain(line, RuleG722)
	case ok && (!equalFold(c.Name, by.Name) || c.Clock != by.Clock || c.Channels != by.Channels):
		s.complain(line, RuleStatic)
	}
}
