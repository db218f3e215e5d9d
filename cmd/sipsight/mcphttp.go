package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// tokenVariable is the environment variable with the token that HTTP clients need.
const tokenVariable = "SIPSIGHT_MCP_TOKEN"

// minToken is the least length of a token: as many octets as can hardly be guessed.
const minToken = 16

// Limits on HTTP clients, beside those of the handler. An answer may take as long as its
// capture does.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	endTime    = time.Second // for requests under way when the server is interrupted
	maxHeaders = 64 << 10
)

// httpFlags says where and for whom MCP is served over HTTP.
type httpFlags struct {
	address   string
	tokenFile string
}

// serve serves s until the context of e is done.
func (f *httpFlags) serve(e *env, s *mcpjsonrpc.Server) int {
	token, err := f.token()
	if err != nil {
		e.errorf("mcp: %v", err)
		return exitUsage
	}
	handler, err := s.Handler(mcpjsonrpc.HTTPOptions{Token: token})
	if err != nil {
		e.errorf("mcp: %v", err)
		return exitFailed
	}
	l, err := (&net.ListenConfig{}).Listen(e.ctx, "tcp", f.address)
	if err != nil {
		e.errorf("mcp: %v", err)
		return exitFailed
	}
	defer l.Close()
	if a, ok := l.Addr().(*net.TCPAddr); token == "" && (!ok || !a.IP.IsLoopback()) {
		e.errorf("mcp: %s can be reached by others: name a token (--http-token-file or %s), or serve on 127.0.0.1", f.address, tokenVariable)
		return exitUsage
	}
	mux := http.NewServeMux()
	mux.Handle("/mcp", handler)
	server := &http.Server{
		Handler:           mux,
		BaseContext:       func(net.Listener) context.Context { return e.ctx },
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaders,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	e.printf("sipsight: serving MCP at http://%s/mcp\n", l.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err = <-ended:
		e.errorf("mcp: %v", err)
		return exitFailed
	case <-e.ctx.Done():
	}
	patience, enough := context.WithTimeout(context.Background(), endTime)
	defer enough()
	if server.Shutdown(patience) != nil {
		server.Close()
	}
	return exitOK
}

// token returns the token that clients need, "" if they need none.
func (f *httpFlags) token() (string, error) {
	token, origin := os.Getenv(tokenVariable), tokenVariable
	if f.tokenFile != "" {
		line, err := firstLine(f.tokenFile)
		if err != nil {
			return "", err
		}
		token, origin = line, f.tokenFile
	} else if token == "" {
		return "", nil
	}
	switch {
	case len(token) < minToken:
		return "", fmt.Errorf("the token of %s has less than %d characters", origin, minToken)
	case strings.Trim(token, tokenCharacters) != "":
		return "", fmt.Errorf("the token of %s has characters that no bearer token has; letters, digits and -._~+/= are fine", origin)
	}
	return token, nil
}

// tokenCharacters are those of a bearer token. RFC 6750, section 2.1.
const tokenCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="

// firstLine returns the first line of a small file.
func firstLine(name string) (string, error) {
	const most = 4096
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if len(line) > most {
		return "", errors.New(name + ": the first line is too long for a token")
	}
	return strings.TrimSpace(line), nil
}
