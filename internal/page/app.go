package page

import (
	_ "embed"
	"strings"

	"github.com/sipsight/sipsight/internal/flow"
)

// The page of an MCP App is made of these, and of the parts of the report that it shares.
var (
	//go:embed app.html
	appSkeleton string
	//go:embed app.css
	appStyle string
	//go:embed host.js
	scriptHost string
	//go:embed app.js
	scriptApp string
)

// App returns the page on which a host of MCP Apps shows a call as a ladder. It holds no
// data: it is told of the tool call that it belongs to, and asks the server for the ladder,
// which it draws as flow.Head and flow.Line say.
// Nothing is loaded, and its policy allows its own script and styles alone.
func App(version string) string {
	js := wrap(scriptDOM, scriptLadder, scriptHost, scriptApp)
	ladder, css := flow.Style(), theme+appStyle
	return strings.NewReplacer(
		"{{version}}", string(flow.AppendMarkup(nil, version)),
		"{{policy}}", policy(js, ladder, css),
		"{{ladder}}", ladder, "{{style}}", css, "{{script}}", js,
	).Replace(appSkeleton)
}
