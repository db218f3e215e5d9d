package sdp_test

import (
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

func TestPathHost(t *testing.T) {
	for _, tt := range []struct {
		in, host string
		port     uint16
	}{
		{"msrp://10.0.0.1:7394/2s93i9ek2a;tcp", "10.0.0.1", 7394},
		{" msrp://relay.example.com:9000/h;tcp msrp://10.0.0.1:7394/x;tcp", "relay.example.com", 9000},
		{"msrps://alice@10.0.0.1:7394/x;tcp", "10.0.0.1", 7394},
		{"MSRP://[2001:db8::1]:7394/x;tcp", "2001:db8::1", 7394},
		{"msrp://[2001:db8::1]/x;tcp", "2001:db8::1", 2855},
		{"msrp://10.0.0.1/x;tcp", "10.0.0.1", 2855},
		{"msrp://10.0.0.1;tcp", "10.0.0.1", 2855},
		{"msrp://10.0.0.1:0/x;tcp", "", 0},
		{"msrp://10.0.0.1:65536/x;tcp", "", 0},
		{"msrp://10.0.0.1:7394x/x;tcp", "", 0},
		{"msrp://[2001:db8::1:7394/x", "", 0},
		{"msrp:///x;tcp", "", 0},
		{"sip:10.0.0.1", "", 0},
		{"msrp:10.0.0.1:7394", "", 0},
		{"", "", 0},
	} {
		host, port, ok := sdp.PathHost([]byte(tt.in))
		if !ok {
			host, port = nil, 0
		}
		if string(host) != tt.host || port != tt.port || ok != (tt.port != 0) {
			t.Errorf("%q: %q %d %v, want %q %d", tt.in, host, port, ok, tt.host, tt.port)
		}
	}
}
