package layers_test

import (
	"strconv"
	"testing"

	"github.com/sipsight/sipsight/layers"
)

func TestLinkTypeString(t *testing.T) {
	tests := []struct {
		link layers.LinkType
		want string
	}{
		{layers.Null, "NULL"},
		{layers.Ethernet, "ETHERNET"},
		{layers.Raw, "RAW"},
		{layers.RawBSD, "RAW"},
		{layers.RawOBSD, "RAW"},
		{layers.Loop, "LOOP"},
		{layers.LinuxSLL, "LINUX_SLL"},
		{layers.LinuxSLL2, "LINUX_SLL2"},
		{layers.IPv4Only, "IPV4"},
		{layers.IPv6Only, "IPV6"},
		{105, "IEEE802_11"},
		{127, "IEEE802_11_RADIOTAP"},
		{2, "2"},
		{65535, "65535"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			if got := test.link.String(); got != test.want {
				t.Errorf("%d is %q, want %q", test.link, got, test.want)
			}
		})
	}
}

// What is supported is what Decode does not refuse by its number alone, and has a name.
func TestLinkTypeSupported(t *testing.T) {
	var f layers.Frame
	n := 0
	for i := range 1 << 16 {
		link := layers.LinkType(i)
		if refused := f.Decode(link, 0, nil) == layers.ErrUnsupported; refused == link.Supported() {
			t.Errorf("%v: supported %t, refused %t", link, link.Supported(), refused)
		}
		if link.Supported() {
			n++
			if link.String() == strconv.Itoa(i) {
				t.Errorf("%v has no name", link)
			}
		}
	}
	if n < 10 {
		t.Errorf("%d link types are supported", n)
	}
}
