package mcpjsonrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// A Resource is something that a client may read by its URI.
type Resource struct {
	URI         string
	Name        string
	Title       string
	Description string
	MIMEType    string

	// Text is what it holds, and Meta the _meta of that, an object or nil.
	Text string
	Meta json.RawMessage

	// Read returns what it holds now, instead of Text and Meta. It runs as a
	// call, and its errors are those of ResourceTemplate.Read. Nil means that
	// the text never changes.
	Read func(ctx context.Context, p Progress) (ResourceContent, error)
}

// A ResourceTemplate is a family of resources, read by a URI that is made from a
// template.
type ResourceTemplate struct {
	// URITemplate is a template of RFC 6570 with expressions of three kinds:
	// {name}, within one segment of a path; {+name}, which may hold slashes;
	// and, at the end, {?name,name…}, a query whose parts are all optional.
	// Between two expressions stands something else. When a URI can be read
	// in several ways, {name} is short and {+name} is long.
	URITemplate string
	Name        string
	Title       string
	Description string
	MIMEType    string

	// Read returns what the resource called uri holds; vars are the variables
	// of the template that uri has, without their escapes. It runs as a call:
	// it returns soon after ctx is done. It is not asked for a URI that is in
	// Server.Resources.
	//
	// An error that wraps ErrNoResource says that there is no such resource;
	// an *Error is sent as it is, and any other as CodeInternalError with the
	// text of the error.
	Read func(ctx context.Context, uri string, vars map[string]string, p Progress) (ResourceContent, error)

	// Complete returns what value, the beginning of the variable called name,
	// may become, best first; args are the variables filled in before. It
	// runs as a call. Nil completes nothing.
	Complete func(ctx context.Context, name, value string, args map[string]string) []string

	// List returns those of the family that are worth listing by themselves.
	// Their Text and Read do not count. It runs as a call; no more than a
	// thousand are listed. Nil lists none.
	List func(ctx context.Context) []Resource
}

// A ResourceContent is what a resource holds: text, or octets if Blob is not nil.
type ResourceContent struct {
	MIMEType string // empty: that of the resource or the template
	Text     string
	Blob     []byte
	Meta     json.RawMessage // _meta, an object; nil means none
}

// A Link points to a resource that a client can read. Revisions before 2025-06-18
// have no links.
type Link struct {
	URI         string `json:"uri"`
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	MIMEType    string `json:"mimeType,omitempty"`
}

// ErrNoResource is wrapped by an error of Read when there is no such resource.
var ErrNoResource = errors.New("no such resource")

// maxListed bounds the resources that a template lists. There is one page, and a
// client shows it to a person.
const maxListed = 1000

func (s *Server) hasResources() bool { return len(s.Resources) > 0 || len(s.Templates) > 0 }

// checkResources returns the first fault in the resources and templates of s.
func (s *Server) checkResources() error {
	fault := func(kind, name, what string) error {
		return fmt.Errorf("mcpjsonrpc: %s %s: %s", kind, quote(name), what)
	}
	seen := make(map[string]bool)
	for i := range s.Resources {
		r := &s.Resources[i]
		switch {
		case r.URI == "" || r.Name == "":
			return fault("resource", r.URI, "it has no URI or no name")
		case seen[r.URI]:
			return fault("resource", r.URI, "the URI is used twice")
		case r.Meta != nil && !isWholeObject(r.Meta):
			return fault("resource", r.URI, "Meta is not a JSON object")
		}
		seen[r.URI] = true
	}
	clear(seen)
	for i := range s.Templates {
		t := &s.Templates[i]
		switch {
		case t.Name == "":
			return fault("template", t.URITemplate, "it has no name")
		case t.Read == nil:
			return fault("template", t.URITemplate, "Read is nil")
		case seen[t.URITemplate]:
			return fault("template", t.URITemplate, "the template is used twice")
		}
		if _, err := parseTemplate(t.URITemplate); err != nil {
			return fault("template", t.URITemplate, err.Error())
		}
		seen[t.URITemplate] = true
	}
	return nil
}

// A listedResource is a resource, or a template, in a list.
type listedResource struct {
	URI         string `json:"uri,omitempty"`
	URITemplate string `json:"uriTemplate,omitempty"`
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	MIMEType    string `json:"mimeType,omitempty"`
}

// listResources answers resources/list, later if a template has to be asked.
func (s *Server) listResources(r *request) (any, *call, error) {
	list := []listedResource{}
	add := func(resources []Resource) {
		for _, x := range resources {
			list = append(list, listedResource{x.URI, "", x.Name, r.rev.title(x.Title), x.Description, x.MIMEType})
		}
	}
	add(s.Resources)
	result := func() any {
		return struct {
			Resources []listedResource `json:"resources"`
		}{list}
	}
	if !slices.ContainsFunc(s.Templates, func(t ResourceTemplate) bool { return t.List != nil }) {
		return result(), nil, nil
	}
	r.private = true
	return nil, &call{
		request: r,
		what:    r.method,
		work: func(ctx context.Context, _ Progress) ([]byte, error) {
			ctx, cancel := s.limited(ctx)
			defer cancel()
			for i := range s.Templates {
				if f := s.Templates[i].List; f != nil {
					found := f(ctx)
					add(found[:min(len(found), maxListed)])
				}
			}
			return marshal(result())
		},
	}, nil
}

