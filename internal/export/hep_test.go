package export

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/sipmsg"
)

const options = "OPTIONS sip:bob@example.com SIP/2.0\r\nCall-ID: a84b4c76e66710\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

func messageOf(t *testing.T, text string) *analysis.Message {
	t.Helper()
	s := new(sipmsg.Message)
	if err := s.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return &analysis.Message{
		Time: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), Transport: "UDP", SIP: s,
		Source: netip.MustParseAddrPort("192.0.2.1:5060"), Destination: netip.MustParseAddrPort("192.0.2.2:5080"),
	}
}

// TestAppendHEP holds that what is sent is read again as what it was.
func TestAppendHEP(t *testing.T) {
	for _, tt := range []struct{ transport, src, dst, want string }{
		{"UDP", "192.0.2.1:5060", "192.0.2.2:5080", ""},
		{"TCP", "[2001:db8::1]:5060", "[2001:db8::2]:5080", ""},
		{"TLS", "192.0.2.1:5061", "192.0.2.2:40000", ""},
		{"SCTP", "[::ffff:192.0.2.1]:5060", "192.0.2.2:5080", "192.0.2.1:5060"},
		{"WS", "192.0.2.1:80", "192.0.2.2:40000", ""},
		{"WSS", "192.0.2.1:443", "192.0.2.2:40000", ""},
		{"UDP", "192.0.2.1:5060", "[2001:db8::2]:5080", "[::ffff:192.0.2.1]:5060"},
	} {
		m := messageOf(t, options)
		m.Transport, m.Source, m.Destination = tt.transport, netip.MustParseAddrPort(tt.src), netip.MustParseAddrPort(tt.dst)
		b, ok := AppendHEP([]byte("before"), m)
		if !ok {
			t.Fatalf("%v is not sent", tt)
		}
		agent := capgen.NewFlow("10.0.0.1:40000", "10.0.0.2:9060")
		got := hepMessages(t, capgen.Ether(agent.UDP(strings.TrimPrefix(string(b), "before"))))
		if len(got) != 1 {
			t.Fatalf("%v: %d messages", tt, len(got))
		}
		want := tt.transport
		if want == "WSS" { // HEP has one number for both
			want = "WS"
		}
		if tt.want == "" {
			tt.want = tt.src
		}
		if g := got[0]; g.transport != want || g.src.String() != tt.want || g.dst != m.Destination || g.text != options || !g.time.Equal(m.Time.Truncate(time.Microsecond)) {
			t.Errorf("%v came through as %+v", tt, g)
		}
		if !strings.Contains(string(b), "\x00\x00\x00\x11\x00\x14a84b4c76e66710") {
			t.Errorf("no correlation id in %q", b)
		}
	}
}

type heard struct {
	transport string
	src, dst  netip.AddrPort
	time      time.Time
	text      string
}

func hepMessages(t *testing.T, frames ...string) (list []heard) {
	t.Helper()
	r, err := capture.NewReader(t.Context(), strings.NewReader(string(capgen.Pcap(capgen.Packets(1, frames...)))), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := analysis.Run(t.Context(), r, analysis.Options{Message: func(m *analysis.Message) error {
		list = append(list, heard{m.Transport, m.Source, m.Destination, m.Time, string(m.SIP.Raw())})
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestHEPRefused holds that what HEP cannot say is not said wrongly.
func TestHEPRefused(t *testing.T) {
	early, late, large, nowhere := messageOf(t, options), messageOf(t, options), messageOf(t, options+strings.Repeat("x", 65535-100)), messageOf(t, options)
	early.Time = time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)
	late.Time = time.Date(2107, 1, 1, 0, 0, 0, 0, time.UTC)
	nowhere.Source = netip.AddrPort{}
	for i, m := range []*analysis.Message{early, late, large, nowhere} {
		if b, ok := AppendHEP([]byte("x"), m); ok || string(b) != "x" {
			t.Errorf("message %d became %d octets", i, len(b))
		}
	}
}

// TestHEPSend sends over loopback: a datagram a message over UDP, one behind the other over
// TCP. Every so many messages the sender waits, for as long as its rate wants it to.
func TestHEPSend(t *testing.T) {
	m := messageOf(t, options)
	want, _ := AppendHEP(nil, m)
	const n = 2*hepStep + 1

	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	waits := sendAll(t, server.LocalAddr().String(), false, m, n)
	b := make([]byte, 1<<16)
	for i := range 20 { // the buffer of the system may hold no more
		k, _, err := server.ReadFrom(b)
		if err != nil || string(b[:k]) != string(want) {
			t.Fatalf("datagram %d: %q, %v", i, b[:k], err)
		}
	}
	if len(waits) != 2 || waits[1]-waits[0] != hepStep*time.Second/hepRate {
		t.Errorf("waits %v", waits)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := make(chan string)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		all, _ := io.ReadAll(conn)
		got <- string(all)
	}()
	sendAll(t, listener.Addr().String(), true, m, n)
	if all := <-got; !strings.HasPrefix(all, strings.Repeat(string(want), n)) || len(all) != n*len(want)+65520 {
		t.Errorf("%d octets over TCP, want %d", len(all), n*len(want))
	}
}

// sendAll sends a message n times and returns when it waited for.
func sendAll(t *testing.T, address string, tcp bool, m *analysis.Message, n int) (waits []time.Duration) {
	t.Helper()
	h, err := DialHEP(t.Context(), address, tcp)
	if err != nil {
		t.Fatal(err)
	}
	h.wait = func(ctx context.Context, until time.Time) error {
		waits = append(waits, until.Sub(h.begin))
		return nil
	}
	for range n {
		if err := h.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	large := messageOf(t, options+strings.Repeat("x", 70000))
	if err := h.Send(large); err != nil || h.LeftOut != 1 || h.Sent != int64(n) {
		t.Errorf("%v; %d sent, %d left out", err, h.Sent, h.LeftOut)
	}
	b, _ := AppendHEP(nil, m)
	large = messageOf(t, options+strings.Repeat("x", 65520-len(b)))
	if err := h.Send(large); err != nil || (h.LeftOut == 1) != tcp {
		t.Errorf("too large for a datagram: %v; %d left out", err, h.LeftOut)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	return waits
}

// TestHEPFails holds that a server that is not there, or goes away, is an error.
func TestHEPFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h, err := DialHEP(ctx, address, true)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for err == nil { // the connection is closed in a goroutine of its own
		err = h.Send(messageOf(t, options))
	}
	if err != context.Canceled {
		t.Errorf("behind the end of the context: %v", err)
	}
	listener.Close()
	if _, err := DialHEP(t.Context(), address, true); err == nil {
		t.Error("nobody listens, and there is no error")
	}
	if _, err := DialHEP(t.Context(), "no-port", false); err == nil {
		t.Error("an address without a port is taken")
	}
	if err := waitUntil(ctx, time.Now().Add(time.Hour)); err != context.Canceled {
		t.Errorf("waiting is not ended by the context: %v", err)
	}
	if err := waitUntil(t.Context(), time.Time{}); err != nil {
		t.Errorf("waiting for what is past: %v", err)
	}
}
