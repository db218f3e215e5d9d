package export_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/export"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

// pcapngOf writes a pcapng file.
func pcapngOf(t *testing.T, write func(w *pcapng.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapng.NewWriter(&b, pcapng.Section{BigEndian: true})
	if err == nil {
		err = write(w)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readAll(t *testing.T, in *input) (r *pcapng.Reader, list []pcapng.Packet) {
	t.Helper()
	b, err := os.ReadFile(in.names[0])
	if err != nil {
		t.Fatal(err)
	}
	if r, err = pcapng.NewReader(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	for {
		p, err := r.Next()
		if err != nil {
			return r, list
		}
		p.Data = slices.Clone(p.Data)
		p.Options = p.Options.With() // a copy
		list = append(list, p)
	}
}

// TestInterfaces holds that interfaces stay what they were, with the clock they had, and
// that those without a chosen packet are left out.
func TestInterfaces(t *testing.T) {
	moment := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	interfaces := []pcapng.Interface{
		{Name: "eth0", Description: "uplink", Filter: "udp", LinkType: 1, SnapLen: 1600, TsResol: 9, FCSLen: -1},
		{Name: "unused", LinkType: 1, TsResol: 6, FCSLen: -1},
		{Name: "any", LinkType: 113, SnapLen: 65535, TsResol: 6, FCSLen: -1},
		{Name: "tap", LinkType: 1, TsResol: 3, FCSLen: 4},
		{Name: "old", LinkType: 1, TsResol: 0x80 | 20, FCSLen: -1},
		{Name: "fine", LinkType: 1, TsResol: 12, FCSLen: -1, TsOffset: moment.Unix() - 5},
	}
	first := pcapngOf(t, func(w *pcapng.Writer) error {
		for i, in := range interfaces {
			if _, err := w.AddInterface(in); err != nil {
				return err
			}
			data := capgen.Ether(there.UDP(invite("one")))
			if in.LinkType == 113 {
				data = strings.Repeat("\x00", 14) + "\x08\x00" + there.UDP(invite("one"))
			}
			if i == 1 {
				data = "nothing"
			}
			if in.FCSLen > 0 {
				data += "\xde\xad\xbe\xef"
			}
			if err := w.Write(pcapng.Packet{Interface: i, Time: moment.Add(time.Duration(i) * time.Second), TimeOK: true, OrigLen: int64(len(data) + i), Data: []byte(data)}); err != nil {
				return err
			}
		}
		return nil
	})
	in := files(t, first, capgen.Pcap(at(2, 101, there.UDP(invite("one")))))
	out := in.export(export.Options{}, all)
	if got := numbers(in, out); !slices.Equal(got, []int{1, 3, 4, 5, 6, 7}) {
		t.Errorf("packets %v are exported", got)
	}
	r, list := readAll(t, out)
	want := map[string]string{}
	for _, x := range interfaces {
		want[x.Name] = "from file 1 of 2: 1.cap"
	}
	want[""] = "from file 2 of 2: 2.cap"
	seen := map[string]bool{}
	for _, p := range list {
		got := r.Interface(p.Interface)
		seen[got.Name] = true
		if !slices.Equal(got.Comments, []string{want[got.Name]}) {
			t.Errorf("interface %q has the comments %q", got.Name, got.Comments)
		}
		for _, x := range interfaces {
			if x.Name == got.Name && (x.Description != got.Description || x.Filter != got.Filter || x.LinkType != got.LinkType || x.SnapLen != got.SnapLen || x.FCSLen != got.FCSLen) {
				t.Errorf("interface %q is %+v, was %+v", x.Name, got, x)
			}
			if x.Name == got.Name && x.Name != "fine" && x.TsResol != got.TsResol {
				t.Errorf("interface %q has a resolution of %#x, had %#x", x.Name, got.TsResol, x.TsResol)
			}
		}
	}
	if len(r.Interfaces()) != 6 || seen["unused"] || len(seen) != 6 {
		t.Errorf("there are %d interfaces: %v", len(r.Interfaces()), seen)
	}
}

// TestTimes holds that every time comes through, however far from today.
func TestTimes(t *testing.T) {
	years := []int{1, 1969, 1970, 2026, 2106, 2553, 2600, 9999}
	for _, resol := range []uint8{6, 9, 0x80 | 10, 0x80 | 29, 0x80 | 40} {
		var list [][]byte
		for i, year := range years {
			moment := time.Date(year, 12, 31, 23, 59, 59, 999999999, time.UTC)
			if list = append(list, nil); resol == 0x80|40 && year != 2026 {
				continue // its range is months
			}
			list[i] = pcapngOf(t, func(w *pcapng.Writer) error {
				in := pcapng.Interface{LinkType: 1, TsResol: resol, FCSLen: -1, TsOffset: moment.Unix() - 1000}
				if _, err := w.AddInterface(in); err != nil {
					return err
				}
				return w.Write(pcapng.Packet{Time: moment, TimeOK: true, Data: []byte(capgen.Ether(there.UDP(invite("one"))))})
			})
		}
		list = slices.DeleteFunc(list, func(b []byte) bool { return b == nil })
		in := files(t, list...)
		if got := numbers(in, in.export(export.Options{}, all)); len(got) != len(list) {
			t.Errorf("resolution %#x: packets %v", resol, got)
		}
	}
}

// TestNoTime holds that a packet without a time has that of the one before it, and says so.
func TestNoTime(t *testing.T) {
	b := pcapngOf(t, func(w *pcapng.Writer) error {
		if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: -1}); err != nil {
			return err
		}
		if err := w.Write(pcapng.Packet{Time: capgen.Start, TimeOK: true, Data: []byte("x")}); err != nil {
			return err
		}
		return w.Write(pcapng.Packet{Block: pcapng.SimplePacket, Data: []byte(capgen.Ether(there.UDP(invite("one"))))})
	})
	alone := pcapngOf(t, func(w *pcapng.Writer) error { // nothing has a time
		if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: -1}); err != nil {
			return err
		}
		return w.Write(pcapng.Packet{Block: pcapng.SimplePacket, Data: []byte(capgen.Ether(there.UDP(invite("one"))))})
	})
	for _, pcap := range []bool{false, true} {
		if got := files(t, alone).export(export.Options{Pcap: pcap}, all).packets(); len(got) != 1 || !got[0].time.Equal(time.Unix(0, 0)) {
			t.Errorf("of nothing with a time: %+v", got)
		}
	}
	got := files(t, b).export(export.Options{}, all).packets()
	if len(got) != 1 || !got[0].time.Equal(capgen.Start) || len(got[0].comments) != 1 || !strings.Contains(got[0].comments[0], "without a time") {
		t.Errorf("got %+v", got)
	}
}

