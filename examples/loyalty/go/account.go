package main

import (
	"fmt"

	"wasmill"
)

const (
	bronze = "bronze"
	silver = "silver"
	gold   = "gold"
)

// centsMax is the largest whole number that readers of JSON agree on, in any language.
const centsMax = 1<<53 - 1

// order is what a message of order.paid says. Amounts are in cents.
type order struct {
	ID     string `json:"order_id"`
	Amount int64  `json:"amount"`
}

// account is what the plugin keeps of a user.
type account struct {
	Spent  int64  `json:"spent"`
	Orders int64  `json:"orders"`
	Tier   string `json:"tier"`
}

// change is told to others.
type change struct {
	User  string `json:"user"`
	From  string `json:"from"`
	To    string `json:"to"`
	Spent int64  `json:"spent"`
}

// check rejects what is no order.
func (o order) check() error {
	switch {
	case o.ID == "":
		return wasmill.Reject("`order_id` must be a text that is not empty")
	case o.Amount < 1 || o.Amount > centsMax:
		return wasmill.Reject(fmt.Sprintf("`amount` must be from 1 to %d cents", int64(centsMax)))
	default:
		return nil
	}
}

func newAccount() account {
	return account{Tier: bronze}
}

// count adds an order, unless the sum is too large.
func (a *account) count(order order, tiers tiers) error {
	if order.Amount > centsMax-a.Spent {
		return wasmill.Reject(fmt.Sprintf("`amount` takes what is spent above %d cents", int64(centsMax)))
	}
	a.Spent += order.Amount
	a.Orders++
	switch {
	case a.Spent >= tiers.gold:
		a.Tier = gold
	case a.Spent >= tiers.silver:
		a.Tier = silver
	default:
		a.Tier = bronze
	}
	return nil
}
