package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
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
