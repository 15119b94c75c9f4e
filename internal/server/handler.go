package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/opencontainers/go-digest"
)

// served is the only form of path there is: what the storage writes.
var served = regexp.MustCompile(`^/(verifiedchart/[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*/[0-9a-f]{64}\.tgz)$`)

// handler hands out single files below root.
type handler struct {
	root   string
	admits func(string) bool
	stall  time.Duration
	etags  etags
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	match := served.FindStringSubmatch(r.URL.Path)
	if match == nil {
		http.NotFound(w, r)
		return
	}
	f, info, err := h.open(match[1])
	if err != nil {
		// Whatever keeps it from being read, there is nothing to hand out, and the reason is none of the reader's business.
		http.NotFound(w, r)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	if !h.admits(r.URL.Path) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "not judged yet since the controller started", http.StatusServiceUnavailable)
		return
	}
	etag, err := h.etags.of(f, info)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	w.Header().Set("ETag", etag)
	http.ServeContent(&patient{ResponseWriter: w, control: http.NewResponseController(w), stall: h.stall}, r, "", info.ModTime(), f)
}

// open opens a regular file below root; no link leads out of it, or anywhere.
func (h *handler) open(name string) (*os.File, fs.FileInfo, error) {
	root, err := os.OpenRoot(h.root)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close() //nolint:errcheck // only read
	info, err := root.Lstat(filepath.FromSlash(name))
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("not a regular file")
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// patient gives a reader time for as long as it takes something.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

// chunk is how much is written under one deadline.
const chunk = 64 << 10

// Write implements io.Writer. Without io.ReaderFrom there is no sendfile, which has one deadline for all.
func (p *patient) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		if err := p.control.SetWriteDeadline(time.Now().Add(p.stall)); err != nil {
			return written, err
		}
		n, err := p.ResponseWriter.Write(b[:min(chunk, len(b))])
		written += n
		if err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}

// Unwrap lets http.ResponseController through.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// etagOf is a strong entity tag (RFC 9110 §8.8.3): the digest of the bytes.
func etagOf(d digest.Digest) string { return fmt.Sprintf("%q", d) }
