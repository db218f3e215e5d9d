package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/clean"
)

// open opens the captures, and says which could not be. It fails if none could; r still
// describes them.
func (e *env) open(files []string, o capture.Options) (r *capture.Reader, err error) {
	o.Stdin = e.stdin
	r, err = capture.Open(e.ctx, files, o)
	if err != nil {
		e.reportOpen(err)
		return r, err
	}
	for _, f := range r.Files() {
		if f.Err != nil {
			e.reportOpen(f.Err)
		}
	}
	return r, nil
}

// reportOpen says why captures could not be opened, a line each.
func (e *env) reportOpen(err error) {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range list.Unwrap() {
			e.reportOpen(err)
		}
		return
	}
	why, interrupted := strings.CutSuffix(err.Error(), context.Canceled.Error())
	if interrupted {
		why += "interrupted"
	}
	e.printf("sipsight: %s\n", limitText(why, 2000))
}

func limitText(s string, n int) string {
	b, _ := clean.AppendText(nil, []byte(s), n)
	return string(b)
}

// analyze runs an analysis, with progress on stderr if that is a terminal.
func (e *env) analyze(r *capture.Reader, o analysis.Options) (*analysis.Result, error) {
	stop := e.progress(r)
	o.MaxMemory = e.memory
	res, err := analysis.Run(e.ctx, r, o)
	stop()
	return res, err
}

// finish says on stderr what could not be read, and returns the exit code.
func (e *env) finish(res *analysis.Result, err error) int {
	return e.finishWith(res, err, limitsMet(res))
}

// finishWith is finish where these limits alone mean that something is missing.
func (e *env) finishWith(res *analysis.Result, err error, limits []string) int {
	code := exitOK
	for i := range res.Files {
		c := res.Files[i].Capture
		if c.Err != nil {
			code = exitPartial
			continue
		}
		for _, n := range c.Damage() {
			code = exitPartial
			where := fmt.Sprintf("at byte %d", n.Off)
			if n.Count > 1 {
				where = fmt.Sprintf("%d times, first at byte %d", n.Count, n.Off)
			}
			e.printf("sipsight: %s: %s (%s; packets read: %d)\n", limitText(c.Name, 4096), limitText(n.What, 1000), where, c.Packets)
		}
	}
	if len(limits) > 0 {
		code = exitPartial
		e.printf("sipsight: limits of memory were met, so that the result is not whole: %s; %s\n", strings.Join(limits, ", "), e.moreMemory())
	}
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		e.errorf("interrupted; the result covers the %s read so far", plural(res.Packets, "packet"))
		code = exitPartial
	default:
		var w writeError
		if errors.As(err, &w) {
			return e.writeFailed(w.error)
		}
		e.errorf("%v", err)
		code = exitPartial
	}
	return code
}

// moreMemory says what to do where limits of memory were met.
func (e *env) moreMemory() string {
	if e.memory > 0 {
		return "raise --max-memory, or split the capture (editcap -c) and look at its parts"
	}
	return "split the capture (editcap -c) and look at its parts"
}

// limitsMet lists the limits that were met in the analysis, by their ids.
func limitsMet(res *analysis.Result) []string {
	return append(res.TableLimits(), wireLimits(res)...)
}

// wireLimits lists those of limitsMet that messages may be missing for, with how often each was met.
func wireLimits(res *analysis.Result) (limits []string) {
	for _, n := range res.WireLimits() {
		limits = append(limits, fmt.Sprintf("%s (%d times)", n.ID, n.Count))
	}
	return limits
}

// A writeError is an error of stdout that came up in mid-analysis.
type writeError struct{ error }

func (w writeError) Unwrap() error { return w.error }

// orWriting returns the error of an analysis or, where there is none, that of writing what it came to.
func orWriting(err, werr error) error {
	if err == nil && werr != nil {
		return writeError{werr}
	}
	return err
}

// progress reports, once a second of work is over, how far reading has come.
func (e *env) progress(r *capture.Reader) (stop func()) {
	f, ok := e.stderr.(*os.File)
	if !ok || !isTerminal(f) || isDumb() {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(ended)
		t := time.NewTicker(time.Second)
		defer t.Stop()
		shown := false
		for {
			select {
			case <-t.C:
				n, total := r.Progress()
				io.WriteString(f, "\r\x1b[K"+progressLine(n, total, time.Since(start)))
				shown = true
			case <-done:
				if shown {
					io.WriteString(f, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// progressLine says how far n of total octets are after d; total is -1 if unknown.
func progressLine(n, total int64, d time.Duration) string {
	rate := float64(n) / d.Seconds()
	s := fmt.Sprintf("%s read, %s/s", humanSize(float64(n)), humanSize(rate))
	if total <= 0 {
		return s
	}
	s = fmt.Sprintf("%3.0f %%, %s of %s, %s/s", 100*float64(n)/float64(total), humanSize(float64(n)), humanSize(float64(total)), humanSize(rate))
	if rate > 0 && n < total {
		left := time.Duration(float64(total-n) / rate * float64(time.Second))
		s += ", " + left.Round(time.Second).String() + " left"
	}
	return s
}

func humanSize(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 999.5 {
			if unit == "B" {
				return fmt.Sprintf("%.0f B", n)
			}
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.4g TB", n)
}

// isTerminal reports whether f is a character device. That includes /dev/null, where
// writing does no harm.
func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
