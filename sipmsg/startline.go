package sipmsg

import "bytes"

// maxStartLine bounds the start line that Sniff is ready to look through.
const maxStartLine = 16 << 10

// KnownMethod reports whether a method is registered for SIP; all others are extensions.
// Methods are case-sensitive.
//
//go:noinline
func KnownMethod(method []byte) bool {
	switch string(method) {
	case "ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE":
		return true
	}
	return false
}

// Sniff reports whether b begins like a SIP message: with a status line, or a request
// line that ends in a SIP version, after any number of line ends. It does not allocate,
// and refuses most binary protocols by their first octet.
//
// HTTP, RTSP, SSDP and MSRP messages have other versions, and lines of a log have none;
// a request line without a version is taken only if its method and its URI are those of
// SIP.
func Sniff(b []byte) bool {
	if len(b) == 0 || !canStart[b[0]] {
		return false
	}
	n := 0
	for b[n] == '\r' || b[n] == '\n' {
		if n++; n == len(b) {
			return false
		}
	}
	b = b[n:]
	if hasVersion(b) {
		return isStatusLine(b)
	}
	b = b[:min(len(b), maxStartLine)]
	method := scanToken(b, 0)
	if method == 0 || method == len(b) || b[method] != ' ' {
		return false
	}
	// With these two it is one whatever else the line holds, if it has an end.
	if KnownMethod(b[:method]) && bytes.HasPrefix(b[method+1:], sipScheme) && bytes.IndexByte(b, '\n') >= 0 {
		return true
	}
	end, _ := lineEnd(b, 0)
	line := trimSpaceRight(b[method:end])
	if i := bytes.LastIndexByte(line, ' '); i >= 0 && isVersion(line[i+1:]) {
		return i > 0 || KnownMethod(b[:method])
	}
	return KnownMethod(b[:method]) && hasSIPScheme(trimSpace(line)) && end < len(b)
}

// SniffCut is Sniff for the beginning of what was on the wire: its request line may stop in the URI,
// where that is one of SIP so far and the method is registered.
func SniffCut(b []byte) bool {
	method := scanToken(b[:min(len(b), maxMethod)], 0)
	rest := b[method:]
	return Sniff(b) || KnownMethod(b[:method]) && (bytes.HasPrefix(rest, []byte(" sip:")) || bytes.HasPrefix(rest, []byte(" sips:"))) && bytes.IndexByte(rest, '\n') < 0
}

// SniffWhole is Sniff for a datagram, all of which is there. Lines of a log may begin like a request:
// what has no SIP version, or neither a registered method nor a scheme in its URI, needs a header
// field behind its start line.
func SniffWhole(b []byte) bool {
	if !Sniff(b) {
		return false
	}
	for b[0] == '\r' || b[0] == '\n' {
		b = b[1:]
	}
	if hasVersion(b) {
		return true
	}
	end, next := lineEnd(b, 0)
	if bytes.HasSuffix(b[:end], usualVersion) && bytes.IndexByte(b[:end], ':') >= 0 {
		return true
	}
	line, method := trimSpaceRight(b[:end]), scanToken(b, 0)
	uri := bytes.LastIndexByte(line, ' ')
	if isVersion(line[uri+1:]) && (KnownMethod(b[:method]) || bytes.IndexByte(line[:uri], ':') >= 0) {
		return true
	}
	return beginsHeader(b[next:], false) == yes && len(b) > next && !isLineEnd(b[next])
}

var (
	sipScheme    = []byte("sip:")
	usualVersion = []byte(" SIP/2.0")
)

// canStart marks the octets that can begin a SIP message.
var canStart = classOf(upper + lower + digits + "-.!%*_+`'~\r\n")

// hasVersion reports whether b begins with "SIP/", in any case.
func hasVersion(b []byte) bool {
	return len(b) >= 4 && b[0]|0x20 == 's' && b[1]|0x20 == 'i' && b[2]|0x20 == 'p' && b[3] == '/'
}

// isVersion reports whether b is a SIP-Version: RFC 3261, section 25.1.
func isVersion(b []byte) bool {
	return hasVersion(b) && scanVersion(b) == len(b)
}

// scanVersion returns the end of the SIP-Version at the start of b, 0 for none.
func scanVersion(b []byte) int {
	major := scanDigits(b, 4)
	if major == 4 || major == len(b) || b[major] != '.' {
		return 0
	}
	minor := scanDigits(b, major+1)
	if minor == major+1 {
		return 0
	}
	return minor
}

// isStatusLine reports whether b, which has a version, goes on like a status line.
func isStatusLine(b []byte) bool {
	if len(b) > 10 && string(b[:8]) == "SIP/2.0 " && isDigit(b[8]) && isDigit(b[9]) && isDigit(b[10]) {
		return true // nearly always
	}
	n := scanVersion(b)
	if n == 0 || n == len(b) || !isBlank(b[n]) {
		return false
	}
	n = scanBlanks(b, n)
	return scanDigits(b, n) >= n+3
}

// hasSIPScheme reports whether b begins with a URI of SIP.
func hasSIPScheme(b []byte) bool {
	i := bytes.IndexByte(b[:min(len(b), 8)], ':')
	return i > 0 && (equalFold(b[:i], "sip") || equalFold(b[:i], "sips") || equalFold(b[:i], "tel"))
}

