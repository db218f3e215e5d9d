package layers_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/layers"
)

func TestChunks(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want []string // type/flags value, + where it is cut
	}{
		{"none", "", nil},
		{"one", chunk(4, 0, "heartbeat"), []string{`4/0 "heartbeat"`}},
		{"two, padded", chunk(1, 2, "a") + chunk(3, 4, "bcde"), []string{`1/2 "a"`, `3/4 "bcde"`}},
		{"empty", chunk(11, 0, "") + chunk(14, 0, ""), []string{`11/0 ""`, `14/0 ""`}},
		{"the last without its padding", chunk(1, 0, "abcd") + "\x02\x00" + u16(5) + "x", []string{`1/0 "abcd"`, `2/0 "x"`}},
		{"cut", chunk(1, 0, "abcd") + "\x02\x00" + u16(100) + "xyz", []string{`1/0 "abcd"`, `2/0 "xyz"+`}},
		{"cut behind its header", "\x02\x00" + u16(5), []string{`2/0 ""+`}},
		{"cut inside its header", chunk(1, 0, "abcd") + "\x02\x00\x00", []string{`1/0 "abcd"`}},
		{"length 0", chunk(1, 0, "abcd") + "\x02\x00" + u16(0) + chunk(3, 0, "x"), []string{`1/0 "abcd"`}},
		{"length 3", "\x02\x00" + u16(3) + "x", nil},
		{"length 65535", "\x02\x00\xff\xffx", []string{`2/0 "x"+`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for c := range layers.Chunks(clip(test.in)) {
				s := fmt.Sprintf("%d/%d %q", c.Type, c.Flags, c.Value)
				if c.Cut {
					s += "+"
				}
				got = append(got, s)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(test.want, ", "))
			}
		})
	}
}

func TestChunksStop(t *testing.T) {
	n := 0
	for range layers.Chunks(clip(chunk(1, 0, "") + chunk(2, 0, ""))) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d chunks", n)
	}
}

func TestChunkData(t *testing.T) {
	tests := []struct {
		name string
		in   string
		ok   bool
		want layers.Data
	}{
		{"whole", data(3, "INVITE"), true, layers.Data{Begin: true, End: true, TSN: 100, Stream: 3, Sequence: 9, Protocol: 46, User: []byte("INVITE")}},
		{"unordered, immediate", data(0xf, "x"), true, layers.Data{Begin: true, End: true, Unordered: true, TSN: 100, Stream: 3, Sequence: 9, Protocol: 46, User: []byte("x")}},
		{"first", data(2, "x"), true, layers.Data{Begin: true, TSN: 100, Stream: 3, Sequence: 9, Protocol: 46, User: []byte("x")}},
		{"middle", data(0, "x"), true, layers.Data{TSN: 100, Stream: 3, Sequence: 9, Protocol: 46, User: []byte("x")}},
		{"last, empty", data(1, ""), true, layers.Data{End: true, TSN: 100, Stream: 3, Sequence: 9, Protocol: 46, User: []byte{}}},
		{"short", chunk(layers.ChunkData, 3, zeros(11)), false, layers.Data{}},
		{"another chunk", chunk(4, 3, zeros(20)), false, layers.Data{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for c := range layers.Chunks(clip(test.in)) {
				d, ok := c.Data()
				if ok != test.ok {
					t.Fatalf("ok %t, want %t", ok, test.ok)
				}
				if fmt.Sprintf("%+v", d) != fmt.Sprintf("%+v", test.want) {
					t.Errorf("%+v, want %+v", d, test.want)
				}
			}
		})
	}
}

// Chunks do not overlap and none is longer than what is there, whatever the octets say.
func TestChunksLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	seed := []byte(data(3, "hello") + chunk(3, 0, zeros(12)) + data(3, "world"))
	for range 3000 {
		b := clip(mutate(r, seed))
		total := 0
		for c := range layers.Chunks(b) {
			total += 4 + len(c.Value)
			if d, ok := c.Data(); ok && len(d.User) != len(c.Value)-12 {
				t.Fatalf("%d octets of user data in a chunk of %d", len(d.User), len(c.Value))
			}
		}
		if total > len(b) {
			t.Fatalf("%d octets of chunks in %d: %x", total, len(b), b)
		}
	}
}
