package analysis

import (
	"maps"
	"slices"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxCallIDs bounds the distinct Call-IDs that are told apart: a busy proxy
	// makes a few hundred thousand in a day.
	maxCallIDs = 2 << 20

	// maxNames bounds the distinct methods and user agents: hundreds are many,
	// and a scanner can send another one with every message.
	maxNames = 10000

	// maxName bounds the length of one of them, in octets, and maxMethod that of a
	// method: what is longer counts as one by its beginning, which is what is shown.
	// Call-IDs alone are told apart whatever their length: see CallID.
	maxName   = 1024
	maxMethod = 256

	// recentCallIDs is how many Call-IDs are told by their hash alone: those of the calls of one moment.
	recentCallIDs = 8192
)

// Statistics are counts over the messages of a timeline.
type Statistics struct {
	Messages   int64
	Requests   int64
	Responses  int64
	Methods    map[string]int64 // of requests, as written
	Statuses   map[int]int64    // of responses; 0 for codes outside of 100 to 999
	Classes    [10]int64        // of responses by the first digit of the code; 0 likewise
	Transports map[string]int64
	CallIDs    []string // distinct, sorted
	UserAgents []string // distinct values of User-Agent, sorted
	Partial    int64    // messages of which octets are missing
	Limits     []string // what is not whole because a limit was met
}

// MethodNames returns the methods of the requests, sorted.
func (s *Statistics) MethodNames() []string { return slices.Sorted(maps.Keys(s.Methods)) }

// A counter makes Statistics.
type counter struct {
	messages, requests, responses, partial int64
	statuses                               [1000]int64
	transports                             [dissect.NumTransports]int64
	methods, callIDs, agents               nameTable
	names                                  bool // methods and user agents are counted, and listed with the Call-IDs …
	ids                                    bool // … which are counted here: the tracker of calls does so itself
}

func newCounter(callIDs int, names, calls bool) *counter {
	c := &counter{
		names:   names,
		ids:     names && !calls,
		methods: newNameTable(maxNames, 64),
		agents:  newNameTable(maxNames, 256),
	}
	c.methods.counted = true
	if c.ids {
		c.callIDs = newNameTable(callIDs, recentCallIDs)
	}
	return c
}

// count counts a message.
func (c *counter) count(m *dissect.Message) {
	c.messages++
	if m.Partial {
		c.partial++
	}
	s := m.SIP
	if s.IsRequest() {
		c.requests++
		if c.names {
			c.methods.count(s.Method, maxMethod)
		}
	} else {
		c.responses++
		c.statuses[s.StatusCode]++
	}
	c.transports[m.Transport]++
	if c.names {
		if ua, ok := s.First(sipmsg.UserAgent); ok && len(ua) > 0 {
			c.agents.count(unfolded(ua), maxName)
		}
	}
	if !c.ids {
		return
	}
	if id := CallID(s); len(id) > 0 {
		c.callIDs.count(id, maxName)
	}
}

// statistics returns what was counted, the Call-IDs with it.
func (c *counter) statistics(callIDs *nameTable) Statistics {
	s := Statistics{
		Messages:   c.messages,
		Requests:   c.requests,
		Responses:  c.responses,
		Statuses:   make(map[int]int64),
		Transports: make(map[string]int64),
		Partial:    c.partial,
	}
	if c.names {
		s.Methods, s.CallIDs, s.UserAgents = c.methods.counts(), callIDs.sorted(), c.agents.sorted()
	}
	for t, n := range c.transports {
		if n > 0 {
			s.Transports[dissect.Transport(t).String()] = n
		}
	}
	for code, n := range c.statuses {
		if n > 0 {
			s.Statuses[code] += n
			s.Classes[code/100] += n
		}
	}
	for _, l := range []struct {
		met  bool
		what string
	}{
		{callIDs.over, "call-id-limit"}, {c.agents.over, "user-agent-limit"}, {c.methods.over, "method-limit"},
	} {
		if l.met {
			s.Limits = append(s.Limits, l.what)
		}
	}
	return s
}
