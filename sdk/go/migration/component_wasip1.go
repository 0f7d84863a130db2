package migration

import (
	"wasmill"
	exported "wasmill/internal/bindings/export_wasmill_plugin_migration"
	_ "wasmill/internal/bindings/wit_migration"
	"wasmill/internal/outer"
)

func init() {
	exported.Migration = migrate
}

func migrate(from uint32) exported.Result {
	return outer.Call(func(ctx *wasmill.Context) exported.Result {
		return wasmill.LowerResult(registered(ctx, int(from)))
	})
}
