package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

// TestFormats holds that the same packets are read from every form, in one piece and
// octet by octet, from a stream and from a file whose name says nothing.
func TestFormats(t *testing.T) {
	for name, b := range formats() {
		t.Run(name, func(t *testing.T) {
			want := wanted(three)
			for how, in := range map[string]io.Reader{
				"whole":          bytes.NewReader(b),
				"octets":         iotest.OneByteReader(bytes.NewReader(b)),
				"halves":         iotest.HalfReader(bytes.NewReader(b)),
				"data and EOF":   iotest.DataErrReader(bytes.NewReader(b)),
				"empty reads":    &lazy{r: bytes.NewReader(b)},
				"octets, lazy":   &lazy{r: iotest.OneByteReader(bytes.NewReader(b))},
				"data, then EOF": io.MultiReader(bytes.NewReader(b[:1]), bytes.NewReader(nil), bytes.NewReader(b[1:])),
			} {
				got, f, err := readBytes(t, in, capture.Options{})
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("%s: %v, %v\nwant %v", how, got, err, want)
				}
				if !f.Complete() || len(f.Notes) != 0 || f.Packets != 3 || f.DataBytes != 19 || f.CapturedBytes != 19 || f.CutPackets != 0 ||
					!f.HasTime || !f.First.Equal(start) || f.Last.Sub(f.First) != 90*time.Second || !f.InOrder || f.Size != int64(len(b)) {
					t.Errorf("%s: %+v", how, f)
				}
				if !strings.HasPrefix(name, f.Format) && !strings.HasPrefix(name, "gzip") || (f.Compression == "gzip") != strings.Contains(name, "gzip") {
					t.Errorf("it is told as %q, %q", f.Format, f.Compression)
				}
				if f.BigEndian != (strings.Contains(name, " be") || strings.Contains(name, "big-endian") || f.Format == "snoop") {
					t.Errorf("big-endian is %v", f.BigEndian)
				}
				variant := ""
				for _, v := range []string{"nanosecond", "modified"} {
					if strings.Contains(name, v) {
						variant = v
					}
				}
				if f.Variant != variant {
					t.Errorf("the variant is %q", f.Variant)
				}
			}
			got, files := readFiles(t, []string{write(t, "picture.png", b)}, capture.Options{RegularOnly: true})
			if !slices.Equal(got, want) || files[0].Size != int64(len(b)) {
				t.Errorf("from a file: %v, %d octets", got, files[0].Size)
			}
		})
	}
}

// lazy returns nothing at every second Read.
type lazy struct {
	r    io.Reader
	idle bool
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.idle = !l.idle; l.idle {
		return 0, nil
	}
	return l.r.Read(p)
}

// TestCutAnywhere holds that the first octets of a capture give its first packets, and
// that what is missing is told, unless the cut is between two packets.
func TestCutAnywhere(t *testing.T) {
	for name, b := range formats() {
		t.Run(name, func(t *testing.T) {
			want := wanted(three)
			last := 0
			for n := range len(b) {
				got, f, err := readBytes(t, bytes.NewReader(slices.Clip(b[:n])), capture.Options{})
				if err != nil {
					if len(got) != 0 || last != 0 {
						t.Fatalf("%d octets: %v behind %d packets", n, err, last)
					}
					continue
				}
				if len(got) < last || len(got) > 3 || !slices.Equal(got, want[:len(got)]) {
					t.Fatalf("%d octets: %v", n, got)
				}
				last = len(got)
				if f.Complete() && f.Compression != "" && name != "gzip of two members" && name != "gzip with an empty member" {
					t.Errorf("%d octets of gzip are said to be complete", n)
				}
				if f.Complete() {
					continue
				}
				if note := f.Notes[len(f.Notes)-1]; !note.Lost || note.Count != 1 || note.ID != capture.NoteCut && note.ID != capture.NoteGzipCut {
					t.Errorf("%d octets: %v", n, ids(f))
				}
			}
			if last < 2 && !strings.Contains(name, "gzip") {
				t.Errorf("of all but one octet %d packets came", last)
			}
		})
	}
}

