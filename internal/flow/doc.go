// Package flow draws calls as ladders: a column for each host, a row for each message.
//
// New lays out one call. What it returns is drawn by four pens: AppendText for a terminal,
// AppendMermaid, AppendSVG, and AppendHTML, which puts the SVG in a page. A Ladder holds
// text that is clean already; each pen escapes for its own language on top of that, so that
// hostile text in a capture changes nothing but itself.
package flow
