package analysis

// MinMemory is the least Options.MaxMemory that makes sense, in octets.
const MinMemory = 64 << 20

// fixedMemory is what a run takes of its half whatever the capture holds. The other half is for
// findings, whose tables are bounded by those here, and for what is not collected yet.
const fixedMemory = 12 << 20

// A budget is how much of each kind is kept. What is over it is counted, and named in
// Traffic.Exceeded or Statistics.Limits; what was kept before stays.
type budget struct {
	callIDs  int // distinct Call-IDs
	legs     int // legs in a result
	live     int // legs followed at once
	octets   int // of the messages of these
	requests int // requests outside of calls that are followed at once
	aors     int // addresses-of-record
	steps    int // messages shown of all legs
	streams  int // RTP streams

	segments  int // octets that connections wait with
	fragments int // octets that datagrams in fragments wait with
}

// budgetOf shares memory out: as many of each kind as a part of it holds. 0 is the budget of
// the limits that stand with the tables.
func budgetOf(memory int64) budget {
	if memory == 0 {
		return budget{maxCallIDs, maxLegs, maxLive, maxDetailOctets, maxOpen, maxAORs, maxAllSteps, maxStreams, 0, 0}
	}
	rest := max(memory, MinMemory)/2 - fixedMemory
	share := func(percent, each int64) int { return int(min(rest/100*percent/each, 1<<30)) }
	return budget{
		callIDs:   share(6, 150),
		legs:      share(15, 450),
		live:      share(12, 8<<10),
		octets:    share(8, 2), // their places are twice as large
		requests:  share(4, 3<<10),
		aors:      share(12, 1600),
		steps:     share(13, 320),
		streams:   share(10, 2<<10),
		segments:  share(10, 1),
		fragments: share(5, 1),
	}
}
