package rtp

import (
	"encoding/binary"
	"iter"
	"math"
	"time"
)

// A ControlType is the type of an RTCP packet.
type ControlType uint8

// The types of RTCP packets.
const (
	SenderReport      ControlType = 200
	ReceiverReport    ControlType = 201
	SourceDescription ControlType = 202
	Bye               ControlType = 203
	App               ControlType = 204
	TransportFeedback ControlType = 205 // RFC 4585
	PayloadFeedback   ControlType = 206 // RFC 4585
	ExtendedReport    ControlType = 207 // RFC 3611
)

var controlNames = [...]string{"SR", "RR", "SDES", "BYE", "APP", "RTPFB", "PSFB", "XR"}

func (t ControlType) String() string {
	if t < SenderReport || t > ExtendedReport {
		return "other"
	}
	return controlNames[t-SenderReport]
}

var (
	errControlShort   = &SyntaxError{0, "packet ends inside the header"}
	errControlVersion = &SyntaxError{0, "version is not 2"}
	errControlLength  = &SyntaxError{2, "length reaches beyond the datagram"}
	errControlPadding = &SyntaxError{0, "padding is longer than the packet"}
)

// An RTCP is one packet of an RTCP compound. The zero RTCP is ready to use.
type RTCP struct {
	Type  ControlType
	Count uint8  // of reports, sources or chunks; of APP the subtype, of feedback the format
	Body  []byte // behind the first four octets, without padding
}

// Decode replaces *p with the first packet of b and returns the octets that follow it. It
// does not allocate. The error is nil or a *SyntaxError.
//
//	 0        8        16       24
//	+--+-+-----+-------+-----------------+
//	|V |P|count| type  | words after this|
//	+--+-+-----+-------+-----------------+
//
// RFC 3550, section 6.4.1. What is returned is at least four octets shorter than b,
// whatever the length says: a length of 0 is a packet of four octets.
func (p *RTCP) Decode(b []byte) (rest []byte, err error) {
	*p = RTCP{}
	if len(b) < 4 {
		return nil, errControlShort
	}
	if b[0]>>6 != 2 {
		return nil, errControlVersion
	}
	end := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
	if end > len(b) {
		return nil, errControlLength
	}
	p.Type, p.Count = ControlType(b[1]), b[0]&31
	body := b[4:end:end]
	if b[0]&0x20 != 0 {
		n := 0
		if len(body) > 0 {
			n = int(body[len(body)-1])
		}
		if n == 0 || n > len(body) {
			return nil, errControlPadding
		}
		body = body[: len(body)-n : len(body)-n]
	}
	p.Body = body
	return b[end:], nil
}

// Compound returns the packets of a datagram, up to the first that is malformed.
func Compound(b []byte) iter.Seq[RTCP] {
	return func(yield func(RTCP) bool) {
		var p RTCP
		for len(b) > 0 {
			rest, err := p.Decode(b)
			if err != nil || !yield(p) {
				return
			}
			b = rest
		}
	}
}

// SSRC returns who sent the packet. SDES and BYE may be about others or nobody.
func (p *RTCP) SSRC() (ssrc uint32, ok bool) {
	if len(p.Body) < 4 || (p.Type == SourceDescription || p.Type == Bye) && p.Count == 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.Body), true
}

// A SenderInfo is what the sender of a stream says it sent. RFC 3550, section 6.4.1.
type SenderInfo struct {
	NTP       uint64 // wall clock of the sender: seconds since 1900 in the upper half
	Timestamp uint32 // RTP timestamp of the same instant
	Packets   uint32
	Octets    uint32
}

// Sender returns the sender information of an SR.
func (p *RTCP) Sender() (s SenderInfo, ok bool) {
	b := p.Body
	if p.Type != SenderReport || len(b) < 24 {
		return s, false
	}
	return SenderInfo{
		NTP:       binary.BigEndian.Uint64(b[4:]),
		Timestamp: binary.BigEndian.Uint32(b[12:]),
		Packets:   binary.BigEndian.Uint32(b[16:]),
		Octets:    binary.BigEndian.Uint32(b[20:]),
	}, true
}

// A ReportBlock is what a receiver says of one stream. RFC 3550, section 6.4.1.
type ReportBlock struct {
	SSRC           uint32 // of the stream
	FractionLost   uint8  // since the report before, in 1/256
	CumulativeLost int32  // negative with duplicates
	HighestSeq     uint32 // with the number of its cycles in the upper half
	Jitter         uint32 // in units of the RTP timestamp
	LastSR         uint32 // middle half of the NTP time of the last SR
	Delay          uint32 // since that one, in 1/65536 s
}

// Reports returns the report blocks of an SR or RR that are there.
func (p *RTCP) Reports() iter.Seq[ReportBlock] {
	return func(yield func(ReportBlock) bool) {
		b := p.Body
		switch {
		case p.Type == SenderReport && len(b) >= 24:
			b = b[24:]
		case p.Type == ReceiverReport && len(b) >= 4:
			b = b[4:]
		default:
			return
		}
		for range p.Count {
			if len(b) < 24 || !yield(reportBlock(b)) {
				return
			}
			b = b[24:]
		}
	}
}

func reportBlock(b []byte) ReportBlock {
	w := binary.BigEndian.Uint32(b[4:])
	return ReportBlock{
		SSRC:           binary.BigEndian.Uint32(b),
		FractionLost:   uint8(w >> 24),
		CumulativeLost: int32(w<<8) >> 8,
		HighestSeq:     binary.BigEndian.Uint32(b[8:]),
		Jitter:         binary.BigEndian.Uint32(b[12:]),
		LastSR:         binary.BigEndian.Uint32(b[16:]),
		Delay:          binary.BigEndian.Uint32(b[20:]),
	}
}

