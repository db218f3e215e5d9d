package analysis

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fill sets every field that v holds to something that no other field has.
func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Unix(1700000000+int64(*n), int64(*n)).UTC()
		return
	case *netip.Addr:
		*x = netip.AddrFrom4([4]byte{10, 1, byte(*n >> 8), byte(*n)})
		return
	case *netip.AddrPort:
		*x = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(*n >> 8), byte(*n)}), uint16(*n))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, settable(v.Field(i)), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 3 {
			fill(t, v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		v.SetInt(int64(*n))
	case reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		v.SetUint(uint64(*n))
	default:
		t.Fatalf("a leg holds a %s", v.Type())
	}
}

// settable returns a field that may be set, exported or not.
func settable(f reflect.Value) reflect.Value {
	return reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem()
}

// fullLeg returns a leg of which everything is set that can be packed.
func fullLeg(t *testing.T) *Leg {
	l := &Leg{live: nil}
	n := 0
	v := reflect.ValueOf(l).Elem()
	for i := range v.NumField() {
		switch name := v.Type().Field(i).Name; name {
		case "Steps", "Joins", "live", "call": // not of a packed leg, or kept beside it
		case "Media":
			l.Media = new(Media)
			m := reflect.ValueOf(l.Media).Elem()
			for i := range m.NumField() {
				if name := m.Type().Field(i).Name; name != "Streams" && name != "Relayed" && name != "Sessions" {
					fill(t, settable(m.Field(i)), &n)
				}
			}
		case "order":
			l.order = 77
		default:
			fill(t, v.Field(i), &n)
		}
	}
	return l
}

// full fills the tables of names, of shapes and of addresses.
func (p *packer) full() {
	p.names.limit, p.shapes.limit = 0, 0
	for n := 0; len(p.addrs) < maxPackedAddrs; n++ {
		a := netip.AddrFrom4([4]byte{172, byte(n >> 16), byte(n >> 8), byte(n)})
		p.addrs = append(p.addrs, a)
		p.addrNo[a] = int64(len(p.addrs) - 1)
	}
}

// A leg is the same before it is packed and behind it, whatever it holds.
func TestPack(t *testing.T) {
	full := fullLeg(t)
	for _, tt := range []struct {
		name  string
		limit bool
		call  int
		l     func() *Leg
	}{
		{"all", false, -1, func() *Leg { return full }},
		{"all, tables full", true, -1, func() *Leg { return full }},
		{"nothing", false, -1, func() *Leg { return new(Leg) }},
		{"negative", false, -1, func() *Leg {
			return &Leg{ByeTook: -1, Begin: time.Unix(-1e9, 1).UTC(), Ended: time.Unix(-2e9, 999999999).UTC(), First: Frame{3, 1 << 40}, LastFrame: Frame{2, 1}}
		}},
		{"far apart", false, -1, func() *Leg {
			return &Leg{Begin: time.Unix(253402300799, 999999999).UTC(), Ended: time.Unix(-62135596799, 1).UTC(), Last: time.Unix(1e9, 0).UTC()}
		}},
		{"without a beginning", false, -1, func() *Leg { return &Leg{Last: time.Unix(1e9, 5).UTC(), Media: new(Media)} }},
		{"held at no time", false, -1, func() *Leg { return &Leg{Media: &Media{HeldFrame: Frame{0, 5}, HeldBy: Callee, Resumed: true}} }},
		{"nanoseconds", false, -1, func() *Leg {
			at := time.Unix(1e9, 999999999).UTC()
			return &Leg{Begin: at, Last: at.Add(1), Ended: at.Add(-1), Rung: at.Add(1000), Final: at.Add(-maxNear*time.Second + 1), Answered: at.Add(maxNear*time.Second - 1), ByeTook: 1<<62 - 1}
		}},
		{"number of the Call-ID", false, 0, func() *Leg { return &Leg{CallID: "one@host", To: "sip:b", RequestURI: "sip:b"} }},
		{"IPv6 with a zone", true, -1, func() *Leg { return &Leg{Source: netip.MustParseAddrPort("[fe80::1%eth0]:5060")} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids := newNameTable(10, 16)
			ids.count([]byte("one@host"), 100)
			p := newPacker(&ids)
			if tt.limit {
				p.full()
			}
			l := tt.l()
			other := p.pack(&Leg{CallID: strings.Repeat("x", 100), Begin: time.Unix(1e9, 7).UTC()}, -1)
			s := p.pack(l, tt.call)
			for range 2 {
				if got := p.unpack(new(legRoom), s, l.order, false); !reflect.DeepEqual(got, l) {
					t.Errorf("got  %.2000v, %+v\nwant %.2000v, %+v", *got, got.Media, *l, l.Media)
				}
			}
			if got := p.callIDOf(s); got != l.CallID {
				t.Errorf("the Call-ID is %q in place of %q", got, l.CallID)
			}
			if got := p.unpack(new(legRoom), other, 0, true); len(got.CallID) != 100 {
				t.Errorf("the one before it has the Call-ID %q", got.CallID)
			}
		})
	}
}

