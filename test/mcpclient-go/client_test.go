// Package mcpclient_test drives the built binary with the official Go client, over stdio and
// over Streamable HTTP, in every protocol revision that client speaks. What is asked follows from what the
// server lists: a tool, prompt or resource that is added later is covered without a
// change here.
//
// SIPSIGHT_BIN names the binary; without it one is built.
package mcpclient_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const newest = "2026-07-28"

// maxChars is the most that a model may be sent in one answer.
const maxChars = 40000

var (
	binary   string
	root     string
	captures []string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if root, err = filepath.Abs("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, name := range []string{"udp-call.pcapng", "tcp-calls.pcap", "udp-failures.pcapng"} {
		captures = append(captures, filepath.Join(root, "testdata/captures", name))
	}
	if binary = os.Getenv("SIPSIGHT_BIN"); binary == "" {
		dir, err := os.MkdirTemp("", "sipsight-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "sipsight")
		build := exec.Command("go", "build", "-o", binary, "./cmd/sipsight")
		build.Dir, build.Stderr = root, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// A progressFunc is told of the progress of calls.
type progressFunc func(*mcp.ProgressNotificationParams)

// A way is how a session is opened: in that revision, or in one of the client's own choice
// when it is empty.
type way struct {
	revision string
	http     bool
}

// connect starts a server and opens a session. The server has to exit with 0 in the end,
// and may not write to stderr.
func connect(t *testing.T, w way, report progressFunc) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			if report != nil {
				report(r.Params)
			}
		},
	})
	cmd := exec.Command(binary, "mcp", "--allow-private-urls")
	var transport mcp.Transport = &mcp.CommandTransport{Command: cmd}
	said := new(bytes.Buffer)
	cmd.Stderr = said
	end := func() error { return nil } // the transport ends it
	if w.http {
		transport, said, end = serveHTTP(t)
	}
	s, err := client.Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: w.revision})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), end()); err != nil {
			t.Errorf("the end: %v", err)
		}
		if !w.http && (cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 0) {
			t.Errorf("the server ended with %v", cmd.ProcessState)
		}
		if said.Len() > 0 {
			t.Errorf("the server wrote to stderr: %s", said)
		}
	})
	return s
}

// serveHTTP starts a server on a free port of loopback. What it writes to stderr after its
// address is in said when end has returned, the error of a server that did not end well.
func serveHTTP(t *testing.T) (transport mcp.Transport, said *bytes.Buffer, end func() error) {
	t.Helper()
	cmd := exec.Command(binary, "mcp", "--allow-private-urls", "--http", "127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(stderr)
	line, err := r.ReadString('\n')
	_, address, ok := strings.Cut(strings.TrimSpace(line), "serving MCP at ")
	if err != nil || !ok {
		cmd.Process.Kill()
		t.Fatalf("%v, the server says %q", err, line)
	}
	said = new(bytes.Buffer)
	return &mcp.StreamableClientTransport{Endpoint: address}, said, func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		said.ReadFrom(r)
		return cmd.Wait()
	}
}

// ways runs f for each revision of the client and for its own choice, over each transport.
func ways(t *testing.T, f func(t *testing.T, w way)) {
	t.Helper()
	waysBut(t, nil, f)
}

// waysBut runs f for all ways but some.
func waysBut(t *testing.T, but func(way) bool, f func(t *testing.T, w way)) {
	list := mcp.SupportedProtocolVersions()
	if !slices.Contains(list, newest) || len(list) < 5 {
		t.Fatalf("the client speaks %v", list)
	}
	for _, revision := range append(list, "") {
		for _, w := range []way{{revision, false}, {revision, true}} {
			if but == nil || !but(w) {
				t.Run(w.name(), func(t *testing.T) { f(t, w) })
			}
		}
	}
}

// name says which way it is.
func (w way) name() string {
	if w.http {
		return "http " + w.revision
	}
	return "stdio " + w.revision
}

