package fuzz

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/sdp"
)

// The slow reader of session descriptions. It does what package sdp says that it does, with
// strings and regular expressions, in as few words as possible, and without limits: it is
// given no more than they allow.

type slowLine struct {
	letter string
	value  string
	masked bool
}

type slowMedia struct {
	kind, portText, proto string
	formats               []string
	attributes            []string // name, or name:value
	connections           []string
}

type slowSession struct {
	lines    []slowLine
	session  slowMedia // attributes and connections ahead of the first m=
	media    []*slowMedia
	anything bool
}

var (
	slowEnds    = regexp.MustCompile(`\r\n|\r|\n`)
	slowForm    = regexp.MustCompile(`^[ \t]*([A-Za-z])[ \t]*=((?s).*)$`)
	slowName    = regexp.MustCompile("^[!#-'*+\\-.0-9A-Z^_`a-z{|}~$%&]+")
	slowLabel   = regexp.MustCompile(`(?i)(inline|ice-pwd|key-mgmt|clear|base64):`)
	slowMethod  = regexp.MustCompile(`(?i)^[ \t]*(clear|base64|uri)[ \t]*:`)
	slowCrypto  = regexp.MustCompile(`(?i)^[ \t]*(crypto([ \t]*:[ \t]*|[ \t]+|[^` + "`!#-'*+\\-.0-9A-Z^_`" + `a-z{|}~$%&][ \t]*)([^ \t]+[ \t]+){2}|cryptoscale([ \t]*:[ \t]*|[ \t]+|[^` + "`!#-'*+\\-.0-9A-Z^_`" + `a-z{|}~$%&][ \t]*)([^ \t]+[ \t]+){3})inline:`)
	slowSecret  = regexp.MustCompile(`(?is)^([ \t]*(?:ice-pwd|key-mgmt|cryptoscale|crypto)(?:[ \t]*:|[ \t]+|[^` + "`!#-'*+\\-.0-9A-Z^_`" + `a-z{|}~$%&]|$))`)
	slowBlanks  = regexp.MustCompile(`[ \t]+`)
	slowDigits  = regexp.MustCompile(`^[0-9]+$`)
	slowProfile = regexp.MustCompile(`(?is)^(.*/)?rtp/([^/]*)$`)
)

func slowFields(s string) []string {
	s = strings.Trim(s, " \t")
	if s == "" {
		return nil
	}
	return slowBlanks.Split(s, -1)
}

// slowMask cuts off what is secret.
func slowMask(letter, v string) (string, bool) {
	at := -1
	if loc := slowLabel.FindStringIndex(v); loc != nil {
		at = loc[1]
	}
	switch strings.ToLower(letter) {
	case "k":
		if m := slowMethod.FindString(v); m != "" {
			return m, true
		}
		if strings.EqualFold(strings.Trim(v, " \t"), "prompt") {
			return v, false
		}
		return "", true
	case "a":
		if m := slowCrypto.FindString(v); m != "" {
			return m, len(v) > len(m)
		}
		if m := slowSecret.FindStringSubmatch(v); m != nil {
			return m[1], len(v) > len(m[1])
		}
	}
	if at >= 0 {
		return v[:at], true
	}
	return v, false
}

func slowSDP(in string) (s slowSession) {
	if in == "" {
		return s
	}
	texts := slowEnds.Split(in, -1)
	if last := in[len(in)-1]; last == '\r' || last == '\n' {
		texts = texts[:len(texts)-1]
	}
	seen := map[string]bool{}
	section := &s.session
	for _, text := range texts {
		l := slowLine{value: text}
		if m := slowForm.FindStringSubmatch(text); m != nil {
			l.letter, l.value = m[1], m[2]
			if l.letter != "s" && l.letter != "i" {
				l.value = strings.Trim(l.value, " \t")
			}
			s.anything = true
		}
		l.value, l.masked = slowMask(l.letter, l.value)
		s.lines = append(s.lines, l)
		switch l.letter {
		case "m":
			f := append(slowFields(l.value), "", "", "")
			section = &slowMedia{kind: f[0], portText: f[1], proto: f[2]}
			if len(f) > 6 {
				section.formats = f[3 : len(f)-3]
			}
			s.media = append(s.media, section)
		case "c":
			if section != &s.session || !seen["c"] {
				section.connections = append(section.connections, l.value)
			}
			seen["c"] = true
		case "a":
			section.attributes = append(section.attributes, slowAttribute(l.value))
		}
	}
	return s
}

