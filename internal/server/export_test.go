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
