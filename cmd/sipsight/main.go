// Command sipsight reads packet captures and tells what happened in their SIP traffic.
//
// Run "sipsight help" for everything it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/clean"
)

// version is set by release builds; otherwise the build information has it.
var version string

// Exit codes. 2 is never used: it is that of a panic.
const (
	exitOK      = 0
	exitFound   = 1  // --fail-on was met
	exitPartial = 3  // part of the input could not be read
	exitFailed  = 4  // nothing could be read or written
	exitUsage   = 64 // the command line is wrong
)

func main() {
	pace.start(easyHeap)
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away is a write error
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// An env is the world of one run.
type env struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	memory int64    // of --max-memory, 0 for none
	making *outFile // the file that is being made, if one is
}

// A command is one of sipsight's commands.
type command struct {
	name    string
	args    string // after the name, in its usage line
	short   string // one line for the list
	long    string
	example []string
	run     func(e *env, c *command, args []string) int
}

var commands []*command

func init() {
	commands = []*command{summaryCommand, callsCommand, callCommand, flowCommand, reportCommand, findingsCommand, registrationsCommand, streamsCommand, messagesCommand, analyzeCommand, infoCommand, exportCommand, mcpCommand, versionCommand, helpCommand}
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	e := &env{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}
	defer e.crashed(&code)
	args = withoutUsers(args)
	if len(args) == 0 {
		e.stderr.Write(wrapHelp(usage(), usualWidth))
		return exitUsage
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	for _, c := range commands {
		if c.name == name {
			return c.run(e, c, args[1:])
		}
	}
	return e.noCommand(name)
}

// crashed takes in a panic: a fault of this program, told with where it was, without what of the
// input may be in it. It is deferred.
func (e *env) crashed(code *int) {
	v := recover()
	if v == nil {
		return
	}
	e.printf("sipsight: an internal error; please report this, with the capture if that can be shared\n")
	if err, ok := v.(runtime.Error); ok { // its text is made of numbers and types
		e.errorf("%v", err)
	}
	e.stderr.Write(debug.Stack())
	if e.making != nil {
		e.making.discard()
	}
	*code = exitFailed
}

// withoutUsers masks user and password of the URLs among arguments, wherever they stand: such a
// URL is refused, and every message and result may repeat what is left of it.
func withoutUsers(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if name, value, ok := strings.Cut(a, "="); ok && strings.HasPrefix(name, "-") {
			args[i] = name + "=" + capture.WithoutUser(value)
		} else {
			args[i] = capture.WithoutUser(a)
		}
	}
	return args
}

// saidCommands are names that other tools have for what a command does.
const saidCommands = " ladder=flow diagram=flow list=calls dialogs=calls show=call explain=call rtp=streams media=streams stats=summary html=report pcap=export wav=export "

// noCommand says that a command does not exist.
func (e *env) noCommand(name string) int {
	hint := didYouMean(name, commandNames())
	if isFile(name) {
		hint = "; what is in a file says: sipsight summary FILE"
	} else if _, said, ok := strings.Cut(saidCommands, " "+name+"="); ok {
		hint = "; did you mean " + said[:strings.IndexByte(said, ' ')] + "?"
	}
	e.errorf("there is no command %q%s", name, hint)
	e.printf("The commands are listed by: sipsight help\n")
	return exitUsage
}

// printf writes to stderr: everything that is not data goes there.
func (e *env) printf(format string, args ...any) { fmt.Fprintf(e.stderr, format, args...) }

// errorf reports an error in one line.
func (e *env) errorf(format string, args ...any) {
	e.printf("sipsight: %s\n", clean.Text(fmt.Sprintf(format, args...)))
}

// writeFailed reports that stdout could not be written. Nobody reading any more is no
// error to talk about: that is how head works.
func (e *env) writeFailed(err error) int {
	if !errors.Is(err, syscall.EPIPE) {
		e.errorf("writing the output failed: %v", err)
	}
	return exitFailed
}

func commandNames() (names []string) {
	for _, c := range commands {
		names = append(names, c.name)
	}
	return names
}

var versionCommand = &command{
	name:  "version",
	short: "print the version",
	long:  "Prints the version, and the Go version and platform it was built with.",
	run: func(e *env, c *command, args []string) int {
		fs := newFlags(c)
		if code, done := fs.parse(e, args); done {
			return code
		}
		if len(fs.files) > 0 {
			e.errorf("version: it takes no arguments; leave out %q", fs.files[0])
			return exitUsage
		}
		if _, err := io.WriteString(e.stdout, versionLine()); err != nil {
			return e.writeFailed(err)
		}
		return exitOK
	},
}

func versionLine() string {
	goVersion, platform := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
		for _, s := range info.Settings {
			switch s.Key {
			case "GOOS":
				platform = s.Value + platform
			case "GOARCH":
				platform += "/" + s.Value
			}
		}
	}
	return fmt.Sprintf("sipsight %s (%s)\n", versionString(), joinNonEmpty(", ", goVersion, platform))
}

// versionString returns the version of this build.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func joinNonEmpty(sep string, parts ...string) (s string) {
	for _, p := range parts {
		if p != "" {
			if s != "" {
				s += sep
			}
			s += p
		}
	}
	return s
}
