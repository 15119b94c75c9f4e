// SPDX-License-Identifier: Apache-2.0

package server

import (
	"cmp"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// retryAfter is the wait, in seconds, that a client is asked for before it requests a file again that is not
// verified yet or being fetched again.
const retryAfter = "10"

// Handler answers requests for artifacts, as Server does. Of the options it uses
// Root, Paths, Damaged and StallTimeout.
func Handler(o Options) http.Handler {
	if o.Paths == nil {
		o.Paths = NewPaths(time.Now)
	}
	if o.Damaged == nil {
		o.Damaged = func(Owner) {}
	}
	o.StallTimeout = cmp.Or(o.StallTimeout, DefaultStallTimeout)
	return &handler{Options: o, now: time.Now}
}

type handler struct {
	Options
	digests storage.Digests
	now     func() time.Time
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/")
	if !ok || r.URL.RawPath != "" {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	switch found := h.Paths.find(path); found.answer {
	case allowed:
		h.open(w, r, path, found)
	case pending:
		unavailable(w, "the artifact is not verified yet")
	default:
		http.Error(w, "not found", http.StatusNotFound)
	}
}

// open opens the file at the path if it has the digest that the path was allowed for.
func (h *handler) open(w http.ResponseWriter, r *http.Request, path string, found found) {
	file, err := storage.Open(h.Root, path)
	if errors.Is(err, storage.ErrMissing) || errors.Is(err, storage.ErrDamaged) {
		h.damaged(w, found.owner)
		return
	}
	if err != nil {
		http.Error(w, "the artifact cannot be read", http.StatusInternalServerError)
		return
	}
	defer file.Close() //nolint:errcheck // only read
	d, err := h.digests.Of(file, found.digest.Algorithm(), h.now())
	switch {
	case err != nil:
		http.Error(w, "the artifact cannot be read", http.StatusInternalServerError)
	case d != found.digest:
		h.damaged(w, found.owner)
	default:
		h.serve(w, r, file, d)
	}
}

// damaged never answers 404: the path is still published, and its file is being fetched again.
func (h *handler) damaged(w http.ResponseWriter, o Owner) {
	h.Damaged(o)
	unavailable(w, "the artifact's file is missing or damaged")
}

func unavailable(w http.ResponseWriter, message string) {
	w.Header().Set("Retry-After", retryAfter)
	http.Error(w, message, http.StatusServiceUnavailable)
}

// serve sends an open file to its end, even if its path is dropped or its name is removed meanwhile.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, file *os.File, d digest.Digest) {
	header := w.Header()
	header.Set("ETag", strconv.Quote(d.String())) // strong (RFC 9110 §8.8.3)
	header.Set("Content-Type", "application/gzip")
	header.Set("X-Content-Type-Options", "nosniff")
	// A cache must revalidate each time, so that a withdrawal applies to caches too.
	header.Set("Cache-Control", "no-cache")
	// There is no modification time: the ETag is the only validator, because clocks may jump.
	http.ServeContent(newProgress(w, h.StallTimeout, h.now), r, "", time.Time{}, file)
}
