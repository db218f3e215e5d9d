package mcpjsonrpc

import (
	"errors"
	"slices"
)

// maxArguments bounds the arguments read from one request, where a dozen is many.
const maxArguments = 256

// A content is a text block, in a prompt as in a result.
type content struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func (s *Server) getPrompt(r *request) (any, error) {
	v, twice := pick(r.params, "name", "arguments")
	if twice != "" {
		return nil, errorf(CodeInvalidParams, "member %q occurs twice in params", twice)
	}
	p, err := s.namedPrompt(v[0])
	if err != nil {
		return nil, err
	}
	given, err := stringMap(v[1])
	if err != nil {
		return nil, err
	}
	for _, a := range p.Arguments {
		if _, ok := given[a.Name]; a.Required && !ok {
			return nil, errorf(CodeInvalidParams, "prompt %s needs argument %s", quote(p.Name), quote(a.Name))
		}
	}
	if name, found := strange(given, p.argumentNames()); found {
		return nil, errorf(CodeInvalidParams, "prompt %s has no argument %s%s",
			quote(p.Name), quote(name), didYouMean(name, p.argumentNames(), "it takes"))
	}
	turns, err := p.Get(given)
	if err != nil {
		if _, ok := errors.AsType[*Error](err); !ok {
			err = errorf(CodeInvalidParams, "%s", err.Error())
		}
		return nil, err
	}
	type message struct {
		Role    string  `json:"role"`
		Content content `json:"content"`
	}
	messages := make([]message, len(turns))
	for i, m := range turns {
		messages[i] = message{m.Role, content{"text", m.Text}}
		if m.Role == "" {
			messages[i].Role = "user"
		}
	}
	return struct {
		Description string    `json:"description,omitempty"`
		Messages    []message `json:"messages"`
	}{p.Description, messages}, nil
}

// strange returns the first name, in the order of letters, of an argument that is none of names.
func strange(given map[string]string, names []string) (name string, found bool) {
	for n := range given {
		if !slices.Contains(names, n) && (!found || n < name) {
			name, found = n, true
		}
	}
	return name, found
}

// namedPrompt returns the prompt whose name is the JSON value b.
func (s *Server) namedPrompt(b []byte) (*Prompt, error) {
	name, ok := unquote(b)
	if !ok {
		return nil, errorf(CodeInvalidParams, "the name of a prompt must be a string")
	}
	names := make([]string, len(s.Prompts))
	for i := range s.Prompts {
		if names[i] = s.Prompts[i].Name; names[i] == name {
			return &s.Prompts[i], nil
		}
	}
	return nil, errorf(CodeInvalidParams, "no prompt %s%s", quote(name), didYouMean(name, names, "there are"))
}

func (p *Prompt) argumentNames() []string {
	names := make([]string, len(p.Arguments))
	for i := range p.Arguments {
		names[i] = p.Arguments[i].Name
	}
	return names
}

// stringMap returns the members of b, a JSON object of strings; it is empty
// when b is nil or null.
func stringMap(b []byte) (map[string]string, error) {
	m := make(map[string]string)
	if b == nil || string(b) == "null" {
		return m, nil
	}
	if !isObject(b) {
		return nil, errorf(CodeInvalidParams, "arguments must be an object")
	}
	for name, raw := range members(b) {
		value, ok := unquote(raw)
		if !ok {
			return nil, errorf(CodeInvalidParams, "argument %s must be a string", quote(string(name)))
		}
		if _, ok := m[string(name)]; ok {
			return nil, errorf(CodeInvalidParams, "argument %s is given twice", quote(string(name)))
		}
		if len(m) == maxArguments {
			return nil, errorf(CodeInvalidParams, "more than %d arguments", maxArguments)
		}
		m[string(name)] = value
	}
	return m, nil
}
