package clean

import "bytes"

// AppendURLs appends v with what may be secret in its URLs masked: passwords, and queries,
// which are where signed URLs carry their signature. A URL begins with "://" behind a letter
// or digit, and ends where one cannot go on: at white space, quotes, angle brackets and
// backslashes.
func AppendURLs(dst, v []byte) []byte {
	for {
		n := bytes.Index(v, []byte("://"))
		if n < 1 || !isAlnum(v[n-1]) {
			if n < 0 {
				return append(dst, v...)
			}
			dst, v = append(dst, v[:n+3]...), v[n+3:]
			continue
		}
		dst, v = append(dst, v[:n+3]...), v[n+3:]
		end := bytes.IndexAny(v, " \t\r\n\"'<>\\`")
		if end < 0 {
			end = len(v)
		}
		dst = appendURL(dst, v[:end])
		v = v[end:]
	}
}

// appendURL appends what stands behind the scheme of a URL.
func appendURL(dst, rest []byte) []byte {
	slash := bytes.IndexAny(rest, "/?#")
	if slash < 0 {
		slash = len(rest)
	}
	if at := bytes.LastIndexByte(rest[:slash], '@'); at >= 0 {
		if colon := bytes.IndexByte(rest[:at], ':'); colon >= 0 {
			dst = append(append(dst, rest[:colon+1]...), mask...)
			rest, slash = rest[at:], slash-at
		}
	}
	query := bytes.IndexByte(rest[slash:], '?')
	if query < 0 {
		return append(dst, rest...)
	}
	dst = append(append(dst, rest[:slash+query+1]...), mask...)
	if fragment := bytes.IndexByte(rest[slash+query:], '#'); fragment >= 0 {
		dst = append(dst, rest[slash+query+fragment:]...)
	}
	return dst
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