// TestReadErrorAnywhere holds that an error of the stream ends a capture as a cut does,
// and is told as what it is.
func TestReadErrorAnywhere(t *testing.T) {
	for name, b := range formats() {
		t.Run(name, func(t *testing.T) {
			want := wanted(three)
			opened := false
			for n := range len(b) + 1 {
				got, f, err := readBytes(t, &failing{b[:n], errDisk}, capture.Options{})
				if err != nil {
					if opened || !errors.Is(err, errDisk) || !strings.HasSuffix(err.Error(), errDisk.Error()) && !strings.Contains(err.Error(), "("+errDisk.Error()+")") {
						t.Fatalf("%d octets: %q", n, err)
					}
					continue
				}
				opened = true
				if !slices.Equal(got, want[:len(got)]) {
					t.Fatalf("%d octets: %v", n, got)
				}
				if f.Complete() || len(f.Notes) != 1 || f.Notes[0].ID != capture.NoteReadError || !strings.Contains(f.Notes[0].What, errDisk.Error()) {
					t.Fatalf("%d octets: %v", n, f.Notes)
				}
			}
			if !opened {
				t.Error("it was never opened")
			}
		})
	}
}

// A stuckReader gives the octets of a reader, and from then on reports n octets that it did not give.
type stuckReader struct {
	io.Reader
	n func(room int) int
}

func (s stuckReader) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if err == io.EOF {
		return s.n(len(b)), nil
	}
	return n, err
}

// TestStuckReader holds that a stream that breaks the rules of io.Reader is given up, wherever in a capture that is.
func TestStuckReader(t *testing.T) {
	for name, b := range formats() {
		for how, n := range map[string]func(int) int{
			"nothing":   func(int) int { return 0 },
			"too much":  func(room int) int { return room + 1 },
			"less than": func(int) int { return -1 },
		} {
			for _, cut := range []int{0, 3, 40, len(b) - 1} {
				_, f, err := readBytes(t, stuckReader{bytes.NewReader(b[:cut]), n}, capture.Options{})
				switch {
				case err != nil && !errors.Is(err, io.ErrNoProgress):
					t.Errorf("%s, %s behind %d octets: %v", name, how, cut, err)
				case err == nil && (len(f.Damage()) != 1 || f.Damage()[0].ID != capture.NoteReadError):
					t.Errorf("%s, %s behind %d octets: %v", name, how, cut, f.Notes)
				}
			}
		}
	}
}

// TestNoStream holds that no stream is not taken for standard input.
func TestNoStream(t *testing.T) {
	if _, err := capture.NewReader(t.Context(), nil, capture.Options{}); err == nil || !strings.Contains(err.Error(), "no stream") {
		t.Errorf("%v", err)
	}
}

