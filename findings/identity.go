package findings

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// identityRules are about who calls, and who says so: RFC 3323, 3325, 8224.
var identityRules = []*Rule{callerID, stir}

var callerID = &Rule{
	ID: "caller-id", RFC: "RFC 3325 9.1; RFC 3323", Severity: "warning",
	Title: "a caller who is named in two ways",
	Doc: `In an INVITE outside of a dialog: the number of From and that of P-Asserted-Identity, P-Preferred-Identity or Remote-Party-ID are both full E.164 numbers (+ and 8 to 15 digits) and differ; or Privacy
asks to hide the caller (id, header, user) and P-Asserted-Identity goes to a public address all the same; or P-Asserted-Identity has more than one value with a sip or more than one
with a tel URI.`,
	Why: "One side shows another number than the one that is billed or called back, or shows a number that was to be hidden.",
	Fix: "Find the hop that sets the identities; whoever passes calls to a network that is not trusted has to take P-Asserted-Identity out when Privacy asks for it.",

	needs: callerUnlike, counts: callerNamed,
	leg: func(r *legRun) {
		for i := range r.Messages {
			s := &r.Messages[i]
			if !isInitialINVITE(s) || !namesCaller(s) {
				continue
			}
			r.applies()
			m := r.Message(i)
			if m == nil {
				continue
			}
			if what, expected := callerOf(s, m); what != "" {
				f := Finding{Severity: Warning, Frames: r.frames(i), Observed: what, Expected: expected}
				f.passed = r.said(i, "")
				r.report(f)
				return
			}
		}
	},
}

// namesCaller reports whether a message names the caller beside From.
func namesCaller(m *analysis.Seen) bool {
	return m.Fields.Has(sipmsg.PAssertedIdentity) || m.Fields.Has(sipmsg.PPreferredIdentity) || m.Fields.Has(sipmsg.RemotePartyID)
}

// isInitialINVITE reports whether a message is the first copy of an INVITE outside of a
// dialog, whole.
func isInitialINVITE(m *analysis.Seen) bool {
	return m.Request && m.Method == "INVITE" && m.Resent.Number == 0 && !m.Partial && m.Transaction >= 0 && m.Initial
}

// callerOf says what contradicts itself in the identities of an INVITE, "" for nothing.
func callerOf(s *analysis.Seen, m *sipmsg.Message) (what, expected string) {
	v, _ := m.First(sipmsg.From)
	from := fullNumber(sipmsg.ParseAddress(v).URI)
	var sips, tels int
	for v := range m.Values(sipmsg.PAssertedIdentity) {
		if !bytes.HasPrefix(v, []byte("<sip:")) && sipmsg.ParseURI(sipmsg.ParseAddress(v).URI).Scheme == sipmsg.SchemeTel {
			tels++
		} else {
			sips++
		}
	}
	if sips > 1 || tels > 1 {
		return fmt.Sprintf("P-Asserted-Identity has %s with a sip and %d with a tel URI", number(sips, "value"), tels), "one of each at most"
	}
	if sips+tels > 0 && asksToHide(m) && isPublic(s.Destination.Addr()) {
		return "Privacy asks to hide the caller, and P-Asserted-Identity goes to " + endpoint(s.Destination), "no P-Asserted-Identity to a network that is not trusted"
	}
	if from == "" {
		return "", ""
	}
	for _, id := range [...]sipmsg.ID{sipmsg.PAssertedIdentity, sipmsg.PPreferredIdentity, sipmsg.RemotePartyID} {
		for v := range m.Values(id) {
			a := sipmsg.ParseAddress(v)
			if party, ok := a.Params.Get("party"); ok && !bytes.EqualFold(party, []byte("calling")) {
				continue
			}
			if n := fullNumber(a.URI); n != "" && n != from {
				return "From is +" + from + ", " + id.String() + " is +" + n, "one number for the caller"
			}
		}
	}
	return "", ""
}

// asksToHide reports whether a message asks to hide the caller, in whichever Privacy.
func asksToHide(m *sipmsg.Message) bool {
	for v := range m.All(sipmsg.Privacy) {
		if hides(v) {
			return true
		}
	}
	return false
}

// hides reports whether a Privacy asks to hide the caller.
func hides(v []byte) bool {
	for _, w := range bytes.FieldsFunc(v, func(c rune) bool { return c == ';' || c == ',' || c == ' ' }) {
		switch strings.ToLower(string(w)) {
		case "id", "header", "user":
			return true
		}
	}
	return false
}

// fullNumber returns the digits of a URI whose user part is a full E.164 number, "" for
// others.
func fullNumber(uri []byte) string {
	if bytes.IndexByte(uri, '+') < 0 {
		return ""
	}
	u := sipmsg.ParseURI(uri)
	if len(u.User) == 0 || u.User[0] != '+' {
		return ""
	}
	if d := digits(string(u.User)); len(d) >= 8 && len(d) <= 15 {
		return d
	}
	return ""
}

