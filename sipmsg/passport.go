package sipmsg

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// maxPASSporT bounds each part of a PASSporT that is looked into, in octets. Those with rich
// call data have some thousand.
const maxPASSporT = 64 << 10

// A PASSporT is a statement about who calls whom, signed by somebody: RFC 8225, as the value
// of an Identity header field carries it, RFC 8224. What it says is shown here and nothing
// is verified: neither the signature, nor the certificate, nor that it belongs to the call.
//
// All texts are those of the sender.
type PASSporT struct {
	Compact   bool // header and claims are left out: RFC 8224, section 4
	Signature bool // there is one

	// Of the JOSE header, or of the parameters of the header field in compact form.
	Alg, PPT, Typ, X5U string
	Info               string // the info parameter: where the certificate is said to be

	// The claims. A text that is absent is empty.
	Orig   Identities
	Dest   Identities
	IAT    int64 // when it was made, in seconds since 1970
	HasIAT bool
	Attest string     // A, B or C: RFC 8588
	OrigID string     // RFC 8588
	Div    Identities // from whom the call was diverted: RFC 8946
	HasDiv bool
	RCD    string // rich call data as JSON: RFC 9795
	Name   string // the name in it
}

// Identities are telephone numbers and URIs.
type Identities struct {
	TN, URI []string
}

// ParsePASSporT decodes one value of Identity. Parts that are damaged are left out of what
// it returns, and the error, a *SyntaxError, says where the first of them is.
func ParsePASSporT(v []byte) (p PASSporT, err error) {
	token, params := SplitParams(v)
	p.Info = string(trimAngles(params.value("info")))
	p.Alg, p.PPT = string(params.value("alg")), string(params.value("ppt"))
	off := scanSpace(v)
	dot := bytes.IndexByte(token, '.')
	if dot < 0 {
		return p, &SyntaxError{off, "identity has no dots"}
	}
	second := bytes.IndexByte(token[dot+1:], '.')
	if second < 0 {
		return p, &SyntaxError{off, "identity has one dot alone"}
	}
	second += dot + 1
	p.Signature = second+1 < len(token)
	head, claims := token[:dot], token[dot+1:second]
	if p.Compact = len(head) == 0 && len(claims) == 0; p.Compact {
		return p, nil
	}
	if object, what := decodePart(head); what != "" {
		err = &SyntaxError{off, "PASSporT header " + what}
	} else {
		p.head(object)
	}
	if object, what := decodePart(claims); what == "" {
		p.claims(object)
	} else if err == nil {
		err = &SyntaxError{off + dot + 1, "PASSporT payload " + what}
	}
	return p, err
}

// A jsonObject is an object whose values are not looked into yet. Its names are compared as
// they are: RFC 8259 knows no case.
type jsonObject map[string]json.RawMessage

// decodePart undoes base64url, with or without padding, and JSON. what says what is wrong.
func decodePart(b []byte) (object jsonObject, what string) {
	if len(b) > maxPASSporT {
		return nil, "is too long"
	}
	// Folds and blanks are no part of it.
	text := make([]byte, 0, len(b))
	for _, c := range b {
		if !isSpace(c) {
			text = append(text, c)
		}
	}
	text, err := base64.RawURLEncoding.AppendDecode(nil, bytes.TrimRight(text, "="))
	if err != nil {
		return nil, "is not base64url"
	}
	if json.Unmarshal(text, &object) != nil || object == nil {
		return nil, "is no JSON object"
	}
	return object, ""
}

func (p *PASSporT) head(o jsonObject) {
	p.Typ, p.X5U = o.text("typ"), o.text("x5u")
	// What is signed counts more than what stands beside it.
	if alg := o.text("alg"); alg != "" {
		p.Alg = alg
	}
	if ppt := o.text("ppt"); ppt != "" {
		p.PPT = ppt
	}
}

func (p *PASSporT) claims(o jsonObject) {
	p.Orig, p.Dest = o.identities("orig"), o.identities("dest")
	p.IAT, p.HasIAT = o.integer("iat")
	p.Attest, p.OrigID = o.text("attest"), o.text("origid")
	if _, p.HasDiv = o["div"]; p.HasDiv {
		p.Div = o.identities("div")
	}
	if rcd := o.object("rcd"); rcd != nil {
		p.RCD, p.Name = string(o["rcd"]), rcd.text("nam")
	}
}

// text returns a member that is a text, "" for none.
//
//go:noinline
func (o jsonObject) text(name string) (s string) {
	if json.Unmarshal(o[name], &s) != nil {
		return ""
	}
	return s
}

// integer returns a member that is a whole number; as a text it is taken as well.
func (o jsonObject) integer(name string) (n int64, ok bool) {
	text := o.text(name)
	if text == "" {
		text = string(o[name])
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

func (o jsonObject) object(name string) (inner jsonObject) {
	if json.Unmarshal(o[name], &inner) != nil {
		return nil
	}
	return inner
}

// identities returns a member with tn and uri, each a text or an array of texts.
func (o jsonObject) identities(name string) (ids Identities) {
	inner := o.object(name)
	return Identities{TN: inner.texts("tn"), URI: inner.texts("uri")}
}

func (o jsonObject) texts(name string) (list []string) {
	if s := o.text(name); s != "" {
		return []string{s}
	}
	if json.Unmarshal(o[name], &list) != nil {
		return nil
	}
	return list
}
