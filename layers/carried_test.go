package layers_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/layers"
)

// inners are the packets that are carried in others, and the flow that must be found.
var inners = []struct{ name, ip, flow string }{
	{"IPv4", capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5062").UDP("hello"), flow4},
	{"IPv6", capgen.NewFlow("[2001:db8::1]:5060", "[2001:db8::2]:5062").UDP("hello"), flow6},
}

// TestTunnels looks into everything that packets are carried in.
func TestTunnels(t *testing.T) {
	for _, tunnel := range capgen.Tunnels() {
		for _, in := range inners {
			t.Run(tunnel.Name+"/"+in.name, func(t *testing.T) {
				var f layers.Frame
				err := f.Decode(layers.LinkType(tunnel.Link), 0, clip(tunnel.Wrap(in.ip)))
				if err != nil || flow(&f) != in.flow || string(f.Payload) != "hello" || f.Missing != 0 {
					t.Fatalf("%v, %s, %q, %d octets missing", err, flow(&f), f.Payload, f.Missing)
				}
				note := ""
				if n := len(f.Tunnels); n > 0 {
					note = strings.ToLower(f.Tunnels[n-1].Kind.String())
				}
				if strings.HasPrefix(tunnel.Name, "VXLAN in") { // with a tag inside
					note = strings.ToLower(f.Tunnels[1].Kind.String())
				}
				if tunnel.Note != note && tunnel.Note != "mpls" {
					t.Errorf("the tunnel is %q, want %q", note, tunnel.Note)
				}
			})
		}
	}
}

// TestLinks reads every link layer that is known.
func TestLinks(t *testing.T) {
	known := map[layers.LinkType]bool{layers.SCTPOnly: true, layers.IPv4Only: true, layers.IPv6Only: true}
	for _, link := range capgen.Links() {
		known[layers.LinkType(link.Type)] = true
		for _, in := range inners {
			t.Run(link.Name+"/"+in.name, func(t *testing.T) {
				var f layers.Frame
				err := f.Decode(layers.LinkType(link.Type), 0, clip(link.Wrap(in.ip)))
				if err != nil || flow(&f) != in.flow || string(f.Payload) != "hello" {
					t.Fatalf("%v, %s, %q", err, flow(&f), f.Payload)
				}
			})
		}
	}
	for l := range layers.LinkType(300) {
		if l.Supported() && !known[l] {
			t.Errorf("link type %v is not tried", l)
		}
	}
}

// TestMPLSGuess: what a label stack carries is told from the octets behind it, also where
// an address reads like an EtherType, or an Ethernet address like an IP header.
func TestMPLSGuess(t *testing.T) {
	label := "\x00\x01\x01\x40"
	typ := u16(0x8847)
	dst := func(mac byte, frame string) string { return string([]byte{mac}) + frame[1:] }
	for _, c := range []struct{ name, in, want string }{
		{"a source of 8.0.0.1", capgen.NewFlow("8.0.0.1:5060", "192.0.2.2:5062").UDP("hello"), "8.0.0.1:5060 > 192.0.2.2:5062"},
		{"a source of 2001:db8:800::1", capgen.NewFlow("[2001:db8:800::1]:5060", "[2001:db8::2]:5062").UDP("hello"), "[2001:db8:800::1]:5060 > [2001:db8::2]:5062"},
		{"a destination that begins like IPv4", dst(0x46, capgen.Ether(inners[0].ip)), flow4},
		{"a destination that begins like IPv6", dst(0x6c, capgen.Ether(inners[1].ip)), flow6},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f layers.Frame
			err := f.Decode(layers.Ethernet, 0, clip(zeros(12)+typ+label+c.in))
			if err != nil || flow(&f) != c.want || string(f.Payload) != "hello" {
				t.Errorf("%v, %s, %q", err, flow(&f), f.Payload)
			}
		})
	}
}

