package analysis

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// A nameTable counts distinct names, up to a limit, and numbers them from 0.
//
// Messages of one call, and of one device, come close together, so most names were looked
// up a moment ago: recent finds those by their hash alone, which has 64 bits and a seed, since
// the name itself would have to come from far away in memory.
type nameTable struct {
	limit   int
	counted bool // counts are wanted
	over    bool // the limit kept a name out
	seed    maphash.Seed
	slots   []int32 // 1 + index into names, by hash; half of them are empty at least
	names   []textRef
	tally   []int64 // how often each was counted, if counts are wanted
	texts   textStore
	recent  []recentName // by hash; its length is a power of two
}

type recentName struct {
	hash uint64
	name int32 // 1 + index into names, 0 for none
}

func newNameTable(limit, recent int) nameTable {
	return nameTable{limit: limit, seed: maphash.MakeSeed(), slots: make([]int32, 64), recent: make([]recentName, recent)}
}

// count counts b and returns its number, -1 where the limit keeps it out. Of a long name
// only the first max octets count.
func (t *nameTable) count(b []byte, max int) int {
	b = b[:min(len(b), max)]
	hash := maphash.Bytes(t.seed, b)
	recent := &t.recent[hash>>32&uint64(len(t.recent)-1)]
	if recent.hash == hash && recent.name != 0 {
		if t.counted {
			t.tally[recent.name-1]++
		}
		return int(recent.name - 1)
	}
	at := t.find(hash, b)
	i := t.slots[at]
	if i == 0 {
		if len(t.names) >= t.limit {
			t.over = true
			return -1
		}
		t.names = append(t.names, t.texts.keep(b))
		if t.counted {
			t.tally = append(t.tally, 0)
		}
		i = int32(len(t.names))
		t.slots[at] = i
		t.grow()
	}
	*recent = recentName{hash, i}
	if t.counted {
		t.tally[i-1]++
	}
	return int(i - 1)
}

// text returns the name with a number.
//
//go:noinline
func (t *nameTable) text(n int) string { return t.texts.text(t.names[n]) }

// number returns the number of a name, -1 where it was not counted.
func (t *nameTable) number(b []byte) int {
	return int(t.slots[t.find(maphash.Bytes(t.seed, b), b)]) - 1
}

// find returns the slot of a name with a hash: the one that it is in, or else the one that it
// goes to.
func (t *nameTable) find(h uint64, b []byte) int {
	mask := uint64(len(t.slots) - 1)
	for ; ; h++ {
		i := t.slots[h&mask]
		if i == 0 || t.text(int(i-1)) == string(b) {
			return int(h & mask)
		}
	}
}

// grow doubles the slots when half of them are taken.
func (t *nameTable) grow() {
	if len(t.names)*2 < len(t.slots) {
		return
	}
	t.slots = make([]int32, 2*len(t.slots))
	mask := uint64(len(t.slots) - 1)
	for i := range t.names {
		h := maphash.String(t.seed, t.text(i))
		for t.slots[h&mask] != 0 {
			h++
		}
		t.slots[h&mask] = int32(i + 1)
	}
}

// mix adds the hash of one more part to the hash h of parts.
func mix(h, part uint64) uint64 { return bits.RotateLeft64(h, 23)*0x9e3779b97f4a7c15 ^ part }

// sorted returns the names in order.
func (t *nameTable) sorted() []string {
	if len(t.names) == 0 {
		return nil
	}
	list := make([]string, len(t.names))
	for i := range t.names {
		list[i] = t.text(i)
	}
	slices.Sort(list)
	return list
}

// counts returns how often each name was counted, if counts are wanted.
func (t *nameTable) counts() map[string]int64 {
	m := make(map[string]int64, len(t.names))
	for i := range t.names {
		m[t.text(i)] = t.tally[i]
	}
	return m
}
