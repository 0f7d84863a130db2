package wasmill

import (
	"fmt"

	"wasmill/internal/text"
)

// Log writes lines in the host's log, marked with the plugin, its version and the message. A line is
// cut at 8 KiB. Lines beyond the plugin's rate are counted, not written.
type Log struct{ call *call }

// Level says how much a line matters.
type Level uint8

// Levels of lines.
const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Write writes one line.
func (l Log) Write(level Level, line string) {
	l.call.host.Log(level, text.ForPeople(line))
}

// Trace writes a line for authors who follow each step, formatted as by fmt.Sprintf.
func (l Log) Trace(format string, values ...any) {
	l.Write(LevelTrace, fmt.Sprintf(format, values...))
}

// Debug writes a line for authors, formatted as by fmt.Sprintf.
func (l Log) Debug(format string, values ...any) {
	l.Write(LevelDebug, fmt.Sprintf(format, values...))
}

// Info writes a line for operators, formatted as by fmt.Sprintf.
func (l Log) Info(format string, values ...any) {
	l.Write(LevelInfo, fmt.Sprintf(format, values...))
}

// Warn writes a line about what should be looked at, formatted as by fmt.Sprintf.
func (l Log) Warn(format string, values ...any) {
	l.Write(LevelWarn, fmt.Sprintf(format, values...))
}

// Error writes a line about what went wrong, formatted as by fmt.Sprintf.
func (l Log) Error(format string, values ...any) {
	l.Write(LevelError, fmt.Sprintf(format, values...))
}
