package wasmilltest

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wasmill"
)

// What a plugin asks of the host, but for half messages.

func (c *call) Send(message wasmill.Outgoing) (string, error) {
	if err := c.activity.check("queue.send"); err != nil {
		return "", err
	}
	ids, err := c.send([]wasmill.Outgoing{message})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

func (c *call) SendMany(messages []wasmill.Outgoing) ([]string, error) {
	if err := c.activity.check("queue.send-many"); err != nil {
		return nil, err
	}
	return c.send(messages)
}

// send sends all of the messages, or none of them.
func (c *call) send(messages []wasmill.Outgoing) (ids []string, err error) {
	before, sends, bytes := c.sent, c.sends, c.bytes
	for _, message := range messages {
		if err := c.countMessage(message); err != nil {
			c.sent, c.sends, c.bytes = before, sends, bytes
			return nil, err
		}
		sent := c.host.message(message, c.host.nextID())
		sent.scopeKey = c.key
		c.sent = append(c.sent, sent)
		ids = append(ids, sent.ID)
	}
	return ids, nil
}

// countMessage checks a message that is to be sent, and counts it.
func (c *call) countMessage(message wasmill.Outgoing) error {
	err := first(c.host.checkMessage(message), c.maySend())
	if err == nil {
		err = c.account(len(message.Body) + len(message.Topic))
	}
	if err == nil {
		c.sends++
	}
	return err
}

// message is a message as it is sent now.
func (h *Host) message(message wasmill.Outgoing, id string) Sent {
	message.Body = slices.Clone(message.Body)
	message.Headers = maps.Clone(message.Headers)
	sent := Sent{Outgoing: message, ID: id}
	if due := message.When.From(h.Now); due.After(h.Now) {
		sent.Due = due
	}
	return sent
}

func (c *call) Recall(id string) (bool, error) {
	err := first(c.activity.check("queue.recall"), checkID(id), c.keyed())
	if err != nil {
		return false, err
	}
	isPending := func(sent Sent) bool {
		return sent.ID == id && sent.scopeKey == c.key && sent.Due.After(c.host.Now)
	}
	if at := slices.IndexFunc(c.sent, isPending); at >= 0 {
		c.sent = slices.Delete(c.sent, at, at+1)
		return true, nil
	}
	found := slices.ContainsFunc(c.host.Sent, isPending) && !c.recalled[id]
	c.recalled[id] = c.recalled[id] || found
	return found, nil
}

func (c *call) SetTimer(name string, when wasmill.Delivery, alarm wasmill.Alarm) error {
	message := wasmill.Outgoing{
		Topic: alarm.Topic, Tag: alarm.Tag, Headers: alarm.Headers, Body: alarm.Body,
	}
	err := first(c.activity.check("timer.set"), checkName(name), c.keyed(),
		c.host.checkMessage(message), c.maySend())
	if err == nil {
		err = c.account(len(alarm.Body) + len(name))
	}
	if err != nil {
		return err
	}
	c.sends++
	alarm.Body, alarm.Headers = slices.Clone(alarm.Body), maps.Clone(alarm.Headers)
	c.scope.timers[name] = Timer{Alarm: alarm, Due: c.due(when), id: c.host.nextID()}
	return nil
}

// due is when a timer rings: not before now.
func (c *call) due(when wasmill.Delivery) time.Time {
	if due := when.From(c.host.Now); due.After(c.host.Now) {
		return due
	}
	return c.host.Now
}

func (c *call) CancelTimer(name string) (bool, error) {
	if err := first(c.activity.check("timer.cancel"), checkName(name), c.keyed()); err != nil {
		return false, err
	}
	_, pending := c.scope.timers[name]
	delete(c.scope.timers, name)
	return pending, nil
}

func (c *call) RescheduleTimer(name string, when wasmill.Delivery) (bool, error) {
	err := first(c.activity.check("timer.reschedule"), checkName(name), c.maySend(), c.keyed())
	if err != nil {
		return false, err
	}
	timer, pending := c.scope.timers[name]
	if pending {
		timer.Due, timer.id = c.due(when), c.host.nextID()
		c.scope.timers[name] = timer
		c.sends++
	}
	return pending, nil
}

func (c *call) Claim(id string, ttl time.Duration) (bool, error) {
	err := first(c.activity.check("dedup.claim"), checkName(id), c.keyed())
	if err == nil {
		err = c.account(len(id))
	}
	if err != nil {
		return false, err
	}
	if until, claimed := c.scope.claims[id]; claimed && c.host.Now.Before(until) {
		return false, nil
	}
	c.scope.claims[id] = wasmill.After(ttl).From(c.host.Now)
	return true, nil
}

func (c *call) GetState(name string) ([]byte, bool, error) {
	if err := first(c.activity.check("state.get"), checkName(name), c.keyed()); err != nil {
		return nil, false, err
	}
	value, found := c.scope.state[name]
	return slices.Clone(value), found, nil
}

func (c *call) PutState(name string, value []byte) error {
	err := first(c.activity.check("state.put"), checkName(name),
		checkWithin("state value bytes", len(value), valueBytesMax), c.keyed())
	if err == nil {
		err = c.account(len(name) + len(value))
	}
	if err != nil {
		return err
	}
	c.scope.state[name] = slices.Clone(value)
	return nil
}

func (c *call) DeleteState(name string) error {
	err := first(c.activity.check("state.delete"), checkName(name), c.keyed())
	if err == nil {
		err = c.account(len(name))
	}
	if err != nil {
		return err
	}
	delete(c.scope.state, name)
	return nil
}

func (c *call) ScanState(prefix, after string, limit int) (found []wasmill.Entry, err error) {
	if err := first(c.activity.check("state.scan"), c.keyed()); err != nil {
		return nil, err
	}
	limit, bytes := min(max(limit, 0), scanCountMax), 0
	for _, name := range slices.Sorted(maps.Keys(c.scope.state)) {
		if name <= after || !strings.HasPrefix(name, prefix) {
			continue
		}
		value := c.scope.state[name]
		bytes += len(value)
		if len(found) == limit || len(found) > 0 && bytes > scanBytesMax {
			break
		}
		found = append(found, wasmill.Entry{Name: name, Value: slices.Clone(value)})
	}
	return found, nil
}

func (c *call) Setting(name string) (string, bool) {
	value, found := c.host.Config[name]
	return value, found
}

func (c *call) Settings() map[string]string {
	return maps.Clone(c.host.Config)
}

func (c *call) Log(level wasmill.Level, line string) {
	if len(line) > logLineBytesMax {
		end := logLineBytesMax
		for !utf8.RuneStart(line[end]) {
			end--
		}
		line = line[:end]
	}
	c.host.Lines = append(c.host.Lines, Line{level, line})
}
