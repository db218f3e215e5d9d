package sipmsg

import (
	"math/rand/v2"
	"syscall"
	"testing"
)

// TestScanFieldsGuarded scans what ends where memory does: an octet behind it that is looked at is a fault.
func TestScanFieldsGuarded(t *testing.T) {
	page := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(mem)
	if err := syscall.Mprotect(mem[page:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	var m Message
	for range 20000 {
		b := append([]byte("BYE sip:a@b SIP/2.0\r\n"), randomFields(rnd)...)
		guarded := mem[page-len(b) : page : page]
		copy(guarded, b)
		if err := m.Parse(guarded); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		at := feeds(guarded)
		var first [numIDs]uint16
		scanFields(make([]field, len(at)), guarded, at, 0, 0, &first, 0)
	}
}
