package mcpjsonrpc

import (
	"encoding/json"
	"fmt"
	"slices"
)

// A revision of the protocol. Revisions are dates and compare as strings.
type revision string

const (
	v20241105 revision = "2024-11-05"
	v20250326 revision = "2025-03-26" // batches, annotations, progress messages, completion capability
	v20250618 revision = "2025-06-18" // no batches; structured results, titles
	v20251125 revision = "2025-11-25" // the server's description; the last with a handshake
	v20260728 revision = "2026-07-28" // a version in each request instead of the handshake
)

// revisions lists what is spoken, the newest first.
var revisions = []revision{v20260728, v20251125, v20250618, v20250326, v20241105}

// Members of _meta.
const (
	metaVersion      = "io.modelcontextprotocol/protocolVersion"
	metaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	metaServer       = "io.modelcontextprotocol/serverInfo"
)

// cacheTTL is for how many milliseconds a client may keep what does not change while
// the server runs.
const cacheTTL = 3600000

// methods says for each method which kind of revision knows it.
var methods = map[string]struct{ legacy, modern bool }{
	"initialize":               {legacy: true},
	"ping":                     {legacy: true},
	"server/discover":          {modern: true},
	"tools/list":               {legacy: true, modern: true},
	"tools/call":               {legacy: true, modern: true},
	"prompts/list":             {legacy: true, modern: true},
	"prompts/get":              {legacy: true, modern: true},
	"completion/complete":      {legacy: true, modern: true},
	"resources/list":           {legacy: true, modern: true},
	"resources/templates/list": {legacy: true, modern: true},
	"resources/read":           {legacy: true, modern: true},
}

// offers reports whether the server has something to answer method with.
func (s *Server) offers(method string) bool {
	switch method {
	case "tools/list", "tools/call":
		return len(s.Tools) > 0
	case "prompts/list", "prompts/get":
		return len(s.Prompts) > 0
	case "completion/complete":
		return s.completes()
	case "resources/list", "resources/templates/list", "resources/read":
		return s.hasResources()
	}
	return true
}

// rules decides by which revision r is answered and sets r.rev and r.token; the
// error is nil if that revision knows the method and r carries what it demands.
func (c *session) rules(r *request) *Error {
	v, twice := pick(r.params, "_meta")
	if twice != "" {
		return errorf(CodeInvalidParams, "member %q occurs twice in params", twice)
	}
	if v[0] != nil && !isObject(v[0]) {
		return errorf(CodeInvalidParams, "_meta must be an object")
	}
	v, twice = pick(v[0], metaVersion, metaCapabilities, "progressToken")
	if twice != "" {
		return errorf(CodeInvalidParams, "member %q occurs twice in _meta", twice)
	}
	if token := v[2]; at(token, 0) == '"' || isInteger(token) {
		r.token = slices.Clone(token)
	}
	if v[0] != nil {
		return c.modernRules(r, v[0], v[1])
	}

	// The handshake, or what it agreed upon.
	if r.rev = c.negotiated; r.rev == "" && r.method != "initialize" && r.method != "ping" {
		return errorf(CodeInvalidParams, "no protocol version: send initialize first, or %q: %q in the _meta of each request",
			metaVersion, v20260728)
	}
	if !methods[r.method].legacy || !c.server.offers(r.method) {
		return errorf(CodeMethodNotFound, "no method %s", quote(r.method))
	}
	return nil
}

// modernRules does the work of rules for a request whose _meta has a version.
func (c *session) modernRules(r *request, version, capabilities []byte) *Error {
	requested, ok := unquote(version)
	if !ok {
		return errorf(CodeInvalidParams, "_meta %q must be a string", metaVersion)
	}
	if requested != string(v20260728) {
		e := unsupported(requested, fmt.Sprintf("unsupported protocol version %s in _meta; there, use %s", quote(requested), v20260728))
		if slices.Contains(revisions, revision(requested)) {
			e.Message += ", or begin with initialize"
		}
		return e
	}
	r.rev = v20260728
	switch {
	case r.method == "initialize":
		return errorf(CodeMethodNotFound, "revision %s has no initialize; without _meta it opens 2025-11-25, 2025-06-18, 2025-03-26 and 2024-11-05", r.rev)
	case !methods[r.method].modern || !c.server.offers(r.method):
		return errorf(CodeMethodNotFound, "no method %s in revision %s", quote(r.method), r.rev)
	case !isObject(capabilities):
		return errorf(CodeInvalidParams, "_meta %q is missing or not an object", metaCapabilities)
	}
	return nil
}