// tools lists all tools.
func tools(t *testing.T, s *mcp.ClientSession) (list []*mcp.Tool) {
	t.Helper()
	for tool, err := range s.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, tool)
	}
	if len(list) == 0 {
		t.Fatal("the server has no tools")
	}
	return list
}

// A property is what is read of a JSON schema's properties.
type property struct {
	Enum, Examples []any
	Default        any
}

// inputOf returns the properties of a tool's arguments and which of them it needs.
func inputOf(t *testing.T, tool *mcp.Tool) (properties map[string]property, required []string) {
	t.Helper()
	b, err := json.Marshal(tool.InputSchema)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties map[string]property
		Required   []string
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s.Properties, s.Required
}

// argumentsOf returns sets of arguments for a tool: the least it takes first, then each
// value of each enumeration beside that.
func argumentsOf(t *testing.T, tool *mcp.Tool, capture string) (list []map[string]any) {
	t.Helper()
	properties, required := inputOf(t, tool)
	least := func() map[string]any {
		args := map[string]any{"pcap_file": capture}
		for _, name := range required {
			p := properties[name]
			switch {
			case name == "pcap_file":
			case name == "call":
				args[name] = "call-1"
			case p.Default != nil:
				args[name] = p.Default
			case len(p.Enum) > 0:
				args[name] = p.Enum[0]
			case len(p.Examples) > 0:
				args[name] = p.Examples[0]
			default:
				t.Fatalf("%s: nothing is known to give for %s", tool.Name, name)
			}
		}
		return args
	}
	list = append(list, least())
	for name, p := range properties {
		for _, value := range p.Enum {
			args := least()
			args[name] = value
			list = append(list, args)
		}
	}
	return list
}

// call calls a tool.
func call(t *testing.T, s *mcp.ClientSession, tool string, args map[string]any) *mcp.CallToolResult {
	t.Helper()
	r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	return r
}

// text returns all text of a result.
func text(r *mcp.CallToolResult) string {
	var b strings.Builder
	for _, c := range r.Content {
		if c, ok := c.(*mcp.TextContent); ok {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

// schemaOf returns a tool's output schema, or nil.
func schemaOf(t *testing.T, tool *mcp.Tool) *jsonschema.Resolved {
	t.Helper()
	if tool.OutputSchema == nil {
		return nil
	}
	b, err := json.Marshal(tool.OutputSchema)
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatalf("%s: %v", tool.Name, err)
	}
	return r
}

// good checks what holds for every result without an error.
func good(t *testing.T, s *mcp.ClientSession, tool *mcp.Tool, r *mcp.CallToolResult) {
	t.Helper()
	if r.IsError {
		t.Fatalf("%s: %s", tool.Name, text(r))
	}
	if n := len(text(r)); n == 0 || n > maxChars {
		t.Errorf("%s: %d octets of text", tool.Name, n)
	}
	schema := schemaOf(t, tool)
	if (schema == nil) != (r.StructuredContent == nil) {
		t.Fatalf("%s: schema %v, structure %v", tool.Name, tool.OutputSchema, r.StructuredContent)
	}
	if schema != nil {
		if err := schema.Validate(r.StructuredContent); err != nil {
			t.Errorf("%s: %v", tool.Name, err)
		}
		if s.InitializeResult().ProtocolVersion < "2025-06-18" {
			t.Errorf("%s: an output schema in revision %s", tool.Name, s.InitializeResult().ProtocolVersion)
		}
	}
}

// code returns the code of the error that the server answered with.
func code(t *testing.T, err error) int64 {
	t.Helper()
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return e.Code
	}
	t.Errorf("no answer of the server: %v", err)
	return 0
}

func TestHandshake(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		r := connect(t, w, nil).InitializeResult()
		want := w.revision
		if want == "" {
			want = newest
		}
		if r.ProtocolVersion != want {
			t.Errorf("revision %s, want %s", r.ProtocolVersion, want)
		}
		if r.ServerInfo == nil || r.ServerInfo.Name != "sipsight" || r.Instructions == "" || r.Capabilities.Tools == nil || r.Capabilities.Prompts == nil {
			t.Errorf("got %+v", r)
		}
	})
}

