// Package analysis tells what the SIP messages of a capture mean.
//
//	r, err := capture.Open(ctx, files, capture.Options{})
//	defer r.Close()
//	res, err := analysis.Run(ctx, r, analysis.Options{
//		Message: func(m *analysis.Message) error { … },
//	})
//
// Run reads the timeline once, from its first packet to its last. Memory does not grow
// with its length but for the tables of distinct names, and those are bounded: where a
// bound was met, Result says so. The same capture gives the same result; the clock of the
// machine is never asked.
package analysis
