package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
)

// le writes numbers in the byte order of most captures.
var le = binary.LittleEndian

// record returns a record of a pcap file that claims captured octets; -1 is the most there is.
func record(captured int, data []byte) []byte {
	b := le.AppendUint32(nil, uint32(begin.Unix()))
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, uint32(captured))
	return append(le.AppendUint32(b, uint32(len(data))), data...)
}

// block returns a block of a pcapng file.
func block(o binary.AppendByteOrder, typ uint32, body ...[]byte) []byte {
	data := slices.Concat(body...)
	data = append(data, make([]byte, -len(data)&3)...)
	b := o.AppendUint32(nil, typ)
	b = o.AppendUint32(b, uint32(12+len(data)))
	return o.AppendUint32(append(b, data...), uint32(12+len(data)))
}

func section(o binary.AppendByteOrder) []byte {
	b := o.AppendUint16(o.AppendUint16(o.AppendUint32(nil, 0x1a2b3c4d), 1), 0)
	return block(o, 0x0a0d0d0a, o.AppendUint64(b, 12345)) // its length is a lie, and not used
}

// described returns an interface of raw IP packets.
func described(o binary.AppendByteOrder, link uint16, options ...byte) []byte {
	return block(o, 1, o.AppendUint32(o.AppendUint16(o.AppendUint16(nil, link), 0), 0), options)
}

// enhanced returns a packet of an interface that claims captured octets.
func enhanced(o binary.AppendByteOrder, id, captured int, data []byte, options ...byte) []byte {
	b := o.AppendUint32(nil, uint32(id))
	us := uint64(begin.UnixMicro())
	b = o.AppendUint32(o.AppendUint32(b, uint32(us>>32)), uint32(us))
	b = append(o.AppendUint32(o.AppendUint32(b, uint32(captured)), uint32(len(data))), data...)
	return block(o, 6, append(b, make([]byte, -len(b)&3)...), options)
}

// ng returns a pcapng file with an interface in front of blocks.
func ng(blocks ...[]byte) []byte {
	return slices.Concat(section(le), described(le, 101), slices.Concat(blocks...))
}

// plainPacket returns an enhanced packet with a request.
func plainPacket(callID string) []byte {
	p := request("INVITE", callID)
	return enhanced(le, 0, len(p), p)
}

// patched returns b with other octets at an offset from its end.
func patched(b []byte, fromEnd int, with ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[len(b)-fromEnd:], with)
	return b
}

// A damaged is a file with one class of damage.
type damaged struct {
	name string
	file []byte
	read string   // the Call-IDs of the messages that are read all the same
	code int      // of every command
	lost []string // what info says was lost: id×count@offset
	note []string // and what was odd: id×count
}

