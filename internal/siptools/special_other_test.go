//go:build !unix

package siptools_test

import (
	"testing"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

func checkSpecial(*testing.T, *mcpjsonrpc.Server, string) {}
