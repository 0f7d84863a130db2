package tests

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"wasmill"
	"wasmill/checker"
	"wasmill/gate"
	"wasmill/query"
	"wasmill/wasmilltest"
)

// wrong is a text that is not UTF-8: a string of the contract that holds it would trap.
const wrong = "a\xff"

// handled has a host in memory handle a message of key ann.
func handled(t *testing.T, handler wasmill.Handler) *wasmilltest.Host {
	t.Helper()
	host := wasmilltest.New()
	if err := host.Handle(handler, &wasmill.Message{Topic: "in", Key: "ann"}); err != nil {
		t.Fatal(err)
	}
	return host
}

func TestWhatTheHostActsByIsRefusedIfItIsNotUTF8(t *testing.T) {
	handled(t, func(ctx *wasmill.Context, _ *wasmill.Message) error {
		send := func(message wasmill.Outgoing) error {
			_, err := ctx.Queue.Send(message)
			_, many := ctx.Queue.SendMany([]wasmill.Outgoing{{Topic: "out"}, message})
			_, prepared := ctx.Transaction.Prepare("half", message)
			if err == nil || many == nil || prepared == nil {
				t.Errorf("%+v is taken by one of them: %v, %v, %v", message, err, many, prepared)
			}
			return err
		}
		second := func(_ any, err error) error { return err }
		third := func(_, _ any, err error) error { return err }
		alarm := wasmill.Alarm{Topic: "ring"}
		for call, err := range map[string]error{
			"topic":             send(wasmill.Outgoing{Topic: wrong}),
			"key":               send(wasmill.Outgoing{Topic: "out", Key: wrong}),
			"tag":               send(wasmill.Outgoing{Topic: "out", Tag: wrong}),
			"name of a header":  send(wasmill.Outgoing{Headers: map[string]string{wrong: "x"}}),
			"value of a header": send(wasmill.Outgoing{Headers: map[string]string{"x": wrong}}),
			"recall":            second(ctx.Queue.Recall(wrong)),
			"timer":             ctx.Timer.Set(wrong, wasmill.Now(), alarm),
			"alarm":             ctx.Timer.Set("t", wasmill.Now(), wasmill.Alarm{Topic: wrong}),
			"cancel":            second(ctx.Timer.Cancel(wrong)),
			"reschedule":        second(ctx.Timer.Reschedule(wrong, wasmill.Now())),
			"prepare":           second(ctx.Transaction.Prepare(wrong, wasmill.Outgoing{})),
			"commit":            second(ctx.Transaction.Commit(wrong)),
			"roll back":         second(ctx.Transaction.RollBack(wrong)),
			"claim":             second(ctx.Dedup.Claim(wrong, time.Hour)),
			"get":               third(ctx.State.Get(wrong)),
			"put":               ctx.State.Put(wrong, nil),
			"delete":            ctx.State.Delete(wrong),
			"prefix":            second(ctx.State.Scan(wrong, "", 1)),
			"after":             second(ctx.State.Scan("", wrong, 1)),
		} {
			if of := (*wasmill.InvalidError)(nil); !errors.As(err, &of) {
				t.Errorf("%s: %v", call, err)
			}
		}
		if _, found := ctx.Config.Get(wrong); found {
			t.Error("a setting has a name that is not UTF-8")
		}
		return nil
	})
}

func TestWhatPeopleReadIsMadeUTF8(t *testing.T) {
	const mended = "a\uFFFD"
	host := handled(t, func(ctx *wasmill.Context, _ *wasmill.Message) error {
		ctx.Log.Trace("%s", wrong)
		_, err := ctx.Transaction.Prepare("half", wasmill.Outgoing{Topic: "out"})
		return err
	})
	if line := (wasmilltest.Line{Level: wasmill.LevelTrace, Text: mended}); host.Lines[0] != line {
		t.Errorf("the line is %+v", host.Lines[0])
	}
	refuse := func(*wasmill.Context, *wasmill.Request) (*gate.Accepted, error) {
		return nil, &gate.Problem{Status: 400, Title: wrong, Detail: wrong, Field: wrong}
	}
	_, problem := host.Admit(refuse, &wasmill.Request{})
	if *problem != (gate.Problem{Status: 400, Title: mended, Detail: mended, Field: mended}) {
		t.Errorf("the problem is %+v", problem)
	}
	letIn := func(*wasmill.Context, *wasmill.Request) (*gate.Accepted, error) {
		return &gate.Accepted{Key: wrong}, nil
	}
	if _, problem = host.Admit(letIn, &wasmill.Request{}); problem == nil || problem.Status != 400 {
		t.Errorf("a key that is not UTF-8 is let in: %+v", problem)
	}
	answer := func(*wasmill.Context, string, *wasmill.Request) *query.Response {
		return &query.Response{Status: 200, Headers: map[string]string{"x": wrong}}
	}
	if headers := host.Answer(answer, "ann", &wasmill.Request{}).Headers; headers["x"] != mended {
		t.Errorf("the headers are %v", headers)
	}
	check := func(*wasmill.Context, *checker.Half) checker.Verdict { return checker.Unknown(wrong) }
	if verdict, _ := host.Check(check, "ann", "half"); verdict != checker.Unknown(mended) {
		t.Errorf("the verdict is %+v", verdict)
	}
}

