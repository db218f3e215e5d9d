package mcpjsonrpc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// library returns a server whose only resources are those of templates. What is read is
// the variables, as JSON.
func library(templates ...string) *mcpjsonrpc.Server {
	s := &mcpjsonrpc.Server{Name: "library", Version: "1", MaxConcurrent: 1}
	for i, t := range templates {
		s.Templates = append(s.Templates, mcpjsonrpc.ResourceTemplate{
			URITemplate: t,
			Name:        fmt.Sprint("template ", i),
			Read: func(_ context.Context, _ string, vars map[string]string, _ mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
				b, err := json.Marshal(vars)
				return mcpjsonrpc.ResourceContent{Text: string(b)}, err
			},
		})
	}
	return s
}

func request(id int, method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", id, method, params)
}

// read returns the text of a resource, or "error" and the code.
func read(t *testing.T, s *mcpjsonrpc.Server, uri string) string {
	t.Helper()
	params, err := json.Marshal(map[string]string{"uri": uri})
	if err != nil {
		t.Fatal(err)
	}
	got := serve(t, s, strings.NewReader(hello+request(1, "resources/read", string(params))))
	var m struct {
		Result struct{ Contents []struct{ Text string } }
		Error  *struct{ Code int }
	}
	if err := json.Unmarshal([]byte(got[1]), &m); err != nil {
		t.Fatal(err)
	}
	if m.Error != nil {
		return fmt.Sprintf("error %d", m.Error.Code)
	}
	return m.Result.Contents[0].Text
}

func TestTemplates(t *testing.T) {
	const none = "error -32002"
	tests := []struct{ name, template, uri, want string }{
		{"one segment", "a://{x}", "a://b", `{"x":"b"}`},
		{"nothing", "a://{x}", "a://", none},
		{"a slash", "a://{x}", "a://b/c", none},
		{"a slash in escapes", "a://{x}", "a://b%2Fc", `{"x":"b/c"}`},
		{"an octet that is no text", "a://{x}", "a://%80", none},
		{"half an escape", "a://{x}", "a://b%2", none},
		{"another scheme", "a://{x}", "b://b", none},
		{"other case", "a://{x}", "A://b", none},
		{"a query", "a://{x}", "a://b?c=d", none},
		{"a fragment", "a://{x}", "a://b#c", none},
		{"something behind", "a://{x}/end", "a://b/end", `{"x":"b"}`},
		{"too much behind", "a://{x}/end", "a://b/end/", none},
		{"short: the first end", "a://{x}-{y}", "a://1-2-3", `{"x":"1","y":"2-3"}`},
		{"long: the last end", "a://{+x}-{y}", "a://1-2-3", `{"x":"1-2","y":"3"}`},
		{"long", "a://{+x}", "a:///b/c d", `{"x":"/b/c d"}`},
		{"the end at the start", "a://{x}-{y}", "a://-2-3", `{"x":"-2","y":"3"}`},
		{"no end", "a://{x}-{y}", "a://123", none},
		{"nothing between", "a://{x}-{y}", "a://1-", none},
		{"query", "a://b{?x,y}", "a://b?y=1&x=2", `{"x":"2","y":"1"}`},
		{"part of a query", "a://b{?x,y}", "a://b?y=1", `{"y":"1"}`},
		{"no query", "a://b{?x,y}", "a://b", `{}`},
		{"empty query", "a://b{?x,y}", "a://b?", `{}`},
		{"escapes in a query", "a://b{?x}", "a://b?x=/c%26d%3D+", `{"x":"/c\u0026d=+"}`},
		{"a bare name", "a://b{?x}", "a://b?x", `{"x":""}`},
		{"an unknown name", "a://b{?x}", "a://b?z=1", none},
		{"a name twice", "a://b{?x}", "a://b?x=1&x=1", none},
		{"a path's name in a query", "a://{x}{?y}", "a://b?x=1", none},
		{"long and query", "a://{+x}{?y}", "a:///b?c?y=1", none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := read(t, library(test.template), test.uri); got != test.want {
				t.Errorf("%s of %s: got %s, want %s", test.uri, test.template, got, test.want)
			}
		})
	}
	// The first template that fits is read.
	if got := read(t, library("a://b/{x}", "a://{+y}"), "a://b/c"); got != `{"x":"c"}` {
		t.Errorf("got %s", got)
	}
}

