package window_test

import (
	"testing"

	"github.com/sipsight/sipsight/internal/window"
)

func BenchmarkFill(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"100", 100}, {"1500", 1500}, {"64k", 64 << 10}} {
		b.Run(c.name, func(b *testing.B) {
			w := window.New(repeat{}, 0)
			b.SetBytes(int64(c.n))
			b.ReportAllocs()
			for b.Loop() {
				if !w.Fill(c.n) {
					b.Fatal(w.Err())
				}
				w.Skip(c.n)
			}
		})
	}
}
