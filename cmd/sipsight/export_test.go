package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// listFiles returns the names of all files in this folder.
func listFiles(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestExportLeavesNothing holds that a run that fails leaves neither a file nor half of one,
// and what was there as it was.
func TestExportLeavesNothing(t *testing.T) {
	captures(t)
	if err := os.WriteFile("kept.pcapng", []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("not-a-folder", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := listFiles(t)
	for _, c := range []struct {
		args string
		code int
	}{
		{"udp-call.pcapng -o kept.pcapng", exitFailed},
		{"--call 9 udp-call.pcapng -o new.pcapng", exitFailed},
		{"--call 9 udp-call.pcapng --force -o kept.pcapng", exitFailed},
		{"no-sip.pcap -o new.pcapng", exitFailed},
		{"nothing.pcap -o new.pcapng", exitFailed},
		{"udp-call.pcapng any-cooked1.pcap -o new.pcap", exitFailed},
		{"udp-call.pcapng any-cooked1.pcap --force -o kept.pcap", exitFailed},
		{"udp-call.pcapng -o not-a-folder/new.pcapng", exitFailed},
		{"udp-call.pcapng --hep 127.0.0.1 -o new.pcapng", exitUsage},
		{"udp-call.pcapng --hep 127.0.0.1:1 --hep-tcp -o new.pcapng", exitFailed},
		{"udp-call.pcapng --finding nothing -o new.pcapng", exitUsage},
	} {
		r := sipsight(t, append([]string{"export"}, strings.Fields(c.args)...)...)
		if r.code != c.code || r.err == "" || r.out != "" || strings.Contains(r.err, "written to") {
			t.Errorf("%s: %+v", c.args, r)
		}
		if now := listFiles(t); !slices.Equal(now, before) {
			t.Fatalf("%s: the folder holds %v, before %v", c.args, now, before)
		}
	}
	if b, _ := os.ReadFile("kept.pcapng"); string(b) != "precious" {
		t.Errorf("the file that was there holds %q", b)
	}
}

// TestExportFullDisk holds that a disk without room is said, and leaves no half file.
func TestExportFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no device /dev/full that stands for a full disk")
	}
	captures(t)
	r := sipsight(t, "export", "udp-call.pcapng", "-o", "/dev/full")
	if want := "sipsight: /dev/full cannot be written: no space left on device\n"; r.code != exitFailed || r.err != want {
		t.Errorf("%+v", r)
	}
	for _, err := range []error{syscall.ENOSPC, syscall.EPIPE} {
		for _, room := range []int{0, 100, 4000} {
			var stderr bytes.Buffer
			code := run(t.Context(), []string{"export", "udp-call.pcapng", "-o", "-"}, nil, &brokenWriter{room, err}, &stderr)
			if code != exitFailed || (stderr.Len() == 0) != (err == syscall.EPIPE) {
				t.Errorf("%v behind %d octets: %d, %q", err, room, code, stderr.String())
			}
		}
	}
}

// TestExportInterrupted holds that an interrupted run writes nothing.
func TestExportInterrupted(t *testing.T) {
	captures(t)
	before := listFiles(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := run(ctx, []string{"export", "udp-call.pcapng", "-o", "new.pcapng"}, nil, &stdout, &stderr); code != exitFailed {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
	if now := listFiles(t); !slices.Equal(now, before) {
		t.Errorf("the folder holds %v", now)
	}
}

// TestExportOutput holds where the export goes: standard output gets the same octets, what
// a link leads to is replaced and not the link, and the mode is that of new files.
func TestExportOutput(t *testing.T) {
	captures(t)
	r := sipsight(t, "export", "udp-call.pcapng", "-o", "new.pcapng")
	if r.code != exitOK || r.out != "" {
		t.Fatalf("%+v", r)
	}
	b, err := os.ReadFile("new.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	if s := sipsight(t, "export", "udp-call.pcapng", "-o", "-"); s.code != exitOK || s.out != string(b) || !strings.Contains(s.err, "written to standard output") {
		t.Errorf("standard output: %d, %d octets, %q; the file has %d", s.code, len(s.out), s.err, len(b))
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.WriteFile("plain", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	plain, _ := os.Stat("plain")
	if st, _ := os.Stat("new.pcapng"); st.Mode() != plain.Mode() {
		t.Errorf("the mode is %v", st.Mode())
	}
	if err := os.Symlink("plain", "link.pcapng"); err != nil {
		t.Fatal(err)
	}
	if r := sipsight(t, "export", "--force", "udp-call.pcapng", "-o", "link.pcapng"); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if st, err := os.Lstat("link.pcapng"); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if got, _ := os.ReadFile("plain"); !bytes.Equal(got, b) {
		t.Error("what the link leads to was not replaced")
	}
	if err := os.Symlink("udp-call.pcapng", "input.pcapng"); err != nil {
		t.Fatal(err)
	}
	if r := sipsight(t, "export", "--force", "udp-call.pcapng", "-o", "input.pcapng"); r.code != exitFailed {
		t.Errorf("an input was replaced through a link: %+v", r)
	}
}

// TestOutFileRace holds that a file that somebody else made meanwhile stays.
func TestOutFileRace(t *testing.T) {
	t.Chdir(t.TempDir())
	e := &env{ctx: t.Context()}
	o, err := e.newOutFile("new", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(o, "ours")
	if err := os.WriteFile("new", []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.finish(); !errors.Is(err, errExists) {
		t.Errorf("error %v", err)
	}
	if b, _ := os.ReadFile("new"); string(b) != "theirs" || len(listFiles(t)) != 1 {
		t.Errorf("new holds %q; the folder %v", b, listFiles(t))
	}
}

// TestExportStreams: what can be read once only is exported as a file is, and nothing is left of what was kept.
func TestExportStreams(t *testing.T) {
	captures(t)
	temp := t.TempDir()
	for _, name := range []string{"TMPDIR", "TEMP", "TMP"} {
		t.Setenv(name, temp)
	}
	web := httptest.NewServer(http.FileServer(http.Dir(".")))
	defer web.Close()
	short := badServer(t, pcap(request("INVITE", "1"), request("INVITE", "2")))
	export := func(stdin io.Reader, in ...string) (r result, out string) {
		os.Remove("new.pcapng")
		r = sipsightOn(t, stdin, append([]string{"export", "-o", "new.pcapng"}, in...)...)
		for _, in := range in {
			r.err = strings.ReplaceAll(r.err, in, "IN")
		}
		b, _ := os.ReadFile("new.pcapng")
		return r, string(b)
	}
	for _, name := range []string{"tcp-segmented.pcap", "zipped.pcapng", "cut.pcapng", "damaged.pcap", "cut.pcap.gz", "no-packets.pcap", "no-sip.pcap", "notes.txt"} {
		want, whole := export(nil, name)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range []string{"-", web.URL + "/" + name} {
			if r, out := export(bytes.NewReader(b), in); r != want || out != whole {
				t.Errorf("%s: %d octets and %+v, want %d and %+v", in, len(out), r, len(whole), want)
			}
		}
	}
	if r, out := export(bytes.NewReader(pcap(request("INVITE", "1"))), "-", "no-file", short.URL+"/short", "damaged.pcap"); r.code != exitPartial || strings.Count(r.err, "ended the body early") != 1 || !strings.Contains(r.err, "5 packets of 2 calls") {
		t.Errorf("%d octets, %+v", len(out), r)
	}
	twice := web.URL + "/tcp-segmented.pcap"
	if r, _ := export(nil, twice, "no-sip.pcap", twice); r.code != exitUsage || !strings.Contains(r.err, "is named twice") {
		t.Errorf("a URL twice: %+v", r)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	temp += "/none"
	for _, name := range []string{"TMPDIR", "TEMP", "TMP"} {
		t.Setenv(name, temp)
	}
	if r, _ := export(bytes.NewReader(pcap(request("INVITE", "1"))), "-"); r.code != exitFailed || !strings.Contains(r.err, "it cannot be kept in "+temp+", the folder for temporary files: ") {
		t.Errorf("without a folder for temporary files: %+v", r)
	}
}

// TestExportHEP sends to a server on loopback, whose capture has the same messages.
func TestExportHEP(t *testing.T) {
	captures(t)
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	to := server.LocalAddr().String()
	r := sipsight(t, "export", "--call", "2", "--hep", to, "udp-call.pcapng")
	if r.code != exitOK || r.err != "sipsight: 7 messages sent to "+to+"\n" {
		t.Fatalf("%+v", r)
	}
	var list []capgen.Packet
	b := make([]byte, 1<<16)
	for range 7 {
		n, _, err := server.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		agent := capgen.NewFlow("127.0.0.1:40000", "127.0.0.1:9060")
		list = append(list, capgen.Packet{Time: capgen.Start, Link: 1, Data: capgen.Ether(agent.UDP(string(b[:n])))})
	}
	if err := os.WriteFile("hep.pcap", capgen.Pcap(list), 0o600); err != nil {
		t.Fatal(err)
	}
	columns := func(name string, from int) (rows [][]string) {
		all, err := csv.NewReader(strings.NewReader(sipsight(t, "messages", "--csv", name).out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range all[from:] {
			rows = append(rows, append([]string{row[3][:26]}, row[4:22]...)) // HEP has microseconds, and frames of its own
		}
		return rows
	}
	if got, want := columns("hep.pcap", 1), columns("udp-call.pcapng", 8)[:7]; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("sent are\n%v\nwant\n%v", got, want)
	}
}

// TestExportTshark holds that tshark finds the same messages in the export of all calls as in
// the capture, and the same streams.
func TestExportTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	captures(t)
	show := func(name string, args ...string) []string {
		t.Helper()
		cmd := exec.Command(tshark, append([]string{"-r", name, "-o", "tcp.reassemble_out_of_order:TRUE"}, args...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd.Args, err)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	fields := strings.Fields("-T fields -e frame.time_epoch -e ip.src -e ipv6.src -e sip.Request-Line -e sip.Status-Line -e sip.Call-ID -e sip.msg_body")
	for _, name := range []string{"tcp-segmented.pcap", "ipv6-fragments.pcap", "baresip-call.pcapng"} {
		if r := sipsight(t, "export", name, "-o", "x-"+name); r.code != exitOK {
			t.Fatalf("%+v", r)
		}
		sip := append([]string{"-Y", "sip.CSeq.method != REGISTER and not icmp"}, fields...)
		got, want := show("x-"+name, sip...), show(name, sip...)
		if len(want) < 7 || !slices.Equal(got, want) {
			t.Errorf("%s: tshark finds\n%s\nin the export, and\n%s\nin the capture", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if name != "baresip-call.pcapng" { // tshark takes a second to start
			continue
		}
		rtp := []string{"-q", "-z", "rtp,streams"}
		if got, want := show("x-"+name, rtp...), show(name, rtp...); len(got) != len(want) {
			t.Errorf("%s: streams\n%s\nin the export, and\n%s\nin the capture", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	told := show("x-baresip-call.pcapng", "-Y", "_ws.malformed or frame.comment contains \"call-1\"", "-T", "fields", "-e", "frame.number", "-e", "frame.comment")
	if len(told) != 1 || !strings.Contains(told[0], "call-1, Call-ID") {
		t.Errorf("tshark names call-1, or what is malformed, at %q", told)
	}
}

// TestTables holds, for the tables of all commands and text that means harm to a
// spreadsheet: RFC 4180 lines of one length, and no cell that reads as a formula.
func TestTables(t *testing.T) {
	t.Chdir(t.TempDir())
	nasty := []string{"=cmd|' /C calc'!A0", "+4930123456", "-2+3", "@SUM(1;2)", "\t=1", "a,b", `say "x"`, "a\r\n =b", ";", "'"}
	var list []capgen.Packet
	l := capgen.Ladder{}
	ladder := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n"
	for i, x := range nasty {
		header := fmt.Sprintf("\n    User-Agent: %s\n    Reason: %s\n", strings.ReplaceAll(x, "\r\n", ""), strings.ReplaceAll(x, "\r\n", ""))
		id := strings.NewReplacer(" ", "", "\t", "", "\r\n", "").Replace(x)
		ladder += fmt.Sprintf("%d A > B INVITE sdp id=%s from=%s%s", i*10, id, id, header)
		ladder += fmt.Sprintf("+1 B > A 486%s", header)
		ladder += fmt.Sprintf("+1 A > B REGISTER new id=r%s from=%s%s", id, id, header)
		ladder += "+1 B > A 403\n"
	}
	ladder += "200 A > B INVITE id==lost from==lost\n+.5 A > B INVITE again id==lost\n+1 A > B INVITE again id==lost\n+100 A > B BYE id=other tt=x\n    Reason: Q.850;cause=34;text=\"=x\"\n"
	ladder += "100 A:4000 > B:4000 RTP n=20 ssrc=1\n"
	list = l.Packets(ladder)
	if err := os.WriteFile("=nasty,.pcap", capgen.Pcap(list), 0o600); err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`^-?[0-9.]+$`)
	quoted := 0
	for _, table := range []string{"messages", "calls", "registrations", "findings", "streams"} {
		for _, secrets := range []bool{false, true} {
			args := []string{table, "--csv", "=nasty,.pcap", "./=nasty,.pcap"}
			if secrets {
				args = append(args, "--show-secrets")
			}
			r := sipsight(t, args...)
			if strings.Count(r.out, "\n") != strings.Count(r.out, "\r\n") || !strings.HasSuffix(r.out, "\r\n") {
				t.Errorf("%s: lines do not end as they have to", table)
			}
			rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll() // all lines of one length
			if err != nil || len(rows) < 2 {
				t.Fatalf("%s: %d rows, %v", table, len(rows), err)
			}
			for _, row := range rows {
				for _, cell := range row {
					if cell == "" || number.MatchString(cell) {
						continue
					}
					if strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) || strings.ContainsAny(cell, "\x00\r\n\t") {
						t.Errorf("%s: a cell is %q", table, cell)
					}
					if cell[0] == '\'' {
						quoted++
					}
				}
			}
		}
	}
	if quoted < 20 {
		t.Errorf("only %d cells had to be told from formulas", quoted)
	}
}

// TestExportMediaFinding holds that findings about packets of media choose calls.
func TestExportMediaFinding(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("calls.pcap", new(capgen.Ladder).Pcap(soundCalls), 0o600); err != nil {
		t.Fatal(err)
	}
	r := sipsight(t, "export", "--finding", "one-way-audio", "calls.pcap", "-o", "one.pcapng")
	if want := "sipsight: 160 packets of 2 calls written to one.pcapng"; r.code != exitOK || !strings.HasPrefix(r.err, want) {
		t.Errorf("%+v, want %q", r, want)
	}
}