// TestTransportForgets: a datagram that was put together from fragments inside of a tunnel
// has nothing to do with the packet that was decoded last.
func TestTransportForgets(t *testing.T) {
	vxlan := func(ip string) []byte {
		return clip(capgen.NewFlow("198.51.100.1:4789", "198.51.100.2:4789").UDP("\x08\x00\x00\x00\x00\x00\x01\x00" + capgen.Ether(ip)))
	}
	var f layers.Frame
	if err := f.Decode(layers.Raw, 0, vxlan(frag4(17, 0x2000, "12345678"))); err != layers.ErrFragment {
		t.Fatal(err)
	}
	kept := f // as reassembly keeps it
	if err := f.Decode(layers.Raw, 0, vxlan(inners[0].ip)); err != nil {
		t.Fatal(err)
	}
	if err := kept.Transport([]byte("short"), 0); err != layers.ErrTruncated || string(kept.Payload) != "short" {
		t.Errorf("%v, %q", err, kept.Payload)
	}
}

// TestTeredo: IPv6 in UDP, with and without the origin in front of it.
func TestTeredo(t *testing.T) {
	for _, origin := range []bool{false, true} {
		var f layers.Frame
		err := f.Decode(layers.Raw, 0, clip(capgen.Teredo(inners[1].ip, origin)))
		if err != nil || flow(&f) != flow6 || string(f.Payload) != "hello" || len(f.Tunnels) != 1 || f.Tunnels[0].Kind != layers.Teredo {
			t.Errorf("origin %t: %v, %s, %q in %v", origin, err, flow(&f), f.Payload, f.Tunnels)
		}
	}
}

// TestTunnelDepth: packets lie in packets up to a depth that is known, and nothing breaks
// below it.
func TestTunnelDepth(t *testing.T) {
	wrap := capgen.NewFlow("198.51.100.1:0", "198.51.100.2:0")
	for _, c := range []struct {
		name  string
		depth int
		want  error
	}{
		{"16 deep", 16, nil},
		{"17 deep", 17, layers.ErrTooDeep},
		{"2000 deep", 2000, layers.ErrTooDeep},
	} {
		t.Run(c.name, func(t *testing.T) {
			ip := inners[0].ip
			for range c.depth {
				ip = wrap.IP(4, ip)
			}
			var f layers.Frame
			if err := f.Decode(layers.Raw, 0, clip(ip)); err != c.want {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if c.want == nil && (flow(&f) != flow4 || len(f.Tunnels) != c.depth) {
				t.Errorf("%s in %d tunnels", flow(&f), len(f.Tunnels))
			}
		})
	}
}

// TestPortOfTunnel: the port of a tunnel alone makes none. Whatever SIP may begin with
// stays a payload.
func TestPortOfTunnel(t *testing.T) {
	for _, port := range []string{"1701", "2152", "3544", "4500", "4789", "4790", "5247", "6081", "8472"} {
		for _, text := range []string{
			"ACK ", "BYE ", "CANCEL ", "INFO ", "INVITE ", "MESSAGE ", "NOTIFY ", "OPTIONS ", "PRACK ", "PUBLISH ", "REFER ",
			"REGISTER ", "SUBSCRIBE ", "UPDATE ", "SIP/2.0 200 OK", "invite ", "KDMQ ", "\r\n\r\n\r\n\r\n", "00000000", "<<<<", "BBBB", "%%",
		} {
			text += "sip:bob@example.com SIP/2.0\r\nCall-ID: x\r\n\r\n"
			for _, fl := range []capgen.Flow{
				capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:"+port),
				capgen.NewFlow("192.0.2.1:"+port, "192.0.2.2:5060"),
			} {
				var f layers.Frame
				err := f.Decode(layers.Raw, 0, clip(fl.UDP(text)))
				if err != nil || string(f.Payload) != text || f.Src != fl.Src || f.Dst != fl.Dst {
					t.Errorf("port %s, %q: %v, %s, %q", port, text[:8], err, flow(&f), f.Payload)
				}
			}
		}
	}
}
