// Package tests tries what the SDK does outside of a component.
package tests

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"wasmill"
	"wasmill/wasmilltest"
)

func TestWhatAHandlerDidIsKeptIfItReturnsNilAndUndoneIfNot(t *testing.T) {
	host := wasmilltest.New()
	message := &wasmill.Message{Topic: "in", Key: "ann"}
	failing := errors.New("not today")
	handler := func(fails bool) wasmill.Handler {
		return func(ctx *wasmill.Context, msg *wasmill.Message) error {
			seen := 0
			if _, err := ctx.State.GetJSON("seen", &seen); err != nil {
				return err
			}
			if err := ctx.State.PutJSON("seen", seen+1); err != nil {
				return err
			}
			if first, err := ctx.Dedup.Claim("once", time.Hour); err != nil || !first {
				return fmt.Errorf("claimed before: %w", err)
			}
			if _, err := ctx.Queue.Send(wasmill.Outgoing{Topic: "out"}); err != nil {
				return err
			}
			if err := ctx.Timer.Set("t", wasmill.After(time.Minute), wasmill.Alarm{}); err != nil {
				return err
			}
			if fails {
				return failing
			}
			return nil
		}
	}
	if err := host.Handle(handler(true), message); !errors.Is(err, failing) {
		t.Fatal(err)
	}
	if len(host.State("ann"))+len(host.Sent)+len(host.Timers("ann")) != 0 {
		t.Error("a handler that failed left something behind")
	}
	if err := host.Handle(handler(false), message); err != nil {
		t.Fatal(err)
	}
	due := host.Timers("ann")["t"].Due
	if string(host.State("ann")["seen"]) != "1" || len(host.Sent) != 1 || due != host.Now.Add(time.Minute) {
		t.Errorf("not all was kept: %+v", host)
	}
	host.Now = host.Now.Add(time.Hour)
	if err := host.Handle(handler(false), message); err != nil {
		t.Errorf("a claim outlives its time: %v", err)
	}
}

func TestACallAfterTheHandlerIsRefused(t *testing.T) {
	var left *wasmill.Context
	handler := func(ctx *wasmill.Context, _ *wasmill.Message) error {
		left = ctx
		return nil
	}
	if err := wasmilltest.New().Handle(handler, &wasmill.Message{Key: "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := left.State.Put("name", nil); !errors.Is(err, wasmill.ErrEnded) {
		t.Errorf("a call was let through: %v", err)
	}
	if left.Err() == nil {
		t.Error("the context is not done")
	}
}

func TestWithoutAKeyThereIsNoState(t *testing.T) {
	handler := func(ctx *wasmill.Context, _ *wasmill.Message) error {
		return ctx.State.Put("name", nil)
	}
	err := wasmilltest.New().Handle(handler, &wasmill.Message{})
	if !errors.Is(err, wasmill.ErrNoKey) {
		t.Error(err)
	}
}

func TestErrorsSayWhatBecomesOfTheMessage(t *testing.T) {
	minute := time.Minute
	for _, step := range []struct {
		err   error
		dead  bool
		delay *time.Duration
		cause string
	}{
		{errors.New("x"), false, nil, "x"},
		{wasmill.Retry("x"), false, nil, "x"},
		{wasmill.RetryAfter(minute, "x"), false, &minute, "x"},
		{wasmill.Reject("x"), true, nil, "x"},
		{fmt.Errorf("order 7: %w", wasmill.Reject("x")), true, nil, "order 7: x"},
		{&wasmill.LimitError{What: "body bytes", Limit: 4, Actual: 5}, false, nil,
			"over the limit of body bytes: 5 of 4"},
	} {
		failure := wasmill.FailureOf(step.err)
		same := failure.Delay == step.delay ||
			failure.Delay != nil && step.delay != nil && *failure.Delay == *step.delay
		if failure.Dead != step.dead || !same || failure.Cause != step.cause {
			t.Errorf("%v is told as %+v", step.err, failure)
		}
	}
}

func TestSettingsAreReadAsWhatTheyAre(t *testing.T) {
	host := wasmilltest.New()
	host.Config = map[string]string{"gold": "7", "quiet": "1500", "silver": "much"}
	handler := func(ctx *wasmill.Context, _ *wasmill.Message) error {
		gold, err := ctx.Config.Int64("gold", 1)
		if gold != 7 || err != nil {
			t.Error(gold, err)
		}
		quiet, err := ctx.Config.Millis("quiet", time.Hour)
		if quiet != 1500*time.Millisecond || err != nil {
			t.Error(quiet, err)
		}
		absent, err := ctx.Config.Millis("absent", time.Hour)
		if absent != time.Hour || err != nil {
			t.Error(absent, err)
		}
		_, err = ctx.Config.Int64("silver", 1)
		return err
	}
	err := host.Handle(handler, &wasmill.Message{})
	if err == nil || err.Error() != `the setting "silver" must be a whole number, and is "much"` {
		t.Error(err)
	}
}
