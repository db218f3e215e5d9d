package analysis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
)

// An oracleStream is what tshark says of a stream.
type oracleStream struct {
	Source          string  `json:"src"`
	SourcePort      uint16  `json:"src_port"`
	Destination     string  `json:"dst"`
	DestinationPort uint16  `json:"dst_port"`
	SSRC            string  `json:"ssrc"`
	Packets         int64   `json:"packets"`
	Lost            int64   `json:"lost"`
	MaxDelta        float64 `json:"max_delta_ms"`
	MeanJitter      float64 `json:"mean_jitter_ms"`
	MaxJitter       float64 `json:"max_jitter_ms"`
}

// A difference is one between us and tshark that stays.
type difference struct {
	ssrc   string
	fields string // those that differ
	why    string
}

const (
	copied   = "tshark counts every packet of a mirror or of several interfaces twice; the second capture has the same IP identification"
	shared   = "eight calls at once send one recording with one SSRC from one port: tshark takes their interleaved numbers for one sequence"
	repeated = "lost packets and repeated ones are not weighed against each other; tshark's clock stands still over telephone events"
)

// explained lists the differences by capture.
var explained = map[string][]difference{
	"b2bua-asterisk.pcapng": {{"0x44830d58", "missing", "a single packet is no stream without its session description"}},
	"honeynet-voip-challenge.pcap": {
		{"0xa254e017", "lost mean_jitter", repeated},
	},
	"ims-ipsec-call.pcapng": {
		{"0x000e61f1", "packets lost mean_jitter max_jitter", copied},
		{"0x003268d0", "packets lost mean_jitter max_jitter", copied},
	},
	"own-udp-rtp-pcma-dtmf.pcapng": {
		{"0x0e05384e", "lost", shared},
		{"0xdee0ee8f", "lost mean_jitter max_jitter", shared},
	},
	"rtp-l16.pcap": {{"0x043da985", "mean_jitter max_jitter", "L16 of a dynamic payload type at 8000 Hz, by timestamps and clock: tshark takes another rate"}},
	"skinny.pcap": {
		{"0x7c1071e2", "packets lost", copied},
		{"0xf6bf57dc", "packets lost", copied},
	},
	"t38-fax-gateway.pcap": {
		{"0x17d90134", "max_delta mean_jitter max_jitter", "the timestamp is set anew by -43 s; tshark takes that for jitter, and its clock stands still over payload type 100"},
		{"0x0eaf0eaf", "packets lost max_delta mean_jitter max_jitter", "tshark reads half of the packets as T.38 since an offer that was refused"},
	},
	"volte-cooked.pcapng": {
		{"0x4b1f94f8", "packets lost mean_jitter max_jitter", copied},
		{"0x862a84d4", "packets lost mean_jitter max_jitter", copied},
	},
}

// unannounced are the streams that tshark does not follow, because no session description
// that it saw announces their ports, by capture.
var unannounced = map[string]int{
	"rtcp-a-side.pcap": 1, "rtcp-o-side.pcap": 1, "rtp-2d-parity-fec.cap.gz": 1, "rtp-40ms-alaw.pcap": 1, "rtp-dtmf-5-source.pcap": 1,
	"rtp-dtmf-events.pcapng": 2, "rtp-filter-fail.pcap": 1, "rtp-g711a-source.pcap": 1, "rtp-milliwatt-pcmu.pcap": 1,
	"sip-rtp-rtcp.pcap": 2, "sip-video-call.pcap": 2, "srtp-alice.pcap": 1, "stun-dtls-srtp.pcapng": 1,
}

// TestStreamOracles compares the streams of real captures with those of tshark: packets and
// losses are equal, times within 1 % or 0.1 ms. What differs is explained above, and what is
// explained does differ. In captures without RTP nothing is taken for it.
func TestStreamOracles(t *testing.T) {
	dir := os.Getenv("SIPSIGHT_SHARED")
	if dir == "" {
		t.Skip("SIPSIGHT_SHARED is not set: there are no oracles")
	}
	files, err := filepath.Glob(filepath.Join(dir, "captures", "*.oracle.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no oracles: %v", err)
	}
	compared := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".oracle.json")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Streams []oracleStream `json:"rtp_streams"`
		}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		compared += len(want.Streams)
		t.Run(name, func(t *testing.T) {
			compareStreams(t, name, fileStreams(t, strings.TrimSuffix(file, ".oracle.json")), want.Streams)
		})
	}
	if compared == 0 {
		t.Error("no oracle has streams")
	}
}

func fileStreams(t *testing.T, file string) []*analysis.Stream {
	t.Helper()
	r, err := capture.Open(context.Background(), []string{file}, capture.Options{})
	if err != nil {
		return nil
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Streams: true})
	if err != nil {
		t.Fatal(err)
	}
	return res.Streams
}

func compareStreams(t *testing.T, name string, got []*analysis.Stream, want []oracleStream) {
	found := map[string]bool{}
	for i := range want {
		w := &want[i]
		k := slices.IndexFunc(got, func(s *analysis.Stream) bool { return w.is(s) })
		fields := "missing"
		detail := ""
		if k >= 0 {
			fields, detail = w.differs(got[k])
			got = slices.Delete(slices.Clone(got), k, k+1)
		}
		if fields == "" {
			continue
		}
		x := slices.IndexFunc(explained[name], func(d difference) bool { return d.ssrc == w.SSRC && d.fields == fields })
		if x < 0 {
			t.Errorf("%s of port %d differs in %s: %s", w.SSRC, w.SourcePort, fields, detail)
			continue
		}
		found[w.SSRC] = true
	}
	for _, d := range explained[name] {
		if !found[d.ssrc] {
			t.Errorf("%s is explained to differ in %s, and does not", d.ssrc, d.fields)
		}
	}
	if len(got) != unannounced[name] {
		t.Errorf("%d streams that tshark does not follow, want %d", len(got), unannounced[name])
		for _, s := range got {
			t.Log(line(s))
		}
	}
}

func (w *oracleStream) is(s *analysis.Stream) bool {
	port := func(ip string, port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(ip), port) }
	ssrc, _ := strconv.ParseUint(w.SSRC, 0, 32)
	return s.SSRC() == uint32(ssrc) && s.Source() == port(w.Source, w.SourcePort) && s.Destination() == port(w.Destination, w.DestinationPort)
}

// differs lists the fields in which s is another.
func (w *oracleStream) differs(s *analysis.Stream) (fields, detail string) {
	r := s.Report()
	for _, x := range []struct {
		field     string
		got, want float64
		exact     bool
	}{
		{"packets", float64(r.Packets), float64(w.Packets), true},
		{"lost", float64(r.Lost), float64(w.Lost), true},
		{"max_delta", float64(r.MaxDelta) / 1e6, w.MaxDelta, false},
		{"mean_jitter", float64(r.MeanJitter) / 1e6, w.MeanJitter, false},
		{"max_jitter", float64(r.MaxJitter) / 1e6, w.MaxJitter, false},
	} {
		off := math.Abs(x.got - x.want)
		if x.exact && off != 0 || off > max(0.1, 0.01*x.want) {
			fields += " " + x.field
			detail += fmt.Sprintf(" %s %v, want %v", x.field, x.got, x.want)
		}
	}
	return strings.TrimSpace(fields), detail
}