// CNAME is the type of the item that names a source. RFC 3550, section 6.5.1.
const CNAME = 1

// An Item is an item of a source description.
type Item struct {
	SSRC uint32
	Type uint8
	Text []byte
}

// Items returns the items of an SDES.
func (p *RTCP) Items() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		if p.Type != SourceDescription {
			return
		}
		b, n := p.Body, 0
		for range p.Count {
			if len(b)-n < 4 {
				return
			}
			ssrc := binary.BigEndian.Uint32(b[n:])
			n += 4
			for n < len(b) && b[n] != 0 {
				if n+2 > len(b) || n+2+int(b[n+1]) > len(b) {
					return
				}
				end := n + 2 + int(b[n+1])
				if !yield(Item{ssrc, b[n], b[n+2 : end : end]}) {
					return
				}
				n = end
			}
			n = (n + 4) &^ 3 // one to four zeros end a chunk at a multiple of four
		}
	}
}

// Leaving returns the sources of a BYE.
func (p *RTCP) Leaving() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if p.Type != Bye {
			return
		}
		b := p.Body
		for range p.Count {
			if len(b) < 4 || !yield(binary.BigEndian.Uint32(b)) {
				return
			}
			b = b[4:]
		}
	}
}

// Reason returns why a BYE was sent; nil if it does not say.
func (p *RTCP) Reason() []byte {
	n := 4 * int(p.Count)
	if p.Type != Bye || len(p.Body) <= n || n+1+int(p.Body[n]) > len(p.Body) {
		return nil
	}
	return p.Body[n+1 : n+1+int(p.Body[n])]
}

// App returns the name and data of an APP; its subtype is in Count.
func (p *RTCP) App() (name [4]byte, data []byte, ok bool) {
	if p.Type != App || len(p.Body) < 8 {
		return name, nil, false
	}
	return [4]byte(p.Body[4:]), p.Body[8:], true
}

// A Feedback is a feedback message; its format is in Count. RFC 4585, section 6.1.
type Feedback struct {
	Sender uint32
	Media  uint32 // the stream it is about
	Data   []byte // feedback control information
}

// Feedback returns the feedback of an RTPFB or PSFB.
func (p *RTCP) Feedback() (f Feedback, ok bool) {
	if p.Type != TransportFeedback && p.Type != PayloadFeedback || len(p.Body) < 8 {
		return f, false
	}
	return Feedback{binary.BigEndian.Uint32(p.Body), binary.BigEndian.Uint32(p.Body[4:]), p.Body[8:]}, true
}

// A Block is a report block of an XR. RFC 3611, section 3.
type Block struct {
	Type     uint8
	Specific uint8
	Data     []byte // behind the first four octets
}

// BlockVoIP is the type of the block with VoIP metrics.
const BlockVoIP = 7

// Blocks returns the blocks of an XR.
func (p *RTCP) Blocks() iter.Seq[Block] {
	return func(yield func(Block) bool) {
		if p.Type != ExtendedReport || len(p.Body) < 4 {
			return
		}
		for b := p.Body[4:]; len(b) >= 4; {
			end := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
			if end > len(b) || !yield(Block{b[0], b[1], b[4:end:end]}) {
				return
			}
			b = b[end:]
		}
	}
}

// A VoIPMetrics is what a receiver says of the quality of a stream. Rates and densities
// are in 1/256, delays in milliseconds. RFC 3611, section 4.7.
type VoIPMetrics struct {
	SSRC                               uint32
	LossRate, DiscardRate              uint8
	BurstDensity, GapDensity           uint8
	BurstDuration, GapDuration         uint16
	RoundTrip, EndSystem               uint16
	Signal, Noise                      int8  // in dBm0; 127 for unknown
	EchoReturnLoss                     uint8 // in dB; 127 for unknown
	Gmin                               uint8 // packets in a row that have to come for a burst to be over
	RFactor, ExternalRFactor           uint8 // 127 for unknown
	MOSListening, MOSConversational    uint8 // in tenths; 127 for unknown
	Config                             uint8
	BufferNominal, BufferMax, BufferTo uint16
}

// VoIP returns the VoIP metrics of a block of that type.
func (x *Block) VoIP() (m VoIPMetrics, ok bool) {
	b := x.Data
	if x.Type != BlockVoIP || len(b) < 32 {
		return m, false
	}
	u16 := binary.BigEndian.Uint16
	return VoIPMetrics{
		SSRC:     binary.BigEndian.Uint32(b),
		LossRate: b[4], DiscardRate: b[5], BurstDensity: b[6], GapDensity: b[7],
		BurstDuration: u16(b[8:]), GapDuration: u16(b[10:]), RoundTrip: u16(b[12:]), EndSystem: u16(b[14:]),
		Signal: int8(b[16]), Noise: int8(b[17]), EchoReturnLoss: b[18], Gmin: b[19],
		RFactor: b[20], ExternalRFactor: b[21], MOSListening: b[22], MOSConversational: b[23],
		Config: b[24], BufferNominal: u16(b[26:]), BufferMax: u16(b[28:]), BufferTo: u16(b[30:]),
	}, true
}

// CompactNTP returns the middle 32 bits of an NTP time, in which report blocks speak of
// sender reports.
func CompactNTP(ntp uint64) uint32 { return uint32(ntp >> 16) }

// FromCompact turns a difference of compact NTP times into a duration.
func FromCompact(d uint32) time.Duration {
	return time.Duration(math.Round(float64(d) / 65536 * 1e9))
}
