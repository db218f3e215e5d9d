package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

// TestTimeline merges files by hand.
func TestTimeline(t *testing.T) {
	at := func(name string, seconds ...int) (list []packet) {
		for i, s := range seconds {
			list = append(list, packet{time.Duration(s) * time.Second, fmt.Sprint(name, i+1)})
		}
		return list
	}
	tests := []struct {
		name  string
		files [][]packet
		want  string
	}{
		{"rotated", [][]packet{at("a", 0, 1), at("b", 2, 3)}, "a1 a2 b1 b2"},
		{"named backwards", [][]packet{at("b", 2, 3), at("a", 0, 1)}, "a1 a2 b1 b2"},
		{"interleaved", [][]packet{at("a", 0, 2, 4), at("b", 1, 3, 5)}, "a1 b1 a2 b2 a3 b3"},
		{"equal times", [][]packet{at("a", 0, 1, 1), at("b", 0, 1, 2), at("c", 0, 1)}, "a1 b1 c1 a2 a3 b2 c2 b3"},
		{"a file that goes back", [][]packet{at("a", 5, 1, 6), at("b", 2, 7)}, "b1 a1 a2 a3 b2"},
		{"one without packets", [][]packet{nil, at("b", 1), nil}, "b1"},
		{"none has packets", [][]packet{nil, nil}, ""},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			var names []string
			for i, packets := range c.files {
				b := pcap(pcapfile.Header{}, packets...)
				if i%2 == 1 {
					b = zipped(ng(pcapng.Section{}, packets...))
				}
				names = append(names, write(t, "x", b))
			}
			got, files := readFiles(t, names, capture.Options{})
			var order []string
			next := make([]int64, len(names))
			for _, p := range got {
				order = append(order, p.data)
				if next[p.file]++; p.frame != next[p.file] {
					t.Errorf("packet %q is frame %d", p.data, p.frame)
				}
			}
			if strings.Join(order, " ") != c.want {
				t.Errorf("got %v\nwant %s", order, c.want)
			}
			for i, f := range files {
				if f.Name != names[i] || f.Packets != int64(len(c.files[i])) || !f.Complete() {
					t.Errorf("file %d is %+v", i, f)
				}
				if back := c.name == "a file that goes back" && i == 0; f.InOrder == back {
					t.Errorf("file %d in order: %v", i, f.InOrder)
				}
			}
		})
	}
}

// TestPlaces holds that files of the same first time rank by name, in whatever order they were named.
func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i, seconds := range []time.Duration{5, 5, 5, 1} {
		name := filepath.Join(dir, fmt.Sprint("f", i))
		b := pcap(pcapfile.Header{}, packet{seconds * time.Second, fmt.Sprint(i)}, packet{6 * time.Second, fmt.Sprint(i, "x")})
		if err := os.WriteFile(name, b, 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}} {
		var named []string
		for _, i := range order {
			named = append(named, names[i])
		}
		got, files := readFiles(t, named, capture.Options{})
		var data []string
		for _, p := range got {
			data = append(data, p.data)
		}
		if s := strings.Join(data, " "); s != "3 0 1 2 3x 0x 1x 2x" {
			t.Errorf("named %v: %s", order, s)
		}
		for i, f := range files {
			if want := []int{1, 2, 3, 0}[order[i]]; f.Place != want {
				t.Errorf("named %v: file %d has place %d, not %d", order, order[i], f.Place, want)
			}
		}
	}
}