func TestSnoop(t *testing.T) {
	record := func(length, included, record uint32, rest string) []byte {
		b := snoop(4, three[0])
		for _, x := range []uint32{length, included, record, 7, uint32(start.Unix()), 5} {
			b = binary.BigEndian.AppendUint32(b, x)
		}
		return append(b, rest...)
	}
	version := snoop(4)
	version[11] = 1
	tests := []struct {
		name    string
		in      []byte
		packets int
		want    string // the error, or the notes
	}{
		{"no packets", snoop(4), 0, ""},
		{"cut header", snoop(4)[:15], 0, "the snoop file header is cut off: 15 of 16 octets are there"},
		{"version 1", version, 0, "snoop version 1 cannot be read, only version 2; convert it first: editcap -F pcapng IN OUT.pcapng"},
		{"ATM", snoop(18), 0, "snoop datalink type 18 cannot be read; convert it first: editcap -F pcapng IN OUT.pcapng"},
		{"last padding missing", snoop(4, three[0])[:16+24+5], 1, ""},
		{"more on the wire", record(100, 4, 28, "four"), 2, ""},
		{"more kept than there was", record(1, 4, 28, "four"), 2, "over-original-length×1"},
		{"no data", record(0, 0, 24, ""), 2, ""},
		{"much padding", record(4, 4, 40, "four and 12 more"), 2, ""},
		{"record shorter than data", record(4, 4, 27, "four"), 1, "file-corrupt×1 lost"},
		{"record shorter than its header", record(0, 0, 23, "four"), 1, "file-corrupt×1 lost"},
		{"huge record", record(4, 4, 16<<20+1, "four"), 1, "file-corrupt×1 lost"},
		{"huge data", record(4, 1<<32-1, 1<<32-1, "four"), 1, "file-corrupt×1 lost"},
		{"largest record, cut", record(4, 16<<20-24, 16<<20, "four"), 1, "file-cut×1 lost"},
		{"cut data", record(4, 4, 28, "fou"), 1, "file-cut×1 lost"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got, f, err := readBytes(t, bytes.NewReader(slices.Clip(c.in)), capture.Options{})
			if err != nil {
				if err.Error() != "-: "+c.want {
					t.Errorf("%v\nwant %s", err, c.want)
				}
				return
			}
			if len(got) != c.packets || strings.Join(ids(f), " ") != c.want {
				t.Errorf("%d packets, %v; want %d, %s", len(got), f.Notes, c.packets, c.want)
			}
			for _, n := range f.Notes {
				if n.Lost && n.Off != int64(len(snoop(4, three[0]))) {
					t.Errorf("the damage is said to be at %d", n.Off)
				}
			}
		})
	}
	// What the file says about itself.
	for datalink, link := range map[uint32]uint16{0: 1, 2: 6, 4: 1, 8: 10, 26: 226} {
		_, f, err := readBytes(t, bytes.NewReader(snoop(datalink, three...)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if want := (capture.Interface{LinkType: link, Resolution: 1000, Packets: 3, Drops: 2}); len(f.Interfaces) != 1 || !reflect.DeepEqual(f.Interfaces[0], want) {
			t.Errorf("datalink type %d: %+v", datalink, f.Interfaces)
		}
	}
}

// TestJoined holds that captures that were joined with cat are read as the whole they are.
func TestJoined(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		note string
	}{
		{"pcap", slices.Concat(pcap(pcapfile.Header{}, three[0]), pcap(pcapfile.Header{}, three[1:]...)), "joined-files×1"},
		{"pcap of the other byte order", slices.Concat(pcap(pcapfile.Header{}, three[:2]...), pcap(pcapfile.Header{BigEndian: true}, three[2:]...)), "joined-files×1"},
		{"three pcap", slices.Concat(pcap(pcapfile.Header{}, three[0]), pcap(pcapfile.Header{}, three[1]), pcap(pcapfile.Header{}, three[2])), "joined-files×2"},
		{"pcapng", slices.Concat(ng(pcapng.Section{}, three[0]), ng(pcapng.Section{}, three[1:]...)), ""},
		{"gzip of pcap", slices.Concat(zipped(pcap(pcapfile.Header{}, three[0])), zipped(pcap(pcapfile.Header{}, three[1:]...))), "joined-files×1"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got, f, err := readBytes(t, bytes.NewReader(c.in), capture.Options{})
			if err != nil || !slices.Equal(got, wanted(three)) || strings.Join(ids(f), " ") != c.note || !f.Complete() {
				t.Errorf("%v, %v, %v", got, ids(f), err)
			}
		})
	}
}

