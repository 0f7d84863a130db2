// Package wasmilltest is a host in memory, for tests of a plugin's functions with go test:
//
//	host := wasmilltest.New()
//	err := host.Handle(handle, &wasmill.Message{Topic: "order.paid", Key: "ann", Body: body})
//
// It keeps to the contract. What a handler did becomes real when it returns nil, or is dropped; what the
// contract refuses is refused, with the same errors, and so is what a role may not do. It has one plugin,
// so what that sends is not delivered anywhere, but shown.
package wasmilltest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"wasmill"
)

// Host is a host in memory. It is not for several goroutines at once, but for those of one handler
// that take turns.
type Host struct {
	// Now is the time. Claims and delays go by it; a test moves it on, by Advance if timers are to ring.
	Now time.Time
	// Config is the plugin's table in the operator's routes.
	Config map[string]string
	// Topics are those that are declared in the operator's routes; nil if every topic is.
	Topics []string
	// Sent are the messages that handlers sent and committed, in order, those for later among them
	// until they are recalled; and half messages from when they are committed. Timers are not.
	Sent []Sent
	// Lines are what the plugin wrote into the log, also in calls that failed.
	Lines []Line

	scopes map[string]scope
	lastID int
}

// Sent is a message that the plugin sent.
type Sent struct {
	wasmill.Outgoing
	// ID is the message's.
	ID string
	// Due is when it is delivered; zero for at once.
	Due time.Time

	// scopeKey is the key of the handler that sent it, which alone can recall it.
	scopeKey string
}

// Timer is a timer that is set.
type Timer struct {
	wasmill.Alarm
	// Due is when it rings.
	Due time.Time

	// id is that of its message.
	id string
}

// Line is a line of the log.
type Line struct {
	Level wasmill.Level
	Text  string
}

// New is a host in 2026 on which nothing has happened, without config, and where every topic exists.
func New() *Host {
	return &Host{
		Now:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Config: map[string]string{},
		scopes: map[string]scope{},
	}
}

// State is what the plugin keeps under a key.
func (h *Host) State(key string) map[string][]byte {
	return h.scopes[key].copied().state
}

// SetState lets the plugin have kept value under a key.
func (h *Host) SetState(key, name string, value []byte) {
	scope := h.scopes[key].copied()
	scope.state[name] = slices.Clone(value)
	h.scopes[key] = scope
}

// Timers are those that are set under a key, by their names.
func (h *Host) Timers(key string) map[string]Timer {
	return h.scopes[key].copied().timers
}

// Half is how the half message of this name is, until a handler settles it or hears of it; found is
// false if there is none.
func (h *Host) Half(key, name string) (state wasmill.HalfState, found bool) {
	half, found := h.scopes[key].halves[name]
	return half.state, found
}

func (h *Host) nextID() string {
	h.lastID++
	return fmt.Sprintf("%032x", h.lastID)
}

// scope is what belongs to a key. Its zero value has nothing.
type scope struct {
	state  map[string][]byte
	timers map[string]Timer
	claims map[string]time.Time
	halves map[string]half
}

func (s scope) copied() scope {
	return scope{
		state:  copied(s.state),
		timers: copied(s.timers),
		claims: copied(s.claims),
		halves: copied(s.halves),
	}
}

func copied[V any](from map[string]V) map[string]V {
	to := make(map[string]V, len(from))
	maps.Copy(to, from)
	return to
}
