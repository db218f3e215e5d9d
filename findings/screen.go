package findings

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A theme is what is suspicious about a text.
type theme uint8

const (
	escapes  theme = iota // terminal escapes
	hidden                // bidirectional and invisible controls
	markup                // markup or script
	query                 // a part of a database query
	address               // words that address a language model
	toolName              // the name of a program that scans
	themes
)

var themeNames = [themes]string{"a terminal escape", "bidirectional or invisible controls", "markup or script", "a part of a database query", "words that address a language model", "the name of a scanner"}

// A needle is a text that is suspicious by itself, or where one of near stands near it and
// belongs to it (see isNear), in lower case.
type needle struct {
	text  string
	theme theme
	near  []string

	at, group int // see nibbles
}

// needles are in lower case and have minNeedle octets or more.
var needles = []needle{
	{"<script", markup, nil, 2, 2}, {"</script", markup, nil, 3, 2}, {"<iframe", markup, nil, 0, 6}, {"<object", markup, nil, 0, 2}, {"<embed ", markup, nil, 0, 3},
	{"<img src", markup, nil, 0, 3}, {"<img/src", markup, nil, 0, 6}, {"<a href", markup, nil, 0, 3}, {"<svg/on", markup, nil, 1, 6}, {"<svg on", markup, nil, 0, 3}, {"<marquee", markup, nil, 0, 4},
	{"<meta http", markup, nil, 0, 4}, {"<style>", markup, nil, 0, 1}, {"<form action", markup, nil, 0, 6},
	{"javascript:", markup, nil, 5, 2}, {"vbscript:", markup, nil, 3, 2}, {"onerror=", markup, nil, 0, 5}, {"onload=", markup, nil, 0, 5}, {"onmouseover=", markup, nil, 0, 3}, {"onclick=", markup, nil, 3, 6},
	{"document.cookie", markup, nil, 10, 0},

	{"'/**/or/**/", query, nil, 5, 5}, {"' or '1'='1", query, nil, 2, 5}, {"' or 1=1", query, nil, 1, 2}, {"union select", query, nil, 1, 4}, {"union all select", query, nil, 1, 4}, {"union/**/select", query, nil, 1, 4},
	{"; drop table", query, nil, 4, 5},

	{"instruct", address, verbs, 1, 1}, {"ignore ", address, objects, 2, 1}, {"disregard ", address, objects, 2, 2}, {"forget all", address, objects, 1, 5},
	{"forget everything", address, objects, 1, 5}, {"override ", address, objects, 0, 5}, {"new instructions", address, models, 5, 1}, {"system instruct", address, nil, 8, 1},
	{"ignoriere alle", address, nil, 2, 1}, {"instruccion", address, []string{"ignora", "olvida"}, 1, 1}, {"system prompt", address, showing, 0, 6}, {"prompt injection", address, nil, 8, 4},
	{"language model", address, nil, 0, 0}, {"you are an ai", address, nil, 1, 3}, {"you are now a ", address, nil, 1, 3}, {"you are now an ", address, nil, 1, 3},
	{"you are now dan", address, nil, 1, 3}, {"you are now free", address, nil, 1, 3}, {"you are now in dev", address, nil, 1, 3}, {"you are a helpful", address, nil, 1, 3},
	{"as an ai ", address, nil, 4, 4}, {"note to ai", address, nil, 0, 1}, {"attention ai", address, nil, 7, 3}, {"ai assistant,", address, nil, 5, 6}, {"ai assistant:", address, nil, 5, 6},
	{"note to llm", address, nil, 0, 1}, {"attention llm", address, nil, 7, 3}, {"when summariz", address, nil, 8, 0}, {"in your summary", address, nil, 0, 7},
	{"in your output", address, nil, 0, 7}, {"do not report any", address, nil, 1, 5}, {"system override", address, nil, 7, 5}, {"ai reading this", address, nil, 8, 1},
	{"ai analyzing", address, nil, 6, 6}, {"ai assistants must", address, nil, 5, 6}, {"hey chatgpt", address, nil, 5, 3}, {"pretend you are", address, nil, 5, 1},
	{"your answer with", address, nil, 5, 6}, {"your response with", address, nil, 9, 5}, {"developer mode", address, nil, 5, 5}, {"jailbreak", address, nil, 0, 0},
	{"<|im_start", address, nil, 4, 3}, {"<|im_end", address, nil, 1, 3}, {"<|system", address, nil, 1, 4}, {"<|user|", address, nil, 0, 4}, {"<|assistant", address, nil, 4, 6},
	{"<|endof", address, nil, 0, 4}, {"[/inst]", address, nil, 0, 0}, {"<<sys>>", address, nil, 1, 4}, {"<system>", address, nil, 0, 4}, {"</system>", address, nil, 2, 6},
	{"<system-", address, nil, 0, 4}, {"<tool_call", address, nil, 1, 0}, {"<function_call", address, nil, 3, 1}, {"</instruct", address, nil, 0, 0}, {"### instruction", address, nil, 5, 1},
	{"### system", address, nil, 4, 6}, {"tell the user", address, nil, 5, 2}, {"inform the user", address, nil, 7, 2}, {"exfiltrat", address, nil, 4, 1},
	{"run the following", address, nil, 4, 2}, {"execute the following", address, nil, 8, 2}, {"call the tool", address, nil, 5, 2}, {"invoke the tool", address, nil, 7, 2},
	{"respond only with", address, nil, 10, 3}, {"reply only with", address, nil, 8, 3}, {"do not mention this", address, nil, 1, 5},
	{"skip this ", address, addressees, 4, 7}, {"ignore this ", address, addressees, 6, 7}, {"report this ", address, addressees, 6, 7}, {"mark this ", address, addressees, 4, 7},
	{"treat this ", address, addressees, 5, 7}, {"classify this ", address, addressees, 8, 7}, {"label this ", address, addressees, 5, 7}, {"say that all", address, addressees, 6, 7},
	{"assistant: ", address, turns, 2, 6}, {"human: ", address, turns, 0, 3}, {"<tool_result", address, nil, 1, 0}, {"</tool_result", address, nil, 2, 0}, {"<function_result", address, nil, 3, 1}, {"</function_result", address, nil, 4, 1}, {"you are now root", address, nil, 1, 3},

	{"friendly-scanner", toolName, nil, 4, 1}, {"friendly-request", toolName, nil, 4, 1}, {"sipvicious", toolName, nil, 5, 7}, {"sundayddr", toolName, nil, 2, 1}, {"sip-scan", toolName, nil, 0, 7},
	{"sipscan", toolName, nil, 0, 7}, {" pplsip", toolName, nil, 0, 7}, {"sipcli/", toolName, nil, 0, 7}, {"s=sipcli", toolName, nil, 2, 7}, {"vaxsipuseragent", toolName, nil, 3, 7}, {"sivus_voip", toolName, nil, 5, 5},
	{"siparmyknife", toolName, nil, 6, 0}, {"ip:nm@nm", toolName, nil, 3, 1},
}