// unsupported is the error that a revision is not spoken.
func unsupported(requested, text string) *Error {
	e := errorf(codeUnsupportedVersion, "%s", text)
	e.Data, _ = marshal(struct {
		Supported []revision `json:"supported"`
		Requested string     `json:"requested"`
	}{revisions, requested})
	return e
}

// dispatch answers r: with a result, which is marshalled to a JSON object, or later.
func (c *session) dispatch(r *request) (result any, later *call, err error) {
	switch r.method {
	case "tools/call":
		later, err = c.server.toolCall(r)
		return nil, later, err
	case "resources/read":
		return c.server.readResource(r)
	case "completion/complete":
		return c.server.complete(r)
	case "initialize":
		result, err = c.initialize(r)
		return result, nil, err
	case "ping":
		return struct{}{}, nil, nil
	case "server/discover":
		return c.discover(), nil, nil
	case "prompts/get":
		result, err = c.server.getPrompt(r)
		return result, nil, err
	}
	// The lists. All fit on one page, so that no cursor is ever given out. An
	// empty one stands for the first page.
	v, twice := pick(r.params, "cursor")
	if cursor, ok := unquote(v[0]); v[0] != nil && (!ok || cursor != "") || twice != "" {
		return nil, nil, errorf(CodeInvalidParams, "unknown cursor; there is only one page")
	}
	switch r.method {
	case "tools/list":
		return c.server.listTools(r.rev), nil, nil
	case "prompts/list":
		return c.server.listPrompts(r.rev), nil, nil
	case "resources/list":
		return c.server.listResources(r)
	}
	return c.server.listTemplates(r.rev), nil, nil // resources/templates/list
}

// title returns s for the revisions that know titles.
func (v revision) title(s string) string {
	if v >= v20250618 {
		return s
	}
	return ""
}

// appendModern appends result, an object, with what revision 2026-07-28 adds to
// the answer of r.
func (c *session) appendModern(b []byte, r *request, result []byte) []byte {
	b = append(b, `{"resultType":"complete",`...)
	if inside := result[1 : len(result)-1]; len(inside) > 0 {
		b = append(b, inside...)
		b = append(b, ',')
	}
	var tail struct {
		TTL   *int                      `json:"ttlMs,omitempty"`
		Scope string                    `json:"cacheScope,omitempty"`
		Meta  map[string]implementation `json:"_meta"`
	}
	switch r.method {
	case "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read":
		tail.TTL, tail.Scope = new(cacheTTL), "public"
		if r.private {
			tail.TTL, tail.Scope = new(0), "private"
		}
	}
	tail.Meta = map[string]implementation{metaServer: c.server.implementation(v20260728)}
	more, _ := marshal(tail)
	return append(b, more[1:]...)
}

// An implementation tells who the server is.
type implementation struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
}

func (s *Server) implementation(rev revision) implementation {
	i := implementation{Name: s.Name, Title: rev.title(s.Title), Version: s.Version}
	if rev >= v20251125 {
		i.Description = s.Description
	}
	return i
}

// A capability is an empty object, or says that its list does not change.
type capability struct {
	ListChanged *bool `json:"listChanged,omitempty"`
}

// capabilities tells what the server can do.
type capabilities struct {
	Tools       *capability                `json:"tools,omitempty"`
	Prompts     *capability                `json:"prompts,omitempty"`
	Resources   *capability                `json:"resources,omitempty"`
	Completions *capability                `json:"completions,omitempty"`
	Extensions  map[string]json.RawMessage `json:"extensions,omitempty"`
}

