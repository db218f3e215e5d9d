package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An oracle is what capinfos and tshark say about a capture.
type oracle struct {
	Capinfos struct {
		FileType   string            `json:"file_type"`
		SnapLen    string            `json:"snaplen"`
		Packets    int64             `json:"packets"`
		First      string            `json:"first_time"`
		Last       string            `json:"last_time"`
		InOrder    string            `json:"strict_time_order"`
		Interfaces int               `json:"interfaces"`
		Size       string            `json:"file_size"`
		Exit       int               `json:"exit_status"`
		List       []oracleInterface `json:"interface_list"`
	} `json:"capinfos"`
	Total    int64            `json:"total_packets"`
	Encaps   map[string]int64 `json:"encap_types"`
	Messages string           `json:"tshark_messages"`
}

type oracleInterface struct {
	Name    string `json:"Name"`
	Encap   string `json:"Encapsulation"`
	SnapLen string `json:"Capture length"`
	Ticks   string `json:"Time ticks per second"`
	Packets string `json:"Number of packets"`
}

// An info is what info --json says about one.
type info struct {
	Error       string `json:"error"`
	Format      string `json:"format"`
	Variant     string `json:"variant"`
	Compression string `json:"compression"`
	Size        int64  `json:"size"`
	Packets     int64  `json:"packets"`
	ByteOrder   string `json:"byte_order"`
	First       moment `json:"first_time"`
	Last        moment `json:"last_time"`
	InOrder     *bool  `json:"strict_time_order"`
	Complete    bool   `json:"complete"`
	Interfaces  []struct {
		Name       string  `json:"name"`
		LinkType   int     `json:"link_type"`
		SnapLen    int64   `json:"snaplen"`
		Resolution float64 `json:"resolution_ns"`
		Packets    int64   `json:"packets"`
	} `json:"interfaces"`
	Damage []struct {
		Offset int64 `json:"offset"`
	} `json:"damage"`
}

// encaps maps Wireshark's numbers of encapsulations to the link types they stand for. What
// is no packet, such as a custom block, has none.
var encaps = map[string][]int{
	"1": {1}, "4": {9}, "6": {10}, "7": {101, 12}, "15": {0}, "23": {127}, "25": {113}, "28": {104}, "97": {192}, "115": {220},
	"124": {226}, "129": {228}, "141": {239}, "158": {253}, "171": {258}, "184": {2}, "210": {276},
}

// known lists the differences that stay, each with what the octets say. See docs/oracles.md.
var known = map[string][]string{
	// The file header is big-endian, the records are not; the first packet is whole.
	"endian-mismatch-sip.pcap": {"packets of tshark: 1, others 0", "packets of link type 0: 1, others 0"},
	// A Bluetooth packet of three octets is no reason to stop.
	"pcapng-mixed-link-types.ntar": {"packets of tshark: 413, others 411", "complete: true, others false", "packets of link type 201: 2, others 0"},
	// tshark counts custom blocks as records.
	"pcapng-suite-be-advanced-102.pcapng": {"packets of tshark: 5, others 8"},
	"pcapng-suite-le-advanced-102.pcapng": {"packets of tshark: 5, others 8"},
	"pcapng-suite-be-basic-018.pcapng":    {"packets of tshark: 4, others 8"},
	"pcapng-suite-le-basic-018.pcapng":    {"packets of tshark: 4, others 8"},
	// The same; and capinfos takes the number of an interface in its section for one in the file.
	"pcapng-suite-be-difficult-202.pcapng": sections,
	"pcapng-suite-le-difficult-202.pcapng": sections,
}

var sections = []string{
	"packets of tshark: 8, others 11",
	"packets of interface 0: 2, others 6", "packets of interface 1: 1, others 2", "packets of interface 2: 4, others 0", "packets of interface 4: 1, others 0",
}

// TestOracles compares info with what capinfos and tshark say about real captures.
func TestOracles(t *testing.T) {
	dir := os.Getenv("SIPSIGHT_SHARED")
	if dir == "" {
		t.Skip("SIPSIGHT_SHARED is not set: there are no oracles")
	}
	files, err := filepath.Glob(filepath.Join(dir, "captures", "*.oracle.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no oracles: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".oracle.json")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want oracle
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			var got info
			r := sipsight(t, "info", "--json", strings.TrimSuffix(file, ".oracle.json"))
			if err := json.Unmarshal([]byte(r.out), &got); err != nil {
				t.Fatalf("%v: %s%s", err, r.out, r.err)
			}
			if (r.code == exitOK) != got.Complete {
				t.Errorf("exit code %d, complete %v", r.code, got.Complete)
			}
			description, _ := os.ReadFile(filepath.Join(dir, "captures", strings.TrimSuffix(name, ".pcapng")+".txt"))
			untimed := strings.Contains(string(description), "SPB: ")
			differences := compareInfo(&got, &want, untimed)
			for _, d := range differences {
				if !slices.Contains(known[name], d) {
					t.Error(d)
				}
			}
			for _, d := range known[name] {
				if !slices.Contains(differences, d) {
					t.Errorf("no longer so: %s", d)
				}
			}
		})
	}
}

var digits = regexp.MustCompile(`\d+`)

