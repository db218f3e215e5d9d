package siptools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/fetch"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// maxResource bounds the text of a resource, in characters, and maxInResource its calls.
const (
	maxResource   = 100000
	maxInResource = 1000
)

const filtersURI = "sipsight://filters"

// resources returns what does not depend on a capture.
func resources() []mcpjsonrpc.Resource {
	return []mcpjsonrpc.Resource{
		{URI: "sipsight://findings", Name: "findings", Title: "Catalogue of findings", MIMEType: "text/markdown",
			Description: "What each finding means, why it matters, and what to do.", Text: findingsText()},
		{URI: filtersURI, Name: "filters", Title: "Filter language", MIMEType: "text/plain",
			Description: "The language of filters, and all fields of messages, calls, registrations, streams and findings.", Text: filtersText()},
	}
}

func findingsText() string {
	var b strings.Builder
	b.WriteString("# Findings of sipsight\n")
	for _, r := range findings.Rules() {
		fmt.Fprintf(&b, "\n## %s\n\n%s (%s; %s)\n\n%s\n\nWhy it matters: %s\n\nWhat to do: %s\n", r.ID, r.Title, r.Severity, r.RFC, oneLine(r.Doc), oneLine(r.Why), oneLine(r.Fix))
	}
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func filtersText() string {
	b := []byte(filter.Language)
	b = append(b, "\nFields of messages (analyze_sip_packets, search_messages)\n"...)
	b = filter.Messages().AppendHelp(b)
	b = append(b, "\nFields of calls (list_calls)\n"...)
	b = report.Calls.Filters(&report.Options{}).AppendHelp(b)
	b = append(b, "\nFields of registrations (list_registrations)\n"...)
	b = report.Registrations.Filters(&report.Options{}).AppendHelp(b)
	b = append(b, "\nFields of streams (analyze_media)\n"...)
	b = report.Streams.Filters(&report.Options{}).AppendHelp(b)
	b = append(b, "\nFields of findings (list_findings)\n"...)
	return string(report.Findings.Filters(&report.Options{}).AppendHelp(b))
}

// templates returns the resources of captures.
func templates(o *Options, c *cache) []mcpjsonrpc.ResourceTemplate {
	p := prompter{o, c}
	complete := func(ctx context.Context, name, value string, args map[string]string) []string {
		if name == "call" {
			if file := args["pcap_file"]; file != "" {
				args = map[string]string{"pcap_file": captureName(file)}
			}
			return p.calls(ctx, value, args)
		}
		return p.files(ctx, value, nil)
	}
	read := func(show func(x *examined, names []string, vars map[string]string) ([]byte, error)) func(context.Context, string, map[string]string, mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
		return func(ctx context.Context, _ string, vars map[string]string, progress mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
			names := []string{captureName(vars["pcap_file"])}
			x, err := c.examine(ctx, names, o, progress)
			if err != nil {
				return mcpjsonrpc.ResourceContent{}, noResource(err)
			}
			b, err := show(x, names, vars)
			if err != nil {
				return mcpjsonrpc.ResourceContent{}, err
			}
			if len(b) > maxResource {
				b = append(b[:bytes.LastIndexByte(b[:maxResource], '\n')+1], "… cut; the tools of this server give the rest in pages\n"...)
			}
			if missing := report.Missing(x.res); missing != "" {
				b = append(b, "\n"+missing+"\n"...)
			}
			return mcpjsonrpc.ResourceContent{Text: string(b)}, nil
		}
	}
	return []mcpjsonrpc.ResourceTemplate{
		{URITemplate: "sipsight://summary/{+pcap_file}", Name: "summary", Title: "Summary of a capture", MIMEType: "text/plain", Complete: complete,
			Description: "One screen: what is in the capture and what went wrong.",
			Read: read(func(x *examined, names []string, _ map[string]string) ([]byte, error) {
				return report.AppendSummaryText(nil, x.res, x.found, &report.Options{Files: names}), nil
			})},
		{URITemplate: "sipsight://calls/{+pcap_file}", Name: "calls", Title: "Calls of a capture", MIMEType: "text/plain", Complete: complete,
			Description: "One line a call.",
			Read: read(func(x *examined, names []string, _ map[string]string) ([]byte, error) {
				g := report.Grid{Columns: report.CallColumns}
				n := x.res.Calls.Len()
				for i := range min(n, maxInResource) {
					g.Add(report.CallRow(x.res.Calls.At(i), &report.Options{Files: names})...)
				}
				b := g.Append(nil, 0)
				if n > maxInResource {
					b = fmt.Appendf(b, "… and further ones; list_calls gives all %d in pages\n", n)
				}
				return b, nil
			})},
		{URITemplate: "sipsight://call/{call}/{+pcap_file}", Name: "call", Title: "One call", MIMEType: "text/plain", Complete: complete,
			Description: "One call explained: verdict, times, every message with its frame, findings.",
			Read: read(func(x *examined, names []string, vars map[string]string) ([]byte, error) {
				call := report.FindCall(x.res, vars["call"])
				if call == nil {
					return nil, fmt.Errorf("%w: %s", mcpjsonrpc.ErrNoResource, noSuchCall(x.res, vars["call"]))
				}
				b := []byte(report.OtherCalls(x.res, vars["call"]))
				if len(b) > 0 {
					b = append(b, "\n\n"...)
				}
				return report.AppendCallText(b, call, &report.Options{Files: names}, x.found, 0), nil
			})},
	}
}

// captureName returns the name of a capture as it stands behind a slash in a URI: an absolute
// path without its own, or a URL.
func captureName(s string) string {
	if fetch.IsURL(s) || filepath.IsAbs(s) {
		return fetch.WithoutUser(s)
	}
	return "/" + s
}

// noResource says that a capture cannot be read.
func noResource(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var ne nameError
	if errors.As(err, &ne) {
		err = ne.error
	}
	return fmt.Errorf("%w: %v", mcpjsonrpc.ErrNoResource, err)
}
