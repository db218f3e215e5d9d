package capture

import (
	"io"
	"strings"
	"time"

	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

// pcapSource reads a pcap file.
type pcapSource struct {
	r *pcapfile.Reader
	h pcapfile.Header
	p pcapfile.Packet
}

func newPcapSource(r *pcapfile.Reader) *pcapSource { return &pcapSource{r: r, h: r.Header()} }

func (s *pcapSource) next(p *Packet) error {
	if data, origLen, ns, ok := s.r.Quick(); ok {
		p.Time, p.HasTime = time.Unix(0, ns).UTC(), true
		p.OrigLen, p.Data = origLen, data
		p.LinkType, p.FCSLen = s.r.LinkType()
		return nil
	}
	q := &s.p
	if err := s.r.Read(q); err != nil {
		return err
	}
	if p.HasTime = q.OrigLen > 0 || len(q.Data) > 0 || q.Time.Unix() != 0; p.HasTime { // else nothing is in its record, see pcapfile.NoteBlank
		p.Time = q.Time
	}
	p.LinkType, p.FCSLen = s.r.LinkType()
	p.OrigLen, p.Data = q.OrigLen, q.Data
	return nil
}

func (s *pcapSource) finish(f *File) {
	if len(f.Interfaces) == 0 {
		f.Interfaces = []Interface{{}}
	}
	i := &f.Interfaces[0]
	i.LinkType, i.SnapLen, i.Drops = s.h.LinkType, int64(s.h.SnapLen), -1
	i.Resolution = 1000
	if s.h.Nanosecond {
		i.Resolution = 1
	}
	for _, n := range s.r.Notes() {
		f.note(Note{ID: noteID(n.What), What: n.What, Off: n.Off, Count: n.Count, Lost: n.What == pcapfile.NoteBlank && n.Count >= hole})
	}
}

// hole is how many records of nothing but zeros no program writes: with as many as fill the sector of a disk, others are lost.
const hole = 512 / 16

// noteIDs gives the oddities of the format rooms their ids.
var noteIDs = [...]struct{ what, id string }{
	{pcapfile.NoteOverSnapLen, "over-snaplen"},
	{pcapfile.NoteOverOriginal, "over-original-length"},
	{pcapfile.NoteFraction, "time-fraction"},
	{pcapfile.NoteSwapped, "swapped-records"},
	{pcapfile.NoteSecondHeader, "joined-files"},
	{pcapfile.NoteVersion, "unknown-version"},
	{pcapfile.NoteBlank, "record-blank"},
	{pcapng.NoteUnaligned, "block-unaligned"},
	{pcapng.NoteTrailer, "block-length"},
	{pcapng.NoteNoInterface, NoteSkipped},
	{pcapng.NoteNoStatistics, "interface-statistics"},
	{pcapng.NoteShortBlock, NoteSkipped},
	{pcapng.NoteInterfaces, NoteInterface},
	{pcapng.NotePacketLength, "packet-length"},
	{pcapng.NoteOptions, "option-length"},
	{pcapng.NoteTimeInvalid, "time-invalid"},
	{pcapng.NoteUnknownBlock, "unknown-block"},
	{pcapng.NoteNames, "name-limit"},
	{pcapng.NoteSecrets, "secret-limit"},
	{pcapng.NoteText, "text-limit"},
	{pcapng.NoteBadResolution, "interface-option"},
}

func noteID(what string) string {
	for _, n := range noteIDs {
		if n.what == what {
			return n.id
		}
	}
	return "odd"
}

// pcapngSource reads a pcapng file.
type pcapngSource struct{ r *pcapng.Reader }

func (s *pcapngSource) next(p *Packet) error {
	q, err := s.r.Next()
	if err != nil {
		return err
	}
	in := s.r.Interface(q.Interface)
	if p.HasTime = q.TimeOK; q.TimeOK {
		p.Time = q.Time
	}
	p.LinkType, p.FCSLen, p.Interface = in.LinkType, in.FCSLen, q.Interface
	p.OrigLen, p.Data, p.options = q.OrigLen, q.Data, q.Options
	return nil
}

func (s *pcapngSource) finish(f *File) {
	if sections := s.r.Sections(); len(sections) > 0 {
		first := &sections[0]
		f.Application, f.Hardware, f.OS = first.Application, first.Hardware, first.OS
	}
	comments := f.Comments
	f.Comments = nil
	for _, sec := range s.r.Sections() {
		for _, c := range sec.Comments {
			f.addComment(c)
		}
	}
	interfaces := s.r.Interfaces()
	for len(f.Interfaces) < len(interfaces) {
		f.Interfaces = append(f.Interfaces, Interface{})
	}
	for i := range interfaces {
		in, out := &interfaces[i], &f.Interfaces[i]
		out.ID, out.Name, out.LinkType, out.SnapLen = i, in.Name, in.LinkType, int64(in.SnapLen)
		out.Description, out.Filter = in.Description, in.Filter
		out.Resolution, out.Drops = in.Resolution, -1
		if st := in.Statistics; st.Has&pcapng.HasDropped != 0 {
			out.Drops = int64(min(st.Dropped, 1<<62))
		}
		if in.Lost > 0 { // no statistics, or such as were written before the end
			out.Drops = max(out.Drops, int64(in.Lost))
		}
		for _, c := range in.Comments {
			f.addComment(c)
		}
	}
	for _, c := range comments {
		f.addComment(c)
	}
	f.Secrets = s.r.Secrets()
	for _, n := range s.r.Notes() {
		id := noteID(n.What)
		f.note(Note{ID: id, What: n.What, Off: n.Off, Count: n.Count, Lost: id == NoteSkipped || id == NoteInterface})
	}
}

// sniffLen is what the formats are told by: no capture's header is shorter.
const sniffLen = 16

// sniff reads the first octets of r, and returns a reader of all of it.
func sniff(r io.Reader) (head []byte, whole io.Reader, err error) {
	head = make([]byte, sniffLen)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	switch {
	case n == 0 && err == io.EOF:
		return nil, nil, &told{"the file is empty; copy or capture it again", ErrFormat}
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return nil, nil, err
	}
	return head, io.MultiReader(strings.NewReader(string(head)), r), nil
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

func isGzip(b []byte) bool   { return hasPrefix(b, "\x1f\x8b") }
func isPcapng(b []byte) bool { return hasPrefix(b, "\x0a\x0d\x0d\x0a") }

func isPcap(b []byte) bool {
	for _, m := range []string{"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1", "\xa1\xb2\xcd\x34", "\x34\xcd\xb2\xa1"} {
		if hasPrefix(b, m) {
			return true
		}
	}
	return false
}