// TestManyFiles holds that hundreds of files, more than are kept open, are one timeline in
// whatever order they were named, and that their descriptions are right.
func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	const files, each = 300, 4
	rnd := rand.New(rand.NewPCG(1, 2))
	var names []string
	for i := range files {
		var packets []packet
		for j := range each {
			packets = append(packets, packet{time.Duration(i+j*70) * time.Second, fmt.Sprintf("%d/%d", i, j)})
		}
		b := pcap(pcapfile.Header{}, packets...)
		switch i % 3 {
		case 1:
			b = ng(pcapng.Section{}, packets...)
		case 2:
			b = zipped(b)
		}
		name := filepath.Join(dir, fmt.Sprintf("%03d", i))
		if err := os.WriteFile(name, b, 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	// Equal times stand in the order of the names, so only those of one time may differ.
	times := func(list []seen) (s []string) {
		for _, p := range list {
			s = append(s, fmt.Sprint(p.at, " ", p.data))
		}
		return s
	}
	first, _ := readFiles(t, names, capture.Options{})
	if len(first) != files*each {
		t.Fatalf("%d packets", len(first))
	}
	next := make([]int64, files)
	for _, p := range first {
		if next[p.file]++; p.frame != next[p.file] {
			t.Fatalf("packet %q is frame %d", p.data, p.frame)
		}
	}
	for i := 1; i < len(first); i++ {
		a, b := first[i-1], first[i]
		if a.at > b.at || a.at == b.at && a.file >= b.file {
			t.Fatalf("%v stands before %v", a, b)
		}
	}
	// Files that were closed until their turn came are not counted twice.
	r, err := capture.Open(t.Context(), names, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := collect(r); err != nil {
		t.Fatal(err)
	}
	if done, total := r.Progress(); done != total {
		t.Errorf("%d octets of %d were read", done, total)
	}
	shuffled := slices.Clone(names)
	rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	second, described := readFiles(t, shuffled, capture.Options{})
	a, b := times(first), times(second)
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		t.Error("another order of names gives other packets")
	}
	for i, f := range described {
		if f.Packets != each || !f.Complete() || f.Size == 0 || len(f.Interfaces) != 1 || f.Interfaces[0].Packets != each {
			t.Errorf("file %d is %+v", i, f)
		}
	}
}

// TestManyFilesForgotten: of files that were read nothing stays but their descriptions.
func TestManyFilesForgotten(t *testing.T) {
	const files = 400
	var names []string
	for i := range files {
		names = append(names, write(t, fmt.Sprintf("%03d", i), pcap(pcapfile.Header{}, packet{time.Duration(i) * time.Second, "x"})))
	}
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	r := must(capture.Open(t.Context(), names, capture.Options{}))
	defer r.Close()
	if list, err := collect(r); err != nil || len(list) != files {
		t.Fatalf("%d packets, %v", len(list), err)
	}
	if after := used(); after > before+files*4096 { // a window of one file is eight times as large
		t.Errorf("%d octets are in use behind %d files, %d before", after, files, before)
	}
	runtime.KeepAlive(r)
}

// TestGoneSince holds that a file that goes away before its turn is told, and that the
// timeline goes on.
func TestGoneSince(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i := range 140 {
		name := filepath.Join(dir, fmt.Sprintf("%03d", i))
		if err := os.WriteFile(name, pcap(pcapfile.Header{}, packet{time.Duration(i) * time.Second, "p"}), 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	r, err := capture.Open(t.Context(), names, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Remove(names[135]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(names[136], nil, 0o666); err != nil {
		t.Fatal(err)
	}
	list, err := collect(r)
	if err != nil || len(list) != 138 || list[137].file != 139 {
		t.Errorf("%d packets, %v", len(list), err)
	}
	for i, want := range map[int]string{135: "no such file", 136: "the file is empty"} {
		if f := r.Files()[i]; f.Err == nil || !strings.Contains(f.Err.Error(), want) || f.Complete() {
			t.Errorf("file %d: %v", i, f.Err)
		}
	}
}

// TestPartlyUnreadable holds that one capture that cannot be opened does not keep the
// others from being read.
func TestPartlyUnreadable(t *testing.T) {
	good := write(t, "good", pcap(pcapfile.Header{}, three...))
	text := write(t, "text", []byte("hello\n"))
	cut := write(t, "cut", pcap(pcapfile.Header{}, three...)[:50])
	got, files := readFiles(t, []string{text, good, "/nowhere/at/all", cut}, capture.Options{})
	if len(got) != 4 {
		t.Errorf("%d packets", len(got))
	}
	for i, complete := range []bool{false, true, false, false} {
		if files[i].Complete() != complete {
			t.Errorf("file %d complete: %v", i, !complete)
		}
	}
	if files[0].Err == nil || files[1].Err != nil || !errors.Is(files[2].Err, os.ErrNotExist) || files[3].Err != nil {
		t.Errorf("errors %v, %v, %v, %v", files[0].Err, files[1].Err, files[2].Err, files[3].Err)
	}
	r, err := capture.Open(t.Context(), []string{text, "/nowhere/at/all"}, capture.Options{})
	if err == nil || !strings.Contains(err.Error(), "looks like a text file") || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("none can be read: %v", err)
	}
	if _, err := r.Next(); err == nil || err == io.EOF {
		t.Errorf("Next behind it: %v", err)
	}
}

func TestNames(t *testing.T) {
	name := write(t, "good", pcap(pcapfile.Header{}, three...))
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, "no capture was named"},
		{[]string{"-", name, "-"}, "standard input (-) was named 2 times"},
		{[]string{""}, "no such file"},
		{[]string{"a\x00b"}, "the path holds a NUL character"},
		{[]string{strings.Repeat("a", 5000)}, "file name too long"},
		{[]string{name + "/x"}, "not a directory"},
	} {
		_, err := capture.Open(t.Context(), c.names, capture.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: %v, want %s", c.names, err, c.want)
		}
	}
	// One file twice is what it says.
	got, _ := readFiles(t, []string{name, name}, capture.Options{})
	if len(got) != 6 {
		t.Errorf("a file twice: %d packets", len(got))
	}
	// Standard input beside a file.
	got, files := readFiles(t, []string{name, "-"}, capture.Options{Stdin: bytes.NewReader(pcap(pcapfile.Header{}, three[1]))})
	if len(got) != 4 || got[2].file != 1 || files[1].Name != "-" {
		t.Errorf("beside standard input: %v", got)
	}
}

func TestURL(t *testing.T) {
	b := zipped(pcap(pcapfile.Header{}, three...))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			w.Write(b)
		case "/cut":
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			w.Write(b[:len(b)-10])
		case "/text":
			io.WriteString(w, "secret text")
		default:
			http.NotFound(w, r)
		}
	}))
	defer web.Close()
	got, files := readFiles(t, []string{web.URL + "/a"}, capture.Options{RegularOnly: true, Folders: []string{t.TempDir()}})
	if !slices.Equal(got, wanted(three)) || files[0].Size != int64(len(b)) {
		t.Errorf("%v of %d octets", got, files[0].Size)
	}
	_, files = readFiles(t, []string{web.URL + "/a"}, capture.Options{MaxDownload: int64(len(b) - 1)})
	if s := strings.Join(ids(files[0]), " "); s != "download-limit×1 lost" {
		t.Errorf("over the limit: %s", s)
	}
	_, files = readFiles(t, []string{web.URL + "/cut"}, capture.Options{})
	if s := strings.Join(ids(files[0]), " "); s != "read-error×1 lost" || !strings.Contains(files[0].Notes[0].What, "the server ended the body early") {
		t.Errorf("cut: %v", files[0].Notes)
	}
	for path, want := range map[string]string{"/text": "looks like a text file", "/none": "the server answered 404 Not Found"} {
		if _, err := capture.Open(t.Context(), []string{web.URL + path}, capture.Options{}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := capture.Open(t.Context(), []string{web.URL + "/a"}, capture.Options{NoURLs: true}); err == nil || !strings.Contains(err.Error(), "URLs are switched off") {
		t.Errorf("without URLs: %v", err)
	}
	if _, err := capture.Open(t.Context(), []string{"http://192.168.0.1/a"}, capture.Options{}); err == nil || !strings.Contains(err.Error(), "--allow-private-urls") {
		t.Errorf("a private network: %v", err)
	}
}

// TestProgress holds that what was read grows to the size of what is read.
func TestProgress(t *testing.T) {
	var packets []packet
	for i := range 3000 {
		packets = append(packets, packet{time.Duration(i) * time.Second, strings.Repeat("x", 1000)})
	}
	plain := pcap(pcapfile.Header{}, packets...)
	small := pcap(pcapfile.Header{}, three...)
	total := int64(len(plain) + len(small))
	r, err := capture.Open(t.Context(), []string{write(t, "a", plain), write(t, "b", small), "/nowhere/at/all"}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	last := int64(-1)
	for {
		done, all := r.Progress()
		if done < last || done > total || all != total {
			t.Fatalf("%d of %d after %d, want %d", done, all, last, total)
		}
		last = done
		if _, err := r.Next(); err == io.EOF {
			break
		}
	}
	if done, all := r.Progress(); done != total || all != total {
		t.Errorf("at the end %d of %d", done, all)
	}
	// The size of a stream is not known.
	name := write(t, "a", plain)
	for _, names := range [][]string{{"-"}, {"-", name}, {name, "-", name}} {
		r, err = capture.Open(t.Context(), names, capture.Options{Stdin: bytes.NewReader(plain)})
		if err != nil {
			t.Fatal(err)
		}
		if done, all := r.Progress(); done <= 0 || all != -1 {
			t.Errorf("of a stream among %q: %d of %d", names, done, all)
		}
		r.Close()
	}
}

func TestClose(t *testing.T) {
	r, err := capture.Open(t.Context(), []string{write(t, "a", pcap(pcapfile.Header{}, three...))}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if _, err := r.Next(); err == nil || err == io.EOF {
			t.Errorf("Next behind Close: %v", err)
		}
	}
	// The end stays the end.
	r, err = capture.NewReader(t.Context(), bytes.NewReader(pcap(pcapfile.Header{}, three...)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collect(r); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
}

// TestCancel holds that a context ends reading: at once where a read waits, and within 256
// packets where none does.
func TestCancel(t *testing.T) {
	var packets []packet
	for i := range 10000 {
		packets = append(packets, packet{time.Duration(i), "x"})
	}
	b := pcap(pcapfile.Header{}, packets...)
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := capture.Open(ctx, []string{write(t, "a", b)}, capture.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("a file: %v", err)
		}
		if _, err := capture.NewReader(ctx, bytes.NewReader(b), capture.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("a stream: %v", err)
		}
	})
	t.Run("amid", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := capture.Open(ctx, []string{write(t, "a", b)}, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for range 1000 {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		more, err := collect(r)
		if !errors.Is(err, context.Canceled) || len(more) > 256 {
			t.Errorf("%v after %d packets more", err, len(more))
		}
		if f := r.Files()[0]; f.Packets != int64(1000+len(more)) {
			t.Errorf("%d packets are counted", f.Packets)
		}
	})
	t.Run("in a read", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		pr, pw := io.Pipe()
		defer pw.Close()
		go pw.Write(b[:24+17])
		r, err := capture.NewReader(ctx, pr, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := r.Next(); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if f := r.Files()[0]; len(f.Notes) != 0 {
			t.Errorf("being interrupted is told as damage: %v", f.Notes)
		}
	})
}

// TestLive holds that a packet is returned as soon as it was written, before the next.
func TestLive(t *testing.T) {
	for name, b := range map[string][]byte{"pcap": pcap(pcapfile.Header{}, three...), "pcapng": ng(pcapng.Section{}, three...)} {
		t.Run(name, func(t *testing.T) {
			one := len(b)
			switch name {
			case "pcap":
				one -= 2*16 + len(three[1].data) + len(three[2].data)
			case "pcapng":
				one -= 2*32 + 16 + 4
			}
			pr, pw := io.Pipe()
			go pw.Write(b[:one]) // and no more until the first was seen
			r, err := capture.NewReader(t.Context(), pr, capture.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			p, err := r.Next()
			if err != nil || string(p.Data) != three[0].data {
				t.Fatalf("%v", err)
			}
			go func() {
				pw.Write(b[one:])
				pw.Close()
			}()
			if rest, err := collect(r); err != nil || len(rest) != 2 {
				t.Errorf("%v, %v", rest, err)
			}
		})
	}
}

// TestMemory holds that a file costs its window, not its size.
func TestMemory(t *testing.T) {
	cost := func(n int) uint64 {
		var packets []packet
		for i := range n {
			packets = append(packets, packet{time.Duration(i), strings.Repeat("x", 1000)})
		}
		name := write(t, "a", pcap(pcapfile.Header{}, packets...))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := capture.Open(t.Context(), []string{name}, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		r.Close()
		runtime.ReadMemStats(&after)
		if err != io.EOF || r.Files()[0].Packets != int64(n) {
			t.Errorf("%v after %d packets", err, r.Files()[0].Packets)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	if small, large := cost(10), cost(10000); large > small+64<<10 {
		t.Errorf("10 packets cost %d octets, 10000 cost %d", small, large)
	}
}
