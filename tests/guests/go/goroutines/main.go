// Package main is a plugin that tries what the scheduler and the collector do in an instance that is
// reused: goroutines that call the host, wait for timers, make garbage and grow their stacks, and
// one that outlives its message.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"time"

	"wasmill"
)

const (
	workers = 6
	// Timers are slow: the host's clock counts milliseconds. So only some messages wait for them.
	timersEvery     = 50
	collectionEvery = 500
	// Deep enough for a stack to be moved a few times.
	depth = 200
)

func init() {
	wasmill.Handle(handle)
}

func main() {}

// handled counts messages: the instance is reused.
var handled int

func handle(ctx *wasmill.Context, msg *wasmill.Message) error {
	handled++
	if err := askLeftBehind(); err != nil {
		return err
	}
	sum := crc32.ChecksumIEEE(msg.Body)
	done := make(chan error)
	for worker := range workers {
		go func() { done <- work(ctx, worker, msg.ID) }()
	}
	var failed error
	for range workers {
		failed = errors.Join(failed, <-done)
	}
	if crc32.ChecksumIEEE(msg.Body) != sum {
		failed = errors.Join(failed, errors.New("the body has changed"))
	}
	leaveBehind(ctx)
	return failed
}

// work writes an entry and reads it again, with garbage, waits and a deep stack in between.
func work(ctx *wasmill.Context, worker int, id string) error {
	name := fmt.Sprintf("worker-%d", worker)
	value := bytes.Repeat([]byte(id), 1+worker*worker*40)
	if err := descend(depth, func() error { return ctx.State.Put(name, value) }); err != nil {
		return err
	}
	garbage := make([][]byte, 0, 16)
	for size := range 16 {
		garbage = append(garbage, make([]byte, size<<worker))
		runtime.Gosched()
	}
	if handled%timersEvery == 0 {
		if err := wait(ctx, worker); err != nil {
			return err
		}
	}
	if handled%collectionEvery == 0 && worker == 0 {
		runtime.GC()
	}
	runtime.KeepAlive(garbage)
	return descend(depth, func() error {
		found, _, err := ctx.State.Get(name)
		if err == nil && !bytes.Equal(found, value) {
			err = fmt.Errorf("%s has other bytes than were written", name)
		}
		return err
	})
}

// descend calls function at the end of a deep stack.
func descend(depth int, function func() error) error {
	var room [64]byte
	if depth == 0 {
		return function()
	}
	room[depth%len(room)] = 1
	err := descend(depth-1, function)
	runtime.KeepAlive(room)
	return err
}

// wait waits for timers of several kinds.
func wait(ctx *wasmill.Context, worker int) error {
	time.Sleep(time.Duration(worker) * 50 * time.Microsecond)
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	select {
	case <-short.Done():
		return nil
	case <-time.After(time.Minute):
		return errors.New("the shorter of two timers did not fire")
	}
}

// A goroutine of the last message, which is asked during this one.
var ask, answer chan error

// leaveBehind starts a goroutine that calls the host when its message is long over.
func leaveBehind(ctx *wasmill.Context) {
	mine, yours := make(chan error), make(chan error)
	ask, answer = mine, yours
	go func() {
		<-mine
		_, _, err := ctx.State.Get("worker-0")
		yours <- err
	}()
}

func askLeftBehind() error {
	if ask == nil {
		return nil
	}
	close(ask)
	if err := <-answer; !errors.Is(err, wasmill.ErrEnded) {
		return fmt.Errorf("a goroutine of an old message acts in this one: %v", err)
	}
	return nil
}
