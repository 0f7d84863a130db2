// Package query answers requests from a key's durable state. A plugin that imports it exports the
// contract's query.
//
//	func init() {
//		query.Answer(answer)
//	}
//
// A query only reads: writes, sends and timers are refused.
package query

import (
	"encoding/json"

	"wasmill"
	"wasmill/internal/text"
)

// Query answers a request about key.
type Query func(ctx *wasmill.Context, key string, request *wasmill.Request) *Response

// Ask asks the query as the platform does: headers are made UTF-8.
func (q Query) Ask(ctx *wasmill.Context, key string, request *wasmill.Request) *Response {
	response := *q(ctx, key, request)
	headers := make(map[string]string, len(response.Headers))
	for name, value := range response.Headers {
		headers[text.ForPeople(name)] = text.ForPeople(value)
	}
	response.Headers = headers
	return &response
}

// Answer makes query the one that is asked. It is to be called once, in an init function.
func Answer(query Query) {
	if registered != nil {
		panic("query.Answer was called twice: a plugin has one query, which may look at request.Path")
	}
	registered = query
}

var registered Query

// Registered is the query that Answer was called with, or nil. Tests call it.
func Registered() Query {
	return registered
}

// Response is an answer to a request.
type Response struct {
	Status  int
	Headers map[string]string
	Body    []byte
	// Settled says that the flow behind this answer has reached its outcome. A repeated request
	// that waits for the outcome is answered at once if so.
	Settled bool
}

// JSON is a response whose body is value as JSON.
func JSON(status int, value any) *Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic("the answer cannot be told as JSON: " + err.Error())
	}
	return &Response{
		Status:  status,
		Headers: map[string]string{"content-type": "application/json"},
		Body:    body,
	}
}