func TestTemplateFaults(t *testing.T) {
	tests := []struct{ template, want string }{
		{"", "no variable"},
		{"a://b", "no variable"},
		{"a://{x", "{ without }"},
		{"a://x}", "} without {"},
		{"a://}{x}", "} without {"},
		{"{x}", "another, or nothing"},
		{"a://{x}{y}", "another, or nothing"},
		{"a://{x}{+y}", "another, or nothing"},
		{"a://{x}/{x}", "named twice"},
		{"a://{x}{?x}", "named twice"},
		{"a://{}", "no name"},
		{"a://{x}/{+}", "no name"},
		{"a://{?}", "named twice, or by other"},
		{"a://{x*}", "named twice, or by other"},
		{"a://{#x}", "named twice, or by other"},
		{"a://{?x,,y}", "named twice, or by other"},
		{"a://{?x}/y", "follows"},
		{"a:" + strings.Repeat("/{x}", 20), "too long"},
	}
	for _, test := range tests {
		err := library(test.template).Serve(t.Context(), strings.NewReader(ping), &failingWriter{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.template, err, test.want)
		}
	}
}

// TestListedByTemplates tells that a list which a template has to be asked for is of this
// moment, and bounded.
func TestListedByTemplates(t *testing.T) {
	s := library("a://{x}", "b://{x}", "c://{x}")
	s.Templates[0].List = func(context.Context) []mcpjsonrpc.Resource {
		return []mcpjsonrpc.Resource{{URI: "a://1", Name: "one", Text: "unused"}}
	}
	s.Templates[2].List = func(context.Context) []mcpjsonrpc.Resource {
		return make([]mcpjsonrpc.Resource, 1001)
	}
	got := serve(t, s, strings.NewReader(request(1, "resources/list",
		`{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}`)))
	if !strings.HasPrefix(got[0], `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","resources":[{"uri":"a://1","name":"one"},{"name":""},`) {
		t.Errorf("got %.200s", got[0])
	}
	if n := strings.Count(got[0], `"name"`); n != 1002 { // the server's own is one of them
		t.Errorf("%d names", n)
	}
	if !strings.Contains(got[0], `"ttlMs":0,"cacheScope":"private"`) {
		t.Error("the list may be kept")
	}
}

// TestBusyReading tells what becomes of reading and completing when no place is free.
func TestBusyReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.MaxConcurrent, s.MaxQueue = 1, -1
		k := begin(t, s)
		k.send(hello)
		k.send(toolCall(1, "wait", "{}"))
		got := k.send(request(2, "resources/read", `{"uri":"toy://mood"}`))
		if len(got) != 1 || !strings.Contains(got[0], `"code":-32603,"message":"busy: 1 calls`) {
			t.Errorf("reading: %q", got)
		}
		got = k.send(request(3, "completion/complete",
			`{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"tone","value":"f"}}`))
		if want := `{"jsonrpc":"2.0","id":3,"result":{"completion":{"values":[],"total":0,"hasMore":false}}}`; len(got) != 1 || got[0] != want {
			t.Errorf("completing: %q", got)
		}
	})
}

func TestReadingTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.Timeout = 50 * time.Millisecond
		k := begin(t, s)
		k.send(hello)
		k.send(request(1, "resources/read", `{"uri":"toy://shelf/far/a"}`))
		got := k.pass(50 * time.Millisecond)
		if want := `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"stopped after 50ms, the time limit of a call; ask for less"}}`; len(got) != 1 || got[0] != want {
			t.Errorf("got %q", got)
		}
	})
}
