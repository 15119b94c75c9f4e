// SPDX-License-Identifier: Apache-2.0

package server

import (
	"cmp"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// retryAfter is when a client should ask again for a file that is not admitted
// yet, in seconds: judging a thousand charts after a start takes about that long.
const retryAfter = "10"

// Handler answers requests for artifacts, as Server does. Of the options it uses
// Root, Admits and StallTimeout.
func Handler(o Options) http.Handler {
	if o.Admits == nil {
		o.Admits = func(string) bool { return false }
	}
	o.StallTimeout = cmp.Or(o.StallTimeout, DefaultStallTimeout)
	return &handler{Options: o, now: time.Now}
}

type handler struct {
	Options
	etags etags
	now   func() time.Time
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	p, ok := strings.CutPrefix(r.URL.Path, "/")
	if !ok || r.URL.RawPath != "" {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	file, err := storage.Open(h.Root, p)
	switch {
	case errors.Is(err, storage.ErrMissing), errors.Is(err, storage.ErrDamaged):
		http.Error(w, "not found", http.StatusNotFound)
	case err != nil:
		http.Error(w, "the artifact cannot be read", http.StatusInternalServerError)
	default:
		defer file.Close() //nolint:errcheck // only read
		h.serve(w, r, file)
	}
}

// serve hands out a file that is open, so it does so to the end whatever becomes of its name.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, file *os.File) {
	if !h.Admits(r.URL.Path) {
		w.Header().Set("Retry-After", retryAfter)
		http.Error(w, "the artifact was not verified yet since the controller started", http.StatusServiceUnavailable)
		return
	}
	tag, err := h.etags.of(file)
	if err != nil {
		http.Error(w, "the artifact cannot be read", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("ETag", tag)
	header.Set("Content-Type", "application/gzip")
	header.Set("X-Content-Type-Options", "nosniff")
	// A cache must ask again each time, so that a withdrawal holds there too.
	header.Set("Cache-Control", "no-cache")
	// No modification time: the ETag is the one validator, a clock that jumps is none.
	http.ServeContent(newProgress(w, h.StallTimeout, h.now), r, "", time.Time{}, file)
}
