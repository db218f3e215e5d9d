package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodToken = "0123456789abcdef"

// TestMCPHTTP serves on loopback, answers a request and ends when it is interrupted.
func TestMCPHTTP(t *testing.T) {
	for _, token := range []string{"", goodToken} {
		t.Run("token "+token, func(t *testing.T) {
			t.Setenv(tokenVariable, token)
			ctx, interrupt := context.WithCancel(t.Context())
			r, stderr := io.Pipe()
			end := make(chan int, 1)
			go func() {
				end <- run(ctx, []string{"mcp", "--http", "127.0.0.1:0"}, strings.NewReader(""), io.Discard, stderr)
				stderr.Close()
			}()
			said := bufio.NewReader(r)
			line, err := said.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			address, ok := strings.CutPrefix(strings.TrimSpace(line), "sipsight: serving MCP at ")
			if !ok {
				t.Fatalf("stderr: %s", line)
			}
			for _, sent := range []string{"", "wrong", goodToken} {
				want := http.StatusOK
				if token != "" && sent != token {
					want = http.StatusUnauthorized
				}
				if got := postPing(t, address, sent); got != want {
					t.Errorf("with token %q: status %d, want %d", sent, got, want)
				}
			}
			interrupt()
			if code := <-end; code != exitOK {
				t.Errorf("exit code %d", code)
			}
			if rest, _ := io.ReadAll(said); len(rest) > 0 {
				t.Errorf("stderr: %s", rest)
			}
		})
	}
}

// postPing returns the status of a ping.
func postPing(t *testing.T, address, token string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestMCPHTTPRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	tests := []struct {
		name, content, variable string
		args                    []string
		code                    int
		want                    string
	}{
		{"everybody", "", "", []string{"--http", "0.0.0.0:0"}, exitUsage, "name a token"},
		{"no host", "", "", []string{"--http", ":0"}, exitUsage, "name a token"},
		{"no port", "", "", []string{"--http", "127.0.0.1"}, exitFailed, "missing port"},
		{"a token for nothing", goodToken, "", []string{"--http-token-file", file}, exitUsage, "is for --http"},
		{"short variable", "", "short", []string{"--http", "127.0.0.1:0"}, exitUsage, "less than 16"},
		{"short file", "short\n", "", []string{"--http", "127.0.0.1:0", "--http-token-file", file}, exitUsage, "less than 16"},
		{"empty file", "", goodToken, []string{"--http", "127.0.0.1:0", "--http-token-file", file}, exitUsage, "less than 16"},
		{"no file", "", "", []string{"--http", "127.0.0.1:0", "--http-token-file", file + "x"}, exitUsage, "no such file"},
		{"other characters", goodToken + " x", "", []string{"--http", "127.0.0.1:0", "--http-token-file", file}, exitUsage, "characters"},
		{"a long line", strings.Repeat("x", 5000), "", []string{"--http", "127.0.0.1:0", "--http-token-file", file}, exitUsage, "too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(tokenVariable, test.variable)
			if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			code := run(t.Context(), append([]string{"mcp"}, test.args...), strings.NewReader(""), io.Discard, &stderr)
			if code != test.code || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("exit code %d, %s", code, &stderr)
			}
			if test.content != "" && strings.Contains(stderr.String(), test.content[:5]) {
				t.Errorf("the token is shown: %s", &stderr)
			}
		})
	}
}
