package layers_test

import (
	"encoding/binary"
	"testing"

	"github.com/sipsight/sipsight/layers"
)

// upperTag returns a tag in front of an exported PDU.
func upperTag(typ uint16, value string) string {
	b := binary.BigEndian.AppendUint16(nil, typ)
	return string(binary.BigEndian.AppendUint16(b, uint16(len(value)))) + value
}

// TestUpperPDU: a PDU that was exported alone has the addresses and the transport of its tags.
func TestUpperPDU(t *testing.T) {
	const v6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	v4 := upperTag(20, "\x0a\x00\x00\x01") + upperTag(21, "\x0a\x00\x00\x02")
	ports := upperTag(25, "\x00\x00\x13\xc4") + upperTag(26, "\x00\x00\x13\xc5")
	name, end := upperTag(12, "sip\x00"), upperTag(0, "")
	const pdu = "OPTIONS sip:b@h SIP/2.0\r\n\r\n"
	for _, c := range []struct {
		name, in string
		err      error
		ends     string
		exported layers.Proto
	}{
		{"UDP", name + v4 + upperTag(24, "\x00\x00\x00\x03") + ports + end + pdu, nil, "10.0.0.1:5060 10.0.0.2:5061", layers.UDP},
		{"TCP", upperTag(14, "tcp.port") + v4 + upperTag(24, "\x00\x00\x00\x02") + ports + upperTag(32, "\x00\x00\x13\xc4") + end + pdu, nil, "10.0.0.1:5060 10.0.0.2:5061", layers.TCP},
		{"SCTP", name + upperTag(22, v6+"\x01") + upperTag(23, v6+"\x02") + upperTag(24, "\x00\x00\x00\x01") + ports + end + pdu, nil, "[2001:db8::1]:5060 [2001:db8::2]:5061", layers.SCTP},
		{"no end", name + v4 + ports, layers.ErrTruncated, "", 0},
		{"a value that is longer than the packet", name + "\x00\x14\xff\xff\x0a\x00", layers.ErrTruncated, "", 0},
		{"nothing", "", layers.ErrTruncated, "", 0},
	} {
		var f layers.Frame
		err := f.Decode(layers.UpperPDU, 0, []byte(c.in))
		switch {
		case err != c.err:
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		case err != nil:
		case f.Src.String()+" "+f.Dst.String() != c.ends || f.Exported != c.exported || f.Proto != layers.UDP || string(f.Payload) != pdu:
			t.Errorf("%s: %v %v, %v in %v: %q", c.name, f.Src, f.Dst, f.Proto, f.Exported, f.Payload)
		}
	}
}