// TestComments holds that comments are fit to be shown, whatever they are made of, and that
// what stood beside the packet is still there, but for what must not be copied.
func TestComments(t *testing.T) {
	nasty := []string{"\x1b[31mred\x00", "a\nb", "\u202eright to left", "\xff\xfe", "sip:alice:secret@example.com", strings.Repeat("long ", 5000), "<script>"}
	big := pcapngOf(t, func(w *pcapng.Writer) error {
		if _, err := w.AddInterface(pcapng.Interface{Name: "eth\x1b[2J0", LinkType: 1, TsResol: 6, FCSLen: -1}); err != nil {
			return err
		}
		var body []byte // an enhanced packet block with a comment, flags and a custom option
		data := []byte(capgen.Ether(there.UDP(invite("one"))))
		body = append(body, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		body = append(body, 0, 0, byte(len(data)>>8), byte(len(data)), 0, 0, byte(len(data)>>8), byte(len(data)))
		body = append(body, data...)
		body = append(body, make([]byte, -len(data)&3)...)
		body = append(body, "\x00\x01\x00\x04mine\x00\x02\x00\x04\x00\x00\x00\x01\x4b\xac\x00\x08\x00\x00\x00\x01secr\x0b\xac\x00\x08\x00\x00\x00\x01copy\x00\x00\x00\x00"...)
		return w.WriteBlock(pcapng.EnhancedPacket, body)
	})
	in := files(t, big)
	out := in.export(export.Options{Comments: nasty, Packets: map[analysis.Frame][]string{{Number: 1}: nasty}}, all)
	r, list := readAll(t, out)
	if len(list) != 1 {
		t.Fatalf("%d packets", len(list))
	}
	comments := slices.Collect(list[0].Options.Comments())
	if len(comments) != len(nasty)+1 || comments[0] != "mine" {
		t.Fatalf("comments %q", comments)
	}
	checked := append(slices.Clone(r.Sections()[0].Comments), comments...)
	checked = append(checked, r.Interface(0).Name)
	if len(checked) != 2*len(nasty)+2 {
		t.Fatalf("%d texts: %q", len(checked), checked)
	}
	for _, c := range checked {
		if !utf8.ValidString(c) || len(c) > 1100 || strings.ContainsAny(c, "\x00\x1b\n\u202e") || strings.Contains(c, "secret") {
			t.Errorf("text %q", c)
		}
	}
	var codes []uint16
	for o := range list[0].Options.All() {
		if codes = append(codes, o.Code); o.Code == 2 && string(o.Value) != "\x01\x00\x00\x00" { // little-endian now
			t.Errorf("flags %x", o.Value)
		}
	}
	if !slices.Equal(codes[:3], []uint16{1, 2, 2988}) || slices.Contains(codes, 19372) {
		t.Errorf("options %v", codes)
	}
	out = in.export(export.Options{Secrets: true, Comments: nasty}, all)
	if r, _ := readAll(t, out); !strings.Contains(strings.Join(r.Sections()[0].Comments, " "), "secret") {
		t.Error("the password is masked though secrets were asked for")
	}
}

// TestSecrets holds that what decrypts packets is left out, unless it is asked for, and is
// only taken from files that packets come from.
func TestSecrets(t *testing.T) {
	with := func(key string, data string) []byte {
		return pcapngOf(t, func(w *pcapng.Writer) error {
			if err := w.WriteSecret(pcapng.NewSecret(0x544c534b, []byte(key))); err != nil {
				return err
			}
			if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: -1}); err != nil {
				return err
			}
			return w.Write(pcapng.Packet{Time: capgen.Start, TimeOK: true, Data: []byte(data)})
		})
	}
	in := files(t, with("CLIENT_RANDOM 11", "x"), with("CLIENT_RANDOM 22", capgen.Ether(there.UDP(invite("one")))))
	for _, secrets := range []bool{false, true} {
		out := in.export(export.Options{Secrets: secrets}, all)
		b, err := os.ReadFile(out.names[0])
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("RANDOM 11")) || bytes.Contains(b, []byte("RANDOM 22")) != secrets {
			t.Errorf("show secrets %v: %q", secrets, b)
		}
		r, _ := readAll(t, out)
		if n := len(r.Secrets()); (n == 1) != secrets {
			t.Errorf("show secrets %v: %d secrets", secrets, n)
		}
	}
}

