package sdp

import (
	"encoding/hex"
	"iter"
	"net/netip"
)

// An Attribute is one a= line. RFC 8866, section 5.13.
type Attribute struct {
	Line  int
	Name  []byte // as written
	Value []byte // without blanks at its ends; nil where there is no colon; ends where a secret begins

	id attrID
}

// An attrID is an attribute that this package reads.
type attrID uint8

const (
	attrOther attrID = iota
	attrSendRecv
	attrSendOnly
	attrRecvOnly
	attrInactive
	attrRtpmap
	attrFmtp
	attrPtime
	attrMaxPtime
	attrRTCP
	attrRTCPMux
	attrCrypto
	attrKeyMgmt
	attrFingerprint
	attrSetup
	attrZRTPHash
	attrCandidate
	attrICEUfrag
	attrICELite
	attrGroup
	attrMid
	attrBundleOnly
)

// lookup returns what an attribute is, and whether its name is spelled as it should be.
func lookup(name []byte) (id attrID, exact bool) {
	var low [16]byte // no known name is longer
	if len(name) > len(low) {
		return attrOther, true
	}
	exact = true
	for i, c := range name {
		low[i] = lower(c)
		exact = exact && low[i] == c
	}
	switch string(low[:len(name)]) {
	case "sendrecv":
		id = attrSendRecv
	case "sendonly":
		id = attrSendOnly
	case "recvonly":
		id = attrRecvOnly
	case "inactive":
		id = attrInactive
	case "rtpmap":
		id = attrRtpmap
	case "fmtp":
		id = attrFmtp
	case "ptime":
		id = attrPtime
	case "maxptime":
		id = attrMaxPtime
	case "rtcp":
		id = attrRTCP
	case "rtcp-mux":
		id = attrRTCPMux
	case "crypto":
		id = attrCrypto
	case "key-mgmt":
		id = attrKeyMgmt
	case "fingerprint":
		id = attrFingerprint
	case "setup":
		id = attrSetup
	case "zrtp-hash":
		id = attrZRTPHash
	case "candidate":
		id = attrCandidate
	case "ice-ufrag":
		id = attrICEUfrag
	case "ice-lite":
		id = attrICELite
	case "group":
		id = attrGroup
	case "mid":
		id = attrMid
	case "bundle-only":
		id = attrBundleOnly
	default:
		return attrOther, true
	}
	return id, exact
}

func (s *Session) attribute(line int, v []byte) {
	a := Attribute{Line: line}
	end := scanToken(v, 0)
	colon := scanBlanks(v, end)
	switch {
	case end == 0:
		s.complain(line, RuleAttribute)
		a.Value = v
	case colon == len(v):
		a.Name = v[:end:end]
	case v[colon] == ':':
		a.Name, a.Value = v[:end:end], trim(v[colon+1:])
		if colon > end {
			s.complain(line, RuleSpace)
		}
	default: // a blank, or something else that is no part of a name
		s.complain(line, RuleAttribute)
		a.Name, a.Value = v[:end:end], trim(v[end:])
	}
	var exact bool
	a.id, exact = lookup(a.Name)
	if !exact {
		s.complain(line, RuleAttributeCase)
	}
	s.attributes = append(s.attributes, a)
}

// inherited is what the attributes of the session say for each stream that does not say
// otherwise.
type inherited struct {
	hasDirection bool
	direction    Direction
	setup        []byte
	fingerprint  []byte
	ufrag        []byte
	lite         bool
	keyed        bool // by something else than crypto and fingerprint
}

func (h *inherited) take(attributes []Attribute) {
	for i := range attributes {
		switch a := &attributes[i]; a.id {
		case attrSendRecv:
			h.hasDirection, h.direction = true, SendRecv
		case attrSendOnly:
			h.hasDirection, h.direction = true, SendOnly
		case attrRecvOnly:
			h.hasDirection, h.direction = true, RecvOnly
		case attrInactive:
			h.hasDirection, h.direction = true, Inactive
		case attrSetup:
			h.setup = a.Value
		case attrFingerprint:
			h.fingerprint = a.Value
		case attrICEUfrag:
			h.ufrag = a.Value
		case attrICELite:
			h.lite = true
		case attrKeyMgmt, attrZRTPHash:
			h.keyed = true
		}
	}
}

