package fuzz

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/sipmsg"
)

// The slow readers of values: what the views of package sipmsg show, with strings and
// regular expressions.

const ws = `[ \t\r\n]*`

// slowNumber reads digits that fit so many bits.
func slowNumber(s string, bits int) (n uint64, ok bool) {
	if !regexp.MustCompile(`^[0-9]+$`).MatchString(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0, false
	}
	return n, true
}

type slowURI struct {
	scheme, user, password, host, port, params, headers, opaque string
	hasPassword                                                 bool
}

var (
	schemeColon = regexp.MustCompile(`(?s)^([A-Za-z][A-Za-z0-9+.-]*):(.*)$`)
	uriTail     = regexp.MustCompile(`(?s)^([^;?]*)(;[^?]*)?(?:\?(.*))?$`)
	bracketPort = regexp.MustCompile(`(?s)^(\[[^\]]*\])` + ws + `:(.*)$`)
	onePort     = regexp.MustCompile(`(?s)^([^:\[][^:]*|):([^:]*)$`)
)

func readURI(s string) (u slowURI) {
	s = strings.Trim(s, spaces)
	if inner, ok := strings.CutPrefix(s, "<"); ok {
		s = strings.Trim(strings.TrimSuffix(inner, ">"), spaces)
	}
	if m := schemeColon.FindStringSubmatch(s); m != nil {
		u.scheme, s = m[1], m[2]
	}
	switch lower(u.scheme) {
	case "", "sip", "sips", "im", "pres":
		if user, rest, ok := strings.Cut(s, "@"); ok {
			u.user, u.password, u.hasPassword = strings.Cut(user, ":")
			s = rest
		}
		m := uriTail.FindStringSubmatch(s)
		u.host, u.port = slowHostPort(m[1])
		u.params, u.headers = m[2], m[3]
	case "tel":
		m := uriTail.FindStringSubmatch(s)
		u.user, u.params, u.headers = m[1], m[2], m[3]
	default:
		u.opaque = s
	}
	return u
}

func slowHostPort(s string) (host, port string) {
	s = strings.Trim(s, spaces)
	m := bracketPort.FindStringSubmatch(s)
	if m == nil {
		m = onePort.FindStringSubmatch(s)
	}
	if m == nil {
		return s, ""
	}
	return strings.TrimRight(m[1], spaces), strings.Trim(m[2], spaces)
}

// slowAddr reads an IP address as net/netip does. Three colons are those of RFC 5118.
func slowAddr(s string) (netip.Addr, bool) {
	inner, open := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if open && closed {
		if s = inner; !strings.Contains(s, ":") {
			return netip.Addr{}, false
		}
	}
	addr, err := netip.ParseAddr(strings.Replace(s, ":::", "::", 1))
	return addr, err == nil && addr.Zone() == "" && !strings.Contains(s, "%")
}

type slowVia struct{ protocol, version, transport, host, port, params string }

var (
	tokenSlash = regexp.MustCompile(`(?s)^(` + token + `)` + ws + `/` + ws + `(.*)$`)
	firstToken = regexp.MustCompile(`^` + token)
)

func readVia(s string) (v slowVia) {
	s = strings.Trim(s, spaces)
	if i := strings.IndexByte(s, ';'); i >= 0 {
		s, v.params = s[:i], s[i:]
	}
	if m := tokenSlash.FindStringSubmatch(s); m != nil {
		v.protocol, s = m[1], m[2]
		if m := tokenSlash.FindStringSubmatch(s); m != nil {
			v.version, s = m[1], m[2]
			v.transport = firstToken.FindString(s)
			s = s[len(v.transport):]
		}
	}
	v.host, v.port = slowHostPort(s)
	return v
}

var (
	authScheme = regexp.MustCompile(`(?s)^((?:` + token + `)?)` + ws + `(.*)$`)
	word       = regexp.MustCompile(`^(?:[^=," \t\r\n]+=*|=+)$`)
)

