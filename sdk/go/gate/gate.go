// Package gate is the door of HTTP routes: it checks a request before anything is stored. A plugin
// that imports it exports the contract's gate.
//
//	func init() {
//		gate.Admit(admit)
//	}
//
// A gate is stateless: of its Context, only Config and Log are there; the rest refuses every call.
package gate

import (
	"encoding/json"
	"errors"

	"wasmill"
	"wasmill/internal/text"
)

// Gate lets a request in, or refuses it with an error, best a *Problem. Any other error is a bad
// request.
type Gate func(ctx *wasmill.Context, request *wasmill.Request) (*Accepted, error)

// Ask asks the gate as the platform does, which takes no message whose texts are not UTF-8.
func (g Gate) Ask(ctx *wasmill.Context, request *wasmill.Request) (*Accepted, *Problem) {
	accepted, err := g(ctx, request)
	if err != nil {
		return nil, problemOf(err)
	}
	if fault := accepted.fault(); fault != "" {
		return nil, problemOf(&wasmill.InvalidError{Reason: fault})
	}
	return accepted, nil
}

// Admit makes gate the one that is asked. It is to be called once, in an init function.
func Admit(gate Gate) {
	if registered != nil {
		panic("gate.Admit was called twice: a plugin has one gate, which may look at request.Path")
	}
	registered = gate
}

var registered Gate

// Registered is the gate that Admit was called with, or nil. Tests call it.
func Registered() Gate {
	return registered
}

// Accepted is a request let in, as the message that it becomes.
type Accepted struct {
	// Key is the message's; empty for an unkeyed one.
	Key string
	// DedupID is the producer's id of this request within the key. The same id again starts
	// nothing and is answered the same. Empty if every request is a new one.
	DedupID string
	// Tag is a word that subscriptions may filter by; empty for none.
	Tag string
	// Headers are the message's.
	Headers map[string]string
	// Body is the message's.
	Body []byte
	// Answer is the JSON body of the answer once the message is durable.
	Answer json.RawMessage
}

// Problem is a request refused, answered as application/problem+json (RFC 9457).
type Problem struct {
	// Status is from 400 to 499.
	Status int
	// Title is a few words that name the kind of problem.
	Title string
	// Detail is what is wrong with this request, and the remedy.
	Detail string
	// Field is the name of the offending field; empty if there is none.
	Field string
}

func (p *Problem) Error() string {
	return p.Title + ": " + p.Detail
}

// fault says which of the message's texts is not UTF-8, if one is not.
func (a *Accepted) fault() string {
	if fault := text.Fault("key", a.Key, "dedup id", a.DedupID, "tag", a.Tag); fault != "" {
		return fault
	}
	return text.FaultOfHeaders(a.Headers)
}

// problemOf is how an error is answered.
func problemOf(err error) *Problem {
	found := &Problem{Status: 400, Title: "invalid request", Detail: err.Error()}
	errors.As(err, &found)
	problem := *found
	for _, words := range []*string{&problem.Title, &problem.Detail, &problem.Field} {
		*words = text.ForPeople(*words)
	}
	return &problem
}
