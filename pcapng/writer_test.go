package pcapng_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/pcapng"
)

// TestWriter compares what each method writes with blocks put together by hand.
func TestWriter(t *testing.T) {
	for _, o := range []order{le, be} {
		end := opt(o, 0, "")
		intro := join(shb(o), idb(o, 1, 0))
		tests := []struct {
			name  string
			write func(w *pcapng.Writer) error
			want  []byte // behind a section and an interface
		}{
			{"packet", func(w *pcapng.Writer) error {
				return w.Write(pcapng.Packet{Time: time.Unix(5000, 123456789), TimeOK: true, OrigLen: 9, Data: []byte("abcde")})
			}, epb(o, 0, 5000123456, -1, 9, "abcde")},
			{"packet without a time", func(w *pcapng.Writer) error {
				return w.Write(pcapng.Packet{Time: time.Unix(5, 0), OrigLen: 1, Data: []byte("a")})
			}, packet(o, 0, 0, "a")},
			{"original length is raised", func(w *pcapng.Writer) error {
				return w.Write(pcapng.Packet{OrigLen: 1, Data: []byte("abc")})
			}, packet(o, 0, 0, "abc")},
			{"packet with comments", func(w *pcapng.Writer) error {
				return w.Write(pcapng.Packet{Data: []byte("abcd"), Options: pcapng.Comment("one", "", "three")})
			}, packet(o, 0, 0, "abcd", opt(o, 1, "one"), opt(o, 1, "three"), end)},
			{"simple packet", func(w *pcapng.Writer) error {
				return w.Write(pcapng.Packet{Block: pcapng.SimplePacket, Data: []byte("abc")})
			}, spb(o, 3, "abc")},
			{"obsolete packets become enhanced", func(w *pcapng.Writer) error {
				return w.Write(pcapng.Packet{Block: pcapng.ObsoletePacket, Data: []byte("abc")})
			}, packet(o, 0, 0, "abc")},
			{"section", func(w *pcapng.Writer) error {
				return w.Section(pcapng.Section{BigEndian: o == le, Minor: 2, Length: 7, Hardware: "abacus", OS: "CP/M", Application: "ed", Comments: []string{"one", "two"}})
			}, func() []byte {
				o := map[order]order{le: be, be: le}[o]
				return version(o, 1, 2, opt(o, 1, "one"), opt(o, 1, "two"), opt(o, 2, "abacus"), opt(o, 3, "CP/M"), opt(o, 4, "ed"), opt(o, 0, ""))
			}()},
			{"interface", func(w *pcapng.Writer) error {
				n, err := w.AddInterface(pcapng.Interface{LinkType: 113, SnapLen: 96, Name: "eth0", Description: "uplink", Filter: "udp port 5060", OS: "CP/M", FCSLen: 4, TsResol: 9, TsOffset: -3600, Comments: []string{"mind the gap"}})
				if n != 1 {
					t.Errorf("it is interface %d, want 1", n)
				}
				return err
			}, idb(o, 113, 96, opt(o, 1, "mind the gap"), opt(o, 2, "eth0"), opt(o, 3, "uplink"), opt(o, 11, "\x00udp port 5060"), opt(o, 12, "CP/M"), opt(o, 9, "\x09"), opt(o, 13, "\x20"), opt(o, 14, string(u64(o, 1<<64-3600))), end)},
			{"interface in seconds without FCS", func(w *pcapng.Writer) error {
				_, err := w.AddInterface(pcapng.Interface{LinkType: 1})
				return err
			}, idb(o, 1, 0, opt(o, 9, "\x00"), opt(o, 13, "\x00"), end)},
			{"FCS longer than can be said", func(w *pcapng.Writer) error {
				_, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: 32})
				return err
			}, idb(o, 1, 0)},
			{"secret", func(w *pcapng.Writer) error {
				return w.WriteSecret(pcapng.NewSecret(0x544c534b, []byte("MAGIC")))
			}, block(o, 10, u32(o, 0x544c534b, 5), pad([]byte("MAGIC")))},
			{"names", func(w *pcapng.Writer) error {
				return w.WriteNames([]pcapng.Name{
					{Addr: netip.MustParseAddr("192.0.2.1"), Names: []string{"one.example", "uno.example"}},
					{Addr: netip.MustParseAddr("2001:db8::1"), Names: []string{"six.example"}},
				})
			}, block(o, 4, opt(o, 1, "\xc0\x00\x02\x01one.example\x00uno.example\x00"),
				opt(o, 2, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01six.example\x00"), end)},
			{"statistics", func(w *pcapng.Writer) error {
				return w.WriteStatistics(0, pcapng.Statistics{Has: pcapng.HasReceived | pcapng.HasDropped | pcapng.HasFilterAccepted | pcapng.HasOSDropped, Received: 4, Dropped: 3, FilterAccepted: 2, OSDropped: 1})
			}, block(o, 5, u32(o, 0, 0, 0), opt(o, 4, string(u64(o, 4))), opt(o, 5, string(u64(o, 3))), opt(o, 6, string(u64(o, 2))), opt(o, 7, string(u64(o, 1))), end)},
			{"some statistics", func(w *pcapng.Writer) error {
				return w.WriteStatistics(0, pcapng.Statistics{Has: pcapng.HasDropped, Dropped: math.MaxUint64, Received: 9})
			}, block(o, 5, u32(o, 0, 0, 0), opt(o, 5, string(u64(o, math.MaxUint64))), end)},
			{"no statistics", func(w *pcapng.Writer) error {
				return w.WriteStatistics(0, pcapng.Statistics{})
			}, block(o, 5, u32(o, 0, 0, 0))},
			{"any block", func(w *pcapng.Writer) error {
				return w.WriteBlock(pcapng.CustomCopy, []byte("abcde"))
			}, block(o, 0xbad, []byte("abcde\x00\x00\x00"))},
		}
		for _, c := range tests {
			t.Run(o.String()+"/"+c.name, func(t *testing.T) {
				var out bytes.Buffer
				w, err := pcapng.NewWriter(&out, pcapng.Section{BigEndian: o == be})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, FCSLen: -1, TsResol: 6}); err != nil {
					t.Fatal(err)
				}
				if err := c.write(w); err != nil {
					t.Fatal(err)
				}
				if want := join(intro, c.want); !bytes.Equal(out.Bytes(), want) {
					t.Errorf("got\n% x\nwant\n% x", out.Bytes(), want)
				}
			})
		}
	}
}

