//go:build !linux

package main

// adviseLarge asks the system to back memory with large pages: here it is not asked.
func adviseLarge([]byte) {}
