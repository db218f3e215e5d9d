package sipmsg_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// known are the names of the header fields, with their compact forms.
var known = map[string]sipmsg.ID{
	"Accept": sipmsg.Accept, "Accept-Contact a": sipmsg.AcceptContact, "Accept-Encoding": sipmsg.AcceptEncoding,
	"Accept-Language": sipmsg.AcceptLanguage, "Alert-Info": sipmsg.AlertInfo, "Allow": sipmsg.Allow,
	"Allow-Events u": sipmsg.AllowEvents, "Answer-Mode": sipmsg.AnswerMode,
	"Authentication-Info": sipmsg.AuthenticationInfo, "Authorization": sipmsg.Authorization, "Call-ID i": sipmsg.CallID,
	"Call-Info": sipmsg.CallInfo, "Contact m": sipmsg.Contact, "Content-Disposition": sipmsg.ContentDisposition,
	"Content-Encoding e": sipmsg.ContentEncoding, "Content-Language": sipmsg.ContentLanguage,
	"Content-Length l": sipmsg.ContentLength, "Content-Type c": sipmsg.ContentType, "CSeq": sipmsg.CSeq,
	"Date": sipmsg.Date, "Diversion": sipmsg.Diversion, "Error-Info": sipmsg.ErrorInfo, "Event o": sipmsg.Event,
	"Expires": sipmsg.Expires, "Feature-Caps": sipmsg.FeatureCaps, "From f": sipmsg.From, "Geolocation": sipmsg.Geolocation,
	"History-Info": sipmsg.HistoryInfo, "Identity y": sipmsg.Identity, "Identity-Info n": sipmsg.IdentityInfo,
	"In-Reply-To": sipmsg.InReplyTo, "Join": sipmsg.Join, "Max-Forwards": sipmsg.MaxForwards,
	"MIME-Version": sipmsg.MIMEVersion, "Min-Expires": sipmsg.MinExpires, "Min-SE": sipmsg.MinSE,
	"Organization": sipmsg.Organization, "P-Access-Network-Info": sipmsg.PAccessNetworkInfo,
	"P-Asserted-Identity": sipmsg.PAssertedIdentity, "P-Associated-URI": sipmsg.PAssociatedURI,
	"P-Called-Party-ID": sipmsg.PCalledPartyID, "P-Charging-Function-Addresses": sipmsg.PChargingFunctionAddresses,
	"P-Charging-Vector": sipmsg.PChargingVector, "P-Early-Media": sipmsg.PEarlyMedia,
	"P-Preferred-Identity": sipmsg.PPreferredIdentity, "P-Visited-Network-ID": sipmsg.PVisitedNetworkID,
	"Path": sipmsg.Path, "Priority": sipmsg.Priority, "Privacy": sipmsg.Privacy,
	"Proxy-Authenticate": sipmsg.ProxyAuthenticate, "Proxy-Authorization": sipmsg.ProxyAuthorization,
	"Proxy-Require": sipmsg.ProxyRequire, "RAck": sipmsg.RAck, "Reason": sipmsg.Reason, "Record-Route": sipmsg.RecordRoute,
	"Refer-Sub": sipmsg.ReferSub, "Refer-To r": sipmsg.ReferTo, "Referred-By b": sipmsg.ReferredBy,
	"Reject-Contact j": sipmsg.RejectContact, "Remote-Party-ID": sipmsg.RemotePartyID, "Replaces": sipmsg.Replaces,
	"Reply-To": sipmsg.ReplyTo, "Request-Disposition d": sipmsg.RequestDisposition, "Require": sipmsg.Require,
	"Resource-Priority": sipmsg.ResourcePriority, "Retry-After": sipmsg.RetryAfter, "Route": sipmsg.Route,
	"RSeq": sipmsg.RSeq, "Security-Client": sipmsg.SecurityClient, "Security-Server": sipmsg.SecurityServer,
	"Security-Verify": sipmsg.SecurityVerify, "Server": sipmsg.Server, "Service-Route": sipmsg.ServiceRoute,
	"Session-Expires x": sipmsg.SessionExpires, "Session-ID": sipmsg.SessionID, "SIP-ETag": sipmsg.SIPETag,
	"SIP-If-Match": sipmsg.SIPIfMatch, "Subject s": sipmsg.Subject, "Subscription-State": sipmsg.SubscriptionState,
	"Supported k": sipmsg.Supported, "Target-Dialog": sipmsg.TargetDialog, "Timestamp": sipmsg.Timestamp, "To t": sipmsg.To,
	"Unsupported": sipmsg.Unsupported, "User-Agent": sipmsg.UserAgent, "User-to-User": sipmsg.UserToUser, "Via v": sipmsg.Via,
	"Warning": sipmsg.Warning, "WWW-Authenticate": sipmsg.WWWAuthenticate,
}

// alternate writes every other letter large.
func alternate(s string) string {
	b := []byte(strings.ToLower(s))
	for i := 0; i < len(b); i += 2 {
		b[i] = strings.ToUpper(string(b[i]))[0]
	}
	return string(b)
}

