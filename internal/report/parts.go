package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/internal/filter"
)

// Parts are what filters see of the objects in a column: the values of one key in all of them, of which
// any may satisfy what is asked. They are those that the row shows. A name is that of the column, and the
// keys below it: legs.source; * is any key.

// addParts adds the parts of a column to a schema, as the rows with the options have them. A line is of
// each: its name, its kind and what it is. An endpoint is an address with its port, a call the name of one.
func (c *Column[T]) addParts(s *filter.Schema[T], parts string, o *Options) {
	for _, line := range strings.Split(parts, "\n") {
		words := strings.SplitN(line, " ", 3)
		column, path, _ := strings.Cut(words[0], ".")
		if column != c.Key {
			continue
		}
		p := filter.Field{Name: words[0], Doc: words[2]}
		kind := words[1]
		if kind == "endpoint" || kind == "call" || kind == "uri" {
			words[1] = "text"
		}
		for p.Kind.String() != words[1] {
			p.Kind++
		}
		if p.Kind == filter.Address {
			path = "*" // in place of a name that no row has
		}
		s.Add(p, func(r T, v *filter.Values) {
			w := jsonWriter{secrets: v.Secrets()}
			c.json(&w, o, r)
			_, b, there := bytes.Cut(w.b, []byte(":")) // behind the key of the column
			switch {
			case there && p.Kind == filter.Present:
				v.Present()
			case there:
				each(b, path, func(value []byte) { takePart(v, p.Kind, kind, value) })
			}
		})
		switch kind {
		case "call":
			s.Named(p.Name)
		case "endpoint":
			s.Endpoint(p.Name)
		case "uri":
			s.URI(p.Name)
		}
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

// takePart gives a value of a row to a filter. An endpoint is a text, and so is the name of a call.
func takePart(v *filter.Values, k filter.Kind, kind string, value []byte) {
	switch k {
	case filter.String:
		var s string
		json.Unmarshal(value, &s) // we wrote it
		switch kind {
		case "endpoint":
			v.Endpoint(s)
		case "call":
			v.Name(s)
		default:
			v.String(s)
		}
	case filter.Decimal:
		x, _ := strconv.ParseFloat(string(value), 64)
		v.Decimal(x)
	case filter.Frame:
		file, number, several := strings.Cut(string(bytes.Trim(value, `"`)), ":")
		if !several {
			file, number = "1", file
		}
		i, _ := strconv.Atoi(file)
		n, _ := strconv.ParseInt(number, 10, 64)
		v.Frame(i-1, n)
	case filter.Time:
		if t, err := time.Parse(time.RFC3339Nano, string(bytes.Trim(value, `"`))); err == nil {
			v.Time(t)
		}
	case filter.Bool:
		v.Bool(string(value) == "true")
	case filter.Address:
		if a, err := netip.ParseAddrPort(string(bytes.Trim(value, `"`))); err == nil {
			v.Address(a.Addr())
		}
	}
}

const callParts = `dialogs present it has dialogs, of any leg
dialogs.local_tag text tags of the caller
dialogs.remote_tag text tags of the callee
dialogs.state text early, confirmed or terminated
dialogs.call_id text their Call-IDs, of a call with further legs
legs present it has further legs, behind a server
legs.call_id text their Call-IDs
legs.joined_with text the Call-IDs of the legs that they go on
legs.score decimal how much speaks for that
legs.reasons text what speaks for it
legs.from uri the URIs of From there, which a server may have changed
legs.to uri those of To
legs.state text how far they came
legs.final_status decimal what became of them
legs.source endpoint where their first messages came from
legs.destination endpoint where these went to
legs.first_frame frame of their first messages
legs.last_frame frame of their last messages
transfers present it has REFERs
transfers.target text whom they ask to call
transfers.by text who sent them
transfers.frame frame their frames
transfers.status decimal what they were answered
transfers.result decimal what was reported of them last
linked present a transfer or a Replaces ties it to other calls
linked.kind text transfer, consultation or replacement
linked.from call id of the call with the REFER, or that was replaced
linked.to call id of the call that came of it
linked.refer_frame frame of the REFER
linked.first_frame frame of the first message of what came of it
linked.score decimal how much speaks for that
linked.reasons text what speaks for it
media present its first leg has session descriptions
media.codecs text codecs that both sides named
media.endpoints.side text who described media
media.endpoints.kind text audio, video and so on
media.endpoints.address endpoint where the sides want to be sent media
media.endpoints.codecs text the codecs that a side named, with commas
media.endpoints.direction text sendrecv, sendonly, recvonly or inactive
media.endpoints.protocol text RTP/AVP, RTP/SAVP and so on
media.endpoints.frame frame where that is said
media.held_by text who put the other one on hold
media.held_at time since when
media.resumed bool that is over
media.streams.ssrc text of its streams, of any leg: the SSRC in hexadecimal
media.streams.protocol text UDPTL for those of a fax by T.38
media.streams.start time their first packets
media.streams.source endpoint where they came from
media.streams.destination endpoint where they went to
media.streams.sent_by text caller or callee
media.streams.relay_hop bool they are on another hop of a relay
media.streams.codec text their codecs
media.streams.packets decimal their packets
media.streams.lost decimal those that never came
media.streams.loss_percent decimal their share
media.streams.mean_jitter_ms decimal interarrival jitter
media.streams.mos decimal estimated quality
media.streams_left_out decimal how many more streams it has
media.sessions.protocol text of its sessions: T.38, MSRP or BFCP
media.sessions.transport text as the description has it
media.sessions.offered_by text caller or callee
media.sessions.offer_frame frame where it was offered
media.sessions.offered_at time when
media.sessions.outcome text what became of that
media.sessions.status decimal what it was refused with
media.sessions.answer_frame frame where it was answered
media.sessions.caller.address endpoint where the caller wants to be sent it
media.sessions.caller.described_address endpoint what c= and m= say, where that differs
media.sessions.caller.setup text active, passive and so on
media.sessions.caller.packets decimal what it sent
media.sessions.callee.address endpoint where the callee wants to be sent it
media.sessions.callee.described_address endpoint what c= and m= say, where that differs
media.sessions.callee.setup text active, passive and so on
media.sessions.callee.packets decimal what it sent
media.sessions.connection text what became of the TCP connection
media.sessions.connection_frame frame where that is seen
hops.source endpoint where messages came from, on any hop of any leg
hops.destination endpoint where these went to
hops.addr address both without ports: every address that the call was seen at
hops.status decimal what it was refused with on a hop, where that is not what became of it; 408 also for silence`

const contactParts = `contacts.uri text their URIs
contacts.asked_s decimal for how long, as asked
contacts.granted_s decimal for how long, as granted
contacts.expired bool that was over when the capture ended`

const streamParts = `payload_types decimal all that it had, where over 1
rtcp present there is RTCP of it
rtcp.sent_packets decimal packets that its sender says it sent
rtcp.reported_lost decimal packets that the other side says were lost
rtcp.reported_loss_percent_max decimal the most of it in a report, as a share
rtcp.reported_jitter_ms_max decimal the most jitter that it reports
rtcp.round_trip_ms decimal the way there and back
rtcp.cname text the name of the sender
rtcp.sender_reports decimal how many there are
rtcp.receiver_reports decimal likewise
rtcp.voip_metrics.loss_percent decimal what the receiver measured: RFC 3611, section 4.7
rtcp.voip_metrics.discard_percent decimal likewise
rtcp.voip_metrics.round_trip_ms decimal likewise
rtcp.voip_metrics.mos_listening decimal likewise
rtcp.voip_metrics.mos_conversational decimal likewise
rtcp.voip_metrics.r_factor decimal likewise
rtcp.feedback decimal messages about it: RFC 4585
rtcp.bye bool its sender says that it ends`
