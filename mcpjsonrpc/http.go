package mcpjsonrpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Limits on what clients send over HTTP.
const (
	// maxBody bounds one message. A thousand paths of the longest kind are as
	// much.
	maxBody = 4 << 20

	// maxRequests bounds the requests served at once. More than those that run
	// and wait as calls have little to do here.
	maxRequests = 16

	// bodyTime bounds how long a message may take to arrive: the slots are
	// few.
	bodyTime = 30 * time.Second
)

// keepAlive is how often a stream of events has something to carry, lest somebody on
// the way thinks that it is dead.
const keepAlive = 15 * time.Second

// HTTPOptions says who may talk to a Handler.
type HTTPOptions struct {
	// Token is what every request must carry as its bearer token. Without
	// one, only requests that name this host as a loopback address in Host
	// are served: a page in a browser that had its own name resolved to
	// 127.0.0.1 is not.
	Token string
}

// Handler returns a handler that serves s over Streamable HTTP, on whatever path it
// is mounted. The error is a fault in the fields of s, which must not change any more.
//
// Each message is a POST of its own, and no session is kept. What revision holds is
// said by _meta and by the header field MCP-Protocol-Version; without either it is
// 2025-03-26, and an initialize is answered by its own. A call that reports progress
// is answered with a stream of events, all else with JSON, unless the client takes
// events alone. A client that goes away cancels its call. Bodies are bounded, in length
// and in time, and so are the requests served at once. The http.Server should have a
// ReadHeaderTimeout, and no ReadTimeout or WriteTimeout: they would end calls that take
// longer.
func (s *Server) Handler(o HTTPOptions) (http.Handler, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &handler{server: s, token: o.Token, slots: make(chan struct{}, maxRequests)}, nil
}

type handler struct {
	server *Server
	token  string
	slots  chan struct{} // holds one for each request that is served
}

// An httpError is an error with its status.
type httpError struct {
	status int
	*Error
}

func refusal(status int, code int, format string, args ...any) *httpError {
	return &httpError{status, errorf(code, format, args...)}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	x := &exchange{w: w, answer: make(chan []byte, 1)}
	c := newSession(ctx, cancel, h.server, x)
	c.unsplit = true

	body, e := h.admit(w, r, x)
	if e != nil {
		c.logRefused("", "", e.Error)
		x.fail(e.status, c.failure(nil, e.Error))
		return
	}
	defer func() { <-h.slots }()
	if id, e := c.headers(r.Header, body); e != nil {
		c.logRefused("", string(id), e.Error)
		x.fail(e.status, c.failure(id, e.Error))
		return
	}
	if c.guard("request", func() error { c.incoming(body, x.reply); return nil }) != nil {
		x.fail(http.StatusInternalServerError, c.failure(nil, errInternal))
		return
	}
	x.wait(ctx, c.status())
}

// admit reads the body of a request that may be made. Without an error it holds a slot.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, x *exchange) (body []byte, e *httpError) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	x.json, x.events = accepts(r.Header)
	switch {
	case h.token == "" && !isLoopback(hostName(r.Host)):
		return nil, refusal(http.StatusForbidden, CodeInvalidRequest, "Host %s is not a loopback address", quote(r.Host))
	case !sameMachine(r.Header.Values("Origin")):
		return nil, refusal(http.StatusForbidden, CodeInvalidRequest, "Origin is not a loopback address")
	case h.token != "" && !h.authorized(r.Header.Values("Authorization")):
		w.Header().Set("WWW-Authenticate", "Bearer")
		return nil, refusal(http.StatusUnauthorized, CodeInvalidRequest, "the bearer token is missing or wrong")
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return nil, refusal(http.StatusMethodNotAllowed, CodeInvalidRequest, "only POST is answered: there are no sessions and no streams to open")
	case mediaType != "application/json" || r.Header.Get("Content-Encoding") != "":
		return nil, refusal(http.StatusUnsupportedMediaType, CodeInvalidRequest, "Content-Type must be application/json, without Content-Encoding")
	case !x.json && !x.events:
		return nil, refusal(http.StatusNotAcceptable, CodeInvalidRequest, "Accept must allow application/json or text/event-stream")
	}
	select {
	case h.slots <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "1")
		return nil, refusal(http.StatusServiceUnavailable, CodeInternalError, "busy: %d requests are being served; try again when one of them is done", maxRequests)
	}
	// A deadline that is not taken back would end the call, not only the reading.
	deadline := http.NewResponseController(w)
	deadline.SetReadDeadline(time.Now().Add(bodyTime)) // not every writer has it
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	deadline.SetReadDeadline(time.Time{})
	if err != nil {
		<-h.slots
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, refusal(http.StatusRequestEntityTooLarge, CodeInvalidRequest, "a message over %d MiB", maxBody>>20)
		}
		return nil, refusal(http.StatusBadRequest, CodeInvalidRequest, "the body could not be read")
	}
	if body = bytes.Trim(body, " \t\r\n"); len(body) == 0 {
		<-h.slots
		return nil, refusal(http.StatusBadRequest, CodeParseError, "an empty body")
	}
	return body, nil
}

