package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestJSONDocument holds that docs/json.md tells of each key that messages, call, summary and info print
// of the captures of testdata, in the section of the command, and of each note.
func TestJSONDocument(t *testing.T) {
	b, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]map[string]bool)
	for _, section := range strings.Split(string(b), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		words := make(map[string]bool)
		for _, w := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
			words[w[1]] = true
		}
		told[strings.Trim(title, "`")] = words
	}
	quirks, err := os.ReadFile("../../docs/quirks.md")
	if err != nil {
		t.Fatal(err)
	}
	missing := make(map[string]bool)
	note := func(id string) {
		if strings.HasPrefix(id, "tunnel-") && id != "tunnel-limit" {
			id = "tunnel-vlan"
		}
		if !strings.Contains(string(quirks), "| `"+id+"` |") && !told["Notes"][id] {
			missing["Notes: "+id] = true
		}
	}
	captures(t)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	// Their keys are not ours, or are those of the rows of another command, which filters have too.
	other := map[string]bool{"methods": true, "statuses": true, "by_id": true, "instances": true, "note_counts": true, "protocols": true, "calls": true, "registrations": true,
		"metrics": true, "media": true, "findings": true, "dialogs": true, "legs": true, "hops": true, "transfers": true, "linked": true}
	for _, f := range files {
		for _, command := range []string{"messages", "call", "summary", "info"} {
			args := []string{command, "--json", f.Name()}
			rows := make(map[string]bool) // the keys of calls
			if command == "call" {
				args = []string{command, "--json", "1", f.Name()}
				var keys map[string]any
				if json.Unmarshal([]byte(sipsight(t, "calls", "--json", "--limit", "1", f.Name()).out), &keys) == nil {
					for k := range keys {
						rows[k] = true
					}
				}
			}
			var walk func(v any)
			walk = func(v any) {
				switch v := v.(type) {
				case []any:
					for _, x := range v {
						walk(x)
					}
				case map[string]any:
					for k, x := range v {
						if !told[command][k] && !rows[k] && k != "sanitised" && !strings.HasSuffix(k, "_left_out") {
							missing[command+": "+k] = true
						}
						if k == "notes" {
							for _, id := range x.([]any) {
								note(id.(string))
							}
						}
						if !other[k] {
							walk(x)
						}
					}
				}
			}
			for line := range strings.Lines(sipsight(t, args...).out) {
				var v any
				if err := json.Unmarshal([]byte(line), &v); err != nil {
					t.Fatalf("%v: %v", args, err)
				}
				walk(v)
			}
		}
	}
	for what := range missing {
		t.Errorf("docs/json.md does not say what is %s", what)
	}
}
