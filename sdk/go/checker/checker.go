// Package checker tells what is to become of half messages that a handler of this plugin left
// unsettled. A plugin that imports it exports the contract's checker.
//
//	func init() {
//		checker.Check(check)
//	}
//
// A checker only decides: state, timers, claims, sends and half messages refuse every call.
package checker

import (
	"time"

	"wasmill"
	"wasmill/internal/text"
)

// Checker decides about a half message.
type Checker func(ctx *wasmill.Context, half *Half) Verdict

// Check makes checker the one that is asked. It is to be called once, in an init function.
func Check(checker Checker) {
	if registered != nil {
		panic("checker.Check was called twice: a plugin has one checker, which may look at half.Name")
	}
	registered = checker
}

var registered Checker

// Registered is the checker that Check was called with, or nil. Tests call it.
func Registered() Checker {
	return registered
}

// Half is a half message that is not settled.
type Half struct {
	// ID is its message's.
	ID string
	// Name is the one under which the handler prepared it.
	Name string
	// ScopeKey is the key of that handler.
	ScopeKey string
	// PreparedAt is when it was prepared.
	PreparedAt time.Time
	// Checks is how often Unknown was the answer.
	Checks int
	// Topic, Key, Tag, Headers and Body are the message: where it goes to, and what it says.
	Topic, Key, Tag string
	Headers         map[string]string
	Body            []byte
}

// Verdict is what is to become of a half message. Its zero value is Unknown without a reason.
type Verdict struct {
	kind  verdictKind
	cause string
}

type verdictKind uint8

const (
	unknown verdictKind = iota
	commit
	rollBack
)

// Commit delivers it.
func Commit() Verdict { return Verdict{kind: commit} }

// RollBack never delivers it.
func RollBack() Verdict { return Verdict{kind: rollBack} }

// Unknown asks again later; cause is for people.
func Unknown(cause string) Verdict { return Verdict{cause: text.ForPeople(cause)} }
