package wasmilltest

import (
	"maps"
	"slices"

	"wasmill"
)

// activity is what the plugin is called for.
type activity uint8

const (
	handling activity = iota
	migrating
	answering
	admitting
	checking
)

// may are the functions that a role may call, of those that not all may.
var may = map[activity]map[string]bool{
	migrating: {"state.get": true, "state.put": true, "state.delete": true, "state.scan": true},
	answering: {"state.get": true, "state.scan": true},
}

// why are the words with which a role is refused the others.
var why = map[activity]string{
	migrating: "in `migration.migrate`: a migration only gets the state",
	answering: "in `query.answer`: a query only reads",
	admitting: "in `gate.admit`: a gate is stateless",
	checking:  "in `checker.check`: a checker only decides",
}

// check refuses what the role may not do.
func (a activity) check(function string) error {
	if a == handling || may[a][function] {
		return nil
	}
	return invalid("`%s` is refused %s; do this in `handler.handle`", function, why[a])
}

// call is the host as one call of the plugin sees it, and what that did so far.
type call struct {
	host     *Host
	activity activity
	key      string
	scope    scope
	sent     []Sent
	// recalled are ids of messages that were sent before.
	recalled map[string]bool
	// settled are half messages that end with the commit, and how.
	settled map[string]wasmill.HalfState
	sends   int
	bytes   int
}

func (h *Host) begin(activity activity, key string) *call {
	return &call{
		host:     h,
		activity: activity,
		key:      key,
		scope:    h.scopes[key].copied(),
		recalled: map[string]bool{},
		settled:  map[string]wasmill.HalfState{},
	}
}

// keyed refuses what belongs to a key in a call without one.
func (c *call) keyed() error {
	if c.key == "" {
		return wasmill.ErrNoKey
	}
	return nil
}

// maySend checks that one more message may be sent.
func (c *call) maySend() error {
	return checkWithin("sends per call", c.sends+1, sendsMax)
}

// account counts bytes that are sent or written.
func (c *call) account(bytes int) error {
	err := checkWithin("bytes sent and written per call", c.bytes+bytes, effectBytesMax)
	if err == nil {
		c.bytes += bytes
	}
	return err
}

// commit makes what the call did real.
func (c *call) commit() {
	host := c.host
	host.Sent = slices.DeleteFunc(slices.Clone(host.Sent), func(sent Sent) bool {
		return c.recalled[sent.ID]
	})
	host.Sent = append(host.Sent, c.sent...)
	for _, name := range slices.Sorted(maps.Keys(c.settled)) {
		half, decision := c.scope.halves[name], c.settled[name]
		delete(c.scope.halves, name)
		// What a check decided was delivered then.
		if half.state == wasmill.Prepared && decision == wasmill.Committed {
			host.deliver(half)
		}
	}
	if c.key != "" {
		host.scopes[c.key] = c.scope
	}
}
