// Package filter selects records by expressions: a strict subset of the display filters of
// Wireshark 4, with the same names and the same results.
//
//	f, err := filter.Messages().Parse(`sip.Method == "INVITE" and ip.src == 10.0.0.0/8`)
//	if err != nil {
//		… // a *filter.Error: it can draw a caret under the place
//	}
//	if f.Match(m) { … }
//
// A Schema gives a kind of record its fields. Messages is that of SIP messages, whose names
// are those of Wireshark; other records register theirs with a line a field:
//
//	s := filter.NewSchema[*Call]("call")
//	s.String("state", "the state of the call", func(c *Call) string { return c.State })
//
// What an expression says of a field with several values, or with none, is what Wireshark 4
// says: == and its like hold if one value satisfies them, != holds if there is a value and
// all differ, and a comparison with an absent field is false, so that its negation is true.
//
// An expression may come from anybody: its length, its depth, its comparisons and the
// programs of its patterns are bounded, and all that it can do to a record takes time
// linear in the record's length. Secrets cannot be probed: values are masked before they
// are compared, unless Filter.Secrets says otherwise.
package filter
