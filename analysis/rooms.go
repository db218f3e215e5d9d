package analysis

import "slices"

// roomSizes are the sizes of rooms: of a flood each leg has one message, a call that was answered
// has two or three transactions, and five messages until somebody hangs up, one in earnest a dozen or two. With each step all is moved.
var roomSizes = [...]int{1, 3, 5, 8, 12, 16, 24, 32, 48, 64}

// maxFreeRooms bounds the rooms of each size that wait for the next leg.
const maxFreeRooms = 1 << 8

// rooms lend slices and take them back, so that what a leg holds needs little more room than it fills,
// and leaves no garbage. A slice that was used again whole would be as long as the longest that it ever held.
type rooms[T any] struct{ free [len(roomSizes)][][]T }

// grow returns a slice with the things of s, and room for one more.
func (r *rooms[T]) grow(s []T) []T {
	i := 0
	for i < len(roomSizes) && roomSizes[i] <= len(s) {
		i++
	}
	if i == len(roomSizes) {
		return slices.Grow(s, 1)
	}
	free := &r.free[i]
	var room []T
	if last := len(*free) - 1; last >= 0 {
		room, *free = (*free)[last], (*free)[:last]
	} else {
		room = make([]T, 0, roomSizes[i])
	}
	room = append(room, s...)
	r.giveBack(s)
	return room
}

// giveBack takes back a slice that nobody uses any more, as it is: things are written over whole, and point to names that stay.
// Longer ones are left to the collector.
func (r *rooms[T]) giveBack(s []T) {
	i := slices.Index(roomSizes[:], cap(s))
	if i >= 0 && len(r.free[i]) < maxFreeRooms {
		r.free[i] = append(r.free[i], s[:0])
	}
}
