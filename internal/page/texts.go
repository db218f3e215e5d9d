package page

import (
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
)

// maxTexts bounds the octets of messages that are kept whole, of all calls.
const maxTexts = 32 << 20

// Texts keeps messages whole, as they may be shown: clean and, unless Secrets is set,
// without secrets. Its Take is given to an analysis.
type Texts struct {
	Secrets bool
	Of      func(callID string) bool // which calls; nil: all

	kept  map[analysis.Frame][]text
	size  int
	over  bool
	plain []byte
	shown []byte
}

// A text is one message.
type text struct {
	callID string
	text   string
}

// Take keeps a message, if it is of a call that is wanted.
func (t *Texts) Take(m *analysis.Message) error {
	if m.IsCopy() {
		return nil
	}
	id := string(analysis.CallID(m.SIP))
	if id == "" || t.Of != nil && !t.Of(id) {
		return nil
	}
	if t.size > maxTexts {
		t.over = true
		return nil
	}
	if t.Secrets {
		t.plain = append(t.plain[:0], m.SIP.Raw()...)
	} else {
		t.plain = clean.AppendMessage(t.plain[:0], m.SIP)
	}
	t.shown, _ = clean.AppendLines(t.shown[:0], t.plain, clean.MaxRaw)
	if t.kept == nil {
		t.kept = make(map[analysis.Frame][]text)
	}
	t.kept[m.Frame] = append(t.kept[m.Frame], text{id, string(t.shown)})
	t.size += len(t.shown)
	return nil
}

// of returns the n-th message of a Call-ID that a frame completes, "" if it was not kept.
func (t *Texts) of(f analysis.Frame, callID string, n int) string {
	for _, x := range t.kept[f] {
		if x.callID != callID {
			continue
		}
		if n == 0 {
			return x.text
		}
		n--
	}
	return ""
}

// maskURI returns a URI without its password.
func maskURI(s string, secrets bool) string {
	if !secrets {
		s = string(clean.AppendURIs(nil, []byte(s)))
	}
	return clean.Text(strings.TrimSpace(s))
}
