package wasmill

import (
	"errors"
	"fmt"
	"time"
)

// Failure says why a message was not handled, and what is to become of it.
type Failure struct {
	// Cause is for people: it stands in the host's log and with dead letters.
	Cause string
	// Dead says that the message is never delivered again: it becomes a dead letter.
	Dead bool
	// Delay is when to deliver again; nil for the next delay of the subscription's schedule.
	Delay *time.Duration
}

// Error is the cause.
func (f *Failure) Error() string {
	return f.Cause
}

// Reject is an error for what will never be handled, such as a malformed body: the message becomes
// a dead letter.
func Reject(cause string) error {
	return &Failure{Cause: cause, Dead: true}
}

// Retry is an error for what may be handled later: the message is delivered again after the
// subscription's next retry delay. Any error that is not of this package says the same.
func Retry(cause string) error {
	return &Failure{Cause: cause}
}

// RetryAfter is Retry after a delay of the handler's own. It counts as an attempt. With a delay below
// zero it is Retry, and the cause says so.
func RetryAfter(delay time.Duration, cause string) error {
	if err := checkSpan("delay", delay); err != nil {
		return Retry(fmt.Sprintf("%s (and %v)", cause, err))
	}
	return &Failure{Cause: cause, Delay: &delay}
}

// FailureOf is what an error of a handler means. One that wraps a Failure is told as a whole.
func FailureOf(err error) *Failure {
	failure := &Failure{Cause: err.Error()}
	if found := (*Failure)(nil); errors.As(err, &found) {
		failure.Dead, failure.Delay = found.Dead, found.Delay
	}
	return failure
}
