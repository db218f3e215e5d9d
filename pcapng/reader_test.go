package pcapng_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sipsight/sipsight/pcapng"
)

// The files of these tests are put together by hand, so that the reader is not
// tested with the writer's own ideas.

type order = binary.AppendByteOrder

var (
	le order = binary.LittleEndian
	be order = binary.BigEndian
)

func join(parts ...[]byte) []byte { return slices.Clip(bytes.Join(parts, nil)) }

// pad appends zeros up to 32 bits.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func block(o order, typ uint32, body ...[]byte) []byte {
	b := join(body...)
	return lyingBlock(o, typ, uint32(len(b)+12), uint32(len(b)+12), b)
}

func lyingBlock(o order, typ, length, trailer uint32, body []byte) []byte {
	b := o.AppendUint32(nil, typ)
	b = o.AppendUint32(b, length)
	b = append(b, body...)
	return o.AppendUint32(b, trailer)
}

func u16(o order, v ...uint16) (b []byte) {
	for _, v := range v {
		b = o.AppendUint16(b, v)
	}
	return b
}

func u32(o order, v ...uint32) (b []byte) {
	for _, v := range v {
		b = o.AppendUint32(b, v)
	}
	return b
}

func u64(o order, v uint64) []byte { return o.AppendUint64(nil, v) }

func opt(o order, code uint16, value string) []byte {
	return lyingOpt(o, code, uint16(len(value)), value)
}

func lyingOpt(o order, code, length uint16, value string) []byte {
	return pad(append(u16(o, code, length), value...))
}

func shb(o order, opts ...[]byte) []byte { return version(o, 1, 0, opts...) }

func version(o order, major, minor uint16, opts ...[]byte) []byte {
	return block(o, 0x0a0d0d0a, u32(o, 0x1a2b3c4d), u16(o, major, minor), u64(o, math.MaxUint64), join(opts...))
}

func idb(o order, link uint16, snaplen uint32, opts ...[]byte) []byte {
	return block(o, 1, u16(o, link, 0), u32(o, snaplen), join(opts...))
}

// epb is an enhanced packet block; capLen below 0 is the length of data.
func epb(o order, id uint32, ts uint64, capLen, origLen int64, data string, opts ...[]byte) []byte {
	if capLen < 0 {
		capLen = int64(len(data))
	}
	return block(o, 6, u32(o, id, uint32(ts>>32), uint32(ts), uint32(capLen), uint32(origLen)), pad([]byte(data)), join(opts...))
}

// packet is an enhanced packet block without oddities.
func packet(o order, id uint32, ts uint64, data string, opts ...[]byte) []byte {
	return epb(o, id, ts, -1, int64(len(data)), data, opts...)
}

func spb(o order, origLen uint32, data string) []byte {
	return block(o, 3, u32(o, origLen), pad([]byte(data)))
}

// A result is everything that a reader says about a file.
type result struct {
	r       *pcapng.Reader
	packets []pcapng.Packet // with copies of their data, and without options
	options []string        // those of each packet
	err     error
}

func read(t *testing.T, in io.Reader) result {
	t.Helper()
	x, _ := readWith(t, in, func(*pcapng.Reader) (p pcapng.Packet, ok bool) { return p, false })
	return x
}

// readQuick is read with Quick tried before each packet; quick counts those that it read.
func readQuick(t *testing.T, in io.Reader) (x result, quick int) {
	t.Helper()
	last := 0
	return readWith(t, in, func(r *pcapng.Reader) (p pcapng.Packet, ok bool) {
		data, origLen, ns, ok := r.Quick()
		return pcapng.Packet{
			Block: pcapng.EnhancedPacket, Interface: last, Time: time.Unix(0, ns).UTC(), TimeOK: true, OrigLen: origLen, Data: data,
			Offset: r.Offset() - int64(32+(len(data)+3)&^3),
		}, ok
	}, &last)
}

// readWith reads a file with Next wherever first reads nothing, and tells it the interface of the last
// packet.
func readWith(t *testing.T, in io.Reader, first func(*pcapng.Reader) (pcapng.Packet, bool), last ...*int) (x result, firsts int) {
	t.Helper()
	r, err := pcapng.NewReader(in)
	if err != nil {
		return result{err: err}, 0
	}
	x.r = r
	for {
		p, ok := first(r)
		var err error
		if ok {
			firsts++
		} else {
			p, err = r.Next()
		}
		if err != nil {
			if _, again := r.Next(); again != err {
				t.Errorf("the error is not sticky: %v, then %v", err, again)
			}
			if _, ok := first(r); ok {
				t.Error("Quick reads on behind an error")
			}
			x.err = err
			return x, firsts
		}
		for _, n := range last {
			*n = p.Interface
		}
		opts := ""
		for o := range p.Options.All() {
			opts += fmt.Sprintf(" %d:%q", o.Code, o.Value)
		}
		x.options = append(x.options, opts)
		p.Data, p.Options = bytes.Clone(p.Data), pcapng.Options{}
		x.packets = append(x.packets, p)
	}
}

var blockNames = map[pcapng.BlockType]string{pcapng.EnhancedPacket: "epb", pcapng.SimplePacket: "spb", pcapng.ObsoletePacket: "pb"}

func (x result) String() string {
	s := new(strings.Builder)
	if x.r != nil {
		x.describe(s)
	}
	fmt.Fprintf(s, "%v", x.err)
	return s.String()
}

// describe leaves out what is as usual.
func (x result) describe(s *strings.Builder) {
	for _, c := range x.r.Sections() {
		s.WriteString("section")
		if c.BigEndian {
			s.WriteString(" be")
		}
		if c.Major != 1 || c.Minor != 0 {
			fmt.Fprintf(s, " version=%d.%d", c.Major, c.Minor)
		}
		if c.Length != -1 {
			fmt.Fprintf(s, " length=%d", c.Length)
		}
		texts(s, "hw", c.Hardware, "os", c.OS, "app", c.Application)
		texts(s, pairs("comment", c.Comments)...)
		s.WriteByte('\n')
	}
	for _, c := range x.r.Interfaces() {
		fmt.Fprintf(s, "interface of %d link=%d", c.Section, c.LinkType)
		if c.SnapLen != 0 {
			fmt.Fprintf(s, " snaplen=%d", c.SnapLen)
		}
		texts(s, "name", c.Name, "description", c.Description, "filter", c.Filter, "os", c.OS)
		if c.FCSLen != -1 {
			fmt.Fprintf(s, " fcs=%d", c.FCSLen)
		}
		if c.TsResol != 6 || c.TsOffset != 0 || c.Resolution != 1000 {
			fmt.Fprintf(s, " resol=%#02x offset=%d ns=%g", c.TsResol, c.TsOffset, c.Resolution)
		}
		if st := c.Statistics; st.Has != 0 {
			fmt.Fprintf(s, " has=%04b recv=%d drop=%d accept=%d osdrop=%d", st.Has, st.Received, st.Dropped, st.FilterAccepted, st.OSDropped)
		}
		texts(s, pairs("comment", c.Comments)...)
		s.WriteByte('\n')
	}
	for i, p := range x.packets {
		stamp := p.Time.Format(time.RFC3339Nano)
		if !p.TimeOK {
			stamp = "(" + stamp + ")"
		}
		fmt.Fprintf(s, "%s if=%d %s orig=%d off=%d %q%s\n", blockNames[p.Block], p.Interface, stamp, p.OrigLen, p.Offset, p.Data, x.options[i])
	}
	for _, n := range x.r.Names() {
		fmt.Fprintf(s, "name %v %q\n", n.Addr, n.Names)
	}
	for _, c := range x.r.Secrets() {
		fmt.Fprintf(s, "%v: %q\n", c, c.Data())
	}
	for _, n := range x.r.Notes() {
		fmt.Fprintf(s, "note %q off=%d count=%d\n", n.What, n.Off, n.Count)
	}
}