// minNeedle is the length of the shortest needle. Seven octets in a row hold four that begin
// at a multiple of four, wherever they stand: looking at those alone is enough. Of a longer
// needle any seven will do, and those are taken that ordinary text has least of.
const minNeedle = 7

// ordinaryText is what many messages have in them.
const ordinaryText = `INVITE sip:1@example.com;user=phone SIP/2.0 REGISTER sip: SIP/2.0 200 OK SIP/2.0 180 Ringing
Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK;rport=5060;received=10.0.0.1 Via: SIP/2.0/TCP Max-Forwards: 70
From: "Display" <sip:1@example.com:5060>;tag=1 To: <sip: Call-ID: 1 CSeq: 1 INVITE ACK BYE OPTIONS
Contact: <sip:1@10.0.0.1:5060;transport=udp;ob>;expires=3600 Route: <sip:10.0.0.1;lr> Record-Route: <sip:10.0.0.1;transport=tcp;lr=on>
User-Agent: Server: Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE, SUBSCRIBE, NOTIFY, PRACK, UPDATE, REFER, PUBLISH
Supported: replaces, 100rel, timer, path, outbound, gruu, norefersub Allow-Events: talk,hold,conference,refer,check-sync,presence
Session-Expires: 1800;refresher=uac Min-SE: 90 Require: P-Asserted-Identity: Content-Type: application/sdp Content-Length: 0
WWW-Authenticate: Digest realm="", nonce="", algorithm=MD5, qop="auth" Proxy-Authorization: username="", uri="sip:", response="", cnonce="", nc=00000001
v=0 o=- 1 1 IN IP4 10.0.0.1 s=session c=IN IP4 10.0.0.1 t=0 0 m=audio 10000 RTP/AVP 8 0 9 18 101 a=rtpmap:8 PCMA/8000 a=rtpmap:0 PCMU/8000
a=rtpmap:18 G729/8000 a=rtpmap:101 telephone-event/8000 a=fmtp:101 0-16 a=ptime:20 a=sendrecv a=candidate: a=fingerprint:sha-256`

