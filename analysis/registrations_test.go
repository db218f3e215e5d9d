package analysis

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// fullAOR returns a record of which everything is set that is packed.
func fullAOR(t *testing.T) *aor {
	a, n := new(aor), 0
	fill(t, reflect.ValueOf(a).Elem(), &n)
	a.held, a.AOR, a.Findings = 0, "", nil
	return a
}

// A registration is the same before it is packed and behind it, whatever it holds.
func TestPackRegistration(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit bool
		a     func() *aor
	}{
		{"all", false, func() *aor {
			a := fullAOR(t)
			a.CallID, a.call = "one@host", 0
			return a
		}},
		{"all, tables full", true, func() *aor {
			a := fullAOR(t)
			a.call = -1
			return a
		}},
		{"nothing", false, func() *aor { return &aor{call: -1} }},
		{"the source is the one of the REGISTER", false, func() *aor {
			at := netip.MustParseAddrPort("[2001:db8::1]:5060")
			return &aor{Registration: Registration{Source: at, Registrar: at}, from: at.Addr(), call: -1}
		}},
		{"contacts without times", false, func() *aor {
			return &aor{Registration: Registration{Contacts: []Binding{{"", -1, -1}, {"sip:a@b", 1 << 40, 0}}}, call: -1}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids := newNameTable(10, 16)
			ids.count([]byte("one@host"), 100)
			p := newPacker(&ids)
			if tt.limit {
				p.full()
			}
			want, got := tt.a(), &aor{}
			p.unpackAOR(got, p.packAOR(want))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			*got = *fullAOR(t) // nothing stays of the one before
			p.unpackAOR(got, p.packAOR(want))
			if got.Contacts = slices.Clip(got.Contacts); len(got.Contacts) == 0 {
				got.Contacts = nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("in the place of another one\ngot  %+v\nwant %+v", got, want)
			}
		})
	}
}

// A packed registration of an ordinary phone takes little.
func TestPackedRegistrationSize(t *testing.T) {
	at := time.Unix(1700000000, 123456000).UTC()
	ids := newNameTable(10, 16)
	a := &aor{Registration: Registration{
		Source: netip.MustParseAddrPort("10.0.0.1:5060"), Registrar: netip.MustParseAddrPort("10.0.0.2:5060"), Contacts: []Binding{{"sip:4930123456@10.0.0.1:5060", 3600, 3600}},
		Outcome: RegRegistered, Status: 200, Reason: "OK", Attempts: 2, Challenges: 1, Accepted: 1, Messages: 4, UserAgent: "phone/1.0", Begin: at, Last: at.Add(time.Second),
		First: Frame{0, 1 << 20}, LastFrame: Frame{0, 1<<20 + 100},
	}, call: ids.count([]byte("a84b4c76e66710@pc33.example.com"), 100)}
	a.from = a.Source.Addr()
	p := newPacker(&ids)
	if n := len(p.packAOR(a)); n > 72 {
		t.Errorf("%d octets", n)
	}
}

