package wasmill

import (
	"context"

	exported "wasmill/internal/bindings/export_wasmill_plugin_handler"
	_ "wasmill/internal/bindings/wit_handler"
	"wasmill/internal/wit/runtime"
)

// What the plugin exports as a component.

func init() {
	exported.Handler = handleOne
}

func handleOne(message exported.Message) exported.Result {
	err := callHandler(message)
	runtime.Collect()
	return LowerResult(err)
}

// callHandler is a function of its own so that nothing holds on to the message when it returns.
//
//go:noinline
func callHandler(message exported.Message) error {
	if registered == nil {
		return Retry("the plugin has no handler: it must call wasmill.Handle in an init function, " +
			"since main never runs")
	}
	ctx, cancel := NewContext(context.Background(), component{})
	defer cancel()
	return registered(ctx, liftMessage(message))
}
