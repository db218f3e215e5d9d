package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sipsight/sipsight/pcapng"
)

// An ngPacket is a packet with copies of what it only lends.
type ngPacket struct {
	pcapng.Packet
	section int
	options []string // code and value
}

// ngRead is all that a pcapng reader said about a stream.
type ngRead struct {
	packets    []ngPacket
	sections   []pcapng.Section
	interfaces []pcapng.Interface
	names      []pcapng.Name
	secrets    []string // type and data
	notes      []pcapng.Note
	err        string
	opened     bool
}

// readPcapng reads a whole stream, and overwrites each packet once it was looked at.
func readPcapng(t *testing.T, in io.Reader, window int) (x ngRead) {
	r, err := pcapng.NewReaderSize(in, window)
	if err != nil {
		checkPcapngError(t, err)
		x.err = err.Error()
		return x
	}
	x.opened = true
	for {
		p, err := r.Next()
		if err != nil {
			checkPcapngError(t, err)
			if _, again := r.Next(); again != err {
				t.Errorf("the error %v became %v", err, again)
			}
			x.err = err.Error()
			break
		}
		q := ngPacket{p, r.Interface(p.Interface).Section, optionList(p.Options)}
		q.Data, q.Options = bytes.Clone(p.Data), pcapng.Options{}
		for i := range p.Data {
			p.Data[i] = 0x0a
		}
		x.packets = append(x.packets, q)
	}
	x.sections, x.interfaces, x.names, x.notes = r.Sections(), slices.Clone(r.Interfaces()), r.Names(), r.Notes()
	for _, s := range r.Secrets() {
		x.secrets = append(x.secrets, fmt.Sprintf("%#x %x", s.Type, s.Data()))
		noSecret(t, s)
	}
	return x
}

func optionList(o pcapng.Options) (list []string) {
	for x := range o.All() {
		list = append(list, fmt.Sprintf("%d %x", x.Code, x.Value))
	}
	return list
}

// noSecret checks that no way of printing a secret gives it away.
func noSecret(t *testing.T, s pcapng.Secret) {
	type hidden struct{ s pcapng.Secret }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "% X", "%d", "%c"} {
		if got := fmt.Sprintf(verb, s); got != s.String() {
			t.Errorf("%s prints %s", verb, got)
		}
		if len(s.Data()) < 8 {
			continue
		}
		for _, v := range []any{&s, []pcapng.Secret{s}, hidden{s}, map[int]pcapng.Secret{1: s}} {
			got := fmt.Sprintf(verb, v)
			text, hex := string(s.Data()), fmt.Sprintf("%x", s.Data())
			if strings.Contains(got, text) && !strings.Contains(s.String(), text) || strings.Contains(strings.ToLower(got), hex) {
				t.Errorf("%s of %T prints %s", verb, v, got)
			}
		}
	}
}

func checkPcapngError(t *testing.T, err error) {
	var fe *pcapng.FormatError
	if err != io.EOF && (!errors.As(err, &fe) || fe.Off < 0 || fe.What == "") {
		t.Errorf("an error that is no FormatError: %#v", err)
	}
}

// where returns where the data of a packet stands in the file.
func (p *ngPacket) where() int64 {
	if p.Block == pcapng.SimplePacket {
		return p.Offset + 12
	}
	return p.Offset + 28
}

// FuzzPcapng: as FuzzPcap, with the interfaces, names, comments and secrets of a file; a
// secret is never printed.
func FuzzPcapng(f *testing.F) {
	for _, b := range captures() {
		f.Add(b, uint16(len(b)-7))
		f.Add(b, uint16(len(b)/2))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if tooLong(b) {
			return
		}
		x := readPcapng(t, bytes.NewReader(b), 0)
		if y := readPcapng(t, iotest.OneByteReader(bytes.NewReader(b)), 1); !reflect.DeepEqual(x, y) {
			t.Fatalf("whole %s\none by one %s", show(x), show(y))
		}
		end := int64(28)
		for i := range x.packets {
			p := &x.packets[i]
			at := p.where()
			if p.Offset < end || at+int64(len(p.Data)) > int64(len(b)) || !bytes.HasPrefix(b[at:], p.Data) {
				t.Fatalf("packet %d of %d octets at %d is not in the file", i, len(p.Data), p.Offset)
			}
			end = at + int64(len(p.Data))
		}
		front := readPcapng(t, bytes.NewReader(b[:min(int(cut), len(b))]), 0)
		if n := len(front.packets); n > len(x.packets) || !slices.EqualFunc(front.packets, x.packets[:n], func(a, b ngPacket) bool { return reflect.DeepEqual(a, b) }) {
			t.Fatalf("the first %d octets give %s\nthe whole gives %s", cut, show(front), show(x))
		}
		if x.opened {
			rewritePcapng(t, b, x)
		}
	})
}