// readAuth returns the scheme, and the parameters in lower case that have an equals sign.
func readAuth(s string) (scheme string, isWord bool, params [][2]string, names map[string]bool) {
	s = strings.Trim(s, spaces)
	if m := authScheme.FindStringSubmatch(s); !strings.HasPrefix(m[2], "=") {
		scheme, s = m[1], m[2]
	}
	names = map[string]bool{}
	if word.MatchString(s) {
		return scheme, true, nil, names
	}
	hidden, _ := hide(s)
	for s != "" {
		i := strings.IndexByte(hidden+",", ',')
		one := strings.Trim(s[:i], spaces)
		if i == len(s) {
			s, hidden = "", ""
		} else {
			s, hidden = s[i+1:], hidden[i+1:]
		}
		name, value, ok := strings.Cut(one, "=")
		name = lower(strings.TrimRight(name, spaces))
		names[name] = true
		if ok {
			params = append(params, [2]string{name, slowUnquote(strings.Trim(value, spaces))})
		}
	}
	return scheme, false, params, names
}

func slowUnquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// slowSplitParams splits a value from its parameters.
func slowSplitParams(s string) (value, params string) {
	s = strings.Trim(s, spaces)
	hidden, _ := hide(s)
	if i := strings.IndexByte(hidden, ';'); i >= 0 {
		return strings.TrimRight(s[:i], spaces), s[i:]
	}
	return s, ""
}

// slowParam returns the first parameter of a name.
func slowParam(params, name string) string {
	for _, kv := range slowParams(params) {
		if kv[0] == name {
			return kv[1]
		}
	}
	return ""
}

var warning = regexp.MustCompile(`(?s)^([^ \t\r\n]*)` + ws + `(?:([^" \t\r\n][^ \t\r\n]*)` + ws + `)?(.*)$`)

var seconds = regexp.MustCompile(`^[^;( \t\r\n]*`)

// readRetryAfter splits seconds, comment and parameters.
func readRetryAfter(s string) (number, comment, params string) {
	s = strings.Trim(s, spaces)
	number = seconds.FindString(s)
	s = strings.TrimLeft(s[len(number):], spaces)
	if strings.HasPrefix(s, "(") {
		depth, end, escaped := 0, len(s), false
		for i := range len(s) {
			switch c := s[i]; {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '(':
				depth++
			case c == ')':
				depth--
			}
			if depth == 0 {
				end = i
				break
			}
		}
		comment = s[1:end]
		s = s[min(end+1, len(s)):]
	}
	if i := strings.IndexByte(s, ';'); i >= 0 {
		params = s[i:]
	}
	return number, comment, params
}

var (
	escape  = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	uriText = regexp.MustCompile(`^(?:[A-Za-z0-9_.!~*'();/?:@&=+$,\[\]-]|%[0-9A-Fa-f]{2})*$`)

	uriParam    = `[A-Za-z0-9_.!~*'()\[\]/:&+$%-]+`
	headerParam = `[A-Za-z0-9.!%*_+` + "`" + `'~\[:\]-]+`

	uriParams    = grammarOfParams(uriParam)
	headerParams = grammarOfParams(headerParam)
	displayName  = regexp.MustCompile(`(?s)^(?:"(?:\\.|[^"\\])*"|[A-Za-z0-9.!%*_+` + "`" + `'~ \t\r\n-]*)$`)
	hostName     = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	date         = regexp.MustCompile(`^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$`)
)

func grammarOfParams(octets string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)^(?:` + ws + `;` + ws + octets + `(?:` + ws + `=` + ws + `(?:"(?:\\.|[^"\\])*"|` + octets + `))?)*` + ws + `$`)
}

// slowUnescape undoes %HH.
func slowUnescape(s string) string {
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.ParseUint(e[1:], 16, 8)
		return string([]byte{byte(n)})
	})
}

func slowIsHost(s string) bool {
	if strings.HasPrefix(s, "[") {
		_, ok := slowAddr(s)
		return ok
	}
	return hostName.MatchString(s)
}

func slowIsPort(s string) bool {
	_, ok := slowNumber(s, 16)
	return ok
}

