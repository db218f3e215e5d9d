package audio

import (
	"bytes"
	"testing"
	"time"
)

// A file ends at its bound, whatever is put into it.
func TestMixerBound(t *testing.T) {
	var b bytes.Buffer
	m := NewMixer(&b, 8000)
	if m.max != MaxOctets {
		t.Fatalf("the bound is %d", m.max)
	}
	m.max = 2 << 20 // 65 s
	for i := 0; !m.Full; i++ {
		if i > 100 {
			t.Fatal("no end")
		}
		m.Put(i%2, time.Duration(i)*time.Second, 8000, []int16{1})
	}
	if m.Put(0, 99*time.Second, 8000, []int16{1}) {
		t.Error("a packet was taken behind the end")
	}
	if err := m.Finish(); err != nil || int64(b.Len()) > m.max || int64(b.Len()) < m.max-40000 || int64(b.Len()) != m.Octets() {
		t.Errorf("%v: %d octets, %d", err, b.Len(), m.Octets())
	}
}
