// Package export_wasmill_plugin_checker is where the bindings hand half messages to.
package export_wasmill_plugin_checker

import "wasmill/internal/bindings/wasmill_plugin_checker"

type (
	// Half is a half message as the host hands it over.
	Half = wasmill_plugin_checker.Half
	// Verdict is what is to become of it.
	Verdict = wasmill_plugin_checker.Verdict
)

// Checker decides about half messages. It is set while the plugin starts.
var Checker func(Half) Verdict

// Check decides about one.
func Check(half Half) Verdict {
	return Checker(half)
}
