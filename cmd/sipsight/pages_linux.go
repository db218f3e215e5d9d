package main

import "syscall"

// adviseLarge asks the system to back memory with large pages.
func adviseLarge(b []byte) { syscall.Madvise(b, syscall.MADV_HUGEPAGE) } // where it has none, nothing is lost