// TestOptionsInOtherOrder writes packets of a file into one of the other byte order:
// options that are numbers must keep their values.
func TestOptionsInOtherOrder(t *testing.T) {
	for _, c := range []struct{ from, to order }{{le, be}, {be, le}, {le, le}, {be, be}} {
		list := func(o order) []byte {
			return join(opt(o, 1, "a comment"), opt(o, 2, string(u32(o, 0x01020304))), opt(o, 3, "\x02hash"),
				opt(o, 4, string(u64(o, 0x0102030405060708))), opt(o, 5, string(u64(o, 7))), opt(o, 6, string(u32(o, 9))),
				opt(o, 2, "odd"), opt(o, 4, "odd"), opt(o, 2988, "\x00\x00\x00\x00text"), opt(o, 0, ""))
		}
		r, err := pcapng.NewReader(bytes.NewReader(join(shb(c.from), idb(c.from, 1, 0), packet(c.from, 0, 1, "abcd", list(c.from)))))
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w, _ := pcapng.NewWriter(&out, pcapng.Section{BigEndian: c.to == be})
		w.AddInterface(pcapng.Interface{LinkType: 1, FCSLen: -1, TsResol: 6})
		out.Reset()
		if err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		if want := packet(c.to, 0, 1, "abcd", list(c.to)); !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%v to %v: got\n% x\nwant\n% x", c.from, c.to, out.Bytes(), want)
		}
	}
}

