package findings

import (
	"bytes"
	"net/netip"

	"github.com/sipsight/sipsight/sipmsg"
)

// notPublic are the prefixes of addresses that nobody reaches from elsewhere: RFC 1918,
// 6598, 3927, 4193, loopback, multicast, documentation, unspecified. Of these, a NAT stands in front of those of private: RFC 1918, 6598, 3927, 4193.
var notPublic, private []netip.Prefix

func init() {
	notPublic = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24", "192.168.0.0/16",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "255.255.255.255/32",
		"::/128", "::1/128", "fe80::/10", "fc00::/7", "ff00::/8", "2001:db8::/32", "3fff::/20")
	private = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7")
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, s := range texts {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func within(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// isPublic reports whether an address is one of the Internet.
func isPublic(a netip.Addr) bool { return a.IsValid() && !a.IsPrivate() && !within(notPublic, a) }

// isPrivate reports whether an address is one of those behind a NAT.
//
//go:noinline
func isPrivate(a netip.Addr) bool { return a.IsValid() && within(private, a) }

// contactOf returns the host of the Contact in the final response of a transaction, a name in quotation marks, and whether it is
// a private address while its peer has none.
func (r *legRun) contactOf(i int) (host string, unreachable bool) {
	src, _ := r.ends(&r.Transactions[i])
	for _, j := range r.of(i) {
		m := &r.Messages[j]
		if m.Request || m.Status != r.Transactions[i].Status {
			continue
		}
		v, ok := r.header(j, sipmsg.Contact)
		if !ok {
			continue
		}
		u := sipmsg.ParseURI(sipmsg.ParseAddress(v).URI)
		if a, ok := u.Addr(); ok {
			return a.String(), isPrivate(a) && isPublic(src.Addr())
		} else if len(u.Host) > 0 {
			return quote(u.Host), false
		}
		return "", false
	}
	return "", false
}

// reachOf says whether the Contact in the final response of a transaction is one that its peer can reach, as far as addresses tell.
func (r *legRun) reachOf(i int) string {
	contact, private := r.contactOf(i)
	_, dst := r.ends(&r.Transactions[i])
	switch a, err := netip.ParseAddr(contact); {
	case private:
		return "; its Contact is the private address " + contact
	case contact == "":
		return "; its Contact has no address"
	case err != nil:
		return "; its Contact is the name " + contact
	case !dst.IsValid():
		return "; its Contact is " + contact
	case a.Unmap() == dst.Addr().Unmap():
		return "; its Contact is where it came from"
	case sameHost(a, dst.Addr()):
		return "; its Contact is another address of that host, " + contact
	}
	return "; its Contact is another address, " + contact
}

// inDialog reports whether a request has a To tag.
func (r *legRun) inDialog(i int) bool {
	m := r.Message(i)
	return m != nil && len(m.Tag(sipmsg.To)) > 0
}

// differ names the first part in which a CANCEL differs from its INVITE, "" for none.
func (r *legRun) differ(invite, cancel int) string {
	a, b := r.Message(invite), r.Message(cancel)
	if a == nil || b == nil {
		return ""
	}
	from := func(m *sipmsg.Message, id sipmsg.ID) string {
		v, _ := m.First(id)
		x := sipmsg.ParseAddress(v)
		tag, _ := x.Params.Get("tag")
		return string(x.URI) + "\x00" + string(tag)
	}
	switch {
	case string(a.RequestURI) != string(b.RequestURI):
		return "Request-URI"
	case string(a.Branch()) != string(b.Branch()):
		return "branch"
	case from(a, sipmsg.From) != from(b, sipmsg.From):
		return "From"
	case from(a, sipmsg.To) != from(b, sipmsg.To):
		return "To"
	}
	if r.Messages[invite].CSeq != r.Messages[cancel].CSeq {
		return "CSeq number"
	}
	return ""
}

// userIn returns the user of the URI in a From or To.
func userIn(v []byte) []byte {
	if user, ok := plainUser(v); ok {
		return user
	}
	return sipmsg.ParseURI(sipmsg.ParseAddress(v).URI).User
}

// plainUser returns the user of a SIP URI with a user alone, in brackets behind a display name without escapes, as
// nearly all are; ok is false for others.
func plainUser(v []byte) (user []byte, ok bool) {
	name, uri, ok := bytes.Cut(v, []byte("<"))
	if !ok || bytes.Count(name, []byte{'"'})%2 != 0 || bytes.IndexByte(name, '\\') >= 0 {
		return nil, false
	}
	uri, scheme := bytes.CutPrefix(uri, []byte("sip:"))
	end, at := bytes.IndexByte(uri, '>'), bytes.IndexByte(uri, '@')
	if !scheme || at < 0 || end < at || bytes.IndexByte(uri[:at], ':') >= 0 {
		return nil, false
	}
	return uri[:at:at], true
}