// slowIsURI judges a URI. Whether a colon without a port behind it stood there is lost in
// slowURI, so it is looked for again.
func slowIsURI(s string) bool {
	if !uriText.MatchString(s) {
		return false
	}
	u := readURI(s)
	switch lower(u.scheme) {
	case "":
		return false
	case "tel":
		return u.user != "" && uriParams.MatchString(u.params)
	case "sip", "sips", "im", "pres":
		_, after, _ := strings.Cut(s, ":")
		if _, rest, ok := strings.Cut(after, "@"); ok {
			after = rest
		}
		hostPort := uriTail.FindStringSubmatch(after)[1]
		return slowIsHost(u.host) && (u.host == hostPort || slowIsPort(u.port)) && uriParams.MatchString(u.params)
	}
	return u.opaque != ""
}

// slowIsAddress judges a name-addr or addr-spec with its parameters.
func slowIsAddress(v string) bool {
	v = strings.Trim(v, spaces)
	hidden, closed := hide(v)
	open := strings.IndexByte(hidden, '<')
	if open < 0 && !closed {
		open = strings.IndexByte(v, '<')
	}
	if open < 0 {
		_, uri, params := slowAddress(v)
		return slowIsURI(uri) && !strings.Contains(uri, "?") && headerParams.MatchString(params)
	}
	uri, params, ended := strings.Cut(v[open+1:], ">")
	return ended && displayName.MatchString(strings.Trim(v[:open], spaces)) && slowIsURI(uri) && headerParams.MatchString(params)
}

