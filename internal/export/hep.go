package export

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// The chunks of HEP3 that are sent, all of vendor 0, as Homer's agents send them.
const (
	hepFamily      = 1 // 2 for IPv4, 10 for IPv6
	hepProtocol    = 2 // IP protocol number
	hepSource4     = 3
	hepTarget4     = 4
	hepSource6     = 5
	hepTarget6     = 6
	hepSourcePort  = 7
	hepTargetPort  = 8
	hepSeconds     = 9
	hepMicros      = 10
	hepKind        = 11 // 1: SIP
	hepAgent       = 12
	hepPayload     = 15
	hepCorrelation = 17
)

const (
	// hepAgentID is the number that the messages come from: 2001 is what Homer's own
	// agents have from the start.
	hepAgentID = 2001

	// maxHEP is the longest packet over TCP, whose length has 16 bits, maxHEPDatagram
	// over UDP.
	maxHEP         = math.MaxUint16
	maxHEPDatagram = 65507 - 20 // of IPv6 as well

	// maxCorrelation bounds how much of a Call-ID is sent beside the message.
	maxCorrelation = 1024

	// hepRate bounds the messages in a second: servers lose what comes faster over UDP.
	// They are counted in steps of hepStep.
	hepRate = 2000
	hepStep = 50

	// hepWait bounds a write.
	hepWait = 10 * time.Second
)

// AppendHEP appends a message as a packet of HEP3, with its own time and addresses, and its
// Call-ID to correlate it by. ok is false for what HEP cannot say: a message of over 64 kB,
// or of a time outside of 1970 to 2106.
func AppendHEP(b []byte, m *analysis.Message) (out []byte, ok bool) {
	start := len(b)
	src, dst := m.Source.Addr().Unmap(), m.Destination.Addr().Unmap()
	sec := m.Time.Unix()
	if !src.IsValid() || !dst.IsValid() || sec < 0 || sec > math.MaxUint32 {
		return b, false
	}
	if src.Is4() != dst.Is4() {
		src, dst = netip.AddrFrom16(src.As16()), netip.AddrFrom16(dst.As16())
	}
	b = append(b, "HEP3\x00\x00"...)
	family, source, target := byte(2), uint16(hepSource4), uint16(hepTarget4)
	if src.Is6() {
		family, source, target = 10, hepSource6, hepTarget6
	}
	b = appendChunk(b, hepFamily, []byte{family})
	b = appendChunk(b, hepProtocol, []byte{hepProtocolOf(m.Transport)})
	b = appendChunk(b, source, src.AsSlice())
	b = appendChunk(b, target, dst.AsSlice())
	b = appendChunk(b, hepSourcePort, binary.BigEndian.AppendUint16(nil, m.Source.Port()))
	b = appendChunk(b, hepTargetPort, binary.BigEndian.AppendUint16(nil, m.Destination.Port()))
	b = appendChunk(b, hepSeconds, binary.BigEndian.AppendUint32(nil, uint32(sec)))
	b = appendChunk(b, hepMicros, binary.BigEndian.AppendUint32(nil, uint32(m.Time.Nanosecond()/1000)))
	b = appendChunk(b, hepKind, []byte{1})
	b = appendChunk(b, hepAgent, binary.BigEndian.AppendUint32(nil, hepAgentID))
	if id, ok := m.SIP.First(sipmsg.CallID); ok && len(id) > 0 {
		b = appendChunk(b, hepCorrelation, id[:min(len(id), maxCorrelation)])
	}
	raw := m.SIP.Raw()
	if len(b)-start+6+len(raw) > maxHEP {
		return b[:start], false
	}
	b = appendChunk(b, hepPayload, raw)
	binary.BigEndian.PutUint16(b[start+4:], uint16(len(b)-start))
	return b, true
}

// appendChunk appends a chunk: vendor, type, length, value.
func appendChunk(b []byte, typ uint16, v []byte) []byte {
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, typ)
	b = binary.BigEndian.AppendUint16(b, uint16(6+len(v)))
	return append(b, v...)
}

// hepProtocolOf returns the protocol number of a transport. TLS and WebSockets have none of
// their own: Homer knows them by numbers that are theirs by use.
func hepProtocolOf(transport string) byte {
	switch transport {
	case "TCP":
		return 6
	case "TLS":
		return 22
	case "SCTP":
		return 132
	case "WS", "WSS":
		return 50
	}
	return 17
}

// A HEP sends messages to a server of HEP3.
type HEP struct {
	Sent    int64
	LeftOut int64 // messages that HEP cannot say

	ctx   context.Context
	conn  net.Conn
	stop  func() bool
	most  int
	buf   []byte
	begin time.Time
	wait  func(ctx context.Context, until time.Time) error
}

// DialHEP connects to a server, over UDP or TCP. The context bounds everything that is sent.
func DialHEP(ctx context.Context, address string, tcp bool) (*HEP, error) {
	network, most := "udp", maxHEPDatagram
	if tcp {
		network, most = "tcp", maxHEP
	}
	d := net.Dialer{Timeout: hepWait}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	h := &HEP{ctx: ctx, conn: conn, most: most, begin: time.Now(), wait: waitUntil}
	h.stop = context.AfterFunc(ctx, func() { conn.Close() })
	return h, nil
}

// Send sends a message.
func (h *HEP) Send(m *analysis.Message) error {
	var ok bool
	if h.buf, ok = AppendHEP(h.buf[:0], m); !ok || len(h.buf) > h.most {
		h.LeftOut++
		return nil
	}
	if h.Sent > 0 && h.Sent%hepStep == 0 {
		due := h.begin.Add(time.Duration(h.Sent) * time.Second / hepRate)
		if err := h.wait(h.ctx, due); err != nil {
			return err
		}
	}
	h.conn.SetWriteDeadline(time.Now().Add(hepWait))
	if _, err := h.conn.Write(h.buf); err != nil {
		if e := h.ctx.Err(); e != nil {
			return e
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("nobody takes HEP at %v: connection refused", h.conn.RemoteAddr())
		}
		return err
	}
	h.Sent++
	return nil
}

// Close closes the connection.
func (h *HEP) Close() error {
	h.stop()
	return h.conn.Close()
}

func waitUntil(ctx context.Context, due time.Time) error {
	t := time.NewTimer(time.Until(due))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