// hasUsualStart reports whether b begins as most messages do: with a usual status line, or with a registered
// method and a URI of SIP.
func hasUsualStart(b []byte) bool {
	if len(b) < 16 {
		return false
	}
	if string(b[:8]) == "SIP/2.0 " {
		return isDigit(b[8]) && isDigit(b[9]) && isDigit(b[10])
	}
	n := usualMethod(b)
	return n > 0 && bytes.HasPrefix(b[n+1:], sipScheme)
}

// usualMethod returns the length of the registered method that b, of sixteen octets at least, begins with and
// that a blank follows, 0 for none.
func usualMethod(b []byte) int {
	n := 3
	for b[n] > ' ' && n < 10 {
		n++
	}
	if b[n] != ' ' || !KnownMethod(b[:n]) {
		return 0
	}
	return n
}

// usualStartLine is startLine for nine lines of ten, which are as they should be. It reports whether this is one.
func (m *Message) usualStartLine(line []byte) bool {
	if len(line) >= 12 && string(line[:8]) == "SIP/2.0 " {
		code := int(line[8]-'0')*100 + int(line[9]-'0')*10 + int(line[10]-'0')
		if line[8]-'1' > 5 || !isDigit(line[9]) || !isDigit(line[10]) || line[11] != ' ' {
			return false
		}
		m.Version, m.StatusText, m.StatusCode, m.Reason = line[:7], line[8:11], code, line[12:]
		return true
	}
	if len(line) < 16 {
		return false
	}
	n, end := usualMethod(line), len(line)-len(usualVersion)
	if n == 0 || string(line[end:]) != string(usualVersion) || n+1 >= end {
		return false
	}
	uri := line[n+1 : end]
	if uri[0] <= ' ' || uri[len(uri)-1] <= ' ' || bytes.IndexByte(uri, ' ') >= 0 {
		return false
	}
	m.Method, m.RequestURI, m.Version = line[:n], uri, line[end+1:]
	return true
}

// startLine takes in a start line, without its line end. It reports whether it is one.
func (m *Message) startLine(line []byte) bool {
	m.StartLine = line
	if m.usualStartLine(line) {
		return true
	}
	if hasVersion(line) {
		return m.statusLine(line)
	}
	return m.requestLine(line)
}

// statusLine scans SIP-Version SP Status-Code SP Reason-Phrase. RFC 3261, section 7.2.
func (m *Message) statusLine(line []byte) bool {
	if !isStatusLine(line) {
		return false
	}
	n := scanVersion(line)
	m.version(line[:n])
	code := scanBlanks(line, n)
	end := scanDigits(line, code)
	if code-n > 1 {
		m.quirks |= QuirkStartSpace
	}
	m.StatusText = line[code:end]
	if s, _ := Number(m.StatusText); end-code == 3 && s >= 100 {
		m.StatusCode = int(s)
	}
	if m.StatusCode < 100 || m.StatusCode > 699 {
		m.quirks |= QuirkStatus
	}
	if end < len(line) && line[end] == ' ' {
		end++
	} else {
		m.quirks |= QuirkStartLine
	}
	m.Reason = line[end:]
	return true
}

// requestLine scans Method SP Request-URI SP SIP-Version. RFC 3261, section 7.1.
func (m *Message) requestLine(line []byte) bool {
	n := scanToken(line, 0)
	if n == 0 || n == len(line) || !isBlank(line[n]) {
		return false
	}
	m.Method = line[:n]
	uri := scanBlanks(line, n)
	rest := trimSpaceRight(line[uri:])
	if uri-n > 1 || len(rest) < len(line)-uri {
		m.quirks |= QuirkStartSpace
	}
	if i := bytes.LastIndexByte(rest, ' '); i >= 0 && isVersion(rest[i+1:]) {
		m.version(rest[i+1:])
		m.RequestURI = trimSpaceRight(rest[:i])
		if len(m.RequestURI) < i {
			m.quirks |= QuirkStartSpace
		}
	} else if isVersion(rest) { // the URI is missing
		m.version(rest)
		m.quirks |= QuirkStartLine
	} else {
		m.RequestURI = rest
		m.quirks |= QuirkStartLine
	}
	if bytes.IndexByte(m.RequestURI, ' ') >= 0 {
		m.quirks |= QuirkStartLine
	}
	if !KnownMethod(m.Method) && isKnownFolded(m.Method) {
		m.quirks |= QuirkMethodCase
	}
	return true
}

// isKnownFolded reports whether a method would be a known one in upper case.
func isKnownFolded(method []byte) bool {
	var b [16]byte
	if len(method) > len(b) {
		return false
	}
	for i, c := range method {
		if c-'a' < 26 {
			c &^= 0x20
		}
		b[i] = c
	}
	return KnownMethod(b[:len(method)])
}

func (m *Message) version(v []byte) {
	m.Version = v
	if string(v[:4]) != "SIP/" {
		m.quirks |= QuirkVersionCase
	}
	if string(v[4:]) != "2.0" {
		m.quirks |= QuirkVersion
	}
}
