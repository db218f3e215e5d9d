package siptools_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// TestFilter holds that the pages of an answer with a filter, one behind the other, are
// the messages that satisfy it, and that statistics cover all.
func TestFilter(t *testing.T) {
	var many []string
	var want []int
	for i := range 200 {
		m := request(fmt.Sprintf("%d@h", i), "X: "+strings.Repeat("x", i)+"\n")
		if i%7 == 3 {
			m = strings.Replace(m, "OPTIONS", "NOTIFY", 1)
			want = append(want, i+1)
		}
		many = append(many, m)
	}
	path := capture(t, many...)
	s := server(siptools.Options{})
	for _, most := range []int{0, 1, 3, 100} {
		a := args{"pcap_file": path, "filter": `sip.Method == "NOTIFY"`}
		if most > 0 {
			a["max_packets"] = most
		}
		var got []int
		for {
			r := good(t, s, a)
			for _, d := range r.Described {
				got = append(got, d.Number)
			}
			if head := "The filter selects 29 of 200 messages; statistics cover all."; r.Found != 200 || !strings.HasPrefix(r.Note, head) {
				t.Fatalf("%d found, note %q", r.Found, r.Note)
			}
			if r.Next == "" {
				break
			}
			a["cursor"] = r.Next
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("max_packets %d: %v, want %v", most, got, want)
		}
	}
	r := good(t, s, args{"pcap_file": path, "filter": "sip.Response"})
	if want := "The filter selects 0 of 200 messages; statistics cover all."; len(r.Described) != 0 || !strings.HasPrefix(r.Note, want) || r.Next != "" {
		t.Errorf("%d described, note %q, next %q", len(r.Described), r.Note, r.Next)
	}
}

// TestFilterRefused holds that the answer shows where the fault is.
func TestFilterRefused(t *testing.T) {
	path := testdata(t, "udp-call.pcapng")
	got := analyze(t, server(siptools.Options{}), args{"pcap_file": path, "filter": `sip.call-id == "x"`})
	want := "there is no field sip.call-id; did you mean sip.Call-ID?\nsip.call-id == \"x\"\n^~~~~~~~~~~"
	if !got.isError || !strings.Contains(why(t, got, "analyze_sip_packets", path), want) {
		t.Errorf("got %s\nwant %s", got.text, want)
	}
}

// TestFilterSecrets holds that a filter cannot spell out what is masked.
func TestFilterSecrets(t *testing.T) {
	m := strings.Replace(request("1@h", "Authorization: Digest username=\"bob\", response=\"5ec4e7\"\nContact: <sip:bob:pa55w0rd@h>\n"),
		"Content-Length: 0\n\n", "Content-Type: application/sdp\n\nv=0\na=crypto:1 X inline:5ec4e7\n", 1)
	path := capture(t, m)
	s := server(siptools.Options{})
	for _, x := range []struct {
		filter string
		holds  bool
	}{
		{`sip.Authorization contains "bob"`, true},
		{`sip contains "5ec4e7" or sip.msg_hdr contains "5ec4e7" or sip.Authorization contains "5ec4e7"`, false},
		{`sip matches "response=.5" or sip.msg_hdr matches "pa55"`, false},
		{`sip.Contact contains "pa55" or sip.contact.uri contains "pa55" or sip.contact.user contains "pa55"`, false},
		{`sip.contact.user == "bob:***"`, true},
		{`sdp contains "5ec4e7" or sdp.session_attr contains "5ec4e7" or sdp.media_attr contains "5ec4e7"`, false},
	} {
		r := good(t, s, args{"pcap_file": path, "filter": x.filter})
		if r.Found != 1 || len(r.Described) == 1 != x.holds {
			t.Errorf("%s: %d of %d", x.filter, len(r.Described), r.Found)
		}
	}
}
