package report

import (
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
)

// FrameText writes a frame as people do: a number, or with several files k:n.
func FrameText(f analysis.Frame, o *Options) string {
	return string(appendFrame(nil, f, o.several(), ""))
}

// Parties returns the short names of who called and who was called.
func Parties(c *analysis.Call, o *Options) (from, to string) {
	l := c.First()
	return partyText(l.From, o), partyText(calledURI(l), o)
}

// URIText returns a URI of a capture fit to be shown.
func URIText(uri string, o *Options) string { return uriText(uri, o) }

// OwnPhrase returns the reason phrase of a message in quotes where it is not the registered one of its status; "" for
// none.
func OwnPhrase(status int, reason string, o *Options) string {
	if words.Phrase(status) == "" {
		return ""
	}
	return strings.TrimPrefix(quoted(ownPhrase(status, reason), o), " ")
}

// Unread says what of the captures could not be read, and which limits were met, a sentence
// each.
func Unread(res *analysis.Result) (list []string) {
	for i := range res.Files {
		f := &res.Files[i]
		name := clean.Text(f.Capture.Name)
		if f.Encrypted > 0 {
			list = append(list, name+": "+encryptedText(f)+".")
		}
		if f.Capture.Err != nil {
			list = append(list, name+": not read: "+clean.Text(openError(f.Capture))+".")
			continue
		}
		for _, n := range f.Capture.Damage() {
			list = append(list, name+": "+clean.Text(n.What)+", at byte "+group(n.Off)+".")
		}
	}
	if limits := res.Limits(); len(limits) > 0 {
		list = append(list, "Limits were met: "+strings.Join(limits, ", ")+". What was over them is not in the numbers.")
	}
	return list
}