// Records that are packed between one REGISTER and the next go on where they were, and what is
// read of them is the same in whatever way.
func TestRegistrationsPackedBetween(t *testing.T) {
	const phones = maxRecentAORs + 100
	var b strings.Builder
	b.WriteString("A = 10.0.0.1:5060\nP = 10.0.0.9:5060\n")
	for round := range 3 {
		for i := range phones {
			fmt.Fprintf(&b, "%d.%03d A > P REGISTER id=r%d\n\t-To\n\tTo: <sip:%d@example.com>\n\t-Contact\n\tContact: <sip:%d@10.0.0.1>\n", round*60, i, i, i, i)
			fmt.Fprintf(&b, "+.0001 P > A 200\n\t-To\n\tTo: <sip:%d@example.com>;tag=p\n\t-Contact\n\tContact: <sip:%d@10.0.0.1>\n", i, i)
		}
	}
	l := capgen.Ladder{}
	r, err := capture.NewReader(t.Context(), bytes.NewReader(capgen.Pcap(l.Packets(b.String()))), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bound := make(map[string]bool)
	res, err := Run(context.Background(), r, Options{Calls: true, Exchanged: func(e *Exchange) {
		for _, b := range e.Bindings {
			bound[e.AOR+" "+b.URI] = true
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	list := &res.Registrations
	if list.Len() != phones || len(bound) != phones {
		t.Fatalf("%d registrations, %d bindings", list.Len(), len(bound))
	}
	list.Tell("sip:7@example.com", "one")
	list.Tell("sip:7@example.com", "two")
	list.Tell("sip:7@example.com", "one")
	list.Tell("sip:nobody@example.com", "one")
	reader, i := list.Reader(), 0
	for x := range list.All() {
		uri := fmt.Sprintf("sip:%d@", i)
		if x.AOR != uri+"example.com" || x.Outcome != RegRegistered || x.Attempts != 3 || x.Accepted != 3 || x.Refreshes != 2 || x.Messages != 6 ||
			x.CallID != fmt.Sprintf("r%d", i) || len(x.Contacts) != 1 || x.Contacts[0].URI != uri+"10.0.0.1" || x.Last.Sub(x.Begin).Round(time.Second) != 2*time.Minute {
			t.Fatalf("registration %d is %+v", i, x)
		}
		if !bound[x.AOR+" "+x.Contacts[0].URI] {
			t.Errorf("no exchange had the binding of %s", x.AOR)
		}
		if want := map[int][]string{7: {"one", "two"}}[i]; !slices.Equal(x.Findings, want) {
			t.Errorf("registration %d has the findings %v", i, x.Findings)
		}
		if again := reader.At(i); !reflect.DeepEqual(again, x) || !reflect.DeepEqual(list.At(i), x) {
			t.Errorf("registration %d is %+v and %+v", i, x, again)
		}
		i++
	}
	if i != phones {
		t.Errorf("%d of %d come", i, phones)
	}
	for x := range reader.All() {
		if i--; x.AOR != "sip:0@example.com" || i < phones-1 {
			t.Errorf("begins with %s", x.AOR)
		}
		break
	}
}

// The zero list is empty.
func TestNoRegistrations(t *testing.T) {
	var l RegistrationList
	l.Tell("sip:a@b", "id")
	for range l.All() {
		t.Error("it holds something")
	}
	if l.Len() != 0 || l.Reader().Len() != 0 {
		t.Errorf("%d", l.Len())
	}
}

// TestExpired: a contact that nobody refreshed in time is over when the capture ends; one that was refreshed is not, nor one whose
// refresh is known by its response alone.
func TestExpired(t *testing.T) {
	const phone = "%d A > P REGISTER id=%[2]s from=sip:%[2]s@example.com%[3]s\n+.1 P > A 200%[4]s\n\t-Contact\n\tContact: <sip:%[2]s@10.0.0.1:5060>;expires=60\n"
	text := "A = 10.0.0.1:5060\nP = 10.0.0.9:5060\n"
	for _, x := range []struct {
		at             int
		user, sent, ok string
	}{{0, "a", "", ""}, {0, "b", "", ""}, {50, "b", "", ""}, {0, "c", "", ""}, {50, "c", " unseen", ""}, {50, "d", "", ""}} {
		text += fmt.Sprintf(phone, x.at, x.user, x.sent, x.ok)
	}
	for at, want := range map[int]string{105: "a", 120: "a b d"} {
		l := capgen.Ladder{}
		r, err := capture.NewReader(t.Context(), bytes.NewReader(capgen.Pcap(l.Packets(text+fmt.Sprintf("%d A > P OPTIONS id=o\n", at)))), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := Run(context.Background(), r, Options{Calls: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for x := range res.Registrations.All() {
			if x.Outcome != RegRegistered {
				t.Errorf("%s is %s", x.AOR, x.Outcome)
			}
			for i := range x.Contacts {
				if x.Expired(i) {
					got = append(got, strings.TrimSuffix(strings.TrimPrefix(x.AOR, "sip:"), "@example.com"))
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("after %d s: %q, want %q", at, got, want)
		}
	}
}
