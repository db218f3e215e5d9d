package report

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
)

// TestOwnPhrase holds that the text of a call has the reason phrases of the wire where they say something of their own.
func TestOwnPhrase(t *testing.T) {
	c := &analysis.Call{ID: 1, Legs: []*analysis.Leg{{State: analysis.StateFailed, FinalStatus: 403, FinalReason: "Blocked:\x1b no credit", Steps: []analysis.Step{
		{Method: "INVITE", Request: true, Reason: "none"}, {Method: "INVITE", Status: 100, Reason: "TRYING"}, {Method: "INVITE", Status: 180},
		{Method: "INVITE", Status: 403, Reason: "Blocked:\x1b no credit"}, {Method: "INVITE", Status: 499, Reason: "Odd"},
	}}}}
	got := string(AppendCallText(nil, c, &Options{}, nil, 0))
	for _, want := range []string{"\n  response      403 “Blocked:\\x1b no credit”\n", "  INVITE\n", "  100 Trying (INVITE)\n", "  180 Ringing (INVITE)\n", "  403 Forbidden (INVITE) “Blocked:\\x1b no credit”\n", "  499 (INVITE) “Odd”\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	c.First().FinalReason = "forbidden"
	if got := string(AppendCallText(nil, c, &Options{}, nil, 0)); strings.Contains(got, "  response ") {
		t.Errorf("%s", got)
	}
}

// TestEncryptedText: one flow is one, and two are two.
func TestEncryptedText(t *testing.T) {
	for n, want := range map[int64]string{1: "1 flow like SIP over TLS: not decrypted", 2: "2 flows like SIP over TLS: not decrypted"} {
		if got := encryptedText(&analysis.File{Encrypted: n}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
