package analysis

import (
	"math"
	"time"
)

// What is kept of many things has instants in place of times: a third of the room.

const (
	never     = math.MinInt64 // the instant of the zero time
	longSince = never + 1     // the first
	furthest  = math.MaxInt64 // the last
)

// instant returns a time in nanoseconds since 1970, never for the zero time. Times before 1678 and
// from 2262 on, which clocks of captures show by mistake, are the first and the last instant.
func instant(t time.Time) int64 {
	const limit = math.MaxInt64 / int64(time.Second)
	switch s := t.Unix(); {
	case t.IsZero():
		return never
	case s >= limit:
		return furthest
	case s <= -limit:
		return longSince
	}
	return t.UnixNano()
}

// timeAt returns the time of an instant.
func timeAt(ns int64) time.Time {
	if ns == never {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
