// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

var (
	// errNotFound is matched by the error for a file that the mirror lacks.
	errNotFound = errors.New("not found")
	errTooLarge = errors.New("the file is too large")
)

// mirror downloads the files of a TUF repository. Signatures prove the files, so
// the mirror may be untrusted and may speak plain HTTP.
type mirror struct {
	base     *url.URL
	client   *http.Client
	throttle *outbound.Throttle
}

func newMirror(o TUFOptions) (*mirror, error) {
	base, err := url.Parse(o.Mirror)
	if err != nil {
		return nil, fmt.Errorf("the mirror is not a URL: %w", err)
	}
	if (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" {
		return nil, fmt.Errorf("the mirror %s is not an http or https URL", base.Redacted())
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the mirror %s has user information, a query or a fragment", base.Redacted())
	}
	throttle := outbound.NewThrottle(o.Now)
	client := outbound.NewClients(outbound.Options{AllowedHosts: o.AllowedHosts, Administered: true, Throttle: throttle}).For(outbound.Route{})
	if o.Transport != nil {
		client.Transport = o.Transport
	}
	return &mirror{base: base, client: client, throttle: throttle}, nil
}

// get downloads the file at path, relative to the repository's base, of at most limit bytes.
func (m *mirror) get(ctx context.Context, path string, limit int64) ([]byte, error) {
	host := outbound.HostPort(m.base)
	if err := m.throttle.Limited(host, m.base.Host); err != nil {
		return nil, err
	}
	raw, err := m.read(outbound.For(ctx, outbound.Origin{HostPort: host, Tenant: host, PlainHTTP: m.base.Scheme == "http"}), path, limit)
	if err != nil {
		return nil, outbound.Redacted("read "+path, err)
	}
	return raw, nil
}

func (m *mirror) read(ctx context.Context, path string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.base.JoinPath(path).String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := m.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // the content does not depend on it
	switch response.StatusCode {
	case http.StatusOK:
		return outbound.ReadAll(ctx, response.Body, limit, errTooLarge)
	case http.StatusNotFound:
		return nil, errNotFound
	}
	return nil, &outbound.StatusError{Who: "the mirror", Status: response.StatusCode}
}