var stir = &Rule{
	ID: "stir", RFC: "RFC 8224 6.2, 8.3; RFC 8225 5; RFC 8588; RFC 8946", Severity: "note / warning",
	Title: "what the Identity of a call says",
	Doc: `An INVITE outside of a dialog carries Identity: what its PASSporTs say is told (attestation, orig, dest, div, rich call data) as a note, and no signature is verified. A warning where orig is neither
the number of From nor that of P-Asserted-Identity, dest is not that of To (of the Request-URI where the call was diverted, or of who another PASSporT of the same INVITE says it was diverted from) in canonical form, iat is more than 60 s from the time
of the packet, a PASSporT cannot be read, or the call is answered 428, 436, 437 or 438, or any response to it has a Reason of STIR (RFC 9410). A number without its country code counts as equal. On a further hop the numbers of an Identity that came there as it is are compared again, but not its iat, nor the Request-URI.`,
	Why: "A verifier that finds such a difference takes the call for forged: it is refused, or shown as spam.",
	Fix: "Compare what the signing service was given with the INVITE that left, and the clocks of both; whoever changes numbers behind it has to sign anew.",

	needs: identified | hasReason,
	leg: func(r *legRun) {
		if i := r.first(func(m *analysis.Seen) bool {
			return m.Fields.Has(sipmsg.Identity) || !m.Request && (isIdentityStatus(m.Status) || m.Fields.Has(sipmsg.Reason))
		}); i < 0 {
			return
		}
		r.stir()
	},
}

// unverified says what a response to an INVITE tells of a verification that failed, "" for nothing: by its status, or by a Reason, which
// the response to a call that goes on may have, too: RFC 9410.
func (r *legRun) unverified(i int) string {
	m := &r.Messages[i]
	switch {
	case m.Request || m.Method != "INVITE":
		return ""
	case isIdentityStatus(m.Status):
		return fmt.Sprintf("answered %d", m.Status)
	case m.Fields.Has(sipmsg.Reason) && says(r.Message(i), sipmsg.Reason, "STIR"):
		return fmt.Sprintf("the %d says by a Reason of STIR that the verification failed", m.Status)
	}
	return ""
}

const maxAge = 60 * time.Second // of a PASSporT: RFC 8224, section 8.1.1

func isIdentityStatus(status int) bool {
	return status == 428 || status == 436 || status == 437 || status == 438
}

// A signed is what the Identity of an INVITE says.
type signed struct{ said, wrong, identities []string }

// signedOf reads the PASSporTs of INVITE i. carried are the Identities of those before it.
func (r *legRun) signedOf(i int, carried []string) (x signed) {
	m := r.Message(i)
	var list []*sipmsg.PASSporT
	for v := range m.All(sipmsg.Identity) {
		x.identities = append(x.identities, string(v))
		p, err := sipmsg.ParsePASSporT(v)
		if err != nil {
			x.wrong = append(x.wrong, "a PASSporT cannot be read")
		}
		if list = append(list, &p); len(list) == maxRealms {
			break
		}
	}
	for n, p := range list {
		x.said = append(x.said, passport(p))
		if !p.Compact {
			x.wrong = append(x.wrong, disagree(p, list, m, r.Messages[i].Time, slices.Contains(carried, x.identities[n]))...)
		}
	}
	return x
}

// stir tells of the first INVITE that carries Identity, or of the first one with which that does not agree: numbers may be changed behind who
// signed. It tells of refusals for its sake, too.
func (r *legRun) stir() {
	var said, wrong []string
	var carried []string
	var frames []analysis.Frame
	at, judged := 0, 0
	for i := range r.Messages {
		m := &r.Messages[i]
		if !isInitialINVITE(m) || !m.Fields.Has(sipmsg.Identity) || r.Message(i) == nil {
			continue
		}
		x := r.signedOf(i, carried)
		carried = append(carried, x.identities...)
		if frames == nil {
			said, wrong, frames, at = x.said, x.wrong, r.frames(i), i
		} else if len(x.wrong) > 0 {
			said, wrong, frames = x.said, x.wrong, append(frames, m.Frame)
			wrong[0] = "on the way from " + endpoint(m.Source) + " " + wrong[0]
		}
		if judged++; len(wrong) > 0 || judged == maxJudged {
			break
		}
	}
	for i := range r.Messages {
		if what := r.unverified(i); what != "" {
			wrong, frames, at = append(wrong, what), append(frames, r.Messages[i].Frame), i
			break
		}
	}
	if frames == nil {
		return
	}
	r.applies()
	f := Finding{Severity: Note, Frames: frames, Expected: "an Identity that agrees with the INVITE", NextStep: "Nothing: what can be compared agrees."}
	f.passed = r.said(at, "")
	if len(wrong) > 0 {
		f.Severity, f.NextStep = Warning, ""
		f.Observed = strings.Join(wrong, "; ") + "; "
	}
	if len(said) == 0 {
		said = append(said, "the INVITE carries none")
	}
	f.Observed += "Identity: " + strings.Join(said, "; and ") + "; signature not verified"
	r.report(f)
}

