package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
)

// A Reference says what the reference result holds beside what the analysis found.
type Reference struct {
	Files     []string
	Now       time.Time // analysis_timestamp
	Described int64     // how many messages stand in packets
	MaxList   int       // the most methods, Call-IDs and user agents listed; 0 is all
	// MaxListChars bounds each list, of files and damage too, in octets; 0 is no bound.
	MaxListChars int
	Note         string // what was left out, and how to get it; "" for nothing
	NextCursor   string // "" for the last page
	Secrets      bool   // show passwords
}

// AppendReference appends the reference result up to and with the opening bracket of
// packets. The elements follow, separated by commas, and then AppendReferenceEnd.
func AppendReference(b []byte, res *analysis.Result, r *Reference) []byte {
	w := jsonWriter{b: b, secrets: r.Secrets}
	w.open('{')
	w.referenceFiles(r)
	w.key("analysis_timestamp").time(r.Now.UTC())
	w.key("total_packets_in_file").int(res.Packets)
	w.key("sip_packets_found").int(res.Statistics.Messages)
	w.key("sip_packets_analyzed").int(r.Described)
	w.key("statistics").statistics(&res.Statistics, r)
	w.key("packets").open('[')
	return w.b
}

// AppendReferenceEnd appends what follows the elements of packets.
func AppendReferenceEnd(b []byte, res *analysis.Result, r *Reference) []byte {
	w := jsonWriter{b: b}
	w.close(']')
	w.referenceNotes(res, r)
	w.close('}')
	return w.b
}

// AppendReferenceEmpty appends the result for captures without SIP. What explains it,
// such as traffic that is encrypted, is the caller's message.
func AppendReferenceEmpty(b []byte, res *analysis.Result, r *Reference, message string) []byte {
	w := jsonWriter{b: b}
	w.open('{')
	w.referenceFiles(r)
	w.key("total_packets_in_file").int(res.Packets)
	w.key("sip_packets_found").int(0)
	w.key("message").quote([]byte(message))
	w.referenceNotes(res, r)
	w.close('}')
	return w.b
}

// AppendReferenceError appends the result of a failure.
func AppendReferenceError(b []byte, name string, isURL bool, err error) []byte {
	w := jsonWriter{}
	w.textLimit([]byte(err.Error()), 1000)
	return appendReferenceError(b, name, isURL, w.b)
}

// AppendReferenceRefusal is AppendReferenceError of a question that cannot be meant, in words of
// our own: its line ends stay, since they put a mark below an expression.
func AppendReferenceRefusal(b []byte, name string, isURL bool, why string) []byte {
	w := jsonWriter{}
	w.scratch, _ = clean.AppendLines(nil, []byte(why), 1000)
	w.quote(w.scratch)
	return appendReferenceError(b, name, isURL, w.b)
}

// appendReferenceError appends the result of a failure that is quoted already.
func appendReferenceError(b []byte, name string, isURL bool, quoted []byte) []byte {
	w := jsonWriter{b: b}
	w.open('{')
	w.key("error")
	w.b = append(w.b, quoted...)
	w.comma = true
	if isURL {
		w.key("pcap_url")
	} else {
		w.key("pcap_file")
	}
	w.name(name)
	w.close('}')
	return w.b
}

// maxName bounds the characters shown of the name of a file.
const maxName = 4096

