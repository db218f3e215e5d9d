package page_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/page"
)

// TestApp holds that the page for assistants is whole, small, and allows what it is made of.
func TestApp(t *testing.T) {
	app := page.App(`1"<2`)
	if len(app) > 34000 {
		t.Errorf("%d octets", len(app))
	}
	if strings.Contains(app, "{{") || !strings.Contains(app, `data-version="1&#34;&lt;2"`) && !strings.Contains(app, `data-version="1&quot;&lt;2"`) {
		t.Error("something is not filled in")
	}
	for _, part := range regexp.MustCompile(`(?s)<(?:script|style[^>]*)>(.*?)</(?:script|style)>`).FindAllStringSubmatch(app, -1) {
		if !strings.Contains(app, "'"+flow.HashSource(part[1])+"'") {
			t.Errorf("the policy forbids %.60q", part[1])
		}
	}
	if n := strings.Count(app, "'sha256-"); n != 3 {
		t.Errorf("%d parts are allowed", n)
	}
	if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|fetch\(|XMLHttpRequest|WebSocket|https?://[^w]`).FindString(app); found != "" {
		t.Errorf("it has %s", found)
	}
}
