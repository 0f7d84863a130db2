package query

import (
	"wasmill"
	exported "wasmill/internal/bindings/export_wasmill_plugin_query"
	_ "wasmill/internal/bindings/wit_query"
	"wasmill/internal/convert"
	"wasmill/internal/outer"
)

func init() {
	exported.Query = answer
}

func answer(key string, request exported.Request) exported.Response {
	return outer.Call(func(ctx *wasmill.Context) exported.Response {
		response := registered.Ask(ctx, key, outer.LiftRequest(request))
		return exported.Response{
			Status:  uint16(response.Status),
			Headers: convert.LowerPairs(response.Headers),
			Body:    response.Body,
			Settled: response.Settled,
		}
	})
}
