package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/clean"
)

// Missing says in a sentence or two what is not in an analysis: which file could not be read to
// its end, and why, with the number of others, and which limits were met. It is "" for nothing.
func Missing(res *analysis.Result) string {
	return sentences(unreadFiles(res, (*capture.File).Complete), limitsText(res.Limits()))
}

// MissingMessages is Missing for a list of single messages, which takes nothing from the tables
// that have limits but for those of reassembly.
func MissingMessages(res *analysis.Result) string {
	return sentences(unreadFiles(res, (*capture.File).Complete), limitsText(res.Limits()[len(res.TableLimits()):]))
}

// MissingFiles is Missing for what lies in one place of a capture: it names files that could not be
// opened, and says nothing of what is elsewhere.
func MissingFiles(res *analysis.Result) string {
	return unreadFiles(res, func(f *capture.File) bool { return f.Err == nil })
}

func sentences(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), " ")
}

// unreadFiles names the first file that is not good, and counts the others.
func unreadFiles(res *analysis.Result, good func(*capture.File) bool) string {
	first, n := "", 0
	for i := range res.Files {
		c := res.Files[i].Capture
		if good(c) {
			continue
		}
		if n++; n > 1 {
			continue
		}
		first = clean.Text(c.Name) + ": "
		if c.Err != nil {
			first += clean.Text(openError(c))
			continue
		}
		d := c.Damage()[0]
		first += fmt.Sprintf("%s (at byte %d)", clean.Text(d.What), d.Off)
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "Not everything was read: " + first + "."
	}
	return fmt.Sprintf("Not everything was read: %s; and %s, which capture_info names.", first, plural(int64(n-1), "more file"))
}

// encryptedText counts the flows of a file that may be SIP and cannot be read.
func encryptedText(f *analysis.File) string {
	return plural(f.Encrypted, "flow") + " like SIP over TLS: not decrypted"
}

func limitsText(limits []string) string {
	if len(limits) == 0 {
		return ""
	}
	return "Limits of memory were met: " + strings.Join(limits, ", ") + ". What was over them is not in here; a part of the capture, or a server with more --max-memory, tells more."
}
