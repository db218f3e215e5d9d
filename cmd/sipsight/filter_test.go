package main

import (
	"strings"
	"testing"
)

// TestFilterTwice: of flags that choose and are given twice none is passed over.
func TestFilterTwice(t *testing.T) {
	captures(t)
	r := sipsight(t, "calls", "--json", "--filter", "call.state == failed or call.state == cancelled", "udp-failures.pcapng", "--filter", "call.final_status == 503 or call.final_status == 486", "--filter", "not call.id == 4")
	if r.code != exitOK || strings.Count(r.out, "\n") != 2 || strings.Count(r.out, `"final_status":486`) != 2 {
		t.Errorf("code %d, %s", r.code, r.out)
	}
	if r := sipsight(t, "messages", "--filter", "sip.Request", "--filter", "sip.Response", "udp-failures.pcapng"); r.code != exitOK || r.out != "" {
		t.Errorf("code %d, %s", r.code, r.out)
	}
	for _, args := range [][]string{{"calls", "--filter", "call.state == failed", "--filter", ""}, {"messages", "--frame", "1", "--frame", "2"},
		{"findings", "--id", "overload", "--id", "q850-meaning"}, {"findings", "--call", "1", "--call", "2"}, {"flow", "--call", "1", "--call", "2"}} {
		if r := sipsight(t, append(args, "udp-failures.pcapng")...); r.code != exitUsage || r.out != "" {
			t.Errorf("%q: code %d, %s", args, r.code, r.out)
		}
	}
}