// TestBlank holds that records of nothing but zeros have no time, and that as many as fill a sector are a hole: packets are lost there.
func TestBlank(t *testing.T) {
	for _, n := range []int{1, 31, 32} {
		in := slices.Concat(pcap(pcapfile.Header{}, three[0]), make([]byte, 16*n), pcap(pcapfile.Header{}, three[1:]...)[24:])
		_, f, err := readBytes(t, bytes.NewReader(in), capture.Options{})
		if err != nil || f.Packets != int64(3+n) || !f.First.Equal(start) || f.Last.Sub(f.First) != 90*time.Second || !f.InOrder {
			t.Errorf("%d: %d packets from %v to %v, %v", n, f.Packets, f.First, f.Last, err)
		}
		want := fmt.Sprintf("record-blank×%d", n)
		if n == 32 {
			want += " lost"
		}
		if strings.Join(ids(f), " ") != want || f.Complete() != (n < 32) {
			t.Errorf("%d: %v, complete %v, want %s", n, ids(f), f.Complete(), want)
		}
	}
}

// TestLost: what packets say was lost in front of them counts where no statistics say more.
func TestLost(t *testing.T) {
	for _, c := range []struct {
		stats *pcapng.Statistics
		want  int64
	}{
		{nil, 3},
		{&pcapng.Statistics{Has: pcapng.HasReceived, Received: 9}, 3},
		{&pcapng.Statistics{Has: pcapng.HasDropped}, 3},
		{&pcapng.Statistics{Has: pcapng.HasDropped, Dropped: 17}, 17},
	} {
		var b bytes.Buffer
		w := must(pcapng.NewWriter(&b, pcapng.Section{}))
		in := must(w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 6, FCSLen: -1}))
		if c.stats != nil {
			if err := w.WriteStatistics(in, *c.stats); err != nil {
				t.Fatal(err)
			}
		}
		// An enhanced packet block with a drop count of three.
		b.WriteString("\x06\x00\x00\x00\x30\x00\x00\x00" + strings.Repeat("\x00", 20) + "\x04\x00\x08\x00\x03" + strings.Repeat("\x00", 11) + "\x30\x00\x00\x00")
		if _, f, err := readBytes(t, &b, capture.Options{}); err != nil || len(f.Interfaces) != 1 || f.Interfaces[0].Drops != c.want || !f.Complete() {
			t.Errorf("%+v: %v, %+v, want %d", c.stats, err, f, c.want)
		}
	}
}

