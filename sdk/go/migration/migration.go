// Package migration brings states up to date that earlier versions of this plugin wrote. A plugin that
// imports it exports the contract's migration; plugin.toml says the version of its states' schema.
//
//	func init() {
//		migration.Migrate(migrate)
//	}
//
// A migration is called once for each key, before the first message that needs it, and in the same
// commit; and before a query, which sees what it wrote, none of which is kept. Of its Context, State,
// Config and Log are there; the rest refuses every call.
package migration

import "wasmill"

// Migration brings the key's state from the version from, which is lower than this plugin's, to this
// plugin's. A state without a version is 1. An error is one of the call that needs the migration.
type Migration func(ctx *wasmill.Context, from int) error

// Migrate makes migration the one that is called. It is to be called once, in an init function.
func Migrate(migration Migration) {
	if registered != nil {
		panic("migration.Migrate was called twice: a plugin has one migration, which looks at from")
	}
	registered = migration
}

var registered Migration

// Registered is the migration that Migrate was called with, or nil. Tests call it.
func Registered() Migration {
	return registered
}
