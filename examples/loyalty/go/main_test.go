package main

import (
	"strings"
	"testing"
	"time"

	"wasmill"
	"wasmill/wasmilltest"
)

func TestAUserRisesWithWhatIsSpentAndFallsInAQuietYear(t *testing.T) {
	host := wasmilltest.New()
	paid := func(body string) {
		t.Helper()
		message := &wasmill.Message{Topic: "order.paid", Key: "ann", Body: []byte(body)}
		if err := host.Handle(handle, message); err != nil {
			t.Fatal(err)
		}
	}
	paid(`{"order_id": "o-1", "amount": 50000}`)
	paid(`{"order_id": "o-1", "amount": 50000}`) // The same again counts once.
	if got := string(host.State("ann")["account"]); got != `{"spent":50000,"orders":1,"tier":"silver"}` {
		t.Errorf("the account is %s", got)
	}
	quiet := host.Timers("ann")["quiet"]
	if quiet.Due != host.Now.Add(365*24*time.Hour) {
		t.Errorf("the timer is due at %s", quiet.Due)
	}
	if err := host.Advance(handle, 365*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if len(host.State("ann")) != 0 {
		t.Error("the account is still there")
	}
	told := []string{
		`{"user":"ann","from":"bronze","to":"silver","spent":50000}`,
		`{"user":"ann","from":"silver","to":"bronze","spent":0}`,
	}
	if len(host.Sent) != len(told) {
		t.Fatalf("%d messages were sent, not %d: %+v", len(host.Sent), len(told), host.Sent)
	}
	for i, message := range host.Sent {
		if message.Topic != "loyalty.tier" || message.Key != "ann" || string(message.Body) != told[i] {
			t.Errorf("message %d is %+v", i, message)
		}
	}
}

func TestWhatIsNoOrderIsRejectedByItsField(t *testing.T) {
	for body, field := range map[string]string{
		`{"amount": 1}`:                                     "`order_id`",
		`{"order_id": "", "amount": 1}`:                     "`order_id`",
		`{"order_id": 7, "amount": 1}`:                      "`order_id`",
		`{"order_id": "o"}`:                                 "`amount`",
		`{"order_id": "o", "amount": 0}`:                    "`amount`",
		`{"order_id": "o", "amount": 1.5}`:                  "`amount`",
		`{"order_id": "o", "amount": "ten"}`:                "`amount`",
		`{"order_id": "o", "amount": 9007199254740992}`:     "`amount`",
		`{"order_id": "o", "amount": 10000000000000000000}`: "`amount`",
		`{`: "body",
		``:  "body",
	} {
		message := &wasmill.Message{Topic: "order.paid", Key: "ann", Body: []byte(body)}
		failure := wasmill.FailureOf(wasmilltest.New().Handle(handle, message))
		if !failure.Dead || !strings.Contains(failure.Cause, field) {
			t.Errorf("%s: %+v does not name %s", body, failure, field)
		}
	}
}

func TestASettingThatIsWrongIsToldAndTheOrderTriedAgain(t *testing.T) {
	for _, quiet := range []string{"-5", "0", "1.5", "soon"} {
		host := wasmilltest.New()
		host.Config["quiet"] = quiet
		body := []byte(`{"order_id": "o", "amount": 1}`)
		err := host.Handle(handle, &wasmill.Message{Topic: "order.paid", Key: "ann", Body: body})
		if err == nil || wasmill.FailureOf(err).Dead || !strings.Contains(err.Error(), "quiet") {
			t.Errorf("%s: %v", quiet, err)
		}
	}
}
