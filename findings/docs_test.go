package findings_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/findings"
)

var update = flag.Bool("update", false, "write docs/findings.md anew")

// TestDocument keeps docs/findings.md what the rules say.
func TestDocument(t *testing.T) {
	const name = "../docs/findings.md"
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(b), "## The rules\n")
	if !ok {
		t.Fatalf("%s has no section «The rules»", name)
	}
	want := head + "## The rules\n" + table()
	if string(b) == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the rules say; go test ./findings -update writes it", name)
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("\n| id | severity | what | source |\n|---|---|---|---|\n")
	for _, r := range findings.Rules() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s |\n", r.ID, r.ID, r.Severity, r.Title, r.RFC)
	}
	for _, r := range findings.Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n%s (%s; %s)\n\n%s\n\nWhy it matters: %s\n\nWhat to do: %s\n", r.ID, r.Title, r.Severity, r.RFC, oneLine(r.Doc), oneLine(r.Why), oneLine(r.Fix))
	}
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestRules: every rule says everything that it has to say.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range findings.Rules() {
		if seen[r.ID] {
			t.Errorf("%s is there twice", r.ID)
		}
		seen[r.ID] = true
		for what, s := range map[string]string{"RFC": r.RFC, "Severity": r.Severity, "Title": r.Title, "Doc": r.Doc, "Why": r.Why, "Fix": r.Fix} {
			if s == "" {
				t.Errorf("%s has no %s", r.ID, what)
			}
		}
		if !strings.HasSuffix(r.Doc, ".") || !strings.HasSuffix(r.Why, ".") || !strings.HasSuffix(r.Fix, ".") {
			t.Errorf("%s: Doc, Why and Fix are sentences", r.ID)
		}
		if findings.Lookup(r.ID) != r {
			t.Errorf("%s is not found by its id", r.ID)
		}
	}
	if findings.Lookup("nothing") != nil {
		t.Error("a rule that is not there was found")
	}
}
