package report

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/layers"
)

// Of one file maxInterfaces bounds the interfaces that are listed, and maxComments the comments.
const (
	maxInterfaces = 1024
	maxComments   = 100
)

// AppendInfo appends what one capture is: one JSON object, without a line end.
func AppendInfo(b []byte, f *analysis.File) []byte {
	return appendInfo(b, f, firstOf(f.Capture.Interfaces, maxInterfaces), maxComments)
}

// AppendInfoWithin is AppendInfo with fewer comments, and the busiest interfaces, where that makes it
// fit into most octets; cut says that it has fewer.
func AppendInfoWithin(b []byte, f *analysis.File, most int) (_ []byte, cut bool) {
	start := len(b)
	interfaces, comments := busiest(f.Capture.Interfaces, maxInterfaces), min(len(f.Capture.Comments), maxComments)
	for n := max(len(interfaces), comments); ; n /= 2 {
		b = appendInfo(b[:start], f, busiest(interfaces, n), n)
		if len(b)-start <= most || n == 0 {
			return b, n < max(len(interfaces), comments)
		}
	}
}

// busiest returns the n interfaces with the most packets if there are more, and else all in order.
func busiest(list []capture.Interface, n int) []capture.Interface {
	if len(list) <= n {
		return list
	}
	list = slices.Clone(list)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Packets > list[j].Packets })
	return list[:n]
}

// appendInfo appends what a capture is, with these of its interfaces, and n comments at most.
func appendInfo(b []byte, f *analysis.File, shown []capture.Interface, n int) []byte {
	w := jsonWriter{b: b}
	c := f.Capture
	w.open('{')
	w.key("file").name(c.Name)
	if c.Err != nil {
		w.key("error").textLimit([]byte(openError(c)), 1000)
		w.key("complete").bool(false)
		w.close('}')
		return w.b
	}
	w.key("format").quote([]byte(c.Format))
	if c.Variant != "" {
		w.key("variant").quote([]byte(c.Variant))
	}
	w.key("byte_order")
	if c.BigEndian {
		w.quote([]byte("big-endian"))
	} else {
		w.quote([]byte("little-endian"))
	}
	if c.Compression != "" {
		w.key("compression").quote([]byte(c.Compression))
	}
	w.key("size").int(c.Size)
	w.key("packets").int(c.Packets)
	if c.HasTime {
		w.key("first_time").time(c.First)
		w.key("last_time").time(c.Last)
		w.key("duration_ms").float(float64(c.Last.Sub(c.First)) / 1e6)
	}
	w.key("data_bytes").int(c.DataBytes)
	w.rates(c)
	w.key("interfaces").interfaces(shown)
	if left := len(c.Interfaces) - len(shown); left > 0 {
		w.key("interfaces_left_out").int(int64(left))
	}
	w.given("application", []byte(c.Application))
	w.given("hardware", []byte(c.Hardware))
	w.given("os", []byte(c.OS))
	comments := c.Comments[:min(len(c.Comments), n, maxComments)]
	w.key("comments").texts(comments)
	if left := len(c.Comments) - len(comments); left > 0 {
		w.key("comments_left_out").int(int64(left))
	}
	w.key("complete").bool(c.Ended && c.Complete())
	w.key("damage").open('[')
	w.damage(c, false)
	w.close(']')
	w.key("protocols").open('{')
	for _, p := range f.Protocols {
		w.key(p.Name).int(p.Packets)
	}
	w.close('}')
	w.key("sip_messages").int(f.Messages)
	w.key("copies").int(f.Copies)
	w.key("encrypted_sip_flows").int(f.Encrypted)
	w.key("cut_packets").int(c.CutPackets)
	w.key("notes").open('[')
	for _, n := range f.Notes {
		w.quote([]byte(n.ID))
	}
	w.close(']')
	w.key("note_counts").open('{')
	for _, n := range f.Notes {
		w.key(n.ID).int(n.Count)
	}
	w.close('}')
	w.end()
	return w.b
}

// rates writes the averages that capinfos gives, where they are defined.
func (w *jsonWriter) rates(c *capture.File) {
	w.key("captured_bytes").int(c.CapturedBytes)
	if c.Packets > 0 {
		w.key("average_packet_bytes").float(round(float64(c.DataBytes) / float64(c.Packets)))
	}
	if d := c.Last.Sub(c.First); c.HasTime && d > 0 {
		s := float64(d) / float64(time.Second)
		w.key("bytes_per_second").float(round(float64(c.DataBytes) / s))
		w.key("bits_per_second").float(round(float64(c.DataBytes) * 8 / s))
		w.key("packets_per_second").float(round(float64(c.Packets) / s))
	}
	if c.HasTime {
		w.key("strict_time_order").bool(c.InOrder)
	}
}

// round rounds to two decimals.
func round(x float64) float64 {
	if x > 1<<52 {
		return x
	}
	return float64(int64(x*100+0.5)) / 100
}

func (w *jsonWriter) interfaces(list []capture.Interface) {
	w.open('[')
	for i := range list {
		in := &list[i]
		w.open('{')
		w.key("id").int(int64(in.ID))
		w.given("name", []byte(in.Name))
		w.given("description", []byte(in.Description))
		w.given("filter", []byte(in.Filter))
		w.key("link_type").int(int64(in.LinkType))
		w.key("link_type_name").quote([]byte(layers.LinkType(in.LinkType).String()))
		w.key("snaplen").int(in.SnapLen)
		w.key("resolution_ns").float(in.Resolution)
		w.key("packets").int(in.Packets)
		if in.Drops >= 0 {
			w.key("drops").int(in.Drops)
		}
		w.close('}')
	}
	w.close(']')
}

// openError says why a file could not be opened, without its name.
func openError(c *capture.File) string { return strings.TrimPrefix(c.Err.Error(), c.Name+": ") }

// damage writes an object for each thing that could not be read, with the name of the
// file if there are several, and returns how many there are.
func (w *jsonWriter) damage(c *capture.File, several bool) (count int) {
	file := func() {
		if several {
			w.key("file").name(c.Name)
		}
	}
	if c.Err != nil {
		w.open('{')
		file()
		w.key("what").textLimit([]byte(openError(c)), 1000)
		w.close('}')
		return 1
	}
	for _, n := range c.Damage() {
		count++
		w.open('{')
		file()
		w.key("id").quote([]byte(n.ID))
		w.key("what").textLimit([]byte(n.What), 1000)
		w.key("offset").int(n.Off)
		w.key("count").int(n.Count)
		w.close('}')
	}
	return count
}
