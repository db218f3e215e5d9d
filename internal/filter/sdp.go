package filter

import (
	"bytes"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/sipmsg"
)

// addSDP adds the lines of session descriptions and their parts.
func addSDP(s *Schema[*analysis.Message]) {
	s.Add(Field{"sdp", Protocol, "it has a session description; the text of that", `sdp contains "telephone-event"`}, func(m *analysis.Message, v *Values) {
		for p := range m.SIP.Parts() {
			if isDescription(&p) {
				v.Text(v.description(p.Body))
			}
		}
	})
	add := func(name string, k Kind, typ byte, doc string, get func(value []byte, media bool, v *Values)) {
		s.Add(Field{"sdp." + name, k, doc, ""}, func(m *analysis.Message, v *Values) {
			for p := range m.SIP.Parts() {
				if isDescription(&p) {
					lines(v.description(p.Body), typ, v, get)
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

// isDescription reports whether a part of a body is a session description. Wireshark
// takes one without its first line, and nothing that is empty.
func isDescription(p *sipmsg.Part) bool {
	return len(p.Body) > 0 && p.Type.Is("application", "sdp")
}

// description returns the text of a session description without its secrets. It is valid
// until the next call.
func (v *Values) description(b []byte) []byte {
	if v.secrets || v.onlyPresence() {
		return b
	}
	v.scratch = clean.AppendBodyText(v.scratch[:0], b)
	return v.scratch
}

// lines gives the values of the lines of one type to get, and whether they belong to a
// media description.
func lines(d []byte, typ byte, v *Values, get func(value []byte, media bool, v *Values)) {
	media := false
	for len(d) > 0 {
		var line []byte
		if line, d = nextLine(d); len(line) < 2 || line[1] != '=' {
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
