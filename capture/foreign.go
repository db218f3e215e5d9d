package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// What to do with a file that is something else.
const (
	convert    = "convert it first: editcap -F pcapng IN OUT.pcapng"
	decompress = "decompress it first with "
	notCapture = "name a pcap, pcapng or snoop file"
	copyAnew   = "copy it anew, as binary data"
)

// foreign lists formats that are known and not read, by their first octets.
var foreign = []struct{ magic, name, advice string }{
	{"GMBU", "a Microsoft Network Monitor 2 capture", convert},
	{"RTSS", "a Microsoft Network Monitor 1 capture", convert},
	{"\xac\x01\x00\x1c", "a pcap variant of IxVeriWave/IXIA", convert},
	{"\xab\x01\x00\x1c", "a pcap variant of IxVeriWave/IXIA", convert},
	{"\x1c\x00\x01\xac", "a pcap variant of IxVeriWave/IXIA", convert},
	{"\x1c\x00\x01\xab", "a pcap variant of IxVeriWave/IXIA", convert},
	{"\xa1\x2b\x3c\x4d", "a pcap variant of Navtel", convert},
	{"\x4d\x3c\x2b\xa1", "a pcap variant of Navtel", convert},
	{"btsnoop\x00", "a Bluetooth HCI log (btsnoop)", "it holds no IP traffic as such; " + convert},
	{"iptrace 1.0", "an AIX iptrace capture", convert},
	{"iptrace 2.0", "an AIX iptrace capture", convert},
	{"XCP\x00", "a Sniffer or NetXRay capture", convert},
	{"TRSNIFF data", "a Sniffer capture", convert},
	{"\x7fver", "an OmniPeek or EtherPeek capture", convert},
	{"\x05VNF", "a Visual Networks capture", convert},
	{"TR\x00\x64\x00", "an HP-UX nettl trace", convert},
	{"ObserverPktBuf", "a Viavi Observer capture", convert},
	{"\x01\x10\x4c\x00\x01\x05", "a Novell LANalyzer capture", convert},
	{"\xaa\xaa\xaa\xaa", "an InfoVista 5View capture", convert},
	{"\x00\x00\x02\x00\x12\x05\x00\x10", "a Tektronix K12 capture", convert},
	{"\r\n\r\r\r\n", "a pcapng file whose line ends were changed, as if it were text", copyAnew}, // its first octets are there to tell
	{"\n\r\n", "a pcapng file whose line ends were changed, as if it were text", copyAnew},
	{"\xef\xbf\xbd", "a file that was copied as text", copyAnew},   // whose octets are replaced where they are no UTF-8
	{"M<\xef\xbf\xbd", "a file that was copied as text", copyAnew}, // with nanoseconds
	{"\x1f\xef\xbf\xbd", "a gzip file that was copied as text", copyAnew},
	{"\x28\xb5\x2f\xfd", "zstd-compressed", decompress + "zstd -d, or pipe it: zstd -dc FILE | sipsight … -"},
	{"\xfd7zXZ\x00", "xz-compressed", decompress + "xz -d, or pipe it: xz -dc FILE | sipsight … -"},
	{"\x04\x22\x4d\x18", "lz4-compressed", decompress + "lz4 -d, or pipe it: lz4 -dc FILE | sipsight … -"},
	{"BZh", "bzip2-compressed", decompress + "bzip2 -d, or pipe it: bzip2 -dc FILE | sipsight … -"},
	{"\x1f\x9d", "compressed with the old compress (.Z)", decompress + "uncompress, or pipe it: zcat FILE | sipsight … -"},
	{"PK\x03\x04", "a zip archive", "unpack it first with unzip, and name the captures in it"},
	{"PK\x05\x06", "an empty zip archive", "it holds nothing to read"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first with 7z x, and name the captures in it"},
	{"Rar!\x1a\x07", "a RAR archive", "unpack it first, and name the captures in it"},
	{"%PDF", "a PDF document", notCapture},
	{"\x89PNG", "a PNG picture", notCapture},
	{"\xff\xd8\xff", "a JPEG picture", notCapture},
	{"GIF8", "a GIF picture", notCapture},
	{"\x7fELF", "a program (ELF)", notCapture},
	{"MZ", "a Windows program", notCapture},
	{"RIFF", "a RIFF file (audio or video)", notCapture},
	{"OggS", "an Ogg file (audio or video)", notCapture},
	{"SQLite format 3", "an SQLite database", notCapture},
	{"\xd0\xcf\x11\xe0", "a Microsoft Office document", notCapture},
}

// unknownFormat says what a file is that is none of the formats read. What the
// file holds is never shown, but for its first four octets where it is unknown.
func unknownFormat(head []byte, r io.Reader) error {
	for _, f := range foreign {
		if hasPrefix(head, f.magic) {
			return fmt.Errorf("%w that can be read: this is %s; %s", ErrFormat, f.name, f.advice)
		}
	}
	b := make([]byte, 512)
	n, _ := io.ReadFull(r, b) // r begins with head
	b = b[:n]
	if name, advice := guess(b); name != "" {
		return fmt.Errorf("%w that can be read: this looks like %s; %s", ErrFormat, name, advice)
	}
	if len(b) < 4 {
		return fmt.Errorf("%w: it has fewer than 4 octets; %s", ErrFormat, notCapture)
	}
	return fmt.Errorf("%w (first 4 octets 0x%08x); %s", ErrFormat, binary.BigEndian.Uint32(b), notCapture)
}

// guess names formats that have no magic number at their start.
func guess(b []byte) (name, advice string) {
	switch {
	case len(b) >= 262 && string(b[257:262]) == "ustar":
		return "a tar archive", "unpack it first with tar -xf, and name the captures in it"
	case hasPrefix(b, "\xff\xfe") || hasPrefix(b, "\xfe\xff"):
		return "a text file (UTF-16)", "text exports are not read; " + notCapture
	case isText(b):
		return "a text file", "text exports are not read; " + notCapture
	case isERF(b):
		return "an Endace ERF capture", convert
	}
	return "", ""
}

// isERF recognises the first record of an ERF file: a little-endian time of the
// years 1990 to 2106, a known type, a record length that holds the header.
func isERF(b []byte) bool {
	if len(b) < 16 {
		return false
	}
	sec := binary.LittleEndian.Uint32(b[4:])
	typ := b[8] & 0x7f
	rlen, wlen := int(binary.BigEndian.Uint16(b[10:])), int(binary.BigEndian.Uint16(b[14:]))
	return sec > 631152000 && typ >= 1 && typ <= 48 && rlen >= 16 && rlen <= wlen+64 && wlen > 0
}

// isText reports whether b is text of people: no control characters but white space.
func isText(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b || c == 0x7f {
			return false
		}
	}
	for len(b) > 0 { // a character cut at the end is no fault
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && utf8.FullRune(b) {
			return false
		}
		b = b[n:]
	}
	return true
}