// TestDescription holds what a pcapng file says about itself.
func TestDescription(t *testing.T) {
	var b bytes.Buffer
	w := must(pcapng.NewWriter(&b, pcapng.Section{Hardware: "a box", OS: "an OS", Application: "a program", Comments: []string{"of the section"}}))
	eth := must(w.AddInterface(pcapng.Interface{Name: "eth0", Description: "uplink", Filter: "port 5060", LinkType: 1, SnapLen: 100, TsResol: 6, FCSLen: 4, Comments: []string{"of eth0"}}))
	must(w.AddInterface(pcapng.Interface{Name: "idle", LinkType: 101, TsResol: 0x83, FCSLen: -1}))
	for i, at := range []time.Duration{2 * time.Second, 0, time.Second} {
		p := pcapng.Packet{Interface: eth, Time: start.Add(at), TimeOK: true, OrigLen: 200, Data: []byte("abc")}
		if i == 1 {
			p.Options = pcapng.Comment("of a packet", "and another")
		}
		if err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write(pcapng.Packet{Block: pcapng.SimplePacket, OrigLen: 2, Data: []byte("ab")}); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteStatistics(eth, pcapng.Statistics{Has: pcapng.HasDropped, Dropped: 17}); err != nil {
		t.Fatal(err)
	}
	r, err := capture.NewReader(t.Context(), &b, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := 0; ; i++ {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		comments := slices.Collect(p.Comments())
		if i == 1 != (len(comments) == 2) || p.HasTime != (i < 3) || p.FCSLen != 4 || p.LinkType != 1 {
			t.Errorf("packet %d: %+v with comments %v", i+1, p, comments)
		}
		if i == 3 && !p.Time.Equal(start.Add(time.Second)) {
			t.Errorf("a packet without a time has %v", p.Time)
		}
	}
	f := r.Files()[0]
	if f.Application != "a program" || f.OS != "an OS" || f.Hardware != "a box" || f.CutPackets != 3 || f.DataBytes != 602 || f.CapturedBytes != 11 ||
		f.InOrder || f.BackSteps != 1 || !f.First.Equal(start) || f.Last.Sub(start) != 2*time.Second {
		t.Errorf("%+v", f)
	}
	if want := []string{"of the section", "of eth0", "of a packet", "and another"}; !slices.Equal(f.Comments, want) {
		t.Errorf("comments %q", f.Comments)
	}
	want := []capture.Interface{
		{ID: 0, Name: "eth0", Description: "uplink", Filter: "port 5060", LinkType: 1, SnapLen: 100, Resolution: 1000, Packets: 4, Drops: 17},
		{ID: 1, Name: "idle", LinkType: 101, Resolution: 1e9 / 8, Drops: -1},
	}
	if !reflect.DeepEqual(f.Interfaces, want) {
		t.Errorf("interfaces %+v", f.Interfaces)
	}
}

// TestSkipped holds that packets that cannot be used make a file incomplete, and that those
// around them are read.
func TestSkipped(t *testing.T) {
	var b bytes.Buffer
	w := must(pcapng.NewWriter(&b, pcapng.Section{}))
	must(w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 9}))
	for _, p := range three {
		if err := w.Write(pcapng.Packet{Time: start.Add(p.at), TimeOK: true, Data: []byte(p.data)}); err != nil {
			t.Fatal(err)
		}
		nobody := binary.LittleEndian.AppendUint32(nil, 7) // an interface that is not there
		if err := w.WriteBlock(pcapng.EnhancedPacket, append(nobody, make([]byte, 16)...)); err != nil {
			t.Fatal(err)
		}
	}
	got, f, err := readBytes(t, &b, capture.Options{})
	if err != nil || !slices.Equal(got, wanted(three)) || f.Complete() || strings.Join(ids(f), " ") != "block-skipped×3 lost" {
		t.Errorf("%v, %v, %v", got, ids(f), err)
	}
}

// TestCommentLimit holds that comments are bounded, and that the limit is told.
func TestCommentLimit(t *testing.T) {
	var b bytes.Buffer
	w := must(pcapng.NewWriter(&b, pcapng.Section{Comments: []string{"first"}}))
	must(w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 9}))
	for range 1010 {
		if err := w.Write(pcapng.Packet{Time: start, TimeOK: true, Options: pcapng.Comment("of a packet")}); err != nil {
			t.Fatal(err)
		}
	}
	_, f, err := readBytes(t, &b, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Comments) != 1000 || f.Comments[0] != "first" || strings.Join(ids(f), " ") != "comment-limit×11" || !f.Complete() {
		t.Errorf("%d comments, the first %q, %v", len(f.Comments), f.Comments[0], f.Notes)
	}
}

