package wasmilltest

import (
	"fmt"
	"slices"
	"strings"

	"wasmill"
)

// The contract's bounds, checked as the platform does. Names and messages have been found to be UTF-8
// before they come here.
const (
	nameBytesMax    = 256
	valueBytesMax   = 1 << 20
	scanCountMax    = 1_000
	scanBytesMax    = 1 << 20
	keyBytesMax     = 256
	tagBytesMax     = 127
	headersCountMax = 128
	headersBytesMax = 16 << 10
	bodyBytesMax    = 4 << 20
	sendsMax        = 1_000
	effectBytesMax  = 16 << 20
	logLineBytesMax = 8 << 10
)

// checkWithin checks a size or a count.
func checkWithin(what string, actual, limit int) error {
	if actual <= limit {
		return nil
	}
	return &wasmill.LimitError{What: what, Limit: uint64(limit), Actual: uint64(actual)}
}

// checkName checks a name that the plugin chose.
func checkName(name string) error {
	if name == "" || strings.Contains(name, "\x00") {
		return invalid("a name has 1 to %d bytes and no NUL, this one is %q", nameBytesMax, name)
	}
	return checkWithin("name bytes", len(name), nameBytesMax)
}

// checkMessage checks the parts of a message.
func (h *Host) checkMessage(message wasmill.Outgoing) error {
	if h.Topics != nil && !slices.Contains(h.Topics, message.Topic) {
		return &wasmill.UnknownTopicError{Topic: message.Topic}
	}
	bytes := 0
	for name, value := range message.Headers {
		bytes += len(name) + len(value)
	}
	return first(
		checkWithin("key bytes", len(message.Key), keyBytesMax),
		checkWithin("tag bytes", len(message.Tag), tagBytesMax),
		checkWithin("headers", len(message.Headers), headersCountMax),
		checkWithin("header bytes", bytes, headersBytesMax),
		checkWithin("body bytes", len(message.Body), bodyBytesMax),
	)
}

// checkID checks the id of a message.
func checkID(id string) error {
	if len(id) != 32 || strings.Trim(id, "0123456789abcdefABCDEF") != "" {
		return invalid("a message id has 32 hexadecimal digits, this one is %q", id)
	}
	return nil
}

func invalid(words string, values ...any) error {
	return &wasmill.InvalidError{Reason: fmt.Sprintf(words, values...)}
}

// first is the first of errors that is one.
func first(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}
