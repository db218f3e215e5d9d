package sipsight_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sipsight/sipsight"

// arrows says which rooms each room may import: the table of docs/architecture.md. A room
// that is not listed may not exist; an arrow that is not listed is a design decision, taken
// by changing both. Tests may import what they like.
var arrows = map[string][]string{
	"internal/addr":       {},
	"internal/window":     {},
	"internal/capgen":     {},
	"internal/fetch":      {},
	"internal/golden":     {},
	"internal/near":       {},
	"internal/words":      {},
	"pcapfile":            {"internal/window"},
	"pcapng":              {"internal/window"},
	"capture":             {"internal/fetch", "internal/window", "pcapfile", "pcapng"},
	"layers":              {},
	"sipmsg":              {},
	"sdp":                 {},
	"rtp":                 {},
	"mcpjsonrpc":          {"internal/near"},
	"internal/clean":      {"sipmsg"},
	"internal/reassembly": {"layers"},
	"internal/dissect":    {"capture", "internal/addr", "internal/reassembly", "layers", "sipmsg"},
	"analysis":            {"capture", "internal/addr", "internal/dissect", "internal/words", "layers", "rtp", "sdp", "sipmsg"},
	"findings":            {"analysis", "capture", "internal/addr", "sdp", "sipmsg"},
	"internal/filter":     {"analysis", "internal/clean", "internal/near", "sipmsg"},
	"internal/audio":      {},
	"internal/export":     {"analysis", "capture", "internal/audio", "internal/clean", "internal/reassembly", "layers", "pcapfile", "pcapng", "rtp", "sipmsg"},
	"internal/report":     {"analysis", "capture", "findings", "internal/clean", "internal/filter", "internal/words", "layers", "sipmsg"},
	"internal/flow":       {"analysis", "findings", "internal/clean", "internal/report", "internal/words"},
	"internal/page":       {"analysis", "findings", "internal/clean", "internal/flow", "internal/report", "sipmsg"},
	"internal/siptools":   {"analysis", "capture", "findings", "internal/clean", "internal/fetch", "internal/filter", "internal/flow", "internal/near", "internal/page", "internal/report", "mcpjsonrpc"},
	"cmd/sipsight":        {"analysis", "capture", "findings", "internal/audio", "internal/clean", "internal/export", "internal/filter", "internal/flow", "internal/near", "internal/page", "internal/report", "internal/siptools", "mcpjsonrpc"},
}

// TestArrows parses the imports of every package of the module.
func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	for room, files := range goFiles(t) {
		if room == "." || room == "fuzz" { // tests alone
			continue
		}
		allowed, ok := arrows[room]
		if !ok {
			t.Errorf("room %s is not in the table of arrows", room)
		}
		for _, f := range files {
			for _, imp := range imports(t, f) {
				checkImport(t, room, allowed, f, imp)
			}
		}
		seen[room] = true
	}
	for room := range arrows {
		if !seen[room] {
			t.Errorf("room %s is in the table of arrows and not in the tree", room)
		}
	}
}

// TestAssembly holds the only files that are in assembly, each with one in Go that does the same
// elsewhere.
func TestAssembly(t *testing.T) {
	var found []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == ".s" {
			found = append(found, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"findings/screen_amd64.s", "sipmsg/lines_amd64.s"}; !slices.Equal(found, want) {
		t.Errorf("in assembly are %q, want %q", found, want)
	}
	for _, name := range found {
		if _, err := os.Stat(strings.TrimSuffix(name, "amd64.s") + "other.go"); err != nil {
			t.Error(err)
		}
	}
}

func checkImport(t *testing.T, room string, allowed []string, file, imp string) {
	t.Helper()
	to, ours := strings.CutPrefix(imp, module+"/")
	switch {
	case imp == "C":
		t.Errorf("%s uses cgo", file)
	case imp == "unsafe":
		t.Errorf("%s imports unsafe", file)
	case ours && !slices.Contains(allowed, to):
		t.Errorf("%s: new arrow %s -> %s", file, room, to)
	case !ours && strings.Contains(strings.Split(imp, "/")[0], "."):
		t.Errorf("%s imports %s, which is not the standard library", file, imp)
	}
}

// goFiles returns the Go files of each room but its tests. Nested modules and testdata
// are not of this module.
func goFiles(t *testing.T) map[string][]string {
	rooms := map[string][]string{}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." {
			_, nested := os.Stat(filepath.Join(p, "go.mod"))
			if nested == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
		}
		if strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go") {
			room := path.Dir(filepath.ToSlash(p))
			rooms[room] = append(rooms[room], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rooms
}

func imports(t *testing.T, file string) (list []string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Imports {
		imp, _ := strconv.Unquote(i.Path.Value)
		list = append(list, imp)
	}
	return list
}

// TestSignatures holds that what a room gives to programs of others can be named by them: nothing exported
// of a public room has a type of an internal one.
func TestSignatures(t *testing.T) {
	for room, files := range goFiles(t) {
		if strings.HasPrefix(room, "internal/") || room == "." || strings.HasPrefix(room, "cmd/") {
			continue
		}
		for _, name := range files {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			hidden := map[string]string{} // names of internal packages in this file
			for _, i := range f.Imports {
				imp, _ := strconv.Unquote(i.Path.Value)
				if strings.HasPrefix(imp, module+"/internal/") {
					hidden[path.Base(imp)] = imp
				}
			}
			if len(hidden) == 0 || !ast.FileExports(f) {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.BlockStmt: // what a function does is its own
					return false
				case *ast.SelectorExpr:
					if p, ok := x.X.(*ast.Ident); ok && hidden[p.Name] != "" {
						t.Errorf("%s: %s.%s of %s is in something exported", fset.Position(x.Pos()), p.Name, x.Sel.Name, hidden[p.Name])
					}
				}
				return true
			})
		}
	}
}

