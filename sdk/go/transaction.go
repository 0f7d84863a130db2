package wasmill

// Transaction is of half messages, for handlers that act in the outside world: durable before the
// handler goes on, delivered once they are committed.
type Transaction struct{ call *call }

// HalfState is how a half message is.
type HalfState uint8

// Half messages are durable when they are Prepared, delivered when Committed, and never delivered
// when RolledBack.
const (
	Prepared HalfState = iota
	Committed
	RolledBack
)

// Prepare prepares the half message name of this key. When this returns it is durable, whatever
// becomes of the handler: a handler that is run again gets the half that is there with its state,
// and message is ignored.
func (t Transaction) Prepare(name string, message Outgoing) (HalfState, error) {
	host, err := t.call.open(checkTexts("name", name), message.check())
	if err != nil {
		return Prepared, err
	}
	return host.Prepare(name, message)
}

// Commit commits the half message with this handler's commit. It returns the state that stands:
// RolledBack if somebody decided so before.
func (t Transaction) Commit(name string) (HalfState, error) {
	host, err := t.call.open(checkTexts("name", name))
	if err != nil {
		return Prepared, err
	}
	return host.Commit(name)
}

// RollBack rolls the half message back with this handler's commit, as Commit commits it.
func (t Transaction) RollBack(name string) (HalfState, error) {
	host, err := t.call.open(checkTexts("name", name))
	if err != nil {
		return Prepared, err
	}
	return host.RollBack(name)
}
