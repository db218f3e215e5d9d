package layers_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/layers"
)

// TestCarriedCut cuts every link layer and every tunnel at every octet: what is found is the
// front part of what the whole holds, the datagram that carries it, or a refusal; and nothing
// is read behind the end.
func TestCarriedCut(t *testing.T) {
	cut := func(name string, link uint16, whole, flowWant string) {
		for n := range len(whole) {
			var f layers.Frame
			err := f.Decode(layers.LinkType(link), 0, clip(whole[:n]))
			switch err {
			case layers.ErrTruncated, layers.ErrMalformed, layers.ErrUnsupported, layers.ErrEncrypted:
			case nil:
				inside := flow(&f) == flowWant && strings.HasPrefix("hello", string(f.Payload)) && f.Missing == 5-len(f.Payload)
				around := flow(&f) != flowWant && strings.Contains(whole[:n], string(f.Payload)) // of a tunnel that has no end
				if !inside && !around {
					t.Errorf("%s, %d of %d octets: %s, %q, %d octets missing", name, n, len(whole), flow(&f), f.Payload, f.Missing)
				}
			default:
				t.Errorf("%s, %d of %d octets: %v", name, n, len(whole), err)
			}
			if f.Off < 0 || f.Off > n {
				t.Errorf("%s, %d of %d octets: it stopped at %d", name, n, len(whole), f.Off)
			}
		}
	}
	for _, in := range inners {
		for _, x := range capgen.Links() {
			cut(x.Name+"/"+in.name, x.Type, x.Wrap(in.ip), in.flow)
		}
		for _, x := range capgen.Tunnels() {
			cut(x.Name+"/"+in.name, x.Link, x.Wrap(in.ip), in.flow)
		}
	}
	for _, origin := range []bool{false, true} {
		cut("Teredo", 101, capgen.Teredo(inners[1].ip, origin), flow6)
	}
}

// TestEveryTunnelDepth packs every tunnel into itself until it is too deep: then the packet is
// refused, or is the datagram around, and no more tunnels are kept than the limit.
func TestEveryTunnelDepth(t *testing.T) {
	for _, x := range capgen.Tunnels() {
		if x.Link != 101 || x.Note == "esp" || x.Note == "" { // in an IP packet, of any length
			continue
		}
		ip := inners[0].ip
		for range 40 {
			if len(ip) > 60000 {
				break
			}
			ip = x.Wrap(ip)
		}
		var f layers.Frame
		err := f.Decode(layers.Raw, 0, clip(ip))
		if flow(&f) == flow4 || len(f.Tunnels) > 16 || err != nil && err != layers.ErrTooDeep {
			t.Errorf("%s: %v, %s in %d tunnels", x.Name, err, flow(&f), len(f.Tunnels))
		}
	}
}

