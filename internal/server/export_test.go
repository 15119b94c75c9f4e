// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"time"
)

// HandlerAt is Handler by another clock.
func HandlerAt(o Options, now func() time.Time) http.Handler {
	h := Handler(o).(*handler)
	h.now = now
	return h
}

// MaxDigests is how many digests a handler keeps at most.
const MaxDigests = maxDigests

// KeptDigests returns how many digests the handler keeps.
func KeptDigests(h http.Handler) int {
	d := &h.(*handler).digests
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.kept)
}
