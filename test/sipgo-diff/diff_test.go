// Package sipgodiff compares package sipmsg with the parser of github.com/emiago/sipgo on
// the messages of real captures. It is a module of its own, so that the main one requires
// nothing.
package sipgodiff

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/sipmsg"
)

// A row is a part of a message as the two read it.
type row struct{ part, ours, theirs string }

// A reason says why the two differ about a part of a message.
type reason struct {
	part, why string
	applies   func(m *sipmsg.Message, r row) bool
}

// reasons are all reasons. A difference that none explains fails the test, and so does a
// reason that explains none. In all of them sipgo is an endpoint that may refuse, and
// sipmsg shows what is there.
var reasons = []reason{
	{"refused", "octets are missing, at the end of the header section or of the body; sipmsg shows what is there, and a quirk", func(m *sipmsg.Message, r row) bool {
		const short = sipmsg.QuirkUnterminated | sipmsg.QuirkContentLengthLong
		return m.Check()&short != 0 && (strings.Contains(r.theirs, "EOF") || strings.Contains(r.theirs, "incomplete"))
	}},
	{"refused", "a header line has no colon; sipmsg shows the line, and a quirk", func(m *sipmsg.Message, r row) bool {
		return strings.Contains(r.theirs, "no value in header") && m.Quirks()&sipmsg.QuirkNoColon != 0
	}},
	{"refused", "the message is longer than sipgo takes", func(m *sipmsg.Message, r row) bool {
		return len(m.Raw()) > sip.ParseMaxMessageLength
	}},
	{"Contact port", "of several contacts sipmsg is asked for the first, and sipgo has another one", func(m *sipmsg.Message, r row) bool {
		n, theirs := 0, false
		for v := range m.Values(sipmsg.Contact) {
			n++
			theirs = theirs || strconv.Itoa(int(sipmsg.ParseURI(sipmsg.ParseAddress(v).URI).Port)) == r.theirs
		}
		return n > 1 && theirs
	}},
	{"To tag", "there are two tags: sipmsg has the first, sipgo the last", func(m *sipmsg.Message, r row) bool {
		v, _ := m.First(sipmsg.To)
		return strings.HasSuffix(string(v), ";tag="+r.theirs) && strings.Count(string(v), "tag=") == 2
	}},
	{"From tag", "a blank stands before the name of the parameter, which sipgo takes for a part of it", func(m *sipmsg.Message, r row) bool {
		v, _ := m.First(sipmsg.From)
		return strings.Contains(string(v), "; tag="+r.ours)
	}},
	{"CSeq", "several blanks stand before the method, which sipgo takes for a part of it", func(m *sipmsg.Message, r row) bool {
		return strings.Join(strings.Fields(r.theirs), " ") == r.ours
	}},
}

// TestDifferences reads all messages of the captures with both.
func TestDifferences(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: it names the folder with captures/")
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	names, err := filepath.Glob(filepath.Join(shared, "captures", "*"))
	if err != nil {
		t.Fatal(err)
	}
	total, differences, refused := 0, 0, 0
	used := make([]int, len(reasons))
	for _, name := range names {
		if !strings.Contains(filepath.Base(name), "cap") || strings.HasSuffix(name, ".json") {
			continue
		}
		n := 0
		each(t, name, func(m *sipmsg.Message) {
			n++
			rows, err := compare(m)
			if err != nil {
				rows = []row{{"refused", "", err.Error()}}
				refused++
			}
			for _, r := range rows {
				if r.ours == r.theirs && r.part != "refused" {
					continue
				}
				differences++
				i := slices.IndexFunc(reasons, func(x reason) bool { return x.part == r.part && x.applies(m, r) })
				if i < 0 {
					t.Errorf("%s, message %d: %s is %q, sipgo has %q\n%.200q", filepath.Base(name), n, r.part, r.ours, r.theirs, m.Raw())
					continue
				}
				used[i]++
			}
		})
		total += n
	}
	for i, k := range reasons {
		t.Logf("%5d %s: %s", used[i], k.part, k.why)
		if used[i] == 0 {
			t.Errorf("%s: no message has what would explain it: %s", k.part, k.why)
		}
	}
	t.Logf("%d messages, %d refused by sipgo, %d differences", total, refused, differences)
	if total == 0 {
		t.Error("no messages")
	}
}

