package report

import (
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
)

// CallName returns the id of the call with a number: call-1.
func CallName(id int) string {
	var b [32]byte
	return string(appendCallName(b[:0], id))
}

func appendCallName(b []byte, id int) []byte {
	return strconv.AppendInt(append(b, "call-"...), int64(id), 10)
}

// LinkText says what ties a call to another one, as a part of a sentence about the call id.
func LinkText(l *analysis.Link, id int, o *Options) string {
	from, to := CallName(l.From), CallName(l.To)
	refer, invite := "frame "+FrameText(l.Refer, o), "frame "+FrameText(l.Invite, o)
	out := l.From == id
	switch {
	case l.Kind == analysis.Transferred && out:
		return to + " came of its REFER in " + refer
	case l.From == 0:
		return "it came of the REFER in " + refer + ", which is of no call"
	case l.Kind == analysis.Transferred:
		return "it came of the REFER in " + refer + " of " + from
	case l.Kind == analysis.Consulted && out:
		return "its REFER in " + refer + " asks for a call in the place of " + to
	case l.Kind == analysis.Consulted:
		return "the REFER in " + refer + " of " + from + " asks for a call in its place"
	case out:
		return to + " took its place: INVITE with Replaces in " + invite
	}
	return "it took the place of " + from + ": INVITE with Replaces in " + invite
}

// appendLinksText appends what ties a call to others, for people.
func appendLinksText(b []byte, c *analysis.Call, o *Options) []byte {
	for i := range c.Links {
		l := &c.Links[i]
		b = folded(b, "linked", "%s (score %d: %s)", LinkText(l, c.ID, o), l.Score, strings.Join(l.Reason, ", "))
	}
	return b
}

// linked writes what ties a call to others.
func (w *jsonWriter) linked(o *Options, c *analysis.Call) {
	if len(c.Links) == 0 {
		return
	}
	w.key("linked").open('[')
	for _, l := range firstOf(c.Links, o.MaxStreams) {
		w.open('{')
		w.key("kind").quote([]byte(l.Kind.String()))
		if l.From != 0 {
			w.key("from").quote([]byte(CallName(l.From)))
		}
		w.key("to").quote([]byte(CallName(l.To)))
		if l.Refer != (analysis.Frame{}) {
			w.key("refer_frame").frame(l.Refer, o.several())
		}
		w.key("first_frame").frame(l.Invite, o.several())
		w.key("score").int(int64(l.Score))
		w.key("reasons").strings(l.Reason)
		w.close('}')
	}
	w.close(']')
}