// A screen finds needles, escapes and suspicious characters in one pass over a message.
type screen struct {
	known [1 << windowBits]uint8  // 1 at the hashes of all windows
	heads [1 << windowBits]uint16 // of the lists of windows with that hash
	list  []written               // list[0] is none

	nibbles nibbles
	groups  [8][]begun
	begins  [1 << windowBits / 64]uint64 // a bit for the hash of each of their windows
}

// A begun is a needle with the first four of its five octets.
type begun struct {
	window uint32
	*needle
}

// Nibbles say of the low halves of five octets in a row, whether they may be those of needles, from needle.at on: they
// have a bit for each group of needles that have such a half there. Behind them stands ESC, again and again. The places and
// groups of needles were found by trying: of an ordinary message, hardly one octet in two thousand begins such five.
type nibbles [6][16]uint8

// add takes in a needle.
func (t *nibbles) add(n *needle) {
	for i := range 5 {
		t[i][n.text[n.at+i]&15] |= 1 << n.group
	}
}

// groupsAt returns a bit for each group that may have a needle whose five octets b begins with.
func (t *nibbles) groupsAt(b []byte) uint8 {
	return t[0][b[0]&15] & t[1][b[1]&15] & t[2][b[2]&15] & t[3][b[3]&15] & t[4][b[4]&15]
}

// A written is a window of four octets, and where it stands in a needle.
type written struct {
	window      uint32
	needle, off uint8
	next        uint16
}

// theScreen is made when it is asked for first: not every command looks for findings.
var theScreen = sync.OnceValue(func() *screen { return newScreen(needles) })

func newScreen(list []needle) *screen {
	s, ordinary := &screen{list: make([]written, 1)}, ordinaryWindows()
	for i := range s.nibbles[5] {
		s.nibbles[5][i] = esc
	}
	for i := range list {
		n := &list[i]
		if len(n.text) < minNeedle || len(list) > 255 {
			panic("findings: a needle that is too short: " + n.text)
		}
		start := leastOrdinary(n.text, ordinary)
		for off := start; off < start+4; off++ {
			w := windowAt([]byte(n.text), off)
			h := hashWindow(w)
			s.known[h] = 1
			s.list = append(s.list, written{w, uint8(i), uint8(off), s.heads[h]})
			s.heads[h] = uint16(len(s.list) - 1)
		}
		s.nibbles.add(n)
		begins := windowAt([]byte(n.text), n.at)
		s.groups[n.group] = append(s.groups[n.group], begun{begins, n})
		s.begins[hashWindow(begins)/64] |= 1 << (hashWindow(begins) % 64)
	}
	return s
}

const (
	fold  = 0x20202020 // makes letters small, and what it does to others it does to needles too
	highs = 0x8080808080808080
	esc   = 0x1b
	csi   = 0x9b // the control sequence introducer: ESC [ in one

	windowBits = 14
	windowMult = 0x449fd49b // found by trying: few windows of needles share a hash with ordinary text
)

