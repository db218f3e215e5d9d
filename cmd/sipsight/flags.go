package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/near"
)

// flags are the flags of a command. Unlike package flag by itself, it takes them before
// and after the files.
type flags struct {
	*flag.FlagSet
	c       *command
	files   []string
	noMedia bool
	memory  int64 // --max-memory, 0 where it was not given
}

func newFlags(c *command) *flags {
	fs := &flags{FlagSet: flag.NewFlagSet(c.name, flag.ContinueOnError), c: c}
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	return fs
}

// parse parses the arguments. done is true when the command is to end with code: help was
// asked for, or the arguments are wrong, which has been said.
func (fs *flags) parse(e *env, args []string) (code int, done bool) {
	for {
		err := fs.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			return e.help(fs.help()), true
		case err != nil:
			e.errorf("%s: %s%s", fs.c.name, plainFlagError(err), fs.suggest(err))
			e.printf("All flags are listed by: sipsight %s -h\n", fs.c.name)
			return exitUsage, true
		}
		rest := fs.Args()
		if len(rest) == 0 {
			return fs.limitMemory(e)
		}
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			fs.files = append(fs.files, rest...)
			return fs.limitMemory(e)
		}
		fs.files = append(fs.files, rest[0])
		args = rest[1:]
	}
}

// limitMemory makes the program keep to --max-memory: tables by their limits, and the garbage
// collector by working harder near it. GOMEMLIMIT, where it is set, stays as it is.
func (fs *flags) limitMemory(e *env) (code int, done bool) {
	if fs.memory == 0 {
		return 0, false
	}
	if fs.memory < analysis.MinMemory {
		e.errorf("%s: --max-memory must be %s or more", fs.c.name, formatSize(analysis.MinMemory))
		return exitUsage, true
	}
	e.memory = fs.memory
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(fs.memory / 10 * 9)
	}
	return 0, false
}

// needFiles is parse for commands that read captures.
func (fs *flags) needFiles(e *env, args []string) (code int, done bool) {
	if code, done = fs.parse(e, args); done {
		return code, done
	}
	return fs.needNamed(e)
}

// needNamed refuses to go on without a file.
func (fs *flags) needNamed(e *env) (code int, done bool) {
	if len(fs.files) == 0 {
		e.errorf("%s: name at least one capture: a path, a URL, or - for standard input", fs.c.name)
		e.printf("usage: sipsight %s %s\n", fs.c.name, fs.c.args)
		return exitUsage, true
	}
	return fs.oneStdin(e, fs.files)
}

// oneStdin refuses to read standard input twice.
func (fs *flags) oneStdin(e *env, files []string) (code int, done bool) {
	stdin := 0
	for _, name := range files {
		if name == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		e.errorf("%s: standard input (-) can be read once; name it once", fs.c.name)
		return exitUsage, true
	}
	return 0, false
}

// plainWords are those of package flag in ours, with what to do.
var plainWords = strings.NewReplacer(
	"flag provided but not defined: -", "there is no flag --",
	"flag needs an argument: -", "a value is missing for --",
	"bad flag syntax: ", "this is no flag: ",
	" for flag -", " for --",
	" for -", " for --",
	": parse error", "; give a whole number",
	": value out of range", "; the number is too large",
)

func plainFlagError(err error) string {
	s := err.Error()
	if strings.HasPrefix(s, "invalid boolean value") {
		s = strings.Replace(s, ": parse error", "; leave the value out", 1)
	}
	s = plainWords.Replace(s)
	for i := range s { // flags of one letter have one dash
		if word, _, _ := strings.Cut(s[i:], " "); strings.HasPrefix(word, "--") && len(strings.TrimRight(word, ";:")) == len("--o") {
			return s[:i] + s[i+1:]
		}
	}
	return s
}

// dashed returns the name of a flag as it is written.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// suggest names the nearest flag to one that does not exist.
func (fs *flags) suggest(err error) string {
	name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok || len(strings.TrimLeft(name, "-")) == 1 { // near to any other letter
		return ""
	}
	if strings.ContainsAny(name, "./@") {
		return "; a file or call whose name begins with - stands behind --"
	}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, dashed(f.Name)) })
	return didYouMean(dashed(strings.TrimLeft(name, "-")), names)
}

// didYouMean returns a question naming the nearest of names, "" if none is near.
func didYouMean(name string, names []string) string {
	if best := near.Of(name, names); best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return ""
}

// A size is a flag value in octets, with an optional unit.
type size int64

func (s *size) String() string { return formatSize(int64(*s)) }

func (s *size) Set(v string) error {
	digits := strings.TrimRight(v, "kKMGTiB")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 {
		return errors.New("give a size such as 500M or 4G")
	}
	shift := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
	unit := strings.ToUpper(strings.TrimSuffix(strings.TrimSuffix(v[len(digits):], "B"), "i"))
	by, ok := shift[unit]
	if !ok || n > 1<<62>>by {
		return errors.New("give a size such as 500M or 4G")
	}
	*s = size(n << by)
	return nil
}

