// Package report turns an analysis into what people and programs read: the JSON of
// the contract, and text for a terminal. All names of JSON keys live here, and all text
// from captures passes through package clean on its way out.
package report

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
	"github.com/sipsight/sipsight/sipmsg"
)

// A jsonWriter appends JSON. Keys come out in the order in which they are written.
type jsonWriter struct {
	b         []byte
	comma     bool // a separator is due before the next value or key
	secrets   bool // show secrets
	maxText   int  // bounds each text, in octets; 0 is no bound
	sanitised bool // something was escaped since this was last cleared
	scratch   []byte
	masked    []byte
	odd       map[string]bool // the odd names among the header fields of one message
}

func (w *jsonWriter) sep() {
	if w.comma {
		w.b = append(w.b, ',')
	}
	w.comma = true
}

// open begins an object or array, close ends it: c is the bracket.
func (w *jsonWriter) open(c byte) {
	w.sep()
	w.b = append(w.b, c)
	w.comma = false
}

func (w *jsonWriter) close(c byte) {
	w.b = append(w.b, c)
	w.comma = true
}

// end ends the object that is all of a record, and says in it whether something was escaped.
func (w *jsonWriter) end() {
	if w.sanitised {
		w.key("sanitised").bool(true)
	}
	w.close('}')
}

// key writes a key that needs no escaping. What follows on w is its value.
func (w *jsonWriter) key(k string) *jsonWriter {
	b := w.b
	if w.comma {
		b = append(b, ',')
	}
	b = append(append(b, '"'), k...)
	w.b = append(b, '"', ':')
	w.comma = false
	return w
}

func (w *jsonWriter) int(n int64) {
	w.sep()
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *jsonWriter) float(x float64) {
	w.sep()
	w.b = words.AppendDecimal(w.b, x)
}

func (w *jsonWriter) bool(x bool) {
	w.sep()
	w.b = strconv.AppendBool(w.b, x)
}

func (w *jsonWriter) null() {
	w.sep()
	w.b = append(w.b, "null"...)
}

