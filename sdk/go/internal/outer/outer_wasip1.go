// Package outer is what the exports other than the handler share.
package outer

import (
	"context"

	"wasmill"
	"wasmill/internal/bindings/wasmill_plugin_types"
	"wasmill/internal/convert"
	"wasmill/internal/wit/runtime"
)

// Call calls what the author wrote. When it returns, nothing of what the host handed over is needed
// but what the result holds.
func Call[T any](function func(ctx *wasmill.Context) T) T {
	result := withContext(function)
	runtime.Collect()
	return result
}

//go:noinline
func withContext[T any](function func(ctx *wasmill.Context) T) T {
	ctx, cancel := wasmill.NewContext(context.Background(), wasmill.Component())
	defer cancel()
	return function(ctx)
}

// LiftRequest makes this SDK's request of the bindings'.
func LiftRequest(request wasmill_plugin_types.Request) *wasmill.Request {
	query := make([]wasmill.Pair, 0, len(request.Query))
	for _, pair := range request.Query {
		query = append(query, wasmill.Pair{Name: pair.F0, Value: pair.F1})
	}
	return &wasmill.Request{
		Method:  request.Method,
		Path:    request.Path,
		Params:  convert.LiftPairs(request.Params),
		Query:   query,
		Headers: convert.LiftPairs(request.Headers),
		Body:    request.Body,
	}
}