// TestForeign names what a file is that is none of the formats read, with what to do.
func TestForeign(t *testing.T) {
	const (
		convert    = "convert it first: editcap -F pcapng IN OUT.pcapng"
		notCapture = "name a pcap, pcapng or snoop file"
	)
	erf := func(typ byte, rlen, wlen uint16) string {
		b := make([]byte, 16)
		binary.LittleEndian.PutUint32(b[4:], uint32(start.Unix()))
		b[8] = typ
		binary.BigEndian.PutUint16(b[10:], rlen)
		binary.BigEndian.PutUint16(b[14:], wlen)
		return string(b) + strings.Repeat("\x00", 100)
	}
	tar := make([]byte, 512)
	copy(tar, "a.pcap")
	copy(tar[257:], "ustar\x0000")
	tests := []struct{ name, in, what, advice string }{
		{"netmon 2", "GMBU\x00\x02", "a Microsoft Network Monitor 2 capture", convert},
		{"netmon 1", "RTSS\x01\x01", "a Microsoft Network Monitor 1 capture", convert},
		{"IXIA le", "\xac\x01\x00\x1c", "a pcap variant of IxVeriWave/IXIA", convert},
		{"IXIA be", "\x1c\x00\x01\xab", "a pcap variant of IxVeriWave/IXIA", convert},
		{"Navtel", "\x4d\x3c\x2b\xa1", "a pcap variant of Navtel", convert},
		{"btsnoop", "btsnoop\x00\x00\x00\x00\x01", "a Bluetooth HCI log (btsnoop)", "it holds no IP traffic as such; " + convert},
		{"iptrace", "iptrace 2.0\x00", "an AIX iptrace capture", convert},
		{"NetXRay", "XCP\x00002.002\x00", "a Sniffer or NetXRay capture", convert},
		{"Sniffer", "TRSNIFF data    \x1a", "a Sniffer capture", convert},
		{"peek", "\x7fver\x00", "an OmniPeek or EtherPeek capture", convert},
		{"nettl", "TR\x00\x64\x00\x00\x00\x00\x00\x00\x00\x80/tmp/t.TRC000", "an HP-UX nettl trace", convert},
		{"Observer", "ObserverPktBufferVersion=15.00\x00\x00", "a Viavi Observer capture", convert},
		{"LANalyzer", "\x01\x10\x4c\x00\x01\x05Trace Display Trace File\x00", "a Novell LANalyzer capture", convert},
		{"5View", "\xaa\xaa\xaa\xaa\x20\x00\x00\x00", "an InfoVista 5View capture", convert},
		{"K12", "\x00\x00\x02\x00\x12\x05\x00\x10\x00", "a Tektronix K12 capture", convert},
		{"ERF", erf(2, 96, 64), "an Endace ERF capture", convert},
		{"pcapng with other line ends", "\r\n\r\r\r\n\x1c\x00\x00\x00", "a pcapng file whose line ends were changed, as if it were text", "copy it anew, as binary data"},
		{"pcapng with fewer line ends", "\n\r\n\x1c\x00\x00\x00", "a pcapng file whose line ends were changed, as if it were text", "copy it anew, as binary data"},
		{"pcap as UTF-8", strings.ToValidUTF8("\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "\uFFFD"), "a file that was copied as text", "copy it anew, as binary data"},
		{"pcap of nanoseconds as UTF-8", strings.ToValidUTF8("\x4d\x3c\xb2\xa1\x02\x00\x04\x00", "\uFFFD"), "a file that was copied as text", "copy it anew, as binary data"},
		{"gzip as UTF-8", strings.ToValidUTF8("\x1f\x8b\x08\x00", "\uFFFD"), "a gzip file that was copied as text", "copy it anew, as binary data"},
		{"zstd", "\x28\xb5\x2f\xfd\x04", "zstd-compressed", "decompress it first with zstd -d, or pipe it: zstd -dc FILE | sipsight … -"},
		{"xz", "\xfd7zXZ\x00\x00", "xz-compressed", "decompress it first with xz -d, or pipe it: xz -dc FILE | sipsight … -"},
		{"lz4", "\x04\x22\x4d\x18\x64", "lz4-compressed", "decompress it first with lz4 -d, or pipe it: lz4 -dc FILE | sipsight … -"},
		{"bzip2", "BZh91AY&SY", "bzip2-compressed", "decompress it first with bzip2 -d, or pipe it: bzip2 -dc FILE | sipsight … -"},
		{"compress", "\x1f\x9d\x90", "compressed with the old compress (.Z)", "decompress it first with uncompress, or pipe it: zcat FILE | sipsight … -"},
		{"zip", "PK\x03\x04\x14", "a zip archive", "unpack it first with unzip, and name the captures in it"},
		{"empty zip", "PK\x05\x06" + strings.Repeat("\x00", 18), "an empty zip archive", "it holds nothing to read"},
		{"7-Zip", "7z\xbc\xaf\x27\x1c\x00", "a 7-Zip archive", "unpack it first with 7z x, and name the captures in it"},
		{"RAR", "Rar!\x1a\x07\x00", "a RAR archive", "unpack it first, and name the captures in it"},
		{"tar", string(tar), "a tar archive", "unpack it first with tar -xf, and name the captures in it"},
		{"PDF", "%PDF-1.7", "a PDF document", notCapture},
		{"PNG", "\x89PNG\r\n\x1a\n", "a PNG picture", notCapture},
		{"JPEG", "\xff\xd8\xff\xe0", "a JPEG picture", notCapture},
		{"GIF", "GIF89a", "a GIF picture", notCapture},
		{"ELF", "\x7fELF\x02", "a program (ELF)", notCapture},
		{"PE", "MZ\x90\x00", "a Windows program", notCapture},
		{"WAV", "RIFF\x00\x00\x00\x00WAVE", "a RIFF file (audio or video)", notCapture},
		{"Ogg", "OggS\x00\x02", "an Ogg file (audio or video)", notCapture},
		{"SQLite", "SQLite format 3\x00", "an SQLite database", notCapture},
		{"Office", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft Office document", notCapture},
		{"text", "root:x:0:0:root:/root:/bin/sh\n", "a text file", "text exports are not read; " + notCapture},
		{"text, not ASCII", "Grüße\n", "a text file", "text exports are not read; " + notCapture},
		{"text, cut in a character", "Gr\xc3", "a text file", "text exports are not read; " + notCapture},
		{"UTF-16", "\xff\xfeh\x00i\x00", "a text file (UTF-16)", "text exports are not read; " + notCapture},
		{"UTF-16 be", "\xfe\xff\x00h\x00i", "a text file (UTF-16)", "text exports are not read; " + notCapture},
		{"octets", "\x01\x02\x03\x04secret", "first 4 octets 0x01020304", notCapture},
		{"text that is none", "secret\x00", "first 4 octets 0x73656372", notCapture},
		{"no UTF-8", "secret \xff\xff", "first 4 octets 0x73656372", notCapture},
		{"zeros", strings.Repeat("\x00", 100), "first 4 octets 0x00000000", notCapture},
		{"ERF of an unknown type", erf(49, 96, 64), "first 4 octets 0x00000000", notCapture},
		{"ERF that is too short", erf(2, 15, 64), "first 4 octets 0x00000000", notCapture},
		{"one octet", "\x00", "it has fewer than 4 octets", notCapture},
		{"three octets", "\xd4\xc3\xb2", "it has fewer than 4 octets", notCapture},
		{"pcap magic, half swapped", "\xc3\xd4\xa1\xb2\x00\x00", "first 4 octets 0xc3d4a1b2", notCapture},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			for where, in := range map[string][]byte{"-: ": []byte(c.in), "-: inside the gzip data: ": zipped([]byte(c.in))} {
				_, _, err := readBytes(t, bytes.NewReader(in), capture.Options{})
				if err == nil {
					t.Fatal("it was read")
				}
				if !errors.Is(err, capture.ErrFormat) {
					t.Errorf("%v is no ErrFormat", err)
				}
				got := strings.TrimPrefix(err.Error(), where)
				if !strings.HasPrefix(got, "not a capture") || !strings.Contains(got, c.what) || !strings.HasSuffix(got, "; "+c.advice) {
					t.Errorf("%q\nwant %q and %q", got, c.what, c.advice)
				}
				if strings.Contains(got, "secret") || strings.Contains(got, "root") {
					t.Errorf("its text is told: %q", got)
				}
			}
		})
	}
}