// name writes the name of a file. A mark that takes two characters in JSON counts twice: a path of
// nothing else leaves room for the answer.
func (w *jsonWriter) name(s string) {
	w.textLimit([]byte(s), max(maxName-strings.Count(s, `"`)-strings.Count(s, `\`), clean.MaxText))
}

func (w *jsonWriter) referenceFiles(r *Reference) {
	w.key("file").name(r.Files[0])
	if len(r.Files) > 1 {
		w.key("files").open('[')
		for _, n := range r.ListedFiles() {
			w.name(n)
		}
		w.close(']')
	}
}

func (w *jsonWriter) referenceNotes(res *analysis.Result, r *Reference) {
	if r.Note != "" {
		w.key("note").quote([]byte(r.Note))
	}
	if r.NextCursor != "" {
		w.key("next_cursor").quote([]byte(r.NextCursor))
	}
	if !res.Complete() {
		w.key("complete").bool(false)
	}
	if !res.AllRead() {
		w.key("damage").open('[')
		w.damages(res, r)
		w.close(']')
	}
}

// damages writes what could not be read, as much of it as fits.
func (w *jsonWriter) damages(res *analysis.Result, r *Reference) (shown, total int) {
	start, full := len(w.b), false
	for i := range res.Files {
		end, comma := len(w.b), w.comma
		n := w.damage(res.Files[i].Capture, len(res.Files) > 1)
		total += n
		if full = full || r.MaxListChars > 0 && len(w.b)-start > r.MaxListChars; full {
			w.b, w.comma = w.b[:end], comma
			continue
		}
		shown += n
	}
	return shown, total
}

// ListedDamage returns how many of the faults in the files the result lists.
func (r *Reference) ListedDamage(res *analysis.Result) (shown, total int) {
	return new(jsonWriter).damages(res, r)
}

func (w *jsonWriter) statistics(s *analysis.Statistics, r *Reference) {
	w.open('{')
	w.key("requests").int(s.Requests)
	w.key("responses").int(s.Responses)
	w.key("methods").counts(s.Methods, r.Listed(s.MethodNames()))
	w.key("response_classes").open('{')
	for class, n := range s.Classes {
		if n > 0 {
			w.key(strconv.Itoa(class) + "xx").int(n)
		}
	}
	w.close('}')
	w.key("unique_call_ids").int(int64(len(s.CallIDs)))
	w.key("call_ids").texts(r.Listed(s.CallIDs))
	w.key("transports").counts(s.Transports, slices.Sorted(maps.Keys(s.Transports)))
	w.key("user_agents").uriList(r.Listed(s.UserAgents))
	if len(s.Limits) > 0 {
		w.key("limits").strings(s.Limits)
	}
	w.close('}')
}

// Listed returns what the result lists of a sorted list of texts from the capture.
func (r *Reference) Listed(list []string) []string {
	return r.fitting(firstOf(list, r.MaxList), clean.MaxText)
}

// ListedFiles returns which of the files the result lists.
func (r *Reference) ListedFiles() []string { return r.fitting(r.Files, maxName) }

// fitting returns the first of list, as many as fit when each is shown with at most limit
// characters.
func (r *Reference) fitting(list []string, limit int) []string {
	if r.MaxListChars == 0 {
		return list
	}
	var w jsonWriter
	for i, s := range list {
		if w.textLimit([]byte(s), limit); len(w.b) > r.MaxListChars {
			return list[:i]
		}
	}
	return list
}

func firstOf[T any](list []T, n int) []T {
	if n > 0 && len(list) > n {
		return list[:n]
	}
	return list
}

// counts writes what a map from texts of the capture to numbers says of keys.
func (w *jsonWriter) counts(m map[string]int64, keys []string) {
	w.open('{')
	for _, k := range keys {
		w.text([]byte(k))
		w.b = append(w.b, ':')
		w.comma = false
		w.int(m[k])
	}
	w.close('}')
}

// NoSIP says that nothing was found, and what could explain it.
func NoSIP(res *analysis.Result) string {
	s := "No SIP messages were found"
	if res.Packets == 0 {
		return s + ": the capture holds no packets."
	}
	s += " in " + plural(res.Packets, "packet") + "."
	if why := blindSpots(res); len(why) > 0 {
		s += " Not looked into: " + strings.Join(why, "; ") + "."
	}
	return s
}

// blindSpots names what could hide SIP from this version.
func blindSpots(res *analysis.Result) (list []string) {
	for i := range res.Files {
		for _, n := range res.Files[i].Notes {
			if strings.HasPrefix(n.ID, "link-type-") {
				list = append(list, fmt.Sprintf("%s (%s)", plural(n.Count, "packet"), n.ID))
			}
		}
	}
	return list
}