// first returns the value of the first attribute of that kind of the stream itself.
func (m *Media) first(id attrID) (value []byte, ok bool) {
	for i := range m.Attributes {
		if m.Attributes[i].id == id {
			return m.Attributes[i].Value, true
		}
	}
	return nil, false
}

// Attribute returns the value of the first attribute of that name of the stream itself; the
// name may be in any case.
func (m *Media) Attribute(name string) (value []byte, ok bool) { return find(m.Attributes, name) }

// Has reports whether the stream itself has an attribute of that name.
func (m *Media) Has(name string) bool { _, ok := find(m.Attributes, name); return ok }

// Attribute returns the value of the first attribute of that name of the session itself; the
// name may be in any case.
func (s *Session) Attribute(name string) (value []byte, ok bool) { return find(s.Attributes, name) }

func find(list []Attribute, name string) (value []byte, ok bool) {
	for i := range list {
		if equalFold(list[i].Name, name) {
			return list[i].Value, true
		}
	}
	return nil, false
}

// MID returns the name of the stream in groups: RFC 5888, section 4.
func (m *Media) MID() []byte { v, _ := m.first(attrMid); return v }

// Label returns the label that other documents call the stream by: RFC 4574.
func (m *Media) Label() []byte { v, _ := m.Attribute("label"); return v }

// Content returns what the stream shows, such as slides: RFC 4796.
func (m *Media) Content() []byte { v, _ := m.Attribute("content"); return v }

// Setup returns who connects: active, passive, actpass or holdconn, of the stream or else of
// the session; nil where nothing is said. RFC 4145, section 4; RFC 8842, section 5.
func (m *Media) Setup() []byte { return m.inherit.setup }

// ICE reports whether the stream has an ICE user name, of its own or of the session.
// RFC 8839, section 5.4.
func (m *Media) ICE() bool { return m.inherit.ufrag != nil }

// ICEUfrag returns the ICE user name of the stream, or else of the session; nil for none.
func (m *Media) ICEUfrag() []byte { return m.inherit.ufrag }

// ICELite reports whether the side implements no more than the half of ICE that answers:
// RFC 8839, section 5.3.
func (s *Session) ICELite() bool { return s.inherit.lite }

// A Fingerprint is the hash of a certificate: RFC 8122, section 5.
type Fingerprint struct {
	Hash  []byte // its name, such as sha-256
	Value []byte // octets in hexadecimal, separated by colons
}

// Fingerprint returns the fingerprint of the stream, or else of the session, the last where
// there are several.
func (m *Media) Fingerprint() (f Fingerprint, ok bool) {
	if m.inherit.fingerprint == nil {
		return Fingerprint{}, false
	}
	return parseFingerprint(m.inherit.fingerprint)
}

func parseFingerprint(v []byte) (f Fingerprint, ok bool) {
	rest := fields{rest: v}
	f.Hash, f.Value = rest.next(), rest.next()
	if len(rest.rest) > 0 || len(f.Value)%3 != 2 {
		return f, false
	}
	for i := 0; i < len(f.Value); i += 3 {
		var octet [1]byte
		if _, err := hex.Decode(octet[:], f.Value[i:i+2]); err != nil || i+2 < len(f.Value) && f.Value[i+2] != ':' {
			return f, false
		}
	}
	return f, true
}

// A Crypto is what is offered to encrypt SRTP with, without the key: RFC 4568, section 4.
type Crypto struct {
	Line  int
	Tag   []byte // digits
	Suite []byte // such as AES_CM_128_HMAC_SHA1_80
}

