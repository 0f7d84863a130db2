package wasmill

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Config is the plugin's table in the operator's routes.
type Config struct{ call *call }

// millisMax is the longest time.Duration in milliseconds: some 292 years.
const millisMax = math.MaxInt64 / int64(time.Millisecond)

// Get is the value of name as text, whatever its TOML type; found is false if there is none.
func (c Config) Get(name string) (value string, found bool) {
	if !utf8.ValidString(name) {
		return "", false
	}
	return c.call.host.Setting(name)
}

// All has all names and values.
func (c Config) All() map[string]string {
	return c.call.host.Settings()
}

// Int64 is the whole number of name, or fallback if there is none.
func (c Config) Int64(name string, fallback int64) (int64, error) {
	text, found := c.Get(name)
	if !found {
		return fallback, nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the setting %q must be a whole number, and is %q", name, text)
	}
	return number, nil
}

// Millis is the span of time that name tells in milliseconds, or fallback if there is none. It is an
// error if that is below 0, or above what a time.Duration holds: some 292 years.
func (c Config) Millis(name string, fallback time.Duration) (time.Duration, error) {
	if _, found := c.Get(name); !found {
		return fallback, nil
	}
	number, err := c.Int64(name, 0)
	if err != nil {
		return 0, err
	}
	if number < 0 || number > millisMax {
		return 0, fmt.Errorf("the setting %q must be milliseconds from 0 to %d, and is %d",
			name, millisMax, number)
	}
	return time.Duration(number) * time.Millisecond, nil
}
