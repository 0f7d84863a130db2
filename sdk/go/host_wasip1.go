package wasmill

import (
	"time"

	"wasmill/internal/bindings/wasmill_plugin_config"
	"wasmill/internal/bindings/wasmill_plugin_dedup"
	"wasmill/internal/bindings/wasmill_plugin_log"
	"wasmill/internal/bindings/wasmill_plugin_queue"
	"wasmill/internal/bindings/wasmill_plugin_state"
	"wasmill/internal/bindings/wasmill_plugin_timer"
	"wasmill/internal/bindings/wasmill_plugin_transaction"
	"wasmill/internal/bindings/wasmill_plugin_types"
	"wasmill/internal/convert"
	"wasmill/internal/wit/runtime"
	witTypes "wasmill/internal/wit/types"
)

// component is the host that a plugin runs in, called through the bindings.
type component struct{}

// Component is the host that a plugin runs in. Packages that export more than a handler use it.
func Component() Host {
	return component{}
}

func (component) Send(message Outgoing) (string, error) {
	return ask(func() witTypes.Result[string, witError] {
		return wasmill_plugin_queue.Send(lowerOutgoing(message))
	})
}

func (component) SendMany(messages []Outgoing) ([]string, error) {
	lowered := make([]wasmill_plugin_types.Outgoing, 0, len(messages))
	for _, message := range messages {
		lowered = append(lowered, lowerOutgoing(message))
	}
	return ask(func() witTypes.Result[[]string, witError] {
		return wasmill_plugin_queue.SendMany(lowered)
	})
}

func (component) Recall(id string) (bool, error) {
	return ask(func() witTypes.Result[bool, witError] { return wasmill_plugin_queue.Recall(id) })
}

func (component) SetTimer(name string, when Delivery, alarm Alarm) error {
	lowered := wasmill_plugin_timer.Alarm{
		Topic:   alarm.Topic,
		Tag:     convert.LowerText(alarm.Tag),
		Headers: convert.LowerPairs(alarm.Headers),
		Body:    alarm.Body,
	}
	return do(func() witTypes.Result[witTypes.Unit, witError] {
		return wasmill_plugin_timer.Set(name, lowerDelivery(when), lowered)
	})
}

func (component) CancelTimer(name string) (bool, error) {
	return ask(func() witTypes.Result[bool, witError] { return wasmill_plugin_timer.Cancel(name) })
}

func (component) RescheduleTimer(name string, when Delivery) (bool, error) {
	return ask(func() witTypes.Result[bool, witError] {
		return wasmill_plugin_timer.Reschedule(name, lowerDelivery(when))
	})
}

func (component) Prepare(name string, message Outgoing) (HalfState, error) {
	return askState(func() witTypes.Result[uint8, witError] {
		return wasmill_plugin_transaction.Prepare(name, lowerOutgoing(message))
	})
}

func (component) Commit(name string) (HalfState, error) {
	return askState(func() witTypes.Result[uint8, witError] {
		return wasmill_plugin_transaction.Commit(name)
	})
}

func (component) RollBack(name string) (HalfState, error) {
	return askState(func() witTypes.Result[uint8, witError] {
		return wasmill_plugin_transaction.Rollback(name)
	})
}

func (component) Claim(id string, ttl time.Duration) (bool, error) {
	return ask(func() witTypes.Result[bool, witError] {
		return wasmill_plugin_dedup.Claim(id, millis(ttl))
	})
}

func (component) GetState(name string) ([]byte, bool, error) {
	value, err := ask(func() witTypes.Result[witTypes.Option[[]byte], witError] {
		return wasmill_plugin_state.Get(name)
	})
	return value.SomeOr(nil), value.IsSome(), err
}

func (component) PutState(name string, value []byte) error {
	return do(func() witTypes.Result[witTypes.Unit, witError] {
		return wasmill_plugin_state.Put(name, value)
	})
}

func (component) DeleteState(name string) error {
	return do(func() witTypes.Result[witTypes.Unit, witError] {
		return wasmill_plugin_state.Delete(name)
	})
}

func (component) ScanState(prefix, after string, limit int) ([]Entry, error) {
	limit = min(max(limit, 0), 1_000)
	found, err := ask(func() witTypes.Result[[]witTypes.Tuple2[string, []byte], witError] {
		return wasmill_plugin_state.Scan(prefix, convert.LowerText(after), uint32(limit))
	})
	entries := make([]Entry, 0, len(found))
	for _, entry := range found {
		entries = append(entries, Entry{Name: entry.F0, Value: entry.F1})
	}
	return entries, err
}

func (component) Setting(name string) (string, bool) {
	runtime.BeginImport()
	defer runtime.EndImport()
	value := wasmill_plugin_config.Get(name)
	return value.SomeOr(""), value.IsSome()
}

func (component) Settings() map[string]string {
	runtime.BeginImport()
	defer runtime.EndImport()
	return convert.LiftPairs(wasmill_plugin_config.GetAll())
}

func (component) Log(level Level, line string) {
	wasmill_plugin_log.Write(uint8(level), line)
}

// ask calls the host. What that hands over is kept until it is read.
func ask[T any](function func() witTypes.Result[T, witError]) (T, error) {
	runtime.BeginImport()
	result := function()
	runtime.EndImport()
	return liftResult(result)
}

func askState(function func() witTypes.Result[uint8, witError]) (HalfState, error) {
	state, err := ask(function)
	return HalfState(state), err
}

func do(function func() witTypes.Result[witTypes.Unit, witError]) error {
	_, err := ask(function)
	return err
}
