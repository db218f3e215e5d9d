// Package media puts a relay between two telephones on the loopback interface that loses, delays and
// reorders their RTP as it is told to, and tests that sipsight measures just that.
//
// The telephones are programs of others, such as SIPp. The relay takes the datagrams of either one and
// sends them on to the other, from the same port; in SIP it puts its own address in the place of
// theirs, so that both sides send it everything. The hop behind it is what captures show.
package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// An Impair is what happens to the RTP of one direction. Its decisions follow from the seed and the order of
// the packets alone.
type Impair struct {
	Loss   float64       // the share of packets that are lost
	Swap   float64       // the share of packets that the next one overtakes
	Jitter time.Duration // each packet is held back for up to so long
	Stall  time.Duration // once, behind packet 100, all are held back for so long
	Drop   bool          // all are lost
}

// A Truth is what happened to the RTP of one direction.
type Truth struct {
	Received, Lost, Sent, Swapped int

	// Of the packets that were not swapped, by the times at which they were due, and by those at
	// which they were sent. What the sender adds is in both, what the scheduler adds in the latter.
	Due, Gone Timing
}

// A Timing is the mean interarrival jitter of packets, RFC 3550, section 6.4.1, and the longest
// time from one to the next.
type Timing struct {
	Jitter, MaxGap time.Duration

	n    int
	last time.Time
	sent time.Duration // the RTP timestamp of the last one
	jit  float64
	sum  float64
}

// add takes in a packet of RTP.
func (t *Timing) add(at time.Time, data []byte) {
	sent := time.Duration(binary.BigEndian.Uint32(data[4:])) * time.Second / 8000
	if t.n > 0 {
		gap := at.Sub(t.last)
		t.jit += (float64((gap - (sent - t.sent)).Abs()) - t.jit) / 16
		t.sum += t.jit
		t.Jitter = time.Duration(t.sum / float64(t.n))
		t.MaxGap = max(t.MaxGap, gap)
	}
	t.n, t.last, t.sent = t.n+1, at, sent
}

// MaxPackets bounds the datagrams of one run.
const MaxPackets = 20000

// A Relay is one relay between two telephones.
type Relay struct {
	Addr    netip.Addr // of the relay
	A, B    netip.Addr // of the telephones; A calls
	SIP     uint16
	Media   []uint16 // ports of RTP, and of RTCP if there is any
	Seed    uint64
	ToA     Impair
	ToB     Impair
	Record  func(Packet) // is given what comes from B and goes to B
	TruthA  Truth        // of what went to A, once Run has returned
	TruthB  Truth
	mu      sync.Mutex
	packets int
}

// A Packet is a datagram on the hop between relay and B.
type Packet struct {
	Time     time.Time
	Src, Dst netip.AddrPort
	Data     []byte
}

var errEnough = errors.New("media: the relay has had its packets")

// Run relays until the context ends, which is no error.
func (r *Relay) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done sync.WaitGroup
	for _, port := range append([]uint16{r.SIP}, r.Media...) {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.Addr, port)))
		if err != nil {
			cancel(err)
			break
		}
		context.AfterFunc(ctx, func() { c.Close() })
		done.Go(func() { r.port(ctx, cancel, c, port) })
	}
	<-ctx.Done()
	done.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// port relays the datagrams of one port.
func (r *Relay) port(ctx context.Context, cancel context.CancelCauseFunc, c *net.UDPConn, port uint16) {
	lines := map[netip.Addr]*line{r.A: r.line(c, r.B, port, &r.ToB, &r.TruthB, 1), r.B: r.line(c, r.A, port, &r.ToA, &r.TruthA, 2)}
	var done sync.WaitGroup
	for _, l := range lines {
		done.Go(func() { l.send(ctx) })
	}
	defer func() {
		for _, l := range lines {
			close(l.queue)
		}
		done.Wait()
	}()
	b := make([]byte, 65536)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		now, data := time.Now(), bytes.Clone(b[:n])
		r.mu.Lock()
		r.packets++
		enough := r.packets > MaxPackets
		r.mu.Unlock()
		if enough {
			cancel(errEnough)
			return
		}
		l := lines[from.Addr()]
		if l == nil {
			continue
		}
		if from.Addr() == r.B {
			r.record(Packet{now, from, netip.AddrPortFrom(r.Addr, port), data})
		}
		if port == r.SIP {
			data = bytes.ReplaceAll(data, []byte(from.Addr().String()), []byte(r.Addr.String()))
		}
		l.take(now, data)
	}
}

func (r *Relay) record(p Packet) {
	if r.Record != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.Record(p)
	}
}

// A line is one direction of one port.
type line struct {
	r     *Relay
	c     *net.UDPConn
	to    netip.AddrPort
	im    *Impair // nil: SIP
	truth *Truth
	rand  *rand.Rand
	queue chan timed
	held  []byte    // waits for the next one to overtake it
	due   time.Time // of the last one
}

type timed struct {
	due   time.Time
	data  []byte
	timed bool // it counts for Truth.Gone
}

func (r *Relay) line(c *net.UDPConn, to netip.Addr, port uint16, im *Impair, truth *Truth, stream uint64) *line {
	l := &line{r: r, c: c, to: netip.AddrPortFrom(to, port), queue: make(chan timed, 4096)}
	if port != r.SIP && port%2 == 0 {
		l.im, l.truth, l.rand = im, truth, rand.New(rand.NewPCG(r.Seed, stream))
	}
	return l
}

// take decides what becomes of a packet.
func (l *line) take(now time.Time, data []byte) {
	if l.im == nil || len(data) < 12 {
		l.queue <- timed{now, data, false}
		return
	}
	lost, swapped, part := l.rand.Float64() < l.im.Loss, l.rand.Float64() < l.im.Swap, l.rand.Float64()
	l.truth.Received++
	if lost || l.im.Drop {
		l.truth.Lost++
		return
	}
	delay := time.Duration(part * float64(l.im.Jitter))
	if l.truth.Received == 100 {
		delay += l.im.Stall
	}
	due := now.Add(delay)
	if due.Before(l.due) { // nothing overtakes by chance
		due = l.due
	}
	if swapped && l.held == nil {
		l.held = data
		return
	}
	l.truth.Sent++
	l.truth.Due.add(due, data)
	l.queue <- timed{due, data, true}
	l.due = due
	if l.held != nil {
		l.due = due.Add(200 * time.Microsecond)
		l.queue <- timed{l.due, l.held, false}
		l.held = nil
		l.truth.Swapped++
	}
}

// send sends packets when they are due.
func (l *line) send(ctx context.Context) {
	for p := range l.queue {
		if wait := time.Until(p.due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
		now := time.Now()
		if p.timed {
			l.truth.Gone.add(now, p.data)
		}
		if l.to.Addr() == l.r.B {
			l.r.record(Packet{now, l.c.LocalAddr().(*net.UDPAddr).AddrPort(), l.to, p.data})
		}
		l.c.WriteToUDPAddrPort(p.data, l.to)
	}
}

func (t Truth) String() string {
	return fmt.Sprintf("received %d, lost %d, sent %d, swapped %d, mean jitter %v, longest wait %v", t.Received, t.Lost, t.Sent, t.Swapped, t.Gone.Jitter.Round(10*time.Microsecond), t.Gone.MaxGap.Round(time.Millisecond))
}
