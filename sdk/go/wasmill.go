// Package wasmill is what Wasmill plugins in Go are written with.
//
// A plugin registers its handler while it starts, and is then called with one message after the
// other:
//
//	func init() {
//		wasmill.Handle(handle)
//	}
//
//	func main() {} // Never runs.
//
//	func handle(ctx *wasmill.Context, msg *wasmill.Message) error {
//		var order Order
//		if err := msg.JSON(&order); err != nil {
//			return err
//		}
//		return ctx.State.PutJSON("order", order)
//	}
//
// All that a handler does through its Context becomes one commit when it returns nil. If it returns
// an error, or panics, nothing of it ever happened. Reject, Retry and RetryAfter say what is to
// become of the message then; any other error is retried.
package wasmill

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Handler handles one message.
type Handler func(ctx *Context, msg *Message) error

// Handle makes handler the one that is called with the plugin's messages. It is to be called once,
// in an init function: main never runs.
func Handle(handler Handler) {
	if handler == nil {
		panic("wasmill.Handle needs a handler")
	}
	if registered != nil {
		panic("wasmill.Handle was called twice: a plugin has one handler, which may look at msg.Topic")
	}
	registered = handler
}

var registered Handler

// Registered is the handler that Handle was called with, or nil. Tests call it.
func Registered() Handler {
	return registered
}

// Message is a message as a subscription receives it.
type Message struct {
	// ID is unique for ever: 32 hexadecimal digits, the same for every subscription and attempt.
	ID string
	// Topic is where the message was sent to.
	Topic string
	// Subscription is the one that delivers it, as the operator named it.
	Subscription string
	// Key is what this subscription handles it under; empty for an unkeyed message.
	Key string
	// Tag is the sender's; empty if there is none.
	Tag string
	// Headers are the sender's. Names are case-sensitive.
	Headers map[string]string
	// Body is opaque to the host.
	Body []byte
	// ProducedAt is when the message was sent; for a delayed one, when it fell due.
	ProducedAt time.Time
	// Attempt is 1 for the first delivery to this subscription, then one more each time.
	Attempt int
	// Correlation is the ID of the message that began this flow. Every message sent while handling
	// carries it on.
	Correlation string
	// Causation is the ID of the message whose handler sent this one; empty at the beginning of a
	// flow.
	Causation string
}

// JSON decodes the body into value, which is a pointer, as encoding/json does. A body that cannot be
// decoded is a rejection, a *Failure that names the topic and the field: no further attempt would read
// it.
func (m *Message) JSON(value any) error {
	err := json.Unmarshal(m.Body, value)
	if of := (*json.InvalidUnmarshalError)(nil); err == nil || errors.As(err, &of) {
		return err
	}
	return Reject(fmt.Sprintf("body of `%s`: %s", m.Topic, unreadable(err)))
}

// NeedKey is the rejection of a message without a key, for handlers that need one, and else nil.
func (m *Message) NeedKey() error {
	if m.Key != "" {
		return nil
	}
	return Reject(fmt.Sprintf("a message of `%s` needs a key: send it with one, or give subscription "+
		"`%s` a `key`", m.Topic, m.Subscription))
}

// unreadable says why a text was not decoded, with the field if there is one.
func unreadable(err error) string {
	of := (*json.UnmarshalTypeError)(nil)
	if !errors.As(err, &of) {
		return err.Error()
	}
	text := fmt.Sprintf("%s where %s is needed", of.Value, described(of.Type))
	if of.Field == "" {
		return text
	}
	return fmt.Sprintf("`%s`: %s", of.Field, text)
}

// described is what JSON calls values of a type.
func described(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number that fits " + of.String()
	default:
		return of.String()
	}
}
