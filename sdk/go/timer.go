package wasmill

// Timer sets named timers within the key's scope. A timer is a message to this plugin under the
// same key, with a delivery time and a name.
type Timer struct{ call *call }

// Alarm is what a timer delivers. A subscription of this plugin must match the topic and the tag.
type Alarm struct {
	Topic   string
	Tag     string
	Headers map[string]string
	Body    []byte
}

// Set sets the timer of this name, in place of one that is pending.
func (t Timer) Set(name string, when Delivery, alarm Alarm) error {
	host, err := t.call.open(checkTexts("name", name), when.check(), alarm.check())
	if err != nil {
		return err
	}
	return host.SetTimer(name, when, alarm)
}

// Cancel cancels the timer. It is true if that was pending. A cancel wins until the timer's message
// is handled, even when it is already due.
func (t Timer) Cancel(name string) (bool, error) {
	host, err := t.call.open(checkTexts("name", name))
	if err != nil {
		return false, err
	}
	return host.CancelTimer(name)
}

// Reschedule moves a pending timer to another time. It is false, and nothing is done, if none is
// pending.
func (t Timer) Reschedule(name string, when Delivery) (bool, error) {
	host, err := t.call.open(checkTexts("name", name), when.check())
	if err != nil {
		return false, err
	}
	return host.RescheduleTimer(name, when)
}
