package wasmill

import "time"

// Delivery is when a message is to be delivered: with the handler's commit, unless it is made by
// After, At or AtLevel. Never earlier; a time in the past means now. Times are whole milliseconds.
type Delivery struct {
	kind   deliveryKind
	millis uint64
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

// After delivers so long from now.
func After(delay time.Duration) Delivery {
	return Delivery{deliverAfter, millis(delay)}
}

// At delivers at this time.
func At(moment time.Time) Delivery {
	return Delivery{deliverAt, uint64(max(moment.UnixMilli(), 0))}
}

// AtLevel delivers after one of RocketMQ's delay levels: 1 to 18 for 1s 5s 10s 30s 1m 2m 3m 4m 5m 6m
// 7m 8m 9m 10m 20m 30m 1h 2h. Any other number is refused with an InvalidError.
func AtLevel(number uint8) Delivery {
	return Delivery{deliverLevel, uint64(number)}
}

// levels are the delays of AtLevel.
var levels = [...]time.Duration{
	1 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	1 * time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute,
	6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute,
	20 * time.Minute, 30 * time.Minute, 1 * time.Hour, 2 * time.Hour,
}

// From is when it is, if it is now: hosts of tests tell times by it.
func (d Delivery) From(now time.Time) time.Time {
	switch d.kind {
	case deliverAfter:
		return now.Add(time.Duration(d.millis) * time.Millisecond)
	case deliverAt:
		return time.UnixMilli(int64(d.millis)).In(now.Location())
	case deliverLevel:
		if d.millis >= 1 && d.millis <= uint64(len(levels)) {
			return now.Add(levels[d.millis-1])
		}
	}
	return now
}

// millis is a span of time as the host counts it: rounded up, so that nothing is early.
func millis(span time.Duration) uint64 {
	if span <= 0 {
		return 0
	}
	return uint64((span + time.Millisecond - 1) / time.Millisecond)
}