func TestLookup(t *testing.T) {
	for names, id := range known {
		long, compact, _ := strings.Cut(names, " ")
		t.Run(long, func(t *testing.T) {
			spellings := []string{long, strings.ToLower(long), strings.ToUpper(long), alternate(long)}
			if compact != "" {
				spellings = append(spellings, compact, strings.ToUpper(compact))
			}
			for _, s := range spellings {
				if got := sipmsg.Lookup([]byte(s)); got != id {
					t.Errorf("%q is %v, want %v", s, got, id)
				}
			}
			if id.String() != long || id.LowerName() != strings.ToLower(long) {
				t.Errorf("its names are %q and %q", id.String(), id.LowerName())
			}
			near := []string{
				long + "s", long + " ", "x" + long, long[1:], long[:len(long)-1],
				"\x00" + long[1:], long[:1] + "\x00" + long[2:], long[:len(long)-1] + "\x01",
				strings.ReplaceAll(long, "-", "_"), strings.ReplaceAll(long, "-", "\r"), // 0x2d with bit 5 cleared
				strings.Replace(long, "e", "\xc3\xa9", 1), long + "\x00", " " + long,
			}
			for _, s := range near {
				if len(s) > 1 && !strings.EqualFold(s, long) && sipmsg.Lookup([]byte(s)) == id {
					t.Errorf("%q is taken for %v", s, id)
				}
			}
		})
	}
}

// Every ID has a name, every name is in the table above, and no two are the same.
func TestIDs(t *testing.T) {
	seen := make(map[string]sipmsg.ID)
	for i := range 256 {
		id := sipmsg.ID(i)
		name := id.String()
		if name == "" {
			if id.LowerName() != "" {
				t.Errorf("%d has a name in lower case alone", i)
			}
			continue
		}
		if other, ok := seen[name]; ok {
			t.Errorf("%q names %d and %d", name, other, id)
		}
		seen[name] = id
	}
	if len(seen) != len(known) {
		t.Errorf("%d names, the test knows %d", len(seen), len(known))
	}
	if sipmsg.Other.String() != "" || sipmsg.Other.LowerName() != "" {
		t.Error("Other has a name")
	}
}

func TestLookupOther(t *testing.T) {
	for _, name := range []string{"", "h", "-", "\x00", "é", "X-Custom", "Vias", "Vi", "C-Seq", "Call_ID", "CallID", "From:", strings.Repeat("a", 70000)} {
		if id := sipmsg.Lookup([]byte(name)); id != sipmsg.Other {
			t.Errorf("%.40q is %v", name, id)
		}
	}
	compact := 0
	for c := range 256 {
		id := sipmsg.Lookup([]byte{byte(c)})
		if id == sipmsg.Other {
			continue
		}
		compact++
		if other := sipmsg.Lookup([]byte{byte(c) ^ 0x20}); other != id {
			t.Errorf("%q is %v, in other case %v", byte(c), id, other)
		}
	}
	want := 0
	for names := range known {
		if strings.Contains(names, " ") {
			want += 2
		}
	}
	if compact != want {
		t.Errorf("%d octets are compact names, want %d", compact, want)
	}
}

// TestFieldSet: each kind is in the set of a message that has it, and no other is.
func TestFieldSet(t *testing.T) {
	for names, id := range known {
		name, _, _ := strings.Cut(names, " ")
		var m sipmsg.Message
		if err := m.Parse(clip("OPTIONS sip:a SIP/2.0\r\nX-Other: 1\r\n" + name + ": x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		set := m.FieldSet()
		for _, other := range known {
			if set.Has(other) != (other == id) {
				t.Errorf("%s: Has(%s) = %v", name, other, set.Has(other))
			}
		}
		if set.Has(sipmsg.Other) {
			t.Errorf("%s: Other is in the set", name)
		}
	}
}

// A name in a message is what Lookup says, wherever it stands and however its line goes on.
func TestLookupInParse(t *testing.T) {
	check := func(name string, want sipmsg.ID) {
		t.Helper()
		for _, rest := range []string{": v", ":v", ":  v", ": v ", ":\tv", " : v", ":  v, w; x"} {
			for _, last := range []bool{false, true} {
				end := "\nVia: w\n\n"
				if last {
					end = ""
				}
				m := parse(t, crlf("OPTIONS sip:a SIP/2.0\n"+name+rest+end))
				f := m.Field(0)
				if f.ID != want || string(f.Name) != name || string(f.Value) != strings.Trim(rest, ": \t") {
					t.Errorf("%q is %v %q %q, want %v", name+rest+end, f.ID, f.Name, f.Value, want)
				}
			}
		}
	}
	for names, id := range known {
		for name := range strings.FieldsSeq(names) {
			check(name, id)
			check(alternate(name), id)
			check("X"+name, sipmsg.Other)
			check(name+"s", sipmsg.Other)
			if len(name) == 1 {
				continue
			}
			for i := range name { // another octet in each place
				for _, c := range []byte("-~`_") {
					if b := []byte(name); b[i] != c {
						b[i] = c
						check(string(b), sipmsg.Other)
					}
				}
				b := []byte(name) // and one that differs in the bit of the case alone
				b[i] ^= 0x20
				if f := parse(t, crlf("OPTIONS sip:a SIP/2.0\n"+string(b)+": v\nVia: w\n\n")).Field(0); (f.ID == id) != (name[i] != '-') {
					t.Errorf("%q is %v", b, f.ID)
				}
			}
		}
	}
}
