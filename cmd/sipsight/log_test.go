package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestMCPLog holds what each level tells, that stdout stays what it is, and that what should
// not be in a log is not.
func TestMCPLog(t *testing.T) {
	captures(t)
	call := func(id int, pcapFile string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"analyze_sip_packets","arguments":{"pcap_file":%s}}}`+"\n", id, pcapFile)
	}
	in := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"odd\u001b[31m\u202e","version":"7"}}}` + "\n" +
		"no JSON\n" + call(2, `"http:\/\/u:topsecr\u0065t@127.0.0.2\/a.pcap?sig=topsecret"`) + call(3, `"sip:u:topsecret@h"`)
	parts := map[string]string{ // what each level is the first to tell
		"debug": `msg="mcpjsonrpc: request" method=tools/call id=2`,
		"info":  `msg="mcpjsonrpc: client" name=odd\x1b[31m\u{202e} version=7 asked=2025-06-18`,
		"warn":  `msg="mcpjsonrpc: refused" code=-32700 error="not JSON at byte 0"`,
		"error": "",
		"off":   "",
	}
	order := []string{"debug", "info", "warn", "error", "off"}
	for i, level := range order {
		r := sipsightOn(t, strings.NewReader(in), "mcp", "--no-urls", "--log-level", level)
		if r.code != exitOK || strings.Count(r.out, "\n") != 4 || strings.Contains(r.out, "msg=") {
			t.Errorf("%s: exit code %d, on stdout:\n%s", level, r.code, r.out)
		}
		if !strings.Contains(r.out, "URLs are switched off on this server") {
			t.Errorf("--no-urls: %s", r.out)
		}
		for k, first := range order {
			if part := parts[first]; part != "" && strings.Contains(r.err, part) != (k >= i) {
				t.Errorf("%s: %q is there, or is not, in\n%s", level, part, r.err)
			}
		}
		if level == "off" && r.err != "" || level == "error" && r.err != "" {
			t.Errorf("%s: %s", level, r.err)
		}
		if strings.Contains(r.err, "topsecret") || strings.Contains(r.err, "\x1b") {
			t.Errorf("%s tells what it should not:\n%s", level, r.err)
		}
		if i < 2 && !strings.Contains(r.err, `msg="mcpjsonrpc: call" in="tool analyze_sip_packets" id=2 took=`) {
			t.Errorf("%s: no call in\n%s", level, r.err)
		}
	}
	if r := sipsight(t, "mcp", "--log-level", "loud"); r.code != exitUsage || r.err != "sipsight: mcp: --log-level loud is none of debug, info, warn, error, off\n" {
		t.Errorf("%d %s", r.code, r.err)
	}
}

// TestLogText holds that values of any kind are bounded and escaped.
func TestLogText(t *testing.T) {
	var buf bytes.Buffer
	log, err := newLog(&buf, "error")
	if err != nil {
		t.Fatal(err)
	}
	log.Error("x", "forged", "a\nlevel=ERROR msg=forged\r\x1b[2K", "a", errors.New("http://u:topsecret@h\x00"), "b", strings.Repeat("b", 5000), "stack", strings.Repeat("s", 5000), "n", 7)
	for _, want := range []string{`a=http://u:***@h\x00 `, " b=" + strings.Repeat("b", maxLogText-1) + "… ", " stack=" + strings.Repeat("s", 5000) + " ", " n=7\n", `forged="a\nlevel=ERROR msg=forged\\x0d\\x1b[2K" `} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("no %q in %s", want, &buf)
		}
	}
	if n := strings.Count(buf.String(), "\n"); n != 1 {
		t.Errorf("%d lines", n)
	}
}