func damagedFiles() []damaged {
	a, b, c := request("INVITE", "a"), request("INVITE", "b"), request("INVITE", "c")
	two := pcap(a, b)
	end := len(two)
	ngA, ngB, ngC := plainPacket("a"), plainPacket("b"), plainPacket("c")
	front := len(ng())
	one := len(ngA)
	long := le.AppendUint32(le.AppendUint32(nil, 6), 200<<20)
	vlans := []byte(capgen.Ether(string(a)))
	vlans = slices.Concat(vlans[:12], bytes.Repeat([]byte{0x81, 0, 0, 1}, 5000), vlans[12:])
	broken := append(zipped(nil)[:10], 7) // a gzip header, and a block of a kind that there is not
	at := func(id string, count, off int) []string { return []string{fmt.Sprintf("%s×%d@%d", id, count, off)} }
	fragments := capgen.Fragment(string(b), 7, 64)
	changed := fragments[0][:40] + "X" + fragments[0][41:]
	flow := capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5080")
	tcp := func(stream string, size int) (list [][]byte) {
		s := &capgen.Stream{Flow: flow}
		list = append(list, []byte(s.SYN()))
		for _, p := range s.SendAll(stream, size) {
			list = append(list, []byte(p))
		}
		return list
	}
	lie := strings.Replace(text(a), "Content-Length: 0", "Content-Length: 4000000000", 1)
	twice := strings.Replace(text(a), "Content-Length: 0", "Content-Length: 10\r\nContent-Length: -1", 1)

	return []damaged{
		// The container: pcap.
		{"pcap, whole", pcap(a, b, c), "a b c", exitOK, nil, nil},
		{"pcap, a record of 200 MB", slices.Concat(two, record(200<<20, c)), "a b", exitPartial, at("file-corrupt", 1, end), nil},
		{"pcap, a record of 4 GiB", slices.Concat(two, record(-1, c)), "a b", exitPartial, at("file-corrupt", 1, end), nil},
		{"pcap, an empty record", slices.Concat(two, record(0, nil), record(len(c), c)), "a b c", exitOK, nil, nil},
		{"pcap, over the snaplen", slices.Concat(patched(pcap(), 8, 16, 0, 0, 0), record(len(a), a), record(len(b), b)), "a b", exitOK, nil, []string{"over-snaplen×2"}},
		{"pcap, cut in a packet", two[:end-1], "a", exitPartial, at("file-cut", 1, end-16-len(b)), nil},
		{"pcap, cut in a record header", slices.Concat(two, record(len(c), c)[:15]), "a b", exitPartial, at("file-cut", 1, end), nil},
		{"pcap, zeros behind the packets", slices.Concat(two, make([]byte, 4096)), "a b", exitPartial, at("file-corrupt", 1, end), nil},
		{"pcap, a hole between the packets", slices.Concat(two, make([]byte, 512), record(len(c), c)), "a b c", exitPartial, at("record-blank", 32, end), nil},
		{"pcap, a blank record", slices.Concat(two, make([]byte, 16), record(len(c), c)), "a b c", exitOK, nil, []string{"record-blank×1", "packet-malformed×1"}},
		{"pcap, joined", slices.Concat(two, pcap(c)), "a b c", exitOK, nil, []string{"joined-files×1"}},

		// pcapng.
		{"pcapng, whole", ng(ngA, ngB, ngC), "a b c", exitOK, nil, nil},
		{"pcapng, a block of 200 MB", ng(ngA, long, ngB), "a", exitPartial, at("file-corrupt", 1, front+one), nil},
		{"pcapng, a block of 8 octets", ng(ngA, le.AppendUint32(le.AppendUint32(nil, 6), 8), ngB), "a", exitPartial, at("file-corrupt", 1, front+one), nil},
		{"pcapng, cut in a block", ng(ngA, ngB[:one-1]), "a", exitPartial, at("file-cut", 1, front+one), nil},
		{"pcapng, two lengths", ng(ngA, patched(ngB, 4, 1, 2, 3, 4), ngC), "a b c", exitOK, nil, []string{"block-length×1"}},
		{"pcapng, an interface that is not described", ng(ngA, enhanced(le, 7, len(b), b), enhanced(le, 8, len(b), b), ngC), "a c", exitPartial, at("block-skipped", 2, front+one), nil},
		{"pcapng, no interface at all", slices.Concat(section(le), ngA, section(le), described(le, 101), ngB), "b", exitPartial, at("block-skipped", 1, len(section(le))), nil},
		{"pcapng, a captured length over its block", ng(ngA, enhanced(le, 0, 1<<30, b), ngC), "a b c", exitOK, nil, []string{"packet-length×1"}},
		{"pcapng, an option over its block", ng(ngA, enhanced(le, 0, len(b), b, 1, 0, 0xff, 0xff, 'x'), ngC), "a b c", exitOK, nil, []string{"option-length×1"}},
		{"pcapng, statistics of an interface that is not described", ng(ngA, block(le, 5, []byte{7, 0, 0, 0}, make([]byte, 8)), ngB), "a b", exitOK, nil, []string{"interface-statistics×1"}},
		{"pcapng, options without an end", ng(ngA, enhanced(le, 0, len(b), b, 1, 0, 1, 0, 'x', 0, 0, 0), ngC), "a b c", exitOK, nil, nil},
		{"pcapng, a resolution of 10^-127", slices.Concat(section(le), described(le, 101, 9, 0, 1, 0, 127, 0, 0, 0), ngA, ngB), "a b", exitOK, nil, nil},
		{"pcapng, a resolution of 2^-127", slices.Concat(section(le), described(le, 101, 9, 0, 1, 0, 255, 0, 0, 0), ngA, ngB), "a b", exitOK, nil, nil},
		{"pcapng, an offset of 2^62 seconds", slices.Concat(section(le), described(le, 101, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x40), ngA, ngB), "a b", exitOK, nil, []string{"time-invalid×2"}},
		{"pcapng, the other byte order in mid-file", slices.Concat(ng(ngA), section(binary.BigEndian), described(binary.BigEndian, 101), enhanced(binary.BigEndian, 0, len(b), b)), "a b", exitOK, nil, nil},
		{"pcapng, unknown and custom blocks", ng(ngA, block(le, 0x12345678, []byte("data")), block(le, 0xbad, []byte("\x01\x02\x03\x04data")), ngB), "a b", exitOK, nil, []string{"unknown-block×1"}},
		{"pcapng, an unknown link type", ng(described(le, 65000), ngA, enhanced(le, 1, len(b), b), enhanced(le, 1, len(b), b), ngC), "a c", exitOK, nil, []string{"link-type-65000-not-decoded×2"}},

		// gzip.
		{"gzip, cut", zipped(pcap(slices.Repeat([][]byte{a, b, c}, 3000)...))[:6000], "+", exitPartial, []string{"gzip-cut×1"}, nil},
		{"gzip, damaged", slices.Concat(zipped(two), broken), "a b", exitPartial, at("gzip-corrupt", 1, end), nil},
		{"gzip, a wrong checksum", patched(zipped(two), 8, 1, 2, 3, 4), "a b", exitPartial, []string{"gzip-checksum×1"}, nil},
		{"gzip, octets behind it", slices.Concat(zipped(two), []byte("garbage")), "a b", exitOK, nil, []string{"gzip-trailing×7"}},
		{"gzip, three members", slices.Concat(zipped(two[:50]), zipped(nil), zipped(two[50:])), "a b", exitOK, nil, nil},

		// Links, addresses, transports: a defect of a packet is told, and no code is changed.
		{"5000 VLAN tags", slices.Concat(patched(pcap(), 4, 1, 0, 0, 0), record(len(vlans), vlans), record(len(vlans), vlans)), "", exitOK, nil, []string{"tunnel-limit×2"}},
		{"IPv4 header length", slices.Concat(two, record(len(c), append([]byte{0x40}, c[1:]...))), "a b", exitOK, nil, []string{"packet-malformed×1"}},
		{"IPv4 total length 0", slices.Concat(two, record(len(c), append([]byte{0x45, 0, 0, 0}, c[4:]...))), "a b c", exitOK, nil, nil},
		{"UDP length", slices.Concat(two, record(len(c), slices.Concat(c[:24], []byte{0xff, 0xff}, c[26:]))), "a b c", exitOK, nil, nil},
		{"fragments that disagree", pcap(slices.Concat([][]byte{a}, octets(fragments[0], changed), octets(fragments[1:]...), [][]byte{c})...), "a b c", exitOK, nil, []string{"frag-conflict×1"}},
		{"a segment lost in a message", pcap(slices.Delete(tcp(text(a)+text(b)+text(c), 60), 2, 3)...), "a c", exitOK, nil, []string{"tcp-gap×1"}},

		// SIP: what is odd is a quirk of the message.
		{"SIP, a length of 4 GB over TCP", pcap(tcp(lie+text(b)+text(c), 100)...), "a b c", exitOK, nil, nil},
		{"SIP, two lengths over TCP", pcap(tcp(twice+text(b)+text(c), 100)...), "a b c", exitOK, nil, nil},
		{"SIP, a length of 4 GB over UDP", pcap(udp(lie), b), "a b", exitOK, nil, nil},
	}
}