func formatSize(n int64) string {
	for _, u := range []struct {
		shift uint
		name  string
	}{{40, "T"}, {30, "G"}, {20, "M"}, {10, "K"}} {
		if n >= 1<<u.shift && n%(1<<u.shift) == 0 {
			return strconv.FormatInt(n>>u.shift, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// A timeFlag is a point in capture time, or where clock is set a time of day.
type timeFlag struct {
	t     time.Time
	clock bool
}

// A period is the time from --since to --until. Where one of them is a time of day, it is that of the
// day of all times that were seen.
type period struct {
	since, until timeFlag
	day          time.Time // the first one
	several      bool      // days were seen
}

const aDay = 24 * time.Hour // as UTC has it

// ofDay reports whether one of them is a time of day.
func (p *period) ofDay() bool { return p.since.clock || p.until.clock }

// seeFiles takes in the times of all packets. Those of messages may be others.
func (p *period) seeFiles(res *analysis.Result) {
	for i := range res.Files {
		if c := res.Files[i].Capture; c.HasTime {
			p.see(c.First)
			p.see(c.Last)
		}
	}
}

// see takes in a time of the capture.
func (p *period) see(t time.Time) {
	if !p.ofDay() {
		return
	}
	day := t.Truncate(aDay)
	if p.day.IsZero() {
		p.day = day
		p.since.on(day)
		p.until.on(day)
	}
	if !day.Equal(p.day) {
		p.several = true
	}
	if day.Before(p.day) {
		p.day = day
	}
}

// refused says that a time of day is not enough, if so.
func (p *period) refused(e *env, name string) bool {
	if p.several {
		e.errorf("%s: the capture is of several days: give --since and --until with a date, such as %sT10:14", name, p.day.Format("2006-01-02"))
	}
	return p.several
}

// on makes a time of day one of this day.
func (f *timeFlag) on(day time.Time) {
	if f.clock {
		f.t = day.Add(f.t.Sub(f.t.Truncate(aDay)))
	}
}

// before reports whether both times were given and f is the earlier one.
func (f *timeFlag) before(o timeFlag) bool {
	return !f.t.IsZero() && !o.t.IsZero() && f.clock == o.clock && f.t.Before(o.t)
}

func (f *timeFlag) String() string { return "" }

func (f *timeFlag) Set(v string) error {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, v); err == nil {
			f.t, f.clock = t, true
			return nil
		}
	}
	if t, ok := filter.ParseTime(v); ok {
		f.t, f.clock = t.UTC(), false
		return nil
	}
	if sec, frac, _ := strings.Cut(v, "."); sec != "" {
		s, err := strconv.ParseUint(sec, 10, 63)
		n, err2 := strconv.ParseUint((frac + "000000000")[:9], 10, 63)
		if err == nil && err2 == nil && len(frac) <= 9 {
			f.t, f.clock = time.Unix(int64(s), int64(n)).UTC(), false
			return nil
		}
	}
	return errors.New("give a time such as 2026-11-23T10:14:00Z (UTC unless it has an offset), seconds since 1970, or in a capture of one day 10:14")
}

// A colourFlag says when text is in colours.
type colourFlag struct{ when string }

func (f *colourFlag) String() string { return f.when }

func (f *colourFlag) Set(v string) error {
	if v != "auto" && v != "always" && v != "never" {
		return errors.New("give auto, always or never")
	}
	f.when = v
	return nil
}

// colourFlag adds the flag that says whether there are colours, and of what.
func (fs *flags) colourFlag(f *colourFlag, of string) {
	f.when = "auto"
	fs.Var(f, "color", of+" in colours, `WHEN`: auto, always, never")
}

// colours reports whether text that goes to stdout, or not, is in colours: by itself that on
// a terminal that has them, where the environment does not refuse them.
func (e *env) colours(f colourFlag, toStdout bool) bool {
	return f.when == "always" || f.when == "auto" && toStdout && e.width() > 0 && os.Getenv("NO_COLOR") == "" && !isDumb()
}

// isDumb reports whether the terminal only prints, as that of an editor or a log does.
func isDumb() bool { return os.Getenv("TERM") == "dumb" }

// secretsFlag adds the flag that shows what is masked otherwise.
func (fs *flags) secretsFlag(secrets *bool) {
	fs.BoolVar(secrets, "show-secrets", false, "show passwords, credentials and keys")
}

// failOnFlag adds the flag that makes a finding an exit code.
func (fs *flags) failOnFlag(f *severityFlag) {
	fs.Var(f, "fail-on", "exit with 1 if there is a finding of this `SEVERITY` or a worse one")
}

// inputFlags adds the flags that say how captures are read.
func (fs *flags) inputFlags(o *capture.Options) {
	fs.sourceFlags(o)
	fs.Var((*size)(&fs.memory), "max-memory", "keep to about `SIZE` of memory, and count the rest")
	fs.BoolVar(&fs.noMedia, "no-media", false, "do not measure RTP: faster, nothing is said of media")
}

// sourceFlags adds the flags about where captures are read from.
func (fs *flags) sourceFlags(o *capture.Options) {
	fs.BoolVar(&o.NoURLs, "no-urls", false, "do not read URLs")
	fs.BoolVar(&o.AllowPrivateURLs, "allow-private-urls", false, "also read URLs of hosts in private networks")
	o.MaxInflated = cmp.Or(o.MaxInflated, capture.DefaultMaxInflated)
	fs.Var((*size)(&o.MaxInflated), "max-inflated", "the most a gzip file inflates to, as `SIZE`")
	o.MaxDownload = 256 << 20
	fs.Var((*size)(&o.MaxDownload), "max-download", "the most to read from one URL, as `SIZE`")
}

// help is the full help of a command.
func (fs *flags) help() string {
	var b strings.Builder
	c := fs.c
	fmt.Fprintf(&b, "usage: sipsight %s\n\n%s\n", joinNonEmpty(" ", c.name, c.args), c.long)
	first := true
	fs.VisitAll(func(f *flag.Flag) {
		if first {
			b.WriteString("\nFlags, before or after the files:\n")
			first = false
		}
		arg, text := flag.UnquoteUsage(f)
		name := dashed(f.Name)
		if arg != "" && arg != "value" {
			name += " " + arg
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&b, "  %-24s %s\n", name, text)
	})
	if len(c.example) > 0 {
		b.WriteString("\nExamples:\n")
		for _, x := range c.example {
			fmt.Fprintf(&b, "  %s\n", x)
		}
	}
	return b.String()
}
