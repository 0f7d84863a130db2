package main

import (
	"encoding/json"
	"errors"
)

const (
	bronze = "bronze"
	silver = "silver"
	gold   = "gold"
)

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

func parseOrder(body []byte) (order order, err error) {
	if err := json.Unmarshal(body, &order); err != nil {
		if of := (*json.UnmarshalTypeError)(nil); errors.As(err, &of) && of.Field != "" {
			return order, errors.New("`" + of.Field + "` cannot be a " + of.Value)
		}
		return order, errors.New("the body is not JSON: " + err.Error())
	}
	switch {
	case order.ID == "":
		return order, errors.New("`order_id` must be a text that is not empty")
	case order.Amount <= 0:
		return order, errors.New("`amount` must be a whole number of cents above zero")
	}
	return order, nil
}

func newAccount() account {
	return account{Tier: bronze}
}

// count adds an order.
func (a *account) count(order order, tiers tiers) {
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
}
