package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestManyFilesNamed: of the files that rotation leaves the first are named, and all that could not be read.
func TestManyFilesNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	var names []string
	for i := range 60 {
		name := fmt.Sprintf("%02d.pcap", i)
		if err := os.WriteFile(name, pcap(request("OPTIONS", strconv.Itoa(i))), 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	names = append(names, "gone")
	for command, want := range map[string]string{
		"summary": "19.pcap\nand 41 files more\n  time ",
		"analyze": "gone\n  error         no such file; check the path\nand 40 files more\ntogether\n",
	} {
		r := sipsight(t, append([]string{command}, names...)...)
		if r.code != exitPartial || !strings.HasPrefix(r.out, "00.pcap\n") || !strings.Contains(r.out, want) || strings.Contains(r.out, "20.pcap") ||
			strings.Count(r.out, "gone") != 1 {
			t.Errorf("%s: exit code %d, %s", command, r.code, r.out)
		}
	}
}

// TestLapsed: a registration whose time was over is told from one that is in force.
func TestLapsed(t *testing.T) {
	t.Chdir(t.TempDir())
	var l capgen.Ladder
	const text = `
A = 10.0.0.1:5060
B = 10.0.0.2:5060
R = 10.0.0.9:5060

0    A > R REGISTER id=a from=sip:a@example.com to=sip:a@example.com
     Contact: <sip:a@10.0.0.1>;expires=60
.1   R > A 200 id=a
     Contact: <sip:a@10.0.0.1>;expires=60
1    B > R REGISTER id=b from=sip:b@example.com to=sip:b@example.com
     Contact: <sip:b@10.0.0.2>;expires=600
1.1  R > B 200 id=b
     Contact: <sip:b@10.0.0.2>;expires=600
100  B > R OPTIONS id=o
+.1  R > B 200 id=o
`
	if err := os.WriteFile("a.pcap", l.Pcap(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if r := sipsight(t, "registrations", "a.pcap"); !strings.Contains(r.out, " 60, over\n") || !strings.HasSuffix(r.out, " 600\n") {
		t.Errorf("%s%s", r.out, r.err)
	}
	if r := sipsight(t, "summary", "a.pcap"); !strings.Contains(r.out, "2 addresses of record: 2 registered (1 ran out)\n") {
		t.Errorf("%s%s", r.out, r.err)
	}
}
