package pcapfile_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sipsight/sipsight/pcapfile"
)

// The files of these tests are put together by hand, so that the reader is not
// tested with the writer's own ideas.

type order = binary.AppendByteOrder

var (
	le order = binary.LittleEndian
	be order = binary.BigEndian
)

const (
	micro    = 0xa1b2c3d4
	nano     = 0xa1b23c4d
	modified = 0xa1b2cd34
)

// header returns a file header of version 2.4.
func header(o order, magic, snaplen, link uint32) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, 4)
	b = o.AppendUint32(b, 0)
	b = o.AppendUint32(b, 0)
	b = o.AppendUint32(b, snaplen)
	return o.AppendUint32(b, link)
}

// record returns a record header and its data; extra is the rest of the header in
// the modified variant.
func record(o order, sec, frac, capLen, origLen uint32, data string, extra ...string) []byte {
	b := o.AppendUint32(nil, sec)
	b = o.AppendUint32(b, frac)
	b = o.AppendUint32(b, capLen)
	b = o.AppendUint32(b, origLen)
	b = append(b, strings.Join(extra, "")...)
	return append(b, data...)
}

// plain is a record that is all there.
func plain(o order, sec, frac uint32, data string, extra ...string) []byte {
	return record(o, sec, frac, uint32(len(data)), uint32(len(data)), data, extra...)
}

func join(parts ...[]byte) []byte { return slices.Clip(bytes.Join(parts, nil)) }

// A result is everything that a reader says about a file.
type result struct {
	packets []pcapfile.Packet // with copies of their data
	headers []pcapfile.Header // that of each packet
	notes   []pcapfile.Note
	off     int64
	err     error
}

func read(t *testing.T, r io.Reader) (x result) {
	t.Helper()
	f, err := pcapfile.NewReader(r)
	if err != nil {
		return result{err: err}
	}
	for {
		p, err := f.Next()
		if err != nil {
			if _, again := f.Next(); again != err {
				t.Errorf("the error is not sticky: %v, then %v", err, again)
			}
			x.notes, x.off, x.err = f.Notes(), f.Offset(), err
			return x
		}
		p.Data = bytes.Clone(p.Data)
		x.packets = append(x.packets, p)
		x.headers = append(x.headers, f.Header())
	}
}

func (x result) String() string {
	s := new(strings.Builder)
	for i, p := range x.packets {
		fmt.Fprintf(s, "%s orig=%d off=%d link=%d %q\n", p.Time.Format(time.RFC3339Nano), p.OrigLen, p.Offset, x.headers[i].LinkType, p.Data)
	}
	for _, n := range x.notes {
		fmt.Fprintf(s, "note %q off=%d count=%d\n", n.What, n.Off, n.Count)
	}
	fmt.Fprintf(s, "%v", x.err)
	return s.String()
}

