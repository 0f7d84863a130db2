package wasmilltest

import (
	"context"
	"fmt"
	"time"

	"wasmill"
	"wasmill/gate"
	"wasmill/migration"
	"wasmill/query"
)

// ringsMax is how many timers may ring in one Advance: one that sets itself to now is a loop.
const ringsMax = 10_000

// Handle has handler handle a message, and keeps what it did if it returns nil. What the message does
// not say is made up: the subscription is called like the topic, and each message has an ID of its own.
func (h *Host) Handle(handler wasmill.Handler, message *wasmill.Message) error {
	return h.handle(handler, *message, "")
}

// handle handles a message, which may be the timer of its key that is called timer.
func (h *Host) handle(handler wasmill.Handler, message wasmill.Message, timer string) error {
	if message.ID == "" {
		message.ID = h.nextID()
	}
	message.Correlation = orElse(message.Correlation, message.ID)
	message.Subscription = orElse(message.Subscription, message.Topic)
	message.Attempt = max(message.Attempt, 1)
	if message.ProducedAt.IsZero() {
		message.ProducedAt = h.Now
	}
	call := h.begin(handling, message.Key)
	ctx, cancel := h.context(call)
	defer cancel()
	if err := handler(ctx, &message); err != nil {
		return err
	}
	// Unless the handler set it anew.
	if timer != "" && call.scope.timers[timer].id == message.ID {
		delete(call.scope.timers, timer)
	}
	call.commit()
	return nil
}

// Advance lets time pass. Timers that fall due meanwhile ring, each at its time, and their messages are
// handled by handler. If that returns an error, so does Advance: the time is then that of the timer,
// which stays pending. It is an error too if 10,000 timers ring.
func (h *Host) Advance(handler wasmill.Handler, span time.Duration) error {
	until := h.Now.Add(span)
	for range ringsMax {
		key, name, found := h.firstTimer(until)
		if !found {
			h.Now = until
			return nil
		}
		timer := h.scopes[key].timers[name]
		if timer.Due.After(h.Now) {
			h.Now = timer.Due
		}
		err := h.handle(handler, wasmill.Message{
			ID:         timer.id,
			Topic:      timer.Topic,
			Key:        key,
			Tag:        timer.Tag,
			Headers:    timer.Headers,
			Body:       timer.Body,
			ProducedAt: timer.Due,
		}, name)
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%d timers rang by %s: does one set itself to now?", ringsMax, until)
}

// firstTimer is the one that rings first, if it does so by until.
func (h *Host) firstTimer(until time.Time) (key, name string, found bool) {
	var first Timer
	for of, scope := range h.scopes {
		for called, timer := range scope.timers {
			// Those of the same time ring in the order of their messages' ids, not of the maps.
			earlier := timer.Due.Before(first.Due) || timer.Due.Equal(first.Due) && timer.id < first.id
			if !timer.Due.After(until) && (!found || earlier) {
				first, key, name, found = timer, of, called, true
			}
		}
	}
	return key, name, found
}

// Admit asks admit about a request. What it is let in as is not delivered.
func (h *Host) Admit(admit gate.Gate, request *wasmill.Request) (*gate.Accepted, *gate.Problem) {
	ctx, cancel := h.context(h.begin(admitting, ""))
	defer cancel()
	return admit.Ask(ctx, request)
}

// Answer asks answer about the state of a key.
func (h *Host) Answer(answer query.Query, key string, request *wasmill.Request) *query.Response {
	ctx, cancel := h.context(h.begin(answering, key))
	defer cancel()
	return answer.Ask(ctx, key, request)
}

// Migrate has migrate bring the state of a key up to date, and keeps what it wrote if it returns nil.
func (h *Host) Migrate(migrate migration.Migration, key string, from int) error {
	call := h.begin(migrating, key)
	ctx, cancel := h.context(call)
	defer cancel()
	if err := migrate(ctx, from); err != nil {
		return err
	}
	call.commit()
	return nil
}

func (h *Host) context(call *call) (*wasmill.Context, context.CancelFunc) {
	return wasmill.NewContext(context.Background(), call)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
