package analysis_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/sipmsg"
)

// open opens a capture of the project.
func open(name string) *capture.Reader {
	r, err := capture.Open(context.Background(), []string{"../testdata/captures/" + name}, capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return r
}

// Each message with the packet that it is in. A message is valid until the function returns.
func ExampleRun() {
	r := open("ipv6-call.pcapng")
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Message: func(m *analysis.Message) error {
		cseq, _ := m.SIP.First(sipmsg.CSeq)
		fmt.Printf("frame %d: %s to %s, %s (%s)\n", m.Frame.Number, m.Source, m.Destination, m.SIP.StartLine, cseq)
		return nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Statistics.Messages, "messages in", res.Packets, "packets")
	// Output:
	// frame 1: [::1]:5070 to [::1]:5060, INVITE sip:bob@example.com SIP/2.0 (101 INVITE)
	// frame 2: [::1]:5060 to [::1]:5070, SIP/2.0 100 Trying (101 INVITE)
	// frame 3: [::1]:5060 to [::1]:5070, SIP/2.0 180 Ringing (101 INVITE)
	// frame 4: [::1]:5070 to [::1]:5060, INVITE sip:bob@example.com SIP/2.0 (101 INVITE)
	// frame 5: [::1]:5060 to [::1]:5070, SIP/2.0 100 Trying (101 INVITE)
	// frame 6: [::1]:5060 to [::1]:5070, SIP/2.0 180 Ringing (101 INVITE)
	// frame 7: [::1]:5060 to [::1]:5070, SIP/2.0 200 OK (101 INVITE)
	// frame 8: [::1]:5070 to [::1]:5060, ACK sip:bob@[::1]:5060;transport=UDP SIP/2.0 (101 ACK)
	// frame 9: [::1]:5060 to [::1]:5070, SIP/2.0 200 OK (101 INVITE)
	// frame 10: [::1]:5070 to [::1]:5060, ACK sip:bob@[::1]:5060;transport=UDP SIP/2.0 (101 ACK)
	// frame 11: [::1]:5070 to [::1]:5060, BYE sip:bob@[::1]:5060;transport=UDP SIP/2.0 (102 BYE)
	// frame 12: [::1]:5060 to [::1]:5070, SIP/2.0 200 OK (102 BYE)
	// frame 13: [::1]:5070 to [::1]:5060, BYE sip:bob@[::1]:5060;transport=UDP SIP/2.0 (102 BYE)
	// frame 14: [::1]:5060 to [::1]:5070, SIP/2.0 200 OK (102 BYE)
	// 14 messages in 14 packets
}

// The calls of a capture: what became of each, and how long it took.
func ExampleRun_calls() {
	r := open("udp-failures.pcapng")
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true})
	if err != nil {
		log.Fatal(err)
	}
	for call := range res.Calls.All() {
		leg := call.First()
		fmt.Println(call.ID, leg.State, leg.FinalStatus, call.Verdict())
	}
	// Output:
	// 1 failed 404 Failed after 205 ms: 404 Not Found from 127.0.0.12:5060.
	// 2 failed 486 Failed after 904 ms: 486 Busy Here from 127.0.0.12:5060.
	// 3 failed 486 Failed after 904 ms: 486 Busy Here from 127.0.0.12:5060.
	// 4 failed 503 Failed after 304 ms: 503 Service Unavailable from 127.0.0.12:5060.
	// 5 cancelled 487 Cancelled by the caller after 1.81 s, while it was ringing.
	// 6 completed 200 Answered after 708 ms, ended by the caller after 2.72 s.
}

// What RTP came to: each stream with its figures, and the call that it is of.
func ExampleRun_streams() {
	r := open("media-impaired.pcapng")
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true, Streams: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range res.Streams {
		p := s.Report()
		fmt.Printf("call %d: %s to %s, %s, %d of %d packets lost, jitter %v, %d late\n",
			s.Call, s.Source(), s.Destination(), s.Codec, p.Lost, p.Expected, p.MeanJitter.Round(time.Microsecond), p.Reordered)
	}
	// Output:
	// call 1: 127.0.0.12:6000 to 127.0.0.20:6000, G729, 0 of 170 packets lost, jitter 56µs, 0 late
	// call 1: 127.0.0.20:6000 to 127.0.0.12:6000, G729, 10 of 170 packets lost, jitter 4.856ms, 5 late
}

// The first message of a kind: ErrStop ends Run, which is no error.
func ExampleRun_stop() {
	r := open("register-digest.pcap")
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Message: func(m *analysis.Message) error {
		if m.SIP.StatusCode != 401 {
			return nil
		}
		v, _ := m.SIP.First(sipmsg.WWWAuthenticate)
		fmt.Printf("frame %d asks for the password of realm %s\n", m.Frame.Number, sipmsg.ParseAuth(v).Realm)
		return analysis.ErrStop
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Stopped, res.Packets)
	// Output:
	// frame 2 asks for the password of realm example.com
	// true 2
}
