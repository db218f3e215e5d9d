package media

import (
	"encoding/binary"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/pcapfile"
)

// WriteRTP writes a capture for SIPp to play: n packets of G.729, 20 ms each, which are small.
func WriteRTP(w io.Writer, ssrc uint32, n int) error {
	flow := capgen.NewFlow("127.0.0.1:6000", "127.0.0.1:6000")
	var list []Packet
	for i := range n {
		b := []byte{0x80, 18}
		b = binary.BigEndian.AppendUint16(b, uint16(1000+i))
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, uint32(160*i)), ssrc)
		b = append(b, strings.Repeat("\x1c", 20)...)
		list = append(list, Packet{time.Unix(1e9, 0).Add(time.Duration(i) * 20 * time.Millisecond), flow.Src, flow.Dst, b})
	}
	return WriteCapture(w, list)
}

// WriteUDPTL writes a capture for SIPp to play: n packets of a fax, each with an indicator and with the
// one before for redundancy.
func WriteUDPTL(w io.Writer, n int) error {
	flow := capgen.NewFlow("127.0.0.1:6000", "127.0.0.1:6000")
	var list []Packet
	for i := range n {
		b := binary.BigEndian.AppendUint16(nil, uint16(i))
		b = append(b, 1, 6, 0, 1, 1, 6) // a primary packet of one octet, no repair by parity, one packet again
		list = append(list, Packet{time.Unix(1e9, 0).Add(time.Duration(i) * 30 * time.Millisecond), flow.Src, flow.Dst, b})
	}
	return WriteCapture(w, list)
}

// WriteCapture writes datagrams as a capture.
func WriteCapture(w io.Writer, list []Packet) error {
	p, err := pcapfile.NewWriter(w, pcapfile.Header{LinkType: 1, FCSLen: -1, Nanosecond: false, SnapLen: 65535})
	if err != nil {
		return err
	}
	ids := map[netip.AddrPort]uint16{}
	for _, x := range list {
		ids[x.Src]++
		frame := capgen.Ether(capgen.Flow{Src: x.Src, Dst: x.Dst, ID: ids[x.Src]}.UDP(string(x.Data)))
		if err := p.Write(pcapfile.Packet{Time: x.Time, OrigLen: int64(len(frame)), Data: []byte(frame)}); err != nil {
			return err
		}
	}
	return nil
}