// Cryptos iterates over the crypto attributes of the stream.
func (m *Media) Cryptos() iter.Seq[Crypto] {
	return func(yield func(Crypto) bool) {
		for i := range m.Attributes {
			a := &m.Attributes[i]
			if a.id != attrCrypto {
				continue
			}
			if c, _ := parseCrypto(a); !yield(c) {
				return
			}
		}
	}
}

func parseCrypto(a *Attribute) (c Crypto, ok bool) {
	f := fields{rest: a.Value}
	c = Crypto{Line: a.Line, Tag: f.next(), Suite: f.next()}
	_, isNumber := number(c.Tag, 999999999)
	return c, isNumber && equalFold(f.next(), "inline:") && len(f.rest) == 0
}

// A Candidate is an address that ICE may find to work: RFC 8839, section 5.1.
type Candidate struct {
	Line        int
	Foundation  []byte
	Component   uint16 // 1 for RTP, 2 for RTCP
	Transport   []byte // UDP or TCP, in any case
	Priority    uint32
	Address     []byte         // as written; may be a name that ends in .local
	Addr        netip.AddrPort // not valid where Address is a name
	Port        uint16
	Type        []byte         // host, srflx, prflx or relay
	RelatedAddr netip.AddrPort // not valid where there is none
}

// Candidates iterates over the ICE candidates of the stream that can be read.
func (m *Media) Candidates() iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		for i := range m.Attributes {
			a := &m.Attributes[i]
			if a.id != attrCandidate {
				continue
			}
			if c, ok := parseCandidate(a); ok && !yield(c) {
				return
			}
		}
	}
}

func parseCandidate(a *Attribute) (c Candidate, ok bool) {
	f := fields{rest: a.Value}
	c = Candidate{Line: a.Line, Foundation: f.next()}
	component, ok1 := number(f.next(), 1<<16-1)
	c.Transport = f.next()
	priority, ok2 := number(f.next(), 1<<32-1)
	c.Address = f.next()
	port, ok3 := number(f.next(), 1<<16-1)
	typ := f.next()
	c.Type = f.next()
	c.Component, c.Priority, c.Port = uint16(component), uint32(priority), uint16(port)
	if addr := parseAddr(c.Address); addr.IsValid() {
		c.Addr = netip.AddrPortFrom(addr, c.Port)
	}
	var related netip.Addr
	for {
		k, v := f.next(), f.next()
		if v == nil {
			break
		}
		switch {
		case equalFold(k, "raddr"):
			related = parseAddr(v)
		case equalFold(k, "rport"):
			if n, ok := number(v, 1<<16-1); ok && related.IsValid() {
				c.RelatedAddr = netip.AddrPortFrom(related, uint16(n))
			}
		}
	}
	return c, ok1 && ok2 && ok3 && equalFold(typ, "typ") && c.Type != nil
}

// A Group says which streams belong together: RFC 5888, section 5.
type Group struct {
	Line      int
	Semantics []byte // BUNDLE, LS, FID …
	MIDs      []byte // separated by blanks: see All
}

// All iterates over the names of the streams of the group.
func (g Group) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		f := fields{rest: g.MIDs}
		for mid := f.next(); mid != nil; mid = f.next() {
			if !yield(mid) {
				return
			}
		}
	}
}

// Groups iterates over the groups of the session.
func (s *Session) Groups() iter.Seq[Group] {
	return func(yield func(Group) bool) {
		for i := range s.Attributes {
			a := &s.Attributes[i]
			if a.id != attrGroup {
				continue
			}
			f := fields{rest: a.Value}
			if !yield(Group{a.Line, f.next(), f.rest}) {
				return
			}
		}
	}
}

// Bundled reports whether the stream shares its transport with others: its mid is in a
// group BUNDLE. RFC 9143.
func (s *Session) Bundled(m *Media) bool {
	mid := m.MID()
	if mid == nil {
		return false
	}
	for g := range s.Groups() {
		if !equalFold(g.Semantics, "BUNDLE") {
			continue
		}
		for other := range g.All() {
			if string(other) == string(mid) {
				return true
			}
		}
	}
	return false
}

