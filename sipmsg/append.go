package sipmsg

import "bytes"

// Append appends the message in its plainest form: lines end in CRLF, single blanks part
// the start line, known fields have their long names, folds are undone, an empty line ends
// the header section, and the body is as it was. What the values say is not changed, nor
// put right: a wrong Content-Length stays wrong.
//
// Parsing what was appended and appending it again gives the same octets.
func (m *Message) Append(dst []byte) []byte {
	switch {
	case m.IsRequest():
		dst = append(append(dst, m.Method...), ' ')
		dst = append(dst, m.RequestURI...)
		if len(m.RequestURI) > 0 && len(m.Version) > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, m.Version...)
		dst = append(dst, crlf...)
	case len(m.StartLine) > 0:
		dst = append(append(dst, m.Version...), ' ')
		dst = append(append(dst, m.StatusText...), ' ')
		dst = append(append(dst, m.Reason...), crlf...)
	}
	for i := range m.fields {
		dst = m.appendField(dst, &m.fields[i])
	}
	dst = append(dst, crlf...)
	return append(dst, m.Body...)
}

const crlf = "\r\n"

// appendField appends one header field. What is none is a line as well, unless it is blank:
// that would end the header section.
func (m *Message) appendField(dst []byte, f *field) []byte {
	name, value := m.raw[f.name:f.nameEnd], m.raw[f.value:f.valueEnd]
	colon := bytes.IndexByte(m.raw[f.nameEnd:f.value], ':') >= 0
	if !colon && len(value) == 0 {
		return dst
	}
	if f.id != Other {
		dst = append(dst, fieldNames[f.id].name...)
	} else {
		dst = appendOddName(dst, name)
	}
	if colon {
		dst = append(dst, ':')
		if len(value) > 0 {
			dst = append(dst, ' ')
		}
	}
	return append(AppendUnfolded(dst, value), crlf...)
}

// appendOddName appends a name that is not known, or is no name at all. Without the folds
// and blanks around it, it may be known.
func appendOddName(dst, name []byte) []byte {
	n := len(dst)
	dst = AppendUnfolded(dst, name)
	plain := trimSpace(dst[n:])
	if id := Lookup(plain); id != Other {
		return append(dst[:n], fieldNames[id].name...)
	}
	return append(dst[:n], plain...)
}