// A packed leg of an ordinary call takes little.
func TestPackedSize(t *testing.T) {
	at := time.Unix(1700000000, 123456000).UTC()
	a, b := netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("10.0.0.2:5060")
	l := &Leg{
		CallID: "a84b4c76e66710@pc33.example.com", From: "sip:+4930123456@example.com", To: "sip:+4930654321@example.com", RequestURI: "sip:+4930654321@10.0.0.2",
		FromTag: "1928301774", Transport: "UDP", Source: a, Destination: b, UserAgents: []string{"one/1.0", "two/2.0"}, State: StateCompleted, Attempts: 1, FinalStatus: 200,
		FinalReason: "OK", Begin: at, Invited: at, Ringing: at, Progressed: at, Rung: at, Answered: at, Final: at, Ended: at, Last: at, Hops: []Hop{{a, b}, {b, a}},
		First: Frame{0, 1 << 20}, LastFrame: Frame{0, 1<<20 + 5000}, Messages: 15, Dialogs: []Dialog{{"1928301774", "314159", DialogTerminated, 3}},
		Media: &Media{Lines: []MediaLine{{Kind: "audio", Addr: a, Proto: "RTP/AVP", Codecs: "PCMA,PCMU", Direction: "sendrecv"}, {Kind: "audio", Addr: b, Proto: "RTP/AVP", Codecs: "PCMA", Direction: "sendrecv"}},
			Endpoints: []Endpoint{{Addr: a, Kind: "audio", Since: at}, {Addr: b, Kind: "audio", Since: at}}, Descriptions: 2},
	}
	ids := newNameTable(10, 16)
	p := newPacker(&ids)
	if n := len(p.texts.text(p.pack(l, ids.count([]byte(l.CallID), 100)))); n > 128 {
		t.Errorf("%d octets", n)
	}
}

// The Steps of a leg are the same before they are packed and behind it.
func TestPackSteps(t *testing.T) {
	ids := newNameTable(10, 16)
	p := newPacker(&ids)
	l := &Leg{Begin: time.Unix(1e9, 5).UTC(), First: Frame{1, 7}}
	n := 0
	for i := range 40 {
		var x Step
		if i%4 != 3 { // else there is nothing in it
			fill(t, reflect.ValueOf(&x).Elem(), &n)
		}
		x.Partial, x.Request = i%3 == 0, i%2 == 0
		switch i % 5 {
		case 0:
			x.Media, x.Resent, x.CSeq = "", Frame{}, 1<<32-1
		case 1:
			x.Media = "the same"
		case 2:
			x.Time, x.Dialog, x.Status = time.Time{}, -1, 0
		}
		l.Steps = append(l.Steps, x)
	}
	for range 2 {
		got := &Leg{Begin: l.Begin, First: l.First}
		if p.unpackSteps(got, p.packSteps(l)); !reflect.DeepEqual(got.Steps, l.Steps) {
			for i := range got.Steps {
				if got.Steps[i] != l.Steps[i] {
					t.Errorf("%d: got  %+v\nwant %+v", i, got.Steps[i], l.Steps[i])
				}
			}
		}
		p.full()
	}
}
