// Package export_wasmill_plugin_migration is where the bindings hand versions to.
package export_wasmill_plugin_migration

import (
	"wasmill/internal/bindings/wasmill_plugin_types"
	witTypes "wasmill/internal/wit/types"
)

// Result is what became of a migration.
type Result = witTypes.Result[witTypes.Unit, wasmill_plugin_types.Failure]

// Migration brings a key's state up to date. It is set while the plugin starts.
var Migration func(from uint32) Result

// Migrate brings the state of one key up to date.
func Migrate(from uint32) Result {
	return Migration(from)
}
