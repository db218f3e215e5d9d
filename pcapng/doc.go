// Package pcapng reads and writes pcapng capture files
// (draft-ietf-opsawg-pcapng).
//
// A Reader walks the blocks of a file and returns its packets, from enhanced,
// simple and obsolete packet blocks alike. Sections may differ in byte order, and
// every section has interfaces of its own; the reader numbers them through over
// the whole file. Name resolution, interface statistics and decryption secrets
// blocks are kept for those who ask, custom and unknown blocks are stepped over.
//
//	r, err := pcapng.NewReader(f)
//	for {
//		p, err := r.Next()
//		if err == io.EOF {
//			break
//		}
//		link := r.Interface(p.Interface).LinkType
//		…
//	}
//
// Nothing in a file is trusted. Block lengths are compared with fixed limits
// before they are used, memory grows only with octets that have really arrived,
// and a damaged file gives every packet before the damage and then a *FormatError
// that says what was wrong and at which octet. Oddities that do not stop the
// reader, such as options whose length lies, are counted and returned by Notes.
package pcapng
