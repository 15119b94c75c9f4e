// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// limited returns the error for a registry that wants to be left alone, if it does.
func (r *remote) limited() error {
	return r.client.throttle.Limited(r.origin.Tenant, "registry "+r.host)
}

// request makes a GET that carries which registry it is for.
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
		defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
		if resp.StatusCode == http.StatusNotFound && lacksRepository(resp.Body) {
			return nil, errNoRepository
		}
		return nil, refusal(resp.StatusCode)
	}
	return resp, nil
}

// errNoRepository says that the registry does not know the repository, or does not show it to these credentials.
var errNoRepository = fmt.Errorf("%w: the registry does not know the repository", ErrNotFound)

// lacksRepository reports whether the body of a 404 names the code of a missing repository (distribution-spec,
// "Error Codes"). It decides about a message alone.
func lacksRepository(body io.Reader) bool {
	var answer struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	err := json.NewDecoder(io.LimitReader(body, maxErrorBody)).Decode(&answer)
	return err == nil && len(answer.Errors) > 0 && answer.Errors[0].Code == "NAME_UNKNOWN"
}

// maxErrorBody bounds what is read of the body of an error, in bytes.
const maxErrorBody = 4 << 10

// refusal is the error that a status means.
func refusal(status int) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: it answered %s", ErrUnauthorized, outbound.StatusText(status))
	case http.StatusNotFound:
		return ErrNotFound
	}
	return &outbound.StatusError{Who: "the registry", Status: status}
}
