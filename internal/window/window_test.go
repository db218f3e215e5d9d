package window_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sipsight/sipsight/internal/window"
)

// octets returns n octets, each different from its neighbours.
func octets(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

// readers are ways in which the same octets can arrive.
var readers = []struct {
	name string
	wrap func(io.Reader) io.Reader
}{
	{"whole", func(r io.Reader) io.Reader { return r }},
	{"one octet", iotest.OneByteReader},
	{"half", iotest.HalfReader},
	{"end with data", iotest.DataErrReader},
	{"one octet, end with data", func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) }},
}

func TestFillInSteps(t *testing.T) {
	data := octets(5000)
	for _, rd := range readers {
		for _, size := range []int{0, 1, 7, 64, 4096} {
			for _, step := range []int{1, 3, 100, 1000, 5000} {
				t.Run(fmt.Sprintf("%s/size %d/step %d", rd.name, size, step), func(t *testing.T) {
					w := window.New(rd.wrap(bytes.NewReader(data)), size)
					off := 0
					for off+step <= len(data) {
						if !w.Fill(step) {
							t.Fatalf("Fill(%d) at %d failed: %v", step, off, w.Err())
						}
						if got := w.Bytes()[:step]; !bytes.Equal(got, data[off:off+step]) {
							t.Fatalf("at %d: wrong octets", off)
						}
						if w.Offset() != int64(off) {
							t.Fatalf("Offset() = %d, want %d", w.Offset(), off)
						}
						w.Skip(step)
						off += step
					}
					if w.Fill(len(data) - off + 1) {
						t.Error("Fill succeeded past the end")
					}
					if !bytes.Equal(w.Bytes(), data[off:]) {
						t.Error("what was left is not in view")
					}
					if w.Err() != nil {
						t.Errorf("Err() = %v at a clean end", w.Err())
					}
				})
			}
		}
	}
}

func TestViewGrowsOnlyWithWhatArrives(t *testing.T) {
	for _, n := range []int{0, 1, 100, 1000, 100000} {
		w := window.New(iotest.HalfReader(bytes.NewReader(octets(n))), 64)
		if w.Fill(1 << 30) {
			t.Fatalf("%d octets were enough for 1 GiB", n)
		}
		if got, most := cap(w.Bytes()), max(64, 2*n); got > most {
			t.Errorf("a view of %d octets for %d that arrived, want at most %d", got, n, most)
		}
		if len(w.Bytes()) != n {
			t.Errorf("%d octets in view, want %d", len(w.Bytes()), n)
		}
	}
}

func TestFillReadsNoMoreThanItMust(t *testing.T) {
	r := &countingReader{r: bytes.NewReader(octets(100)), step: 10}
	w := window.New(r, 64)
	for i, c := range []struct{ fill, calls int }{{0, 0}, {1, 1}, {10, 1}, {11, 2}, {20, 2}} {
		w.Fill(c.fill)
		if r.calls != c.calls {
			t.Errorf("step %d: Fill(%d) made it %d reads, want %d", i, c.fill, r.calls, c.calls)
		}
	}
}

type countingReader struct {
	r           io.Reader
	step, calls int
}

func (c *countingReader) Read(p []byte) (int, error) {
	c.calls++
	return c.r.Read(p[:min(len(p), c.step)])
}

// A script is a reader that returns what it was told, step by step.
type script []step

type step struct {
	n   int
	err error
}

func (s *script) Read(p []byte) (int, error) {
	if len(*s) == 0 {
		return 0, io.EOF
	}
	c := (*s)[0]
	*s = (*s)[1:]
	return c.n, c.err
}

func TestOddReaders(t *testing.T) {
	broken := errors.New("broken")
	empty := func(n int) (s script) { return make(script, n) }
	tests := []struct {
		name string
		r    script
		ok   bool
		view int
		err  error
	}{
		{"data and end at once", script{{5, io.EOF}}, true, 5, nil},
		{"too little and end at once", script{{3, io.EOF}}, false, 3, nil},
		{"error", script{{3, nil}, {0, broken}}, false, 3, broken},
		{"data and error at once", script{{5, broken}}, true, 5, broken},
		{"nothing, for a while", append(empty(99), step{5, io.EOF}), true, 5, nil},
		{"nothing, for too long", append(empty(100), step{5, io.EOF}), false, 0, io.ErrNoProgress},
		{"nothing, then the end", script{{0, nil}, {0, io.EOF}}, false, 0, nil},
		{"nothing counts anew after data", append(append(append(empty(99), step{1, nil}), empty(99)...), step{4, nil}), true, 5, nil},
		{"more than there is room for", script{{2, nil}, {1 << 20, nil}}, false, 2, io.ErrNoProgress},
		{"less than nothing", script{{2, nil}, {-1, nil}}, false, 2, io.ErrNoProgress},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			w := window.New(&c.r, 16)
			if got := w.Fill(5); got != c.ok {
				t.Errorf("Fill(5) = %v, want %v", got, c.ok)
			}
			if got := len(w.Bytes()); got != c.view {
				t.Errorf("%d octets in view, want %d", got, c.view)
			}
			if w.Err() != c.err {
				t.Errorf("Err() = %v, want %v", w.Err(), c.err)
			}
			left := len(c.r)
			if w.Fill(17); len(c.r) != left && (c.err != nil || !c.ok) {
				t.Error("it went on reading behind the error")
			}
		})
	}
}

func TestRead(t *testing.T) {
	data := octets(1000)
	for _, rd := range readers {
		t.Run(rd.name, func(t *testing.T) {
			w := window.New(rd.wrap(bytes.NewReader(data)), 32)
			if err := iotest.TestReader(w, data); err != nil {
				t.Error(err)
			}
			if w.Offset() != int64(len(data)) {
				t.Errorf("Offset() = %d, want %d", w.Offset(), len(data))
			}
		})
	}
}

func TestReadNothing(t *testing.T) {
	w := window.New(iotest.ErrReader(errors.New("read")), 8)
	if n, err := w.Read(nil); n != 0 || err != nil {
		t.Errorf("Read(nil) = %d, %v", n, err)
	}
}

func TestReadByte(t *testing.T) {
	broken := errors.New("broken")
	w := window.New(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), 2)
	var got []byte
	for {
		c, err := w.ReadByte()
		if err != nil {
			if err != broken {
				t.Errorf("error %v, want %v", err, broken)
			}
			break
		}
		got = append(got, c)
	}
	if string(got) != "abc" {
		t.Errorf("read %q", got)
	}
	if n, err := w.Read(make([]byte, 1)); n != 0 || err != broken {
		t.Errorf("Read behind the error = %d, %v", n, err)
	}
}

func TestAllocs(t *testing.T) {
	w := window.New(repeat{}, 1<<10)
	allocs := testing.AllocsPerRun(1000, func() {
		if !w.Fill(100) {
			panic(w.Err())
		}
		w.Skip(100)
	})
	if allocs != 0 {
		t.Errorf("%v allocations a record, want 0", allocs)
	}
}

// repeat is an endless stream.
type repeat struct{}

func (repeat) Read(p []byte) (int, error) { return len(p), nil }
