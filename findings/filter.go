package findings

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Filter returns a Wireshark display filter that shows exactly the frames of a finding; with
// several files those of the file of its first frame, whose index it also returns. It is ""
// for a finding without frames.
func (f *Finding) Filter() (filter string, file int) {
	if len(f.Frames) == 0 {
		return "", 0
	}
	file = f.Frames[0].File
	var numbers []int64
	for _, x := range f.Frames {
		if x.File == file && !slices.Contains(numbers, x.Number) {
			numbers = append(numbers, x.Number)
		}
	}
	sort.Slice(numbers, func(i, k int) bool { return numbers[i] < numbers[k] })
	if len(numbers) == 1 {
		return "frame.number == " + strconv.FormatInt(numbers[0], 10), file
	}
	list := make([]string, len(numbers))
	for i, n := range numbers {
		list[i] = strconv.FormatInt(n, 10)
	}
	return "frame.number in {" + strings.Join(list, ", ") + "}", file
}
