//go:build linux || darwin || freebsd

package main

import (
	"os"
	"reflect"
	"runtime"
	"syscall"
)

// columns asks a terminal how wide it is; 0 where it does not say.
func columns(f *os.File) int {
	size := new([4]uint16) // struct winsize: rows, columns, and both in points
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, reflect.ValueOf(size).Pointer())
	runtime.KeepAlive(size)
	if errno != 0 {
		return 0
	}
	return int(size[1])
}
