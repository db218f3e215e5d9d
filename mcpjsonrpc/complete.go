package mcpjsonrpc

import (
	"context"
	"slices"
)

const (
	// maxValues bounds the values of one completion: MCP 2025-11-25,
	// server/utilities/completion.
	maxValues = 100

	// maxCounted is how many values are counted. Of more their number is left open, so that
	// whoever completes may stop there.
	maxCounted = 1000
)

// A completer returns what value may become, given the arguments filled in before.
type completer func(ctx context.Context, value string, args map[string]string) []string

// complete answers completion/complete.
func (s *Server) complete(r *request) (any, *call, error) {
	v, twice := pick(r.params, "ref", "argument", "context")
	switch {
	case twice != "":
		return nil, nil, errorf(CodeInvalidParams, "member %q occurs twice in params", twice)
	case !isObject(v[0]) || !isObject(v[1]):
		return nil, nil, errorf(CodeInvalidParams, "ref and argument must be objects")
	case v[2] != nil && !isObject(v[2]):
		return nil, nil, errorf(CodeInvalidParams, "context must be an object")
	}
	arg, _ := pick(v[1], "name", "value")
	name, ok := unquote(arg[0])
	value, ok2 := unquote(arg[1])
	f, err := s.completer(v[0], name, ok && ok2)
	if err != nil {
		return nil, nil, err
	}
	context, _ := pick(v[2], "arguments")
	args, err := stringMap(context[0])
	if err != nil {
		return nil, nil, err
	}
	if f == nil {
		return completed(nil), nil, nil
	}
	return nil, s.completionCall(r, f, value, args), nil
}

// completer returns the function that completes the argument called name of what ref
// names, or nil if nothing does. named says that the request has an argument with a
// name and a value.
func (s *Server) completer(ref []byte, name string, named bool) (f completer, err error) {
	v, _ := pick(ref, "type", "name", "uri")
	kind, _ := unquote(v[0])
	var names []string
	var what, of string
	switch kind {
	case "ref/prompt":
		p, err := s.namedPrompt(v[1])
		if err != nil {
			return nil, err
		}
		names, what, of = p.argumentNames(), "prompt", p.Name
		if i := slices.Index(names, name); i >= 0 {
			f = p.Arguments[i].Complete
		}
	case "ref/resource":
		t, err := s.namedTemplate(v[2])
		if err != nil {
			return nil, err
		}
		pattern, _ := parseTemplate(t.URITemplate)
		names, what, of = pattern.names(), "template", t.URITemplate
		if t.Complete != nil {
			f = func(ctx context.Context, value string, args map[string]string) []string {
				return t.Complete(ctx, name, value, args)
			}
		}
	default:
		return nil, errorf(CodeInvalidParams, `nothing to complete: ref.type must be "ref/prompt" or "ref/resource"`)
	}
	switch {
	case !named:
		return nil, errorf(CodeInvalidParams, "argument.name and argument.value must be strings")
	case !slices.Contains(names, name):
		return nil, errorf(CodeInvalidParams, "%s %s has no argument %s%s",
			what, quote(of), quote(name), didYouMean(name, names, "it takes"))
	}
	return f, nil
}

// completionCall returns a call of f. Whoever asks while the server is busy is typing
// and will ask again: there is nothing to offer then.
func (s *Server) completionCall(r *request, f completer, value string, args map[string]string) *call {
	return &call{
		request: r,
		what:    r.method,
		work: func(ctx context.Context, _ Progress) ([]byte, error) {
			ctx, cancel := s.limited(ctx)
			defer cancel()
			return marshal(completed(f(ctx, value, args)))
		},
		busy: func(string) ([]byte, error) { return marshal(completed(nil)) },
	}
}

// completed is the result of completion/complete.
func completed(values []string) any {
	type completion struct {
		Values  []string `json:"values"`
		Total   *int     `json:"total,omitempty"`
		HasMore bool     `json:"hasMore"`
	}
	n := len(values)
	c := completion{Values: append([]string{}, values[:min(n, maxValues)]...), HasMore: n > maxValues}
	if n <= maxCounted {
		c.Total = &n
	}
	return struct {
		Completion completion `json:"completion"`
	}{c}
}
