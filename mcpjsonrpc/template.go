package mcpjsonrpc

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxParts bounds the expressions of a URI template; a URI is looked through once for
// each.
const maxParts = 32

// A template is a URI template, RFC 6570, of the kinds that ResourceTemplate allows.
type template struct {
	parts []part
	query []string // the names of {?…}
}

// A part of a template is a literal, or a variable when it has a name.
type part struct {
	literal string
	name    string
	long    bool // {+name}
}

// parseTemplate reads a URI template.
func parseTemplate(s string) (t template, err error) {
	for s != "" {
		literal, rest, found := strings.Cut(s, "{")
		if strings.Contains(literal, "}") {
			return t, errors.New("} without {")
		}
		if literal != "" {
			t.parts = append(t.parts, part{literal: literal})
		}
		if !found {
			break
		}
		expression, after, closed := strings.Cut(rest, "}")
		if !closed {
			return t, errors.New("{ without }")
		}
		s = after
		if names, ok := strings.CutPrefix(expression, "?"); ok {
			if s != "" {
				return t, errors.New("something follows the {?…}")
			}
			t.query = strings.Split(names, ",")
			break
		}
		name, long := strings.CutPrefix(expression, "+")
		if name == "" {
			return t, errors.New("a variable has no name")
		}
		if len(t.parts) == 0 || t.parts[len(t.parts)-1].name != "" {
			return t, errors.New("a variable follows another, or nothing")
		}
		t.parts = append(t.parts, part{name: name, long: long})
	}
	names := t.names()
	if len(t.parts)+len(t.query) > maxParts {
		return t, errors.New("it is too long")
	}
	if len(names) == 0 {
		return t, errors.New("it has no variable")
	}
	for i, name := range names {
		if !isVariable(name) || slices.Index(names, name) != i {
			return t, errors.New("a variable is named twice, or by other than letters, digits and _")
		}
	}
	return t, nil
}

func isVariable(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// names returns the variables of t in order.
func (t *template) names() (list []string) {
	for _, p := range t.parts {
		if p.name != "" {
			list = append(list, p.name)
		}
	}
	return append(list, t.query...)
}

// match returns the variables with which t becomes uri.
func (t *template) match(uri string) (vars map[string]string, ok bool) {
	query, found := "", false
	if t.query != nil {
		uri, query, found = strings.Cut(uri, "?")
	}
	vars = make(map[string]string)
	for i, p := range t.parts {
		if p.name == "" {
			if uri, ok = strings.CutPrefix(uri, p.literal); !ok {
				return nil, false
			}
			continue
		}
		n := len(uri)
		if i+1 < len(t.parts) {
			// A value has at least one octet, so the search begins behind it.
			next := t.parts[i+1].literal
			from := min(1, len(uri))
			if n = strings.Index(uri[from:], next); p.long {
				n = strings.LastIndex(uri[from:], next)
			}
			if n < 0 {
				return nil, false
			}
			n += from
		}
		value := uri[:n]
		uri = uri[n:]
		if value == "" || !p.long && strings.ContainsAny(value, "/?#") {
			return nil, false
		}
		if vars[p.name], ok = unescape(value); !ok {
			return nil, false
		}
	}
	if uri != "" {
		return nil, false
	}
	if found && !t.matchQuery(query, vars) {
		return nil, false
	}
	return vars, true
}

// matchQuery adds the variables in query to vars.
func (t *template) matchQuery(query string, vars map[string]string) (ok bool) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if _, twice := vars[name]; twice || !slices.Contains(t.query, name) {
			return false
		}
		if vars[name], ok = unescape(value); !ok {
			return false
		}
	}
	return true
}

// unescape undoes percent-encoding. RFC 3986, section 2.1.
func unescape(s string) (string, bool) {
	s, err := url.PathUnescape(s)
	return s, err == nil && utf8.ValidString(s)
}