// SSRCs iterates over the sources that the stream names, each once where its lines stand
// together, as they do: RFC 5576, section 4.1.
func (m *Media) SSRCs() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		last, some := uint64(0), false
		for i := range m.Attributes {
			if !equalFold(m.Attributes[i].Name, "ssrc") {
				continue
			}
			f := fields{rest: m.Attributes[i].Value}
			n, ok := number(f.next(), 1<<32-1)
			if !ok || some && n == last {
				continue
			}
			last, some = n, true
			if !yield(uint32(n)) {
				return
			}
		}
	}
}

// An Extmap is an extension of the RTP header: RFC 8285, section 5.
type Extmap struct {
	ID        uint16
	Direction Direction
	URI       []byte
	Params    []byte
}

// Extmaps iterates over the header extensions of the stream.
func (m *Media) Extmaps() iter.Seq[Extmap] {
	return func(yield func(Extmap) bool) {
		for i := range m.Attributes {
			if !equalFold(m.Attributes[i].Name, "extmap") {
				continue
			}
			f := fields{rest: m.Attributes[i].Value}
			id, direction, slash := cutByte(f.next(), '/')
			e := Extmap{Direction: SendRecv, URI: f.next(), Params: f.rest}
			n, ok := number(id, 1<<16-1)
			e.ID = uint16(n)
			if slash {
				switch d, _ := lookup(direction); d {
				case attrSendOnly:
					e.Direction = SendOnly
				case attrRecvOnly:
					e.Direction = RecvOnly
				case attrInactive:
					e.Direction = Inactive
				}
			}
			if ok && e.URI != nil && !yield(e) {
				return
			}
		}
	}
}

// A T38 is what a fax stream is willing to do: ITU-T T.38, Annex D. Numbers are -1 where
// nothing is said.
type T38 struct {
	Version         int64
	MaxBitRate      int64  // bits a second
	MaxBuffer       int64  // octets
	MaxDatagram     int64  // octets
	RateManagement  []byte // transferredTCF or localTCF
	ErrorCorrection []byte // t38UDPFEC, t38UDPRedundancy or t38UDPNoEC
	FillBitRemoval  bool
	TranscodingMMR  bool
	TranscodingJBIG bool
}

// T38 returns the T.38 attributes of the stream; ok is false where it is no fax. Names are
// spelled in many ways, and flags stand alone or with :0 and :1.
func (m *Media) T38() (t T38, ok bool) {
	if !m.IsFax() {
		return T38{}, false
	}
	t = T38{Version: -1, MaxBitRate: -1, MaxBuffer: -1, MaxDatagram: -1}
	for i := range m.Attributes {
		a := &m.Attributes[i]
		count := func(p *int64) {
			if n, ok := number(a.Value, 1<<63-1); ok {
				*p = int64(n)
			}
		}
		on := string(a.Value) != "0"
		switch {
		case equalFold(a.Name, "T38FaxVersion"):
			count(&t.Version)
		case equalFold(a.Name, "T38MaxBitRate"):
			count(&t.MaxBitRate)
		case equalFold(a.Name, "T38FaxMaxBuffer"):
			count(&t.MaxBuffer)
		case equalFold(a.Name, "T38FaxMaxDatagram"):
			count(&t.MaxDatagram)
		case equalFold(a.Name, "T38FaxRateManagement"):
			t.RateManagement = a.Value
		case equalFold(a.Name, "T38FaxUdpEC"):
			t.ErrorCorrection = a.Value
		case equalFold(a.Name, "T38FaxFillBitRemoval"):
			t.FillBitRemoval = on
		case equalFold(a.Name, "T38FaxTranscodingMMR"):
			t.TranscodingMMR = on
		case equalFold(a.Name, "T38FaxTranscodingJBIG"):
			t.TranscodingJBIG = on
		}
	}
	return t, true
}
