package capture

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestNoteIDs holds that every oddity the format rooms can note has an id.
func TestNoteIDs(t *testing.T) {
	for _, dir := range []string{"../pcapfile", "../pcapng"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				v, ok := n.(*ast.ValueSpec)
				if !ok || len(v.Values) != 1 || !strings.HasPrefix(v.Names[0].Name, "Note") {
					return true
				}
				lit, ok := v.Values[0].(*ast.BasicLit)
				if !ok {
					return true
				}
				found++
				what, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				if id := noteID(what); id == "odd" {
					t.Errorf("%s of %s has no id", v.Names[0].Name, dir)
				}
				return true
			})
		}
		if found < 5 {
			t.Errorf("only %d notes were found in %s", found, dir)
		}
	}
	if id := noteID("something new"); id != "odd" {
		t.Errorf("a note without an id has %q", id)
	}
}

// TestPathErrorIs holds that plain words do not hide from a program what an error was.
func TestPathErrorIs(t *testing.T) {
	for _, want := range []error{os.ErrNotExist, os.ErrPermission, syscall.EIO} {
		err := pathError(&os.PathError{Op: "open", Path: "/secret/name", Err: want})
		if !errors.Is(err, want) || len(err.Error()) == 0 {
			t.Errorf("%v became %v", want, err)
		}
	}
}
