package findings_test

import (
	"testing"

	"github.com/sipsight/sipsight/findings"
)

// TestNames: a number that is no constant has no name, and a finding that no rule made has the title of its id.
func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		"-" + findings.Severity(9).String():                    "-",
		"- " + findings.Confidence(9).String():                 "- ",
		findings.Error.String():                                "error",
		findings.Certain.String():                              "certain",
		"-  " + (&findings.Finding{}).Title():                  "-  ",
		(&findings.Finding{ID: "no-100"}).Title():              findings.Lookup("no-100").Title,
		"-   " + (&findings.Finding{ID: "of another"}).Title(): "-   ",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