// octets makes packets of texts.
func octets(packets ...string) (all [][]byte) {
	for _, p := range packets {
		all = append(all, []byte(p))
	}
	return all
}

// TestDamage holds what is promised for every class of damage: what stands in front of it is
// read, and what stands behind it where it is sure where that begins; the damage is told once,
// with how often and where first; the exit code of every command is 3 where something could
// not be read and 0 where all was; and the memory that it takes is bounded.
func TestDamage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, d := range damagedFiles() {
		t.Run(d.name, func(t *testing.T) {
			if err := os.WriteFile("a.pcap", d.file, 0o666); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := sipsight(t, "info", "--json", "a.pcap")
			runtime.ReadMemStats(&after)
			if cost := after.TotalAlloc - before.TotalAlloc; cost > 8<<20+uint64(16*len(d.file)) {
				t.Errorf("it takes %d octets of memory, %d of file", cost, len(d.file))
			}
			d.info(t, r)
			d.messages(t)
			for _, command := range []string{"analyze", "analyze --json", "info", "summary", "calls", "calls --json", "calls --csv", "registrations", "streams", "findings", "findings --json", "flow", "report -o -", "export --force -o b.pcapng"} {
				r := sipsight(t, append(strings.Fields(command), "a.pcap")...)
				want := d.code
				if d.read == "" && (command == "flow" || strings.HasPrefix(command, "export")) { // nothing to draw or copy
					want = r.code
				}
				if r.code != want || strings.Count(r.err, "(at byte ")+strings.Count(r.err, ", first at byte ") != len(d.lost) {
					t.Errorf("%s: exit code %d, want %d; %q", command, r.code, want, r.err)
				}
				checkErrors(t, r.err)
				if (command == "summary" || command == "info") && strings.Contains(strings.Join(d.note, " "), "-not-decoded") != strings.Contains(r.out, "not decoded ") {
					t.Errorf("%s, where packets of %v: %s", command, d.note, r.out)
				}
			}
		})
	}
}

