package main

import (
	"fmt"
	"strings"

	"github.com/sipsight/sipsight/internal/report"
)

var helpCommand = &command{
	name:  "help",
	args:  "[COMMAND | filter]",
	short: "print this, or all about one command",
	long:  "Prints what sipsight does, all about one command, or all about filters.",
	run:   nil, // set below: it looks at the list it is in
}

func init() {
	helpCommand.run = func(e *env, c *command, args []string) int {
		fs := newFlags(c)
		if code, done := fs.parse(e, args); done {
			return code
		}
		text := usage()
		if len(fs.files) > 0 && (fs.files[0] == "filter" || fs.files[0] == "filters") {
			text = filterHelp()
		} else if len(fs.files) > 0 {
			for _, c := range commands {
				if c.name == fs.files[0] {
					return c.run(e, c, []string{"-h"})
				}
			}
			return e.noCommand(fs.files[0])
		}
		return e.help(text)
	}
}

// help writes a help text.
func (e *env) help(text string) int {
	width := e.width()
	if width == 0 {
		width = usualWidth
	}
	if _, err := e.stdout.Write(wrapHelp(text, width)); err != nil {
		return e.writeFailed(err)
	}
	return exitOK
}

// wrapHelp makes a help text at most width columns wide. Paragraphs are filled; lines that begin with
// a blank are those of tables and examples.
func wrapHelp(text string, width int) (b []byte) {
	paragraph := ""
	for _, line := range strings.SplitAfter(text, "\n") {
		if strings.TrimLeft(line, " \n") == line && line != "" {
			paragraph += line
			continue
		}
		if paragraph != "" {
			b = report.AppendWords(b, paragraph, 0, 0, width)
			paragraph = ""
		}
		at := strings.LastIndex(line, "  ") + 2
		if at > width*3/4 { // there is no room for a last column
			at = min(4, len(line))
		}
		b = appendWrapped(b, line, at, width)
	}
	return b
}

// usage is the help of the whole program.
func usage() string {
	var b strings.Builder
	b.WriteString("sipsight reads packet captures and tells what happened in their SIP traffic.\n\nusage: sipsight COMMAND [FLAGS] FILE…\n\nCommands:\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-13s %s\n", c.name, c.short)
	}
	b.WriteString(`
A FILE is a path, an http(s) URL, or - for standard input. It may be pcap, pcapng or
snoop, plain or gzip: its first octets tell, not its name. Several files are one
timeline, whatever their order. Flags stand before or after the files. A TIME is as
2026-11-23T10:14:00 (UTC unless it has an offset), seconds since 1970, or where all
is of one day 10:14; a date by itself is its first moment.

Data goes to stdout, everything else to stderr. Exit codes:
  0   done
  1   there is a finding of the severity that --fail-on names, and all was read
  3   part of the input could not be read; what could be is in the result
  4   nothing could be read or written
  64  the command line is wrong

Examples:
  sipsight analyze call.pcapng                  what is in here
  sipsight messages --json trunk.pcap.gz        one JSON object a message
  sipsight messages --raw --frame 17 a.pcap     one message whole
  tcpdump -i eth0 -U -w - | sipsight messages - messages as they come
  sipsight info day1.pcap day2.pcap             the captures themselves
  sipsight flow --call 3 trunk.pcapng           a call as a ladder
  sipsight report trunk.pcapng -o trunk.html    everything, for a browser
  sipsight mcp /captures                        serve an assistant over MCP

All about one command and about filters:
  sipsight help COMMAND
  sipsight help filter
`)
	return b.String()
}