func TestHeader(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want pcapfile.Header
	}{
		{"microseconds, little-endian", header(le, micro, 65535, 1),
			pcapfile.Header{Major: 2, Minor: 4, SnapLen: 65535, LinkType: 1, FCSLen: -1}},
		{"microseconds, big-endian", header(be, micro, 65535, 1),
			pcapfile.Header{BigEndian: true, Major: 2, Minor: 4, SnapLen: 65535, LinkType: 1, FCSLen: -1}},
		{"nanoseconds, little-endian", header(le, nano, 262144, 113),
			pcapfile.Header{Nanosecond: true, Major: 2, Minor: 4, SnapLen: 262144, LinkType: 113, FCSLen: -1}},
		{"nanoseconds, big-endian", header(be, nano, 262144, 113),
			pcapfile.Header{BigEndian: true, Nanosecond: true, Major: 2, Minor: 4, SnapLen: 262144, LinkType: 113, FCSLen: -1}},
		{"modified, little-endian", header(le, modified, 96, 276),
			pcapfile.Header{Modified: true, Major: 2, Minor: 4, SnapLen: 96, LinkType: 276, FCSLen: -1}},
		{"modified, big-endian", header(be, modified, 96, 276),
			pcapfile.Header{BigEndian: true, Modified: true, Major: 2, Minor: 4, SnapLen: 96, LinkType: 276, FCSLen: -1}},
		{"no snaplen", header(le, micro, 0, 1),
			pcapfile.Header{Major: 2, Minor: 4, LinkType: 1, FCSLen: -1}},
		{"largest snaplen", header(le, micro, 1<<32-1, 1),
			pcapfile.Header{Major: 2, Minor: 4, SnapLen: 1<<32 - 1, LinkType: 1, FCSLen: -1}},
		{"FCS of 4 octets", header(le, micro, 0, 0x24000001),
			pcapfile.Header{Major: 2, Minor: 4, LinkType: 1, FCSLen: 4}},
		{"FCS of 4 octets, big-endian", header(be, micro, 0, 0x24000001),
			pcapfile.Header{BigEndian: true, Major: 2, Minor: 4, LinkType: 1, FCSLen: 4}},
		{"FCS of 0 octets", header(le, micro, 0, 0x04000001),
			pcapfile.Header{Major: 2, Minor: 4, LinkType: 1, FCSLen: 0}},
		{"FCS of 30 octets", header(le, micro, 0, 0xf4000001),
			pcapfile.Header{Major: 2, Minor: 4, LinkType: 1, FCSLen: 30}},
		{"FCS length without its P bit", header(le, micro, 0, 0x20000001),
			pcapfile.Header{Major: 2, Minor: 4, LinkType: 1, FCSLen: -1}},
		{"reserved bits of the link-type word", header(le, micro, 0, 0x0bff0093),
			pcapfile.Header{Major: 2, Minor: 4, LinkType: 147, FCSLen: -1}},
		{"largest link type", header(le, micro, 0, 0xffff),
			pcapfile.Header{Major: 2, Minor: 4, LinkType: 65535, FCSLen: -1}},
		{"another version", join(le.AppendUint32(nil, micro), []byte{3, 0, 7, 0}, make([]byte, 16)),
			pcapfile.Header{Major: 3, Minor: 7, FCSLen: -1}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			r, err := pcapfile.NewReader(bytes.NewReader(slices.Clip(c.in)))
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Header(); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if r.Offset() != 24 {
				t.Errorf("Offset() = %d behind the header, want 24", r.Offset())
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("Next() = %v in a file without packets, want io.EOF", err)
			}
		})
	}
}

func TestNotPcap(t *testing.T) {
	tests := []struct {
		name, in string
		format   bool
		want     string
	}{
		{"empty", "", true, "pcapfile: the file ends before its magic number at byte 0"},
		{"three octets", "\xd4\xc3\xb2", true, "pcapfile: the file ends before its magic number at byte 0"},
		{"pcapng", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", true, "pcapfile: not a pcap file: it begins with 0x0a0d0d0a at byte 0"},
		{"text", "GET / HTTP/1.1\r\n", true, "pcapfile: not a pcap file: it begins with 0x47455420 at byte 0"},
		{"zeros", strings.Repeat("\x00", 64), true, "pcapfile: not a pcap file: it begins with 0x00000000 at byte 0"},
		{"magic with its halves swapped", "\xc3\xd4\xa1\xb2" + strings.Repeat("\x00", 20), true, "pcapfile: not a pcap file: it begins with 0xc3d4a1b2 at byte 0"},
		{"almost the magic", "\xa1\xb2\xc3\xd5" + strings.Repeat("\x00", 20), true, "pcapfile: not a pcap file: it begins with 0xa1b2c3d5 at byte 0"},
		{"magic alone", "\xd4\xc3\xb2\xa1", false, "pcapfile: the file header is cut off: 4 of 24 octets are there at byte 0"},
		{"header without its last octet", string(header(le, micro, 0, 1)[:23]), false, "pcapfile: the file header is cut off: 23 of 24 octets are there at byte 0"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			_, err := pcapfile.NewReader(strings.NewReader(c.in))
			var fe *pcapfile.FormatError
			if !errors.As(err, &fe) {
				t.Fatalf("error %v, want a *FormatError", err)
			}
			if err.Error() != c.want {
				t.Errorf("error %q, want %q", err, c.want)
			}
			if got := errors.Is(err, pcapfile.ErrFormat); got != c.format {
				t.Errorf("it is ErrFormat: %v, want %v", got, c.format)
			}
			if got := errors.Is(err, io.ErrUnexpectedEOF); got == c.format {
				t.Errorf("it is io.ErrUnexpectedEOF: %v, want %v", got, !c.format)
			}
		})
	}
}