func pairs(key string, values []string) (list []string) {
	for _, v := range values {
		list = append(list, key, v)
	}
	return list
}

func texts(s *strings.Builder, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(s, " %s=%q", pairs[i], pairs[i+1])
		}
	}
}

func TestNotPcapng(t *testing.T) {
	tests := []struct {
		name   string
		in     string
		format bool
		want   string
	}{
		{"empty", "", true, "pcapng: the file ends before its first block type at byte 0"},
		{"three octets", "\x0a\x0d\x0d", true, "pcapng: the file ends before its first block type at byte 0"},
		{"pcap", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", true, "pcapng: not a pcapng file: it begins with 0xd4c3b2a1 at byte 0"},
		{"an interface first", string(idb(le, 1, 0)), true, "pcapng: not a pcapng file: it begins with 0x01000000 at byte 0"},
		{"line ends transferred as text", "\x0a\x0a\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a", true, "pcapng: not a pcapng file: it begins with 0x0a0a0a1c at byte 0"},
		{"block type alone", "\x0a\x0d\x0d\x0a", false, "pcapng: the section header is cut off: 4 of at least 28 octets are there at byte 0"},
		{"cut in the byte-order magic", string(shb(le)[:11]), false, "pcapng: the section header is cut off: 11 of at least 28 octets are there at byte 0"},
		{"cut in the section header", string(shb(le)[:27]), false, "pcapng: the file is cut off inside a block: 27 of 28 octets are there at byte 0"},
		{"wrong byte-order magic", string(block(le, 0x0a0d0d0a, u32(le, 0x1a2b3c4e), make([]byte, 12))), true, "pcapng: not a pcapng file: the byte-order magic is 0x4e3c2b1a at byte 8"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			_, err := pcapng.NewReader(strings.NewReader(c.in))
			var fe *pcapng.FormatError
			if !errors.As(err, &fe) {
				t.Fatalf("error %v, want a *FormatError", err)
			}
			if err.Error() != c.want {
				t.Errorf("error %q, want %q", err, c.want)
			}
			if got := errors.Is(err, pcapng.ErrFormat); got != c.format {
				t.Errorf("it is ErrFormat: %v, want %v", got, c.format)
			}
			if got := errors.Is(err, io.ErrUnexpectedEOF); got == c.format {
				t.Errorf("it is io.ErrUnexpectedEOF: %v, want %v", got, !c.format)
			}
		})
	}
}

