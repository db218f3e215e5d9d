package flow

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

// pageStyle is that of a page of ladders, beside the one of the ladders.
//
//go:embed page.css
var pageStyle string

// Style returns the style of ladders inside of a page, for rooms that draw them there.
func Style() string { return style }

// AppendHTMLHead appends the beginning of a page of ladders: no script, no link, and a
// policy that forbids both.
func AppendHTMLHead(b []byte, title string) []byte {
	css := pageStyle + style
	b = append(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"...)
	b = append(b, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '"+HashSource(css)+"'; base-uri 'none'; form-action 'none'\">\n"...)
	b = append(b, "<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>"...)
	b = appendMarkup(b, title)
	return append(b, "</title>\n<style>"+css+"</style>\n</head>\n<body>\n<main>\n"...)
}

// AppendHTML appends one ladder to a page of ladders.
func AppendHTML(b []byte, l *Ladder) []byte {
	b = appendMarkup(append(b, "<section id=\""+l.ID+"\" aria-label=\""...), l.ID+" "+l.Title)
	b = append(b, "\">\n"...)
	b = appendInline(b, l)
	return append(b, "</section>\n"...)
}

// AppendHTMLEnd appends the end of a page of ladders.
func AppendHTMLEnd(b []byte) []byte { return append(b, "</main>\n</body>\n</html>\n"...) }

// HashSource returns what a content security policy names text inside of an element by:
// CSP level 3, section 2.3.1.
func HashSource(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// AppendMarkup appends text so that it is text in an element or a quoted attribute.
func AppendMarkup(b []byte, s string) []byte { return appendMarkup(b, s) }