func TestNext(t *testing.T) {
	head := header(le, micro, 0, 1)
	zeros := strings.Repeat("\x00", 8)
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"microseconds", join(head, plain(le, 1, 2, "ab"), plain(le, 3, 999999, "")), `
			1970-01-01T00:00:01.000002Z orig=2 off=24 link=1 "ab"
			1970-01-01T00:00:03.999999Z orig=0 off=42 link=1 ""
			EOF`},
		{"microseconds, big-endian", join(header(be, micro, 0, 1), plain(be, 1, 2, "ab")), `
			1970-01-01T00:00:01.000002Z orig=2 off=24 link=1 "ab"
			EOF`},
		{"nanoseconds", join(header(le, nano, 0, 1), plain(le, 1, 2, "ab"), plain(le, 1, 999999999, "c")), `
			1970-01-01T00:00:01.000000002Z orig=2 off=24 link=1 "ab"
			1970-01-01T00:00:01.999999999Z orig=1 off=42 link=1 "c"
			EOF`},
		{"nanoseconds, big-endian", join(header(be, nano, 0, 1), plain(be, 1, 2, "ab")), `
			1970-01-01T00:00:01.000000002Z orig=2 off=24 link=1 "ab"
			EOF`},
		{"modified", join(header(le, modified, 0, 1), plain(le, 1, 2, "ab", zeros), plain(le, 3, 4, "cd", "\x01\x00\x00\x00\x08\x00\x04\x00")), `
			1970-01-01T00:00:01.000002Z orig=2 off=24 link=1 "ab"
			1970-01-01T00:00:03.000004Z orig=2 off=50 link=1 "cd"
			EOF`},
		{"modified, big-endian", join(header(be, modified, 0, 1), plain(be, 1, 2, "ab", zeros)), `
			1970-01-01T00:00:01.000002Z orig=2 off=24 link=1 "ab"
			EOF`},
		{"latest time", join(head, plain(le, 1<<32-1, 999999, "a")), `
			2106-02-07T06:28:15.999999Z orig=1 off=24 link=1 "a"
			EOF`},
		{"cut at the snaplen", join(header(le, micro, 2, 1), record(le, 1, 0, 2, 1500, "ab")), `
			1970-01-01T00:00:01Z orig=1500 off=24 link=1 "ab"
			EOF`},
		{"over the snaplen", join(header(le, micro, 2, 1), plain(le, 1, 0, "ab"), plain(le, 2, 0, "abc"), plain(le, 3, 0, "abcd")), `
			1970-01-01T00:00:01Z orig=2 off=24 link=1 "ab"
			1970-01-01T00:00:02Z orig=3 off=42 link=1 "abc"
			1970-01-01T00:00:03Z orig=4 off=61 link=1 "abcd"
			note "captured length over snaplen" off=42 count=2
			EOF`},
		{"over the original length", join(head, record(le, 1, 0, 4, 3, "abcd")), `
			1970-01-01T00:00:01Z orig=3 off=24 link=1 "abcd"
			note "captured length over original length" off=24 count=1
			EOF`},
		{"fraction of a second and more", join(head, plain(le, 1, 1000000, "a"), plain(le, 1, 1<<32-1, "b")), `
			1970-01-01T00:00:02Z orig=1 off=24 link=1 "a"
			1970-01-01T01:11:35.967295Z orig=1 off=41 link=1 "b"
			note "time stamp fraction of a second or more" off=24 count=2
			EOF`},
		{"nanosecond fraction of a second and more", join(header(le, nano, 0, 1), plain(le, 1, 1000000000, "a")), `
			1970-01-01T00:00:02Z orig=1 off=24 link=1 "a"
			note "time stamp fraction of a second or more" off=24 count=1
			EOF`},
		{"another version", join(le.AppendUint32(nil, micro), []byte{3, 0, 0, 0}, make([]byte, 12), []byte{1, 0, 0, 0}, plain(le, 1, 0, "a")), `
			1970-01-01T00:00:01Z orig=1 off=24 link=1 "a"
			note "unknown format version" off=0 count=1
			EOF`},
		{"record headers in the other order", join(header(be, micro, 65535, 1), plain(le, 1, 2, "abc"), plain(le, 3, 4, "de")), `
			1970-01-01T00:00:01.000002Z orig=3 off=24 link=1 "abc"
			1970-01-01T00:00:03.000004Z orig=2 off=43 link=1 "de"
			note "record headers in the other byte order than the file header" off=24 count=1
			EOF`},
		{"record headers in the other order, the other way round", join(header(le, nano, 65535, 1), plain(be, 1, 2, "abc")), `
			1970-01-01T00:00:01.000000002Z orig=3 off=24 link=1 "abc"
			note "record headers in the other byte order than the file header" off=24 count=1
			EOF`},
		{"records make no sense in either order", join(head, record(le, 1, 2, 0x10203040, 0x10203040, "abc")), `
			pcapfile: a record claims 270544960 captured octets, which cannot be right: the file is damaged from here on at byte 24`},
		{"the order is settled by the first record", join(head, plain(le, 1, 2, "abc"), plain(be, 3, 4, "de")), `
			1970-01-01T00:00:01.000002Z orig=3 off=24 link=1 "abc"
			pcapfile: a record claims 33554432 captured octets, which cannot be right: the file is damaged from here on at byte 43`},
		{"joined files", join(head, plain(le, 5, 0, "a"), header(be, nano, 9, 113), plain(be, 1, 7, "b"), header(le, modified, 0, 276), plain(le, 2, 0, "c", zeros)), `
			1970-01-01T00:00:05Z orig=1 off=24 link=1 "a"
			1970-01-01T00:00:01.000000007Z orig=1 off=65 link=113 "b"
			1970-01-01T00:00:02Z orig=1 off=106 link=276 "c"
			note "a second file header: files joined end to end" off=41 count=2
			EOF`},
		{"joined with an empty file", join(head, plain(le, 5, 0, "a"), head), `
			1970-01-01T00:00:05Z orig=1 off=24 link=1 "a"
			note "a second file header: files joined end to end" off=41 count=1
			EOF`},
		{"joined empty files", join(head, head, plain(le, 5, 0, "a")), `
			1970-01-01T00:00:05Z orig=1 off=48 link=1 "a"
			note "a second file header: files joined end to end" off=24 count=1
			EOF`},
		{"joined with a file of swapped records", join(head, plain(le, 5, 0, "a"), header(be, micro, 0, 1), plain(le, 6, 0, "bcd")), `
			1970-01-01T00:00:05Z orig=1 off=24 link=1 "a"
			1970-01-01T00:00:06Z orig=3 off=65 link=1 "bcd"
			note "a second file header: files joined end to end" off=41 count=1
			note "record headers in the other byte order than the file header" off=65 count=1
			EOF`},
		{"a second that reads like the magic number is no second header", join(head, plain(le, micro, 5, "abcdefgh")), `
			2055-12-19T16:41:56.000005Z orig=8 off=24 link=1 "abcdefgh"
			EOF`},
		{"cut in a record header", join(head, plain(le, 1, 0, "a"), plain(le, 2, 0, "b")[:15]), `
			1970-01-01T00:00:01Z orig=1 off=24 link=1 "a"
			pcapfile: the file is cut off inside a record header: 15 of 16 octets are there at byte 41`},
		{"cut in a packet", join(head, plain(le, 1, 0, "a"), plain(le, 2, 0, "bcd")[:18]), `
			1970-01-01T00:00:01Z orig=1 off=24 link=1 "a"
			pcapfile: the file is cut off inside a packet: 18 of 19 octets are there at byte 41`},
		{"cut in a packet of the modified variant", join(header(le, modified, 0, 1), plain(le, 1, 0, "abc", zeros)[:24]), `
			pcapfile: the file is cut off inside a packet: 24 of 27 octets are there at byte 24`},
		{"cut in the header of a joined file", join(head, plain(le, 1, 0, "a"), header(le, micro, 0, 1)[:20]), `
			1970-01-01T00:00:01Z orig=1 off=24 link=1 "a"
			pcapfile: the file is cut off inside a second file header: 20 of 24 octets are there at byte 41`},
		{"zeros behind the packets", join(head, plain(le, 1, 0, "a"), make([]byte, 4096)), `
			1970-01-01T00:00:01Z orig=1 off=24 link=1 "a"
			pcapfile: there is nothing but zeros from here on: the file was not written to its end, or is damaged at byte 41`},
		{"nothing but zeros", join(header(be, nano, 0, 1), make([]byte, 20)), `
			pcapfile: there is nothing but zeros from here on: the file was not written to its end, or is damaged at byte 24`},
		{"zeros between the packets", join(head, plain(le, 1, 0, "a"), make([]byte, 32), plain(le, 2, 0, "b"), make([]byte, 16)), `
			1970-01-01T00:00:01Z orig=1 off=24 link=1 "a"
			1970-01-01T00:00:00Z orig=0 off=41 link=1 ""
			1970-01-01T00:00:00Z orig=0 off=57 link=1 ""
			1970-01-01T00:00:02Z orig=1 off=73 link=1 "b"
			1970-01-01T00:00:00Z orig=0 off=90 link=1 ""
			note "records of nothing but zeros: no packets, but space that was never written" off=41 count=3
			EOF`},
		{"zeros ahead of a packet that is cut", join(head, make([]byte, 16), plain(le, 1, 0, "abc")[:17]), `
			1970-01-01T00:00:00Z orig=0 off=24 link=1 ""
			note "records of nothing but zeros: no packets, but space that was never written" off=24 count=1
			pcapfile: the file is cut off inside a packet: 17 of 19 octets are there at byte 40`},
		{"a packet without a time, and one without octets", join(head, plain(le, 0, 0, "a"), plain(le, 1, 0, ""), record(le, 0, 0, 0, 60, "")), `
			1970-01-01T00:00:00Z orig=1 off=24 link=1 "a"
			1970-01-01T00:00:01Z orig=0 off=41 link=1 ""
			1970-01-01T00:00:00Z orig=60 off=57 link=1 ""
			EOF`},
		{"garbage behind the packets", join(head, plain(le, 1, 0, "a"), []byte(strings.Repeat("\xff", 40))), `
			1970-01-01T00:00:01Z orig=1 off=24 link=1 "a"
			pcapfile: a record claims 4294967295 captured octets, which cannot be right: the file is damaged from here on at byte 41`},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			want := strings.ReplaceAll(strings.TrimSpace(c.want), "\t", "")
			if got := read(t, bytes.NewReader(c.in)).String(); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if got, _ := readQuick(t, bytes.NewReader(c.in)); got.String() != want {
				t.Errorf("with Quick\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// readQuick is read with Quick tried before each packet; quick counts those that it read.
func readQuick(t *testing.T, r io.Reader) (x result, quick int) {
	t.Helper()
	f, err := pcapfile.NewReader(r)
	if err != nil {
		return result{err: err}, 0
	}
	for {
		data, origLen, ns, ok := f.Quick()
		p := pcapfile.Packet{Time: time.Unix(0, ns).UTC(), OrigLen: origLen, Data: data}
		if ok {
			quick++
			p.Offset = f.Offset() - int64(len(data)) - 16
			if f.Header().Modified {
				p.Offset -= 8
			}
		} else if p, err = f.Next(); err != nil {
			if _, _, _, ok := f.Quick(); ok {
				t.Error("Quick reads on behind an error")
			}
			x.notes, x.off, x.err = f.Notes(), f.Offset(), err
			return x, quick
		}
		p.Data = bytes.Clone(p.Data)
		x.packets = append(x.packets, p)
		x.headers = append(x.headers, f.Header())
	}
}

// Quick reads what is in view and ordinary, and nothing else.
func TestQuick(t *testing.T) {
	all := 0
	for name, in := range samples() {
		t.Run(name, func(t *testing.T) {
			want := read(t, bytes.NewReader(in)).String()
			got, quick := readQuick(t, bytes.NewReader(in))
			if all += quick; got.String() != want {
				t.Errorf("%d were quick, got\n%s\nwant\n%s", quick, got, want)
			}
			if got, quick := readQuick(t, iotest.OneByteReader(bytes.NewReader(in))); got.String() != want || quick != 0 {
				t.Errorf("octet by octet %d were quick, got\n%s\nwant\n%s", quick, got, want)
			}
		})
	}
	if all < 5 {
		t.Errorf("%d packets were quick", all)
	}
}

// samples are whole files of every kind.
func samples() map[string][]byte {
	zeros := strings.Repeat("\x00", 8)
	m := map[string][]byte{}
	for _, o := range []order{le, be} {
		m[o.String()+", microseconds"] = join(header(o, micro, 65535, 1), plain(o, 10, 1, "first"), plain(o, 11, 2, ""), plain(o, 12, 3, strings.Repeat("x", 300)))
		m[o.String()+", nanoseconds"] = join(header(o, nano, 65535, 1), plain(o, 10, 1, "first"), plain(o, 11, 2, "second"))
		m[o.String()+", modified"] = join(header(o, modified, 65535, 1), plain(o, 10, 1, "first", zeros), plain(o, 11, 2, "second", zeros))
		m[o.String()+", joined"] = join(header(o, micro, 65535, 1), plain(o, 10, 1, "first"), header(be, nano, 0, 113), plain(be, 9, 1, "second"), header(le, modified, 0, 1), plain(le, 8, 0, "third", zeros))
	}
	m["swapped records"] = join(header(be, micro, 65535, 1), plain(le, 10, 1, "first"), plain(le, 11, 2, "second"))
	m["no packets"] = header(le, micro, 65535, 1)
	return m
}

func TestCutAnywhere(t *testing.T) {
	for name, data := range samples() {
		t.Run(name, func(t *testing.T) {
			whole := read(t, bytes.NewReader(data))
			if whole.err != io.EOF {
				t.Fatal(whole.err)
			}
			ends := []int64{24}
			for _, p := range whole.packets {
				ends = append(ends, p.Offset+int64(len(p.Data))+16)
			}
			for n := range data {
				x := read(t, bytes.NewReader(slices.Clip(bytes.Clone(data[:n]))))
				if k := len(x.packets); k > len(whole.packets) || !reflect.DeepEqual(x.packets, whole.packets[:k:k]) && k > 0 {
					t.Fatalf("cut at %d: not a prefix\n%v", n, x)
				}
				if n < 24 {
					if x.err == nil || x.err == io.EOF || n >= 4 && !errors.Is(x.err, io.ErrUnexpectedEOF) {
						t.Errorf("cut at %d: error %v", n, x.err)
					}
					continue
				}
				var fe *pcapfile.FormatError
				if x.err != io.EOF && (!errors.As(x.err, &fe) || !errors.Is(x.err, io.ErrUnexpectedEOF)) {
					t.Fatalf("cut at %d: error %v", n, x.err)
				}
				// What was read must account for every octet: the packets, and the part
				// that the error points at.
				if at := x.off; at > int64(n) || fe != nil && fe.Off != at || fe == nil && at != int64(n) {
					t.Errorf("cut at %d: it stopped at %d with %v", n, at, x.err)
				}
				for _, p := range whole.packets[len(x.packets):] {
					if p.Offset+16+int64(len(p.Data)) <= int64(n) && !strings.Contains(name, "modified") && !strings.Contains(name, "joined") {
						t.Errorf("cut at %d: the packet at %d is missing", n, p.Offset)
					}
				}
			}
		})
	}
}

func TestChunksDoNotMatter(t *testing.T) {
	for name, data := range samples() {
		want := read(t, bytes.NewReader(data)).String()
		for _, rd := range []struct {
			name string
			wrap func(io.Reader) io.Reader
		}{
			{"one octet", iotest.OneByteReader},
			{"half", iotest.HalfReader},
			{"end with data", iotest.DataErrReader},
		} {
			t.Run(name+"/"+rd.name, func(t *testing.T) {
				if got := read(t, rd.wrap(bytes.NewReader(data))).String(); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
		t.Run(name+"/small buffer", func(t *testing.T) {
			r, err := pcapfile.NewReaderSize(bytes.NewReader(data), 1)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for {
				if _, err := r.Next(); err != nil {
					break
				}
				n++
			}
			if whole := read(t, bytes.NewReader(data)); n != len(whole.packets) {
				t.Errorf("%d packets, want %d", n, len(whole.packets))
			}
		})
	}
}

func TestOffset(t *testing.T) {
	r, err := pcapfile.NewReader(bytes.NewReader(join(header(le, micro, 0, 1), plain(le, 1, 0, "abc"), plain(le, 2, 0, "de"))))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{43, 61, 61} {
		r.Next()
		if r.Offset() != want {
			t.Errorf("Offset() = %d after %d calls of Next, want %d", r.Offset(), i+1, want)
		}
	}
}

// TestPoison overwrites each packet once it was looked at: what the reader gives
// later must not come from there.
func TestPoison(t *testing.T) {
	for name, data := range samples() {
		t.Run(name, func(t *testing.T) {
			want := read(t, bytes.NewReader(data)).packets
			r, err := pcapfile.NewReaderSize(bytes.NewReader(data), 64)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; ; i++ {
				p, err := r.Next()
				if err != nil {
					if i != len(want) {
						t.Errorf("%d packets, want %d", i, len(want))
					}
					break
				}
				if !reflect.DeepEqual(p, want[i]) && len(p.Data)+len(want[i].Data) > 0 {
					t.Errorf("packet %d: got %+v, want %+v", i, p, want[i])
				}
				for j := range p.Data {
					p.Data[j] = 0xff
				}
				_ = append(p.Data, 0xff, 0xff, 0xff) // must not write into the next record
			}
		})
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("cable pulled")
	data := join(header(le, micro, 0, 1), plain(le, 1, 0, "abc"), plain(le, 2, 0, "de"))
	for n := range len(data) + 1 {
		x := read(t, io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(broken)))
		var fe *pcapfile.FormatError
		if !errors.As(x.err, &fe) || !errors.Is(x.err, broken) || errors.Is(x.err, io.ErrUnexpectedEOF) {
			t.Fatalf("broken at %d: error %v", n, x.err)
		}
		if want := "reading failed (cable pulled)"; fe.What != want {
			t.Errorf("broken at %d: %q, want %q", n, fe.What, want)
		}
		want := 0
		if n >= 43 {
			want++
		}
		if n >= 61 {
			want++
		}
		if len(x.packets) != want {
			t.Errorf("broken at %d: %d packets, want %d", n, len(x.packets), want)
		}
	}
}

// TestHostileLengths gives lengths for which nothing is there. Whether they are
// believed or not, no memory may be got for them.
func TestHostileLengths(t *testing.T) {
	tests := []struct {
		name                     string
		snaplen, capLen, origLen uint32
		believed                 bool
	}{
		{"soft limit", 0, 256 << 10, 0, true},
		{"over the soft limit", 0, 256<<10 + 1, 256 << 10, false},
		{"over the soft limit, snaplen allows it", 1 << 20, 1 << 20, 0, true},
		{"over the soft limit, just over snaplen", 1 << 20, 1<<20 + 1, 1 << 20, false},
		{"over the soft limit, the packet's length allows it", 65535, 1 << 20, 1 << 20, true},
		{"hard limit", 1<<32 - 1, 16 << 20, 16 << 20, true},
		{"over the hard limit", 1<<32 - 1, 16<<20 + 1, 1<<32 - 1, false},
		{"2 GiB", 1<<32 - 1, 1 << 31, 1<<32 - 1, false},
		{"4 GiB", 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, false},
		{"4 GiB less the record header", 1<<32 - 1, 1<<32 - 16, 1<<32 - 1, false},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			// The first record settles the byte order.
			data := join(header(le, micro, c.snaplen, 1), plain(le, 1, 0, "a"), record(le, 2, 0, c.capLen, c.origLen, "rest"))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := pcapfile.NewReaderSize(bytes.NewReader(data), 4096)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			_, err = r.Next()
			runtime.ReadMemStats(&after)
			if got := errors.Is(err, io.ErrUnexpectedEOF); got != c.believed {
				t.Errorf("error %v", err)
			}
			var fe *pcapfile.FormatError
			if !errors.As(err, &fe) || fe.Off != 41 {
				t.Errorf("error %v, want one at byte 41", err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
				t.Errorf("it got %d octets of memory", got)
			}
		})
	}
}

func TestLargestPacket(t *testing.T) {
	data := strings.Repeat("0123456789abcdef", 1<<20)
	x := read(t, bytes.NewReader(join(header(le, micro, 0, 1), plain(le, 1, 0, data), plain(le, 2, 0, "next"))))
	if len(x.packets) != 2 || string(x.packets[0].Data) != data || string(x.packets[1].Data) != "next" || x.err != io.EOF {
		t.Errorf("%d packets, %v", len(x.packets), x.err)
	}
}

// TestCaptures reads the project's captures and compares them with what other
// programs said of them.
func TestCaptures(t *testing.T) {
	const dir = "../testdata/captures"
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]struct {
		Format     string
		Nanosecond bool
		Packets    int
		CutPackets int      `json:"cut_packets"`
		First      string   `json:"first_time"`
		Last       string   `json:"last_time"`
		LinkTypes  []uint16 `json:"link_types"`
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	tested := 0
	for name, want := range expected {
		if want.Format != "pcap" {
			continue
		}
		tested++
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			x := read(t, f)
			if x.err != io.EOF || len(x.notes) != 0 {
				t.Errorf("error %v, notes %v", x.err, x.notes)
			}
			if len(x.packets) != want.Packets {
				t.Fatalf("%d packets, want %d", len(x.packets), want.Packets)
			}
			cut := 0
			for i, p := range x.packets {
				if p.OrigLen > int64(len(p.Data)) {
					cut++
				}
				if h := x.headers[i]; h.Nanosecond != want.Nanosecond || h.LinkType != want.LinkTypes[0] {
					t.Errorf("header %+v", h)
				}
			}
			if cut != want.CutPackets {
				t.Errorf("%d cut packets, want %d", cut, want.CutPackets)
			}
			stamp := func(p pcapfile.Packet) string { return fmt.Sprintf("%d.%09d", p.Time.Unix(), p.Time.Nanosecond()) }
			if got := stamp(slices.MinFunc(x.packets, func(a, b pcapfile.Packet) int { return a.Time.Compare(b.Time) })); got != want.First {
				t.Errorf("first time %s, want %s", got, want.First)
			}
			if got := stamp(slices.MaxFunc(x.packets, func(a, b pcapfile.Packet) int { return a.Time.Compare(b.Time) })); got != want.Last {
				t.Errorf("last time %s, want %s", got, want.Last)
			}
		})
	}
	if tested == 0 {
		t.Error("no capture was tested")
	}
}

// An endless file: its records come again and again.
type endless struct {
	head, body []byte
	n          int
}

func newEndless(data []byte) *endless { return &endless{head: data[:24], body: data[24:]} }

func (e *endless) Read(p []byte) (int, error) {
	if len(e.head) > 0 {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	n := copy(p, e.body[e.n:])
	e.n = (e.n + n) % len(e.body)
	return n, nil
}

func TestAllocs(t *testing.T) {
	test := func(name string, data []byte) {
		r, err := pcapfile.NewReader(newEndless(data))
		if err != nil {
			t.Fatal(err)
		}
		next := func() {
			if _, err := r.Next(); err != nil {
				panic(err)
			}
		}
		for range 10 { // the first note of a kind is kept
			next()
		}
		if n := testing.AllocsPerRun(2000, next); n != 0 {
			t.Errorf("%s: %v allocations a packet, want 0", name, n)
		}
	}
	test("Next", join(header(le, micro, 0, 1), plain(le, 1, 2, strings.Repeat("x", 1400))))
	test("Next, modified, big-endian", join(header(be, modified, 0, 1), plain(be, 1, 2, "abc", strings.Repeat("\x00", 8))))
	test("Next, with notes", join(header(le, micro, 2, 1), record(le, 1, 1e6, 4, 3, "abcd")))
}
