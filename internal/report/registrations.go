package report

import (
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
)

// Registrations is the listing of registrations.
var Registrations = &Table[*analysis.Registration]{Name: "registrations", Prefix: "reg", Columns: []Column[*analysis.Registration]{
	{Key: "aor", Kind: URI, Doc: "the address-of-record: the URI of To", Get: func(r *analysis.Registration) Value { return textOf(r.AOR) }},
	{Key: "source", Kind: Endpoint, Doc: "where the REGISTER came from", Get: func(r *analysis.Registration) Value { return endpointOf(r.Source) }},
	{Key: "registrar", Kind: Endpoint, Doc: "where it went to", Get: func(r *analysis.Registration) Value { return endpointOf(r.Registrar) }},
	{Key: "contacts", Kind: Object, json: (*jsonWriter).contacts, cell: (*jsonWriter).contactsCell},
	{Key: "outcome", Kind: Text, Doc: "registered, unregistered, queried, challenged, failed or unanswered", Get: func(r *analysis.Registration) Value { return textOf(r.Outcome.String()) }},
	{Key: "status", Kind: Number, Doc: "the last final response", Get: func(r *analysis.Registration) Value { return countOf(r.Status) }},
	{Key: "attempts", Kind: Number, Doc: "REGISTERs, retransmissions and further hops left out", Get: func(r *analysis.Registration) Value { return intOf(int64(r.Attempts)) }},
	{Key: "challenges", Kind: Number, Doc: "401 and 407 responses", Get: func(r *analysis.Registration) Value { return intOf(int64(r.Challenges)) }},
	{Key: "refreshes", Kind: Number, Doc: "accepted REGISTERs for a contact that was there", Get: func(r *analysis.Registration) Value { return intOf(int64(r.Refreshes)) }},
	{Key: "failures", Kind: Number, Doc: "refused or not answered", Get: func(r *analysis.Registration) Value { return intOf(int64(r.Failures)) }},
	{Key: "source_changes", Kind: Number, Doc: "how often the source address changed", Get: func(r *analysis.Registration) Value { return countOf(r.Sources) }},
	{Key: "retransmissions", Kind: Number, Doc: "messages sent again", Get: func(r *analysis.Registration) Value { return countOf(r.Retransmissions) }},
	{Key: "user_agent", Kind: Captured, Doc: "User-Agent of the REGISTER", Get: func(r *analysis.Registration) Value { return textOf(r.UserAgent) }},
	{Key: "start", Kind: Time, Doc: "the first message", Get: func(r *analysis.Registration) Value { return timeOf(r.Begin) }},
	{Key: "end", Kind: Time, Doc: "the last message", Get: func(r *analysis.Registration) Value { return timeOf(r.Last) }},
	{Key: "messages", Kind: Number, Doc: "SIP messages, copies left out", Get: func(r *analysis.Registration) Value { return intOf(int64(r.Messages)) }},
	{Key: "findings", Kind: List, Doc: "ids of findings, the worst first", Get: func(r *analysis.Registration) Value { return listOf(r.Findings) }},
	{Key: "first_frame", Kind: Frame, Doc: "of the first message", Get: func(r *analysis.Registration) Value { return frameOf(r.First) }},
	{Key: "last_frame", Kind: Frame, Doc: "of the last message", Get: func(r *analysis.Registration) Value { return frameOf(r.LastFrame) }},
}, parts: contactParts, closed: []vocabulary{{"outcome", analysis.Outcomes(), `did you mean registered?: ok success
did you mean failed?: rejected error
did you mean unanswered?: timeout
write reg.contacts.expired: expired`}, {"findings", ruleIDs, ""}}, said: `aor: user username
contacts.uri: contact
contacts.granted_s: expires
outcome: state result
registrar: server
status: code final_status
source: ip addr address
start: time since until
user_agent: ua`}

// contacts writes the contacts of a registration.
func (w *jsonWriter) contacts(o *Options, r *analysis.Registration) {
	w.key("contacts").open('[')
	for i := range r.Contacts {
		c := &r.Contacts[i]
		w.open('{')
		w.key("uri").uris([]byte(c.URI))
		if c.Asked >= 0 {
			w.key("asked_s").int(c.Asked)
		}
		if c.Granted >= 0 {
			w.key("granted_s").int(c.Granted)
		}
		if r.Expired(i) {
			w.key("expired").bool(true)
		}
		w.close('}')
	}
	w.close(']')
}

// contactsCell appends the URIs of the contacts.
func (w *jsonWriter) contactsCell(b []byte, _ *Options, r *analysis.Registration) []byte {
	var list []string
	for i := range r.Contacts {
		list = append(list, r.Contacts[i].URI)
	}
	return w.appendURICells(b, list)
}

// RegistrationColumns are the columns of the list of registrations for people.
var RegistrationColumns = []GridColumn{
	{Head: "ADDRESS-OF-RECORD", Min: 12}, {Head: "FROM", Min: minEndpoint, Spare: 5}, {Head: "OUTCOME", Colour: wordColour}, {Head: "CODE", Colour: statusColour}, {Head: "TRIES", Right: true, Spare: 4},
	{Head: "REFRESH", Right: true, Spare: 2}, {Head: "FOR s", Right: true, Spare: 3}, {Head: "USER AGENT", Min: 7, Spare: 1},
}

// RegistrationRow is a row of that list.
func RegistrationRow(r *analysis.Registration, o *Options) []string {
	status, granted := "", ""
	if r.Status != 0 {
		status = strconv.Itoa(r.Status)
	}
	for _, c := range r.Contacts {
		if c.Granted >= 0 {
			granted = strconv.FormatInt(c.Granted, 10)
		}
	}
	if r.Lapsed() {
		granted += ", over"
	}
	aor := r.AOR
	if !o.Secrets {
		aor = string(clean.AppendURIs(nil, []byte(aor)))
	}
	aor = strings.TrimPrefix(aor, "sip:") // which nearly all begin with
	source := ""
	if r.Source.IsValid() {
		source = string(words.AppendEndpoint(nil, r.Source))
	}
	return []string{
		clean.Text(aor), source, r.Outcome.String(), status, strconv.Itoa(r.Attempts),
		strconv.Itoa(r.Refreshes), granted, clean.Text(r.UserAgent),
	}
}
