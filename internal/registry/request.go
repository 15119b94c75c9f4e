// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// get sends a GET and returns its response if it is 200 OK.
func (r *remote) get(ctx context.Context, url, accept string) (*http.Response, error) {
	return r.getFrom(ctx, r.origin, url, accept)
}

// getFrom sends a GET on behalf of an origin, whose tenant owns the rate limit. The rate limit of the registry counts, too.
func (r *remote) getFrom(ctx context.Context, origin outbound.Origin, url, accept string) (*http.Response, error) {
	limited := func() error { return cmp.Or(r.limited(r.origin.Tenant), r.limited(origin.Tenant)) }
	if err := limited(); err != nil {
		return nil, err
	}
	req, err := r.request(outbound.For(ctx, origin), http.MethodGet, url, accept)
	if err != nil {
		return nil, err
	}
	return outbound.Retry(ctx, r.client.pause, func() (*http.Response, error) {
		resp, err := r.send(req)
		if wait := limited(); err != nil && wait != nil && !errors.Is(err, ErrNotFound) {
			err = wait
		}
		return resp, err
	})
}

// limited returns the error for a registry with a pending rate limit of a tenant, or nil.
func (r *remote) limited(tenant string) error {
	return r.client.throttle.Limited(tenant, "registry "+r.host)
}

// request returns a request of the origin in ctx, with the scope of the repository.
func (r *remote) request(ctx context.Context, method, url, accept string) (*http.Request, error) {
	ctx = auth.AppendScopesForHost(ctx, r.host, r.scope)
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err == nil && accept != "" {
		req.Header.Set("Accept", accept)
	}
	return req, err
}

// send returns the response if it is 200 OK, and otherwise a *refusal.
func (r *remote) send(req *http.Request) (*http.Response, error) {
	resp, err := r.authorized.Do(req)
	if errors.Is(err, errTokenRefused) {
		resp, err = r.authorized.Do(req)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, r.refusalOf(resp)
	}
	return resp, nil
}
