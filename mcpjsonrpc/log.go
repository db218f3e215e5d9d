package mcpjsonrpc

import (
	"encoding/json"
	"log/slog"
	"time"
)

// maxLogged bounds the parameters of a request that are logged, in octets: more of them is
// the names of a thousand files.
const maxLogged = 16 << 10

// logRequest notes what is asked for. The parameters go without _meta, in the one form that
// JSON has for them, so that the handler can find in them what is not for a log.
func (c *session) logRequest(r *request) {
	if !c.logs(slog.LevelDebug) {
		return
	}
	list := []any{"method", r.method, "id", string(r.id), "revision", string(r.rev)}
	var params map[string]any
	switch {
	case len(r.params) > maxLogged:
		list = append(list, "octets", len(r.params))
	case json.Unmarshal(r.params, &params) == nil:
		delete(params, "_meta")
		if b, err := marshal(params); err == nil && len(params) > 0 {
			list = append(list, "params", string(b))
		}
	}
	c.log.Debug("mcpjsonrpc: request", list...)
}

// logRefused notes that a message was refused before anything was done for it.
func (c *session) logRefused(method, id string, e *Error) {
	if !c.logs(slog.LevelWarn) {
		return
	}
	list := []any{"code", e.Code, "error", e.Message}
	if method != "" {
		list = append(list, "method", method)
	}
	if id != "" {
		list = append(list, "id", id)
	}
	c.log.Warn("mcpjsonrpc: refused", list...)
}

// logClient notes who has begun a handshake, which revision was asked for and which it is.
func (c *session) logClient(asked string, params []byte) {
	if !c.logs(slog.LevelInfo) {
		return
	}
	v, _ := pick(params, "clientInfo")
	if !isObject(v[0]) {
		v[0] = nil
	}
	v, _ = pick(v[0], "name", "version")
	name, _ := unquote(v[0])
	version, _ := unquote(v[1])
	c.log.Info("mcpjsonrpc: client", "name", name, "version", version, "asked", asked, "revision", string(c.negotiated))
}

// logCall notes what became of a call. wanted says that it was not cancelled.
func (c *session) logCall(k *call, wanted bool) {
	if !c.logs(slog.LevelInfo) {
		return
	}
	list := []any{"in", k.what, "id", string(k.request.id)}
	if !k.begun.IsZero() {
		list = append(list, "took", time.Since(k.begun).Round(time.Microsecond))
	}
	switch {
	case !wanted:
		list = append(list, "outcome", "cancelled")
	case c.ctx.Err() != nil:
		list = append(list, "outcome", "dropped")
	case k.err != nil:
		list = append(list, "outcome", "error", "error", k.err.Error())
	case k.failure != "":
		list = append(list, "outcome", "failed", "error", k.failure)
	default:
		list = append(list, "outcome", "done", "octets", len(k.body))
	}
	c.log.Info("mcpjsonrpc: call", list...)
}

func (c *session) logs(level slog.Level) bool { return c.log.Enabled(c.ctx, level) }
