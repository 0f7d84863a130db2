// Package wasmilltest is a host in memory, for tests of handlers with go test:
//
//	host := wasmilltest.New()
//	err := host.Handle(handle, &wasmill.Message{Topic: "order.paid", Key: "ann", Body: body})
//
// Like the platform it keeps what a handler did if that returns nil, and nothing of it otherwise.
// It has no limits, and delivers nothing by itself: a test looks at what was sent and set.
package wasmilltest

import (
	"context"
	"maps"
	"slices"
	"time"

	"wasmill"
)

// Host is a host in memory. It is not for several goroutines at once, but for those of one handler
// that take turns.
type Host struct {
	// Now is the time. Timers and claims go by it; a test moves it on.
	Now time.Time
	// Config is the plugin's table in the operator's routes.
	Config map[string]string
	// Sent are the messages that handlers sent, in order; Committed half messages among them.
	Sent []wasmill.Outgoing
	// Lines are what handlers wrote into the log, also those that failed.
	Lines []string

	scopes map[string]scope
}

// Timer is a timer that is set.
type Timer struct {
	// Due is when it falls due.
	Due time.Time
	wasmill.Alarm
}

// New is a host in 2026 that has nothing.
func New() *Host {
	return &Host{
		Now:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Config: map[string]string{},
		scopes: map[string]scope{},
	}
}

// Handle has handler handle a message, and keeps what it did if it returns nil. What the message does
// not say is made up.
func (h *Host) Handle(handler wasmill.Handler, message *wasmill.Message) error {
	made := *message
	made.ID = orElse(made.ID, "00000000000000000000000000000001")
	made.Correlation = orElse(made.Correlation, made.ID)
	made.Subscription = orElse(made.Subscription, made.Topic)
	made.Attempt = max(made.Attempt, 1)
	if made.ProducedAt.IsZero() {
		made.ProducedAt = h.Now
	}
	handling := &handling{host: h, key: made.Key, scope: h.scopes[made.Key].copied()}
	ctx, cancel := wasmill.NewContext(context.Background(), handling)
	defer cancel()
	if err := handler(ctx, &made); err != nil {
		return err
	}
	h.Sent = append(h.Sent, handling.sent...)
	h.scopes[made.Key] = handling.scope
	return nil
}

// State is what the plugin keeps under a key.
func (h *Host) State(key string) map[string][]byte {
	return h.scopes[key].copied().state
}

// Timers are those that are set under a key, by their names.
func (h *Host) Timers(key string) map[string]Timer {
	return h.scopes[key].copied().timers
}

// SetState lets the plugin have kept value under a key.
func (h *Host) SetState(key, name string, value []byte) {
	scope := h.scopes[key].copied()
	scope.state[name] = slices.Clone(value)
	h.scopes[key] = scope
}

// scope is what belongs to a key. Its zero value has nothing.
type scope struct {
	state  map[string][]byte
	timers map[string]Timer
	claims map[string]time.Time
	halves map[string]half
}

type half struct {
	message wasmill.Outgoing
	state   wasmill.HalfState
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

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
