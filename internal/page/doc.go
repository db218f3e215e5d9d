// Package page makes one HTML file of an analysis: to open, to search, to print and to
// send. The file needs nothing else, and a policy in it forbids it to load anything.
//
// All data are in one block of JSON. The script of the page, which the policy allows by its
// hash, shows them through textContent alone.
//
// App is the page on which hosts of MCP Apps show one call as a ladder: it shares elements,
// ladders and style with the report, and is told its data by the host.
package page
