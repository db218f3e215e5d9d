package export

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"sort"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/audio"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/rtp"
)

const (
	// maxVoices bounds the streams of one call that are heard: those with the most packets.
	maxVoices = 64

	// takeOver is how long a stream must have been silent before another one of the same
	// side, with fewer packets, is heard; or by how much that outlasts one that is over.
	takeOver = time.Second
)

// An Audio is the sound of one call: what the caller sent on the left, what the callee sent on
// the right. A side is heard in one stream at a time: where it has several at once, as behind
// a relay that was captured on both sides, in the one with the most packets.
type Audio struct {
	Rate int // of the file, in Hz

	// Of Write.
	Length    time.Duration
	Heard     [2]int64      // packets of the caller, of the callee; what comes twice counts once
	Replaced  int64         // packets sent while a better stream of the same side was heard
	Late      int64         // packets that came too late
	Other     int64         // packets of other codecs: silence
	Cut       int64         // packets whose end was not captured
	Shortened time.Duration // silence of both sides that was left out
	Full      bool          // audio.MaxOctets ended it

	LeftOut []string // streams that cannot be written, and why: phrases, no text of the capture unescaped

	named  int // streams in LeftOut
	voices map[voiceKey]*voice
	sides  [2][]*voice // the best first
	mixer  *audio.Mixer
	start  time.Time
	begun  bool
	open   int // voices whose last packet is still to come
	pcm    []int16
}

type voiceKey struct {
	src, dst netip.AddrPort
	ssrc     uint32
}

// A voice is one stream that is heard.
type voice struct {
	s       *analysis.Stream
	first   analysis.Frame // other calls may have its ports and its SSRC before …
	last    analysis.Frame // … and behind it
	begun   bool
	ended   bool
	end     time.Time // of the last packet
	heard   bool
	heardAt time.Time // for the last time
	side    int
	rate    int
	clock   audio.Clock
	decoder [128]*audio.Decoder // of payload types; nil: not one of these
	quiet   [128]bool           // payload types that are no sound: comfort noise, telephone events
}

// A SilentError says why nothing of a call can be heard.
type SilentError struct{ Reasons []string }

func (e *SilentError) Error() string { return strings.Join(e.Reasons, "; ") }

// NewAudio returns the sound of a call. The error is a *SilentError.
func NewAudio(c *analysis.Call) (*Audio, error) {
	a := &Audio{voices: make(map[voiceKey]*voice)}
	var list []*voice
	any := false
	for _, l := range c.Legs {
		if l.Media == nil {
			continue
		}
		for _, s := range l.Media.Streams {
			if s.Kind == "video" {
				continue
			}
			any = true
			v, why := newVoice(s)
			if v == nil {
				a.leave(s, why)
				continue
			}
			list = append(list, v)
		}
	}
	sort.SliceStable(list, func(i, k int) bool { return list[i].s.Report().Packets > list[k].s.Report().Packets })
	if len(list) > maxVoices {
		a.LeftOut = append(a.LeftOut, fmt.Sprintf("%d more streams are left out: at most %d are heard", len(list)-maxVoices, maxVoices))
		list = list[:maxVoices]
	}
	for _, v := range list {
		a.Rate = max(a.Rate, v.rate)
		k := voiceKey{v.s.Source(), v.s.Destination(), v.s.SSRC()}
		if old := a.voices[k]; old != nil { // it began anew
			old.extend(v)
			continue
		}
		a.voices[k] = v
		a.sides[v.side] = append(a.sides[v.side], v)
	}
	switch {
	case len(list) > 0:
		return a, nil
	case !any:
		return nil, &SilentError{[]string{"the capture holds no audio of it"}}
	}
	return nil, &SilentError{a.LeftOut}
}

// maxLeftOut bounds the streams that are named as left out.
const maxLeftOut = 8

// leave names a stream that is left out, with the last one where that is for the same reason; what begins anew at the same address once.
func (a *Audio) leave(s *analysis.Stream, why string) {
	what := fmt.Sprintf("what the %s sent to %v", s.SentBy, s.Destination())
	if n := len(a.LeftOut) - 1; n >= 0 {
		if others, ok := strings.CutSuffix(a.LeftOut[n], " "+why); ok {
			if others = strings.TrimSuffix(others, ","); !strings.Contains(others+",", what+",") && a.named < maxLeftOut {
				a.named++
				a.LeftOut[n] = others + ", and " + what + ", " + why
			}
			return
		}
	}
	if a.named < maxLeftOut {
		a.named++
		a.LeftOut = append(a.LeftOut, what+" "+why)
	}
}

