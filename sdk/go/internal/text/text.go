// Package text is about what the contract takes as a string, which is UTF-8: a call with anything else
// would trap. What the host acts by, such as names, is refused; what people read is made valid.
package text

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Fault says which of the texts is not UTF-8; it is empty if all are. They are pairs of what a text is
// and the text.
func Fault(pairs ...string) string {
	for at := 0; at < len(pairs); at += 2 {
		if what, text := pairs[at], pairs[at+1]; !utf8.ValidString(text) {
			return fmt.Sprintf("the %s %q is not UTF-8", what, text)
		}
	}
	return ""
}

// FaultOfHeaders is Fault of all names and values.
func FaultOfHeaders(headers map[string]string) string {
	for name, value := range headers {
		if fault := Fault("header name", name, "header value", value); fault != "" {
			return fault
		}
	}
	return ""
}

// ForPeople is a text for people, in UTF-8 whatever it was.
func ForPeople(text string) string {
	return strings.ToValidUTF8(text, "\uFFFD")
}
