package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestColour holds that every text is in colours where they are asked for, by --color or by
// a terminal that NO_COLOR does not speak for; that nothing else changes with them; and that
// what is not for people has none.
func TestColour(t *testing.T) {
	captures(t)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no null device that can be opened:", err)
	}
	defer null.Close()
	sgr := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	for _, command := range []string{"messages", "calls", "registrations", "findings", "flow", "summary", "call call-1", "analyze", "info", "streams"} {
		t.Setenv("NO_COLOR", "")
		args := append(strings.Fields(command), "udp-failures.pcapng", "register-digest.pcap")
		switch limited := strings.Contains("messages calls registrations findings flow", command); {
		case limited:
			args = append(args, "--limit", "20")
		case command == "info":
			args = append(args, "cut.pcapng")
		case command == "streams":
			args = append(args, "media-impaired.pcapng")
		}
		plain := sipsight(t, args...)
		if plain.code != exitOK && command != "info" || sgr.MatchString(plain.out) {
			t.Fatalf("%s: %d, %q", command, plain.code, plain.out)
		}
		coloured := sipsight(t, append(args, "--color", "always")...)
		if !sgr.MatchString(coloured.out) || sgr.ReplaceAllString(coloured.out, "") != plain.out || coloured.code != plain.code || coloured.err != plain.err {
			t.Errorf("%s: %q", command, coloured.out)
		}
		t.Setenv("NO_COLOR", "1")
		if r := sipsight(t, append(args, "--color=always")...); r != coloured {
			t.Errorf("%s: NO_COLOR is stronger than --color=always", command)
		}
		if r := sipsight(t, append(args, "--color=never")...); r != plain {
			t.Errorf("%s: --color=never", command)
		}
		for _, format := range []string{"--json", "--csv"} {
			if r := sipsight(t, append(args, "--color=always", format)...); command != "flow" && (format == "--json" || !slices.Contains([]string{"summary", "call call-1", "analyze", "info"}, command)) && (r.code != plain.code || strings.Contains(r.out, "\x1b")) {
				t.Errorf("%s %s: %d, %q", command, format, r.code, r.err)
			}
		}
		if r := sipsight(t, append(args, "--color=pink")...); r.code != exitUsage || !strings.Contains(r.err, "give auto, always or never") {
			t.Errorf("%s: %d, %q", command, r.code, r.err)
		}
	}
	for _, c := range []struct {
		when, variable, terminal string
		stdout, want             bool
	}{
		{"auto", "", "xterm", true, true}, {"auto", "", "", true, true}, {"auto", "", "xterm", false, false}, {"auto", "1", "xterm", true, false},
		{"auto", "", "dumb", true, false}, {"always", "1", "dumb", false, true}, {"never", "", "xterm", true, false},
	} {
		t.Setenv("NO_COLOR", c.variable)
		t.Setenv("TERM", c.terminal)
		e := &env{stdout: null} // a character device, as a terminal is
		if e.colours(colourFlag{c.when}, c.stdout) != c.want {
			t.Errorf("%+v", c)
		}
	}
}