// leastOrdinary returns where those windows of a needle begin that are least like ordinary text.
func leastOrdinary(needle string, ordinary *[1 << windowBits]bool) (start int) {
	like := func(start int) (n int) {
		for off := start; off < start+4; off++ {
			if ordinary[hashWindow(windowAt([]byte(needle), off))] {
				n++
			}
		}
		return n
	}
	for i := range len(needle) - minNeedle + 1 {
		if like(i) < like(start) {
			start = i
		}
	}
	return start
}

// ordinaryWindows marks the hashes of the windows of ordinary text.
func ordinaryWindows() *[1 << windowBits]bool {
	var m [1 << windowBits]bool
	text := []byte(strings.ReplaceAll(ordinaryText, "\n", "\r\n"))
	for i := range len(text) - 3 {
		m[hashWindow(windowAt(text, i))] = true
	}
	return &m
}

func windowAt(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) | fold }

func hashWindow(w uint32) uint32 { return w * windowMult >> (32 - windowBits) }

// suspect reports whether a message may hold something suspicious. Most do not, and every
// message of a capture comes here.
func (s *screen) suspect(b []byte) bool {
	if suspicious, ok := s.byBlocks(b); ok {
		return suspicious
	}
	return s.byWindows(b)
}

// byWindows does what suspect does, on any processor.
func (s *screen) byWindows(b []byte) bool {
	if bytes.IndexByte(b, esc) >= 0 {
		return true
	}
	found, ascii := s.windows(b)
	return found || !ascii && oddCharacters(b)
}

// windows reports whether a needle stands in b, and whether all of b is ASCII. It looks at
// eight windows at once.
func (s *screen) windows(b []byte) (found, ascii bool) {
	i, all := 0, uint64(0)
	for ; i+32 <= len(b); i += 32 {
		c := b[i : i+32 : i+32]
		w0, w1 := binary.LittleEndian.Uint64(c), binary.LittleEndian.Uint64(c[8:])
		w2, w3 := binary.LittleEndian.Uint64(c[16:]), binary.LittleEndian.Uint64(c[24:])
		all |= w0 | w1 | w2 | w3
		if s.pair(w0)|s.pair(w1)|s.pair(w2)|s.pair(w3) != 0 && s.around(b, i, i+32) {
			return true, false
		}
	}
	if s.around(b, i, len(b)) {
		return true, false
	}
	for _, c := range b[i:] {
		all |= uint64(c)
	}
	return false, all&highs == 0
}

// pair is not 0 where one of the two windows of a word may be one of a needle.
func (s *screen) pair(w uint64) uint8 {
	return s.known[hashWindow(uint32(w)|fold)] | s.known[hashWindow(uint32(w>>32)|fold)]
}

// around reports whether a needle stands around one of the windows in b[i:end].
func (s *screen) around(b []byte, i, end int) bool {
	for ; i+4 <= end; i += 4 {
		w := windowAt(b, i)
		for k := s.heads[hashWindow(w)]; k != 0; {
			x := &s.list[k]
			if from := i - int(x.off); x.window == w && from >= 0 && hasFold(b[from:], needles[x.needle].text) {
				return true
			}
			k = x.next
		}
	}
	return false
}

// oddCharacters reports whether a character that is not ASCII is suspicious.
func oddCharacters(b []byte) bool {
	for i := 0; i < len(b); {
		if i+8 <= len(b) && binary.LittleEndian.Uint64(b[i:])&highs == 0 {
			i += 8
			continue
		}
		for end := min(i+8, len(b)); i < end; i++ {
			if b[i] >= utf8.RuneSelf && isOdd(b[i:]) {
				return true
			}
		}
	}
	return false
}

// isOdd reports whether the character that b begins with, which is not ASCII, is suspicious.
func isOdd(b []byte) bool {
	c := b[0]
	switch {
	case c == csi:
		return isCSI(b[1:])
	case c < 0xc0 || !leadsOdd[c-0xc0]:
		return false
	}
	r, _ := utf8.DecodeRune(b)
	return r == csi || isHidden(r)
}

// leadsOdd marks what the octets from 0xc0 on begin characters that are suspicious: see isHidden.
var leadsOdd = [0x40]bool{0x02: true, 0x21: true, 0x22: true, 0x23: true, 0x2f: true, 0x33: true}

