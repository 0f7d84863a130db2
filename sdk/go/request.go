package wasmill

import "encoding/json"

// Request is an HTTP request on a route that the operator gave to this plugin: what packages gate
// and query are called with.
type Request struct {
	// Method is in upper case.
	Method string
	// Path is as it was asked for, without the query string.
	Path string
	// Params are the values of the route's {parameters}, percent-decoded.
	Params map[string]string
	// Query has the query string's pairs, percent-decoded, in their order.
	Query []Pair
	// Headers have names in lower case.
	Headers map[string]string
	// Body is raw: what a signature is computed over.
	Body []byte
}

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// QueryValue is the first value of name in the query string; empty if there is none.
func (r *Request) QueryValue(name string) string {
	for _, pair := range r.Query {
		if pair.Name == name {
			return pair.Value
		}
	}
	return ""
}

// JSON decodes the body into value, which is a pointer, as encoding/json does.
func (r *Request) JSON(value any) error {
	return json.Unmarshal(r.Body, value)
}
