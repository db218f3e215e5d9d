package main

import "testing"

// TestNoneOf holds the words of an empty answer about one thing and about several.
func TestNoneOf(t *testing.T) {
	for n, want := range map[int64]string{1: "the only SIP message is not", 2: "none of the 2 SIP messages is"} {
		if got := noneOf(n, "SIP messages"); got != want {
			t.Errorf("of %d: %q, want %q", n, got, want)
		}
	}
}
