package wasmill

import "encoding/json"

// State is key-value state in the scope of this plugin and the message's key. One handler at a time
// sees it.
type State struct{ call *call }

// Entry is a name and its value.
type Entry struct {
	Name  string
	Value []byte
}

// Get reads the value of name, with this handler's own writes; found is false if there is none.
func (s State) Get(name string) (value []byte, found bool, err error) {
	host, err := s.call.open(checkTexts("name", name))
	if err != nil {
		return nil, false, err
	}
	return host.GetState(name)
}

// Put writes a value of at most 1 MiB. A name has 1 to 256 bytes.
func (s State) Put(name string, value []byte) error {
	host, err := s.call.open(checkTexts("name", name))
	if err != nil {
		return err
	}
	return host.PutState(name, value)
}

// Delete deletes name; nothing happens if it is absent.
func (s State) Delete(name string) error {
	host, err := s.call.open(checkTexts("name", name))
	if err != nil {
		return err
	}
	return host.DeleteState(name)
}

// Scan reads names that begin with prefix, and their values, in byte order, beginning behind the
// name after if that is not empty. There are at most limit, never more than 1,000, and no more than
// 1 MiB of values, but one entry at least: go on after the last one for the rest.
func (s State) Scan(prefix, after string, limit int) ([]Entry, error) {
	host, err := s.call.open(checkTexts("prefix", prefix, "name", after))
	if err != nil {
		return nil, err
	}
	return host.ScanState(prefix, after, limit)
}

// GetJSON decodes the value of name into value, which is a pointer, as encoding/json does. If there
// is none, found is false and *value stays as it is. It is a *StateError if the value cannot be decoded.
func (s State) GetJSON(name string, value any) (found bool, err error) {
	text, found, err := s.Get(name)
	if err != nil || !found {
		return false, err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return false, &StateError{Name: name, Err: err}
	}
	return true, nil
}

// PutJSON writes a value as JSON.
func (s State) PutJSON(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.Put(name, text)
}
