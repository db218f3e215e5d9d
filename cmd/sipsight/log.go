package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/sipsight/sipsight/internal/clean"
)

// maxLogText bounds a value of a record, in characters; maxLogStack that of a stack, which
// is of our own.
const (
	maxLogText  = 1000
	maxLogStack = 16000
)

// logLevels are the values of --log-level beside off.
var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// newLog returns a log on w of what is as grave as level, or graver. What clients and packets
// hold is escaped there, and masked where it may be a secret.
func newLog(w io.Writer, level string) (*slog.Logger, error) {
	if level == "off" {
		return slog.New(slog.DiscardHandler), nil
	}
	least, ok := logLevels[level]
	if !ok {
		return nil, fmt.Errorf("--log-level %s is none of debug, info, warn, error, off", clean.Text(level))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: least, ReplaceAttr: logAttr})), nil
}

// logAttr makes the value of an attribute fit for a log. All that is text passes here.
func logAttr(groups []string, a slog.Attr) slog.Attr {
	var text string
	switch v := a.Value.Any().(type) {
	case string:
		text = v
	case error:
		text = v.Error()
	default:
		return a
	}
	limit := maxLogText
	if a.Key == "stack" {
		limit = maxLogStack
	}
	b := clean.AppendURLs(nil, clean.AppendURIs(nil, []byte(strings.TrimSpace(text))))
	b, _ = clean.AppendLines(nil, b, limit)
	return slog.String(a.Key, string(b))
}