// TestRoundTrip writes what was read of every sample, and reads it again.
func TestRoundTrip(t *testing.T) {
	for name, data := range samples() {
		t.Run(name, func(t *testing.T) {
			r, err := pcapng.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			var w *pcapng.Writer
			sections, interfaces, base := 0, 0, 0
			follow := func() { // sections and interfaces come before their packets
				for ; sections < len(r.Sections()); sections++ {
					s := r.Sections()[sections]
					if w == nil {
						w, err = pcapng.NewWriter(&out, s)
					} else {
						err = w.Section(s)
					}
					if err != nil {
						t.Fatal(err)
					}
					base = interfaces
				}
				for ; interfaces < len(r.Interfaces()); interfaces++ {
					if _, err := w.AddInterface(r.Interfaces()[interfaces]); err != nil {
						t.Fatal(err)
					}
				}
			}
			follow()
			for {
				p, err := r.Next()
				if err != nil {
					break
				}
				follow()
				p.Interface -= base
				if err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			want, got := read(t, bytes.NewReader(data)), read(t, &out)
			if len(got.packets) != len(want.packets) {
				t.Fatalf("%d packets, want %d", len(got.packets), len(want.packets))
			}
			for i, p := range want.packets {
				q := got.packets[i]
				if p.Time != q.Time || p.OrigLen != q.OrigLen || p.Interface != q.Interface || !bytes.Equal(p.Data, q.Data) || want.options[i] != got.options[i] {
					t.Errorf("packet %d: got %+v, want %+v", i, q, p)
				}
			}
			for i, in := range want.r.Interfaces() {
				if got := got.r.Interfaces()[i]; got.Name != in.Name || got.LinkType != in.LinkType || got.TsResol != in.TsResol || got.FCSLen != in.FCSLen {
					t.Errorf("interface %d: got %+v, want %+v", i, got, in)
				}
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	long := strings.Repeat("x", 65535)
	tests := []struct {
		name  string
		write func(w *pcapng.Writer) error
		want  string
	}{
		{"unknown interface", func(w *pcapng.Writer) error { return w.Write(pcapng.Packet{Interface: 1}) },
			"pcapng: there is no interface 1 in this section"},
		{"negative interface", func(w *pcapng.Writer) error { return w.Write(pcapng.Packet{Interface: -1}) },
			"pcapng: there is no interface -1 in this section"},
		{"interface of the section before", func(w *pcapng.Writer) error {
			if err := w.Section(pcapng.Section{}); err != nil {
				return err
			}
			return w.Write(pcapng.Packet{})
		}, "pcapng: there is no interface 0 in this section"},
		{"packet too long", func(w *pcapng.Writer) error { return w.Write(pcapng.Packet{Data: make([]byte, 16<<20)}) },
			"pcapng: a packet of 16777216 octets is over the limit of a block"},
		{"original length of 33 bits", func(w *pcapng.Writer) error { return w.Write(pcapng.Packet{OrigLen: 1 << 32}) },
			"pcapng: an original length of 4294967296 does not fit 32 bits"},
		{"time before 1970", func(w *pcapng.Writer) error {
			return w.Write(pcapng.Packet{TimeOK: true, Time: time.Unix(-1, 0).UTC()})
		}, "pcapng: the time 1969-12-31 23:59:59 +0000 UTC cannot be written with the resolution and offset of interface 0"},
		{"simple packet that is cut", func(w *pcapng.Writer) error {
			return w.Write(pcapng.Packet{Block: pcapng.SimplePacket, OrigLen: 9, Data: []byte("abc")})
		}, "pcapng: a simple packet block holds whole packets, or packets cut at the snaplen, of interface 0"},
		{"simple packet over the snaplen", func(w *pcapng.Writer) error {
			if err := w.Section(pcapng.Section{}); err != nil {
				return err
			}
			if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, SnapLen: 3}); err != nil {
				return err
			}
			return w.Write(pcapng.Packet{Block: pcapng.SimplePacket, Data: []byte("abcd")})
		}, "pcapng: a simple packet block holds whole packets, or packets cut at the snaplen, of interface 0"},
		{"simple packet of the second interface", func(w *pcapng.Writer) error {
			if _, err := w.AddInterface(pcapng.Interface{}); err != nil {
				return err
			}
			return w.Write(pcapng.Packet{Block: pcapng.SimplePacket, Interface: 1})
		}, "pcapng: a simple packet block holds whole packets, or packets cut at the snaplen, of interface 0"},
		{"statistics of an unknown interface", func(w *pcapng.Writer) error { return w.WriteStatistics(1, pcapng.Statistics{}) },
			"pcapng: there is no interface 1 in this section"},
		{"names that are too long", func(w *pcapng.Writer) error {
			return w.WriteNames([]pcapng.Name{{Addr: netip.MustParseAddr("192.0.2.1"), Names: []string{long}}})
		}, "pcapng: the names of 192.0.2.1 are too long for a record"},
		{"names of nothing", func(w *pcapng.Writer) error {
			return w.WriteNames([]pcapng.Name{{Names: []string{"pbx"}}})
		}, `pcapng: the names ["pbx"] have no address`},
		{"block too long", func(w *pcapng.Writer) error { return w.WriteBlock(99, make([]byte, 16<<20)) },
			"pcapng: a block of 16777228 octets is over the limit of 16777216"},
		{"interface too long", func(w *pcapng.Writer) error {
			many := make([]string, 300)
			for i := range many {
				many[i] = long
			}
			n, err := w.AddInterface(pcapng.Interface{Comments: many})
			if n != 0 {
				t.Errorf("it is interface %d", n)
			}
			return err
		}, "pcapng: a block of 19662040 octets is over the limit of 16777216"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			w, err := pcapng.NewWriter(io.Discard, pcapng.Section{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, FCSLen: -1, TsResol: 6}); err != nil {
				t.Fatal(err)
			}
			if err := c.write(w); err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestWriterCutsTexts(t *testing.T) {
	var out bytes.Buffer
	w, err := pcapng.NewWriter(&out, pcapng.Section{Application: strings.Repeat("x", 65536)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, SnapLen: 3, FCSLen: -1, TsResol: 6}); err != nil {
		t.Fatal(err)
	}
	// A simple packet that was cut at the snaplen.
	if err := w.Write(pcapng.Packet{Block: pcapng.SimplePacket, OrigLen: 9, Data: []byte("abc")}); err != nil {
		t.Fatal(err)
	}
	for c := range pcapng.Comment(strings.Repeat("é", 40000)).Comments() {
		if c != strings.Repeat("é", 32767) {
			t.Errorf("a comment of %d octets that ends in %q", len(c), c[len(c)-2:])
		}
	}
	x := read(t, &out)
	if n := len(x.r.Sections()[0].Application); n != 65535 {
		t.Errorf("a text of %d octets, want 65535", n)
	}
	if len(x.packets) != 1 || x.packets[0].OrigLen != 9 || string(x.packets[0].Data) != "abc" || len(x.r.Notes()) != 0 {
		t.Errorf("got %v", x)
	}
}

type failing struct {
	n   int
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, f.err
	}
	return len(p), nil
}

// TestWriterError lets the writer below fail at each block: one block is one Write.
func TestWriterError(t *testing.T) {
	full := errors.New("disk full")
	steps := []func(w *pcapng.Writer) error{
		func(w *pcapng.Writer) error {
			_, err := w.AddInterface(pcapng.Interface{LinkType: 1})
			return err
		},
		func(w *pcapng.Writer) error { return w.Write(pcapng.Packet{Data: []byte("abc")}) },
		func(w *pcapng.Writer) error {
			return w.Write(pcapng.Packet{Block: pcapng.SimplePacket, Data: []byte("a")})
		},
		func(w *pcapng.Writer) error { return w.WriteSecret(pcapng.Secret{}) },
		func(w *pcapng.Writer) error { return w.WriteNames(nil) },
		func(w *pcapng.Writer) error { return w.WriteStatistics(0, pcapng.Statistics{}) },
		func(w *pcapng.Writer) error { return w.WriteBlock(99, nil) },
		func(w *pcapng.Writer) error { return w.Section(pcapng.Section{}) },
	}
	if _, err := pcapng.NewWriter(&failing{0, full}, pcapng.Section{}); err != full {
		t.Errorf("NewWriter: error %v", err)
	}
	for i := range steps {
		w, err := pcapng.NewWriter(&failing{i + 1, full}, pcapng.Section{})
		if err != nil {
			t.Fatal(err)
		}
		for j, step := range steps[:i+1] {
			if err := step(w); (err == full) != (j == i) {
				t.Errorf("step %d: error %v, and the disk is full at step %d", j, err, i)
			}
		}
	}
}

func TestWriterAllocs(t *testing.T) {
	w, err := pcapng.NewWriter(io.Discard, pcapng.Section{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 9}); err != nil {
		t.Fatal(err)
	}
	p := pcapng.Packet{Time: time.Unix(1, 0), TimeOK: true, Data: make([]byte, 1400)}
	n := testing.AllocsPerRun(1000, func() {
		if err := w.Write(p); err != nil {
			panic(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}

// TestOptionsWith holds that options come through in another file, but for those that must
// not, with the comments behind them, in either byte order.
func TestOptionsWith(t *testing.T) {
	for _, big := range []bool{false, true} {
		order := binary.AppendByteOrder(binary.LittleEndian)
		if big {
			order = binary.BigEndian
		}
		body := make([]byte, 20)
		for _, o := range []struct {
			code  uint16
			value string
		}{{1, "first"}, {19372, "\x00\x00\x00\x01text"}, {2988, "\x00\x00\x00\x01text"}, {19373, "\x00\x00\x00\x01data"}, {4, "\x01\x02\x03\x04\x05\x06\x07\x08"}} {
			body = order.AppendUint16(order.AppendUint16(body, o.code), uint16(len(o.value)))
			body = append(body, o.value...)
			body = append(body, make([]byte, -len(o.value)&3)...)
		}
		var b bytes.Buffer
		w, err := pcapng.NewWriter(&b, pcapng.Section{BigEndian: big})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: -1}); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteBlock(pcapng.EnhancedPacket, body); err != nil {
			t.Fatal(err)
		}
		r, err := pcapng.NewReader(&b)
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for o := range p.Options.With("second", "").All() {
			got += fmt.Sprintf("%d=%q ", o.Code, o.Value)
		}
		if want := `1="first" 2988="\x00\x00\x00\x01text" 4="\x01\x02\x03\x04\x05\x06\a\b" 1="second" `; got != want {
			t.Errorf("big-endian %v: %s, want %s", big, got, want)
		}
	}
	if n := (pcapng.Options{}).With().Len(); n != 0 {
		t.Errorf("of nothing: %d octets", n)
	}
}
