// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"time"
)

// HandlerAt is Handler with another clock.
func HandlerAt(o Options, now func() time.Time) http.Handler {
	h := Handler(o).(*handler)
	h.now = now
	return h
}

// KeptDigests returns the number of digests that the handler keeps.
func KeptDigests(h http.Handler) int {
	return h.(*handler).digests.Len()
}
