package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/audio"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/export"
	"github.com/sipsight/sipsight/internal/report"
)

// maxSounds bounds the files of one run: the captures are read once for each.
const maxSounds = 100

// hasWAV reports whether a name is that of a WAV file.
func hasWAV(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".wav") }

// sound writes what was said in the chosen calls, a file each.
func (x *exporting) sound(e *env) int {
	code, ok := x.begin(e)
	if !ok {
		return code
	}
	calls := x.choice.Calls
	what := ""
	switch n := len(calls); {
	case n == 0:
		what = "the finding is of no call, and sound is"
	case n > 1 && x.out == "-":
		what = fmt.Sprintf("standard output takes the sound of one call, and %d are chosen; choose one with --call", n)
	case n > maxSounds:
		what = fmt.Sprintf("%d calls are chosen, and the sound of at most %d can be written; choose fewer with --call or --filter", n, maxSounds)
	}
	if what != "" {
		e.errorf("export: %s; nothing was written", what)
		return exitFailed
	}
	written := 0
	for _, c := range calls {
		a, err := export.NewAudio(c)
		if err != nil {
			e.errorf("export: no sound of %s: %v", report.CallID(c), err)
			continue
		}
		name := x.out
		if len(calls) > 1 {
			name = fmt.Sprintf("%s-%s%s", x.out[:len(x.out)-4], report.CallID(c), x.out[len(x.out)-4:])
		}
		if failed := x.record(e, c, a, name); failed != exitOK {
			return failed
		}
		written++
	}
	switch {
	case written == 0:
		e.errorf("export: nothing was written")
		return exitFailed
	case written < len(calls) && code == exitOK:
		return exitPartial
	}
	return code
}

// record writes one file.
func (x *exporting) record(e *env, c *analysis.Call, a *export.Audio, name string) int {
	out, err := e.newOutFile(name, x.force, x.files)
	if err != nil {
		return e.outputFailed(name, err)
	}
	defer out.discard()
	out.Write(audio.AppendHeader(nil, a.Rate, -1)) // an error stays, and comes up again
	err = x.reading(e, func(r *capture.Reader) error { return a.Write(outputWriter{out}, r) })
	if err != nil {
		x.out = name
		return x.failed(e, err)
	}
	if err = out.rewrite(audio.AppendHeader(nil, a.Rate, a.Octets())); err == nil {
		err = out.finish()
	}
	if err != nil {
		return e.outputFailed(name, err)
	}
	tellSound(e, c, a, name)
	return exitOK
}

// tellSound says what was written, and what is not in it.
func tellSound(e *env, c *analysis.Call, a *export.Audio, name string) {
	if name == "-" {
		name = "standard output"
	}
	e.printf("sipsight: sound of %s written to %s: %.2f s, %s of the caller on the left, %s of the callee on the right\n",
		report.CallID(c), clean.Text(name), a.Length.Seconds(), plural(a.Heard[0], "packet"), plural(a.Heard[1], "packet"))
	for _, s := range a.LeftOut {
		e.errorf("not in it: %s", s)
	}
	for _, s := range []struct {
		n    int64
		what string
	}{
		{a.Other, "of other codecs: silence"},
		{a.Replaced, "while another stream of the same side was heard"},
		{a.Late, "that came too late"},
	} {
		if s.n > 0 {
			e.errorf("not in it: %s %s", plural(s.n, "packet"), s.what)
		}
	}
	if a.Cut > 0 {
		e.errorf("%s were captured without their end: what is missing is silence", plural(a.Cut, "packet"))
	}
	if a.Shortened > 0 {
		e.errorf("%s of silence was left out", a.Shortened.Round(time.Second))
	}
	if a.Full {
		e.errorf("it ends at %d MiB, before the call does", audio.MaxOctets>>20)
	}
}
