// Package capture is the one way in for captures, whatever holds them: a path,
// standard input, an http or https URL; pcap, pcapng or snoop, plain or gzip.
//
// The format is told by the first octets, never by the name. Several files become
// one timeline, ordered by time and, where times are equal, by the Place of the file,
// in whatever order the files were named; frames are numbered in each file from 1, as
// Wireshark numbers them.
//
//	r, err := capture.Open(ctx, []string{"a.pcapng", "b.pcap.gz"}, capture.Options{})
//	defer r.Close()
//	for {
//		p, err := r.Next()
//		if err == io.EOF {
//			break
//		}
//		…
//	}
//	for _, f := range r.Files() { … } // what each file was, and what could not be read
//
// A damaged file gives every packet before the damage. The damage is not an error
// of Next: it stands in the Notes of its File, and the timeline goes on with the
// other files.
package capture
