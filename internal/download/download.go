// SPDX-License-Identifier: Apache-2.0

// Package download reads files from the web servers that users name, with bounds, and over HTTPS unless a request
// allows plain HTTP.
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

// Errors that the errors of File and Open match. All errors except ErrNotFound and ErrTooLarge mean that it could
// not be found out whether the file exists.
var (
	// ErrNotFound means that the server answered that the file does not exist.
	ErrNotFound = errors.New("not found on the web server")
	// ErrUnauthorized means that the server refused the credentials, or their absence.
	ErrUnauthorized = errors.New("the web server refused access")
	// ErrTooLarge means that the file exceeds its limit; the rest of it was not read.
	ErrTooLarge = errors.New("the file is too large")
	// ErrURL means that the URL cannot be that of a readable file.
	ErrURL = errors.New("not the URL of a file on a web server")
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
	// URL of the file, without user and password: https, or http if PlainHTTP is set.
	URL string
	// PlainHTTP allows http URLs.
	PlainHTTP bool
	// NamedBy is the server that named the URL; nil if the user did.
	NamedBy *Server
	// Credentials are offered to the server; the zero value is anonymous.
	Credentials Credentials
	// Known identifies a version of the file that need not be sent again. Only Open uses it.
	Known Validators
	// Gzip allows the server to compress the file on its way. Only Open uses it.
	Gzip bool
	// Trust holds the user's certificates. The user's proxy is that of the context.
	Trust outbound.Trust
	// Scope keeps tenants apart: a rate limit under one Scope does not stop requests under another. Callers set
	// it to the namespace.
	Scope string
	// Limit is the largest size of the file, in bytes, after decompression.
	Limit int64
}

// Server is a web server that the user names, and that names URLs of its own. It decides which hosts may be asked,
// and gets the client certificate of Request.Trust; other hosts do not.
type Server struct {
	// URL on the server.
	URL *url.URL
	// IsInside reports that only hosts on an internal network were asked for the file with the URLs.
	IsInside bool
}

// File returns a file, which is not nil if the error is nil. Errors are at most 1 KiB long, and hold no
// credential and no query of a URL.
func (c *Client) File(ctx context.Context, r Request) ([]byte, error) {
	r.Known, r.Gzip = Validators{}, false
	where, err := r.parsed()
	if err != nil {
		return nil, err
	}
	resp, ctx, err := c.request(ctx, where, r)
	if err != nil {
		return nil, shown(r.URL, err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
	raw, err := outbound.ReadAll(ctx, resp.Body, r.Limit, ErrTooLarge)
	if err != nil {
		return nil, shown(r.URL, err)
	}
	return raw, nil
}

// parsed returns the URL if a file can be read there.
func (r Request) parsed() (*url.URL, error) {
	u, err := url.Parse(r.URL)
	switch {
	case err == nil && u.Hostname() != "" && u.User == nil && (u.Scheme == "https" || r.PlainHTTP && u.Scheme == "http"):
		return u, nil
	case err == nil && u.Scheme == "http":
		return nil, fmt.Errorf("%w: write https://host/path, or set insecure: true", ErrURL)
	}
	return nil, fmt.Errorf("%w: write https://host/path without credentials", ErrURL)
}

// shown returns an error that names the URL, and holds no secret.
func shown(url string, err error) error {
	var limited *outbound.RateLimitedError
	if errors.As(err, &limited) || errors.Is(err, ErrUnchanged) {
		return err
	}
	return outbound.Redacted("read "+Shown(url), err)
}

// Shown returns a URL without its possibly secret parts.
func Shown(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "a malformed URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// request returns the answer 200 OK to a request, and its context.
func (c *Client) request(ctx context.Context, where *url.URL, r Request) (*http.Response, context.Context, error) {
	origin := r.origin(where)
	limited := func() error { return c.throttle.Limited(origin.Tenant, where.Host) }
	if err := limited(); err != nil {
		return nil, nil, err
	}
	ctx = outbound.For(ctx, origin)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", c.options.UserAgent)
	r.Known.ask(req.Header)
	if r.Gzip {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	r.Credentials.offer(req)
	client := c.clients.For(outbound.Route{Trust: r.Trust, Proxy: outbound.ProxyOf(ctx)})
	resp, err := outbound.Retry(ctx, c.options.RetryPause, func() (*http.Response, error) {
		resp, err := send(client, req)
		if wait := limited(); err != nil && wait != nil {
			err = wait
		}
		return resp, err
	})
	return resp, ctx, err // the context also tells about an unchanged file
}

// origin returns the host that decides about the hosts of the request.
func (r Request) origin(where *url.URL) outbound.Origin {
	host, isInside := outbound.HostPort(where), false
	if r.NamedBy != nil {
		host, isInside = outbound.HostPort(r.NamedBy.URL), r.NamedBy.IsInside
	}
	return outbound.Origin{
		HostPort: host, Tenant: strings.Join([]string{r.Scope, host, r.Credentials.Fingerprint()}, "\n"), PlainHTTP: r.PlainHTTP, LedFromInside: isInside,
	}
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
	case http.StatusNotModified:
		if req.Header.Get("If-None-Match")+req.Header.Get("If-Modified-Since") != "" {
			return nil, ErrUnchanged
		}
	case http.StatusNotFound, http.StatusGone:
		return nil, ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fmt.Errorf("%w (%s)", ErrUnauthorized, outbound.StatusText(resp.StatusCode))
	}
	return nil, &outbound.StatusError{Who: "the web server", Status: resp.StatusCode}
}