func TestTools(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		s := connect(t, w, nil)
		for _, tool := range tools(t, s) {
			if properties, _ := inputOf(t, tool); len(properties) == 0 {
				t.Errorf("%s: no arguments", tool.Name)
			}
			for _, capture := range captures {
				for _, args := range argumentsOf(t, tool, capture) {
					good(t, s, tool, call(t, s, tool.Name, args))
				}
			}
		}
	})
}

func TestToolErrors(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		s := connect(t, w, nil)
		for _, tool := range tools(t, s) {
			for _, wrong := range []struct {
				name  string
				value any
				want  string
			}{
				{"pcap_file", filepath.Join(t.TempDir(), "absent.pcap"), "no such file"},
				{"pcap_file", "testdata/captures/udp-call.pcapng", "absolute path"},
				{"pcap_file", "", "empty"},
				{"pcap_file", 7, "pcap_file"},
				{"pcap_file", filepath.Join(root, "go.mod"), "go.mod"},
				{"no_such_argument", true, "no_such_argument"},
			} {
				args := argumentsOf(t, tool, captures[0])[0]
				args[wrong.name] = wrong.value
				if r := call(t, s, tool.Name, args); !r.IsError || !strings.Contains(text(r), wrong.want) {
					t.Errorf("%s with %s %v: error %v, %s", tool.Name, wrong.name, wrong.value, r.IsError, text(r))
				}
			}
			if r := call(t, s, tool.Name, nil); !r.IsError || !strings.Contains(text(r), "pcap_file") {
				t.Errorf("%s without arguments: error %v, %s", tool.Name, r.IsError, text(r))
			}
		}
		_, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "no_such_tool"})
		if c := code(t, err); c != -32602 {
			t.Errorf("an unknown tool: %d", c)
		}
		_, err = s.ListTools(t.Context(), &mcp.ListToolsParams{Cursor: "no such page"})
		if c := code(t, err); c != -32602 {
			t.Errorf("an unknown cursor: %d", c)
		}
	})
}

func TestPrompts(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		s := connect(t, w, nil)
		n := 0
		for p, err := range s.Prompts(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			args := map[string]string{}
			for _, a := range p.Arguments {
				args[a.Name] = "call-1"
				if a.Name == "pcap_file" {
					args[a.Name] = captures[0]
				}
				if s.InitializeResult().Capabilities.Completions != nil {
					r, err := s.Complete(t.Context(), &mcp.CompleteParams{
						Ref:      &mcp.CompleteReference{Type: "ref/prompt", Name: p.Name},
						Argument: mcp.CompleteParamsArgument{Name: a.Name},
					})
					if err != nil || len(r.Completion.Values) > 100 {
						t.Errorf("%s: completing %s: %v", p.Name, a.Name, err)
					}
				}
			}
			r, err := s.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: p.Name, Arguments: args})
			if err != nil || len(r.Messages) == 0 {
				t.Errorf("%s: %v", p.Name, err)
			}
			_, err = s.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: p.Name, Arguments: map[string]string{"no_such": "x"}})
			if c := code(t, err); c != -32602 {
				t.Errorf("%s: an unknown argument: %d", p.Name, c)
			}
		}
		if n == 0 {
			t.Error("no prompts")
		}
		_, err := s.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "no_such_prompt"})
		if c := code(t, err); c != -32602 {
			t.Errorf("an unknown prompt: %d", c)
		}
	})
}

