package fuzz

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/layers"
)

// fields returns the exported fields of a struct but those named, as text.
func fields(v any, but ...string) (list []string) {
	x := reflect.ValueOf(v)
	for i := range x.NumField() {
		f := x.Type().Field(i)
		if f.IsExported() && !slices.Contains(but, f.Name) {
			list = append(list, fmt.Sprintf("%s %v", f.Name, x.Field(i).Interface()))
		}
	}
	return list
}

// sameFrame checks that two frames say the same, but for some of their fields.
func sameFrame(t *testing.T, what string, a, b *layers.Frame, aErr, bErr error, but ...string) {
	t.Helper()
	x, y := fields(*a, append(but, "Payload")...), fields(*b, append(but, "Payload")...)
	if aErr != bErr || !slices.Equal(x, y) || !bytes.Equal(a.Payload, b.Payload) {
		t.Fatalf("%s:\n%v %v %q\n%v %v %q", what, aErr, x, a.Payload, bErr, y, b.Payload)
	}
}

// inside returns where the octets of part begin in whole, which they must be part of and
// not a copy of: -1 where they are not.
func inside(whole, part []byte) int {
	for i := range len(whole) - len(part) + 1 {
		if len(part) == 0 || &whole[i] == &part[0] {
			return i
		}
	}
	return -1
}

// errorsOf are the errors that Decode may return.
var errorsOf = []error{nil, layers.ErrTruncated, layers.ErrMalformed, layers.ErrFragment, layers.ErrUnsupported, layers.ErrEncrypted, layers.ErrTooDeep}

// FuzzLayers: the payload is a part of the packet, and of the part that is not check
// sequence. Decoding depends on nothing but the packet: not on octets behind it, nor on
// what the Frame held before. A packet is the same raw, behind Ethernet, behind a tag and
// behind the cooked headers of Linux. What Glance tells is what Decode finds.
func FuzzLayers(f *testing.F) {
	for _, b := range frames() {
		for _, link := range []uint16{1, 113, 276, 0, 9, 107, 127} {
			f.Add(link, uint8(0), b)
		}
		f.Add(uint16(1), uint8(4), b[:len(b)-1])
		f.Add(uint16(101), uint8(0), b[14:])
		f.Add(uint16(0), uint8(0), append([]byte{2, 0, 0, 0}, b[14:]...))
	}
	for link := range uint16(300) {
		if layers.LinkType(link).Supported() {
			f.Add(link, uint8(0), frames()[0])
		}
	}
	for _, file := range captures() {
		x := readPcap(nil, bytes.NewReader(file), 0)
		for i, p := range x.packets[:min(len(x.packets), 3)] {
			f.Add(x.headers[i].LinkType, uint8(0), p.Data)
		}
	}
	f.Fuzz(func(t *testing.T, link uint16, fcs uint8, b []byte) {
		if tooLong(b) {
			return
		}
		var x, y layers.Frame
		exact := slices.Clip(bytes.Clone(b))
		err := x.Decode(layers.LinkType(link), int(fcs), exact)
		if !slices.Contains(errorsOf, err) {
			t.Fatalf("error %v", err)
		}
		if off, end, version := layers.Glance(layers.LinkType(link), exact); version != 0 && fcs == 0 && !layers.Mirrored(exact, off) {
			if y.Sighted(exact, off, end, version); err != nil || !reflect.DeepEqual(x, y) {
				t.Fatalf("at a glance %+v, but %v %+v", y, err, x)
			}
			y = layers.Frame{}
		}
		end := len(b)
		if int(fcs) <= end {
			end -= int(fcs)
		}
		at := inside(exact[:end], x.Payload)
		if at < 0 || x.Off < 0 || x.Off > end || x.Missing < 0 {
			t.Fatalf("of %d octets: %v", end, fields(x))
		}
		if err == nil && len(x.Payload) > 0 && at != x.Off {
			t.Fatalf("the payload begins at %d, Off says %d", at, x.Off)
		}
		if !bytes.Equal(exact, b) {
			t.Fatal("the packet was changed")
		}

		// Octets behind the packet, and a Frame that was used before.
		more := append(bytes.Clone(b), 0x45, 0, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8)
		y.Decode(layers.Ethernet, 0, frames()[4])
		sameFrame(t, "with octets behind it", &x, &y, err, y.Decode(layers.LinkType(link), int(fcs), more[:len(b)]))
		if fcs > 0 && int(fcs) <= len(b) {
			sameFrame(t, "without its check sequence", &x, &y, err, y.Decode(layers.LinkType(link), 0, exact[:end]))
		}
		for _, q := range [][]byte{x.Quote()} {
			if inside(exact, q) < 0 {
				t.Fatal("the quoted packet is not in the packet")
			}
		}
		checkChunks(t, x.Payload)
		behindHeaders(t, exact)
	})
}

// behindHeaders checks that an IP packet is the same behind every header that says it is one.
func behindHeaders(t *testing.T, b []byte) {
	if len(b) == 0 || b[0]>>4 != 4 && b[0]>>4 != 6 {
		return
	}
	var raw, x layers.Frame
	err := raw.Decode(layers.Raw, 0, b)
	sameFrame(t, "DecodeIP", &raw, &x, err, x.DecodeIP(b))
	tag := []byte{0x81, 0, 0, 7}
	for _, h := range []struct {
		what   string
		link   layers.LinkType
		before []byte
		but    []string
	}{
		{"Ethernet", layers.Ethernet, ether(0, b)[:14], nil},
		{"a tag", layers.Ethernet, slices.Concat(ether(0, b)[:12], tag, ether(0, b)[12:14]), []string{"Tags", "Tunnels"}},
		{"cooked", layers.LinuxSLL, slices.Concat(make([]byte, 14), ether(0, b)[12:14]), nil},
		{"cooked, version 2", layers.LinuxSLL2, slices.Concat(ether(0, b)[12:14], make([]byte, 18)), nil},
		{"null", layers.Null, []byte{2, 0, 0, 0}, nil},
		{"loop", layers.Loop, []byte{0, 0, 0, 2}, nil},
	} {
		xErr := x.Decode(h.link, 0, slices.Concat(h.before, b))
		x.Off -= len(h.before)
		sameFrame(t, h.what, &raw, &x, err, xErr, h.but...)
	}
}

// checkChunks checks that the chunks of an SCTP packet lie in it, one behind the other.
func checkChunks(t *testing.T, b []byte) {
	n := 0
	for c := range layers.Chunks(b) {
		at := inside(b, c.Value)
		if at < 0 || len(c.Value) > 0 && at < n+4 {
			t.Fatalf("a chunk of %d octets at %d behind %d", len(c.Value), at, n)
		}
		n += 4 + len(c.Value)
		if d, ok := c.Data(); ok && inside(c.Value, d.User) < 0 {
			t.Fatal("the data is not in the chunk")
		}
	}
	if n > len(b) {
		t.Fatalf("%d octets of chunks in %d", n, len(b))
	}
}
