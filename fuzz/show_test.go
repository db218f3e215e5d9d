package fuzz

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// show prints v for a failure, not more of it than a person reads.
func show(v any) string {
	s := fmt.Sprintf("%+v", v)
	if b, ok := v.([]byte); ok {
		s = fmt.Sprintf("%q", b)
	} else if t, ok := v.(string); ok {
		s = fmt.Sprintf("%q", t)
	}
	if len(s) > 3000 {
		s = s[:3000] + " …"
	}
	return s
}

// differ points to the first place where two texts differ.
func differ(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	from := max(0, n-100)
	return fmt.Sprintf("at %d: %q\nand %q", n, a[from:min(len(a), n+300)], b[from:min(len(b), n+300)])
}

// isBad reports whether a character must not get out to people: controls, and what shows
// nothing by itself.
func isBad(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// checkText checks that s may be shown: UTF-8 without control characters but those allowed.
func checkText(t *testing.T, what string, s []byte, allowed string) {
	t.Helper()
	if !utf8.Valid(s) {
		t.Fatalf("%s is not UTF-8: %s", what, show(s))
	}
	bad := func(r rune) bool { return isBad(r) && !strings.ContainsRune(allowed, r) }
	if i := strings.IndexFunc(string(s), bad); i >= 0 {
		t.Fatalf("%s holds a character that must not be shown at %d: %s", what, i, show(s[max(0, i-50):]))
	}
}

// checkJSON checks that b is one JSON value that may be shown, and so are the texts in it;
// those called raw may have several lines.
func checkJSON(t *testing.T, what string, b []byte) {
	t.Helper()
	checkText(t, what, b, "")
	if !json.Valid(b) {
		t.Fatalf("%s is not JSON: %s", what, show(b))
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	checkValue(t, what, d, "")
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("%s goes on behind its end: %v", what, err)
	}
}

// checkValue checks the next value of d, which stands under key.
func checkValue(t *testing.T, what string, d *json.Decoder, key string) {
	t.Helper()
	v, err := d.Token()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	switch v := v.(type) {
	case string:
		allowed := ""
		if key == "raw" {
			allowed = "\n"
		}
		checkText(t, what+": "+key, []byte(v), allowed)
	case json.Delim:
		seen := map[string]bool{}
		for d.More() {
			name := key
			if v == '{' {
				k, _ := d.Token()
				name = k.(string)
				checkText(t, what+": a name", []byte(name), "")
				if seen[name] {
					t.Fatalf("%s has %q twice", what, name)
				}
				seen[name] = true
			}
			checkValue(t, what, d, name)
		}
		d.Token()
	}
}