func TestResources(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		s := connect(t, w, nil)
		if s.InitializeResult().Capabilities.Resources == nil {
			_, err := s.ListResources(t.Context(), nil)
			if c := code(t, err); c != -32601 {
				t.Errorf("resources that are not offered: %d", c)
			}
			return
		}
		for r, err := range s.Resources(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: r.URI})
			if err != nil || len(got.Contents) == 0 {
				t.Errorf("%s: %v", r.URI, err)
			}
		}
		for _, err := range s.ResourceTemplates(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "sipsight://no/such"})
		want := int64(-32002)
		if s.InitializeResult().ProtocolVersion == newest {
			want = -32602
		}
		if c := code(t, err); c != want {
			t.Errorf("an unknown resource: %d, want %d", c, want)
		}
	})
}

func TestPing(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		s := connect(t, w, nil)
		err := s.Ping(t.Context(), nil)
		if s.InitializeResult().ProtocolVersion < newest && err != nil {
			t.Error(err)
		}
	})
}

// A slowCapture is served on loopback, the first octets at once and the others when it is
// released.
type slowCapture struct {
	url     string
	begun   chan struct{} // closed when the first octets are sent
	release chan struct{}
	gone    chan struct{} // closed when the client is gone or has everything
}

func serveSlowly(t *testing.T, file string) *slowCapture {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &slowCapture{begun: make(chan struct{}), release: make(chan struct{}), gone: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(c.gone)
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:2000])
		w.(http.Flusher).Flush()
		close(c.begun)
		select {
		case <-c.release:
			w.Write(b[2000:])
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	c.url = server.URL + "/slow.pcap"
	return c
}

// patience is how long to wait for what should come at once.
const patience = 20 * time.Second

func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s did not happen", what)
	}
}

func TestProgress(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		c := serveSlowly(t, captures[1])
		last, first := -1.0, true
		s := connect(t, w, func(p *mcp.ProgressNotificationParams) {
			if p.ProgressToken != "token" || p.Progress <= last {
				t.Errorf("after %v: %+v", last, p)
			}
			last = p.Progress
			if first {
				close(c.release)
			}
			first = false
		})
		tool := tools(t, s)[0]
		params := &mcp.CallToolParams{Name: tool.Name, Arguments: argumentsOf(t, tool, c.url)[0]}
		params.SetProgressToken("token")
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		r, err := s.CallTool(ctx, params)
		if err != nil {
			t.Fatal(err)
		}
		good(t, s, tool, r)
	})
}

func TestCancel(t *testing.T) {
	// Over HTTP the revisions before the newest cancel with a message of its own, and
	// without sessions nobody knows whose call that is.
	deaf := func(w way) bool { return w.http && w.revision != newest && w.revision != "" }
	waysBut(t, deaf, func(t *testing.T, w way) {
		c := serveSlowly(t, captures[1])
		s := connect(t, w, nil)
		tool := tools(t, s)[0]
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		end := make(chan error, 1)
		go func() {
			_, err := s.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name, Arguments: argumentsOf(t, tool, c.url)[0]})
			end <- err
		}()
		await(t, c.begun, "reading the capture")
		cancel()
		if err := <-end; !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled call: %v", err)
		}
		await(t, c.gone, "the end of reading after the call was cancelled")
		good(t, s, tool, call(t, s, tool.Name, argumentsOf(t, tool, captures[0])[0]))
	})
}

// TestEnd ends the input while a call runs whose capture never comes to its end. Read
// requests are answered, so the server waits; a signal ends it, and that is no failure.
func TestEnd(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) { end(t, signal) })
	}
}

func end(t *testing.T, signal os.Signal) {
	c := serveSlowly(t, captures[1])
	cmd := exec.Command(binary, "mcp", "--allow-private-urls")
	var out bytes.Buffer
	cmd.Stdout = &out
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	fmt.Fprintf(in, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"analyze_sip_packets","arguments":{"pcap_file":%q},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`+"\n", c.url)
	await(t, c.begun, "reading the capture")
	in.Close()
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	await(t, ended, "the end of the server")
	if code := cmd.ProcessState.ExitCode(); code != 0 || out.Len() > 0 {
		t.Errorf("exit code %d, answer %s", code, &out)
	}
}
