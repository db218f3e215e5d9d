package analysis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/sipmsg"
)

// ordered returns what is said of each message of a capture, in the order of the packets that complete them or not.
func ordered(t *testing.T, packets []capgen.Packet, inOrder bool) (list []string, frames []int64) {
	t.Helper()
	r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(packets)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = analysis.Run(context.Background(), r, analysis.Options{Ordered: inOrder, Message: func(m *analysis.Message) error {
		list = append(list, fmt.Sprint(m.Frame, m.Frames, m.Time, m.Source, m.Transport, m.Tunnel, m.Notes, m.Partial, m.CopyOf, string(m.SIP.Raw()), m.SIP.Check()))
		if !m.Partial {
			frames = append(frames, m.Frame.Number)
		}
		if inOrder && m.Number != int64(len(list)) {
			t.Errorf("number %d of message %d", m.Number, len(list))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return list, frames
}

// shuffled returns connections with segments that are lost or swapped, messages without a Content-Length, and
// datagrams between them.
func shuffled(r *rand.Rand) (packets []capgen.Packet) {
	var flows [][]string
	for i := range 3 {
		there := &capgen.Stream{Flow: capgen.NewFlow(fmt.Sprintf("192.0.2.1:%d", 40000+i), "192.0.2.2:5060"), Seq: r.Uint32()}
		here := &capgen.Stream{Flow: there.Back(), Seq: r.Uint32()}
		for _, s := range []*capgen.Stream{there, here} {
			stream := ""
			for n := range 2 + r.IntN(6) {
				length := "Content-Length: 0\r\n"
				if r.IntN(5) == 0 {
					length = "Content-Type: a/b\r\n"
				}
				stream += fmt.Sprintf("OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK%d\r\nCall-ID: %v-%d@h\r\nCSeq: 1 OPTIONS\r\n%s\r\n", n, s.Src, n, length)
			}
			list := append([]string{s.SYN()}, s.SendAll(stream, []int{60, 200, 500}[r.IntN(3)])...)
			list = slices.DeleteFunc(list, func(string) bool { return r.IntN(12) == 0 })
			for i := 1; i < len(list)-1; i++ {
				if r.IntN(5) == 0 {
					list[i], list[i+1] = list[i+1], list[i]
				}
			}
			flows = append(flows, list)
		}
	}
	var datagrams []string
	for i := range 10 {
		datagrams = append(datagrams, capgen.NewFlow("192.0.2.3:5060", "192.0.2.2:5060").UDP(fmt.Sprintf("OPTIONS sip:b@h SIP/2.0\r\nCall-ID: u%d@h\r\n\r\n", i)))
	}
	flows = append(flows, datagrams)
	now, step := capgen.Start, time.Duration(1+r.IntN(50))*time.Millisecond
	for {
		flows = slices.DeleteFunc(flows, func(l []string) bool { return len(l) == 0 })
		if len(flows) == 0 {
			return packets
		}
		f := &flows[r.IntN(len(flows))]
		packets = append(packets, capgen.Packet{Time: now, Link: 101, Data: (*f)[0]})
		*f, now = (*f)[1:], now.Add(step)
	}
}

// TestOrdered: with Options.Ordered messages come in the order of the packets that complete them, and are the same ones
// as without it.
func TestOrdered(t *testing.T) {
	late := 0
	for seed := range uint64(200) {
		packets := shuffled(rand.New(rand.NewPCG(seed, 7)))
		got, frames := ordered(t, packets, true)
		if !slices.IsSorted(frames) {
			t.Errorf("seed %d: %d", seed, frames)
		}
		want, known := ordered(t, packets, false)
		if !slices.IsSorted(known) {
			late++
		}
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("seed %d: %d messages, %d otherwise, or others", seed, len(got), len(want))
		}
	}
	if late < 50 {
		t.Errorf("only %d captures have messages that are known late", late)
	}
}

// TestOrderedBounds: for a connection that stays silent others wait for ten seconds, when what is missing is given up, and for some
// thousand messages, in front of which it is not shown; and Message may stop it.
func TestOrderedBounds(t *testing.T) {
	s := &capgen.Stream{Flow: capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:5060"), Seq: 1}
	option := func(id string) string {
		return "OPTIONS sip:b@h SIP/2.0\r\nCall-ID: " + id + "\r\nContent-Length: 0\r\n\r\n"
	}
	udp := capgen.NewFlow("192.0.2.3:5060", "192.0.2.2:5060")
	for _, c := range []struct {
		n    int
		step time.Duration
		late bool
		next string
	}{{15, time.Second, false, "waits@h"}, {5000, time.Microsecond, true, "u0@h"}} {
		packets := capgen.Packets(101, s.SYN(), s.Send(option("first@h")))
		s.Send(option("lost@h"))
		packets = append(packets, capgen.Packet{Time: capgen.Start, Link: 101, Data: s.Send(option("waits@h"))})
		for i := range c.n {
			packets = append(packets, capgen.Packet{Time: capgen.Start.Add(time.Duration(i) * c.step), Link: 101, Data: udp.UDP(option(fmt.Sprintf("u%d@h", i)))})
		}
		list, frames := ordered(t, packets, true)
		if len(list) != c.n+2 || slices.IsSorted(frames) == c.late {
			t.Errorf("%d messages each %v: %d; is one late? %v", c.n, c.step, len(list), !c.late)
		}
		r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(packets)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		res, err := analysis.Run(context.Background(), r, analysis.Options{Ordered: true, Message: func(m *analysis.Message) error {
			id, _ := m.SIP.First(sipmsg.CallID)
			if ids = append(ids, string(id)); len(ids) == 2 {
				return analysis.ErrStop
			}
			return nil
		}})
		r.Close()
		if err != nil || !res.Stopped || !slices.Equal(ids, []string{"first@h", c.next}) {
			t.Errorf("%v, %q", err, ids)
		}
		failed := errors.New("failed")
		r, err = capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(packets)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		_, err = analysis.Run(context.Background(), r, analysis.Options{Ordered: true, Message: func(*analysis.Message) error {
			if n++; n == 2 {
				return failed
			}
			return nil
		}})
		r.Close()
		if err != failed {
			t.Errorf("%v", err)
		}
	}
}

// The messages of a leg stand in the order of their packets, too: here an INVITE is known behind its responses, since its
// end is lost.
func TestStepsInOrder(t *testing.T) {
	there := &capgen.Stream{Flow: capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:5060"), Seq: 1000}
	here := &capgen.Stream{Flow: there.Back(), Seq: 5000}
	head := "Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=a\r\nTo: <sip:b@h>%s\r\nCall-ID: c@h\r\nCSeq: 1 INVITE\r\nContent-Length: %d\r\n\r\n"
	invite := "INVITE sip:b@h SIP/2.0\r\n" + fmt.Sprintf(head, "", 300) + string(bytes.Repeat([]byte("x"), 300))
	list := there.SendAll(invite, 200)
	list = list[:len(list)-1]
	for _, status := range []string{"100 Trying", "180 Ringing", "200 OK"} {
		list = append(list, here.SendAll("SIP/2.0 "+status+"\r\n"+fmt.Sprintf(head, ";tag=b", 0), 1000)...)
	}
	var packets []capgen.Packet
	for i, p := range list {
		packets = append(packets, capgen.Packet{Time: capgen.Start.Add(time.Duration(i) * time.Millisecond), Link: 101, Data: p})
	}
	res := run(t, capgen.Pcap(packets))
	if res.Calls.Len() != 1 {
		t.Fatalf("%d calls", res.Calls.Len())
	}
	var frames []int64
	for _, s := range res.Calls.At(0).First().Steps {
		frames = append(frames, s.Frame.Number)
	}
	if want := []int64{2, 3, 4, 5}; !slices.Equal(frames, want) {
		t.Errorf("messages in frames %d, want %d", frames, want)
	}
}
