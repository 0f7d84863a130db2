// Package main is a plugin: it counts what each user spends, and tells when their tier changes.
package main

import (
	"errors"
	"fmt"
	"time"

	"wasmill"
)

func init() {
	wasmill.Handle(handle)
}

// main never runs: the host calls the handler.
func main() {}

func handle(ctx *wasmill.Context, msg *wasmill.Message) error {
	switch msg.Topic {
	case "order.paid":
		return paid(ctx, msg)
	case "loyalty.quiet":
		return quiet(ctx, msg)
	default:
		return wasmill.Reject(fmt.Sprintf("the topic %q is not one of this plugin", msg.Topic))
	}
}

// paid counts an order, once.
func paid(ctx *wasmill.Context, msg *wasmill.Message) error {
	if err := msg.NeedKey(); err != nil {
		return err
	}
	var order order
	if err := msg.JSON(&order); err != nil {
		return err
	}
	if err := order.check(); err != nil {
		return err
	}
	tiers, err := readTiers(ctx.Config)
	if err != nil {
		return err
	}
	first, err := ctx.Dedup.Claim(order.ID, 24*time.Hour)
	if err != nil || !first {
		return err
	}

	account := newAccount()
	if _, err := ctx.State.GetJSON("account", &account); err != nil {
		return err
	}
	before := account.Tier
	if err := account.count(order, tiers); err != nil {
		return err
	}
	if err := ctx.State.PutJSON("account", account); err != nil {
		return err
	}
	if account.Tier != before {
		if err := tell(ctx, change{msg.Key, before, account.Tier, account.Spent}); err != nil {
			return err
		}
	}
	return ctx.Timer.Set("quiet", wasmill.After(tiers.quiet), wasmill.Alarm{Topic: "loyalty.quiet"})
}

// quiet forgets a user who has not ordered for long.
func quiet(ctx *wasmill.Context, msg *wasmill.Message) error {
	account := newAccount()
	found, err := ctx.State.GetJSON("account", &account)
	if err != nil {
		return err
	}
	if found && account.Tier != bronze {
		if err := tell(ctx, change{msg.Key, account.Tier, bronze, 0}); err != nil {
			return err
		}
	}
	return ctx.State.Delete("account")
}

func tell(ctx *wasmill.Context, change change) error {
	ctx.Log.Info("%s goes from %s to %s", change.User, change.From, change.To)
	_, err := ctx.Queue.SendJSON(wasmill.Outgoing{Topic: "loyalty.tier", Key: change.User}, change)
	return err
}

// tiers are what the operator sets.
type tiers struct {
	silver, gold int64
	quiet        time.Duration
}

func readTiers(config wasmill.Config) (tiers tiers, err error) {
	if tiers.silver, err = config.Int64("silver", 50_000); err != nil {
		return tiers, err
	}
	if tiers.gold, err = config.Int64("gold", 200_000); err != nil {
		return tiers, err
	}
	tiers.quiet, err = config.Millis("quiet", 365*24*time.Hour)
	if err == nil && tiers.quiet == 0 {
		err = errors.New("the setting `quiet` must be at least 1 millisecond")
	}
	return tiers, err
}
