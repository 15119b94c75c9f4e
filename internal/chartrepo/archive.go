// SPDX-License-Identifier: Apache-2.0

package chartrepo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/helmindex"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Archive is the archive of one version, as the index names it. Nothing of it is proven.
type Archive struct {
	// Version is the text of the version in the index.
	Version string
	// URL is the place of the archive.
	URL *url.URL
	// Digest is the digest that the index states; empty if it states none.
	Digest digest.Digest
	// named is the server that named the URL.
	named download.Server
}

// Place is where an archive was found, so that it can be found again without the index.
type Place struct {
	Version  string `json:"version"`
	URL      string `json:"url"`
	IsInside bool   `json:"isInside,omitempty"`
}

// Place returns the place of the archive; false if its URL may hold a secret.
func (a Archive) Place() (Place, bool) {
	if a.URL == nil || a.URL.RawQuery != "" {
		return Place{}, false
	}
	return Place{Version: a.Version, URL: a.URL.String(), IsInside: a.named.IsInside}, true
}

// At returns the archive at a place.
func (r *Repository) At(p Place) (Archive, error) {
	u, err := url.Parse(p.URL)
	if err != nil || p.URL == "" {
		return Archive{}, fmt.Errorf("%w: the place of an archive", registry.ErrURL)
	}
	return Archive{Version: p.Version, URL: u, named: download.Server{URL: r.url, IsInside: p.IsInside}}, nil
}

// freshAge is the age up to which an index that lacks a version is believed.
const freshAge = 10 * time.Second

// Find returns the selected archive. It uses an index that the server gave no longer than maxAge ago. If that index lacks
// the version, Find asks the server again, because the version may be new. The error matches registry.ErrNotFound if the index lacks the chart or the version, and registry.ErrURL if the index
// points elsewhere than to a web server.
func (r *Repository) Find(ctx context.Context, want helmindex.Selection, maxAge time.Duration) (Archive, error) {
	asked := r.client.now()
	entry, isInside, err := r.selected(ctx, want, maxAge)
	if lacks := errors.Is(err, helmindex.ErrNotFound) || errors.Is(err, helmindex.ErrNoMatch); lacks && maxAge > freshAge {
		entry, isInside, err = r.selected(ctx, want, r.client.now().Sub(asked)+freshAge)
	}
	if err != nil {
		return Archive{}, r.named(err)
	}
	at, err := entry.Archive(r.url.String())
	if err != nil {
		return Archive{}, r.named(err)
	}
	found := Archive{Version: entry.Version, URL: at, named: download.Server{URL: r.url, IsInside: isInside}}
	if entry.Digest != "" {
		found.Digest = digest.NewDigestFromEncoded(digest.SHA256, entry.Digest)
	}
	return found, nil
}

func (r *Repository) selected(ctx context.Context, want helmindex.Selection, maxAge time.Duration) (helmindex.Entry, bool, error) {
	chart, isInside, err := r.find(ctx, maxAge)
	if err != nil {
		return helmindex.Entry{}, false, err
	}
	entry, err := helmindex.Select(chart.Entries, want)
	return entry, isInside, err
}

// named adds the classes of package registry to an error about the index.
func (r *Repository) named(err error) error {
	switch {
	case errors.Is(err, helmindex.ErrNotFound), errors.Is(err, helmindex.ErrNoMatch):
		return problem.Of(registry.ErrNotFound, err)
	case errors.Is(err, helmindex.ErrURL):
		return problem.Of(registry.ErrURL, err)
	case errors.Is(err, helmindex.ErrMalformed):
		return problem.Of(registry.ErrMalformed, err)
	case errors.Is(err, helmindex.ErrTooLarge):
		return problem.Of(registry.ErrTooLarge, err)
	}
	return err
}

// maxShown bounds a text of the index in a message, in bytes.
const maxShown = 128

// measured is the digest of one version of an archive.
type measured struct {
	validators download.Validators
	digest     digest.Digest
}