// TestPcap holds what a pcap file is made like, and what it cannot be made of.
func TestPcap(t *testing.T) {
	header := func(in *input) pcapfile.Header {
		b, err := os.ReadFile(in.names[0])
		if err != nil {
			t.Fatal(err)
		}
		r, err := pcapfile.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return r.Header()
	}
	cooked := at(1, 113, strings.Repeat("\x00", 14)+"\x08\x00"+there.UDP(invite("two")))
	nano := pcapngOf(t, func(w *pcapng.Writer) error {
		if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, SnapLen: 1234, TsResol: 9, FCSLen: 4}); err != nil {
			return err
		}
		return w.Write(pcapng.Packet{Time: capgen.Start.Add(1), TimeOK: true, Data: []byte(capgen.Ether(there.UDP(invite("two"))) + "\x01\x02\x03\x04")})
	})
	unlimited := pcapngOf(t, func(w *pcapng.Writer) error {
		if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: 4}); err != nil {
			return err
		}
		return w.Write(pcapng.Packet{Time: capgen.Start.Add(time.Second), TimeOK: true, Data: []byte("x")})
	})
	none := pcapngOf(t, func(w *pcapng.Writer) error {
		if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: 0}); err != nil {
			return err
		}
		return w.Write(pcapng.Packet{Time: capgen.Start.Add(time.Second), TimeOK: true, Data: []byte("y")})
	})
	in := files(t, capgen.Pcap(at(0, 1, udp(there, invite("one"))...)), capgen.Pcap(cooked), nano, unlimited, none)
	two := func(i int) func(res *analysis.Result) export.Choice {
		return func(*analysis.Result) export.Choice {
			return export.Choice{Frames: []analysis.Frame{{File: i, Number: 1}}}
		}
	}
	if h := header(in.export(export.Options{Pcap: true}, two(0))); h.Nanosecond || h.LinkType != 1 || h.SnapLen != 262144 || h.FCSLen != -1 {
		t.Errorf("of a pcap file: %+v", h)
	}
	if h := header(in.export(export.Options{Pcap: true}, two(1))); h.LinkType != 113 {
		t.Errorf("of a cooked pcap file: %+v", h)
	}
	if h := header(in.export(export.Options{Pcap: true}, two(2))); !h.Nanosecond || h.SnapLen != 1234 || h.FCSLen != 4 {
		t.Errorf("of a pcapng file: %+v", h)
	}
	unsaid := func(*analysis.Result) export.Choice { // nothing said of check sequences, and none
		return export.Choice{Frames: []analysis.Frame{{File: 0, Number: 1}, {File: 4, Number: 1}}}
	}
	if n := len(in.export(export.Options{Pcap: true}, unsaid).packets()); n != 2 {
		t.Errorf("%d packets of two files without check sequences", n)
	}
	both := func(*analysis.Result) export.Choice {
		return export.Choice{Frames: []analysis.Frame{{File: 2, Number: 1}, {File: 3, Number: 1}}}
	}
	if h := header(in.export(export.Options{Pcap: true}, both)); !h.Nanosecond || h.SnapLen != 262144 {
		t.Errorf("of files with and without a snaplen: %+v", h)
	}
	for name, tt := range map[string]struct {
		frames []analysis.Frame
		want   string
	}{
		"link types":      {[]analysis.Frame{{File: 0, Number: 1}, {File: 1, Number: 1}}, "ETHERNET and LINUX_SLL"},
		"check sequences": {[]analysis.Frame{{File: 0, Number: 1}, {File: 2, Number: 1}}, "of 0 and of 4 octets"},
	} {
		res, p := in.plan(func(*analysis.Result) export.Choice { return export.Choice{Frames: tt.frames} })
		err := p.Copy(new(bytes.Buffer), in.open(), res.Files, &export.Options{Pcap: true})
		var mixed *export.MixedError
		if !errors.As(err, &mixed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestChanged holds that a capture that has become shorter is noticed.
func TestChanged(t *testing.T) {
	list := at(0, 1, udp(there, invite("one"), invite("two"))...)
	in := packets(t, list)
	res, p := in.plan(all)
	in.names = packets(t, list[:1]).names
	if err := p.Copy(new(bytes.Buffer), in.open(), res.Files, &export.Options{}); !errors.Is(err, export.ErrChanged) {
		t.Errorf("error %v", err)
	}
}

// TestWriteErrors holds that an error of writing comes out, wherever it comes up.
func TestWriteErrors(t *testing.T) {
	in := packets(t, at(0, 1, udp(there, invite("one"))...))
	res, p := in.plan(all)
	var whole bytes.Buffer
	for _, pcap := range []bool{false, true} {
		whole.Reset()
		o := &export.Options{Pcap: pcap}
		if err := p.Copy(&whole, in.open(), res.Files, o); err != nil {
			t.Fatal(err)
		}
		for n := range whole.Len() {
			if err := p.Copy(&shortWriter{n}, in.open(), res.Files, o); err != errFull {
				t.Fatalf("full behind %d octets: %v", n, err)
			}
		}
	}
}

var errFull = errors.New("full")

type shortWriter struct{ room int }

func (w *shortWriter) Write(b []byte) (int, error) {
	if w.room -= len(b); w.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestCancel holds that all readings end with their context.
func TestCancel(t *testing.T) {
	in := packets(t, at(0, 1, slices.Repeat(udp(there, invite("one")), 2000)...))
	res, p := in.plan(all)
	r := in.open()
	r.Close()
	if err := p.Copy(new(bytes.Buffer), r, res.Files, &export.Options{}); err == nil || errors.Is(err, export.ErrChanged) {
		t.Errorf("Copy: %v", err)
	}
	if err := p.Mark(r); err == nil {
		t.Error("Mark: no error")
	}
}
