package flow

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// maxNames bounds the names of hosts, maxHostsLine the octets of a line of a hosts file.
const (
	maxNames     = 1 << 16
	maxHostsLine = 4096
)

// Names says what hosts are called. Hosts of one name are one column.
type Names struct {
	hosts map[netip.Addr]string
	ports map[netip.AddrPort]string
}

// Add adds one name: "10.0.0.1=proxy", "10.0.0.1:5080=gateway", "[2001:db8::1]:5060=phone".
func (n *Names) Add(s string) error {
	addr, name, ok := strings.Cut(s, "=")
	if name = titleText(strings.TrimSpace(name)); !ok || name == "" {
		return errors.New("give an address and a name, such as 10.0.0.1=proxy")
	}
	if !n.add(strings.TrimSpace(addr), name) {
		return errors.New("before = stands no IP address; give one, such as 10.0.0.1=proxy or 10.0.0.1:5080=gateway")
	}
	return nil
}

func (n *Names) add(addr, name string) bool {
	if len(n.hosts)+len(n.ports) >= maxNames {
		return true // the rest is shown by its address
	}
	if a, err := netip.ParseAddr(strings.Trim(addr, "[]")); err == nil {
		if n.hosts == nil {
			n.hosts = make(map[netip.Addr]string)
		}
		n.hosts[a.Unmap().WithZone("")] = name
		return true
	}
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return false
	}
	if n.ports == nil {
		n.ports = make(map[netip.AddrPort]string)
	}
	n.ports[netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())] = name
	return true
}

// ReadHosts adds the names of a hosts file: lines of an address, a name, and further names,
// which are ignored, as is what stands behind #.
func (n *Names) ReadHosts(r io.Reader) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, maxHostsLine), maxHostsLine)
	for line := 1; s.Scan(); line++ {
		text, _, _ := strings.Cut(s.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if len(words) < 2 || !n.add(words[0], titleText(words[1])) {
			return fmt.Errorf("line %d is not an address and a name, such as: 10.0.0.1 proxy", line)
		}
	}
	return s.Err()
}
