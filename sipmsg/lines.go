package sipmsg

// linesAtOnce is how many octets are looked through for line feeds at once: the header section
// of most messages.
const linesAtOnce = 1 << 10

// lines finds the line feeds of b from some place on, one after the other. It looks for those
// of many octets at once, which takes a fraction of the time of a search for each.
type lines struct {
	b      []byte
	i, n   int  // at[i:n] are those to come
	base   int  // what they are counted from
	looked int  // up to here b was looked through
	plain  int  // up to here it is ASCII without NUL
	odd    bool // … and behind that it is not
	at     [128]uint16
}

func (l *lines) begin(b []byte, n int) { l.b, l.looked, l.plain = b, n, n }

// next returns the place of the next line feed and steps over it, -1 for none.
func (l *lines) next() int {
	for l.i == l.n {
		if l.looked == len(l.b) {
			return -1
		}
		l.look()
	}
	l.i++
	return l.base + int(l.at[l.i-1])
}

// line returns where the line that starts at n ends and where the next one starts. All line
// feeds before n have been asked for.
func (l *lines) line(n int) (end, next int) {
	lf := l.next()
	if lf < 0 {
		return len(l.b), len(l.b)
	}
	if lf > n && l.b[lf-1] == '\r' {
		return lf - 1, lf + 1
	}
	return lf, lf + 1
}

// emptyLine looks for an empty line behind the first one in what was looked through last. It returns the last line
// feed that it knows of, and whether there is one.
func (l *lines) emptyLine() (last int, ok bool) {
	at := l.at[l.i:l.n]
	if len(at) == 0 {
		return 0, false
	}
	before := at[0]
	for _, lf := range at[1:] {
		if n := lf - before; n == 1 || n == 2 && l.b[l.base+int(lf)-1] == '\r' {
			return 0, true
		}
		before = lf
	}
	return l.base + int(before), false
}

// look looks through the next octets of b.
func (l *lines) look() {
	end := min(len(l.b), l.looked+linesAtOnce)
	var blocks int
	var odd bool
	l.base, l.i = l.looked, 0
	l.n, blocks, odd = findLineFeeds(l.at[:], l.b[l.looked:end], 0, 0)
	l.looked += 64 * blocks
	if rest := end - l.looked; rest > 0 && rest < 64 && l.n <= len(l.at)-65 {
		odd = l.lookAtRest(end, rest) || odd
		l.looked = end
	}
	if l.odd = l.odd || odd; !l.odd {
		l.plain = l.looked
	}
}

// lookAtRest looks through what is less than a block: the last octets before end.
func (l *lines) lookAtRest(end, rest int) (odd bool) {
	n := 0
	if end >= 64 { // with some that were looked at before
		n, _, odd = findLineFeeds(l.at[l.n:], l.b[end-64:end], end-64-l.base, 64-rest)
	} else {
		var b [64]byte
		for i := copy(b[:], l.b[end-rest:end]); i < len(b); i++ {
			b[i] = ' '
		}
		n, _, odd = findLineFeeds(l.at[l.n:], b[:], end-rest-l.base, 0)
	}
	l.n += n
	return odd
}