// slowAttribute returns name:value, or the name.
func slowAttribute(v string) string {
	v = strings.TrimRight(v, " \t")
	name := slowName.FindString(v)
	rest := strings.TrimLeft(v[len(name):], " \t")
	switch {
	case name == "":
		return "?" + v
	case rest == "":
		return name
	case rest[0] == ':':
		return name + ":" + strings.Trim(rest[1:], " \t")
	}
	return name + ":" + strings.Trim(v[len(name):], " \t")
}

func (m *slowMedia) isRTP() bool { return slowProfile.MatchString(m.proto) }

func (m *slowMedia) port() (uint16, bool) {
	text, _, _ := strings.Cut(m.portText, "/")
	if !slowDigits.MatchString(text) {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimLeft(text, "0")+"", 10, 16)
	if strings.Trim(text, "0") == "" {
		return 0, true
	}
	return uint16(n) * b2i(err == nil), err == nil
}

func b2i(b bool) uint16 {
	if b {
		return 1
	}
	return 0
}

// slowPlace is where a value of c= points, as text; empty where that is no address.
func slowPlace(v string) string {
	f := append(slowFields(v), "", "", "")
	host := f[2]
	if t := strings.ToUpper(f[0]); t == "IP4" || t == "IP6" {
		host = f[1]
	}
	host, _, _ = strings.Cut(host, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" || len(host) > 45 {
		return ""
	}
	return a.String()
}

func (s *slowSession) addr(m *slowMedia) string {
	port, _ := m.port()
	c := m.connections
	if len(c) == 0 {
		c = s.session.connections
	}
	if len(c) == 0 || port == 0 {
		return ""
	}
	if a := slowPlace(c[0]); a != "" {
		return netip.AddrPortFrom(netip.MustParseAddr(a), port).String()
	}
	return ""
}

func (s *slowSession) direction(m *slowMedia) string {
	d := "sendrecv"
	for _, list := range [][]string{s.session.attributes, m.attributes} {
		for _, a := range list {
			name, _, _ := strings.Cut(a, ":")
			switch low := strings.ToLower(name); low {
			case "sendrecv", "sendonly", "recvonly", "inactive":
				d = low
			}
		}
	}
	return d
}

var slowRtpmap = regexp.MustCompile(`^([0-9]+)[ \t]+([^ \t/]+)(/[0-9]+)?([ \t/].*)?$`)

// codecs are number and name of the payload types; names are empty where nothing says.
func (m *slowMedia) codecs() (list []string) {
	if !m.isRTP() {
		return nil
	}
	names := map[uint64]string{}
	for pt := range 128 {
		if c, ok := sdp.Static(uint8(pt)); ok { // its table is no code to be checked here
			names[uint64(pt)] = string(c.Name)
		}
	}
	type mapping struct{ text string }
	last := map[uint64]mapping{}
	for _, a := range m.attributes {
		name, v, _ := strings.Cut(a, ":")
		f := slowFields(v)
		if !strings.EqualFold(name, "rtpmap") || len(f) == 0 || !slowDigits.MatchString(f[0]) {
			continue
		}
		if n, err := strconv.ParseUint(f[0], 10, 64); err == nil && n < 128 {
			last[n] = mapping{v}
		}
	}
	for n, l := range last {
		if r := slowRtpmap.FindStringSubmatch(l.text); r != nil {
			names[n] = r[2]
		}
	}
	for _, f := range m.formats {
		if n, err := strconv.ParseUint(f, 10, 64); err == nil && n < 128 && slowDigits.MatchString(f) {
			if c := fmt.Sprintf("%d %s", n, names[n]); !slices.Contains(list, c) {
				list = append(list, c)
			}
		}
	}
	return list
}