func number(s string) int64 {
	n, err := strconv.ParseInt(digits.FindString(s), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// compareInfo lists the differences. capinfos says nothing of times where a packet has none
// (untimed), and nothing at all of a file it gave up.
func compareInfo(got *info, want *oracle, untimed bool) (list []string) {
	c := &want.Capinfos
	same := func(what string, got, want any) {
		if got != want {
			list = append(list, fmt.Sprintf("%s: %v, others %v", what, got, want))
		}
	}
	same("packets of tshark", got.Packets, want.Total)
	same("complete", got.Complete, want.Messages == "")
	types, others := map[int]int64{}, map[int]int64{}
	for _, in := range got.Interfaces {
		types[in.LinkType] += in.Packets
	}
	for encap, n := range want.Encaps {
		if list := encaps[encap]; len(list) > 0 {
			link := list[0]
			for _, x := range list {
				if types[x] > 0 {
					link = x
				}
			}
			others[link] += n
			types[link] += 0
		} else if encap != "" {
			same("encapsulation "+encap, "unknown", n)
		}
	}
	for _, link := range slices.Sorted(maps.Keys(types)) {
		same(fmt.Sprint("packets of link type ", link), types[link], others[link])
	}
	if c.Exit > 1 {
		return list
	}
	same("packets", got.Packets, c.Packets)
	format, compression, _ := strings.Cut(c.FileType, " (")
	switch got.Variant {
	case "nanosecond":
		same("format", "nsecpcap", format)
	case "modified":
		same("format", "modpcap", format)
	default:
		same("format", got.Format, format)
	}
	same("compression", got.Compression, strings.TrimSuffix(compression, " compressed)"))
	same("size", got.Size, number(c.Size))
	same("interfaces", len(got.Interfaces), c.Interfaces)
	if !untimed {
		same("first", got.First.epoch(), nanoseconds(c.First))
		same("last", got.Last.epoch(), nanoseconds(c.Last))
		if got.InOrder != nil {
			same("order", *got.InOrder, c.InOrder == "True")
		}
	} else if c.First != "" {
		same("first", "untimed", c.First)
	}
	if got.Format == "pcap" {
		same("snaplen", got.Interfaces[0].SnapLen, max(number(c.SnapLen), 0))
	}
	for i := range min(len(c.List), len(got.Interfaces)) { // those of later sections are repeated
		in, other := &got.Interfaces[i], &c.List[i]
		what := func(s string) string { return fmt.Sprint(s, " of interface ", i) }
		same(what("snaplen"), in.SnapLen, number(other.SnapLen))
		same(what("packets"), in.Packets, number(other.Packets))
		same(what("time unit"), in.Resolution, 1e9/float64(number(other.Ticks)))
		if i+1 < len(got.Interfaces) && other.Name != "" { // the oracle lists a name with the interface before it
			name, _, _ := strings.Cut(got.Interfaces[i+1].Name, `\x0d`)
			same(what("name behind that"), name, other.Name)
		}
	}
	return list
}

// A moment is a time as info writes it.
type moment struct{ time.Time }

// epoch returns the seconds since 1970 with nine decimals, "" for none.
func (m moment) epoch() string {
	if m.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d.%09d", m.Unix(), m.Nanosecond())
}

// nanoseconds returns seconds since 1970 as others write them with nine decimals.
func nanoseconds(s string) string {
	sec, frac, ok := strings.Cut(s, ".")
	if !ok {
		return ""
	}
	return sec + "." + (frac + "000000000")[:9]
}

// TestSuite compares the captures of the pcapng test suite with their descriptions.
func TestSuite(t *testing.T) {
	dir := os.Getenv("SIPSIGHT_SHARED")
	if dir == "" {
		t.Skip("SIPSIGHT_SHARED is not set: there is no suite")
	}
	files, err := filepath.Glob(filepath.Join(dir, "captures", "pcapng-suite-*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no suite: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			blocks := map[string]int64{}
			for _, m := range regexp.MustCompile(`(?m)^\t([A-Z]+): (\d+)$`).FindAllStringSubmatch(string(b), -1) {
				blocks[m[1]] = number(m[2])
			}
			if blocks["SHB"] == 0 {
				t.Fatalf("the description cannot be read: %s", b)
			}
			r := sipsight(t, "info", "--json", strings.TrimSuffix(file, ".txt")+".pcapng")
			var got info
			if err := json.Unmarshal([]byte(r.out), &got); err != nil {
				t.Fatalf("%v: %s", err, r.err)
			}
			if packets := blocks["EPB"] + blocks["SPB"] + blocks["PB"]; got.Packets != packets {
				t.Errorf("%d packets, want %d", got.Packets, packets)
			}
			if n := int64(len(got.Interfaces)); n != blocks["IDB"] {
				t.Errorf("%d interfaces, want %d", n, blocks["IDB"])
			}
			if big := strings.Contains(name, "-be-"); got.Format != "pcapng" || (got.ByteOrder == "big-endian") != big {
				t.Errorf("%s, %s", got.Format, got.ByteOrder)
			}
			if (blocks["EPB"] > 0) == got.First.IsZero() {
				t.Errorf("the first time is %v", got.First)
			}
			if r.code != exitOK || !got.Complete || len(got.Damage) != 0 {
				t.Errorf("exit code %d, %s", r.code, r.err)
			}
			// The same captures exist in both byte orders, and must say the same.
			if other, ok := strings.CutPrefix(name, "pcapng-suite-be-"); ok {
				twin := filepath.Join(dir, "captures", "pcapng-suite-le-"+other+".pcapng")
				l := sipsight(t, "info", "--json", twin)
				a := strings.NewReplacer("big-endian", "", "-be-", "").Replace(r.out)
				b := strings.NewReplacer("little-endian", "", "-le-", "").Replace(l.out)
				if a != b {
					t.Errorf("the two byte orders differ:\n%s\n%s", a, b)
				}
			}
		})
	}
}
