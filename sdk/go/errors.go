package wasmill

import (
	"errors"
	"fmt"
)

// A call that fails with an error of this file has changed nothing, and a handler that returns one is
// retried.

// ErrNoKey is of state, timers and claims: they belong to a key, and this message has none.
var ErrNoKey = errors.New("the message has no key, which state, timers and claims belong to")

// LimitError is a call over a limit.
type LimitError struct {
	// What is bounded, with its unit: "body bytes", "sends per call".
	What string
	// Limit is the bound.
	Limit uint64
	// Actual is what was asked for.
	Actual uint64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("over the limit of %s: %d of %d", e.What, e.Actual, e.Limit)
}

// UnknownTopicError is of a topic that is not declared in the operator's routes.
type UnknownTopicError struct {
	Topic string
}

func (e *UnknownTopicError) Error() string {
	return fmt.Sprintf("the topic %q is not declared in the operator's routes", e.Topic)
}

// InvalidError is of an argument that is not of the form it must have.
type InvalidError struct {
	// Reason says which argument, and why.
	Reason string
}

func (e *InvalidError) Error() string {
	return e.Reason
}

// StateError is of a value that is there, and cannot be decoded.
type StateError struct {
	// Name is the value's.
	Name string
	// Err says why.
	Err error
}

func (e *StateError) Error() string {
	return fmt.Sprintf("the state %q cannot be read: %v", e.Name, e.Err)
}

// Unwrap is why.
func (e *StateError) Unwrap() error {
	return e.Err
}

// UnavailableError is of a host that could not read its store.
type UnavailableError struct {
	Reason string
}

func (e *UnavailableError) Error() string {
	return e.Reason
}
