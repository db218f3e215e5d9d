// Package fuzz holds the fuzz targets of all rooms: one for each boundary that octets of
// strangers cross. It is tests alone.
//
//	go test ./fuzz                                         the seeds, in seconds
//	go test -run '^$' -fuzz '^FuzzPcap$' -fuzztime 60s ./fuzz
//	fuzz/long.sh 10m                                       every target, one after the other
//
// That nothing panics is the least. Every target holds a law: what is read in one piece
// and octet by octet is the same; the front part of a file gives the first packets of the
// whole; what was read, written and read again is equal; the fast scanner finds what a slow
// reader finds, which is written in the plainest way and shares no code with it; a secret
// that was put in never comes out; output is JSON, UTF-8 and free of control characters,
// and the same on a second run.
//
// Seeds are built in code and taken from the captures in testdata. Where the environment
// variable SIPSIGHT_SHARED names the folder of the shared captures, its torture messages and
// wire-level captures are seeds too.
//
// A crasher that was mended is kept below testdata/fuzz, where every run of the tests
// tries it again.
package fuzz
