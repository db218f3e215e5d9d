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
//
// A Rule is a function over a finished leg of a call, over a request outside of calls, or over
// the capture; it reports Findings. What every rule has to respect is applied once, in this
// file's neighbours: times are those of the capture, silence counts only where an answer
// would have been seen (gate.go), what concerns nearly every call is told once (site.go), and
// of findings with one cause the most specific is told (cause.go).
//
// To add a rule, write a *Rule with its function in the file of its family, list it in
// rules.go, and add cases to testdata: a ladder on which it fires and one on which it is
// silent. docs/findings.md is made of the rules; a test keeps it up to date.
package findings
