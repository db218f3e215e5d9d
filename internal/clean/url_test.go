package clean_test

import (
	"testing"

	"github.com/sipsight/sipsight/internal/clean"
)

func TestAppendURLs(t *testing.T) {
	for _, x := range []struct{ in, want string }{
		{"", ""},
		{"no URL: here //x:y@z", "no URL: here //x:y@z"},
		{"http://example.com:8080/a.pcap", "http://example.com:8080/a.pcap"},
		{"http://user@example.com/a", "http://user@example.com/a"},
		{"http://user:secret@example.com/a", "http://user:***@example.com/a"},
		{"HTTPS://:secret@h", "HTTPS://:***@h"},
		{"ftp://u:se@cr@et@h:21/x@y:z", "ftp://u:***@h:21/x@y:z"},
		{`{"a":"http://u:secret@h/","b":"https://v:secret@i?q=secret"}`, `{"a":"http://u:***@h/","b":"https://v:***@i?***"}`},
		{"https://h/a.pcap?X-Amz-Signature=secret&b=c#part see", "https://h/a.pcap?***#part see"},
		{"http://h#secret?no@query:x", "http://h#secret?***"},
		{"://x:secret@y", "://x:secret@y"},
		{"http://u:secret", "http://u:secret"},
		{"http://a http://u:secret@h", "http://a http://u:***@h"},
	} {
		if got := string(clean.AppendURLs(nil, []byte(x.in))); got != x.want {
			t.Errorf("%q: %q, want %q", x.in, got, x.want)
		}
	}
}
