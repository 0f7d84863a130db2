package wasmilltest

import (
	"maps"
	"slices"
	"time"

	"wasmill"
	"wasmill/checker"
)

// half is a half message: durable when it is prepared, settled with the handler's commit.
type half struct {
	message    wasmill.Outgoing
	state      wasmill.HalfState
	id         string
	preparedAt time.Time
	checks     int
}

func (c *call) Prepare(name string, message wasmill.Outgoing) (wasmill.HalfState, error) {
	err := first(c.activity.check("transaction.prepare"), checkName(name), c.keyed())
	if err != nil {
		return wasmill.Prepared, err
	}
	if _, settled := c.settled[name]; settled {
		return wasmill.Prepared,
			invalid("half message `%s` was settled in this call: take another name", name)
	}
	if half, there := c.scope.halves[name]; there {
		if half.state != wasmill.Prepared {
			c.settled[name] = half.state
		}
		return half.state, nil
	}
	if err := c.countMessage(message); err != nil {
		return wasmill.Prepared, err
	}
	message.Body, message.Headers = slices.Clone(message.Body), maps.Clone(message.Headers)
	made := half{message: message, id: c.host.nextID(), preparedAt: c.host.Now}
	c.scope.halves[name] = made
	// Whatever becomes of the handler.
	c.host.setHalf(c.key, name, made)
	return wasmill.Prepared, nil
}

func (c *call) Commit(name string) (wasmill.HalfState, error) {
	return c.settle("transaction.commit", name, wasmill.Committed)
}

func (c *call) RollBack(name string) (wasmill.HalfState, error) {
	return c.settle("transaction.rollback", name, wasmill.RolledBack)
}

// settle returns the decision that stands.
func (c *call) settle(
	function, name string, decision wasmill.HalfState,
) (wasmill.HalfState, error) {
	err := first(c.activity.check(function), checkName(name), c.keyed())
	if err != nil {
		return wasmill.Prepared, err
	}
	if stands, settled := c.settled[name]; settled {
		return stands, nil
	}
	half, there := c.scope.halves[name]
	if !there {
		return wasmill.Prepared,
			invalid("there is no half message `%s` under this key: prepare it first", name)
	}
	if half.state != wasmill.Prepared {
		decision = half.state
	}
	c.settled[name] = decision
	return decision, nil
}

// Check asks check about a half message that is not settled, as the platform does by itself, and does
// as it says. There is nothing to ask about, and asked is false, if there is no such half message.
func (h *Host) Check(
	check checker.Checker, key, name string,
) (verdict checker.Verdict, asked bool) {
	half, there := h.scopes[key].halves[name]
	if !there || half.state != wasmill.Prepared {
		return verdict, false
	}
	ctx, cancel := h.context(h.begin(checking, ""))
	defer cancel()
	verdict = check(ctx, &checker.Half{
		ID:         half.id,
		Name:       name,
		ScopeKey:   key,
		PreparedAt: half.preparedAt,
		Checks:     half.checks,
		Topic:      half.message.Topic,
		Key:        half.message.Key,
		Tag:        half.message.Tag,
		Headers:    maps.Clone(half.message.Headers),
		Body:       slices.Clone(half.message.Body),
	})
	switch verdict {
	case checker.Commit():
		half.state = wasmill.Committed
		h.deliver(half)
	case checker.RollBack():
		half.state = wasmill.RolledBack
	default:
		half.checks++
	}
	h.setHalf(key, name, half)
	return verdict, true
}

func (h *Host) setHalf(key, name string, half half) {
	scope := h.scopes[key].copied()
	scope.halves[name] = half
	h.scopes[key] = scope
}

// deliver shows the message of a half that is committed among those that are sent.
func (h *Host) deliver(half half) {
	h.Sent = append(h.Sent, h.message(half.message, half.id))
}
