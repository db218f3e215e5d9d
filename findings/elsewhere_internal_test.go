package findings

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

// TestRefusedStreamIsBound: of what was offered no more is kept than is quoted.
func TestRefusedStreamIsBound(t *testing.T) {
	s, _ := sdp.Parse([]byte("v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 " + strings.Repeat("z", 60000) + "/8000\r\n"))
	x := refusedStreamOf(&s.Media[0])
	if len(x.codecs) != 1 || len(x.codecs[0]) > maxQuote {
		t.Errorf("%d codecs, the first of %d octets", len(x.codecs), len(strings.Join(x.codecs, "")))
	}
}
