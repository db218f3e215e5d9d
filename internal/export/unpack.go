package export

import (
	"io"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
)

// An unpacker takes packets apart, as the analysis does, and puts fragments together.
type unpacker struct {
	// look is given every packet that is no fragment, and every datagram that was put
	// together or given up, with the packets that hold it and the time of the last. Its
	// arguments are valid until it returns.
	look func(f *layers.Frame, err error, refs []reassembly.Ref, now time.Time)

	enough func() bool // ends the reading where it says so; nil: never

	order int64
	frame layers.Frame
	one   [1]reassembly.Ref
	frags reassembly.Fragments
}

// read reads all packets.
func (u *unpacker) read(r *capture.Reader) error {
	for u.enough == nil || !u.enough() {
		pkt, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		u.packet(pkt)
	}
	for w := u.frags.Rest(); w != nil; w = u.frags.Rest() {
		u.datagram(w)
	}
	return nil
}

func (u *unpacker) packet(pkt *capture.Packet) {
	u.order++
	f := &u.frame
	err := f.Decode(layers.LinkType(pkt.LinkType), pkt.FCSLen, pkt.Data)
	ref := reassembly.Ref{File: pkt.File, Frame: pkt.Frame, Order: u.order}
	if u.frags.Waiting() {
		for w := u.frags.Expired(pkt.Time); w != nil; w = u.frags.Expired(pkt.Time) {
			u.datagram(w)
		}
	}
	u.decoded(f, err, ref, pkt.Time)
	for f.More() {
		u.decoded(f, f.Next(), ref, pkt.Time)
	}
}

// decoded goes on with a packet that was decoded.
func (u *unpacker) decoded(f *layers.Frame, err error, ref reassembly.Ref, now time.Time) {
	u.one[0] = ref
	if err == layers.ErrFragment {
		u.fragment(f, u.one[:], now)
		return
	}
	u.look(f, err, u.one[:], now)
}

func (u *unpacker) fragment(f *layers.Frame, refs []reassembly.Ref, now time.Time) {
	if w := u.frags.Add(f, refs, now); w != nil {
		u.datagram(w)
	}
}

// datagram goes on with a datagram that was put together, or given up.
func (u *unpacker) datagram(w *reassembly.Datagram) {
	if len(w.Refs) == 0 {
		return
	}
	f := &w.Frame
	err := layers.ErrTruncated // as good as any where there is no beginning
	if !w.NoHead {
		err = f.Transport(w.Payload, w.Missing)
	}
	if err == layers.ErrFragment { // a packet inside of a tunnel, in fragments as well
		u.fragment(f, w.Refs, w.Time)
		return
	}
	u.look(f, err, w.Refs, w.Time)
}
