package findings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestOfferOfMany: an offer of very many streams is not written out: some are named, and the others counted.
func TestOfferOfMany(t *testing.T) {
	var b strings.Builder
	b.WriteString(twoHosts + "0 A > B INVITE\n     Content-Type: application/sdp\n     | v=0\n     | o=- 7 1 IN IP4 10.0.0.1\n     | s=-\n     | c=IN IP4 10.0.0.1\n     | t=0 0\n")
	for i := range 300 {
		fmt.Fprintf(&b, "     | m=video %d RTP/AVP 31\n", 4000+2*i)
	}
	b.WriteString("1 B > A 488\n+.1 A > B ACK\n")
	list, _ := told(t, new(capgen.Ladder).Packets(b.String()))
	for _, f := range list {
		if f.ID == "codec-488" {
			if len(f.Observed) > 1000 || !strings.Contains(f.Observed, " and 296 more") {
				t.Errorf("%d octets: %.300s", len(f.Observed), f.Observed)
			}
			return
		}
	}
	t.Error("no codec-488")
}
