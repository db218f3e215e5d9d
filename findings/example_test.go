package findings_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
)

// What is wrong in a capture, with the frames that prove it.
func ExampleRun() {
	ctx := context.Background()
	r, err := capture.Open(ctx, []string{"../testdata/captures/retransmission.pcap"}, capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	res, list, err := findings.Run(ctx, r, analysis.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for call := range res.Calls.All() {
		fmt.Println(call.ID, call.Verdict(), call.Findings)
	}
	for _, f := range list {
		if f.Severity < findings.Error {
			continue
		}
		filter, _ := f.Filter()
		fmt.Printf("%s, call %d: %s\n  %s\n  %s\n", f.ID, f.Call, f.Observed, f.NextStep, filter)
	}
	// Output:
	// 1 Answered after 1.80 s, ended by the caller after 304 ms. [no-100 dtmf-mismatch]
	// 2 Answered after 208 ms, ended by the caller after 2.21 s. []
	// 3 No ringing and no final response yet when the capture ends, 7.51 s later, because 127.0.0.14:5060 cannot be reached (ICMP port unreachable). [transport-error]
	// transport-error, call 3: ICMP port unreachable: INVITE to 127.0.0.14:5060 (5 times)
	//   Check that the program runs and listens on that address, port and transport, and that firewalls let it through.
	//   frame.number in {17, 18, 20, 22}
}

// What a rule looks for, and why that matters.
func ExampleLookup() {
	r := findings.Lookup("missing-ack-2xx")
	fmt.Println(r.Title)
	fmt.Println(r.Fix)
	// Output:
	// an answer that is never acknowledged
	// Compare the Contact of the 2xx, and its Record-Routes, with where the caller can send: that is where the ACK has to go.
}

// The rules beside a look of one's own at each leg: a callback of the Collector is called by the one that takes its place.
func ExampleCollector() {
	ctx := context.Background()
	r, err := capture.Open(ctx, []string{"../testdata/captures/udp-failures.pcapng"}, capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	c := findings.New()
	o := c.Options(analysis.Options{})
	states := make(map[string]int)
	brief := o.Brief
	o.Brief = func(d *analysis.Detail) bool {
		states[d.Leg.State.String()]++
		return brief(d)
	}
	res, err := analysis.Run(ctx, r, o)
	if err != nil {
		log.Fatal(err)
	}
	list := c.Finish(res)
	fmt.Println(res.Calls.Len(), "calls,", len(list), "findings:", states)
	// Output: 6 calls, 9 findings: map[cancelled:1 completed:1 failed:4]
}
