package findings

import "github.com/sipsight/sipsight/analysis"

// An end is one of the ways in which calls end that a finding may explain.
type end uint8

const (
	unreached  end = iota + 1 // nobody answered, or a server said that it had reached nobody
	turnedDown                // a final response, Finding.refusal, was the answer
	cutOff                    // an answered or ringing call was ended, and not by who wanted to
	goesOn                    // it had not ended when the capture did; also beside the end of one that was answered or given up
	openOnly                  // likewise, and nothing that a call suffered from that had ended
)

// explains reports whether a finding explains how a call ended, of which l is the first leg. A
// call that became what it should has findings, too, and so has one that failed of something
// else.
func (f *Finding) explains(l *analysis.Leg) bool {
	ringing := !l.Ringing.IsZero()
	switch l.State {
	case analysis.StateCompleted:
		return f.end == cutOff
	case analysis.StateConfirmed:
		return f.end == goesOn || f.end == openOnly
	case analysis.StateTrying, analysis.StateEarly:
		return f.end == unreached || f.end == goesOn || f.end == openOnly
	case analysis.StateAbandoned, analysis.StateCancelled:
		return f.end == unreached && !ringing || f.end == cutOff && ringing
	case analysis.StateRedirected:
		return f.end == unreached || f.end == turnedDown && f.refusal == l.FinalStatus
	case analysis.StateFailed:
		switch f.end {
		case unreached:
			return l.FinalStatus/100 == 5 || !ringing && byServer(l.FinalStatus)
		case turnedDown:
			credentials := isChallenge(f.refusal) && (isChallenge(l.FinalStatus) || l.FinalStatus == 403)
			return f.refusal == l.FinalStatus || credentials || legNo(l) != f.leg && byServer(l.FinalStatus)
		}
		return f.end == cutOff && ringing && l.FinalStatus == 408
	}
	return false
}

// tellWhy adds to what is said of a call, of which l is the first leg, why it ended as it did, if the finding explains that, and
// otherwise, of a call that was answered or given up, what else was wrong with it.
func (f *Finding) tellWhy(m *analysis.Remarks, l *analysis.Leg) {
	answered := l.State == analysis.StateCompleted || l.State == analysis.StateConfirmed
	switch {
	case f.Because != "" && f.explains(l):
		if beside := l.State == analysis.StateConfirmed || l.State == analysis.StateEarly; m.Because == "" || !beside {
			m.Because, m.Beside = f.Because, beside
		}
	case m.Because != "" || !answered && l.State != analysis.StateCancelled || f.Severity < Warning:
	case f.Because != "" && f.end == goesOn:
		m.Because, m.Beside = f.Because, true
	case f.rule.Odd != "" && answered:
		m.Because, m.Beside = f.rule.Odd, true
	}
}

// byServer reports whether a final response may be what a server between makes of one that it
// got from the next host, or of none.
func byServer(status int) bool {
	return status == 408 || status == 480 || status == 482 || status == 483 || status/100 == 5
}
