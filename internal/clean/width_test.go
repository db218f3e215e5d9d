package clean_test

import (
	"testing"

	"github.com/sipsight/sipsight/internal/clean"
)

func TestWidth(t *testing.T) {
	for in, want := range map[string]int{
		"": 0, "alice": 5, "André": 5, "Andre\u0301": 5, "山田太郎": 8, "ｱｲｳ": 3, "ＡＢ": 4, "한국": 4, "משה": 3, "👧fam": 5, "…": 1, "か\u3099": 2, "a\u20dd": 1, "⚡✅❌⭐⌚": 10, "☎✈❤☺": 4, "🕿🌡🖥🏖": 4, "📞🥇🩺🚀": 8, "🀄": 2, "🂡": 1, "𠮷𠮷": 4, "𗀀": 2, "︙": 2, "\x1b[31merror\x1b[0m": 5,
	} {
		if got := clean.Width(in); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		in   string
		n    int
		dots string
		want string
	}{
		{"alice", 5, "…", "alice"}, {"alice", 4, "…", "ali…"}, {"alice", 4, "...", "a..."}, {"山田太郎", 8, "…", "山田太郎"}, {"山田太郎", 7, "…", "山田太…"},
		{"山田太郎", 6, "…", "山田…"}, {"e\u0301e\u0301e\u0301", 3, "…", "e\u0301e\u0301e\u0301"}, {"e\u0301e\u0301e\u0301", 2, "…", "e\u0301…"},
		{"486 “No such user”", 12, "…", "486 “No su…”"}, {"486 “No such user”", 7, "…", "486 “…”"}, {"486 “No such user”", 6, "…", "486 …"}, {"486 “No” and more", 10, "…", "486 “No” …"},
		{"“a”", 2, "…", "…"}, {"“a”", 1, "…", "…"},
	} {
		if got := clean.Fit(tt.in, tt.n, tt.dots); got != tt.want || clean.Width(got) > tt.n {
			t.Errorf("%q in %d: %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}