// passport says what a PASSporT says.
func passport(p *sipmsg.PASSporT) string {
	var b strings.Builder
	if p.PPT != "" {
		b.WriteString(p.PPT + " ")
	}
	if p.Compact {
		b.WriteString("in compact form")
		return b.String()
	}
	if p.Attest != "" {
		b.WriteString("attestation " + p.Attest + ", ")
	}
	b.WriteString("orig " + identities(p.Orig) + ", dest " + identities(p.Dest))
	if p.HasDiv {
		b.WriteString(", diverted from " + identities(p.Div))
	}
	if p.Name != "" {
		b.WriteString(", name " + quote([]byte(p.Name)))
	}
	return b.String()
}

func identities(n sipmsg.Identities) string {
	all := append(append([]string(nil), n.TN...), n.URI...)
	for i, s := range all {
		all[i] = s[:min(len(s), 40)]
	}
	switch {
	case len(all) == 0:
		return "none"
	case len(all) > 3:
		return strings.Join(all[:3], " ") + " …"
	}
	return strings.Join(all, " ")
}

// disagree says in what a PASSporT of a list and its INVITE disagree. The others that say that the call was diverted name whom it was for before.
// Of one that an INVITE before it carried the numbers alone are of interest, and not those of the Request-URI: it has grown old while other
// telephones rang, and whom the call was diverted to has an address by now.
func disagree(p *sipmsg.PASSporT, list []*sipmsg.PASSporT, m *sipmsg.Message, at time.Time, carried bool) (what []string) {
	from, to := addresses(m, sipmsg.From, sipmsg.PAssertedIdentity), addresses(m, sipmsg.To)
	diverted := p.HasDiv || p.PPT == "div"
	if diverted {
		to = append(to, string(m.RequestURI))
	}
	if !agree(p.Orig, from) {
		what = append(what, "orig is "+identities(p.Orig)+", From "+userOf(from))
	}
	for _, q := range list {
		if q == p { // it names whom it is for now
			continue
		}
		to = append(to, q.Div.URI...)
		for _, tn := range q.Div.TN {
			to = append(to, "tel:"+tn)
		}
	}
	if !agree(p.Dest, to) && !(carried && diverted) {
		what = append(what, "dest is "+identities(p.Dest)+", To "+userOf(to))
	}
	if p.HasIAT && !at.IsZero() && !carried {
		if d := at.Unix() - p.IAT; d > int64(maxAge/time.Second) || d < -int64(maxAge/time.Second) {
			what = append(what, "iat is "+span(d)+" from the time of the packet")
		}
	}
	return what
}

// span says how long so many seconds are, whatever a stranger made of them.
func span(s int64) string {
	if s < 0 {
		s = -s
	}
	if s < 0 || s > int64(1000*time.Hour/time.Second) {
		return "more than 1,000 h"
	}
	return fmt.Sprint(time.Duration(s) * time.Second)
}

// addresses returns the URIs of header fields.
func addresses(m *sipmsg.Message, ids ...sipmsg.ID) (list []string) {
	for _, id := range ids {
		for v := range m.Values(id) {
			list = append(list, string(sipmsg.ParseAddress(v).URI))
		}
	}
	return list
}

// userOf returns the user part of the first of some URIs.
func userOf(uris []string) string {
	if len(uris) == 0 {
		return "none"
	}
	u := sipmsg.ParseURI([]byte(uris[0]))
	if len(u.User) == 0 {
		return "without a number"
	}
	return string(u.User[:min(len(u.User), 40)])
}

// agree reports whether one of the identities is one of the URIs, in canonical form: RFC
// 8224, section 8.3. What names nobody, such as an anonymous From, contradicts nothing.
func agree(n sipmsg.Identities, uris []string) bool {
	if len(n.TN)+len(n.URI) == 0 {
		return true
	}
	compared := false
	for _, uri := range uris {
		u := sipmsg.ParseURI([]byte(uri))
		d := digits(string(u.User))
		for _, tn := range n.TN {
			if d == "" {
				continue
			}
			compared = true
			if sameNumber(digits(tn), d) {
				return true
			}
		}
		for _, x := range n.URI {
			compared = true
			y := sipmsg.ParseURI([]byte(x))
			if bytes.Equal(u.User, y.User) && bytes.EqualFold(u.Host, y.Host) {
				return true
			}
		}
	}
	return !compared
}

// sameNumber reports whether two numbers are one, or one of them is the other without its
// country code.
func sameNumber(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) < len(b) {
		a, b = b, a
	}
	return a == b || len(b) >= 7 && strings.HasSuffix(a, b) && len(a)-len(b) <= 3
}
