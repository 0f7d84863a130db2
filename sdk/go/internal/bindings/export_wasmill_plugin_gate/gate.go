// Package export_wasmill_plugin_gate is where the bindings hand requests to.
package export_wasmill_plugin_gate

import (
	"wasmill/internal/bindings/wasmill_plugin_gate"
	"wasmill/internal/bindings/wasmill_plugin_types"
	witTypes "wasmill/internal/wit/types"
)

type (
	// Request is a request as the host hands it over.
	Request = wasmill_plugin_types.Request
	// Result is what became of it.
	Result = witTypes.Result[wasmill_plugin_gate.Accepted, wasmill_plugin_gate.Problem]
)

// Gate looks at requests. It is set while the plugin starts.
var Gate func(Request) Result

// Admit looks at one request.
func Admit(request Request) Result {
	return Gate(request)
}
