package wasmill

import (
	"errors"
	"fmt"
)

// Why the host refuses a call, which changes nothing then. A handler that returns such an error is
// retried.
var (
	// ErrNoKey is of state, timers and claims: they belong to a key, and this message has none.
	ErrNoKey = errors.New("the message has no key, which state, timers and claims belong to")
)

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

// UnavailableError is of a host that could not read its store.
type UnavailableError struct {
	Reason string
}

func (e *UnavailableError) Error() string {
	return e.Reason
}
