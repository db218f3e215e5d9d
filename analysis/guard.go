package analysis

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/sipsight/sipsight/capture"
)

// maxFaults bounds the panics that an analysis survives: more of them are no accident, and
// each costs time.
const maxFaults = 1000

var errFaults = errors.New("too many internal errors; please report them with the capture")

// contained reports whether a panic is counted and survived. In tests it is not: there it is
// to be seen.
var contained = func() bool { return flag.Lookup("test.v") == nil }

// read reads the timeline to its end. A panic over one packet is a fault of this program, which
// the others do not have to pay for: the packet is told of as damage of its file, and the next
// one is read. The guard stands around the loop, so that packets cost nothing more.
func (a *analyzer) read(ctx context.Context) error {
	for range maxFaults {
		before := a.packets
		err, fault := a.guarded(func() error { return a.readOn(ctx) })
		switch {
		case !fault:
			return err
		case a.packets == before: // it is the reading itself
			return errFaults
		}
	}
	return errFaults
}

// guarded calls f, and reports whether it had a fault.
func (a *analyzer) guarded(f func() error) (err error, fault bool) {
	defer func() {
		if !contained() {
			return
		}
		if v := recover(); v != nil {
			if a.last != nil {
				a.fault(a.at())
			}
			fault = true
		}
	}()
	return f(), false
}

// at returns the last packet.
func (a *analyzer) at() Frame {
	if a.last == nil {
		return Frame{Number: 1}
	}
	return Frame{a.last.File, a.last.Frame}
}

// fault counts a fault over a packet.
func (a *analyzer) fault(over Frame) {
	const id = "internal-error"
	f := a.r.Files()[over.File]
	for i := range f.Notes {
		if f.Notes[i].ID == id {
			f.Notes[i].Count++
			return
		}
	}
	f.Notes = append(f.Notes, capture.Note{ID: id, Count: 1, Lost: true,
		What: fmt.Sprintf("an internal error over packet %d, which was left out; please report it with the capture", over.Number)})
}
