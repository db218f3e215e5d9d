package fuzz

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// FuzzHTTP: whatever is posted, the answer is JSON with a status that is known, or 202 and
// nothing. In a revision with a handshake it is the answer that the same message gets on a
// stream.
func FuzzHTTP(f *testing.F) {
	const newest = "2026-07-28"
	f.Add("2025-11-25", "", "", []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}`))
	f.Add("2025-03-26", "", "", []byte(`[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"},7]`))
	f.Add("2024-11-05", "", "", []byte(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`))
	f.Add("", "", "", []byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`))
	f.Add(newest, "tools/call", "=?base64?ZWNobw==?=", []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo",`+modern+`}}`))
	f.Add(newest, "resources/read", "toy://shelf/a/b", []byte(`{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":"toy://shelf/a/b",`+modern+`}}`))
	f.Add(newest, "tools/list", "", []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
	f.Add("2099-01-01", "x", "y", []byte(`{"id":1,"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01"}}}`))
	f.Fuzz(func(t *testing.T, version, method, name string, body []byte) {
		if tooLong(body) || bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 9000 { // encoding/json gives up at 10,000
			return
		}
		h, err := toy().Handler(mcpjsonrpc.HTTPOptions{})
		mustNot(err)
		r := httptest.NewRequest(http.MethodPost, "http://localhost/mcp", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for field, value := range map[string]string{"MCP-Protocol-Version": version, "Mcp-Method": method, "Mcp-Name": name} {
			if value != "" {
				r.Header.Set(field, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Body.Bytes()
		switch w.Code {
		case http.StatusAccepted:
			if len(got) > 0 {
				t.Fatalf("202 with %s", show(string(got)))
			}
		case http.StatusOK, http.StatusBadRequest, http.StatusNotFound:
			if !json.Valid(got) || !utf8.Valid(got) || bytes.Contains(got, []byte(`"code":-32603`)) {
				t.Fatalf("%d with %s", w.Code, show(string(got)))
			}
		default:
			t.Fatalf("status %d", w.Code)
		}

		trimmed := strings.Trim(string(body), " \t\r\n")
		legacy := slices.Contains([]string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}, version)
		if !legacy || trimmed == "" || strings.Contains(trimmed, "\n") || bytes.Contains(body, []byte("_meta")) || hasRace(body) {
			return
		}
		var stream lines
		hello := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"` + version + `"}}` + "\n"
		mustNot(toy().Serve(context.Background(), strings.NewReader(hello+trimmed), &stream))
		if want := strings.TrimSuffix(strings.Join(stream.list[1:], ""), "\n"); string(got) != want {
			t.Fatalf("over HTTP %s\non a stream %s", show(string(got)), show(want))
		}
	})
}