// TestOddHeaders reads headers that are rare, and refuses those that are none.
func TestOddHeaders(t *testing.T) {
	u4 := ip4(17, udp("hello"))
	ppp := "\x00\x21" + u4
	gre := func(b string) string { return ip4(47, b) }
	wifi := func(control, flags byte, more string) string {
		return string([]byte{control, flags}) + zeros(22) + more
	}
	llc := snap(typeIPv4) + u4
	to := func(port, payload string) string {
		return capgen.NewFlow("198.51.100.1:40000", "198.51.100.2:"+port).UDP(payload)
	}
	const there, refused, broken, cut, sealed, deep = "", "unsupported", "malformed", "truncated", "encrypted", "too deep"
	kinds := map[string]error{
		there: nil, refused: layers.ErrUnsupported, broken: layers.ErrMalformed, cut: layers.ErrTruncated,
		sealed: layers.ErrEncrypted, deep: layers.ErrTooDeep,
	}
	label, bottom := "\x00\x01\x00\x40", "\x00\x01\x01\x40"
	for _, c := range []struct {
		name string
		link layers.LinkType
		in   string
		want string // a kind, or the payload where it is another one
	}{
		{"LLC with IP right behind it", layers.Ethernet, eth(100, "\x06\x06\x03"+u4), there},
		{"VN-tag", layers.Ethernet, eth(0x8926, u32(1)+u16(typeIPv4)+u4), there},
		{"VN-tag, cut", layers.Ethernet, eth(0x8926, "\x00\x00"), cut},
		{"tag of a port extender", layers.Ethernet, eth(0x893f, zeros(6)+u16(typeIPv4)+u4), there},
		{"FabricPath", layers.Ethernet, eth(0x8903, u16(1<<6|32)+eth(0x8100, tag(7, typeIPv4)+u4)), there},
		{"FabricPath, cut", layers.Ethernet, eth(0x8903, "\x00"), cut},
		{"Arista, time of 64 bits", layers.Ethernet, eth(0xd28b, u16(1)+u16(0x110)+zeros(8)+u16(typeIPv4)+u4), there},
		{"Arista, time of 48 bits, and a tag", layers.Ethernet, eth(0xd28b, u16(1)+u16(0x20)+zeros(6)+u16(0x8100)+tag(7, typeIPv4)+u4), there},
		{"Arista, cut", layers.Ethernet, eth(0xd28b, u16(1)), cut},
		{"Arista, cut in the time", layers.Ethernet, eth(0xd28b, u16(1)+u16(0x10)+zeros(8)), cut},
		{"Arista, something else", layers.Ethernet, eth(0xd28b, u16(3)+u16(0x10)+zeros(8)+u16(typeIPv4)+u4), refused},
		{"HSR", layers.Ethernet, eth(0x892f, u32(1)+u16(typeIPv4)+u4), there},
		{"802.1ah", layers.Ethernet, eth(0x88e7, u32(1)+eth(typeIPv4, u4)), there},
		{"802.1ah, cut", layers.Ethernet, eth(0x88e7, "\x00"), cut},
		{"bridging", layers.Ethernet, eth(0x6558, eth(typeIPv4, u4)), there},
		{"MPLS, IP behind a control word", layers.Ethernet, eth(0x8847, bottom+"\x00\x00\x00\x01"+u4), there},
		{"MPLS, a tag of 0x9100", layers.Ethernet, eth(0x8847, bottom+eth(0x9100, tag(7, typeIPv4)+u4)), there},
		{"MPLS, 16 labels", layers.Ethernet, eth(0x8847, strings.Repeat(label, 15)+bottom+u4), there},
		{"MPLS, 17 labels", layers.Ethernet, eth(0x8847, strings.Repeat(label, 16)+bottom+u4), deep},
		{"MPLS, no bottom", layers.Ethernet, eth(0x8847, label), cut},
		{"MPLS, nothing below", layers.Ethernet, eth(0x8847, bottom), cut},
		{"MPLS, half a control word", layers.Ethernet, eth(0x8847, bottom+"\x00\x00"), cut},
		{"PPPoE, another version", layers.Ethernet, eth(0x8864, "\x21\x00"+u16(1)+u16(100)+ppp), refused},
		{"PPPoE, a discovery", layers.Ethernet, eth(0x8864, "\x11\x09"+u16(1)+u16(100)+ppp), refused},
		{"PPP with MPLS", layers.PPP, "\x02\x81" + bottom + u4, there},
		{"PPP with bridging", layers.PPP, "\x00\x31\x00\x01" + eth(typeIPv4, u4), there},
		{"PPP with bridging, cut", layers.PPP, "\x00\x31\x00", cut},
		{"PPP, several links, not in fragments", layers.PPP, "\x00\x3d\xc0\x00\x00\x07" + ppp, there},
		{"PPP, several links, not in fragments, short", layers.PPP, "\x3d\xc0\x07\x21" + u4, there},
		{"PPP, several links, a fragment", layers.PPP, "\x00\x3d\x80\x00\x00\x07" + ppp, refused},
		{"PPP, several links, cut", layers.PPP, "\x00\x3d\xc0\x00\x00\x07", refused},
		{"PPP of pppd, outgoing", layers.PPPPppd, "\x01\x03" + ppp, there},
		{"PPP, control", layers.PPP, "\xc0\x21" + zeros(20), refused},
		{"PPP, compressed headers", layers.PPP, "\x2d" + zeros(20), refused},
		{"Cisco HDLC under the name of PPP", layers.PPP, "\x0f\x00" + u16(typeIPv4) + u4, there},
		{"GRE, another version", layers.Raw, gre("\x00\x02\x08\x00" + u4), refused},
		{"GRE, what keeps a tunnel of MikroTik up", layers.Raw, gre("\x20\x01\x64\x00\x00\x00\x00\x05"), refused},
		{"GRE, no source routes", layers.Raw, gre("\x40\x00\x08\x00" + zeros(8) + u4), there},
		{"GRE, source routes, a key and a sequence number", layers.Raw, gre("\x70\x00\x08\x00" + zeros(12) + "\x08\x00\x00\x04\x0a\x00\x00\x01" + zeros(4) + u4), there},
		{"GRE, source routes without an end", layers.Raw, gre("\x40\x00\x08\x00" + zeros(4) + "\x08\x00\x00\xff\x0a\x00\x00\x01"), cut},
		{"GRE with WCCP", layers.Raw, gre("\x00\x00\x88\x3e" + u4), there},
		{"GRE with WCCP of version 2", layers.Raw, gre("\x00\x00\x88\x3e\x00\x05\x00\x00" + u4), there},
		{"GRE, enhanced with another protocol", layers.Raw, gre("\x20\x01\x08\x00" + u32(1) + u4), refused},
		{"GRE with PPP", layers.Raw, gre("\x00\x00\x88\x0b" + ppp), there},
		{"ERSPAN III with IP", layers.Raw, gre("\x10\x00\x22\xeb" + u32(1) + "\x20\x00\x00\x00" + u32(0) + "\x00\x00\x08\x00" + u4), there},
		{"VXLAN GPE with IP", layers.Raw, to("4790", "\x0c\x00\x00\x01\x00\x00\x01\x00"+u4), there},
		{"VXLAN GPE on the port of VXLAN", layers.Raw, to("4789", "\x0c\x00\x00\x01\x00\x00\x01\x00"+u4), there},
		{"VXLAN GPE with Ethernet", layers.Raw, to("4790", "\x0c\x00\x00\x03\x00\x00\x01\x00"+eth(typeIPv4, u4)), there},
		{"VXLAN GPE with a service header", layers.Raw, to("4790", "\x0c\x00\x00\x04\x00\x00\x01\x00"+"\x0f\xc3\x02\x01"+u32(1)+u32(0)+u4), there},
		{"VXLAN GPE with MPLS", layers.Raw, to("4790", "\x0c\x00\x00\x05\x00\x00\x01\x00"+bottom+u4), there},
		{"VXLAN GPE with something else", layers.Raw, to("4790", "\x0c\x00\x00\x09\x00\x00\x01\x00"), "\x0c\x00\x00\x09\x00\x00\x01\x00"},
		{"Geneve, reserved bits", layers.Raw, to("6081", "\x00\x01\x65\x58\x00\x00\x01\x07"+eth(typeIPv4, u4)), there},
		{"Geneve, reserved bits and no Ethernet", layers.Raw, to("6081", "\x00\x01\x65\x58\x00\x00\x01\x07"), "\x00\x01\x65\x58\x00\x00\x01\x07"},
		{"service header", layers.Ethernet, eth(0x894f, "\x01\x86\x01\x03"+u32(1)+zeros(16)+eth(typeIPv4, u4)), there},
		{"service header in a service header", layers.Ethernet, eth(0x894f, "\x0f\xc2\x02\x04"+u32(1)+"\x0f\xc2\x02\x02"+u32(1)+u4), there},
		{"service header, cut", layers.Ethernet, eth(0x894f, "\x01\x86\x01\x03"+u32(1)), cut},
		{"service header, cut in its first words", layers.Ethernet, eth(0x894f, "\x01\x86\x01"), cut},
		{"service header, of another version", layers.Ethernet, eth(0x894f, "\x41\x86\x01\x03"+u32(1)), refused},
		{"group tag of Cisco", layers.Ethernet, eth(0x8909, "\x01\x01\x00\x01\x00\x10"+u16(typeIPv4)+u4), there},
		{"MACsec that does not encrypt", layers.Ethernet, eth(0x88e5, "\x00\x00"+u32(1)+u16(typeIPv4)+u4+zeros(16)), there},
		{"MACsec that does not encrypt, with a channel", layers.Ethernet, eth(0x88e5, "\x20\x00"+u32(1)+zeros(8)+u16(typeIPv4)+u4+zeros(16)), there},
		{"MACsec", layers.Ethernet, eth(0x88e5, "\x2c\x00"+zeros(60)), sealed},
		{"MACsec of another version", layers.Ethernet, eth(0x88e5, "\x80\x00"+zeros(60)), refused},
		{"MACsec, cut", layers.Ethernet, eth(0x88e5, "\x2c\x00"), cut},
		{"UDP-Lite", layers.Raw, ip4(136, u16(5060)+u16(5062)+u16(8)+u16(0)+"hello"), there},
		{"UDP-Lite, cut", layers.Raw, ip4(136, u16(5060)+u16(5062)), cut},
		{"Ethernet in IP", layers.Raw, ip4(143, eth(typeIPv4, u4)), there},
		{"L2TP version 3 with PPP", layers.Raw, ip4(115, u32(1)+u32(2)+"\xff\x03"+ppp), there},
		{"L2TP version 3 with IP", layers.Raw, ip4(115, u32(1)+u32(2)+u32(3)+u4), there},
		{"VXLAN, reserved bits", layers.Raw, to("4789", "\xc8\x00\x00\x01\x00\x00\x01\x00"), "\xc8\x00\x00\x01\x00\x00\x01\x00"},
		{"Geneve, an option over the end", layers.Raw, to("6081", "\x3f\x00\x65\x58\x00\x00\x01\x00"), "\x3f\x00\x65\x58\x00\x00\x01\x00"},
		{"GTP, a header without its rest", layers.Raw, to("2152", "\x32\xff\x00\x04\x00\x00\x00\x01"), "\x32\xff\x00\x04\x00\x00\x00\x01"},
		{"GTP, an extension of no length", layers.Raw, to("2152", "\x34\xff\x00\x08\x00\x00\x00\x01\x00\x00\x00\x85\x00\x00\x00\x00"), "\x34\xff\x00\x08\x00\x00\x00\x01\x00\x00\x00\x85\x00\x00\x00\x00"},
		{"GTP, another message", layers.Raw, to("2152", "\x32\x01\x00\x04\x00\x00\x00\x01"), "\x32\x01\x00\x04\x00\x00\x00\x01"},
		{"L2TP, a control message", layers.Raw, to("1701", "\xc8\x02\x00\x0c\x00\x01\x00\x00\x00\x00\x00\x00"), "\xc8\x02\x00\x0c\x00\x01\x00\x00\x00\x00\x00\x00"},
		{"L2TP, an offset over the end", layers.Raw, to("1701", "\x02\x02\x00\x01\x00\x02\xff\xff"), "\x02\x02\x00\x01\x00\x02\xff\xff"},
		{"L2TP, an offset that is not there", layers.Raw, to("1701", "\x0a\x02\x00\x01\x00\x02\xff\xff"), "\x0a\x02\x00\x01\x00\x02\xff\xff"},
		{"L2TP version 3, a control message", layers.Raw, ip4(115, zeros(20)), refused},
		{"L2TP version 3, nothing known", layers.Raw, ip4(115, u32(1)+zeros(40)), refused},
		{"L2TP version 3, cut", layers.Raw, ip4(115, u32(1)), cut},
		{"ESP, encrypted", layers.Raw, ip4(50, u32(1)+u32(1)+strings.Repeat("\xa5", 40)), sealed},
		{"ESP, cut", layers.Raw, ip4(50, u32(1)+u32(1)), refused},
		{"ESP in UDP", layers.Raw, to("4500", u32(7)+u32(1)+udp("hello")+"\x01\x01\x11"+zeros(12)), there},
		{"ESP in UDP, encrypted", layers.Raw, to("4500", u32(7)+strings.Repeat("\xa5", 40)), u32(7) + strings.Repeat("\xa5", 40)},
		{"IKE", layers.Raw, to("4500", u32(0)+zeros(20)), u32(0) + zeros(20)},
		{"Teredo with authentication", layers.Raw, to("3544", "\x00\x01\x00\x00"+zeros(9)+ip6(17, udp("hello"))), there},
		{"CAPWAP, a keepalive", layers.Raw, to("5247", "\x00\x10\x02\x08"+zeros(8)), "\x00\x10\x02\x08" + zeros(8)},
		{"SCTP in UDP", layers.Raw, to("9899", sctp(data(3, "user")+chunk(4, 0, "abc")+chunk(192, 0, u32(1)))), data(3, "user") + chunk(4, 0, "abc") + chunk(192, 0, u32(1))},
		{"SCTP in UDP, a type of chunks that there is not", layers.Raw, to("9899", sctp(data(3, "user")+chunk(99, 0, "abc"))), sctp(data(3, "user") + chunk(99, 0, "abc"))},
		{"SCTP in UDP, a chunk over the end", layers.Raw, to("9899", sctp("\x00\x03"+u16(40)+zeros(20))), sctp("\x00\x03" + u16(40) + zeros(20))},
		{"SCTP in UDP, something behind the last chunk", layers.Raw, to("9899", sctp(data(3, "user")+"xx")), sctp(data(3, "user") + "xx")},
		{"SCTP in UDP, a chunk of no length", layers.Raw, to("9899", sctp(zeros(8))), sctp(zeros(8))},
		{"SCTP in UDP, no chunk", layers.Raw, to("9899", sctp("")), sctp("")},
		{"TZSP, a keepalive", layers.Raw, to("37008", "\x01\x04\x00\x01\x01"+zeros(20)), "\x01\x04\x00\x01\x01" + zeros(20)},
		{"TZSP, of another version", layers.Raw, to("37008", "\x02\x00\x00\x01\x01"+eth(typeIPv4, u4)), "\x02\x00\x00\x01\x01" + eth(typeIPv4, u4)},
		{"TZSP, of another link layer", layers.Raw, to("37008", "\x01\x00\x00\x02\x01"+eth(typeIPv4, u4)), "\x01\x00\x00\x02\x01" + eth(typeIPv4, u4)},
		{"TZSP, a tag over the end", layers.Raw, to("37008", "\x01\x00\x00\x01\x0a\xff"+zeros(20)), "\x01\x00\x00\x01\x0a\xff" + zeros(20)},
		{"TZSP, half a tag", layers.Raw, to("37008", "\x01\x00\x00\x01"+zeros(9)+"\x0a"), "\x01\x00\x00\x01" + zeros(9) + "\x0a"},
		{"TZSP, a packet of IP that is none", layers.Raw, to("37008", "\x01\x00\x00\x01\x01"+eth(typeIPv4, "\x41"+u4[1:])), "\x01\x00\x00\x01\x01" + eth(typeIPv4, "\x41"+u4[1:])},
		{"GUE, a control message", layers.Raw, to("6080", "\x20\x04\x00\x00"+u4), "\x20\x04\x00\x00" + u4},
		{"GUE, another length", layers.Raw, to("6080", "\x00\x04\x00\x00"+u4+"x"), "\x00\x04\x00\x00" + u4 + "x"},
		{"GUE, another protocol", layers.Raw, to("6080", "\x00\x11\x00\x00"+u4), "\x00\x11\x00\x00" + u4},
		{"GUE, fields over the end", layers.Raw, to("6080", "\x1f\x04\x00\x00"+u4), "\x1f\x04\x00\x00" + u4},
		{"GRE in UDP, of another version", layers.Raw, to("4754", "\x00\x01\x08\x00"+u4), "\x00\x01\x08\x00" + u4},
		{"GRE in UDP, another length", layers.Raw, to("4754", "\x00\x00\x08\x00"+u4+"x"), "\x00\x00\x08\x00" + u4 + "x"},
		{"GRE in UDP, another protocol", layers.Raw, to("4754", "\x00\x00\x08\x06"+u4), "\x00\x00\x08\x06" + u4},
		{"MPLS in UDP, another length", layers.Raw, to("6635", bottom+u4+"x"), bottom + u4 + "x"},
		{"MPLS in UDP, no bottom", layers.Raw, to("6635", strings.Repeat(label, 20)), strings.Repeat(label, 20)},
		{"foo over UDP, another length", layers.Raw, to("5555", u4+"x"), u4 + "x"},
		{"LISP, another length", layers.Raw, to("4341", zeros(8)+u4+"x"), zeros(8) + u4 + "x"},
		{"null, a header that was left out", layers.Null, u4, there},
		{"null, of another family", layers.Null, le32(7) + u4, refused},
		{"frame relay, IP by its number", layers.FrameRelay, "\x18\x41\x03\xcc" + u4, there},
		{"frame relay, padded", layers.FrameRelay, "\x18\x41\x03\x00\xcc" + u4, there},
		{"frame relay, SNAP that is cut", layers.FrameRelay, "\x18\x41\x03\x80\x00\x00", cut},
		{"frame relay, control", layers.FrameRelay, "\x00\x01\x03\x08\x00\x75", refused},
		{"frame relay, an address without an end", layers.FrameRelay, zeros(20), cut},
		{"token ring with a route", layers.TokenRing, "\x10\x40" + zeros(6) + "\x80" + zeros(5) + "\x04\x00\x00\x00" + llc, there},
		{"NFLOG, attributes before the packet, of a big-endian host", layers.NFLOG, "\x02\x00\x00\x00" + "\x00\x06\x00\x02ab\x00\x00" + u16(4+len(u4)) + "\x00\x09" + u4, there},
		{"NFLOG, an attribute of no length", layers.NFLOG, "\x02\x00\x00\x00\x00\x00\x01\x00", broken},
		{"NFLOG, no packet", layers.NFLOG, "\x02\x00\x00\x00\x08\x00\x01\x00abcd", refused},
		{"radiotap, more words, a timer and a check sequence", layers.WiFiRadiotap, "\x00\x00\x20\x00\x03\x00\x00\x80\x00\x00\x00\x00" + zeros(12) + "\x10" + zeros(7) + wifi(8, 1, llc) + "\xde\xad\xbe\xef", there},
		{"packet filter log, cut", layers.PFLOG, "\x3d" + zeros(40), cut},
		{"Juniper", layers.Juniper, "MGC\x01" + eth(typeIPv4, u4), there},
		{"Juniper, extensions over the end", layers.Juniper, "MGC\x81\xff\xff" + eth(typeIPv4, u4), cut},
		{"Juniper, another number", layers.Juniper, "MGD\x01" + eth(typeIPv4, u4), broken},
		{"radiotap, too short", layers.WiFiRadiotap, "\x00\x00\x04\x00\x00\x00\x00\x00", cut},
		{"Prism that is AVS", layers.Prism, "\x80\x21\x10\x01" + u32(16) + zeros(8) + wifi(8, 1, llc), there},
		{"802.11, a beacon", layers.WiFi, wifi(0x80, 0, llc), refused},
		{"802.11, an acknowledgment", layers.WiFi, "\xd4\x00" + zeros(8), refused},
		{"802.11, cut", layers.WiFi, "\x08\x01" + zeros(8), cut},
		{"802.11, no data", layers.WiFi, wifi(0x48, 1, llc), refused},
		{"802.11, encrypted", layers.WiFi, wifi(8, 0x41, llc), sealed},
		{"802.11, high throughput", layers.WiFi, wifi(0x88, 0x81, "\x00\x00"+zeros(4)+llc), there},
		{"802.11, several frames in one, and no lengths", layers.WiFi, wifi(0x88, 1, "\x80\x00"+llc), refused},
		{"802.11, several frames in one, cut", layers.WiFi, wifi(0x88, 1, "\x80\x00"+zeros(13)), cut},
		{"802.11, several frames in one, and half of what is in front", layers.WiFi, wifi(0x88, 0x81, "\x80\x00\x00"), cut},
		{"802.11, quality of service that is cut", layers.WiFi, wifi(0x88, 1, ""), cut},
		{"802.11, of a mesh", layers.WiFi, wifi(0x88, 3, zeros(6)+"\x00\x01"+"\x00\x1f"+u32(7)+llc), there},
		{"802.11, of a mesh, with one more address", layers.WiFi, wifi(0x88, 2, "\x00\x01"+"\x01\x1f"+u32(7)+zeros(6)+llc), there},
		{"802.11, of a mesh, with two more addresses", layers.WiFi, wifi(0x88, 3, zeros(6)+"\x00\x01"+"\x02\x1f"+u32(7)+zeros(12)+llc), there},
		{"802.11, of a mesh, several frames in one", layers.WiFi, wifi(0x88, 3, zeros(6)+"\x80\x01"+zeros(12)+u16(6+len(llc))+"\x00\x1f"+u32(7)+llc), there},
		{"802.11, of a mesh, cut", layers.WiFi, wifi(0x88, 3, zeros(6)+"\x00\x01"+"\x02\x1f"+u32(7)), cut},
		{"802.11, padded", layers.WiFi, wifi(0x88, 1, "\x00\x00\x00\x00"+llc), there},
		{"link types in each other", layers.PPI, strings.Repeat("\x00\x00\x08\x00"+le32(192), 6), broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f layers.Frame
			err := f.Decode(c.link, 0, clip(c.in))
			if want, ok := kinds[c.want]; ok && (err != want || err == nil && string(f.Payload) != "hello") {
				t.Errorf("%v, %s, %q; want %v", err, flow(&f), f.Payload, want)
			} else if !ok && (err != nil || string(f.Payload) != c.want) {
				t.Errorf("%v, %s, %q; want the datagram around", err, flow(&f), f.Payload)
			}
		})
	}
}

