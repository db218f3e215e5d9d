package main

import (
	"github.com/sipsight/sipsight/internal/siptools"
)

var mcpCommand = &command{
	name:  "mcp",
	args:  "[FLAGS] [DIR…]",
	short: "serve an assistant over MCP on stdin and stdout",
	long: `Serves the Model Context Protocol on stdin and stdout, for assistants: one JSON-RPC
message a line. It is started by the assistant, not by hand. With DIRs, only captures
below these folders are opened, whatever links lead elsewhere; without, every regular
file that the user may read.

A client is told to start it like this:

  {"mcpServers": {"sipsight":
    {"command": "sipsight", "args": ["mcp", "/captures"]}}}

With --http it serves Streamable HTTP instead, at http://ADDR/mcp, until it is
interrupted. Anyone who reaches an address that is not a loopback one could read the
captures: such an address needs a token, which clients send as "Authorization: Bearer
TOKEN". It is the first line of --http-token-file, or the value of the environment
variable ` + tokenVariable + `. There is no TLS; put a proxy in front for that.

With --log-level it tells on stderr what it does, a record of key=value pairs a line:
at error what is a fault of its own, at warn also what it refused, at info also the
clients and each call with its time and outcome, at debug also each request with its
arguments. Passwords of URLs and their queries are masked, whatever else comes from
clients and captures is escaped. A client that does not read stderr will block a server
that writes much there.`,
	example: []string{
		"claude mcp add sipsight -- sipsight mcp /captures",
		"sipsight mcp --no-urls --max-packets 50 /captures /tmp/traces",
		"sipsight mcp --http 127.0.0.1:8080 --log-level info /captures",
	},
	run: runMCP,
}

// mcpMaxInflated is less than other commands take: here it is not the user who chooses the file.
const mcpMaxInflated = 1 << 30

func runMCP(e *env, c *command, args []string) int {
	fs := newFlags(c)
	o := siptools.Options{Version: versionString()}
	var h httpFlags
	fs.IntVar(&o.MaxPackets, "max-packets", 0, "describe at most `N` messages in one answer")
	fs.StringVar(&h.address, "http", "", "serve HTTP on `ADDR` (127.0.0.1:8080), not stdin and stdout")
	fs.StringVar(&h.tokenFile, "http-token-file", "", "HTTP clients need the token in the first line of `FILE`")
	level := fs.String("log-level", "error", "`LEVEL` of the log: debug, info, warn, error, off")
	o.Capture.MaxInflated = mcpMaxInflated
	fs.inputFlags(&o.Capture)
	if code, done := fs.parse(e, args); done {
		return code
	}
	log, err := newLog(e.stderr, *level)
	if err != nil {
		e.errorf("mcp: %v", err)
		return exitUsage
	}
	if o.MaxPackets < 0 {
		e.errorf("mcp: --max-packets must not be negative; leave it out for no limit")
		return exitUsage
	}
	o.Capture.Folders, o.NoMedia, o.MaxMemory = fs.files, fs.noMedia, fs.memory
	if err := o.Capture.CheckFolders(); err != nil {
		e.errorf("mcp: %v", err)
		return exitUsage
	}
	s := siptools.NewServer(o)
	s.Log = log
	log.Info("mcp: ready", "version", o.Version, "folders", len(o.Capture.Folders), "max_packets", o.MaxPackets, "urls", !o.Capture.NoURLs, "media", !o.NoMedia, "http", h.address)
	defer log.Info("mcp: end")
	switch {
	case h.address != "":
		return h.serve(e, s)
	case h.tokenFile != "":
		e.errorf("mcp: --http-token-file is for --http")
		return exitUsage
	}
	if err := s.Serve(e.ctx, e.stdin, e.stdout); err != nil && e.ctx.Err() == nil {
		return e.writeFailed(err)
	}
	return exitOK
}
