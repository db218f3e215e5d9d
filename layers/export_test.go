package layers

// Segment and DecodeAll are the two ways of Decode, for tests.
func (f *Frame) Segment(link LinkType, b []byte) bool { return f.segment(link, b) }

func (f *Frame) DecodeAll(link LinkType, b []byte) error { return f.decode(link, b) }
