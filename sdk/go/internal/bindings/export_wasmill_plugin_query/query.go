// Package export_wasmill_plugin_query is where the bindings hand requests to.
package export_wasmill_plugin_query

import (
	"wasmill/internal/bindings/wasmill_plugin_query"
	"wasmill/internal/bindings/wasmill_plugin_types"
)

type (
	// Request is a request as the host hands it over.
	Request = wasmill_plugin_types.Request
	// Response is what it is answered with.
	Response = wasmill_plugin_query.Response
)

// Query answers requests. It is set while the plugin starts.
var Query func(key string, request Request) Response

// Answer answers one request.
func Answer(key string, request Request) Response {
	return Query(key, request)
}
