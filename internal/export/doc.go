// Package export copies the packets of chosen calls out of captures, as they are, into one
// new capture.
//
// The captures are read several times. The analysis comes first: it makes the calls, of
// which some are chosen. A Plan of them is then shown all messages (Plan.Message), after
// that all packets (Plan.Mark), and knows which packets are needed: those of the messages,
// with all fragments and segments that carry them, what opens, acknowledges and ends the
// connections they came on, the media where the session descriptions announced them, and
// the ICMP errors that quote any of it. Plan.Copy copies them.
//
// A packet is known by its number in its file, so that a Plan takes an octet for eight
// packets, whatever is in them. Nothing in a packet is changed, left out or masked.
package export