// info checks what info tells of the damage.
func (d *damaged) info(t *testing.T, r result) {
	t.Helper()
	var x struct {
		Complete bool
		Damage   []struct {
			ID, What      string
			Offset, Count int
		}
		Notes map[string]int `json:"note_counts"`
	}
	if err := json.Unmarshal([]byte(r.out), &x); err != nil {
		t.Fatalf("%v: %q %q", err, r.out, r.err)
	}
	if r.code != d.code || x.Complete != (len(d.lost) == 0) || len(x.Damage) != len(d.lost) {
		t.Errorf("exit code %d, complete %v, damage %+v; want %d, %v", r.code, x.Complete, x.Damage, d.code, d.lost)
	}
	if strings.Count(r.err, "\n") != len(d.lost) {
		t.Errorf("on stderr: %q", r.err)
	}
	for i, want := range d.lost[:min(len(x.Damage), len(d.lost))] {
		if got := fmt.Sprintf("%s×%d@%d", x.Damage[i].ID, x.Damage[i].Count, x.Damage[i].Offset); !strings.HasPrefix(got, want) {
			t.Errorf("damage %s, want %s", got, want)
		}
		where := fmt.Sprintf("at byte %d;", x.Damage[i].Offset)
		if x.Damage[i].Count > 1 {
			where = fmt.Sprintf("%d times, first %s", x.Damage[i].Count, where)
		}
		if !strings.Contains(r.err, where) {
			t.Errorf("stderr does not say where: %q", r.err)
		}
	}
	for _, want := range d.note {
		id, count, _ := strings.Cut(want, "×")
		if fmt.Sprint(x.Notes[id]) != count {
			t.Errorf("notes %v, want %s", x.Notes, want)
		}
	}
	if d.code == exitOK && len(d.note) == 0 && slices.ContainsFunc(slices.Collect(maps.Keys(x.Notes)), func(id string) bool {
		return strings.Contains(id, "block") || strings.Contains(id, "length") && strings.Contains(id, "option")
	}) {
		t.Errorf("notes of a file that is whole: %v", x.Notes)
	}
}