// TestAggregate decodes the frames of an A-MSDU one after the other, cut at every octet: what is not
// there is missing at the end of one, or its frame is not there at all.
func TestAggregate(t *testing.T) {
	inside := capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5062")
	first, second, third := inside.UDP("hello"), inside.UDP("there"), capgen.NewFlow("[2001:db8::1]:5060", "[2001:db8::2]:5062").UDP("you")
	whole := capgen.Aggregate(first, second, third)
	for n := 26; n <= len(whole); n++ {
		var got []string
		missing := 0
		var f layers.Frame
		for err := f.Decode(layers.WiFi, 0, clip(whole[:n])); ; err = f.Next() {
			if err == nil {
				got = append(got, string(f.Payload))
				missing += f.Missing
			} else if err != layers.ErrTruncated {
				t.Errorf("%d octets: %v", n, err)
			}
			if f.Off > n {
				t.Errorf("%d octets: it stopped at %d", n, f.Off)
			}
			if !f.More() {
				break
			}
		}
		if text := strings.Join(got, ""); !strings.HasPrefix("hellothereyou", text) || len(text)+missing != [...]int{0, 5, 10, 13}[len(got)] {
			t.Errorf("%d octets: %q, %d missing", n, got, missing)
		}
		if n == len(whole) && len(got) != 3 {
			t.Errorf("%q", got)
		}
	}
}

