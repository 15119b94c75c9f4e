// SPDX-License-Identifier: Apache-2.0

package helmindex

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// ErrURL is matched by the error for a URL of an index, or of a repository, that names no archive.
var ErrURL = errors.New("not the URL of an archive")

// maxURL bounds a URL in bytes. Signed URLs of object stores have some 1,500.
const maxURL = 8 << 10

// OCIError is the error for an entry whose archive is in an OCI registry. It matches ErrURL.
type OCIError struct {
	*problem.Problem
	// URL is the OCI repository without tag and digest: the value for spec.url.
	URL string
}

// Unwrap returns the problem, so that its class is found.
func (e *OCIError) Unwrap() error { return e.Problem }

// Archive returns the URL of the entry's archive, the first of its URLs, in the repository with the configured URL.
// Its error matches ErrURL.
func (e Entry) Archive(repository string) (*url.URL, error) {
	if len(e.URLs) == 0 {
		return nil, problem.New(ErrURL, "version %s has no urls in the index", printable.String(e.Version, maxShown)).
			Fix("write the index with `helm repo index`")
	}
	return ResolveURL(repository, e.URLs[0])
}

// ResolveURL returns the absolute URL, with the scheme https or http, of a reference in an index. The caller decides
// whether http is allowed, and which hosts are.
//
// As in Helm, a relative reference is resolved against the configured URL with a slash added, not against the URL that
// served the index, and it takes the query of the configured URL instead of its own. Other schemes are refused, an
// oci:// reference with an *OCIError. Unlike Helm, it refuses a URL with credentials, because URLs are shown. The error
// matches ErrURL.
func ResolveURL(repository, reference string) (*url.URL, error) {
	ref, err := parseURL("the index", reference)
	if err != nil {
		return nil, err
	}
	if !ref.IsAbs() {
		base, err := parseURL("the repository", repository)
		if err != nil {
			return nil, err
		}
		base.RawPath = strings.TrimSuffix(base.RawPath, "/") + "/"
		base.Path = strings.TrimSuffix(base.Path, "/") + "/"
		query := base.RawQuery
		ref = base.ResolveReference(ref)
		ref.RawQuery = query
	}
	return ref, check(ref)
}

func parseURL(source, text string) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, problem.New(ErrURL, "URL in %s has more than %d bytes", source, maxURL).Fix("shorten it")
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, problem.New(ErrURL, "URL in %s cannot be parsed", source).Fix("correct it, or write the index with `helm repo index`")
	}
	return parsed, nil
}

// check refuses a URL that is not the one of a file on a web server.
func check(u *url.URL) error {
	switch {
	case u.Scheme == "oci":
		return inRegistry(u)
	case u.Scheme != "https" && u.Scheme != "http":
		return problem.New(ErrURL, "URL in the index has the scheme %q", printable.String(u.Scheme, maxShown)).Fix("only https and http can be read")
	case u.Opaque != "" || u.Hostname() == "":
		return problem.New(ErrURL, "URL in the index names no host").Fix("write it as https://host/path, or relative to the repository")
	case u.User != nil:
		return problem.New(ErrURL, "URL in the index holds credentials").Fix("remove them from the index, and name a Secret in secretRef")
	}
	return nil
}

// reference matches the tag and the digest at the end of an OCI reference.
var reference = regexp.MustCompile(`(:[^:/@]*)?(@[^/]*)?$`)

func inRegistry(u *url.URL) error {
	path := reference.ReplaceAllString(strings.TrimSuffix(u.Path, "/"), "")
	target := location.OCI + u.Host + path
	return &OCIError{
		Problem: problem.New(ErrURL, "the index points to %s", printable.String(target, maxShown)).
			Fix("set url to that and remove chart"),
		URL: target,
	}
}

// Beside returns the URL of a file beside an archive: the suffix is added to the path, and the query is kept.
// (Helm adds .prov to the end of the URL, so it fails if there is a query.)
func Beside(archive *url.URL, suffix string) *url.URL {
	beside := *archive
	beside.Path += suffix
	if beside.RawPath != "" {
		beside.RawPath += suffix
	}
	beside.Fragment, beside.RawFragment = "", ""
	return &beside
}
