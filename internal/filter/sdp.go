package filter

import (
	"bytes"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/sipmsg"
)

// addSDP adds the lines of session descriptions and their parts.
func addSDP(s *Schema[analysis.Message]) {
	s.Add(Field{"sdp", Protocol, "it has a session description; the text of that", `sdp contains "telephone-event"`}, func(m *analysis.Message, v *Values) {
		if v.onlyPresence() {
			for range descriptions(m.SIP, m.SIP.Body) {
				v.Present()
			}
			return
		}
		for d := range descriptions(m.SIP, v.body(m.SIP)) {
			v.Text(d)
		}
	})
	add := func(name string, k Kind, typ byte, doc string, get func(value []byte, media bool, v *Values)) {
		s.Add(Field{"sdp." + name, k, doc, ""}, func(m *analysis.Message, v *Values) {
			for d := range descriptions(m.SIP, v.body(m.SIP)) {
				media := false
				for b := d; len(b) > 0; {
					var line []byte
					if line, b = nextLine(b); len(line) < 2 || line[1] != '=' {
						continue
					}
					media = media || line[0] == 'm'
					if line[0] != typ {
						continue
					}
					if get(line[2:], media, v); v.Done() {
						return
					}
				}
			}
		})
	}
	whole := func(value []byte, _ bool, v *Values) { v.Text(value) }
	word := func(n int) func([]byte, bool, *Values) {
		return func(value []byte, _ bool, v *Values) {
			if b := wordOf(value, n); len(b) > 0 {
				v.Text(b)
			}
		}
	}
	add("version", String, 'v', "the v= line", whole)
	add("owner", String, 'o', "the o= line", whole)
	add("owner.username", String, 'o', "the user name in o=", word(0))
	add("owner.sessionid", String, 'o', "the session id in o=", word(1))
	add("owner.version", String, 'o', "the session version in o=", word(2))
	add("owner.address", String, 'o', "the address in o=", word(5))
	add("session_name", String, 's', "the s= line", whole)
	add("connection_info", String, 'c', "the c= lines", whole)
	add("connection_info.network_type", String, 'c', "the network type in c=", word(0))
	add("connection_info.address_type", String, 'c', "the address type in c=", word(1))
	add("connection_info.address", String, 'c', "the address in c=, as text", func(value []byte, _ bool, v *Values) {
		if b, _, _ := bytes.Cut(wordOf(value, 2), []byte("/")); len(b) > 0 {
			v.Text(b)
		}
	})
	add("bandwidth", String, 'b', "the b= lines", whole)
	add("time", String, 't', "the t= lines", whole)
	add("media", String, 'm', "the m= lines", whole)
	add("media.media", String, 'm', "the kinds of media in m=", word(0))
	add("media.port", Port, 'm', "the ports in m=", func(value []byte, _ bool, v *Values) {
		b, _, _ := bytes.Cut(wordOf(value, 1), []byte("/"))
		if n, ok := sipmsg.Number(b); ok && n < 1<<16 {
			v.Number(n)
		}
	})
	add("media.proto", String, 'm', "the protocols in m=", word(2))
	add("session_attr", String, 'a', "the a= lines before the first m=", func(value []byte, media bool, v *Values) {
		if !media {
			v.Text(value)
		}
	})
	add("media_attr", String, 'a', "the a= lines behind an m=", func(value []byte, media bool, v *Values) {
		if media {
			v.Text(value)
		}
	})
	add("mime.type", String, 'a', "the codecs in a=rtpmap", func(value []byte, media bool, v *Values) {
		if b, ok := bytes.CutPrefix(value, []byte("rtpmap:")); ok && media {
			b, _, _ = bytes.Cut(wordOf(b, 1), []byte("/"))
			v.Text(b)
		}
	})
}

// body returns the body of a message without its secrets. It is valid until the next
// call.
func (v *Values) body(m *sipmsg.Message) []byte {
	if v.secrets {
		return m.Body
	}
	v.scratch = clean.AppendBody(v.scratch[:0], m)
	return v.scratch
}

// wordOf returns the word n of a line whose words are parted by blanks, from 0.
func wordOf(b []byte, n int) []byte {
	for ; ; n-- {
		b = bytes.TrimLeft(b, " ")
		i := bytes.IndexByte(b, ' ')
		switch {
		case n == 0 && i >= 0:
			return b[:i]
		case n == 0:
			return b
		case i < 0:
			return nil
		}
		b = b[i:]
	}
}

func nextLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	return bytes.TrimSuffix(b[:i], []byte("\r")), b[i+1:]
}

// maxParts bounds the parts of a multipart body that are looked at.
const maxParts = 64

// descriptions calls yield for each session description in the body of m. body is that
// body, perhaps without its secrets.
func descriptions(m *sipmsg.Message, body []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		v, _ := m.First(sipmsg.ContentType)
		if len(body) == 0 {
			return
		}
		if isType(v, "application/sdp") {
			yield(body)
			return
		}
		if !isMultipart(v) {
			return
		}
		boundary := boundaryOf(v)
		if len(boundary) == 0 {
			return
		}
		for part := range parts(body, boundary) {
			if d, ok := description(part); ok && !yield(d) {
				return
			}
		}
	}
}

func isType(v []byte, mediaType string) bool {
	v, _, _ = bytes.Cut(v, []byte(";"))
	return strings.EqualFold(string(bytes.TrimSpace(v)), mediaType)
}

func isMultipart(v []byte) bool {
	return len(v) > 10 && strings.EqualFold(string(v[:10]), "multipart/")
}

func boundaryOf(v []byte) []byte {
	i := bytes.IndexByte(v, ';')
	if i < 0 {
		return nil
	}
	b, _ := sipmsg.Params(v[i:]).Get("boundary")
	return b
}

// parts cuts a multipart body: RFC 2046, section 5.1.
func parts(body, boundary []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		delimiter := append([]byte("--"), boundary...)
		start := -1
		for n, found := 0, 0; n < len(body) && found < maxParts; {
			line, _ := nextLine(body[n:])
			if bytes.HasPrefix(line, delimiter) {
				if found++; start >= 0 && !yield(body[start:n]) {
					return
				}
				if bytes.HasPrefix(line[len(delimiter):], []byte("--")) {
					return
				}
				start = min(n+len(line)+2, len(body))
			}
			i := bytes.IndexByte(body[n:], '\n')
			if i < 0 {
				break
			}
			n += i + 1
		}
		if start >= 0 && start < len(body) {
			yield(body[start:])
		}
	}
}

// description returns the session description in a part of a body, ok false if it is
// something else.
func description(part []byte) (d []byte, ok bool) {
	for len(part) > 0 {
		var line []byte
		if line, part = nextLine(part); len(line) == 0 {
			return part, ok && len(part) > 0
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if strings.EqualFold(string(bytes.TrimSpace(name)), "content-type") {
			ok = isType(value, "application/sdp")
		}
	}
	return nil, false
}