// hasFold reports whether b begins with a text in lower case, whatever the case of b.
//
//go:noinline
func hasFold(b []byte, text string) bool {
	if len(b) < len(text) {
		return false
	}
	for i := 0; i < len(text); i++ {
		if lower(b[i]) != text[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}

// A hit is something suspicious in a text: where it begins and ends.
type hit struct {
	theme    theme
	from, to int
}

// lowered makes dst hold b with the letters of ASCII in lower case.
func lowered(dst, b []byte) []byte {
	dst = append(dst[:0], b...)
	for i, c := range dst {
		dst[i] = lower(c)
	}
	return dst
}

// look returns the first hit of each theme in a suspicious text, of which low is what lowered makes: the needles are looked for
// in that, some hundred in each text that somebody sends to keep this busy.
func look(b, low []byte, found *[themes]hit) {
	*found = [themes]hit{}
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c == esc && found[escapes].to == 0 {
				found[escapes] = hit{escapes, i, endOfEscape(b, i+1)}
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case found[escapes].to == 0 && (r == csi || n == 1 && c == csi && isCSI(b[i+1:])):
			found[escapes] = hit{escapes, i, endOfEscape(b, i+n)}
		case found[hidden].to == 0 && isHidden(r):
			found[hidden] = hit{hidden, i, i + n}
		}
		i += n
	}
	for i := range needles {
		n := &needles[i]
		if found[n.theme].to != 0 {
			continue
		}
		for at := find(low, 0, n.text); at >= 0; at = find(low, at+1, n.text) {
			from, ok := at, !insideWord(low, at, n.text)
			if ok && n.near != nil {
				from, ok = n.isNear(low, at)
			}
			if ok {
				found[n.theme] = hit{n.theme, from, at + len(n.text)}
				break
			}
		}
	}
}

// insideWord reports whether a needle that begins with a letter begins inside of a word.
func insideWord(b []byte, at int, text string) bool {
	return at > 0 && isLetter(text[0]) && isLetter(lower(b[at-1]))
}

func isLetter(c byte) bool { return c-'a' < 26 }

// find returns where a text stands in b, from the octet from on.
func find(b []byte, from int, text string) int {
	i := bytes.Index(b[from:], []byte(text))
	if i < 0 {
		return i
	}
	return from + i
}

// findFold returns where a text in lower case stands in b, from the octet from on.
func findFold(b []byte, from int, text string) int {
	for i := from; i+len(text) <= len(b); i++ {
		if lower(b[i]) == text[0] && hasFold(b[i:], text) {
			return i
		}
	}
	return -1
}

// isCSI reports whether what follows the octet 9b makes it the beginning of a control
// sequence: in Latin-1 it is one, in the code pages of Windows a quotation mark.
func isCSI(b []byte) bool {
	i := 0
	for i < len(b) && i < 16 && (b[i]-'0' < 12 || b[i] == '?') {
		i++
	}
	return i > 0 && i < len(b) && b[i]-0x40 < 0x3f
}

// endOfEscape returns the end of what is shown of an escape sequence whose first character
// ends at i: not more than what a URI, or the password in one, cannot begin in.
func endOfEscape(b []byte, i int) int {
	end := min(len(b), i+12)
	if n := bytes.IndexAny(b[i:end], excerptEnds); n >= 0 {
		end = i + n
	}
	return end
}

// isHidden reports whether a character is one that reorders the text around it or that
// nobody sees, and that ordinary text does without. Joiners and variation selectors are
// part of words and pictures, marks of direction of names from right to left.
func isHidden(r rune) bool {
	switch {
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x206f:
		return true
	case r == 0x200b, r >= 0x2060 && r <= 0x2064, r == 0xfeff, r == 0x180e, r == 0x00ad, r == 0x2028, r == 0x2029:
		return true
	case r >= 0xe0000 && r <= 0xe007f, r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0:
		return true
	}
	return r >= 0xfff9 && r <= 0xfffb && unicode.Is(unicode.Cf, r)
}
