// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// errNotFound is matched by the error for a file that the mirror does not have.
var errNotFound = errors.New("not found")

// maxRedirects is how many redirections of one request are followed.
const maxRedirects = 3

// mirror is where the files of a TUF repository are downloaded from. What it
// serves is proven by signatures, so it need not be trusted nor use TLS.
type mirror struct {
	base   *url.URL
	client *http.Client
}

func newMirror(address string, transport http.RoundTripper) (*mirror, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the mirror is not a URL: %w", err)
	}
	if (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" {
		return nil, fmt.Errorf("the mirror %s is not an http or https URL", base.Redacted())
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the mirror %s has user information, a query or a fragment", base.Redacted())
	}
	return &mirror{base: base, client: &http.Client{Transport: transport, CheckRedirect: checkRedirect}}, nil
}

// checkRedirect follows a redirection over TLS, as from a CDN to its store, and
// within one host. A mirror cannot have plain services inside the cluster asked,
// as those of a cloud's metadata are.
func checkRedirect(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirections", maxRedirects)
	case to.URL.Scheme == "https", to.URL.Scheme == from.Scheme && to.URL.Host == from.Host:
		return nil
	}
	return errors.New("redirected to another host without TLS")
}

// get downloads the file at path, relative to the repository's base, of at most limit bytes.
func (m *mirror) get(ctx context.Context, path string, limit int64) (_ []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.base.JoinPath(path).String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := m.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", request.URL, errNotFound)
	default:
		return nil, fmt.Errorf("%s: HTTP status %d", request.URL, response.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", request.URL, err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%s: it has more than %d bytes", request.URL, limit)
	}
	return raw, nil
}
