// Package findings names what is wrong in the SIP traffic of a capture, with the frames that
// prove it.
//
//	r, err := capture.Open(ctx, files, capture.Options{})
//	defer r.Close()
//	res, list, err := findings.Run(ctx, r, analysis.Options{})
//	for call := range res.Calls.All() { … } // call.Verdict() says why it failed, call.Findings what is wrong
//	for _, f := range list { … }            // f.Frames prove it, f.NextStep says what to do
//
// The same capture gives the same findings, in the same order; memory is bounded, and times are
// those of the capture.
package findings
