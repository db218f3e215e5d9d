//go:build unix

package sipmsg_test

import (
	"syscall"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// The octets of a message that is too long are mapped, and never touched.
func TestParseTooLong(t *testing.T) {
	b, err := syscall.Mmap(-1, 0, sipmsg.MaxLen+1, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("no room for a message of %d octets: %v", sipmsg.MaxLen+1, err)
	}
	defer syscall.Munmap(b)
	copy(b, "BYE sip:a@b SIP/2.0\r\nTo: a\r\n\r\n")
	var m sipmsg.Message
	if err := m.Parse(b); err == nil || err.Error() != "sipmsg: message is too long at byte 1073741824" {
		t.Errorf("error %v", err)
	}
	if m.NumFields() != 0 || m.Body != nil {
		t.Error("refused, yet it has fields or a body")
	}
}
