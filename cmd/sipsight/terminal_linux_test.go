package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
)

// TestWrapped holds that rows go on below the text behind their labels, whatever stands in it, and that colours take no room.
func TestWrapped(t *testing.T) {
	for in, want := range map[string]string{
		"  comments      of two  blanks,  three   blanks and more\n": "  comments      of two blanks, three\n                blanks and more\n",
		"  interface 100  a name of an interface that is long\n":     "  interface 100 a name of an interface\n                that is long\n",
		"  findings      \x1b[33mwarning\x1b[0m x × 1: a title\n":    "  findings      \x1b[33mwarning\x1b[0m x × 1: a title\n",
		"and 3 messages more; all of them: sipsight messages FILE\n": "and 3 messages more; all of them:\nsipsight messages FILE\n",
		"  files of a kind  that fit  \n":                            "  files of a kind  that fit  \n",
	} {
		at := 0
		if in[0] == ' ' {
			at = report.RowStart
		}
		if got := string(appendWrapped(nil, in, at, 40)); got != want {
			t.Errorf("%q\nbecomes %q\nwant    %q", in, got, want)
		}
	}
}

// openTerminal returns both ends of a terminal of so many columns. A container may be without pseudo-terminals; CI is not, and fails where a
// test is skipped.
func openTerminal(t *testing.T, columns uint16) (outside, inside *os.File) {
	outside, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there is no /dev/ptmx to make a pseudo-terminal with:", err)
	}
	t.Cleanup(func() { outside.Close() })
	var unlock, number uint32
	size := [4]uint16{24, columns}
	for _, x := range []struct {
		request uintptr
		at      unsafe.Pointer
	}{{syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)}, {syscall.TIOCGPTN, unsafe.Pointer(&number)}, {syscall.TIOCSWINSZ, unsafe.Pointer(&size)}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, outside.Fd(), x.request, uintptr(x.at)); errno != 0 {
			t.Fatal("ioctl of /dev/ptmx:", errno)
		}
	}
	inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there is no devpts at /dev/pts, in which pseudo-terminals stand:", err)
	}
	return outside, inside
}

// onTerminal runs a command in a terminal, and returns what it shows there, without colours.
func onTerminal(t *testing.T, columns uint16, args ...string) string {
	outside, inside := openTerminal(t, columns)
	shown := make(chan string)
	go func() {
		b, _ := io.ReadAll(outside) // it ends with an error, when the inside is closed
		shown <- string(b)
	}()
	code := run(context.Background(), args, strings.NewReader(""), inside, io.Discard)
	inside.Close()
	s := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(<-shown, "")
	if code != exitOK {
		t.Errorf("%q: exit code %d", args, code)
	}
	return strings.ReplaceAll(s, "\r\n", "\n")
}

// TestTerminalWidth holds that a terminal is asked for its width, and that COLUMNS is stronger.
func TestTerminalWidth(t *testing.T) {
	for _, c := range []struct {
		columns  uint16
		variable string
		want     int
	}{{132, "", 132}, {0, "", 80}, {0, "100", 100}, {132, "100", 100}, {132, "10", 132}, {20, "", 40}} {
		t.Setenv("COLUMNS", c.variable)
		_, inside := openTerminal(t, c.columns)
		if got := (&env{stdout: inside}).width(); got != c.want {
			t.Errorf("%d columns, COLUMNS %q: %d, want %d", c.columns, c.variable, got, c.want)
		}
		inside.Close()
	}
}

// TestTerminalFits holds that tables, lists and help fit the terminal, in which all of what they say can be read if it is
// wide enough, and that what goes to a pipe is whole.
func TestTerminalFits(t *testing.T) {
	captures(t)
	t.Setenv("COLUMNS", "")
	files := []string{"media-hold.pcapng", "udp-failures.pcapng", "register-digest.pcap", "proxy-call.pcapng", "ipv6-call.pcapng", "long-headers.pcapng"}
	for _, command := range []string{"calls", "calls --sort -talk_ms", "streams", "streams --sort mos", "findings", "registrations", "messages", "analyze", "info", "summary", "call call-1", "call call-6", "flow --call call-1", "findings --explain all", "findings --explain route-bypass", "help calls", "help export", "help filter", "help streams"} {
		args := strings.Fields(command)
		if args[0] != "help" && !slices.Contains(args, "--explain") {
			args = append(args, files...)
		}
		for _, columns := range []uint16{80, 132} {
			for line := range strings.Lines(onTerminal(t, columns, args...)) {
				if n := clean.Width(strings.TrimSuffix(line, "\n")); n > int(columns) {
					t.Errorf("%s: %d columns in a terminal of %d: %s", command, n, columns, line)
				}
			}
		}
		if args[0] != "flow" {
			for line := range strings.Lines(onTerminal(t, 40, args...)) {
				text := line
				if strings.HasPrefix(line, " ") || args[1] == "--explain" {
					text = line[min(report.RowStart, len(line)):]
				}
				if clean.Width(strings.TrimSuffix(line, "\n")) > 40 && len(strings.Fields(text)) > 1 {
					t.Errorf("%s: too wide for a terminal of 40 columns: %s", command, line)
				}
			}
		}
		whole := sipsight(t, args...).out
		if args[0] != "help" && args[0] != "call" && args[0] != "flow" && onTerminal(t, 500, args...) != whole {
			t.Errorf("%s: a wide terminal and a pipe show other things", command)
		}
	}
	// A sentence that is folded for 80 columns is not folded once more for fewer.
	if s := onTerminal(t, 50, "call", "call-6", "udp-failures.pcapng"); !strings.Contains(s, "\n                qop=\"auth\", and let clients of the\n") {
		t.Errorf("a call in 50 columns: %s", s)
	}
	if s := onTerminal(t, 80, "streams", "media-hold.pcapng"); !strings.Contains(s, "127.0.0.12:6000") || !strings.Contains(s, "JITTER") || !strings.Contains(s, "4.10") || strings.Contains(s, "…") {
		t.Errorf("streams in 80 columns leave out what says most: %s", s)
	}
}