// newVoice returns how a stream is heard, nil and why if it cannot be.
func newVoice(s *analysis.Stream) (*voice, string) {
	if s.Encrypted() {
		return nil, "is encrypted (SRTP), and its keys are not looked for"
	}
	v := &voice{s: s, first: s.First, last: s.Last(), end: s.End()}
	if s.SentBy == analysis.Callee {
		v.side = 1
	}
	for _, t := range s.Types() {
		c := s.CodecOf(t)
		if event, ok := s.EventType(); ok && event == t || rtp.IsComfortNoise(t) || strings.EqualFold(c.Name, "CN") || strings.EqualFold(c.Name, "telephone-event") {
			v.quiet[t&127] = true
			continue
		}
		d, ok := audio.NewDecoder(c.Name, c.Channels)
		if !ok || c.ClockRate < audio.MinRate || c.ClockRate > audio.MaxRate || v.rate != 0 && v.rate != c.ClockRate {
			continue
		}
		v.rate = c.ClockRate
		v.decoder[t&127] = &d
	}
	if v.rate == 0 {
		name := s.CodecOf(s.Type).Name
		if name == "" {
			name = fmt.Sprintf("of payload type %d, which no session description explains", s.Type)
		}
		return nil, "is " + clean.Text(name) + ", and only G.711 (PCMU, PCMA) and L16 can be written as sound"
	}
	v.clock.Rate = v.rate
	return v, ""
}

// extend makes the voice that of two streams with the same ports and SSRC.
func (v *voice) extend(x *voice) {
	if x.s.Begin().Before(v.s.Begin()) {
		v.first = x.first
	} else {
		v.last, v.end = x.last, x.end
	}
	for t := range v.decoder {
		if v.decoder[t] == nil && x.rate == v.rate {
			v.decoder[t] = x.decoder[t]
		}
		v.quiet[t] = v.quiet[t] || x.quiet[t]
	}
}

// Write reads all packets, in the same order as the analysis did, and writes samples of 16 bits,
// left and right in turn. The header of a WAV file is left to the caller.
func (a *Audio) Write(w io.Writer, r *capture.Reader) error {
	a.mixer = audio.NewMixer(w, a.Rate)
	a.open = len(a.voices)
	u := unpacker{look: a.look, enough: func() bool { return a.open == 0 }}
	if err := u.read(r); err != nil {
		return err
	}
	if a.open > 0 {
		return ErrChanged
	}
	err := a.mixer.Finish()
	a.Length, a.Shortened, a.Full = a.mixer.Length(), a.mixer.Shortened, a.mixer.Full
	return err
}

// Octets returns how many octets Write wrote.
func (a *Audio) Octets() int64 { return a.mixer.Octets() }

// look takes in a datagram if it is one of the streams.
func (a *Audio) look(f *layers.Frame, err error, refs []reassembly.Ref, now time.Time) {
	if err != nil || f.Proto != layers.UDP {
		return
	}
	b := f.Payload
	if rtp.Classify(b) == rtp.ChannelData { // of TURN
		b = b[4 : 4+int(binary.BigEndian.Uint16(b[2:]))]
	}
	if rtp.Classify(b) != rtp.RTP {
		return
	}
	v := a.voices[voiceKey{f.Src, f.Dst, binary.BigEndian.Uint32(b[8:])}]
	if v == nil {
		return
	}
	ended := false
	for _, ref := range refs {
		v.begun = v.begun || frameOf(ref) == v.first
		ended = ended || frameOf(ref) == v.last
	}
	if v.begun && !v.ended {
		a.packet(v, b, f.Missing, now)
	}
	if ended && !v.ended {
		v.ended = true
		a.open--
	}
}

// packet takes in a packet of a stream.
func (a *Audio) packet(v *voice, b []byte, missing int, now time.Time) {
	var h rtp.Header
	decode := h.Decode
	if missing > 0 {
		decode = h.DecodeCut
	}
	if decode(b) != nil {
		return
	}
	if !a.begun {
		a.begun, a.start = true, now
	}
	at, ok := v.clock.Place(h.Seq, h.Timestamp, now.Sub(a.start), h.Marker)
	if v.quiet[h.Type] {
		return
	}
	d := v.decoder[h.Type]
	if d == nil {
		a.Other++
		return
	}
	if a.covered(v, now) {
		a.Replaced++
		return
	}
	if missing > 0 {
		a.Cut++
	}
	a.pcm = d.Append(a.pcm[:0], h.Payload)
	switch {
	case len(a.pcm) == 0: // padding alone
	case ok && a.mixer.Put(v.side, at, v.rate, a.pcm):
		if a.mixer.Fresh > 0 { // else it was captured or sent twice
			a.Heard[v.side]++
		}
	case !a.mixer.Full:
		a.Late++
	}
}

// covered reports whether a better stream of the same side is heard at that time, and notes
// that this one is heard otherwise.
func (a *Audio) covered(v *voice, now time.Time) bool {
	for _, better := range a.sides[v.side] {
		if better == v {
			break
		}
		if better.heard && now.Sub(better.heardAt) < takeOver && !v.follows(better) {
			return true
		}
	}
	v.heard, v.heardAt = true, now
	return false
}

// follows reports whether a voice goes on where another one is over, as that of a sender who changes its SSRC. What ends with it may be
// the same on another hop.
func (v *voice) follows(x *voice) bool { return x.ended && v.end.Sub(x.end) > takeOver }
