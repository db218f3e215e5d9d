package siptools

import (
	"fmt"

	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// listFindings is the tool list_findings.
func listFindings(q *query) fromAnalysis {
	var severity, id, call string
	q.Enum("severity", &severity, "note", "warning", "error")
	q.String("id", &id)
	q.String("call", &call)
	expr, f := filterArgument(q, report.Findings.Filters(&report.Options{Files: q.names}), "")
	q.Instead(`give filter, such as finding.aor contains "1001"`, "aor", "user", "registration")
	q.Instead("give id", "finding", "finding_id", "rule", "type")
	q.Instead("give filter, such as finding.frames == 17", "frame", "frames", "packet")
	q.paging()
	if id != "" && findings.Lookup(id) == nil && q.err == nil {
		q.err = fmt.Errorf("id: there is no finding %s%s", clean.Text(id), nearest(id, findings.IDs()))
	}
	return func(x *examined) (mcpjsonrpc.Result, error) {
		number, err := q.number(x, call)
		if err != nil {
			return mcpjsonrpc.Result{}, err
		}
		if err := q.resume(severity, id, call, expr); err != nil {
			return mcpjsonrpc.Result{}, err
		}
		least, _ := findings.ParseSeverity(severity)
		var list, others []*findings.Finding // others but for the id
		of := x.found
		if number != 0 {
			of = findings.Singly(x.found)
		}
		for _, one := range of {
			switch {
			case one.Severity < least || number != 0 && one.Call != number || f != nil && !f.Match(one):
			case id == "" || one.ID == id:
				list = append(list, one)
			default:
				others = append(others, one)
			}
		}
		related := report.RelatedText(id, others)
		ro := report.Options{Files: q.names}
		empty := "Nothing is wrong as far as the rules know; summarize_capture tells what there is."
		switch {
		case related != "":
			empty = ""
		case len(x.found) > 0:
			empty = "No finding is like that; leave out severity, id, call and filter to see all."
		case x.res.Statistics.Messages == 0:
			empty = report.NoSIP(x.res)
		case q.missing != "":
			empty = "Nothing is wrong with the rest as far as the rules know; summarize_capture tells what there is."
		}
		return q.answer(&rows{
			name: "findings", plural: "findings", total: len(list), all: max(len(x.found), len(list)), hint: ", severity error for the worst", empty: empty, remarks: []string{related},
			row: func(i int, short bool) []byte {
				s := ro
				if short {
					s.MaxText = 100
				}
				return report.Findings.AppendJSON(nil, &s, list[i], false)
			},
		}), nil
	}
}

func listRegistrationsTool(o *Options, c *cache) mcpjsonrpc.Tool {
	return mcpjsonrpc.Tool{
		Name:  "list_registrations",
		Title: "List registrations",
		Description: `Lists who registers: one row an address-of-record with source, registrar, contacts with asked and granted seconds, outcome (registered, unregistered, queried, challenged, failed, unanswered), attempts, challenges, refreshes.` +
			dataNote,
		InputSchema:  listing(`,"filter":{"type":"string","maxLength":4096,"description":"An expression over the keys of the rows under reg., in the language of Wireshark's display filters.","examples":["reg.outcome != \"registered\"","reg.aor contains \"1001\"","reg.failures > 3"]}`),
		OutputSchema: listOutput("registrations", `{"type":"object","additionalProperties":{},"properties":{"aor":{"type":"string"},"source":{"type":"string"},"registrar":{"type":"string"},"outcome":{"type":"string"},"status":{"type":"integer"},"attempts":{"type":"integer"},"contacts":{"type":"array","items":{"type":"object"}}},"required":["outcome","attempts"]}`),
		Annotations:  readOnly,
		Call: onAnalysis(o, c, "list_registrations", func(q *query) fromAnalysis {
			expr, f := filterArgument(q, report.Registrations.Filters(&report.Options{Files: q.names}), "reg.start")
			q.Instead(`give filter, such as reg.aor contains "1001" and reg.outcome != "registered"`, "aor", "user", "outcome", "state", "status")
			q.paging()
			return func(x *examined) (mcpjsonrpc.Result, error) {
				if err := q.resume(expr); err != nil {
					return mcpjsonrpc.Result{}, err
				}
				all := x.res.Registrations.Reader()
				var list []int
				for i := range all.Len() {
					if f == nil || f.Match(all.At(i)) {
						list = append(list, i)
					}
				}
				ro := report.Options{Files: q.names}
				empty := "There are no registrations in the capture."
				switch {
				case x.res.Statistics.Messages == 0:
					empty = report.NoSIP(x.res)
				case all.Len() > 0:
					empty = "No registration is like that; leave out filter to see all."
				}
				return q.answer(&rows{
					name: "registrations", plural: "registrations", total: len(list), all: all.Len(), hint: ", filter for fewer", empty: empty,
					row: func(i int, short bool) []byte {
						s := ro
						if short {
							s.MaxText = 60
						}
						return report.Registrations.AppendJSON(nil, &s, all.At(list[i]), false)
					},
				}), nil
			}
		}),
	}
}
