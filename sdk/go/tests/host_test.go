package tests

import (
	"errors"
	"strings"
	"testing"
	"time"

	"wasmill"
	"wasmill/checker"
	"wasmill/gate"
	"wasmill/query"
	"wasmill/wasmilltest"
)

func TestEachMessageHasAnIDOfItsOwnAndATime(t *testing.T) {
	host := wasmilltest.New()
	seen := map[string]bool{}
	handler := func(ctx *wasmill.Context, msg *wasmill.Message) error {
		seen[msg.ID] = true
		for _, when := range []wasmill.Delivery{wasmill.Now(), wasmill.AtLevel(3)} {
			id, err := ctx.Queue.Send(wasmill.Outgoing{Topic: "out", When: when})
			if err != nil {
				return err
			}
			seen[id] = true
		}
		return nil
	}
	for range 2 {
		if err := host.Handle(handler, &wasmill.Message{Topic: "in"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 6 || len(host.Sent) != 4 {
		t.Fatalf("ids %v of %+v", seen, host.Sent)
	}
	for at, due := range []time.Time{{}, host.Now.Add(10 * time.Second)} {
		if sent := host.Sent[at]; !sent.Due.Equal(due) || !seen[sent.ID] {
			t.Errorf("message %d is %+v", at, sent)
		}
	}
}

func TestADelayedMessageIsRecalledByTheKeyThatSentIt(t *testing.T) {
	host := wasmilltest.New()
	var now, later string
	as := func(key string, handler wasmill.Handler) {
		t.Helper()
		if err := host.Handle(handler, &wasmill.Message{Topic: "in", Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	recalls := func(id string, expected bool) wasmill.Handler {
		return func(ctx *wasmill.Context, _ *wasmill.Message) error {
			found, err := ctx.Queue.Recall(id)
			if found != expected {
				t.Errorf("%s is recalled: %t", id, found)
			}
			return err
		}
	}
	as("ann", func(ctx *wasmill.Context, _ *wasmill.Message) (err error) {
		if now, err = ctx.Queue.Send(wasmill.Outgoing{Topic: "now"}); err != nil {
			return err
		}
		later, err = ctx.Queue.Send(wasmill.Outgoing{Topic: "later", When: wasmill.After(time.Hour)})
		return err
	})
	as("bob", recalls(later, false))
	as("ann", recalls(now, false))
	before := host.Sent
	as("ann", recalls(later, true))
	as("ann", recalls(later, false))
	if len(host.Sent) != 1 || host.Sent[0].Topic != "now" || before[1].Topic != "later" {
		t.Errorf("%+v is left of %+v", host.Sent, before)
	}
	var invalid *wasmill.InvalidError
	err := host.Handle(func(ctx *wasmill.Context, _ *wasmill.Message) error {
		if _, err := ctx.Queue.Recall("7"); !errors.As(err, &invalid) {
			t.Error(err)
		}
		_, err := ctx.Queue.Recall(later)
		return err
	}, &wasmill.Message{})
	if !errors.Is(err, wasmill.ErrNoKey) {
		t.Error(err)
	}
}

func TestTimersRingInTheirOrderAndAtTheirTimes(t *testing.T) {
	host := wasmilltest.New()
	begin := host.Now
	var rang []string
	ring := func(topic string) wasmill.Alarm { return wasmill.Alarm{Topic: topic} }
	handler := func(ctx *wasmill.Context, msg *wasmill.Message) error {
		rang = append(rang, msg.Topic+" "+host.Now.Sub(begin).String())
		switch msg.Topic {
		case "begin":
			if err := ctx.Timer.Set("b", wasmill.After(2*time.Minute), ring("second")); err != nil {
				return err
			}
			return ctx.Timer.Set("a", wasmill.After(time.Minute), ring("first"))
		case "first": // In place of itself, and once more in the same span.
			return ctx.Timer.Set("a", wasmill.After(30*time.Second), ring("again"))
		case "second":
			return errors.New("not now")
		default:
			return nil
		}
	}
	if err := host.Handle(handler, &wasmill.Message{Topic: "begin", Key: "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := host.Advance(handler, time.Hour); err == nil {
		t.Error("a timer that failed is no error")
	}
	if told := strings.Join(rang, ", "); told != "begin 0s, first 1m0s, again 1m30s, second 2m0s" {
		t.Error(told)
	}
	if timers := host.Timers("ann"); len(timers) != 1 || timers["b"].Topic != "second" {
		t.Errorf("pending are %v", timers)
	}
	quiet := func(*wasmill.Context, *wasmill.Message) error { return nil }
	if err := host.Advance(quiet, time.Hour); err != nil || len(host.Timers("ann")) != 0 {
		t.Errorf("%v, %v", err, host.Timers("ann"))
	}
	loops := func(ctx *wasmill.Context, _ *wasmill.Message) error {
		return ctx.Timer.Set("loop", wasmill.Now(), ring("loop"))
	}
	if err := host.Handle(loops, &wasmill.Message{Key: "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := host.Advance(loops, 0); err == nil {
		t.Error("a timer that sets itself to now rings for ever")
	}
}

func TestAHalfMessageOutlivesItsHandlerAndIsDeliveredOnceDecided(t *testing.T) {
	prepare := func(ctx *wasmill.Context, _ *wasmill.Message) error {
		if _, err := ctx.Transaction.Prepare("h", wasmill.Outgoing{Topic: "done"}); err != nil {
			return err
		}
		return errors.New("killed")
	}
	var stands [3]wasmill.HalfState
	settle := func(ctx *wasmill.Context, _ *wasmill.Message) (err error) {
		if stands[0], err = ctx.Transaction.Prepare("h", wasmill.Outgoing{Topic: "other"}); err != nil {
			return err
		}
		if stands[1], err = ctx.Transaction.Commit("h"); err != nil {
			return err
		}
		stands[2], err = ctx.Transaction.RollBack("h")
		return err
	}
	message := &wasmill.Message{Topic: "in", Key: "ann"}
	for verdict, expected := range map[checker.Verdict][3]wasmill.HalfState{
		checker.Unknown("?"): {wasmill.Prepared, wasmill.Committed, wasmill.Committed},
		checker.Commit():     {wasmill.Committed, wasmill.Committed, wasmill.Committed},
		checker.RollBack():   {wasmill.RolledBack, wasmill.RolledBack, wasmill.RolledBack},
	} {
		host := wasmilltest.New()
		if err := host.Handle(prepare, message); err == nil {
			t.Fatal("it did not fail")
		}
		checks := 0
		check := func(_ *wasmill.Context, half *checker.Half) checker.Verdict {
			checks = half.Checks
			return verdict
		}
		for range 2 {
			if said, asked := host.Check(check, "ann", "h"); asked && said != verdict {
				t.Errorf("%v instead of %v", said, verdict)
			}
		}
		if verdict == checker.Unknown("?") && checks != 1 {
			t.Errorf("asked after %d checks", checks)
		}
		if err := host.Handle(settle, message); err != nil || stands != expected {
			t.Errorf("%v: %v stands: %v", verdict, stands, err)
		}
		delivered := len(host.Sent) == 1 && host.Sent[0].Topic == "done"
		if _, left := host.Half("ann", "h"); left || delivered == (verdict == checker.RollBack()) {
			t.Errorf("%v: %+v was sent, and the half is there: %t", verdict, host.Sent, left)
		}
	}
	host := wasmilltest.New()
	commit := func(ctx *wasmill.Context, _ *wasmill.Message) (err error) {
		stands[0], err = ctx.Transaction.Commit("h")
		return err
	}
	if err := host.Handle(commit, message); err == nil || !strings.Contains(err.Error(), "prepare it first") {
		t.Error(err)
	}
	if err := host.Handle(prepare, message); err == nil {
		t.Fatal("it did not fail")
	}
	host.Check(func(*wasmill.Context, *checker.Half) checker.Verdict {
		return checker.RollBack()
	}, "ann", "h")
	if err := host.Handle(commit, message); err != nil || stands[0] != wasmill.RolledBack {
		t.Errorf("%v stands: %v", stands[0], err)
	}
}

func TestEachRoleMayDoWhatTheContractLetsIt(t *testing.T) {
	refused := func(err error, role string) {
		t.Helper()
		if of := (*wasmill.InvalidError)(nil); !errors.As(err, &of) || !strings.Contains(of.Reason, role) {
			t.Errorf("%s: %v", role, err)
		}
	}
	host := wasmilltest.New()
	host.Config["limit"] = "7"
	host.SetState("ann", "seen", []byte("1"))
	host.Admit(func(ctx *wasmill.Context, _ *wasmill.Request) (*gate.Accepted, error) {
		_, _, err := ctx.State.Get("seen")
		refused(err, "gate.admit")
		if limit, err := ctx.Config.Int64("limit", 1); limit != 7 || err != nil {
			t.Error(limit, err)
		}
		return &gate.Accepted{}, nil
	}, &wasmill.Request{})
	host.Answer(func(ctx *wasmill.Context, key string, _ *wasmill.Request) *query.Response {
		if value, found, err := ctx.State.Get("seen"); !found || string(value) != "1" || err != nil {
			t.Errorf("%s has %s: %v", key, value, err)
		}
		refused(ctx.State.Put("seen", nil), "query.answer")
		return query.JSON(200, nil)
	}, "ann", &wasmill.Request{})
	err := host.Migrate(func(ctx *wasmill.Context, from int) error {
		_, err := ctx.Queue.Send(wasmill.Outgoing{Topic: "out"})
		refused(err, "migration.migrate")
		if err := ctx.State.Delete("seen"); err != nil {
			return err
		}
		return ctx.State.PutJSON("total", from)
	}, "ann", 1)
	state := host.State("ann")
	if err != nil || len(state) != 1 || string(state["total"]) != "1" {
		t.Errorf("%v: %s", err, state)
	}
}

func TestTheContractsBoundsHold(t *testing.T) {
	host := wasmilltest.New()
	host.Topics = []string{"out"}
	headers := map[string]string{"x": strings.Repeat("y", 16<<10)}
	long := strings.Repeat("x", 257)
	send := func(message wasmill.Outgoing) wasmill.Handler {
		return func(ctx *wasmill.Context, _ *wasmill.Message) error {
			_, err := ctx.Queue.Send(message)
			return err
		}
	}
	put := func(name string, bytes int) wasmill.Handler {
		return func(ctx *wasmill.Context, _ *wasmill.Message) error {
			return ctx.State.Put(name, make([]byte, bytes))
		}
	}
	flood := func(ctx *wasmill.Context, _ *wasmill.Message) error {
		_, err := ctx.Queue.SendMany(make([]wasmill.Outgoing, 0))
		for err == nil {
			_, err = ctx.Queue.Send(wasmill.Outgoing{Topic: "out"})
		}
		return err
	}
	for words, handler := range map[string]wasmill.Handler{
		`the topic "in" is not declared`:                       send(wasmill.Outgoing{Topic: "in"}),
		"key bytes: 257 of 256":                                send(wasmill.Outgoing{Topic: "out", Key: long}),
		"tag bytes: 257 of 127":                                send(wasmill.Outgoing{Topic: "out", Tag: long}),
		"header bytes: 16385 of 16384":                         send(wasmill.Outgoing{Topic: "out", Headers: headers}),
		"body bytes: 4194305 of 4194304":                       send(wasmill.Outgoing{Topic: "out", Body: make([]byte, 4<<20+1)}),
		"name bytes: 257 of 256":                               put(long, 0),
		"a name has 1 to 256 bytes and no NUL, this one is \"": put("", 0),
		`this one is "a\x00b"`:                                 put("a\x00b", 0),
		"state value bytes: 1048577 of 1048576":                put("a", 1<<20+1),
		"sends per call: 1001 of 1000":                         flood,
	} {
		err := host.Handle(handler, &wasmill.Message{Topic: "in", Key: "ann"})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v instead of %s", err, words)
		}
	}
	if len(host.Sent) != 0 || len(host.State("ann")) != 0 {
		t.Errorf("%v, %v", host.Sent, host.State("ann"))
	}
}
