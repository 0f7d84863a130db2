package wasmill

import "encoding/json"

// Queue sends messages. A send becomes real with the handler's commit, or not at all.
type Queue struct{ call *call }

// Outgoing is a message to send.
type Outgoing struct {
	// Topic is declared in the operator's routes.
	Topic string
	// Key is order, state and partition of the message; empty for one without order and state.
	Key string
	// Tag is a word that subscriptions may filter by; empty for none.
	Tag string
	// Headers are at most 128, of 16 KiB together.
	Headers map[string]string
	// Body has at most 4 MiB.
	Body []byte
	// When to deliver it: with the commit unless said otherwise.
	When Delivery
}

// Send sends one message, and returns the ID that it will carry.
func (q Queue) Send(message Outgoing) (id string, err error) {
	host, err := q.call.open(message.check())
	if err != nil {
		return "", err
	}
	return host.Send(message)
}

// SendJSON sends a message whose body is value as JSON.
func (q Queue) SendJSON(message Outgoing, value any) (id string, err error) {
	if message.Body, err = json.Marshal(value); err != nil {
		return "", err
	}
	return q.Send(message)
}

// SendMany sends all of the messages, or none of them; it returns their IDs in order.
func (q Queue) SendMany(messages []Outgoing) (ids []string, err error) {
	refusals := make([]error, 0, len(messages))
	for _, message := range messages {
		refusals = append(refusals, message.check())
	}
	host, err := q.call.open(refusals...)
	if err != nil {
		return nil, err
	}
	return host.SendMany(messages)
}

// Recall recalls a delayed message that a handler of this plugin sent under this key. It is true
// if the message was still undelivered, and now never will be delivered.
func (q Queue) Recall(id string) (bool, error) {
	host, err := q.call.open(checkTexts("id", id))
	if err != nil {
		return false, err
	}
	return host.Recall(id)
}
