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
		{"sipsight://summary/http://u:secret@h:9/x?tok=secret", "sipsight://summary/http://u:***@h:9/x?***"},
		{"sipsight://call/a@b/https://u:se@cret@h", "sipsight://call/a@b/https://u:***@h"},
		{"sipsight://summary/http%3A%2F%2Fu%3asecret%40h:9/x%3Ftok=secret%23more here", "sipsight://summary/http%3A%2F%2Fu%3a***%40h:9/x%3F*** here"},
		{"sipsight://summary/http:%2F%2Fu:secret@h:9%2Fx%3Ftok=secret", "sipsight://summary/http:%2F%2Fu:***@h:9%2Fx%3F***"},
		{"http://h/a?u=http://v:secret@i/#http://w:secret@j", "http://h/a?***#http://w:***@j"},
		{"100%3 http:/ http:/%2 http:", "100%3 http:/ http:/%2 http:"},
	} {
		if got := string(clean.AppendURLs(nil, []byte(x.in))); got != x.want {
			t.Errorf("%q: %q, want %q", x.in, got, x.want)
		}
	}
}
