package siptools_test

import "runtime/debug"

// Thousands of small captures are analysed here, and each is garbage behind it: with a heap of a few megabytes, a third of the
// time would go into collecting it.
func init() { debug.SetGCPercent(400) }