func TestNext(t *testing.T) {
	end := opt(le, 0, "")
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"section alone", shb(le), `
			section
			EOF`},
		{"cut in the header of a block", join(shb(le), []byte{6}), `
			section
			pcapng: the file is cut off inside a block header: 1 of 12 octets are there at byte 28`},
		{"section, big-endian", shb(be), `
			section be
			EOF`},
		{"section with all options", shb(le, opt(le, 1, "made by hand"), opt(le, 2, "abacus"), opt(le, 3, "CP/M"), opt(le, 4, "ed"), opt(le, 1, "twice"), opt(le, 2988, "custom"), end), `
			section hw="abacus" os="CP/M" app="ed" comment="made by hand" comment="twice"
			EOF`},
		{"texts that end in NUL", shb(be, opt(be, 4, "ed\x00"), opt(be, 3, "CP/M\x00rest"), opt(be, 1, "\x00"), opt(be, 0, "")), `
			section be os="CP/M" app="ed"
			EOF`},
		{"version 1.2 is 1.0", join(version(le, 1, 2), idb(le, 1, 0), packet(le, 0, 1e6, "a")), `
			section version=1.2
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			EOF`},
		{"another version", join(version(le, 2, 0), idb(le, 1, 0), packet(le, 0, 1e6, "a")), `
			section version=2.0
			pcapng: a section of version 2.0, of which only 1 is known at byte 0`},
		{"another version later", join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "a"), version(be, 256, 0), packet(be, 0, 1e6, "b")), `
			section
			section be version=256.0
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			pcapng: a section of version 256.0, of which only 1 is known at byte 84`},
		{"section length is not used", join(block(le, 0x0a0d0d0a, u32(le, 0x1a2b3c4d), u16(le, 1, 0), u64(le, 7)), idb(le, 1, 0), packet(le, 0, 1e6, "a")), `
			section length=7
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			EOF`},
		{"interface with all options", join(shb(le), idb(le, 113, 96, opt(le, 1, "mind the gap"), opt(le, 2, "eth0"), opt(le, 3, "uplink"), opt(le, 4, "12345678"), opt(le, 9, "\x09"), opt(le, 11, "\x00udp"), opt(le, 11, "\x01\x28\x00"), opt(le, 11, ""), opt(le, 12, "Plan 9"), opt(le, 13, "\x20"), opt(le, 14, string(u64(le, 3600))), end)), `
			section
			interface of 0 link=113 snaplen=96 name="eth0" description="uplink" filter="udp" os="Plan 9" fcs=4 resol=0x09 offset=3600 ns=1 comment="mind the gap"
			EOF`},
		{"FCS length in octets, as older writers have it", join(shb(le), idb(le, 1, 0, opt(le, 13, "\x04")), idb(le, 1, 0, opt(le, 13, "\x00")), idb(le, 1, 0, opt(le, 13, "\x10"))), `
			section
			interface of 0 link=1 fcs=4
			interface of 0 link=1 fcs=0
			interface of 0 link=1 fcs=2
			EOF`},
		{"interface options that are too short", join(shb(le), idb(le, 1, 0, opt(le, 9, ""), opt(le, 13, ""), opt(le, 14, "1234"))), `
			section
			interface of 0 link=1
			note "interface option of the wrong length" off=28 count=3
			EOF`},
		{"interfaces of different kinds", join(shb(le), idb(le, 1, 0), idb(le, 113, 65535, opt(le, 9, "\x09")), packet(le, 1, 1e9, "a"), packet(le, 0, 1e6, "b"), packet(le, 1, 2e9, "c")), `
			section
			interface of 0 link=1
			interface of 0 link=113 snaplen=65535 resol=0x09 offset=0 ns=1
			epb if=1 1970-01-01T00:00:01Z orig=1 off=76 "a"
			epb if=0 1970-01-01T00:00:01Z orig=1 off=112 "b"
			epb if=1 1970-01-01T00:00:02Z orig=1 off=148 "c"
			EOF`},
		{"interface described after packets", join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "a"), packet(le, 1, 1e6, "lost"), idb(le, 6, 0), packet(le, 1, 1e6, "b")), `
			section
			interface of 0 link=1
			interface of 0 link=6
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			epb if=1 1970-01-01T00:00:01Z orig=1 off=140 "b"
			note "packet of an interface that was not described" off=84 count=1
			EOF`},
		{"sections of different byte order", join(
			shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "a"),
			shb(be), idb(be, 113, 0), idb(be, 276, 0), packet(be, 1, 2e6, "b"), packet(be, 0, 3e6, "c"),
			shb(le), packet(le, 0, 1e6, "lost"), idb(le, 6, 0), packet(le, 0, 4e6, "d")), `
			section
			section be
			section
			interface of 0 link=1
			interface of 1 link=113
			interface of 1 link=276
			interface of 2 link=6
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			epb if=2 1970-01-01T00:00:02Z orig=1 off=152 "b"
			epb if=1 1970-01-01T00:00:03Z orig=1 off=188 "c"
			epb if=3 1970-01-01T00:00:04Z orig=1 off=308 "d"
			note "packet of an interface that was not described" off=252 count=1
			EOF`},
		{"first section big-endian, second little-endian", join(shb(be), idb(be, 1, 0), packet(be, 0, 1e6, "a"), shb(le), idb(le, 6, 0), packet(le, 0, 2e6, "b")), `
			section be
			section
			interface of 0 link=1
			interface of 1 link=6
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			epb if=1 1970-01-01T00:00:02Z orig=1 off=132 "b"
			EOF`},
		{"simple packets", join(shb(le), idb(le, 1, 4), spb(le, 3, "abc"), spb(le, 4, "abcd"), spb(le, 9, "abcd")), `
			section
			interface of 0 link=1 snaplen=4
			spb if=0 (0001-01-01T00:00:00Z) orig=3 off=48 "abc"
			spb if=0 (0001-01-01T00:00:00Z) orig=4 off=68 "abcd"
			spb if=0 (0001-01-01T00:00:00Z) orig=9 off=88 "abcd"
			EOF`},
		{"simple packets without a snaplen", join(shb(be), idb(be, 1, 0), spb(be, 3, "abc"), spb(be, 9, "abcd"), spb(be, 0, "")), `
			section be
			interface of 0 link=1
			spb if=0 (0001-01-01T00:00:00Z) orig=3 off=48 "abc"
			spb if=0 (0001-01-01T00:00:00Z) orig=9 off=68 "abcd"
			spb if=0 (0001-01-01T00:00:00Z) orig=0 off=88 ""
			EOF`},
		{"simple packets are of the first interface of their section", join(shb(le), idb(le, 1, 0), shb(le), idb(le, 6, 0), idb(le, 7, 0), spb(le, 1, "a")), `
			section
			section
			interface of 0 link=1
			interface of 1 link=6
			interface of 1 link=7
			spb if=1 (0001-01-01T00:00:00Z) orig=1 off=116 "a"
			EOF`},
		{"simple packet without an interface", join(shb(le), spb(le, 1, "a")), `
			section
			note "packet of an interface that was not described" off=28 count=1
			EOF`},
		{"obsolete packets", join(shb(le), idb(le, 1, 0), idb(le, 6, 0), block(le, 2, u16(le, 1, 65535), u32(le, 0, 1e6, 3, 5), []byte("abc\x00"), opt(le, 1, "old"), end)), `
			section
			interface of 0 link=1
			interface of 0 link=6
			pb if=1 1970-01-01T00:00:01Z orig=5 off=68 "abc" 1:"old"
			EOF`},
		{"obsolete packets, big-endian", join(shb(be), idb(be, 1, 0), block(be, 2, u16(be, 0, 7), u32(be, 0, 1e6, 3, 5), []byte("abc\x00"))), `
			section be
			interface of 0 link=1
			pb if=0 1970-01-01T00:00:01Z orig=5 off=48 "abc"
			EOF`},
		{"64-bit time stamp", join(shb(be), idb(be, 1, 0), packet(be, 0, 1795477184452843, "a")), `
			section be
			interface of 0 link=1
			epb if=0 2026-11-23T23:39:44.452843Z orig=1 off=48 "a"
			EOF`},
		{"time stamp out of range", join(shb(le), idb(le, 1, 0), packet(le, 0, math.MaxUint64, "a")), `
			section
			interface of 0 link=1
			epb if=0 (9999-12-31T23:59:59.999999999Z) orig=1 off=48 "a"
			note "time stamp outside of the years 1 to 9999" off=48 count=1
			EOF`},
		{"packet comments and other options", join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "abcde", opt(le, 1, "look here"), opt(le, 2, "\x01\x00\x00\x00"), opt(le, 1, ""), opt(le, 1, "and there"), end)), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=5 off=48 "abcde" 1:"look here" 2:"\x01\x00\x00\x00" 1:"" 1:"and there"
			EOF`},
		{"options without their end", join(shb(le), idb(le, 1, 0, opt(le, 2, "eth0")), packet(le, 0, 1e6, "a", opt(le, 1, "x"))), `
			section
			interface of 0 link=1 name="eth0"
			epb if=0 1970-01-01T00:00:01Z orig=1 off=56 "a" 1:"x"
			EOF`},
		{"options behind their end", join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "a", opt(le, 1, "x"), end, opt(le, 1, "hidden"))), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a" 1:"x"
			EOF`},
		{"option longer than its block", join(shb(le), idb(le, 1, 0, opt(le, 2, "eth0"), lyingOpt(le, 3, 5, "abcd"), end[:0]), packet(le, 0, 1e6, "a", opt(le, 1, "x"), lyingOpt(le, 1, 65535, "yyyy"), end)), `
			section
			interface of 0 link=1 name="eth0"
			epb if=0 1970-01-01T00:00:01Z orig=1 off=64 "a" 1:"x"
			note "option whose length lies about what follows" off=28 count=2
			EOF`},
		{"option whose padding is missing", join(shb(le), block(le, 1, u16(le, 1, 0), u32(le, 0), lyingOpt(le, 2, 4, "eth0"), u16(le, 3, 0)), packet(le, 0, 1e6, "a")), `
			section
			interface of 0 link=1 name="eth0"
			epb if=0 1970-01-01T00:00:01Z orig=1 off=60 "a"
			EOF`},
		{"end of options with a length", join(shb(le), idb(le, 1, 0, lyingOpt(le, 0, 4, "abcd"))), `
			section
			interface of 0 link=1
			note "option whose length lies about what follows" off=28 count=1
			EOF`},
		{"captured length over its block", join(shb(le), idb(le, 1, 0), epb(le, 0, 1e6, 9, 9, "abcd"), epb(le, 0, 2e6, math.MaxUint32, math.MaxUint32, "efgh"), packet(le, 0, 3e6, "i")), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=9 off=48 "abcd"
			epb if=0 1970-01-01T00:00:02Z orig=4294967295 off=84 "efgh"
			epb if=0 1970-01-01T00:00:03Z orig=1 off=120 "i"
			note "captured length over the block's own length" off=48 count=2
			EOF`},
		{"captured length over snaplen and original length", join(shb(le), idb(le, 1, 2), epb(le, 0, 1e6, 3, 2, "abc")), `
			section
			interface of 0 link=1 snaplen=2
			epb if=0 1970-01-01T00:00:01Z orig=2 off=48 "abc"
			note "captured length over snaplen" off=48 count=1
			note "captured length over original length" off=48 count=1
			EOF`},
		{"interface id of 32 bits", join(shb(le), idb(le, 1, 0), packet(le, math.MaxUint32, 1e6, "lost"), packet(le, 1<<31, 1e6, "lost"), packet(le, 0, 1e6, "a")), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=120 "a"
			note "packet of an interface that was not described" off=48 count=2
			EOF`},
		{"blocks that are too short", join(shb(le), block(le, 1, u32(le, 1)), idb(le, 1, 0), block(le, 6, make([]byte, 16)), block(le, 3), block(le, 2, make([]byte, 16)), block(le, 5, make([]byte, 8)), block(le, 10, make([]byte, 4)), packet(le, 0, 1e6, "a")), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=168 "a"
			note "block too short for its type" off=28 count=6
			EOF`},
		{"section header that is too short", join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "a"), block(le, 0x0a0d0d0a, u32(le, 0x1a2b3c4d))), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			pcapng: a section header of 16 octets is too short at byte 84`},
		{"first section header is too short", block(le, 0x0a0d0d0a, u32(le, 0x1a2b3c4d, 1, 0)), `
			pcapng: a section header of 24 octets is too short at byte 0`},
		{"section header with a wrong byte-order magic", join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "a"), block(le, 0x0a0d0d0a, u32(le, 0x1a2b3c4e), make([]byte, 12))), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			pcapng: a section header has the byte-order magic 0x4e3c2b1a at byte 92`},
		{"custom and unknown blocks", join(shb(le), block(le, 0xbad, u32(le, 32473), []byte("data")), idb(le, 1, 0), block(le, 0x40000bad, u32(le, 32473)), block(le, 9, u32(le, 0)), block(le, 0x80000001), packet(le, 0, 1e6, "a")), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=112 "a"
			note "block of unknown type, stepped over" off=84 count=2
			EOF`},
		{"statistics", join(shb(le), idb(le, 1, 0), idb(le, 1, 0), idb(le, 1, 0),
			block(le, 5, u32(le, 1, 0, 0), opt(le, 1, "comment"), opt(le, 2, "12345678"), opt(le, 4, string(u64(le, 10))), opt(le, 5, string(u64(le, math.MaxUint64))), opt(le, 6, string(u64(le, 8))), opt(le, 7, string(u64(le, 2))), end),
			block(le, 5, u32(le, 2, 0, 0), opt(le, 5, string(u64(le, 3)))),
			block(le, 5, u32(le, 2, 0, 0), opt(le, 5, string(u64(le, 4))), opt(le, 4, "1234")),
			block(le, 5, u32(le, 3, 0, 0), opt(le, 5, string(u64(le, 9))))), `
			section
			interface of 0 link=1
			interface of 0 link=1 has=1111 recv=10 drop=18446744073709551615 accept=8 osdrop=2
			interface of 0 link=1 has=0010 recv=0 drop=4 accept=0 osdrop=0
			note "statistics of an interface that was not described" off=268 count=1
			EOF`},
		{"statistics of a later section", join(shb(le), idb(le, 1, 0), shb(be), idb(be, 6, 0), block(be, 5, u32(be, 0, 0, 0), opt(be, 5, string(u64(be, 7))))), `
			section
			section be
			interface of 0 link=1
			interface of 1 link=6 has=0010 recv=0 drop=7 accept=0 osdrop=0
			EOF`},
		{"names", join(shb(le), block(le, 4,
			opt(le, 1, "\xc0\x00\x02\x01one.example\x00uno.example\x00"),
			opt(le, 2, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01six.example"),
			opt(le, 3, "\x02\x00\x00\x00\x00\x01of later years"),
			opt(le, 1, "\xc0\x00\x02\x02"),
			opt(le, 1, "\xc0\x00"),
			end, opt(le, 1, "\xc0\x00\x02\x03behind the end\x00"))), `
			section
			name 192.0.2.1 ["one.example" "uno.example"]
			name 2001:db8::1 ["six.example"]
			name 192.0.2.2 []
			note "option whose length lies about what follows" off=28 count=1
			EOF`},
		{"name record longer than its block", join(shb(be), block(be, 4, opt(be, 1, "\xc0\x00\x02\x01a\x00"), lyingOpt(be, 1, 100, "\xc0\x00\x02\x02b\x00"))), `
			section be
			name 192.0.2.1 ["a"]
			note "option whose length lies about what follows" off=28 count=1
			EOF`},
		{"secrets", join(shb(be), block(be, 10, u32(be, 0x544c534b, 5), pad([]byte("MAGIC")), opt(be, 1, "comment")), block(be, 10, u32(be, 0x57474b4c, 9), []byte("cut!"))), `
			section be
			secret 0x544c534b, 5 octets: "MAGIC"
			secret 0x57474b4c, 4 octets: "cut!"
			note "option whose length lies about what follows" off=68 count=1
			EOF`},
		{"two lengths of a block differ", join(shb(le), idb(le, 1, 0), lyingBlock(le, 6, 36, 40, join(u32(le, 0, 0, 1e6, 1, 1), []byte("a\x00\x00\x00"))), packet(le, 0, 2e6, "b")), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			epb if=0 1970-01-01T00:00:02Z orig=1 off=84 "b"
			note "block whose two lengths differ" off=48 count=1
			EOF`},
		{"padding that a block's length does not count", join(shb(le), idb(le, 1, 0), lyingBlock(le, 6, 33, 33, join(u32(le, 0, 0, 1e6, 1, 1), []byte("a\x00\x00\x00"))), lyingBlock(le, 6, 35, 36, join(u32(le, 0, 0, 2e6, 3, 3), []byte("bcd\x00"))), packet(le, 0, 3e6, "e")), `
			section
			interface of 0 link=1
			epb if=0 1970-01-01T00:00:01Z orig=1 off=48 "a"
			epb if=0 1970-01-01T00:00:02Z orig=3 off=84 "bcd"
			epb if=0 1970-01-01T00:00:03Z orig=1 off=120 "e"
			note "block whose length is not a multiple of four" off=48 count=2
			note "block whose two lengths differ" off=84 count=1
			EOF`},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			want := strings.ReplaceAll(strings.TrimSpace(c.want), "\t", "")
			if got := read(t, bytes.NewReader(slices.Clip(c.in))).String(); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestLost adds up what packets say was lost in front of them, by interface.
func TestLost(t *testing.T) {
	for _, o := range []order{le, be} {
		obsolete := func(drops uint16) []byte {
			return block(o, 2, u16(o, 1, drops), u32(o, 0, 0, 4, 4), []byte("abcd"), opt(o, 4, "no drops"))
		}
		in := join(shb(o), idb(o, 1, 0), idb(o, 1, 0), idb(o, 1, 0),
			packet(o, 0, 1, "ab", opt(o, 4, string(u64(o, 3)))), packet(o, 0, 2, "ab"), packet(o, 0, 3, "ab", opt(o, 4, string(u64(o, 4)))), packet(o, 0, 4, "ab", opt(o, 4, "short")),
			obsolete(5), obsolete(math.MaxUint16), obsolete(6),
			packet(o, 2, 5, "ab", opt(o, 4, string(u64(o, math.MaxUint64)))), packet(o, 2, 6, "ab", opt(o, 4, string(u64(o, 1)))))
		r, err := pcapng.NewReader(bytes.NewReader(in))
		for err == nil {
			_, err = r.Next()
		}
		if err != io.EOF {
			t.Fatal(err)
		}
		for i, want := range []uint64{7, 11, 1 << 62} {
			if got := r.Interface(i).Lost; got != want {
				t.Errorf("interface %d: %d lost, want %d", i, got, want)
			}
		}
	}
}

func TestBlockLength(t *testing.T) {
	intro := join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "a"))
	for _, c := range []struct {
		length uint32
		want   string // the reason, "" if the length is believed
	}{
		{0, "a block of type 0x6 claims a length of 0, which cannot be right: the file is damaged from here on"},
		{1, "a block of type 0x6 claims a length of 1, which cannot be right: the file is damaged from here on"},
		{8, "a block of type 0x6 claims a length of 8, which cannot be right: the file is damaged from here on"},
		{11, "a block of type 0x6 claims a length of 11, which cannot be right: the file is damaged from here on"},
		{12, ""},
		{40, "the file is cut off inside a block: 36 of 40 octets are there"},
		{16 << 20, "the file is cut off inside a block: 36 of 16777216 octets are there"},
		{16<<20 + 4, "a block of type 0x6 claims a length of 16777220, which cannot be right: the file is damaged from here on"},
		{math.MaxInt32 - 3, "a block of type 0x6 claims a length of 2147483644, which cannot be right: the file is damaged from here on"},
		{1 << 31, "a block of type 0x6 claims a length of 2147483648, which cannot be right: the file is damaged from here on"},
		{math.MaxUint32 - 3, "a block of type 0x6 claims a length of 4294967292, which cannot be right: the file is damaged from here on"},
		{math.MaxUint32, "a block of type 0x6 claims a length of 4294967295, which cannot be right: the file is damaged from here on"},
	} {
		t.Run(strconv.Itoa(int(c.length>>1)), func(t *testing.T) {
			data := join(intro, lyingBlock(le, 6, c.length, c.length, make([]byte, 24)))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := pcapng.NewReaderSize(bytes.NewReader(data), 4096)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			_, err = r.Next()
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
				t.Errorf("it got %d octets of memory", got)
			}
			if c.want == "" {
				return
			}
			var fe *pcapng.FormatError
			if !errors.As(err, &fe) || fe.What != c.want || fe.Off != int64(len(intro)) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if got := errors.Is(err, io.ErrUnexpectedEOF); got != strings.Contains(c.want, "cut off") {
				t.Errorf("it is io.ErrUnexpectedEOF: %v", got)
			}
		})
	}
}

func TestLargestBlock(t *testing.T) {
	data := strings.Repeat("0123456789abcdef", 1<<20)[:16<<20-32]
	x := read(t, bytes.NewReader(join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, data), packet(le, 0, 2e6, "next"))))
	if len(x.packets) != 2 || string(x.packets[0].Data) != data || string(x.packets[1].Data) != "next" || x.err != io.EOF {
		t.Errorf("%d packets, %v", len(x.packets), x.err)
	}
}

// samples are whole files of every kind.
func samples() map[string][]byte {
	m := map[string][]byte{}
	for _, o := range []order{le, be} {
		m[o.String()] = join(
			shb(o, opt(o, 4, "hand"), opt(o, 0, "")),
			idb(o, 1, 65535, opt(o, 2, "eth0"), opt(o, 9, "\x09"), opt(o, 0, "")),
			packet(o, 0, 1795477184452843567, "first", opt(o, 1, "comment"), opt(o, 0, "")),
			block(o, 0xbad, u32(o, 32473)),
			block(o, 4, opt(o, 1, "\xc0\x00\x02\x01a\x00"), opt(o, 0, "")),
			idb(o, 113, 0),
			packet(o, 1, 1795477184000000, ""),
			block(o, 10, u32(o, 0x544c534b, 5), pad([]byte("MAGIC"))),
			spb(o, 7, "seventh"),
			block(o, 2, u16(o, 1, 0), u32(o, 0, 1e6, 3, 3), []byte("old\x00")),
			block(o, 5, u32(o, 0, 0, 0), opt(o, 5, string(u64(o, 3)))))
	}
	m["two sections"] = join(m[be.String()], m[le.String()])
	m["nothing but a section"] = shb(le)
	return m
}

// Quick reads what is in view and ordinary, and nothing else.
func TestQuick(t *testing.T) {
	all := samples()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := []order{le, be}[r.IntN(2)]
		file := join(shb(o), idb(o, 1, 60), idb(o, 1, 0, opt(o, 9, string([]byte{[]byte{6, 9, 3, 0, 10, 0x8a, 20}[r.IntN(7)]}))), idb(o, 1, 0, opt(o, 14, string(u64(o, 3600)))))
		id, ts := uint32(0), uint64(1e15)
		for range 100 {
			data := strings.Repeat("x", r.IntN(70))
			size := int64(len(data))
			ts += uint64(r.IntN(1e6))
			switch r.IntN(12) {
			case 0:
				id = uint32(r.IntN(4))
			case 1:
				file = append(file, spb(o, uint32(len(data)), data)...)
			case 2:
				file = append(file, packet(o, id, ts, data, opt(o, 1, "comment"), opt(o, 0, ""))...)
			case 3:
				file = append(file, epb(o, id, ts, size+int64(r.IntN(9)), size, data)...)
			case 4:
				file = append(file, epb(o, id, ts, size, size-1, data)...)
			case 5:
				p := packet(o, id, ts, data)
				p[len(p)-1-r.IntN(4)]++ // the second length
				file = append(file, p...)
			case 6:
				file = append(file, packet(o, id, r.Uint64(), data)...)
			case 7:
				file = append(file, block(o, 0xbad, u32(o, 32473))...)
			case 8:
				if o = []order{le, be}[r.IntN(2)]; r.IntN(4) == 0 {
					file = append(file, join(shb(o), idb(o, 1, 0))...)
					id = 0
				}
				o = le
				if bytes.LastIndex(file, shb(be)[:8]) > bytes.LastIndex(file, shb(le)[:8]) {
					o = be
				}
			default:
				file = append(file, packet(o, id, ts, data)...)
			}
		}
		all[fmt.Sprint("seed ", seed)] = file
	}
	quick := 0
	for name, in := range all {
		want := read(t, bytes.NewReader(in)).String()
		got, n := readQuick(t, bytes.NewReader(slices.Clip(in)))
		if got.String() != want {
			t.Errorf("%s: %d were quick, got\n%s\nwant\n%s", name, n, got, want)
		}
		quick += n
		if got, n := readQuick(t, iotest.OneByteReader(bytes.NewReader(in))); got.String() != want || n != 0 {
			t.Errorf("%s: octet by octet %d were quick, got\n%s\nwant\n%s", name, n, got, want)
		}
	}
	if quick < 2000 {
		t.Errorf("%d packets were quick", quick)
	}
}

func TestCutAnywhere(t *testing.T) {
	for name, data := range samples() {
		t.Run(name, func(t *testing.T) {
			whole := read(t, bytes.NewReader(data))
			if whole.err != io.EOF {
				t.Fatal(whole.err)
			}
			blocks := map[int64]bool{0: true}
			for off := int64(0); off < int64(len(data)); {
				o := binary.ByteOrder(binary.LittleEndian)
				if data[off+4] == 0 { // no block here is longer than 16 million octets
					o = binary.BigEndian
				}
				off += int64(o.Uint32(data[off+4:]))
				blocks[off] = true
			}
			for n := range data {
				x := read(t, bytes.NewReader(slices.Clip(bytes.Clone(data[:n]))))
				if k := len(x.packets); k > len(whole.packets) || k > 0 && !reflect.DeepEqual(x.packets, whole.packets[:k]) {
					t.Fatalf("cut at %d: not a prefix\n%v", n, x)
				}
				want := 0
				for _, p := range whole.packets {
					end := p.Offset
					for end++; !blocks[end]; end++ {
					}
					if end <= int64(n) {
						want++
					}
				}
				if len(x.packets) != want {
					t.Errorf("cut at %d: %d packets, want %d", n, len(x.packets), want)
				}
				if x.r == nil {
					continue // TestNotPcapng
				}
				var fe *pcapng.FormatError
				switch {
				case blocks[int64(n)]:
					if x.err != io.EOF {
						t.Errorf("cut at %d, between blocks: %v", n, x.err)
					}
				case !errors.As(x.err, &fe) || !errors.Is(x.err, io.ErrUnexpectedEOF) || !blocks[fe.Off] || fe.Off > int64(n) || fe.Off != x.r.Offset():
					t.Errorf("cut at %d: error %v, offset %d", n, x.err, x.r.Offset())
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
	}
}

// TestPoison overwrites each packet and its options once they were looked at: what
// the reader gives later, and what it keeps, must not come from there.
func TestPoison(t *testing.T) {
	for name, data := range samples() {
		t.Run(name, func(t *testing.T) {
			want := read(t, bytes.NewReader(data))
			r, err := pcapng.NewReaderSize(bytes.NewReader(data), 64)
			if err != nil {
				t.Fatal(err)
			}
			got := result{r: r}
			for {
				p, err := r.Next()
				if err != nil {
					got.err = err
					break
				}
				opts := ""
				for o := range p.Options.All() {
					opts += fmt.Sprintf(" %d:%q", o.Code, o.Value)
				}
				for o := range p.Options.All() {
					for i := range o.Value {
						o.Value[i] = 0xff
					}
					_ = append(o.Value, 0xff, 0xff, 0xff)
				}
				got.options = append(got.options, opts)
				q := p
				q.Data = bytes.Clone(p.Data)
				got.packets = append(got.packets, q)
				for i := range p.Data {
					p.Data[i] = 0xff
				}
				_ = append(p.Data, 0xff, 0xff, 0xff) // must not write into what follows
			}
			if got.String() != want.String() {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("cable pulled")
	data := join(shb(le), idb(le, 1, 0), packet(le, 0, 1e6, "abc"), packet(le, 0, 2e6, "de"))
	for n := range len(data) + 1 {
		x := read(t, io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(broken)))
		var fe *pcapng.FormatError
		if !errors.As(x.err, &fe) || !errors.Is(x.err, broken) || errors.Is(x.err, io.ErrUnexpectedEOF) {
			t.Fatalf("broken at %d: error %v", n, x.err)
		}
		if want := "reading failed (cable pulled)"; fe.What != want {
			t.Errorf("broken at %d: %q, want %q", n, fe.What, want)
		}
		want := 0
		if n >= 84 {
			want++
		}
		if n >= 120 {
			want++
		}
		if len(x.packets) != want {
			t.Errorf("broken at %d: %d packets, want %d", n, len(x.packets), want)
		}
	}
}

func TestOffset(t *testing.T) {
	r, err := pcapng.NewReader(bytes.NewReader(join(shb(le), idb(le, 1, 0), packet(le, 0, 1, "a"), idb(le, 1, 0), packet(le, 0, 1, "b"), idb(le, 1, 0))))
	if err != nil {
		t.Fatal(err)
	}
	if r.Offset() != 28 {
		t.Errorf("Offset() = %d behind the section header, want 28", r.Offset())
	}
	for i, want := range []int64{84, 140, 160, 160} {
		r.Next()
		if r.Offset() != want {
			t.Errorf("Offset() = %d after %d calls of Next, want %d", r.Offset(), i+1, want)
		}
	}
}

// allocated returns the octets that f gets from the heap.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestManyInterfaces reads 70,000 interfaces, each with a packet; work that grows
// with their square would show in the memory as in the time.
func TestManyInterfaces(t *testing.T) {
	file := func(n int) []byte {
		b := shb(le)
		for range n {
			b = append(b, idb(le, 1, 0, opt(le, 2, "eth0"))...)
		}
		for i := range n {
			b = append(b, packet(le, uint32(i), uint64(i), "abcd")...)
		}
		return b
	}
	run := func(data []byte, n int) uint64 {
		return allocated(func() {
			r, err := pcapng.NewReaderSize(bytes.NewReader(data), 4096)
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				p, err := r.Next()
				if err != nil || p.Interface != i || r.Interface(i).Name != "eth0" {
					t.Fatalf("packet %d: interface %d, %v", i, p.Interface, err)
				}
			}
			if _, err := r.Next(); err != io.EOF || len(r.Interfaces()) != n || len(r.Notes()) != 0 {
				t.Errorf("%d interfaces, notes %v, %v", len(r.Interfaces()), r.Notes(), err)
			}
		})
	}
	few, many := run(file(7000), 7000), run(file(70000), 70000)
	if many > 20*few {
		t.Errorf("7,000 interfaces took %d octets of memory, 70,000 took %d", few, many)
	}
}

func TestLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("files of many megabytes")
	}
	t.Run("interfaces", func(t *testing.T) {
		data := join(shb(le), bytes.Repeat(idb(le, 1, 0), 1<<18+3), packet(le, 1<<18-1, 1e6, "a"), packet(le, 1<<18, 1e6, "lost"))
		x := read(t, bytes.NewReader(data))
		want := []pcapng.Note{{pcapng.NoteInterfaces, 28 + 20<<18, 3}, {pcapng.NoteNoInterface, int64(len(data) - 36), 1}}
		if len(x.r.Interfaces()) != 1<<18 || len(x.packets) != 1 || !slices.Equal(x.r.Notes(), want) || x.err != io.EOF {
			t.Errorf("%d interfaces, %d packets, notes %v, %v", len(x.r.Interfaces()), len(x.packets), x.r.Notes(), x.err)
		}
	})
	t.Run("sections", func(t *testing.T) {
		data := join(bytes.Repeat(shb(le), 1<<18+3), idb(le, 1, 0), packet(le, 0, 1e6, "a"))
		x := read(t, bytes.NewReader(data))
		if len(x.r.Sections()) != 1<<18 || len(x.packets) != 1 || x.err != io.EOF {
			t.Errorf("%d sections, %d packets, %v", len(x.r.Sections()), len(x.packets), x.err)
		}
	})
	t.Run("names", func(t *testing.T) {
		data := join(shb(le), block(le, 4, bytes.Repeat(opt(le, 1, "\xc0\x00\x02\x01"), 1<<16+3)))
		x := read(t, bytes.NewReader(data))
		if want := []pcapng.Note{{pcapng.NoteNames, 28, 1}}; len(x.r.Names()) != 1<<16 || !slices.Equal(x.r.Notes(), want) {
			t.Errorf("%d names, notes %v", len(x.r.Names()), x.r.Notes())
		}
	})
	t.Run("short names", func(t *testing.T) { // each costs more than its octets
		record := opt(le, 1, "\xc0\x00\x02\x01"+strings.Repeat("a\x00", 32700))
		data := join(shb(le), block(le, 4, bytes.Repeat(record, 200)))
		var x result
		got := allocated(func() { x = read(t, bytes.NewReader(data)) })
		n := 0
		for _, name := range x.r.Names() {
			n += len(name.Names)
		}
		if n != 16<<20/17 || x.r.Notes()[0].What != pcapng.NoteText {
			t.Errorf("%d names, notes %v", n, x.r.Notes())
		}
		if most := uint64(160 << 20); got > most { // 32 MiB of it for the block
			t.Errorf("%d octets of memory, want at most %d", got, most)
		}
	})
	t.Run("text", func(t *testing.T) {
		comment := idb(le, 1, 0, opt(le, 1, strings.Repeat("c", 65532)), opt(le, 2, "eth0"))
		data := join(shb(le), bytes.Repeat(comment, 300))
		x := read(t, bytes.NewReader(data))
		n := 0
		for _, in := range x.r.Interfaces() {
			for _, c := range in.Comments {
				n += len(c)
			}
		}
		if n < 15<<20 || n > 16<<20 || len(x.r.Interfaces()) != 300 || len(x.r.Notes()) != 1 || x.r.Notes()[0].What != pcapng.NoteText {
			t.Errorf("%d octets of comments, notes %v", n, x.r.Notes())
		}
	})
	t.Run("secrets", func(t *testing.T) {
		mega := block(le, 10, u32(le, 0x544c534b, 1<<20), make([]byte, 1<<20))
		x := read(t, bytes.NewReader(join(shb(le), bytes.Repeat(mega, 6), block(le, 10, u32(le, 0x544c534b, 0)))))
		if want := []pcapng.Note{{pcapng.NoteSecrets, 28 + 4*(1<<20+20), 2}}; len(x.r.Secrets()) != 5 || !slices.Equal(x.r.Notes(), want) {
			t.Errorf("%d secrets, notes %v", len(x.r.Secrets()), x.r.Notes())
		}
	})
	t.Run("small secrets", func(t *testing.T) {
		x := read(t, bytes.NewReader(join(shb(le), bytes.Repeat(block(le, 10, u32(le, 1, 0)), 1<<16+2))))
		if len(x.r.Secrets()) != 1<<16 || x.r.Notes()[0].Count != 2 {
			t.Errorf("%d secrets, notes %v", len(x.r.Secrets()), x.r.Notes())
		}
	})
}

// TestSecretsAreNotPrinted tries every verb on everything that holds a secret.
func TestSecretsAreNotPrinted(t *testing.T) {
	const key = "CLIENT_RANDOM 7a6e"
	in := join(shb(le), block(le, 10, u32(le, 0x544c534b, uint32(len(key))), pad([]byte(key))), idb(le, 1, 0), packet(le, 0, 1, "a"))
	r, err := pcapng.NewReader(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	secrets := r.Secrets()
	if len(secrets) != 1 || string(secrets[0].Data()) != key {
		t.Fatal("the secret was not kept")
	}
	s := secrets[0]
	if got, want := s.String(), "secret 0x544c534b, 18 octets"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	var forms []string // in which the key could show
	for _, verb := range []string{"%s", "%q", "%x", "%X", "% x", "% X", "%v", "%d", "%o", "%b", "%c", "%U", "%#v", "%#x"} {
		forms = append(forms, strings.Trim(fmt.Sprintf(verb, []byte(key)), "[]\"{}"))
	}
	check := func(verb string, v any) {
		t.Helper()
		got := fmt.Sprintf(verb, v)
		for _, f := range forms {
			if strings.Contains(got, f) {
				t.Errorf("%q of %T shows the secret: %s", verb, v, got)
				return
			}
		}
	}
	for _, v := range []any{
		s, &s, secrets, &secrets,
		map[string]pcapng.Secret{"a": s}, map[pcapng.Secret]int{s: 1}, []any{s}, [1]pcapng.Secret{s},
		struct{ S pcapng.Secret }{s}, struct{ s pcapng.Secret }{s}, &struct{ s []pcapng.Secret }{secrets},
		errors.Join(fmt.Errorf("%v", s), fmt.Errorf("%d", s)),
	} {
		for c := '!'; c <= 'z'; c++ {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "30", ".3", "+#"} {
				check("%"+flags+string(c), v)
			}
		}
		for _, wrong := range []string{"no verb", "%[2]v", "%*v", "%"} {
			check(wrong, v)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x"} {
		check(verb, r)
		check(verb, *r)
	}
	text, err := json.Marshal(s)
	if err != nil || strings.Contains(string(text), "Data") || strings.Contains(string(text), "Q0xJRU5UX1") {
		t.Errorf("as JSON: %s, %v", text, err)
	}
	if got := (pcapng.Secret{}).Data(); len(got) != 0 {
		t.Errorf("Data() of the zero Secret = %q", got)
	}
}

func TestCommentsStop(t *testing.T) {
	o := pcapng.Comment("one", "two", "three")
	for c := range o.Comments() {
		if c != "one" {
			t.Errorf("comment %q", c)
		}
		break
	}
	var got []string
	for c := range o.Comments() {
		got = append(got, c)
	}
	if want := []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("comments %q, want %q", got, want)
	}
	for x := range o.All() {
		if string(x.Value) != "one" || x.Code != pcapng.OptComment {
			t.Errorf("option %v", x)
		}
		break
	}
	if n := (pcapng.Options{}).Len(); n != 0 {
		t.Errorf("no options have %d octets", n)
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
		First      string   `json:"first_time"`
		Last       string   `json:"last_time"`
		LinkTypes  []uint16 `json:"link_types"`
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	tested := 0
	for name, want := range expected {
		if want.Format != "pcapng" {
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
			if x.err != io.EOF || len(x.r.Notes()) != 0 {
				t.Errorf("error %v, notes %v", x.err, x.r.Notes())
			}
			if len(x.packets) != want.Packets {
				t.Fatalf("%d packets, want %d", len(x.packets), want.Packets)
			}
			for i, in := range x.r.Interfaces() {
				if in.LinkType != want.LinkTypes[i] || in.Resolution != 1 || !want.Nanosecond {
					t.Errorf("interface %+v", in)
				}
			}
			stamp := func(p pcapng.Packet) string { return fmt.Sprintf("%d.%09d", p.Time.Unix(), p.Time.Nanosecond()) }
			if got := stamp(slices.MinFunc(x.packets, func(a, b pcapng.Packet) int { return a.Time.Compare(b.Time) })); got != want.First {
				t.Errorf("first time %s, want %s", got, want.First)
			}
			if got := stamp(slices.MaxFunc(x.packets, func(a, b pcapng.Packet) int { return a.Time.Compare(b.Time) })); got != want.Last {
				t.Errorf("last time %s, want %s", got, want.Last)
			}
		})
	}
	if tested == 0 {
		t.Error("no capture was tested")
	}
}

// TestSuite compares the reader with what the authors of a suite of pcapng files say
// about the blocks in them.
func TestSuite(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED names no folder: the suite of pcapng files is missing")
	}
	descriptions, err := filepath.Glob(filepath.Join(shared, "captures", "pcapng-suite-*.txt"))
	if err != nil || len(descriptions) < 34 {
		t.Fatalf("%d descriptions, want at least 34", len(descriptions))
	}
	for _, d := range descriptions {
		t.Run(filepath.Base(d), func(t *testing.T) {
			text, err := os.ReadFile(d)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(strings.TrimSuffix(d, ".txt") + ".pcapng")
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{}
			for line := range strings.Lines(string(text)) {
				if name, n, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && strings.HasPrefix(line, "\t") {
					if want[name], err = strconv.Atoi(n); err != nil {
						t.Fatal(err)
					}
				}
			}
			x := read(t, bytes.NewReader(data))
			if x.err != io.EOF {
				t.Fatal(x.err)
			}
			got := map[pcapng.BlockType]int{}
			for _, p := range x.packets {
				got[p.Block]++
			}
			var unknown int64
			for _, n := range x.r.Notes() {
				if n.What != pcapng.NoteUnknownBlock {
					t.Errorf("note %v", n)
				}
				unknown += n.Count
			}
			var names, statistics int
			names = min(len(x.r.Names()), 1)
			for _, in := range x.r.Interfaces() {
				statistics += min(int(in.Statistics.Has), 1)
			}
			for _, c := range []struct {
				what      string
				got, want int
			}{
				{"section headers", len(x.r.Sections()), want["SHB"]},
				{"interface descriptions", len(x.r.Interfaces()), want["IDB"]},
				{"enhanced packets", got[pcapng.EnhancedPacket], want["EPB"]},
				{"simple packets", got[pcapng.SimplePacket], want["SPB"]},
				{"obsolete packets", got[pcapng.ObsoletePacket], want["PB"]},
				{"unknown blocks", int(unknown), 0},
				{"files with names", names, min(want["NRB"], 1)},
			} {
				if c.got != c.want {
					t.Errorf("%d %s, want %d", c.got, c.what, c.want)
				}
			}
			if statistics > want["ISB"] {
				t.Errorf("%d interfaces with statistics, of %d blocks", statistics, want["ISB"])
			}
		})
	}
}

// An endless file: its packets come again and again.
type endless struct {
	head, body []byte
	n          int
}

func newEndless(head, body []byte) *endless { return &endless{head: head, body: body} }

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
	test := func(name string, head, body []byte) {
		r, err := pcapng.NewReader(newEndless(head, body))
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
	data := strings.Repeat("x", 1400)
	test("Next", join(shb(le), idb(le, 1, 0)), packet(le, 0, 1, data))
	test("Next, big-endian", join(shb(be), idb(be, 1, 0)), packet(be, 0, 1, data))
	test("Next, with options", join(shb(le), idb(le, 1, 0)), packet(le, 0, 1, data, opt(le, 2, "\x01\x00\x00\x00"), opt(le, 1, "comment"), opt(le, 0, "")))
	test("Next, simple", join(shb(le), idb(le, 1, 0)), spb(le, 1400, data))
	test("Next, obsolete", join(shb(le), idb(le, 1, 0)), block(le, 2, u16(le, 0, 0), u32(le, 0, 1, 4, 4), []byte("abcd")))
	test("Next, with notes", join(shb(le), idb(le, 1, 2)), join(epb(le, 0, math.MaxUint64, 9, 1, "abcd"), block(le, 99), packet(le, 7, 1, "lost")))

	r, err := pcapng.NewReader(newEndless(join(shb(le), idb(le, 1, 0)), packet(le, 0, 1, data, opt(le, 2, "\x01\x00\x00\x00"), opt(le, 4, "12345678"))))
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(1000, func() {
		for o := range p.Options.All() {
			if len(o.Value) == 0 {
				panic("no value")
			}
		}
	})
	if n != 0 {
		t.Errorf("Options.All: %v allocations, want 0", n)
	}
}
