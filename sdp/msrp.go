package sdp

import (
	"bytes"
	"strconv"
)

// DefaultMSRPPort is the port of an MSRP URI that names none: RFC 4975, section 14.
const DefaultMSRPPort = 2855

// PathHost returns host and port of the first URI of the value of a path attribute, which names
// where the other side connects to: RFC 4975, sections 6 and 8.1. The host aliases v; that of an IPv6
// address has no brackets. ok is false where there is no MSRP URI.
func PathHost(v []byte) (host []byte, port uint16, ok bool) {
	uri, _, _ := bytes.Cut(bytes.TrimLeft(v, " "), []byte(" "))
	scheme, rest, found := bytes.Cut(uri, []byte("://"))
	if !found || !bytes.EqualFold(scheme, []byte("msrp")) && !bytes.EqualFold(scheme, []byte("msrps")) {
		return nil, 0, false
	}
	if i := bytes.IndexAny(rest, "/;"); i >= 0 {
		rest = rest[:i]
	}
	if i := bytes.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	digits := []byte(nil)
	switch end := bytes.IndexByte(rest, ']'); {
	case len(rest) > 0 && rest[0] == '[' && end > 0:
		host, digits = rest[1:end], bytes.TrimPrefix(rest[end+1:], []byte(":"))
	default:
		host, digits, _ = bytes.Cut(rest, []byte(":"))
	}
	n := uint64(DefaultMSRPPort)
	if len(digits) > 0 {
		var err error
		if n, err = strconv.ParseUint(string(digits), 10, 16); err != nil || n == 0 {
			return nil, 0, false
		}
	}
	return host, uint16(n), len(host) > 0
}
