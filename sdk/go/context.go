package wasmill

import (
	"context"
	"errors"
	"time"
)

// Context is what a handler works with: the host's interfaces, for this message. It is done when
// the handler returns. What a goroutine that was left behind asks of State, Queue, Timer, Transaction
// and Dedup afterwards is refused with ErrEnded: it would be part of another message's commit. Config
// and Log still answer; a line is then marked with the message that is being handled.
type Context struct {
	context.Context
	// State is what the plugin keeps under the message's key.
	State State
	// Queue sends messages.
	Queue Queue
	// Timer sets named timers under the message's key.
	Timer Timer
	// Transaction prepares and settles half messages.
	Transaction Transaction
	// Dedup claims ids.
	Dedup Dedup
	// Config is the plugin's table in the operator's routes.
	Config Config
	// Log writes lines in the host's log.
	Log Log
}

// ErrEnded refuses what would be part of the handler's commit when the handler has returned.
var ErrEnded = errors.New("the handler has returned: wait for its goroutines before it does")

// NewContext makes the context of one message over a host. The platform does this; tests do it
// with a host of their own, such as that of package wasmilltest.
func NewContext(parent context.Context, host Host) (*Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	call := &call{ctx: ctx, host: host}
	made := &Context{
		Context:     ctx,
		State:       State{call},
		Queue:       Queue{call},
		Timer:       Timer{call},
		Transaction: Transaction{call},
		Dedup:       Dedup{call},
		Config:      Config{call},
		Log:         Log{call},
	}
	return made, cancel
}

// call is a handler's call in progress.
type call struct {
	ctx  context.Context
	host Host
}

// open is the host, or ErrEnded when the handler has returned, or else the first of the reasons to
// refuse what is asked of it.
func (c *call) open(refusals ...error) (Host, error) {
	if c.ctx.Err() != nil {
		return nil, ErrEnded
	}
	for _, refusal := range refusals {
		if refusal != nil {
			return nil, refusal
		}
	}
	return c.host, nil
}

// Host is the platform as handlers see it. What its functions do is told where a Context offers
// them.
type Host interface {
	Send(message Outgoing) (id string, err error)
	SendMany(messages []Outgoing) (ids []string, err error)
	Recall(id string) (bool, error)

	SetTimer(name string, when Delivery, alarm Alarm) error
	CancelTimer(name string) (bool, error)
	RescheduleTimer(name string, when Delivery) (bool, error)

	Prepare(name string, message Outgoing) (HalfState, error)
	Commit(name string) (HalfState, error)
	RollBack(name string) (HalfState, error)

	Claim(id string, ttl time.Duration) (bool, error)

	GetState(name string) (value []byte, found bool, err error)
	PutState(name string, value []byte) error
	DeleteState(name string) error
	ScanState(prefix, after string, limit int) ([]Entry, error)

	Setting(name string) (value string, found bool)
	Settings() map[string]string

	Log(level Level, line string)
}