func (s *Server) capabilities(rev revision) capabilities {
	list := func(some bool) *capability {
		switch {
		case !some:
			return nil
		case rev == v20260728:
			return &capability{}
		}
		return &capability{ListChanged: new(false)}
	}
	k := capabilities{Tools: list(len(s.Tools) > 0), Prompts: list(len(s.Prompts) > 0), Resources: list(s.hasResources())}
	if rev >= v20250326 && s.completes() {
		k.Completions = &capability{}
	}
	if rev >= v20250618 {
		k.Extensions = s.Extensions
	}
	return k
}

func (c *session) initialize(r *request) (any, error) {
	v, twice := pick(r.params, "protocolVersion")
	asked, ok := unquote(v[0])
	if !ok || twice != "" {
		return nil, errorf(CodeInvalidParams, "protocolVersion must be given once, as a string")
	}
	c.negotiated = v20251125 // the newest with a handshake
	if rev := revision(asked); rev != v20260728 && slices.Contains(revisions, rev) {
		c.negotiated = rev
	}
	c.logClient(asked, r.params)
	return struct {
		Version      revision       `json:"protocolVersion"`
		Capabilities capabilities   `json:"capabilities"`
		Server       implementation `json:"serverInfo"`
		Instructions string         `json:"instructions,omitempty"`
	}{c.negotiated, c.server.capabilities(c.negotiated), c.server.implementation(c.negotiated), c.server.Instructions}, nil
}

func (c *session) discover() any {
	return struct {
		Versions     []revision   `json:"supportedVersions"`
		Capabilities capabilities `json:"capabilities"`
		Instructions string       `json:"instructions,omitempty"`
	}{revisions, c.server.capabilities(v20260728), c.server.Instructions}
}

// noArguments is the input schema of a tool without arguments.
const noArguments = `{"type":"object","additionalProperties":false}`

func (s *Server) listTools(rev revision) any {
	type tool struct {
		Name         string          `json:"name"`
		Title        string          `json:"title,omitempty"`
		Description  string          `json:"description,omitempty"`
		InputSchema  json.RawMessage `json:"inputSchema"`
		OutputSchema json.RawMessage `json:"outputSchema,omitempty"`
		Annotations  *Annotations    `json:"annotations,omitempty"`
		Meta         json.RawMessage `json:"_meta,omitempty"`
	}
	list := make([]tool, len(s.Tools))
	for i := range s.Tools {
		t := &s.Tools[i]
		list[i] = tool{
			Name:        t.Name,
			Title:       rev.title(t.Title),
			Description: t.Description,
			InputSchema: t.InputSchema,
		}
		if t.InputSchema == nil {
			list[i].InputSchema = json.RawMessage(noArguments)
		}
		if rev >= v20250326 {
			list[i].Annotations = &t.Annotations
		}
		if rev >= v20250618 {
			list[i].OutputSchema, list[i].Meta = t.OutputSchema, t.Meta
		}
	}
	return struct {
		Tools []tool `json:"tools"`
	}{list}
}

func (s *Server) listPrompts(rev revision) any {
	type argument struct {
		Name        string `json:"name"`
		Title       string `json:"title,omitempty"`
		Description string `json:"description,omitempty"`
		Required    bool   `json:"required,omitempty"`
	}
	type prompt struct {
		Name        string     `json:"name"`
		Title       string     `json:"title,omitempty"`
		Description string     `json:"description,omitempty"`
		Arguments   []argument `json:"arguments,omitempty"`
	}
	list := make([]prompt, len(s.Prompts))
	for i, p := range s.Prompts {
		list[i] = prompt{Name: p.Name, Title: rev.title(p.Title), Description: p.Description}
		for _, a := range p.Arguments {
			list[i].Arguments = append(list[i].Arguments, argument{a.Name, rev.title(a.Title), a.Description, a.Required})
		}
	}
	return struct {
		Prompts []prompt `json:"prompts"`
	}{list}
}