// messages checks which messages are read.
func (d *damaged) messages(t *testing.T) {
	t.Helper()
	r := sipsight(t, "messages", "--json", "a.pcap")
	var ids []string
	for line := range strings.Lines(r.out) {
		var m struct {
			CallID string `json:"call_id"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		ids = append(ids, m.CallID)
	}
	got := strings.Join(ids, " ")
	if r.code != d.code || d.read == "+" && !strings.HasPrefix(got, "a b c a b c") || d.read != "+" && got != d.read {
		t.Errorf("exit code %d, messages %.50q of %d, want %d, %q; %q", r.code, got, len(ids), d.code, d.read, r.err)
	}
}

// A flood is much of what fills tables.
type flood struct {
	name  string
	file  func() []byte
	args  string
	code  int
	limit string // what stderr says of it
	most  uint64 // octets of memory
}

func floods() []flood {
	flow := func(i int) capgen.Flow {
		f := capgen.NewFlow(fmt.Sprintf("198.18.%d.%d:%d", i>>8&255, i&255, 1024+i&0x7fff), "192.0.2.2:5060")
		return f.WithID(uint16(i))
	}
	const n = 30000
	made := func(n int, packet func(i int) string) func() []byte {
		return func() []byte {
			b := pcap()
			for i := range n {
				p := packet(i)
				b = append(b, record(len(p), []byte(p))...)
			}
			return b
		}
	}
	return []flood{
		{"20,000 first fragments", made(20000, func(i int) string { return capgen.Fragment(flow(i).UDP(strings.Repeat("x", 1000)), uint32(i), 504)[0] }), "info", exitPartial, "frag-limit (", 128 << 20},
		{"30,000 half-open connections", made(n, func(i int) string { return flow(i).TCP(uint32(i), 0, 2, "") }), "summary", exitOK, "", 64 << 20},
		{"30,000 connections with half a message", made(n, func(i int) string { return flow(i).TCP(uint32(i), 0, 16, "INVITE sip:a SIP/2.0\r\nCall-ID: ") }), "summary", exitOK, "", 64 << 20},
		{"30,000 Call-IDs", made(n, func(i int) string { return flow(i).UDP(text(request("INVITE", fmt.Sprint(i)))) }), "calls --limit 1", exitOK, "", 384 << 20},
		{"30,000 SSRCs", made(n, func(i int) string {
			return flow(7).UDP("\x80\x00\x00\x01\x00\x00\x00\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(i))) + strings.Repeat("x", 160))
		}), "streams --limit 1", exitOK, "", 64 << 20},
		{"a header of 8 MiB over TCP", func() []byte {
			s := &capgen.Stream{Flow: flow(1)}
			b := pcap()
			for _, p := range s.SendAll("INVITE sip:a SIP/2.0\r\nX: "+strings.Repeat("x", 8<<20), 1400) {
				b = append(b, record(len(p), []byte(p))...)
			}
			return b
		}, "messages", exitOK, "", 64 << 20},
		{"a message in segments of one octet", func() []byte {
			s := &capgen.Stream{Flow: flow(1)}
			b := pcap()
			for _, p := range s.SendAll("INVITE sip:a SIP/2.0\r\nX: "+strings.Repeat("x", 60000)+"\r\nCall-ID: 1\r\n\r\n", 1) {
				b = append(b, record(len(p), []byte(p))...)
			}
			return b
		}, "messages", exitOK, "", 64 << 20},
		{"300,000 interfaces", func() []byte { return ng(bytes.Repeat(described(le, 101), 300000), plainPacket("a")) }, "info", exitPartial, "more interfaces than the limit (37857 times, first at byte", 512 << 20},
		{"a gzip bomb of 1 GiB", func() []byte {
			return slices.Concat(zipped(pcap(request("INVITE", "a"))), bytes.Repeat(zipped(bytes.Repeat(record(1000, make([]byte, 1000)), 64<<10)), 16))
		}, "info --max-inflated 64M", exitPartial, "raise it with --max-inflated", 64 << 20},
	}
}

// text returns the octets behind the headers of a packet of request.
func text(packet []byte) string { return string(packet[28:]) }

// TestFloods holds that what fills tables meets bounds: of memory, and of time, with a margin
// for machines that are slow and busy: what is done for each against each takes minutes.
func TestFloods(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, f := range floods() {
		t.Run(f.name, func(t *testing.T) {
			if err := os.WriteFile("a.pcap", f.file(), 0o666); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			r := sipsight(t, append(strings.Fields(f.args), "a.pcap")...)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			cost := after.TotalAlloc - before.TotalAlloc
			if took > time.Minute || cost > f.most {
				t.Errorf("%v, and %d octets of memory", took, cost)
			}
			t.Logf("%v, %d KiB of memory", took.Round(time.Millisecond), cost>>10)
			if r.code != f.code || !strings.Contains(r.err, f.limit) {
				t.Errorf("exit code %d, want %d; %q", r.code, f.code, r.err)
			}
		})
	}
}
