// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// get sends a GET and returns its response if it is 200 OK.
func (r *remote) get(ctx context.Context, url, accept string) (*http.Response, error) {
	if err := r.limited(); err != nil {
		return nil, err
	}
	req, err := r.request(ctx, url, accept)
	if err != nil {
		return nil, err
	}
	return outbound.Retry(ctx, r.client.pause, func() (*http.Response, error) {
		resp, err := r.send(req)
		if limited := r.limited(); err != nil && limited != nil && !errors.Is(err, ErrNotFound) {
			err = limited
		}
		return resp, err
	})
}

// limited returns the error for a registry with a pending rate limit, or nil.
func (r *remote) limited() error {
	return r.client.throttle.Limited(r.origin.Tenant, "registry "+r.host)
}

// request returns a GET request that carries the registry that it is for.
func (r *remote) request(ctx context.Context, url, accept string) (*http.Request, error) {
	ctx = outbound.For(ctx, r.origin)
	ctx = auth.AppendScopesForHost(ctx, r.host, r.scope)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err == nil && accept != "" {
		req.Header.Set("Accept", accept)
	}
	return req, err
}

// send returns the response if it is 200 OK.
func (r *remote) send(req *http.Request) (*http.Response, error) {
	resp, err := r.authorized.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, refusal(resp.StatusCode)
	}
	return resp, nil
}

// refusal returns the error for a status.
func refusal(status int) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (%s)", ErrUnauthorized, outbound.StatusText(status))
	case http.StatusNotFound:
		return ErrNotFound
	}
	return &outbound.StatusError{Who: "the registry", Status: status}
}
