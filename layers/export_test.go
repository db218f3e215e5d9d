package layers

// Segment and DecodeAll are the two ways of Decode, for tests.
func (f *Frame) Segment(link LinkType, b []byte) bool { return f.segment(link, b) }

func (f *Frame) DecodeAll(link LinkType, b []byte) error { return f.decode(link, b) }

// IsTunnel and HasTunnel are the two ways to ask for the decoder of a port.
func IsTunnel(port uint16) bool { return isTunnel(port) }

func HasTunnel(port uint16) bool { return port <= maxTunnelPort && tunnelOf(port) != nil }
