//go:build !wasip1

package runtime

// Unpin does nothing outside of a component: nobody hands memory over.
func Unpin() {}