// accepts reports whether an answer may be JSON, and whether it may be a stream of events.
func accepts(h http.Header) (json, events bool) {
	list := strings.Join(h.Values("Accept"), ",")
	if list == "" {
		return true, false
	}
	return allows(list, "application/json"), allows(list, "text/event-stream")
}

// allows reports whether an Accept field allows a media type, which the entry says that names it most
// closely. RFC 9110, section 12.5.1.
func allows(list, mediaType string) (ok bool) {
	closest := 0
	for entry := range strings.SplitSeq(list, ",") {
		name, params, _ := mime.ParseMediaType(entry)
		near := slices.Index([]string{"*/*", mediaType[:strings.IndexByte(mediaType, '/')] + "/*", mediaType}, name) + 1
		if near > closest {
			q, err := strconv.ParseFloat(params["q"], 64)
			closest, ok = near, err != nil || q > 0
		}
	}
	return ok
}

// hostName returns the host in a Host header field.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// isLoopback reports whether a host name can only mean this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// sameMachine reports whether the values of Origin are absent or name this machine.
func sameMachine(origins []string) bool {
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isLoopback(u.Hostname()) {
			return false
		}
	}
	return true
}

// authorized reports whether the values of Authorization are the token. How long that
// takes tells nothing about it.
func (h *handler) authorized(values []string) bool {
	if len(values) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(h.token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// headers sets the revision by which body is answered, and compares it with what the
// header fields say of it. MCP 2026-07-28, basic/transports; 2025-11-25 for the others.
// The id is that of the request at fault, if it has one.
func (c *session) headers(h http.Header, body []byte) (id []byte, e *httpError) {
	if !utf8.Valid(body) || !isWholeObject(body) {
		body = nil // a batch, or nothing to compare with
	}
	v, _ := pick(body, "id", "method", "params")
	if id = v[0]; at(id, 0) != '"' && !isInteger(id) {
		id = nil
	}
	method, isMethod := unquote(v[1])
	params := v[2]
	if !isObject(params) {
		params = nil
	}
	meta, _ := pick(params, "_meta")
	if !isObject(meta[0]) {
		meta[0] = nil
	}
	version, _ := pick(meta[0], metaVersion)
	inBody, isVersion := unquote(version[0])
	inHeader := strings.TrimSpace(h.Get("MCP-Protocol-Version"))
	switch {
	case len(h.Values("MCP-Protocol-Version")) > 1:
		return id, mismatch("MCP-Protocol-Version is given more than once")
	case isVersion && inHeader != inBody:
		return id, mismatch("MCP-Protocol-Version %s is not what _meta says, %s", quote(inHeader), quote(inBody))
	case isVersion && inBody == string(v20260728) && isMethod:
		return id, compareHeaders(h, method, params)
	case isVersion || version[0] != nil:
		return nil, nil // refused by the rules
	case inHeader == "":
		c.negotiated = v20250326
	case inHeader == string(v20260728):
		if id != nil && isMethod {
			return id, refusal(http.StatusBadRequest, CodeInvalidParams, "revision %s needs %q: %q in the _meta of each request", inHeader, metaVersion, inHeader)
		}
	case slices.Contains(revisions, revision(inHeader)):
		c.negotiated = revision(inHeader)
	default:
		return id, &httpError{http.StatusBadRequest, unsupported(inHeader, "unsupported MCP-Protocol-Version "+quote(inHeader))}
	}
	return nil, nil
}

func mismatch(format string, args ...any) *httpError {
	return refusal(http.StatusBadRequest, codeHeaderMismatch, format, args...)
}

// compareHeaders compares a message of revision 2026-07-28 with the header fields that
// repeat parts of it for those who do not read bodies.
func compareHeaders(h http.Header, method string, params []byte) *httpError {
	if e := compareHeader(h, "Mcp-Method", method); e != nil {
		return e
	}
	member := ""
	switch method {
	case "tools/call", "prompts/get":
		member = "name"
	case "resources/read":
		member = "uri"
	default:
		return nil
	}
	v, _ := pick(params, member)
	if name, ok := unquote(v[0]); ok {
		return compareHeader(h, "Mcp-Name", name)
	}
	return nil // refused for that
}

func compareHeader(h http.Header, field, want string) *httpError {
	values := h.Values(field)
	if len(values) != 1 {
		return mismatch("%s must be given once; the body says %s", field, quote(want))
	}
	got, ok := headerText(strings.TrimSpace(values[0]))
	if !ok || got != want {
		return mismatch("%s %s is not what the body says, %s", field, quote(values[0]), quote(want))
	}
	return nil
}

// headerText returns what the value of a header field stands for: =?base64?…?= is for
// text that is not ASCII.
func headerText(s string) (string, bool) {
	inner, found := strings.CutPrefix(s, "=?base64?")
	if !found {
		return s, true
	}
	inner, ended := strings.CutSuffix(inner, "?=")
	b, err := base64.StdEncoding.Strict().DecodeString(inner)
	return string(b), ended && err == nil
}

// status returns the HTTP status of the answer to the one message of c.
func (c *session) status() int {
	switch e := c.refused; {
	case e == nil:
		return http.StatusOK
	case e.Code == CodeParseError || e.Code == CodeInvalidRequest:
		return http.StatusBadRequest
	case c.negotiated != "":
		return http.StatusOK // an error of the older revisions is an answer like others
	case e.Code == CodeMethodNotFound:
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

// An exchange is the answer to one POST: JSON, or a stream of events.
type exchange struct {
	w      http.ResponseWriter
	json   bool // the client takes JSON
	events bool // the client takes a stream
	answer chan []byte

	mu        sync.Mutex
	streaming bool
	ended     bool
}

// reply takes the answer, or nil if there is none.
func (x *exchange) reply(line []byte) { x.answer <- line }

// Write takes what is told before the answer, a line, and begins a stream for it.
func (x *exchange) Write(line []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.events || x.ended {
		return len(line), nil
	}
	return len(line), x.event(line)
}

// event sends a line as an event. The caller holds x.mu.
func (x *exchange) event(line []byte) error {
	if !x.streaming {
		x.streaming = true
		x.w.Header().Set("Content-Type", "text/event-stream")
		x.w.Header().Set("X-Accel-Buffering", "no")
		x.w.WriteHeader(http.StatusOK)
	}
	return x.send("event: message\ndata: " + strings.TrimSuffix(string(line), "\n") + "\n\n")
}

// send sends text at once. The caller holds x.mu.
func (x *exchange) send(text string) error {
	if _, err := io.WriteString(x.w, text); err != nil {
		return err
	}
	return http.NewResponseController(x.w).Flush()
}

// wait sends the answer when it comes, unless ctx is done before.
func (x *exchange) wait(ctx context.Context, status int) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		select {
		case line := <-x.answer:
			x.finish(status, line)
			return
		case <-ctx.Done():
			x.close()
			return
		case <-alive.C:
			x.mu.Lock()
			if x.streaming {
				x.send(":\n\n") // a failure is noticed by ctx
			}
			x.mu.Unlock()
		}
	}
}

// close lets nothing more be written.
func (x *exchange) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
}

// finish sends the answer and ends the exchange.
func (x *exchange) finish(status int, line []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	switch {
	case line != nil && (x.streaming || !x.json && status == http.StatusOK):
		x.event(line)
	case x.streaming:
	case line == nil:
		x.w.WriteHeader(http.StatusAccepted)
	default:
		x.w.Header().Set("Content-Type", "application/json")
		x.w.WriteHeader(status)
		x.w.Write(line)
	}
}

// fail sends an error that came before anything else.
func (x *exchange) fail(status int, line []byte) { x.finish(status, line) }