// quote writes text that is valid UTF-8 as it is.
func (w *jsonWriter) quote(s []byte) {
	if isPlain(s) {
		w.plain(s)
		return
	}
	w.sep()
	w.b = append(w.b, '"')
	start := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		w.b = append(w.b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			w.b = append(w.b, '\\', c)
		case '\n':
			w.b = append(w.b, '\\', 'n')
		default:
			w.b = append(w.b, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	w.b = append(w.b, s[start:]...)
	w.b = append(w.b, '"')
}

// textLimit writes text from a capture, at most limit characters of it.
func (w *jsonWriter) textLimit(s []byte, limit int) {
	if len(s) <= limit && (w.maxText == 0 || len(s) <= w.maxText) && isPlain(s) {
		w.plain(s)
		return
	}
	w.scratch = w.appendClean(w.scratch[:0], s, limit)
	w.quote(w.scratch)
}

// appendClean appends text from a capture, at most limit characters of it, to b.
func (w *jsonWriter) appendClean(b, s []byte, limit int) []byte {
	n := len(b)
	if w.maxText > 0 {
		limit = min(limit, w.maxText)
	}
	b, changed := clean.AppendText(b, s, limit)
	if w.maxText > 0 && len(b)-n > w.maxText+len("…") {
		b, changed = clean.AppendText(b[:n], s, max(w.maxText/utf8.UTFMax, 1))
	}
	w.sanitised = w.sanitised || changed
	return b
}

// plain writes text that needs no escaping.
func (w *jsonWriter) plain(s []byte) {
	w.sep()
	w.b = append(append(append(w.b, '"'), s...), '"')
}

// isPlain reports whether s is printable ASCII without characters that JSON escapes.
func isPlain(s []byte) bool {
	n := len(s)
	switch {
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			if !plainWord(binary.LittleEndian.Uint64(s[i:])) {
				return false
			}
		}
		return plainWord(binary.LittleEndian.Uint64(s[n-8:]))
	case n >= 4:
		return plainWord(uint64(binary.LittleEndian.Uint32(s)) | uint64(binary.LittleEndian.Uint32(s[n-4:]))<<32)
	}
	for _, c := range s {
		if c-0x20 >= 0x5f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// plainWord is isPlain of eight octets. Each term has the highest bit of an octet set where
// that, or one below it, is not plain.
func plainWord(x uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^ones*'"', x^ones*'\\'
	odd := x | (x + ones) | (x - ones*0x20) | (quote - ones) | (backslash - ones)
	return odd&high == 0
}

func (w *jsonWriter) text(s []byte) { w.textLimit(s, clean.MaxText) }

// given writes a key and text from a capture, unless that is empty.
func (w *jsonWriter) given(key string, s []byte) {
	if len(s) > 0 {
		w.key(key).text(s)
	}
}

// uris writes text that may hold URIs with passwords.
func (w *jsonWriter) uris(s []byte) {
	if w.secrets || !clean.MayHoldSecret(s) {
		w.text(s)
		return
	}
	w.masked = clean.AppendURIs(w.masked[:0], s)
	w.text(w.masked)
}

// value returns the value of a header field, unfolded, without secrets unless they are
// to be shown. It is valid until the next call.
func (w *jsonWriter) value(f sipmsg.Field) []byte {
	if w.secrets {
		w.masked = sipmsg.AppendUnfolded(w.masked[:0], f.Value)
	} else {
		w.masked = clean.AppendValue(w.masked[:0], f)
	}
	return w.masked
}

// strings writes an array of texts of our own.
func (w *jsonWriter) strings(list []string) {
	w.open('[')
	for _, s := range list {
		w.quote([]byte(s))
	}
	w.close(']')
}

// texts writes an array of texts from a capture.
func (w *jsonWriter) texts(list []string) {
	w.open('[')
	for _, s := range list {
		w.text([]byte(s))
	}
	w.close(']')
}

// uriList writes an array of texts that may hold URIs with passwords.
func (w *jsonWriter) uriList(list []string) {
	w.open('[')
	for _, s := range list {
		w.uris([]byte(s))
	}
	w.close(']')
}

func (w *jsonWriter) time(t time.Time) {
	w.sep()
	w.b = append(w.b, '"')
	w.b = words.AppendTime(w.b, t)
	w.b = append(w.b, '"')
}

func (w *jsonWriter) addr(a netip.Addr) {
	w.sep()
	w.b = append(w.b, '"')
	w.b = a.Unmap().AppendTo(w.b)
	w.b = append(w.b, '"')
}

// hostPort writes the address and the port under their keys, nothing where they are not known.
func (w *jsonWriter) hostPort(ip, port string, a netip.AddrPort) {
	if a.IsValid() {
		w.key(ip).addr(a.Addr())
		w.key(port).int(int64(a.Port()))
	}
}

// frame writes a frame reference: a number, or with several files the text k:n.
func (w *jsonWriter) frame(f analysis.Frame, several bool) {
	w.sep()
	w.b = appendFrame(w.b, f, several, `"`)
}

func appendFrame(b []byte, f analysis.Frame, several bool, quote string) []byte {
	if !several {
		return strconv.AppendInt(b, f.Number, 10)
	}
	b = append(b, quote...)
	b = strconv.AppendInt(b, int64(f.File+1), 10)
	b = append(b, ':')
	b = strconv.AppendInt(b, f.Number, 10)
	return append(b, quote...)
}

// maxFrames bounds the frames listed of one message.
const maxFrames = 1024

func (w *jsonWriter) frames(list []analysis.Frame, several bool) {
	w.open('[')
	for _, f := range list[:min(len(list), maxFrames)] {
		w.frame(f, several)
	}
	w.close(']')
}

// appendFrames appends frames as a cell of CSV.
func appendFrames(b []byte, list []analysis.Frame, several bool) []byte {
	for i, f := range list[:min(len(list), maxFrames)] {
		if i > 0 {
			b = append(b, "; "...)
		}
		b = appendFrame(b, f, several, "")
	}
	return b
}

// pair writes two endpoints as address:port.
func (w *jsonWriter) pair(key string, src, dst netip.AddrPort) {
	w.key(key).endpoint(src)
	w.key("destination").endpoint(dst)
}

func (w *jsonWriter) endpoint(a netip.AddrPort) {
	var b [64]byte
	w.quote(words.AppendEndpoint(b[:0], a))
}