func TestTunnelString(t *testing.T) {
	var f layers.Frame
	if err := f.Decode(layers.Ethernet, 0, clip(eth(typeVLAN, tag(7, typeIPv4)+ip4(4, ip4(17, udp("hello")))))); err != nil {
		t.Fatal(err)
	}
	if len(f.Tunnels) != 2 || f.Tunnels[0].String() != "VLAN 7" || f.Tunnels[1].String() != "IPIP 192.0.2.1 > 192.0.2.2" {
		t.Errorf("%v", f.Tunnels)
	}
	if s := layers.TunnelKind(200).String(); s != "" {
		t.Errorf("a kind that there is not is %q", s)
	}
}

// TestESPCut: of ESP that does not encrypt the capture may have cut the end, and its trailer with it.
func TestESPCut(t *testing.T) {
	const text = "the octets of a message, of which the last ones may not be there"
	for _, flow := range []capgen.Flow{capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5062"), capgen.NewFlow("[2001:db8::1]:5060", "[2001:db8::2]:5062")} {
		udp, tcp := flow.UDP(text), flow.TCP(7, 8, capgen.ACK, text)
		head, tunnel := 20, "\x04"
		if udp[0]>>4 == 6 {
			head, tunnel = 40, "\x29"
		}
		for _, icv := range []int{0, 12, 16, 24, 32} {
			for _, c := range []struct{ body, next string }{{udp[head:], "\x11"}, {udp, tunnel}, {tcp[head:], "\x06"}, {tcp, tunnel}} {
				pad := -(len(c.body) + 2) & 3
				whole := flow.IP(50, u32(0x1234)+u32(1)+c.body+"\x01\x02\x03"[:pad]+string(rune(pad))+c.next+strings.Repeat("\xa5", icv))
				for n := head + 8 + max(len(c.body)-len(text), 20); n < len(whole); n++ {
					var f layers.Frame
					err := f.Decode(layers.Raw, 0, clip(whole[:n]))
					if err != nil || f.Src != flow.Src || f.Dst != flow.Dst || !strings.HasPrefix(text, string(f.Payload)) || len(f.Tunnels) == 0 || f.Tunnels[0].Kind != layers.ESP {
						t.Fatalf("%d of %d octets, a check value of %d: %v, %v > %v %q", n, len(whole), icv, err, f.Src, f.Dst, f.Payload)
					}
					there := min(n-(head+8+len(c.body)-len(text)), len(text))
					sized := f.Proto == layers.UDP || c.next == tunnel
					if all := len(f.Payload) + f.Missing; sized && (len(f.Payload) != there || all != len(text)) || !sized && (all > len(text) || f.Missing == 0) {
						t.Fatalf("%d of %d octets, a check value of %d: %d octets, %d missing", n, len(whole), icv, len(f.Payload), f.Missing)
					}
				}
			}
		}
	}
	// What is encrypted has lengths that fit by chance, and a vector that counts up begins with zeros.
	counter, rest := "\x00\x00\x00\x00\x00\x44\x00\x07", strings.Repeat("\xa5", 60)
	chance4, chance6 := "\x45\xa5\x00\x44"+rest, "\x60\xa5\xa5\xa5\x00\x1c"+rest[2:]
	for _, s := range []string{rest, "short", counter + rest[4:], chance4, chance6} {
		var f layers.Frame
		sealed := capgen.NewFlow("192.0.2.1:1", "192.0.2.2:1").IP(50, u32(1)+u32(1)+s+"the rest")
		if err := f.Decode(layers.Raw, 0, clip(sealed[:len(sealed)-8])); err != layers.ErrEncrypted {
			t.Errorf("%v, want that it is encrypted", err)
		}
	}
}
