package analysis_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestPrefix: a capture that is cut behind any octet gives the messages that are whole in
// what is left of it, each as in the whole capture.
func TestPrefix(t *testing.T) {
	flow := capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:5060")
	message := func(id string) string {
		return "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK" + id + "\r\nCall-ID: " + id + "\r\nContent-Length: 4\r\n\r\nbody"
	}
	there := &capgen.Stream{Flow: flow, Seq: 100}
	packets := []string{capgen.Ether(there.SYN()), capgen.Ether(flow.UDP(message("u1")))}
	for _, s := range there.SendAll(message("t1")+message("t2"), 70) {
		packets = append(packets, capgen.Ether(s))
	}
	for _, f := range capgen.Fragment(flow.UDP(message("f1")), 9, 64) {
		packets = append(packets, capgen.Ether(f))
	}
	packets = append(packets, capgen.Ether(flow.UDP(message("u2"))))
	file := capgen.Pcap(capgen.Packets(1, packets...))
	messages := func(b []byte) (list []string) {
		r, err := capture.NewReader(context.Background(), bytes.NewReader(b), capture.Options{})
		if err != nil {
			return nil
		}
		defer r.Close()
		_, err = analysis.Run(context.Background(), r, analysis.Options{Message: func(m *analysis.Message) error {
			if !m.Partial {
				list = append(list, string(m.SIP.Raw()))
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	whole := messages(file)
	if len(whole) != 5 {
		t.Fatalf("%d messages", len(whole))
	}
	last := 0
	for n := range len(file) + 1 {
		got := messages(file[:n])
		if len(got) < last || !slices.Equal(got, whole[:len(got)]) {
			t.Fatalf("%d octets: %d messages, %d before", n, len(got), last)
		}
		last = len(got)
	}
	if last != len(whole) {
		t.Errorf("%d messages in the end", last)
	}
}