// rewritePcapng writes what is read, block for block, and reads it again.
func rewritePcapng(t *testing.T, b []byte, x ngRead) {
	var buf bytes.Buffer
	w, err := pcapng.NewWriter(&buf, x.sections[0])
	if err != nil {
		t.Fatal(err)
	}
	section, added, first := 0, 0, 0 // first: the interface that is number 0 in the section
	begin := func(r *pcapng.Reader, until int) (ok bool) {
		for ; section < until; section++ {
			s := r.Sections()[section+1]
			if s.Major != 1 { // the reader stops there
				return false
			}
			if err := w.Section(s); err != nil {
				t.Fatal(err)
			}
			first = added
		}
		return true
	}
	describe := func(r *pcapng.Reader) {
		for ; added < len(r.Interfaces()); added++ {
			in := *r.Interface(added)
			begin(r, in.Section)
			if n, err := w.AddInterface(in); err != nil || n != added-first {
				t.Fatalf("AddInterface: %d, %v", n, err)
			}
		}
	}
	r, _ := pcapng.NewReader(bytes.NewReader(b))
	var want []ngPacket
	for i := range x.packets {
		p, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		describe(r)
		p.Interface -= first
		if writePcapng(t, w, p, r.Interface(p.Interface+first)) {
			want = append(want, x.packets[i])
		}
	}
	r.Next()
	describe(r)
	if x.sections[0].Major != 1 || !begin(r, len(r.Sections())-1) {
		return
	}
	if err := w.WriteNames(x.names); err != nil {
		t.Fatal(err)
	}
	y := readPcapng(t, bytes.NewReader(buf.Bytes()), 0)
	if y.err != "EOF" || len(y.packets) != len(want) {
		t.Fatalf("wrote %s\nread %s", show(want), show(y))
	}
	for i, a := range want {
		b := y.packets[i]
		if a.Block == pcapng.ObsoletePacket {
			a.Block = pcapng.EnhancedPacket
		}
		if !a.TimeOK && a.Block == pcapng.EnhancedPacket { // written as a time stamp of 0
			a.Time, a.TimeOK = b.Time, b.TimeOK
		}
		a.Offset, a.OrigLen = b.Offset, max(a.OrigLen, int64(len(a.Data)))
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("wrote %s\nread %s", show(a), show(b))
		}
	}
	if !reflect.DeepEqual(described(x), described(y)) {
		t.Fatalf("wrote %s\nread %s", show(described(x)), show(described(y)))
	}
}

// writePcapng writes a packet, and reports whether it can be written.
func writePcapng(t *testing.T, w *pcapng.Writer, p pcapng.Packet, in *pcapng.Interface) bool {
	err := w.Write(p)
	simple := p.Block == pcapng.SimplePacket
	switch {
	case err == nil:
		return true
	case simple && p.OrigLen > int64(len(p.Data)) && int64(in.SnapLen) != int64(len(p.Data)):
		return false // cut by its block
	case !simple && p.TimeOK && (in.TsResol > 19 && in.TsResol < 0x80 || in.TsResol >= 0x80+64):
		return false // a resolution that is not written
	}
	t.Fatalf("Write(%s) on %+v: %v", show(p), in, err)
	return false
}

// described is what was said beside the packets, as far as it is written again: texts
// that are empty are not.
func described(x ngRead) (list []any) {
	for _, s := range x.sections {
		s.Length, s.Comments = 0, notEmpty(s.Comments)
		list = append(list, s)
	}
	for _, in := range x.interfaces {
		in.Statistics, in.Comments = pcapng.Statistics{}, notEmpty(in.Comments)
		list = append(list, in)
	}
	return append(list, x.names)
}

func notEmpty(texts []string) (list []string) {
	for _, s := range texts {
		if s != "" {
			list = append(list, s)
		}
	}
	return list
}
