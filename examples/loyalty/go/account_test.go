package main

import (
	"strings"
	"testing"
)

func TestTiersFollowWhatIsSpent(t *testing.T) {
	tiers := tiers{silver: 50_000, gold: 200_000}
	account := newAccount()
	for _, step := range []struct {
		amount int64
		tier   string
	}{
		{49_999, bronze}, {1, silver}, {149_999, silver}, {1, gold},
	} {
		account.count(order{ID: "o", Amount: step.amount}, tiers)
		if account.Tier != step.tier {
			t.Errorf("after %d cents the tier is %s, not %s", account.Spent, account.Tier, step.tier)
		}
	}
	if account.Orders != 4 {
		t.Errorf("%d orders were counted, not 4", account.Orders)
	}
}

func TestWhatIsNoOrderIsRefusedByItsField(t *testing.T) {
	for body, field := range map[string]string{
		`{"amount": 1}`:                      "order_id",
		`{"order_id": 7, "amount": 1}`:       "order_id",
		`{"order_id": "o"}`:                  "amount",
		`{"order_id": "o", "amount": 0}`:     "amount",
		`{"order_id": "o", "amount": 1.5}`:   "amount",
		`{"order_id": "o", "amount": "ten"}`: "amount",
		`{`:                                  "body",
		``:                                   "body",
	} {
		if _, err := parseOrder([]byte(body)); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v does not name %s", body, err, field)
		}
	}
}
