package sipsight_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSecurityDocument holds docs/security.md to the code: every promise S1 to S20 is there,
// in order, with code and tests; every test and every file that it names exists; and every
// fuzz target is in it.
func TestSecurityDocument(t *testing.T) {
	b, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	named := regexp.MustCompile("`([^`]+)`")
	isTest := regexp.MustCompile(`^(?:[a-z/]+\.)?(Test|Fuzz)[A-Z0-9]\w*$`)
	isPromise := regexp.MustCompile(`^\| S\d+ \|`)
	isFile := regexp.MustCompile(`^[a-z/]+\.(go|mod)$`)
	next := 1
	seen := map[string]bool{}
	for i, line := range strings.Split(string(b), "\n") {
		row, last := isPromise.MatchString(line), ""
		if row {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			if id := strings.TrimSpace(cells[0]); id != fmt.Sprintf("S%d", next) || len(cells) != 4 {
				t.Errorf("line %d: %s, %d cells; want S%d and 4", i+1, id, len(cells), next)
			}
			next++
			last = cells[len(cells)-1]
			if !strings.Contains(line, ".go`") && !strings.Contains(line, "go.mod`") {
				t.Errorf("line %d names no code", i+1)
			}
		}
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			switch name := m[1]; {
			case isTest.MatchString(name):
				if !tests[name] && name != "TestSecurityDocument" {
					t.Errorf("line %d: there is no test %s", i+1, name)
				}
				seen[name] = true
			case isFile.MatchString(name):
				if _, err := os.Stat(name); err != nil {
					t.Errorf("line %d: %v", i+1, err)
				}
			}
		}
		if row && !isTest.MatchString(strings.Trim(strings.Fields(last)[0], "`")) {
			t.Errorf("line %d names no test", i+1)
		}
	}
	if next != 21 {
		t.Errorf("the table ends before S%d", next)
	}
	for name := range tests {
		if strings.HasPrefix(name, "fuzz.Fuzz") && !seen[name] {
			t.Errorf("the target %s is not in docs/security.md", name)
		}
	}
}

// testNames returns the tests and fuzz targets of the module as docs/security.md names them:
// folder.TestName, without the folder for those of this one.
func testNames(t *testing.T) map[string]bool {
	files, err := filepath.Glob("*_test.go")
	for _, pattern := range []string{"*/*_test.go", "*/*/*_test.go"} {
		if err == nil {
			var more []string
			more, err = filepath.Glob(pattern)
			files = append(files, more...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.ToSlash(filepath.Dir(f)) + "."
		if dir == ".." {
			dir = ""
		}
		for _, m := range function.FindAllSubmatch(b, -1) {
			names[dir+string(m[1])] = true
		}
	}
	if len(names) < 300 || !slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, "fuzz") }) {
		t.Fatalf("%d tests in %d files were found", len(names), len(files))
	}
	return names
}
