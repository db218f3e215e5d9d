package clean

import "strings"

// AppendURLs appends v with what may be secret in its URLs masked: passwords, and queries,
// which are where signed URLs carry their signature. A URL begins with "://" behind a letter
// or digit, also inside of another one as in the URI of a resource, and ends where one cannot
// go on: at white space, quotes, angle brackets and backslashes. Its punctuation may be
// percent-encoded.
func AppendURLs(dst, v []byte) []byte {
	const outside, authority, path, query = 0, 1, 2, 3
	in, colon := outside, -1 // colon: what of dst is ahead of a password
	for i := 0; i < len(v); {
		c, n := urlChar(v[i:])
		switch {
		case strings.IndexByte(" \t\r\n\"'<>\\`", c) >= 0:
			in = outside
		case in == query && v[i] == '#':
			in = path
		case in == query:
			i += n
			continue
		case c == ':' && i > 0 && isAlnum(v[i-1]) && slashes(v[i+n:]) > 0:
			n += slashes(v[i+n:])
			in, colon = authority, -1
		case in != outside && c == '?':
			dst = append(append(dst, v[i:i+n]...), mask...)
			in = query
			i += n
			continue
		case in == authority && (c == '/' || c == '#'):
			in = path
		case in == authority && c == ':' && colon < 0:
			colon = len(dst) + n
		case in == authority && c == '@' && colon >= 0:
			dst = append(dst[:colon], mask...)
		}
		dst = append(dst, v[i:i+n]...)
		i += n
	}
	return dst
}

// Name returns the name of a capture without what may be secret in it where it is a URL, also one that is refused for a blank in it.
func Name(name string) string {
	if url, _, ok := strings.Cut(name, "?"); ok && strings.Contains(url, "://") {
		name = url + "?" + mask
	}
	return string(AppendURLs(nil, []byte(name)))
}

// urlChar returns the first character of v, and how many octets it takes: punctuation of URLs
// also where it is percent-encoded.
func urlChar(v []byte) (c byte, n int) {
	if v[0] == '%' && len(v) > 2 {
		hex := strings.ToUpper(string(v[1:3]))
		if i := strings.Index("3A 2F 3F 23 40", hex); i >= 0 && i%3 == 0 {
			return ":/?#@"[i/3], 3
		}
	}
	return v[0], 1
}

// slashes returns how many octets two slashes at the beginning of v take, 0 where there are none.
func slashes(v []byte) (n int) {
	for range 2 {
		if n == len(v) {
			return 0
		}
		c, m := urlChar(v[n:])
		if c != '/' {
			return 0
		}
		n += m
	}
	return n
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
