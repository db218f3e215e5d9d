package rtp

// A Codec is what a payload type stands for.
type Codec struct {
	Name      string // as in an rtpmap attribute
	ClockRate int    // of the RTP timestamp
	Channels  int    // of audio; 0 for video
}

// The payload types of comfort noise: RFC 3389, and 19 before it.
const (
	TypeComfortNoise    = 13
	TypeOldComfortNoise = 19
)

// FirstDynamic is the first of the payload types that a session description has to
// explain. RFC 3551, section 6.
const FirstDynamic = 96

// static are the payload types of RFC 3551, tables 4 and 5. G722 counts at 8000 though it
// samples at 16000: section 4.5.2.
var static = [FirstDynamic]Codec{
	0:  {"PCMU", 8000, 1},
	3:  {"GSM", 8000, 1},
	4:  {"G723", 8000, 1},
	5:  {"DVI4", 8000, 1},
	6:  {"DVI4", 16000, 1},
	7:  {"LPC", 8000, 1},
	8:  {"PCMA", 8000, 1},
	9:  {"G722", 8000, 1},
	10: {"L16", 44100, 2},
	11: {"L16", 44100, 1},
	12: {"QCELP", 8000, 1},
	13: {"CN", 8000, 1},
	14: {"MPA", 90000, 1},
	15: {"G728", 8000, 1},
	16: {"DVI4", 11025, 1},
	17: {"DVI4", 22050, 1},
	18: {"G729", 8000, 1},
	19: {"CN", 8000, 1},
	25: {"CelB", 90000, 0},
	26: {"JPEG", 90000, 0},
	28: {"nv", 90000, 0},
	31: {"H261", 90000, 0},
	32: {"MPV", 90000, 0},
	33: {"MP2T", 90000, 0},
	34: {"H263", 90000, 0},
}

// Static returns the codec of a payload type that needs no session description. ok is
// false for dynamic, reserved and unassigned ones.
func Static(payloadType uint8) (c Codec, ok bool) {
	if int(payloadType) >= len(static) {
		return c, false
	}
	c = static[payloadType]
	return c, c.Name != ""
}

// IsComfortNoise reports whether a payload type is that of comfort noise.
func IsComfortNoise(payloadType uint8) bool {
	return payloadType == TypeComfortNoise || payloadType == TypeOldComfortNoise
}

// MaxSilence is the most octets of payload that DescribesSilence knows for silence.
const MaxSilence = 12

// DescribesSilence reports whether a payload of n octets, of a packet of audio, is a description of
// silence, or says that there is nothing to send: a sender that stops behind it has not failed.
// G.729 has frames of 10 octets and descriptions of 2 (annex B; RFC 3551, section 4.5.6), G.723.1
// descriptions of 4 octets and 1 for nothing (annex A; section 4.5.3). Of dynamic payload types it
// takes 7 octets and less, but for the 4 of a telephone event: AMR and AMR-WB have 7, or 2 for
// nothing (RFC 4867), EVS 6 and 7, Opus 1 to 3, and no speech is as short.
func DescribesSilence(payloadType uint8, n int) bool {
	switch {
	case n <= 0 || n > MaxSilence:
		return false
	case payloadType >= FirstDynamic:
		return n <= 7 && n != 4
	}
	switch static[payloadType].Name {
	case "G729":
		return n%10 == 2
	case "G723":
		return n == 4 || n == 1
	}
	return false
}

// rates are the clock rates in use, and how much worse a match with a rare one counts:
// those of old sound cards, of which two are near to others.
var rates = [...]struct {
	rate int
	rare float64
}{
	{8000, 0}, {11025, 0.03}, {12000, 0.03}, {16000, 0}, {22050, 0.03}, {24000, 0.03}, {32000, 0}, {44100, 0.03}, {48000, 0}, {90000, 0},
}

// NearestRate returns the clock rate in use that a measured one stands for: the nearest
// within 12 %, 0 for none.
func NearestRate(measured float64) int {
	best, off := 0, 0.12
	for _, r := range rates {
		d := measured/float64(r.rate) - 1
		if d < 0 {
			d = -d
		}
		if d += r.rare; d < off {
			best, off = r.rate, d
		}
	}
	return best
}
