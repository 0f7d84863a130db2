package wasmill

import (
	"fmt"
	"strconv"
	"time"
)

// Config is the plugin's table in the operator's routes.
type Config struct{ call *call }

// Get is the value of name as text, whatever its TOML type; found is false if there is none.
func (c Config) Get(name string) (value string, found bool) {
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

// Millis is the span of time that name tells in milliseconds, or fallback if there is none.
func (c Config) Millis(name string, fallback time.Duration) (time.Duration, error) {
	number, err := c.Int64(name, fallback.Milliseconds())
	return time.Duration(number) * time.Millisecond, err
}