// slowInspect finds what Inspect adds to Check.
func slowInspect(m *slowMessage, head string) (q sipmsg.Quirks) {
	set := func(quirk sipmsg.Quirks, when bool) {
		if when {
			q |= quirk
		}
	}
	first := func(id sipmsg.ID) (v string, ok bool) {
		if all := m.all(id); len(all) > 0 {
			return all[0], true
		}
		return "", false
	}
	set(sipmsg.QuirkCRAlone, regexp.MustCompile(`\r[^\n]`).MatchString(slowBytes(head)))
	set(sipmsg.QuirkControl, regexp.MustCompile(`[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]`).MatchString(head))
	if m.ended {
		_, has := first(sipmsg.MaxForwards)
		set(sipmsg.QuirkMaxForwardsNone, m.method != "" && !has)
		length, has := first(sipmsg.ContentLength)
		set(sipmsg.QuirkContentLengthNone, !has)
		n, ok := slowNumber(length, 32)
		_, has = first(sipmsg.ContentType)
		set(sipmsg.QuirkContentTypeNone, m.body != "" && !has && (!ok || n > 0))
		cseq, _ := first(sipmsg.CSeq)
		_, method := slowCSeq(cseq)
		_, has = first(sipmsg.Contact)
		set(sipmsg.QuirkContactNone, method == "INVITE" && !has && (m.method == "INVITE" || m.status/100 == 2))
	}
	colons := func(host string) { set(sipmsg.QuirkIPv6Colons, strings.Contains(host, ":::")) }
	if m.method != "" {
		u := readURI(m.uri)
		colons(u.host)
		_, tail, _ := strings.Cut(m.uri, "@")
		if !strings.Contains(m.uri, "@") {
			tail = m.uri
		}
		switch lower(u.scheme) {
		case "", "sip", "sips", "im", "pres":
			set(sipmsg.QuirkRequestURIHeaders, strings.Contains(tail, "?"))
		case "tel":
			set(sipmsg.QuirkRequestURIHeaders, strings.Contains(m.uri, "?"))
		}
		set(sipmsg.QuirkRequestURI, !slowIsURI(m.uri))
	}
	open := func(v string) {
		_, closed := hide(v)
		set(sipmsg.QuirkQuote, !closed)
	}
	address := func(quirk sipmsg.Quirks, v string) {
		set(quirk, !slowIsAddress(v))
		_, uri, _ := slowAddress(v)
		colons(readURI(uri).host)
		open(v)
	}
	for _, f := range m.fields {
		set(sipmsg.QuirkLongLine, f.valueOff+len(f.value)-f.off > sipmsg.MaxLine)
		elements := slowSplit(f.value)
		switch f.id {
		case sipmsg.Via:
			for _, e := range elements {
				v := readVia(e)
				before, _, _ := strings.Cut(e, ";")
				_, sentBy, _ := strings.Cut(before, "/")
				_, sentBy, _ = strings.Cut(sentBy, "/")
				sentBy = strings.TrimLeft(sentBy, spaces)
				sentBy = strings.Trim(strings.TrimPrefix(sentBy, v.transport), spaces)
				set(sipmsg.QuirkVia, v.transport == "" || !slowIsHost(v.host) || v.host != sentBy && !slowIsPort(v.port) || !headerParams.MatchString(v.params))
				set(sipmsg.QuirkBroadcast, v.host == "255.255.255.255")
				colons(v.host)
				open(e)
			}
		case sipmsg.From:
			address(sipmsg.QuirkFrom, f.value)
		case sipmsg.To:
			address(sipmsg.QuirkTo, f.value)
		case sipmsg.Contact:
			for _, e := range elements {
				display, uri, params := slowAddress(e)
				if uri == "*" && display == "" {
					continue
				}
				for _, kv := range slowParams(params) {
					if kv[0] == "expires" {
						_, ok := slowNumber(kv[1], 32)
						set(sipmsg.QuirkExpires, !ok)
						break
					}
				}
				address(sipmsg.QuirkContact, e)
			}
		case sipmsg.Route, sipmsg.RecordRoute, sipmsg.Path, sipmsg.ServiceRoute:
			for _, e := range elements {
				hidden, closed := hide(e)
				if !strings.Contains(hidden, "<") && (closed || !strings.Contains(e, "<")) {
					q |= sipmsg.QuirkRoute
					continue
				}
				address(sipmsg.QuirkRoute, e)
			}
		case sipmsg.PAssertedIdentity, sipmsg.PPreferredIdentity, sipmsg.PAssociatedURI, sipmsg.Diversion, sipmsg.HistoryInfo, sipmsg.RemotePartyID:
			for _, e := range elements {
				address(sipmsg.QuirkAddress, e)
			}
		case sipmsg.PCalledPartyID, sipmsg.ReferTo, sipmsg.ReferredBy, sipmsg.ReplyTo:
			address(sipmsg.QuirkAddress, f.value)
		case sipmsg.MaxForwards:
			n, ok := slowNumber(f.value, 32)
			set(sipmsg.QuirkMaxForwards, !ok || n > 255)
			set(sipmsg.QuirkMaxForwardsZero, ok && n == 0)
		case sipmsg.Expires, sipmsg.MinExpires:
			_, ok := slowNumber(f.value, 32)
			set(sipmsg.QuirkExpires, !ok)
		case sipmsg.RetryAfter:
			number, _, _ := readRetryAfter(f.value)
			_, ok := slowNumber(number, 32)
			set(sipmsg.QuirkRetryAfter, !ok)
		case sipmsg.RSeq:
			_, ok := slowNumber(f.value, 32)
			set(sipmsg.QuirkNumber, !ok)
		case sipmsg.RAck:
			parts := regexp.MustCompile(`(?s)^([^ \t\r\n]*)` + ws + `([^ \t\r\n]*)` + ws + `(.*)$`).FindStringSubmatch(f.value)
			_, ok1 := slowNumber(parts[1], 32)
			_, ok2 := slowNumber(parts[2], 32)
			set(sipmsg.QuirkNumber, !ok1 || !ok2 || parts[3] == "")
		case sipmsg.SessionExpires, sipmsg.MinSE:
			v, _ := slowSplitParams(f.value)
			_, ok := slowNumber(v, 32)
			set(sipmsg.QuirkNumber, !ok)
		case sipmsg.Warning:
			for _, e := range elements {
				w := warning.FindStringSubmatch(e)
				_, ok := slowNumber(w[1], 32)
				set(sipmsg.QuirkWarning, !ok || len(w[1]) != 3 || w[2] == "" || w[3] == "" || !strings.HasSuffix(e, `"`))
				open(e)
			}
		case sipmsg.Date:
			set(sipmsg.QuirkDate, !date.MatchString(f.value))
		}
	}
	tag := func(id sipmsg.ID) bool {
		v, ok := first(id)
		_, _, params := slowAddress(v)
		return ok && slowParam(params, "tag") == ""
	}
	set(sipmsg.QuirkFromTag, tag(sipmsg.From))
	set(sipmsg.QuirkToTag, m.status > 100 && tag(sipmsg.To))
	if v, ok := first(sipmsg.Via); ok {
		branch := ""
		if all := slowFirst(v); strings.Contains(all, ";") {
			branch = slowParam(all[strings.IndexByte(all, ';'):], "branch")
		}
		set(sipmsg.QuirkBranchCookie, !strings.HasPrefix(branch, "z9hG4bK"))
		set(sipmsg.QuirkBranchEmpty, branch == "z9hG4bK")
	}
	return q
}

