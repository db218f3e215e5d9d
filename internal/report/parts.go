package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/internal/filter"
)

// A part is what filters see of the objects in a column: the values of one key in all of them, of
// which any may satisfy what is asked. They are those that the row shows.
type part struct {
	name string // of the column, and the keys below it: legs.source; * is any key
	kind filter.Kind
	doc  string
}

// addParts adds the parts of a column to a schema.
func (c *Column[T]) addParts(s *filter.Schema[T], parts []part) {
	for _, p := range parts {
		column, path, _ := strings.Cut(p.name, ".")
		if column != c.Key {
			continue
		}
		f := filter.Field{Name: p.name, Kind: p.kind, Doc: p.doc}
		if f.Kind == filter.Address {
			path = "*" // in place of a name that no row has
		}
		s.Add(f, func(r T, v *filter.Values) {
			w := jsonWriter{secrets: v.Secrets()}
			c.json(&w, &Options{}, r)
			_, b, there := bytes.Cut(w.b, []byte(":")) // behind the key of the column
			switch {
			case there && p.kind == filter.Present:
				v.Present()
			case there:
				each(b, path, func(value []byte) { p.take(v, value) })
			}
		})
	}
}

// each calls take with the values at a path in JSON of our own, and returns what follows it. The
// elements of an array are at the path of the array; take is nil where nothing is wanted.
func each(b []byte, path string, take func(value []byte)) (rest []byte) {
	n := 0
	switch b[0] {
	case '"':
		for n = 1; b[n] != '"'; n++ {
			if b[n] == '\\' {
				n++
			}
		}
		n++
	case '[', '{':
		first, below, _ := strings.Cut(path, ".")
		for end := b[0] + 2; b[1] != end; { // brackets are two apart
			b = b[1:]
			wanted, at := take, path
			if end == '}' {
				key := b
				b = each(b, "", nil)[1:]
				if at = below; first == "" || first != "*" && !bytes.HasPrefix(key[1:], []byte(first+`"`)) {
					wanted = nil
				}
			}
			if b = each(b, at, wanted); b[0] == end {
				return b[1:]
			}
		}
		return b[2:]
	default:
		n = bytes.IndexAny(b, ",]}")
		if n < 0 {
			n = len(b)
		}
	}
	if take != nil && path == "" {
		take(b[:n])
	}
	return b[n:]
}

// take gives a value of a row to a filter.
func (p *part) take(v *filter.Values, value []byte) {
	switch p.kind {
	case filter.String:
		var s string
		json.Unmarshal(value, &s) // we wrote it
		if _, err := netip.ParseAddrPort(s); err == nil {
			v.Endpoint(s)
			return
		}
		v.String(s)
	case filter.Decimal:
		x, _ := strconv.ParseFloat(string(value), 64)
		v.Decimal(x)
	case filter.Bool:
		v.Bool(string(value) == "true")
	case filter.Address:
		if a, err := netip.ParseAddrPort(string(bytes.Trim(value, `"`))); err == nil {
			v.Address(a.Addr())
		}
	}
}

var callParts = []part{
	{"dialogs", filter.Present, "it has dialogs, of any leg"},
	{"dialogs.local_tag", filter.String, "tags of the caller"},
	{"dialogs.remote_tag", filter.String, "tags of the callee"},
	{"dialogs.state", filter.String, "early, confirmed or terminated"},
	{"dialogs.call_id", filter.String, "their Call-IDs, of a call with further legs"},
	{"legs", filter.Present, "it has further legs, behind a server"},
	{"legs.call_id", filter.String, "their Call-IDs"},
	{"legs.joined_with", filter.String, "the Call-IDs of the legs that they go on"},
	{"legs.score", filter.Decimal, "how much speaks for that"},
	{"legs.reasons", filter.String, "what speaks for it"},
	{"legs.state", filter.String, "how far they came"},
	{"legs.source", filter.String, "where their first messages came from"},
	{"legs.destination", filter.String, "where these went to"},
	{"legs.first_frame", filter.Decimal, "of their first messages"},
	{"legs.last_frame", filter.Decimal, "of their last messages"},
	{"transfers", filter.Present, "it has REFERs"},
	{"transfers.target", filter.String, "whom they ask to call"},
	{"transfers.by", filter.String, "who sent them"},
	{"transfers.frame", filter.Decimal, "their frames"},
	{"transfers.status", filter.Decimal, "what they were answered"},
	{"transfers.result", filter.Decimal, "what was reported of them last"},
	{"linked", filter.Present, "a transfer or a Replaces ties it to other calls"},
	{"linked.kind", filter.String, "transfer, consultation or replacement"},
	{"linked.from", filter.String, "id of the call with the REFER, or that was replaced"},
	{"linked.to", filter.String, "id of the call that came of it"},
	{"linked.refer_frame", filter.Decimal, "of the REFER"},
	{"linked.first_frame", filter.Decimal, "of the first message of what came of it"},
	{"linked.score", filter.Decimal, "how much speaks for that"},
	{"linked.reasons", filter.String, "what speaks for it"},
	{"media", filter.Present, "its first leg has session descriptions"},
	{"media.codecs", filter.String, "codecs that both sides named"},
	{"media.endpoints.side", filter.String, "who described media"},
	{"media.endpoints.kind", filter.String, "audio, video and so on"},
	{"media.endpoints.address", filter.String, "where the sides want to be sent media"},
	{"media.endpoints.codecs", filter.String, "the codecs that a side named, with commas"},
	{"media.endpoints.direction", filter.String, "sendrecv, sendonly, recvonly or inactive"},
	{"media.endpoints.protocol", filter.String, "RTP/AVP, RTP/SAVP and so on"},
	{"media.endpoints.frame", filter.Decimal, "where that is said"},
	{"media.held_by", filter.String, "who put the other one on hold"},
	{"hops.source", filter.String, "where messages came from, on any hop of any leg"},
	{"hops.destination", filter.String, "where these went to"},
	{"hops.addr", filter.Address, "both without ports: every address that the call was seen at"},
}

var contactParts = []part{
	{"contacts.uri", filter.String, "their URIs"},
	{"contacts.asked_s", filter.Decimal, "for how long, as asked"},
	{"contacts.granted_s", filter.Decimal, "for how long, as granted"},
	{"contacts.expired", filter.Bool, "that was over when the capture ended"},
}

var streamParts = []part{
	{"payload_types", filter.Decimal, "all that it had, where over 1"},
	{"rtcp", filter.Present, "there is RTCP of it"},
	{"rtcp.sent_packets", filter.Decimal, "packets that its sender says it sent"},
	{"rtcp.reported_lost", filter.Decimal, "packets that the other side says were lost"},
	{"rtcp.reported_loss_percent_max", filter.Decimal, "the most of it in a report, as a share"},
	{"rtcp.reported_jitter_ms_max", filter.Decimal, "the most jitter that it reports"},
	{"rtcp.round_trip_ms", filter.Decimal, "the way there and back"},
	{"rtcp.cname", filter.String, "the name of the sender"},
}
