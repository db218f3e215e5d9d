package mcpjsonrpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Arguments reads the arguments of one tool call in the manner of package flag:
// the tool names each argument it knows and where its value goes. An argument
// that is absent leaves the variable as it was, so that its value before is the
// default.
//
//	q := query{Limit: 20}
//	a := mcpjsonrpc.ParseArguments(args)
//	a.String("file", &q.File)
//	a.Int("limit", &q.Limit, 1, 200)
//	a.Require("file")
//	if err := a.Err(); err != nil {
//		return mcpjsonrpc.Result{}, err
//	}
//
// Names are compared exactly. Err tells at once all that was wrong, in words that
// a model can act on: a name that no method asked for, with the nearest that
// would do; a name given twice; a value of the wrong type or out of range, null
// included; a missing argument. The variables are then of no use.
type Arguments struct {
	given    []argument
	names    []string // asked for
	instead  []instead
	problems []string
}

// An instead is what to do in place of arguments that there are not.
type instead struct {
	advice string
	names  []string
}

type argument struct {
	name  string
	value []byte
}

// ParseArguments reads args, a JSON object, and keeps parts of it. Faults are
// reported by Err.
func ParseArguments(args json.RawMessage) *Arguments {
	a := &Arguments{}
	if !isWholeObject(args) {
		a.problem("the arguments are not a JSON object")
		return a
	}
	for name, value := range members(args[skipSpace(args, 0):]) {
		switch {
		case a.find(string(name)) != nil:
			a.problem("argument %s is given twice", quote(string(name)))
		case len(a.given) == maxArguments:
			a.problem("more than %d arguments", maxArguments)
			return a
		default:
			a.given = append(a.given, argument{string(name), value})
		}
	}
	return a
}

// maxProblems bounds what Err tells.
const maxProblems = 8

func (a *Arguments) problem(format string, args ...any) {
	if len(a.problems) < maxProblems {
		a.problems = append(a.problems, fmt.Sprintf(format, args...))
	}
}

// find returns the value of the argument, or nil.
func (a *Arguments) find(name string) []byte {
	for i := range a.given {
		if a.given[i].name == name {
			return a.given[i].value
		}
	}
	return nil
}

// ask returns the value of the argument, or nil, and notes that it is known.
func (a *Arguments) ask(name string) []byte {
	if !slices.Contains(a.names, name) {
		a.names = append(a.names, name)
	}
	return a.find(name)
}

// wrong notes that the argument is something else than expected.
func (a *Arguments) wrong(name, expected string, value []byte) {
	a.problem("argument %s must be %s, not %s", quote(name), expected, describe(value))
}

// describe returns a JSON value in a few words.
func describe(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		s, _ := unquote(value)
		return "the string " + quote(s)
	}
	if len(value) > maxQuote {
		return "a number of " + strconv.Itoa(len(value)) + " digits"
	}
	return string(value)
}

// String sets *p to the string argument called name.
func (a *Arguments) String(name string, p *string) {
	value := a.ask(name)
	if value == nil {
		return
	}
	if s, ok := unquote(value); ok {
		*p = s
	} else {
		a.wrong(name, "a string", value)
	}
}

// Enum is String for an argument that is one of values.
func (a *Arguments) Enum(name string, p *string, values ...string) {
	value := a.ask(name)
	if value == nil {
		return
	}
	s, ok := unquote(value)
	switch {
	case !ok:
		a.wrong(name, "one of "+quoteAll(values), value)
	case !slices.Contains(values, s):
		hint := ""
		if near := nearest(s, values); near != "" {
			hint = "; did you mean " + quote(near) + "?"
		}
		a.problem("argument %s must be one of %s, not %s%s", quote(name), quoteAll(values), quote(s), hint)
	default:
		*p = s
	}
}

// Strings sets *p to the argument called name, an array of strings.
func (a *Arguments) Strings(name string, p *[]string) {
	value := a.ask(name)
	if value == nil {
		return
	}
	if value[0] != '[' {
		a.wrong(name, "an array of strings", value)
		return
	}
	list := []string{}
	for element := range elements(value) {
		s, ok := unquote(element)
		if !ok {
			a.problem("argument %s must be an array of strings; element %d is %s", quote(name), len(list), describe(element))
			return
		}
		list = append(list, s)
	}
	*p = list
}

// Int sets *p to the integer argument called name, lo <= *p <= hi. A number such
// as 10.0 is an integer.
func (a *Arguments) Int(name string, p *int, lo, hi int) {
	value := a.ask(name)
	if value == nil {
		return
	}
	n, ok := parseInt(value)
	if !ok || n < int64(lo) || n > int64(hi) {
		a.wrong(name, fmt.Sprintf("an integer from %d to %d", lo, hi), value)
		return
	}
	*p = int(n)
}

// parseInt returns the value of b, a JSON value, if it is an integer that an
// int64 or else a float64 holds exactly.
func parseInt(b []byte) (int64, bool) {
	if at(b, 0) != '-' && !isDigit(at(b, 0)) {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return int64(f), err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53
}

// Number sets *p to the number argument called name, lo <= *p <= hi.
func (a *Arguments) Number(name string, p *float64, lo, hi float64) {
	value := a.ask(name)
	if value == nil {
		return
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if c := value[0]; c != '-' && !isDigit(c) || err != nil || f < lo || f > hi {
		a.wrong(name, fmt.Sprintf("a number from %v to %v", lo, hi), value)
		return
	}
	*p = f
}

// Bool sets *p to the argument called name, true or false.
func (a *Arguments) Bool(name string, p *bool) {
	switch value := a.ask(name); string(value) {
	case "":
	case "true", "false":
		*p = value[0] == 't'
	default:
		a.wrong(name, "true or false", value)
	}
}

// Instead tells what to do in place of arguments that there are not, though people expect them:
// Err says so where one of them is given.
func (a *Arguments) Instead(advice string, names ...string) {
	a.instead = append(a.instead, instead{advice, names})
}

// rather says what to do in place of an unknown argument.
func (a *Arguments) rather(name string) string {
	for _, x := range a.instead {
		if slices.Contains(x.names, name) {
			return "; " + x.advice
		}
	}
	if len(a.names) == 0 {
		return "; there are none"
	}
	return didYouMean(name, a.names, "the arguments are")
}

// Raw returns the argument called name as it was sent, or nil.
func (a *Arguments) Raw(name string) json.RawMessage { return a.ask(name) }

// Require notes that the named arguments must be there.
func (a *Arguments) Require(names ...string) {
	for _, name := range names {
		if a.find(name) == nil {
			a.problem("argument %s is missing", quote(name))
		}
	}
}

// Err returns what was wrong, or nil. It is called last: an argument that no
// method has asked for is unknown.
func (a *Arguments) Err() error {
	for _, g := range a.given {
		if slices.Contains(a.names, g.name) {
			continue
		}
		a.problem("unknown argument %s%s", quote(g.name), a.rather(g.name))
	}
	a.given = nil
	if a.problems == nil {
		return nil
	}
	return errors.New(strings.Join(a.problems, "\n"))
}
