package rtp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/rtp"
)

const (
	senderReport = "81 c8 000c 00000001 e0000000 80000000 00000100 00000005 00000320" +
		" 00000009 40 fffffe 00010002 00000010 00008000 00010000"
	receiverReport = "81 c9 0007 00000002 00000001 00 000003 00000007 00000008 00000000 00000000"
	description    = "82 ca 0006 00000001 01 04 61406263 02 00 00000000 00000002 01 01 78 00"
	goodbye        = "82 cb 0004 00000001 00000002 03 627965 00000000"
	application    = "85 cc 0003 00000001 74657374 0a0b0c0d"
	nack           = "81 cd 0003 00000001 00000002 00050000"
	pictureLost    = "81 ce 0002 00000001 00000002"
	extended       = "80 cf 000e 00000001 07 00 0008 00000002 10 20 30 40 0001 0002 0003 0004 ec c4 7f 10 5d 7f 29 28 00 00 0028 003c 0050 04 00 0003 00000001 00000002 00000003"
)

func TestControl(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     string // the packets, one behind the other
	}{
		{"SR", senderReport, "SR of 1, sent 5/800 at e000000080000000/256, about 9: 64/256 -2 65538 16 32768 65536; "},
		{"RR", receiverReport, "RR of 2, about 1: 0/256 3 7 8 0 0; "},
		{"SDES", description, "SDES of 1, 1: 1=a@bc, 1: 2=, 2: 1=x; "},
		{"BYE", goodbye, "BYE of 1, leaves 1, leaves 2, because bye; "},
		{"APP", application, "APP of 1, 5 test 0a0b0c0d; "},
		{"RTPFB", nack, "RTPFB of 1, 1 to 2: 00050000; "},
		{"PSFB", pictureLost, "PSFB of 1, 1 to 2: ; "},
		{"XR", extended, "XR of 1, block 7/0, VoIP of 2: loss 16 discard 32 burst 48 gap 64 1 2 3 4 -20 -60 127 16 93 127 41 40 0 40 60 80, block 4/0; "},
		{"compound", receiverReport + description + goodbye, "RR of 2, about 1: 0/256 3 7 8 0 0; SDES of 1, 1: 1=a@bc, 1: 2=, 2: 1=x; BYE of 1, leaves 1, leaves 2, because bye; "},
		{"other type", "80 d0 0000", "other; "},

		{"length 0 goes on", "80 c9 0000 80 c9 0000 80 cb 0000", "RR; RR; BYE; "},
		{"length beyond the datagram", receiverReport + "80 c9 0002 00000001", "RR of 2, about 1: 0/256 3 7 8 0 0; "},
		{"length 65,535", "80 c9 ffff 00000001", ""},
		{"version 1", "40 c9 0001 00000001", ""},
		{"three octets", "80 c9 00", ""},
		{"padding", "a0 c9 0002 00000001 00000004", "RR of 1; "},
		{"padding of all", "a0 c9 0001 00000004", "RR; "},
		{"padding of 0", "a0 c9 0001 00000000", ""},
		{"padding too long", "a0 c9 0001 00000005", ""},
		{"padding of nothing", "a0 c9 0000", ""},
		{"reports that are not there", "9f c9 0001 00000001", "RR of 1; "},
		{"SR cut in the sender information", "80 c8 0005 00000001 0000000000000000 00000000 00000000", "SR of 1; "},
		{"SDES item beyond the packet", "81 ca 0002 00000001 01ff6162", "SDES of 1; "},
		{"SDES item header cut", "81 ca 0001 00000001", "SDES of 1; "},
		{"SDES of nobody", "80 ca 0000", "SDES; "},
		{"SDES with fewer chunks", "9f ca 0002 00000001 01016100", "SDES of 1, 1: 1=a; "},
		{"BYE with fewer sources", "9f cb 0001 00000001", "BYE of 1, leaves 1; "},
		{"BYE with a reason too long", "81 cb 0002 00000001 ff616263", "BYE of 1, leaves 1; "},
		{"BYE of nobody", "80 cb 0000", "BYE; "},
		{"APP without name", "80 cc 0001 00000001", "APP of 1; "},
		{"feedback without media", "81 cd 0001 00000001", "RTPFB of 1; "},
		{"XR block beyond the packet", "80 cf 0002 00000001 07000008", "XR of 1; "},
		{"XR blocks of length 0", "80 cf 0003 00000001 07000000 01000000", "XR of 1, block 7/0, block 1/0; "},
		{"XR without sender", "80 cf 0000", "XR; "},
	} {
		var b strings.Builder
		for p := range rtp.Compound(octets(c.in)) {
			showControl(&b, &p)
		}
		if got := b.String(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func showControl(b *strings.Builder, p *rtp.RTCP) {
	b.WriteString(p.Type.String())
	if ssrc, ok := p.SSRC(); ok {
		fmt.Fprintf(b, " of %d", ssrc)
	}
	if s, ok := p.Sender(); ok {
		fmt.Fprintf(b, ", sent %d/%d at %x/%d", s.Packets, s.Octets, s.NTP, s.Timestamp)
	}
	for r := range p.Reports() {
		fmt.Fprintf(b, ", about %d: %d/256 %d %d %d %d %d", r.SSRC, r.FractionLost, r.CumulativeLost, r.HighestSeq, r.Jitter, r.LastSR, r.Delay)
	}
	for i := range p.Items() {
		fmt.Fprintf(b, ", %d: %d=%s", i.SSRC, i.Type, i.Text)
	}
	for ssrc := range p.Leaving() {
		fmt.Fprintf(b, ", leaves %d", ssrc)
	}
	if r := p.Reason(); r != nil {
		fmt.Fprintf(b, ", because %s", r)
	}
	if name, data, ok := p.App(); ok {
		fmt.Fprintf(b, ", %d %s %x", p.Count, name, data)
	}
	if f, ok := p.Feedback(); ok {
		fmt.Fprintf(b, ", %d to %d: %x", f.Sender, f.Media, f.Data)
	}
	for x := range p.Blocks() {
		fmt.Fprintf(b, ", block %d/%d", x.Type, x.Specific)
		if m, ok := x.VoIP(); ok {
			fmt.Fprintf(b, ", VoIP of %d: loss %d discard %d burst %d gap %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d", m.SSRC, m.LossRate, m.DiscardRate, m.BurstDensity, m.GapDensity,
				m.BurstDuration, m.GapDuration, m.RoundTrip, m.EndSystem, m.Signal, m.Noise, m.EchoReturnLoss, m.Gmin,
				m.RFactor, m.ExternalRFactor, m.MOSListening, m.MOSConversational, m.Config, m.BufferNominal, m.BufferMax, m.BufferTo)
		}
	}
	b.WriteString("; ")
}

// Every step of a compound takes four octets at least, whatever its lengths say.
func TestControlSteps(t *testing.T) {
	b := octets(strings.Repeat("80c90000", 1000))
	var p rtp.RTCP
	n := 0
	for len(b) > 0 {
		rest, err := p.Decode(b)
		if err != nil || len(b)-len(rest) < 4 {
			t.Fatalf("%v: %d octets were stepped over", err, len(b)-len(rest))
		}
		b, n = rest, n+1
	}
	if n != 1000 {
		t.Errorf("%d packets", n)
	}
	var syntax *rtp.SyntaxError
	if _, err := p.Decode(octets("80c9")); !errors.As(err, &syntax) {
		t.Errorf("%T", err)
	}
}

func TestStopWalkingControl(t *testing.T) {
	for p := range rtp.Compound(octets(senderReport + receiverReport)) {
		if p.Type != rtp.SenderReport {
			t.Error(p.Type)
		}
		break
	}
	n := 0
	for p := range rtp.Compound(octets(senderReport + description + goodbye + extended)) {
		for range p.Reports() {
			n++
			break
		}
		for range p.Items() {
			n++
			break
		}
		for range p.Leaving() {
			n++
			break
		}
		for range p.Blocks() {
			n++
			break
		}
	}
	if n != 4 {
		t.Errorf("%d first ones", n)
	}
}

func TestNTP(t *testing.T) {
	if got := rtp.CompactNTP(0x0123456789abcdef); got != 0x456789ab {
		t.Errorf("%x", got)
	}
	if got := rtp.FromCompact(0x00018000); got != 1500*time.Millisecond {
		t.Error(got)
	}
}

func TestControlAllocs(t *testing.T) {
	b := octets(senderReport + receiverReport + description + goodbye + application + nack + extended)
	n := 0
	noAllocs(t, "Compound", func() {
		for p := range rtp.Compound(b) {
			for range p.Reports() {
				n++
			}
			for range p.Items() {
				n++
			}
			for range p.Leaving() {
				n++
			}
			for x := range p.Blocks() {
				if _, ok := x.VoIP(); ok {
					n++
				}
			}
		}
	})
	bad := octets("80c9ffff")
	noAllocs(t, "refusing", func() {
		var p rtp.RTCP
		if _, err := p.Decode(bad); err == nil {
			panic("taken")
		}
	})
}
