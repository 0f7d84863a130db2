// Package export_wasmill_plugin_handler is where the bindings hand messages to.
package export_wasmill_plugin_handler

import (
	"wasmill/internal/bindings/wasmill_plugin_types"
	witTypes "wasmill/internal/wit/types"
)

type (
	// Message is a message as the host hands it over.
	Message = wasmill_plugin_types.Message
	// Result is what became of it.
	Result = witTypes.Result[witTypes.Unit, wasmill_plugin_types.Failure]
)

// Handler handles messages. It is set while the plugin starts.
var Handler func(Message) Result

// Handle handles one message.
func Handle(message Message) Result {
	return Handler(message)
}
