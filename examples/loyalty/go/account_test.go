package main

import "testing"

func TestTiersFollowWhatIsSpent(t *testing.T) {
	tiers := tiers{silver: 50_000, gold: 200_000}
	account := newAccount()
	for _, step := range []struct {
		amount int64
		tier   string
	}{
		{49_999, bronze}, {1, silver}, {149_999, silver}, {1, gold},
	} {
		if err := account.count(order{ID: "o", Amount: step.amount}, tiers); err != nil {
			t.Fatal(err)
		}
		if account.Tier != step.tier {
			t.Errorf("after %d cents the tier is %s, not %s", account.Spent, account.Tier, step.tier)
		}
	}
	if account.Orders != 4 {
		t.Errorf("%d orders were counted, not 4", account.Orders)
	}
}

func TestASumThatIsTooLargeIsNotCounted(t *testing.T) {
	account := account{Spent: centsMax - 1, Tier: gold}
	if err := account.count(order{ID: "o", Amount: 2}, tiers{}); err == nil || account.Orders != 0 {
		t.Errorf("%+v: %v", account, err)
	}
	if err := account.count(order{ID: "o", Amount: 1}, tiers{}); err != nil {
		t.Error(err)
	}
}
