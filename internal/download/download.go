// SPDX-License-Identifier: Apache-2.0

// Package download reads small files from the web servers that users name, over HTTPS only and with bounds.
//
// It knows HTTP and the authentication of web servers. It does not know the contents of files, or Kubernetes.
package download

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// Errors that the errors of File match. All errors except ErrNotFound and ErrTooLarge mean that File could not
// find out whether the file exists.
var (
	// ErrNotFound means that the server answered that the file does not exist.
	ErrNotFound = errors.New("not found on the web server")
	// ErrUnauthorized means that the server refused the credentials, or their absence.
	ErrUnauthorized = errors.New("the web server refused access")
	// ErrTooLarge means that the file exceeds its limit; the rest of it was not read.
	ErrTooLarge = errors.New("the file is too large")
	// ErrURL means that the URL cannot be that of a readable file.
	ErrURL = errors.New("not an https URL")
)

// Options configure a Client. The zero value is usable.
type Options struct {
	// UserAgent is sent with every request.
	UserAgent string
	// AllowedHosts and APIServer are those of outbound.Options.
	AllowedHosts, APIServer []string
	// RetryPause is the approximate wait before the first retry after a passing fault; the wait before the last
	// retry is twice as long. 100 ms by default.
	RetryPause time.Duration
	// SlowAfter bounds the wait for the first byte of an answer, and the time in which its body may deliver
	// less than 1 KiB/s; 30 s by default. After that, reads return an error.
	SlowAfter time.Duration
	// Now is the clock; time.Now by default.
	Now func() time.Time
}

// Client reads files. It keeps connections, and the rate limits of servers. It is safe for concurrent use.
type Client struct {
	options  Options
	throttle *outbound.Throttle
	clients  *outbound.Clients
}

// NewClient returns a Client.
func NewClient(o Options) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RetryPause <= 0 {
		o.RetryPause = 100 * time.Millisecond
	}
	throttle := outbound.NewThrottle(o.Now)
	return &Client{options: o, throttle: throttle, clients: outbound.NewClients(outbound.Options{
		AllowedHosts: o.AllowedHosts, APIServer: o.APIServer, Throttle: throttle, SlowAfter: o.SlowAfter,
	})}
}

// Request describes the file to read.
type Request struct {
	// URL of the file, https and without user and password.
	URL string
	// Credentials are offered to the server; the zero value is anonymous.
	Credentials Credentials
	// Trust holds the user's certificates. The user's proxy is that of the context.
	Trust outbound.Trust
	// Scope keeps tenants apart: a rate limit under one Scope does not stop requests under another. Callers set
	// it to the namespace.
	Scope string
	// Limit is the largest size of the file, in bytes.
	Limit int64
}

// File returns a file, which is not nil if the error is nil. Errors are at most 1 KiB long, and hold no
// credential and no query of a URL.
func (c *Client) File(ctx context.Context, r Request) ([]byte, error) {
	where, err := url.Parse(r.URL)
	if err != nil || where.Scheme != "https" || where.Hostname() == "" || where.User != nil {
		return nil, fmt.Errorf("%w: write https://host/path without credentials", ErrURL)
	}
	raw, err := c.read(ctx, where, r)
	var limited *outbound.RateLimitedError
	switch {
	case err == nil:
		return raw, nil
	case errors.As(err, &limited):
		return nil, err
	}
	return nil, outbound.Redacted("read "+Shown(r.URL), err)
}

// Shown returns a URL without its possibly secret parts.
func Shown(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "a malformed URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func (c *Client) read(ctx context.Context, where *url.URL, r Request) ([]byte, error) {
	host := outbound.HostPort(where)
	tenant := strings.Join([]string{r.Scope, host, r.Credentials.fingerprint()}, "\n")
	limited := func() error { return c.throttle.Limited(tenant, where.Host) }
	if err := limited(); err != nil {
		return nil, err
	}
	ctx = outbound.For(ctx, outbound.Origin{HostPort: host, Tenant: tenant})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.options.UserAgent)
	r.Credentials.offer(req)
	client := c.clients.For(outbound.Route{Trust: r.Trust, Proxy: outbound.ProxyOf(ctx)})
	resp, err := outbound.Retry(ctx, c.options.RetryPause, func() (*http.Response, error) {
		resp, err := send(client, req)
		if wait := limited(); err != nil && wait != nil {
			err = wait
		}
		return resp, err
	})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
	return outbound.ReadAll(ctx, resp.Body, r.Limit, ErrTooLarge)
}

// send returns the response if it is 200 OK.
func send(client *http.Client, req *http.Request) (*http.Response, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	_ = resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return nil, ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fmt.Errorf("%w (%s)", ErrUnauthorized, outbound.StatusText(resp.StatusCode))
	}
	return nil, &outbound.StatusError{Who: "the web server", Status: resp.StatusCode}
}