func TestASpanBelowZeroIsNeverNow(t *testing.T) {
	handled(t, func(ctx *wasmill.Context, _ *wasmill.Message) error {
		past := wasmill.After(-time.Second)
		_, claimed := ctx.Dedup.Claim("id", -time.Second)
		_, moved := ctx.Timer.Reschedule("t", past)
		_, sent := ctx.Queue.Send(wasmill.Outgoing{Topic: "out", When: past})
		_, none := ctx.Queue.Send(wasmill.Outgoing{Topic: "out", When: wasmill.AtLevel(0)})
		_, level := ctx.Queue.Send(wasmill.Outgoing{Topic: "out", When: wasmill.AtLevel(99)})
		set := ctx.Timer.Set("t", past, wasmill.Alarm{Topic: "ring"})
		for _, err := range []error{claimed, moved, sent, none, level, set} {
			if of := (*wasmill.InvalidError)(nil); !errors.As(err, &of) {
				t.Errorf("it is let through: %v", err)
			}
		}
		return nil
	})
	failure := wasmill.FailureOf(wasmill.RetryAfter(-time.Second, "later"))
	if failure.Delay != nil || failure.Cause != "later (and the delay -1s is below zero)" {
		t.Errorf("%+v", failure)
	}
}

func TestMillisecondsOutsideOfADurationAreAnError(t *testing.T) {
	host := wasmilltest.New()
	for text, expected := range map[string]time.Duration{
		"0":              0,
		"1500":           1500 * time.Millisecond,
		"9223372036854":  math.MaxInt64 / time.Millisecond * time.Millisecond,
		"9223372036855":  -1,
		"10000000000000": -1,
		"-1":             -1,
		"1.5":            -1,
	} {
		host.Config["quiet"] = text
		var span time.Duration
		err := host.Handle(func(ctx *wasmill.Context, _ *wasmill.Message) (err error) {
			span, err = ctx.Config.Millis("quiet", time.Hour)
			return err
		}, &wasmill.Message{})
		if expected < 0 && (err == nil || !strings.Contains(err.Error(), `"quiet"`)) {
			t.Errorf("%s is %s, and no error that names the setting: %v", text, span, err)
		}
		if expected >= 0 && (err != nil || span != expected) {
			t.Errorf("%s is %s: %v", text, span, err)
		}
	}
}

func TestABodyThatCannotBeReadIsRejectedByItsField(t *testing.T) {
	type order struct {
		ID    string `json:"id"`
		Items []struct {
			Count int `json:"count"`
		} `json:"items"`
	}
	for body, cause := range map[string]string{
		`{"id": 7}`:                      "body of `t`: `id`: number where a string is needed",
		`{"items": [{"count": "many"}]}`: "body of `t`: `items.count`: string where a whole number that fits int is needed",
		`[]`:                             "body of `t`: array where an object is needed",
		`{`:                              "body of `t`: unexpected end of JSON input",
	} {
		message := &wasmill.Message{Topic: "t", Body: []byte(body)}
		failure := wasmill.FailureOf(message.JSON(&order{}))
		if !failure.Dead || failure.Cause != cause {
			t.Errorf("%s: %+v", body, failure)
		}
	}
	good := &wasmill.Message{Body: []byte(`{"id": "o"}`)}
	if err := good.JSON(&order{}); err != nil {
		t.Error(err)
	}
	// A fault of the plugin is no fault of the message.
	if failure := wasmill.FailureOf(good.JSON(order{})); failure.Dead {
		t.Errorf("%+v", failure)
	}
}

func TestAStateThatCannotBeReadHasAnErrorOfItsOwn(t *testing.T) {
	host := wasmilltest.New()
	host.SetState("ann", "account", []byte(`{`))
	err := host.Handle(func(ctx *wasmill.Context, _ *wasmill.Message) error {
		_, err := ctx.State.GetJSON("account", &struct{}{})
		return err
	}, &wasmill.Message{Key: "ann"})
	state, syntax := (*wasmill.StateError)(nil), (*json.SyntaxError)(nil)
	if !errors.As(err, &state) || state.Name != "account" || !errors.As(err, &syntax) {
		t.Errorf("%T: %v", err, err)
	}
}

func TestAMessageThatNeedsAKeyIsRejectedWithoutOne(t *testing.T) {
	message := &wasmill.Message{Topic: "order.paid", Subscription: "points"}
	failure := wasmill.FailureOf(message.NeedKey())
	if !failure.Dead || !strings.Contains(failure.Cause, "key") {
		t.Errorf("%+v", failure)
	}
	message.Key = "ann"
	if err := message.NeedKey(); err != nil {
		t.Error(err)
	}
}

func TestValuesOfAQueryStringAreFoundByName(t *testing.T) {
	request := &wasmill.Request{Query: []wasmill.Pair{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}}
	if request.QueryValue("a") != "1" || request.QueryValue("b") != "" {
		t.Errorf("%q, %q", request.QueryValue("a"), request.QueryValue("b"))
	}
}