// each calls f for every message of a capture.
func each(t *testing.T, name string, f func(m *sipmsg.Message)) {
	t.Helper()
	r, err := capture.Open(context.Background(), []string{name}, capture.Options{})
	if err != nil {
		return // empty, or no capture
	}
	defer r.Close()
	_, err = analysis.Run(context.Background(), r, analysis.Options{Message: func(m *analysis.Message) error {
		f(m.SIP)
		return nil
	}})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// compare reads a message with sipgo, and puts the parts side by side.
func compare(m *sipmsg.Message) (rows []row, err error) {
	msg, err := sip.ParseMessage(slices.Clone(m.Raw()))
	if err != nil {
		return nil, err
	}
	add := func(part, ours, theirs string) { rows = append(rows, row{part, ours, theirs}) }
	var contact *sip.ContactHeader
	switch other := msg.(type) {
	case *sip.Request:
		contact = other.Contact()
		add("method", string(m.Method), string(other.Method))
		addURI(add, "Request-URI", m.RequestURI, &other.Recipient)
		add("version", string(m.Version), other.SipVersion)
	case *sip.Response:
		contact = other.Contact()
		add("status", strconv.Itoa(m.StatusCode), strconv.Itoa(other.StatusCode))
		add("reason", string(m.Reason), other.Reason)
		add("version", string(m.Version), other.SipVersion)
	}
	callID, _ := m.First(sipmsg.CallID)
	theirs := ""
	if h := msg.CallID(); h != nil {
		theirs = h.Value()
	}
	add("Call-ID", string(callID), theirs)

	_, n, _, method := m.CSeq()
	theirs = "0 "
	if h := msg.CSeq(); h != nil {
		theirs = fmt.Sprintf("%d %s", h.SeqNo, h.MethodName)
	}
	add("CSeq", fmt.Sprintf("%d %s", n, method), theirs)

	if h := msg.From(); h != nil {
		addAddress(add, m, "From", sipmsg.From, &h.Address, h.Params)
	} else {
		add("From", strconv.FormatBool(m.Has(sipmsg.From)), "false")
	}
	if h := msg.To(); h != nil {
		addAddress(add, m, "To", sipmsg.To, &h.Address, h.Params)
	} else {
		add("To", strconv.FormatBool(m.Has(sipmsg.To)), "false")
	}
	if h := contact; h != nil {
		addAddress(add, m, "Contact", sipmsg.Contact, &h.Address, h.Params)
	} else {
		add("Contact", strconv.FormatBool(m.Has(sipmsg.Contact)), "false")
	}
	via, has := m.TopVia()
	if h := msg.Via(); h != nil {
		add("Via", fmt.Sprintf("%s/%s/%s", via.Protocol, via.Version, via.Transport), fmt.Sprintf("%s/%s/%s", h.ProtocolName, h.ProtocolVersion, h.Transport))
		add("Via host", strings.Trim(string(via.Host), "[]"), h.Host)
		add("Via port", strconv.Itoa(int(via.Port)), strconv.Itoa(h.Port))
		branch, _ := h.Params.Get("branch")
		add("Via branch", string(via.Branch()), branch)
	} else {
		add("Via", strconv.FormatBool(has), "false")
	}
	add("body", string(m.Body), string(msg.Body()))
	return rows, nil
}

func addAddress(add func(part, ours, theirs string), m *sipmsg.Message, part string, id sipmsg.ID, uri *sip.Uri, params sip.HeaderParams) {
	first := ""
	for v := range m.Values(id) {
		first = string(v)
		break
	}
	a := sipmsg.ParseAddress([]byte(first))
	addURI(add, part, a.URI, uri)
	tag, _ := params.Get("tag")
	add(part+" tag", string(a.Tag()), tag)
}

func addURI(add func(part, ours, theirs string), part string, text []byte, uri *sip.Uri) {
	u := sipmsg.ParseURI(text)
	add(part+" scheme", strings.ToLower(string(u.SchemeText)), uri.Scheme)
	if uri.Raw() != "" {
		rest := string(text)
		_, rest, _ = strings.Cut(rest, ":")
		add(part+" rest", rest, uri.Raw())
		return
	}
	add(part+" user", string(u.User), uri.User)
	add(part+" password", string(u.Password), uri.Password)
	add(part+" host", string(u.Host), uri.Host)
	add(part+" port", strconv.Itoa(int(u.Port)), strconv.Itoa(uri.Port))
}
