package wasmill

import "wasmill/internal/text"

// Checks of what handlers hand to the host, which are the same whatever host it is.

// checkTexts refuses texts that are not UTF-8. They are pairs of what a text is and the text.
func checkTexts(pairs ...string) error {
	return invalid(text.Fault(pairs...))
}

func (m Outgoing) check() error {
	if err := checkTexts("topic", m.Topic, "key", m.Key, "tag", m.Tag); err != nil {
		return err
	}
	if err := invalid(text.FaultOfHeaders(m.Headers)); err != nil {
		return err
	}
	return m.When.check()
}

func (a Alarm) check() error {
	if err := checkTexts("topic", a.Topic, "tag", a.Tag); err != nil {
		return err
	}
	return invalid(text.FaultOfHeaders(a.Headers))
}

// invalid is the error of a fault, if there is one.
func invalid(fault string) error {
	if fault == "" {
		return nil
	}
	return &InvalidError{fault}
}
