package analysis

import (
	"bytes"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

// dialog returns the dialog with two tags, whichever is whose, nil for none.
func (v *liveLeg) dialog(a, b []byte) *Dialog {
	if i := v.leg.dialogIndex(a, b); i >= 0 {
		return &v.leg.Dialogs[i]
	}
	return nil
}

// dialogIndex returns the index of the dialog with two tags, whichever is whose, -1 for
// none.
//
//go:noinline
func (l *Leg) dialogIndex(a, b []byte) int {
	for i := len(l.Dialogs) - 1; i >= 0; i-- {
		d := &l.Dialogs[i]
		if d.LocalTag == string(a) && d.RemoteTag == string(b) || d.LocalTag == string(b) && d.RemoteTag == string(a) {
			return i
		}
	}
	return -1
}

// tag returns a tag as a string, without another copy of the caller's.
func (l *Leg) tag(b []byte) string {
	if b = capped(b, maxKept); string(b) == l.FromTag {
		return l.FromTag
	}
	return string(b)
}

// newDialog begins a dialog; nil if there are too many.
func (v *liveLeg) newDialog(local, remote []byte, hop int) *Dialog {
	l := v.leg
	if len(l.Dialogs) == maxDialogs {
		return nil
	}
	if l.Dialogs == nil {
		l.Dialogs = make([]Dialog, 0, 1)
	}
	l.Dialogs = append(l.Dialogs, Dialog{LocalTag: l.tag(local), RemoteTag: l.tag(remote), Hops: 1 << hop})
	return &l.Dialogs[len(l.Dialogs)-1]
}

// earlyOrConfirmed takes in what a response to an initial INVITE says of its dialog.
func (v *liveLeg) earlyOrConfirmed(x *seen, hop int, code int) {
	l := v.leg
	var d *Dialog
	for i := len(l.Dialogs) - 1; i >= 0; i-- {
		if k := &l.Dialogs[i]; k.RemoteTag == string(x.to) && k.LocalTag == string(x.from) {
			d = k
			break
		}
	}
	if d == nil {
		if d = v.newDialog(x.from, x.to, hop); d == nil {
			return
		}
		d.Hops = 0
	}
	if d.Hops&(1<<hop) == 0 && v.forks(d, hop) {
		l.Forked = true
	}
	d.Hops |= 1 << hop
	if code >= 200 && d.State == DialogEarly {
		d.State = DialogConfirmed
		v.resume()
	}
}

// resume takes in that a dialog is confirmed: a BYE that came before was of another one, an
// early dialog that the caller gave up while the other phones went on ringing. A phone that
// answers when the call with another one is over is none that anybody talks to.
func (v *liveLeg) resume() {
	if v.hasBye && !v.answered() {
		l := v.leg
		v.hasBye, v.over = false, false
		l.ByBye, l.Ended, l.EndedBy, l.Cause, l.ByeRefused = false, time.Time{}, NoParty, "", 0
	}
}

// goesOn reports whether the call goes on behind a BYE for d, which was in that state: where
// several phones answered one INVITE the caller keeps one (RFC 3261, section 13.2.2.4),
// and an early dialog may be given up alone (section 15). It keeps none that it has not
// acknowledged, if it has acknowledged d, whose 2xx may not be in the capture.
func (v *liveLeg) goesOn(d *Dialog, was DialogState) bool {
	list, acked := v.leg.Dialogs, false
	for i := range list {
		acked = acked || &list[i] == d && v.acked&(1<<i) != 0
	}
	for i := range list {
		k := &list[i]
		if k == d || k.LocalTag != d.LocalTag || k.Hops&d.Hops == 0 {
			continue
		}
		if k.State == DialogConfirmed && (!acked || v.acked&(1<<i) != 0) || k.State == DialogEarly && was == DialogEarly && !acked {
			return true
		}
	}
	return false
}

// confirmed reports whether a dialog of the leg is confirmed.
func (v *liveLeg) confirmed() bool {
	for i := range v.leg.Dialogs {
		if v.leg.Dialogs[i].State == DialogConfirmed {
			return true
		}
	}
	return false
}

// forks reports whether another dialog of the same caller is on a hop: several phones
// answer one INVITE.
func (v *liveLeg) forks(d *Dialog, hop int) bool {
	for i := range v.leg.Dialogs {
		k := &v.leg.Dialogs[i]
		if k != d && k.LocalTag == d.LocalTag && k.Hops&(1<<hop) != 0 && k.State != DialogTerminated {
			return true
		}
	}
	return false
}

// refer takes in the first copy of a REFER on a hop. It returns the index of the transfer
// that it asks for, -1 for none.
func (v *liveLeg) refer(t *tracker, x *seen, hop int) int {
	l := v.leg
	target, ok := x.s.First(sipmsg.ReferTo)
	if !ok {
		return -1
	}
	to := sipmsg.ParseReferTo(target)
	if string(to.Method()) != "INVITE" { // a conference is asked to let somebody go: RFC 4579
		return -1
	}
	uri := t.bareURI(to.URI)
	by := v.sideOf(x)
	for i := range l.Transfers {
		r := &l.Transfers[i]
		switch {
		case r.By != by:
		case r.Target == uri && r.cseq == x.cseq, r.Status == 0 && r.hop != hop && x.now.Sub(r.Time) < together:
			return i // the next hop, perhaps behind a back-to-back user agent that counts anew
		case r.Target == uri && r.hop == hop && (r.Status == 401 || r.Status == 407): // now with credentials
			r.cseq, r.Status, r.over = x.cseq, 0, false
			r.Time = x.now
			return i
		case r.Target == uri && (r.Status == 401 || r.Status == 407) && x.now.Sub(r.Time) < together:
			return i // the next hop of that
		}
	}
	if len(l.Transfers) == maxTransfers {
		return -1
	}
	l.Transfers = append(l.Transfers, Transfer{Target: uri, By: by, Time: x.now, Frame: x.frame, cseq: x.cseq, hop: hop})
	return len(l.Transfers) - 1
}

// referAnswer notes the final response to a REFER. With Refer-Sub: false nothing is reported of
// what it asked for: RFC 4488.
func (v *liveLeg) referAnswer(tr *liveTransaction, x *seen) {
	for i := range v.leg.Transfers {
		if r := &v.leg.Transfers[i]; r.cseq == tr.cseq && r.hop == tr.hop && r.Status == 0 {
			r.Status = x.s.StatusCode
			sub, _ := x.s.First(sipmsg.ReferSub)
			r.over = r.Status >= 300 || bytes.EqualFold(capped(sub, len("false")), []byte("false"))
		}
	}
}

// notify takes in what a NOTIFY says of a transfer: RFC 3515, section 2.4.4.
func (v *liveLeg) notify(x *seen) {
	if len(v.leg.Transfers) == 0 {
		return
	}
	event, _ := x.s.First(sipmsg.Event)
	e := sipmsg.ParseEvent(event)
	if len(e.Package) > 0 && !bytes.EqualFold(e.Package, []byte("refer")) {
		return
	}
	r := v.reported(x, e.ID)
	if code := sipfragStatus(x.s.Body); code > 0 && sipmsg.Sniff(x.s.Body) && (code >= 200 || r.Result < 200) {
		r.Result = code
	}
	state, _ := x.s.First(sipmsg.SubscriptionState)
	r.over = r.over || r.Result >= 200 || bytes.EqualFold(sipmsg.ParseSubscriptionState(state).State, []byte("terminated"))
}

// reported returns the transfer that a NOTIFY is about: the one whose REFER has the number that its Event
// names, or else the last one that the other side asked for, of those of which something is to come
// (RFC 3515, section 2.4.6). There is one.
func (v *liveLeg) reported(x *seen, id []byte) *Transfer {
	list, by := v.leg.Transfers, v.sideOf(x)
	n, named := sipmsg.Number(id)
	best, most := len(list)-1, 0
	for i := range list {
		r, says := &list[i], 0
		if r.By != by || by == NoParty {
			says += 2
		}
		if named && r.cseq == n {
			says += 4
		}
		if !r.over {
			says++
		}
		if says >= most {
			best, most = i, says
		}
	}
	return &list[best]
}

// reports reports whether something is still to be reported of a transfer that was accepted.
func (v *liveLeg) reports() bool {
	for i := range v.leg.Transfers {
		if r := &v.leg.Transfers[i]; r.Status/100 == 2 && !r.over {
			return true
		}
	}
	return false
}

// sipfragStatus returns the status code of a message/sipfrag body, 0 for none.
func sipfragStatus(b []byte) int {
	if len(b) < 12 || b[3] != '/' {
		return 0
	}
	i := 4
	for i < len(b) && b[i] != ' ' {
		i++
	}
	if i+4 > len(b) {
		return 0
	}
	n, ok := sipmsg.Number(b[i+1 : i+4])
	if !ok {
		return 0
	}
	return int(n)
}