// Measure returns the digest of the archive as the server has it now. It writes the archive to w, at most
// chart.MaxArchiveSize bytes, and reports true; or it writes nothing and reports false, because the server has
// the version that was measured before.
func (r *Repository) Measure(ctx context.Context, a Archive, w io.Writer) (d digest.Digest, written bool, err error) {
	key := r.key(ctx) + " " + a.URL.String()
	request := r.archiveRequest(a, a.URL, chart.MaxArchiveSize)
	before, known := r.client.measured.Get(r.target.Scope, key)
	if known {
		request.Known = before.validators
	}
	stream, err := r.client.downloads.Open(ctx, request)
	switch {
	case known && errors.Is(err, download.ErrUnchanged):
		return before.digest, false, nil
	case err != nil:
		return "", false, r.failed("the archive", a.URL, err)
	}
	defer stream.Close() //nolint:errcheck // everything was read, or the error below explains why not
	digester := digest.SHA256.Digester()
	if err := r.copyTo(io.MultiWriter(w, digester.Hash()), gzipOnly(stream, a), "the archive", a.URL); err != nil {
		return "", false, err
	}
	d = digester.Digest()
	if stream.Validators != (download.Validators{}) {
		size := len(key) + len(stream.Validators.ETag) + len(stream.Validators.LastModified) + len(d)
		r.client.measured.Add(r.target.Scope, key, measured{validators: stream.Validators, digest: d}, size)
	}
	return d, true, nil
}

func (r *Repository) archiveRequest(a Archive, at *url.URL, limit int64) download.Request {
	return r.request(at, &a.named, limit)
}

// Differs returns the error for an archive whose digest is not the expected one. It matches registry.ErrIntegrity.
func (a Archive) Differs(expected, got digest.Digest) error {
	if expected == a.Digest {
		return problem.New(registry.ErrIntegrity, "index states %s, archive has %s", expected, got).
			Fix("write the index again with helm repo index, or set ref.digest to the right digest of version %s", a.Version)
	}
	return problem.New(registry.ErrIntegrity, "archive of version %s changed from %s to %s", printable.String(a.Version, maxShown), expected, got).
		Fix("request the new one, or restore the old one")
}

// errNoArchive is matched by the error for a file that is no archive. Its digest is not shown: the index may name any file.
var errNoArchive = fmt.Errorf("%w: the file is no archive", registry.ErrIntegrity)

// gzipOnly returns an error instead of a file that does not begin as gzip does.
func gzipOnly(r io.Reader, a Archive) io.Reader {
	buffered := bufio.NewReader(r)
	magic, err := buffered.Peek(2)
	if err != nil || magic[0] == 0x1f && magic[1] == 0x8b {
		return buffered // the reader returns the error
	}
	return failedReader{problem.New(errNoArchive, "the archive of version %s is not a gzip file", printable.String(a.Version, maxShown)).
		Fix("upload the archive that helm package writes, and write the index again")}
}

// failedReader returns its error.
type failedReader struct{ err error }

func (f failedReader) Read([]byte) (int, error) { return 0, f.err }

// checked passes on an archive. It returns io.EOF only if the archive has the digest.
type checked struct {
	io.Reader
	io.Closer
	archive  Archive
	expected digest.Digest
	got      digest.Digester
	failed   func(error) error
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	_, _ = c.got.Hash().Write(p[:n]) // a hash takes everything
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, c.failed(err)
	case c.got.Digest() != c.expected:
		return n, c.archive.Differs(c.expected, c.got.Digest())
	}
	return n, io.EOF
}

// open returns the bytes of the archive.
func (r *Repository) open(ctx context.Context, a Archive, d digest.Digest) (io.ReadCloser, error) {
	if d.Validate() != nil || d.Algorithm() != digest.SHA256 {
		return nil, fmt.Errorf("%w: an archive is named by its SHA-256", registry.ErrDescriptor)
	}
	stream, err := r.client.downloads.Open(ctx, r.archiveRequest(a, a.URL, chart.MaxArchiveSize))
	failed := func(err error) error { return r.failed("the archive", a.URL, err) }
	if err != nil {
		return nil, failed(err)
	}
	return &checked{Reader: gzipOnly(stream, a), Closer: stream, archive: a, expected: d, got: digest.SHA256.Digester(), failed: failed}, nil
}