// TestNoRequirements holds the product's promise: nothing but the standard library.
func TestNoRequirements(t *testing.T) {
	b, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word != "" && word != "module" && word != "go" {
			t.Errorf("go.mod has a line beyond module and go: %s", line)
		}
	}
	if _, err := os.Stat("go.sum"); err == nil {
		t.Error("there is a go.sum")
	}
}

// reaches lists the packages that reach beyond this process, and who may import them: URLs
// are fetched, MCP is served over HTTP, HEP is sent. Nothing else connects to anything, and
// nothing runs a program.
var reaches = map[string][]string{
	"net":               {"internal/fetch", "internal/export", "mcpjsonrpc", "cmd/sipsight"},
	"net/http":          {"internal/fetch", "mcpjsonrpc", "cmd/sipsight"},
	"net/rpc":           {},
	"net/smtp":          {},
	"net/http/httputil": {},
	"net/http/cgi":      {},
	"log/syslog":        {},
	"os/exec":           {},
	"plugin":            {},
	"expvar":            {},
	"net/http/pprof":    {},
}

// TestReach parses the imports of every package of the module.
func TestReach(t *testing.T) {
	for room, files := range goFiles(t) {
		for _, f := range files {
			for _, imp := range imports(t, f) {
				if allowed, ok := reaches[imp]; ok && !slices.Contains(allowed, room) {
					t.Errorf("%s imports %s", f, imp)
				}
			}
		}
	}
}

// TestArchitectureDocument keeps the table of docs/architecture.md and the one here equal.
func TestArchitectureDocument(t *testing.T) {
	b, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		room := strings.Trim(strings.TrimSpace(cells[1]), "`")
		list := []string{}
		for _, to := range strings.Split(cells[len(cells)-2], ",") {
			if to = strings.Trim(strings.TrimSpace(to), "`"); to != "–" {
				list = append(list, to)
			}
		}
		slices.Sort(list)
		documented[room] = list
	}
	for _, room := range slices.Sorted(maps.Keys(arrows)) {
		if want := slices.Sorted(slices.Values(arrows[room])); !slices.Equal(documented[room], want) {
			t.Errorf("docs/architecture.md says that %s imports %v, the test says %v", room, documented[room], want)
		}
		delete(documented, room)
	}
	for room := range documented {
		t.Errorf("docs/architecture.md has a room %s that the test does not know", room)
	}
}

// TestDocs holds that what is said of something exported tells limits as numbers: who reads it cannot look up names that are not exported.
func TestDocs(t *testing.T) {
	limit := regexp.MustCompile(`\bmax[A-Z]\w*`)
	for room, files := range goFiles(t) {
		if strings.HasPrefix(room, "internal/") || room == "." || strings.HasPrefix(room, "cmd/") {
			continue
		}
		for _, name := range files {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if !ast.FileExports(f) {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if c, ok := n.(*ast.CommentGroup); ok {
					if what := limit.FindString(c.Text()); what != "" {
						t.Errorf("%s: %s is told of, which is not exported", fset.Position(c.Pos()), what)
					}
				}
				return true
			})
		}
	}
}
