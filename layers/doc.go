// Package layers decodes the addressing of captured packets: the link layer
// (IEEE 802.3 and 802.1Q, Linux cooked v1 and v2, BSD null and loop, raw IP),
// IPv4 (RFC 791) and IPv6 (RFC 8200) with their options and extension headers, and
// the headers of UDP (RFC 768), TCP (RFC 9293), SCTP (RFC 9260) and ICMP.
//
//	var f layers.Frame
//	if err := f.Decode(link, 0, packet); err == nil && f.Proto == layers.UDP {
//		use(f.Src, f.Dst, f.Payload)
//	}
//
// It looks into packets that carry packets, each in the others: tags and labels (802.1Q, 802.1ad, 802.1ah, VN-tag, 802.1BR, FabricPath, HSR, MPLS, NSH,
// MACsec that does not encrypt), PPPoE, L2TP, PPTP, IP in IP, GRE, ERSPAN, EtherIP, AH, ESP that does not encrypt, and over UDP
// VXLAN, Geneve, GTP-U, Teredo, CAPWAP, TZSP, LISP, GUE, and GRE, MPLS, SCTP and IP right behind its header.
//
// Decoding is stateless and does not allocate, also where it refuses. Every length
// is compared with the octets that are there before it is used, chains of headers
// are walked in loops with a fixed bound, and the payload always lies inside the
// packet. Checksums are not looked at: a capture on the sending host holds packets
// whose checksums the network card had yet to write.
package layers
