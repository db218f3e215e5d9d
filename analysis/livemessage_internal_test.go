package analysis

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// TestLiveMessage: what a message that is kept says is what it said, whatever stood in its room before.
func TestLiveMessage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var room liveMessage
	for range 200 {
		want := Seen{Time: time.Unix(1700000000, rng.Int64N(1e9)).UTC(), Frame: Frame{rng.IntN(9), rng.Int64()}, Resent: Frame{rng.IntN(9), rng.Int64()}, Transport: "UDP", Method: "BYE"}
		v := reflect.ValueOf(&want).Elem()
		for i := range v.NumField() {
			switch f := v.Field(i); f.Kind() {
			case reflect.Bool:
				f.SetBool(rng.IntN(2) == 0)
			case reflect.Int, reflect.Int16:
				f.SetInt(rng.Int64N(60))
			case reflect.Uint8, reflect.Uint32, reflect.Uint64:
				f.SetUint(rng.Uint64N(7))
			case reflect.Array:
				for k := range f.Len() {
					f.Index(k).SetUint(rng.Uint64())
				}
			}
		}
		room.set(&want, place{}, 0)
		var got Seen
		room.public(&got)
		if got != want {
			t.Fatalf("%+v\nwas %+v", got, want)
		}
	}
}
