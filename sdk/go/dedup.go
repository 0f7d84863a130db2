package wasmill

import "time"

// Dedup claims ids: the first claim wins, for a time.
type Dedup struct{ call *call }

// Claim claims id in the scope of this plugin and key. It is true for the first claim, and false
// while an earlier one is in force. A handler that fails gives its claims back.
// A ttl below zero is refused with an InvalidError.
func (d Dedup) Claim(id string, ttl time.Duration) (bool, error) {
	host, err := d.call.open(checkTexts("id", id), checkSpan("time of a claim", ttl))
	if err != nil {
		return false, err
	}
	return host.Claim(id, ttl)
}
