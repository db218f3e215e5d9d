package dissect

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"

	"github.com/sipsight/sipsight/sipmsg"
)

// maxWSMessage bounds one WebSocket message. RFC 7118: each is one SIP message.
const maxWSMessage = 1 << 20

// A wsReader reads one direction of a WebSocket: RFC 6455, section 5.2.
type wsReader struct {
	buf      []byte
	off      int64 // stream offset of buf[0]
	http     bool  // the HTTP header section of the upgrade is not over
	message  []byte
	start    int64 // stream offset of the first frame of message
	opcode   byte
	deflated bool // message is compressed
	context  bool // the other side compresses with what it sent before
	window   []byte
	lost     bool
}

func (w *wsReader) buffered() int { return len(w.buf) + len(w.message) + len(w.window) }

// gap forgets what is not whole: where frames begin is not known any more.
func (w *wsReader) gap() {
	w.off += int64(len(w.buf))
	w.buf, w.message = nil, nil
	w.lost = true
}

// isUpgrade reports whether b begins an HTTP request or answer that may open a WebSocket.
func isUpgrade(b []byte) bool {
	return (bytes.HasPrefix(b, []byte("GET ")) || bytes.HasPrefix(b, []byte("HTTP/1.1 101"))) &&
		bytes.Contains(bytes.ToLower(b[:min(len(b), 4096)]), []byte("upgrade: websocket"))
}

// sniffWebSocket reports whether b begins with a data frame that holds SIP.
func sniffWebSocket(b []byte) bool {
	h, ok := parseWSHeader(b)
	if !ok || h.opcode != 1 && h.opcode != 2 || h.rsv != 0 || len(b) <= h.size {
		return false
	}
	head := append([]byte(nil), b[h.size:min(len(b), h.size+512)]...)
	h.unmask(head)
	if len(head) < 8 {
		return false
	}
	return sipmsg.CanBegin(head) && (sipmsg.Sniff(head) || bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, ' ') > 0)
}

// A wsHeader is the header of one frame.
type wsHeader struct {
	fin    bool
	rsv    byte
	opcode byte
	masked bool
	mask   [4]byte
	length uint64
	size   int // of the header
}

func parseWSHeader(b []byte) (h wsHeader, ok bool) {
	if len(b) < 2 {
		return h, false
	}
	h.fin, h.rsv, h.opcode = b[0]&0x80 != 0, b[0]>>4&7, b[0]&15
	h.masked, h.length, h.size = b[1]&0x80 != 0, uint64(b[1]&0x7f), 2
	switch h.length {
	case 126:
		if len(b) < 4 {
			return h, false
		}
		h.length, h.size = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return h, false
		}
		h.length, h.size = binary.BigEndian.Uint64(b[2:]), 10
	}
	if h.masked {
		if len(b) < h.size+4 {
			return h, false
		}
		h.mask = [4]byte(b[h.size:])
		h.size += 4
	}
	return h, true
}

func (h *wsHeader) unmask(b []byte) {
	if !h.masked {
		return
	}
	for i := range b {
		b[i] ^= h.mask[i&3]
	}
}

// webSocket takes the next octets of a WebSocket.
func (h *half) webSocket(b []byte) {
	if h.ws == nil {
		h.ws = &wsReader{off: h.off - int64(len(b)), http: !sniffWebSocket(b) && (isUpgrade(b) || looksHTTP(b)), context: true}
	}
	w := h.ws
	w.buf = append(w.buf, b...)
	if w.lost {
		if !sniffWebSocket(w.buf) {
			w.gap()
			h.forget(w.off)
			return
		}
		w.lost = false
	}
	if w.http && !w.skipHTTP() {
		return
	}
	for h.d.err == nil && h.wsFrame() {
	}
	keep := w.off
	if len(w.message) > 0 {
		keep = w.start
	}
	h.forget(keep)
}

func looksHTTP(b []byte) bool {
	return bytes.HasPrefix(b, []byte("GET ")) || bytes.HasPrefix(b, []byte("HTTP/1."))
}

// skipHTTP steps over the header section of the upgrade. It reports whether it is over.
func (w *wsReader) skipHTTP() bool {
	i := bytes.Index(w.buf, []byte("\r\n\r\n"))
	if i < 0 {
		if len(w.buf) > 64<<10 {
			w.gap()
		}
		return false
	}
	if bytes.Contains(bytes.ToLower(w.buf[:i]), []byte("server_no_context_takeover")) {
		w.context = false
	}
	w.consume(i + 4)
	w.http = false
	return true
}

func (w *wsReader) consume(n int) {
	w.buf = append(w.buf[:0], w.buf[n:]...)
	w.off += int64(n)
}

// wsFrame takes one frame out of the buffer. It reports whether there was a whole one.
func (h *half) wsFrame() bool {
	w := h.ws
	f, ok := parseWSHeader(w.buf)
	if !ok {
		return false
	}
	if f.length > maxWSMessage || len(w.message) > maxWSMessage {
		w.gap()
		return false
	}
	end := f.size + int(f.length)
	if len(w.buf) < end {
		return false
	}
	payload := w.buf[f.size:end]
	f.unmask(payload)
	switch {
	case f.opcode >= 8: // control: may stand between the fragments of a message
		w.consume(end)
		return true
	case f.opcode != 0:
		w.message, w.start, w.opcode, w.deflated = nil, w.off, f.opcode, f.rsv&4 != 0
	}
	w.message = append(w.message, payload...)
	if !f.fin {
		w.consume(end)
		return true
	}
	m, start := w.message, w.start
	w.message = nil
	stop := w.off + int64(end)
	w.consume(end)
	if w.deflated {
		if m, ok = w.inflate(m); !ok {
			return true
		}
	}
	h.wsMessage(m, start, stop)
	return true
}

// wsMessage gives out one WebSocket message that lies at start to stop in the stream.
func (h *half) wsMessage(b []byte, start, stop int64) {
	if !sipmsg.Sniff(b) {
		if isKeepalive(b) {
			h.d.Counts[h.d.file].Keepalives++
		}
		return
	}
	h.found()
	c := h.carry(start, stop)
	c.notes |= NoteWebSocket
	if len(c.refs) > 0 {
		h.d.message(WS, b, false, &c)
	}
}

// inflate undoes permessage-deflate: RFC 7692, section 7.2.2.
func (w *wsReader) inflate(b []byte) (out []byte, ok bool) {
	in := io.MultiReader(bytes.NewReader(b), bytes.NewReader([]byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}))
	r := flate.NewReaderDict(in, w.window)
	out, err := io.ReadAll(io.LimitReader(r, maxWSMessage))
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, false
	}
	if w.context {
		w.window = append(w.window, out...)
		if n := len(w.window) - 32<<10; n > 0 {
			w.window = append(w.window[:0], w.window[n:]...)
		}
	}
	return out, true
}
