// Package pcapfile reads and writes pcap capture files: the classic format of
// tcpdump and libpcap (draft-ietf-opsawg-pcap).
//
// It reads microsecond and nanosecond files in both byte orders, the modified
// variant with 24-octet record headers (magic 0xa1b2cd34), link-type words that
// carry an FCS length, and files whose record headers are in the other byte
// order than the file header. Packets are returned in the file's own terms; what
// is inside a packet is the business of package layers.
//
//	r, err := pcapfile.NewReader(f)
//	for {
//		p, err := r.Next()
//		if err == io.EOF {
//			break
//		}
//		…
//	}
//
// Nothing in a file is trusted. A record length is compared with fixed limits
// before it is used, memory grows only with octets that have really arrived, and
// a damaged file gives every packet before the damage and then a *FormatError
// that says what was wrong and at which octet. Oddities that do not stop the
// reader are counted and returned by Notes.
package pcapfile
