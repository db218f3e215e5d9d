package filter_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/filter"
)

// TestDocument keeps the tables of docs/filters.md and the fields equal. -update writes
// the table of messages.
func TestDocument(t *testing.T) {
	const name = "../../docs/filters.md"
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), "<!-- fields of messages -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- end -->\n")
	if !ok || !ok2 {
		t.Fatal("docs/filters.md has no place for the fields")
	}
	var table strings.Builder
	table.WriteString("| field | kind | what it is | example |\n|---|---|---|---|\n")
	for _, f := range filter.Messages().Fields() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | `%s` |\n", f.Name, f.Kind, strings.ReplaceAll(f.Doc, "|", `\|`), strings.ReplaceAll(f.ExampleText(), "|", `\|`))
	}
	want := before + "<!-- fields of messages -->\n" + table.String() + "<!-- end -->\n" + after
	if want == string(b) {
		return
	}
	if !*update {
		t.Fatal("docs/filters.md does not list the fields there are; -update writes them")
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
