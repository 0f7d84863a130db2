package main

import (
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
	if err := host.Handle(handle, &wasmill.Message{Topic: quiet.Topic, Key: "ann"}); err != nil {
		t.Fatal(err)
	}
	if len(host.State("ann")) != 0 {
		t.Error("the account is still there")
	}
	told := []string{
		`{"user":"ann","from":"bronze","to":"silver","spent":50000}`,
		`{"user":"ann","from":"silver","to":"bronze","spent":0}`,
	}
	for i, message := range host.Sent {
		if message.Topic != "loyalty.tier" || message.Key != "ann" || string(message.Body) != told[i] {
			t.Errorf("message %d is %+v", i, message)
		}
	}
}
