package mcpjsonrpc

import (
	"encoding/json"
	"fmt"
)

// Error codes of JSON-RPC 2.0, section 5.1.
const (
	CodeParseError     = -32700 // the line is not JSON
	CodeInvalidRequest = -32600 // JSON, but not a request
	CodeMethodNotFound = -32601
	CodeInvalidParams  = -32602
	CodeInternalError  = -32603
)

// Error codes of the Model Context Protocol.
const (
	codeHeaderMismatch     = -32020 // over HTTP
	codeUnsupportedVersion = -32022
	codeNoResource         = -32002 // before 2026-07-28, where it is CodeInvalidParams
)

// An Error is a JSON-RPC error. A tool or prompt returns one to refuse the
// request itself; what a model can repair is better told in a Result.
type Error struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (e *Error) Error() string {
	return fmt.Sprintf("mcpjsonrpc: %s (%d)", e.Message, e.Code)
}

func errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