// slowFirst returns the first element of a list, which may be empty.
func slowFirst(v string) string { return strings.Trim(element.FindString(v), spaces) }

// slowBytes makes every octet a character, so that one that is not UTF-8 is one too.
func slowBytes(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

var qvalue = regexp.MustCompile(`^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$`)

func slowUnangle(s string) string {
	if len(s) >= 2 && s[0] == '<' && s[len(s)-1] == '>' {
		return s[1 : len(s)-1]
	}
	return s
}

// slowUnescapeQuoted undoes the backslashes of a quoted string.
func slowUnescapeQuoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

type slowPart struct {
	typ, subtype, body string
	depth              int
}

// slowParts splits a body by its lines.
func slowParts(contentType, body string, depth int) (list []slowPart) {
	if body == "" && depth == 0 {
		return nil
	}
	value, params := slowSplitParams(contentType)
	typ, subtype, _ := strings.Cut(value, "/")
	typ, subtype = strings.TrimRight(typ, spaces), strings.TrimLeft(subtype, spaces)
	whole := []slowPart{{typ, subtype, body, depth}}
	boundary := slowParam(params, "boundary")
	if lower(typ) != "multipart" || boundary == "" || depth == sipmsg.MaxDepth {
		return whole
	}
	var part strings.Builder
	began, ended := false, false
	take := func() {
		header, content := slowHead(part.String())
		list = append(list, slowParts(header, content, depth+1)...)
		part.Reset()
	}
	for _, line := range strings.SplitAfter(body, "\n") {
		rest, isDelimiter := strings.CutPrefix(slowTrimEnd(line), "--"+boundary)
		rest, closing := strings.CutPrefix(rest, "--")
		if !isDelimiter || strings.Trim(rest, " \t") != "" {
			part.WriteString(line)
			continue
		}
		if began {
			text := slowTrimEnd(part.String())
			part.Reset()
			part.WriteString(text)
			take()
		}
		part.Reset()
		began = true
		if ended = closing; ended {
			break
		}
	}
	if !began {
		return whole
	}
	if !ended && part.Len() > 0 {
		take()
	}
	return list
}

// slowTrimEnd cuts a line end off.
func slowTrimEnd(line string) string {
	if text, ok := strings.CutSuffix(line, "\n"); ok {
		return strings.TrimSuffix(text, "\r")
	}
	return line
}

// slowHead returns the Content-Type of a part, and what follows its header lines.
func slowHead(part string) (contentType, content string) {
	found := false
	var field string
	end := func() {
		name, value, ok := strings.Cut(field, ":")
		id := slowID(strings.Trim(name, spaces))
		if ok && !found && id == sipmsg.ContentType {
			contentType, found = strings.Trim(value, spaces), true
		}
		field = ""
	}
	for part != "" {
		if rest, ok := strings.CutPrefix(part, "\r\n"); ok {
			end()
			return contentType, rest
		}
		if rest, ok := strings.CutPrefix(part, "\n"); ok {
			end()
			return contentType, rest
		}
		line, rest, _ := strings.Cut(part, "\n")
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			end()
		}
		field += line + "\n"
		part = rest
	}
	end()
	return contentType, ""
}
