package wasmill

import (
	"fmt"
	"time"
)

// Delivery is when a message is to be delivered: with the handler's commit, unless it is made by
// After, At or AtLevel. Never earlier; a time in the past means now. Times are whole milliseconds.
type Delivery struct {
	kind deliveryKind
	// number is of nanoseconds for After, of milliseconds since the Unix epoch for At, and the level
	// for AtLevel.
	number int64
}

type deliveryKind uint8

const (
	deliverNow deliveryKind = iota
	deliverAfter
	deliverAt
	deliverLevel
)

// Now delivers with the handler's commit.
func Now() Delivery {
	return Delivery{}
}

// After delivers so long from now. A delay below zero is refused with an InvalidError.
func After(delay time.Duration) Delivery {
	return Delivery{deliverAfter, int64(delay)}
}

// At delivers at this time.
func At(moment time.Time) Delivery {
	return Delivery{deliverAt, max(moment.Add(time.Millisecond-1).UnixMilli(), 0)}
}

// AtLevel delivers after one of RocketMQ's delay levels: 1 to 18 for 1s 5s 10s 30s 1m 2m 3m 4m 5m 6m
// 7m 8m 9m 10m 20m 30m 1h 2h. Any other number is refused with an InvalidError.
func AtLevel(number uint8) Delivery {
	return Delivery{deliverLevel, int64(number)}
}

// levels are the delays of AtLevel.
var levels = [...]time.Duration{
	1 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	1 * time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute,
	6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute,
	20 * time.Minute, 30 * time.Minute, 1 * time.Hour, 2 * time.Hour,
}

// check refuses what is no delivery.
func (d Delivery) check() error {
	switch {
	case d.kind == deliverAfter:
		return checkSpan("delay", time.Duration(d.number))
	case d.kind == deliverLevel && (d.number < 1 || d.number > int64(len(levels))):
		return &InvalidError{fmt.Sprintf("delay level %d is not from 1 (1 second) to 18 (2 hours); "+
			"for no delay leave it out", d.number)}
	default:
		return nil
	}
}

// checkSpan refuses a span of time below zero.
func checkSpan(what string, span time.Duration) error {
	if span < 0 {
		return &InvalidError{fmt.Sprintf("the %s %s is below zero", what, span)}
	}
	return nil
}

// From is when it is, if it is now: hosts of tests tell times by it.
func (d Delivery) From(now time.Time) time.Time {
	switch d.kind {
	case deliverAfter:
		return now.Add(wholeMillis(time.Duration(d.number)))
	case deliverAt:
		return time.UnixMilli(d.number).In(now.Location())
	case deliverLevel:
		return now.Add(levels[d.number-1])
	default:
		return now
	}
}

// millis is a span of time as the host counts it: rounded up, so that nothing is early.
func millis(span time.Duration) uint64 {
	whole := span / time.Millisecond
	if span%time.Millisecond > 0 {
		whole++
	}
	return uint64(max(whole, 0))
}

// wholeMillis is a span of time as the host keeps it.
func wholeMillis(span time.Duration) time.Duration {
	return time.Duration(min(millis(span), uint64(millisMax))) * time.Millisecond
}
