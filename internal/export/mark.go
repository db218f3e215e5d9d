package export

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// maxSent bounds the packets of which it is remembered that they were taken, for the ICMP
// errors that follow them within moments.
const maxSent = 1 << 14

// Mark reads all packets, in the same order as the analysis did, and marks those that the
// marked messages need.
func (p *Plan) Mark(r *capture.Reader) error {
	u := unpacker{look: p.look}
	return u.read(r)
}

// look decides about a packet, or the fragments of one, that holds f.
func (p *Plan) look(f *layers.Frame, err error, refs []reassembly.Ref, now time.Time) {
	chosen := p.anyMarked(refs)
	if chosen {
		p.markAll(refs)
	}
	if err != nil {
		return
	}
	switch f.Proto {
	case layers.UDP:
		if !chosen && p.isMedia(f, now) {
			chosen = true
			p.Media += p.markAll(refs)
		}
	case layers.TCP:
		if !chosen && p.isSession(f, now) {
			chosen = true
			p.Media += p.markAll(refs)
		} else {
			chosen = p.segment(f, refs, chosen)
		}
	case layers.SCTP:
		if k, _ := pairOf(f.Src, f.Dst); !chosen && p.flows[k].whole() {
			chosen = true
			p.markAll(refs)
		}
	case layers.ICMP, layers.ICMPv6:
		if !chosen && p.quotesChosen(f) {
			p.markAll(refs)
		}
		return
	}
	if chosen {
		p.sent.add(sentKey{f.Src, f.Dst, f.IPID})
	}
}

func frameOf(r reassembly.Ref) analysis.Frame { return analysis.Frame{File: r.File, Number: r.Frame} }

func (p *Plan) anyMarked(refs []reassembly.Ref) bool {
	for _, r := range refs {
		if p.isMarked(frameOf(r)) {
			return true
		}
	}
	return false
}

// markAll marks packets and returns how many of them were not marked yet.
func (p *Plan) markAll(refs []reassembly.Ref) (n int64) {
	for _, r := range refs {
		if p.mark(frameOf(r)) {
			n++
		}
	}
	return n
}

// isMedia reports whether a datagram goes where a chosen call has its media. SIP is none,
// though somebody may announce the port of SIP for media.
func (p *Plan) isMedia(f *layers.Frame, now time.Time) bool {
	if len(p.media) == 0 || !p.media.has(f.Dst, now) && !p.media.has(f.Src, now) || sipmsg.Sniff(f.Payload) {
		return false
	}
	k, _ := pairOf(plain(f.Src), plain(f.Dst))
	return !p.others[k]
}

// isSession reports whether a segment is of a connection to an address that a chosen call announced
// for messages or for the floor. A connection that carries SIP is none, whatever was announced.
func (p *Plan) isSession(f *layers.Frame, now time.Time) bool {
	if len(p.conn) == 0 || !p.conn.has(f.Dst, now) && !p.conn.has(f.Src, now) {
		return false
	}
	k, _ := pairOf(f.Src, f.Dst)
	_, carriesSIP := p.flows[k]
	return !carriesSIP
}

// quotesChosen reports whether an ICMP error quotes a packet that was taken. What it quotes
// of SIP may tell by its Call-ID; the least it quotes are the addresses and ports.
func (p *Plan) quotesChosen(f *layers.Frame) bool {
	quote := f.Quote()
	if quote == nil {
		return false
	}
	q := &p.quoted
	err := q.DecodeIP(quote)
	src, dst := q.Src, q.Dst
	if err == layers.ErrFragment && q.Fragment.Offset == 0 && len(q.Payload) >= 4 {
		src = netip.AddrPortFrom(src.Addr(), binary.BigEndian.Uint16(q.Payload))
		dst = netip.AddrPortFrom(dst.Addr(), binary.BigEndian.Uint16(q.Payload[2:]))
	} else if err == nil && q.Proto == layers.UDP && sipmsg.Sniff(q.Payload) && p.sip.ParseCut(q.Payload) == nil {
		if v := analysis.CallID(&p.sip); len(v) > 0 {
			id := p.ids[string(v)]
			switch {
			case id == nil:
				return false
			case !id.mixed:
				return true
			}
		}
	}
	return p.sent.has(sentKey{src, dst, q.IPID})
}

// A sentKey names a packet for the ICMP errors that quote it.
type sentKey struct {
	src, dst netip.AddrPort
	ipid     uint32
}

// A sentTable remembers the packets that were taken last.
type sentTable struct {
	m    map[sentKey]int // how often it stands in the ring
	ring []sentKey
	next int
}

func (t *sentTable) add(k sentKey) {
	if t.m == nil {
		t.m = make(map[sentKey]int)
	}
	if len(t.ring) < maxSent {
		t.ring = append(t.ring, k)
	} else {
		old := t.ring[t.next]
		if t.m[old]--; t.m[old] == 0 {
			delete(t.m, old)
		}
		t.ring[t.next] = k
		t.next = (t.next + 1) % maxSent
	}
	t.m[k]++
}

func (t *sentTable) has(k sentKey) bool { return t.m[k] > 0 }
