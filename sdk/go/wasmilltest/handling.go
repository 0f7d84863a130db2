package wasmilltest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wasmill"
)

// handling is the host as one handler's call sees it.
type handling struct {
	host  *Host
	key   string
	scope scope
	sent  []wasmill.Outgoing
}

func (h *handling) Send(message wasmill.Outgoing) (string, error) {
	message.Body = slices.Clone(message.Body)
	h.sent = append(h.sent, message)
	return fmt.Sprintf("%032x", len(h.host.Sent)+len(h.sent)), nil
}

func (h *handling) SendMany(messages []wasmill.Outgoing) (ids []string, err error) {
	for _, message := range messages {
		id, err := h.Send(message)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Recall finds nothing: what was sent is the test's.
func (h *handling) Recall(string) (bool, error) {
	return false, h.needKey()
}

func (h *handling) SetTimer(name string, when wasmill.Delivery, alarm wasmill.Alarm) error {
	if err := h.needKey(); err != nil {
		return err
	}
	h.scope.timers[name] = Timer{Due: when.From(h.host.Now), Alarm: alarm}
	return nil
}

func (h *handling) CancelTimer(name string) (bool, error) {
	_, pending := h.scope.timers[name]
	delete(h.scope.timers, name)
	return pending, h.needKey()
}

func (h *handling) RescheduleTimer(name string, when wasmill.Delivery) (bool, error) {
	timer, pending := h.scope.timers[name]
	if pending {
		timer.Due = when.From(h.host.Now)
		h.scope.timers[name] = timer
	}
	return pending, h.needKey()
}

func (h *handling) Prepare(name string, message wasmill.Outgoing) (wasmill.HalfState, error) {
	if err := h.needKey(); err != nil {
		return wasmill.Prepared, err
	}
	if _, there := h.scope.halves[name]; !there {
		h.scope.halves[name] = half{message: message, state: wasmill.Prepared}
		// It is durable, whatever becomes of the handler.
		durable := h.host.scopes[h.key].copied()
		durable.halves[name] = h.scope.halves[name]
		h.host.scopes[h.key] = durable
	}
	return h.scope.halves[name].state, nil
}

func (h *handling) Commit(name string) (wasmill.HalfState, error) {
	return h.settle(name, wasmill.Committed)
}

func (h *handling) RollBack(name string) (wasmill.HalfState, error) {
	return h.settle(name, wasmill.RolledBack)
}

func (h *handling) settle(name string, decision wasmill.HalfState) (wasmill.HalfState, error) {
	found, there := h.scope.halves[name]
	if !there {
		return wasmill.Prepared, &wasmill.InvalidError{Reason: "no half message is called " + name}
	}
	delete(h.scope.halves, name)
	if decision == wasmill.Committed {
		h.sent = append(h.sent, found.message)
	}
	return decision, nil
}

func (h *handling) Claim(id string, ttl time.Duration) (bool, error) {
	if err := h.needKey(); err != nil {
		return false, err
	}
	if until, claimed := h.scope.claims[id]; claimed && h.host.Now.Before(until) {
		return false, nil
	}
	h.scope.claims[id] = h.host.Now.Add(ttl)
	return true, nil
}

func (h *handling) GetState(name string) ([]byte, bool, error) {
	value, found := h.scope.state[name]
	return slices.Clone(value), found, h.needKey()
}

func (h *handling) PutState(name string, value []byte) error {
	if err := h.needKey(); err != nil {
		return err
	}
	h.scope.state[name] = slices.Clone(value)
	return nil
}

func (h *handling) DeleteState(name string) error {
	delete(h.scope.state, name)
	return h.needKey()
}

func (h *handling) ScanState(prefix, after string, limit int) (found []wasmill.Entry, err error) {
	for _, name := range slices.Sorted(maps.Keys(h.scope.state)) {
		if len(found) < limit && name > after && strings.HasPrefix(name, prefix) {
			value := slices.Clone(h.scope.state[name])
			found = append(found, wasmill.Entry{Name: name, Value: value})
		}
	}
	return found, h.needKey()
}

func (h *handling) Setting(name string) (string, bool) {
	value, found := h.host.Config[name]
	return value, found
}

func (h *handling) Settings() map[string]string {
	return maps.Clone(h.host.Config)
}

func (h *handling) Log(_ wasmill.Level, line string) {
	h.host.Lines = append(h.host.Lines, line)
}

func (h *handling) needKey() error {
	if h.key == "" {
		return wasmill.ErrNoKey
	}
	return nil
}
