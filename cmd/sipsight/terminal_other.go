//go:build !linux && !darwin && !freebsd

package main

import "os"

// columns is 0: a terminal is not asked how wide it is.
func columns(*os.File) int { return 0 }
