package rtp

import "encoding/binary"

// A Kind is what a datagram on a port of media is.
type Kind uint8

// The kinds.
const (
	Unknown     Kind = iota
	RTP              // or SRTP: their headers are the same
	Control          // RTCP or SRTCP
	STUN             // RFC 8489
	ZRTP             // RFC 6189
	DTLS             // RFC 5764
	ChannelData      // of TURN: RFC 8656
)

var kindNames = [...]string{"unknown", "RTP", "RTCP", "STUN", "ZRTP", "DTLS", "TURN channel data"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Unknown]
}

const (
	stunCookie = 0x2112a442
	zrtpCookie = 0x5a525450
)

// Classify says what b may be, by its first octet (RFC 7983, section 7) and by what the
// protocol wants of the few that follow. A datagram of another protocol may look like one
// of these: RTP is certain only by several packets that fit each other.
func Classify(b []byte) Kind {
	if len(b) < 4 {
		return Unknown
	}
	switch {
	case b[0]>>6 == 2: // 128 to 191
		return classifyMedia(b)
	case b[0] < 4:
		if len(b) >= 20 && binary.BigEndian.Uint32(b[4:]) == stunCookie && binary.BigEndian.Uint16(b[2:])&3 == 0 {
			return STUN
		}
	case b[0] >= 16 && b[0] < 20:
		// RFC 6189, section 5: not a version of RTP, the preamble at octet 4.
		if len(b) >= 12 && binary.BigEndian.Uint32(b[4:]) == zrtpCookie {
			return ZRTP
		}
	case b[0] >= 20 && b[0] < 64:
		// A record: type, version 1.0 or 1.2 (0xfeff, 0xfefd), or a unified header of 1.3.
		if len(b) >= 13 && b[0] <= 26 && b[1] == 0xfe && (b[2] == 0xff || b[2] == 0xfd) {
			return DTLS
		}
	case b[0] < 80: // 64 to 79
		if n := int(binary.BigEndian.Uint16(b[2:])); n <= len(b)-4 && len(b)-4-n < 4 {
			return ChannelData
		}
	}
	return Unknown
}

// classifyMedia tells RTCP from RTP: on one port payload types 64 to 95 are those of RTCP.
// RFC 5761, section 4.
func classifyMedia(b []byte) Kind {
	if t := b[1]; t < 192 || t > 223 {
		if len(b) >= headerLen {
			return RTP
		}
		return Unknown
	}
	// The first packet of a compound is no longer than the datagram. That of SRTCP has
	// 14 octets more behind it, so it need not fill it.
	if n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1); len(b) >= 8 && n <= len(b) {
		return Control
	}
	return Unknown
}