func (s *Server) listTemplates(rev revision) any {
	list := make([]listedResource, len(s.Templates))
	for i, t := range s.Templates {
		list[i] = listedResource{"", t.URITemplate, t.Name, rev.title(t.Title), t.Description, t.MIMEType}
	}
	return struct {
		Templates []listedResource `json:"resourceTemplates"`
	}{list}
}

// namedTemplate returns the template that the JSON value b is.
func (s *Server) namedTemplate(b []byte) (*ResourceTemplate, error) {
	uri, ok := unquote(b)
	if !ok {
		return nil, errorf(CodeInvalidParams, "the uri of a template must be a string")
	}
	names := make([]string, len(s.Templates))
	for i := range s.Templates {
		if names[i] = s.Templates[i].URITemplate; names[i] == uri {
			return &s.Templates[i], nil
		}
	}
	return nil, errorf(CodeInvalidParams, "no template %s%s", quote(uri), didYouMean(uri, names, "there are"))
}

// readResource answers resources/read, later if a function has to be asked.
func (s *Server) readResource(r *request) (any, *call, error) {
	v, twice := pick(r.params, "uri")
	uri, ok := unquote(v[0])
	if !ok || twice != "" {
		return nil, nil, errorf(CodeInvalidParams, "uri must be given once, as a string")
	}
	if i := slices.IndexFunc(s.Resources, func(x Resource) bool { return x.URI == uri }); i >= 0 {
		x := &s.Resources[i]
		if x.Read == nil {
			result, err := contents(uri, x.MIMEType, ResourceContent{Text: x.Text, Meta: x.Meta})
			return result, nil, err
		}
		return nil, s.readCall(r, uri, x.MIMEType, x.Read), nil
	}
	for i := range s.Templates {
		t := &s.Templates[i]
		pattern, _ := parseTemplate(t.URITemplate)
		if vars, ok := pattern.match(uri); ok {
			return nil, s.readCall(r, uri, t.MIMEType, func(ctx context.Context, p Progress) (ResourceContent, error) {
				return t.Read(ctx, uri, vars, p)
			}), nil
		}
	}
	return nil, nil, noResource(r, uri, "no resource "+quote(uri))
}

// readCall returns a call of read.
func (s *Server) readCall(r *request, uri, mimeType string, read func(context.Context, Progress) (ResourceContent, error)) *call {
	r.private = true
	return &call{
		request: r,
		what:    r.method,
		work: func(ctx context.Context, p Progress) ([]byte, error) {
			ctx, cancel := s.limited(ctx)
			defer cancel()
			found, err := read(ctx, p)
			_, isError := errors.AsType[*Error](err)
			switch {
			case isError:
				return nil, err
			case errors.Is(err, ErrNoResource):
				return nil, noResource(r, uri, err.Error())
			case err != nil && s.tooLate(ctx) != "":
				return nil, errorf(CodeInternalError, "%s", s.tooLate(ctx))
			case err != nil:
				return nil, errorf(CodeInternalError, "%s", err.Error())
			}
			result, err := contents(uri, mimeType, found)
			if err != nil {
				return nil, err
			}
			body, err := marshal(result)
			if len(body) > maxAnswer {
				return nil, errorf(CodeInternalError, "%s", tooLong(len(body)))
			}
			return body, err
		},
	}
}

// noResource is the error that the resource asked for does not exist.
func noResource(r *request, uri, text string) *Error {
	e := errorf(CodeInvalidParams, "%s", text)
	if r.rev < v20260728 {
		e.Code = codeNoResource
	}
	e.Data, _ = marshal(struct {
		URI string `json:"uri"`
	}{uri})
	return e
}

// contents is the result of resources/read.
func contents(uri, mimeType string, c ResourceContent) (any, error) {
	type entry struct {
		URI      string          `json:"uri"`
		MIMEType string          `json:"mimeType,omitempty"`
		Text     *string         `json:"text,omitempty"`
		Blob     *[]byte         `json:"blob,omitempty"`
		Meta     json.RawMessage `json:"_meta,omitempty"`
	}
	e := entry{URI: uri, MIMEType: mimeType, Meta: c.Meta}
	if c.MIMEType != "" {
		e.MIMEType = c.MIMEType
	}
	if c.Meta != nil && !isWholeObject(c.Meta) {
		return nil, errors.New("the _meta of a resource is not a JSON object")
	}
	if c.Blob != nil {
		e.Blob = &c.Blob
	} else {
		e.Text = &c.Text
	}
	return struct {
		Contents []entry `json:"contents"`
	}{[]entry{e}}, nil
}
