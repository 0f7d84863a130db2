// Package convert is between Go's words and those of the bindings.
package convert

import (
	"slices"
	"strings"

	witTypes "wasmill/internal/wit/types"
)

// Pair is a name and its value.
type Pair = witTypes.Tuple2[string, string]

// LiftPairs makes a map of pairs, whose names differ.
func LiftPairs(pairs []Pair) map[string]string {
	lifted := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		lifted[pair.F0] = pair.F1
	}
	return lifted
}

// LowerPairs puts pairs in the order of their names, so that the same handler does the same.
func LowerPairs(pairs map[string]string) []Pair {
	lowered := make([]Pair, 0, len(pairs))
	for name, value := range pairs {
		lowered = append(lowered, Pair{F0: name, F1: value})
	}
	slices.SortFunc(lowered, func(a, b Pair) int { return strings.Compare(a.F0, b.F0) })
	return lowered
}

// LowerText makes an option of a text that may be empty.
func LowerText(text string) witTypes.Option[string] {
	if text == "" {
		return witTypes.None[string]()
	}
	return witTypes.Some(text)
}
