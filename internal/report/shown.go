package report

import (
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// StatusText returns a status code with its registered phrase.
func StatusText(code int) string { return statusText(code) }

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

// TransferText says what became of a transfer.
func TransferText(t *analysis.Transfer) string { return transferText(t) }

// DurationText writes a duration for people, with three digits or so.
func DurationText(d time.Duration) string { return durationText(d) }
