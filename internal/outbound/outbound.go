// SPDX-License-Identifier: Apache-2.0

// Package outbound makes the HTTP clients that read from hosts that users name. A request goes to the host that
// a user named; it follows a redirect, or the address of a token service, only if the target is external. A
// request over HTTPS is never continued in cleartext, credentials stay with their host, and a host that asks
// for a pause gets it.
//
// It does not know the content or the meaning of an answer.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	// maxRedirects bounds the redirects that one request follows.
	maxRedirects = 5
	// maxErrorBody is the number of bytes of an error's body that are read, so that the connection can be
	// reused.
	maxErrorBody = 4 << 10
	// maxUnread bounds the bytes of an answer over HTTP/2 that are in memory before they are read.
	maxUnread = 256 << 10
)

var (
	// ErrRefused is matched by the error for a connection to an internal network that no option allows.
	ErrRefused = errors.New("refused to connect")
	// ErrCleartext is matched by the error for plain HTTP that no user asked for.
	ErrCleartext = errors.New("refused to speak plain HTTP")
	errLocation  = errors.New("the redirect leads to no URL")
)

// Options configure a client.
type Options struct {
	// AllowedHosts are host names and CIDRs that redirects may lead to even if they are internal.
	AllowedHosts []string
	// Roots are trusted instead of the system's. Optional.
	Roots *x509.CertPool
	// Certificate is the client certificate for servers that ask for one. Optional.
	Certificate *tls.Certificate
	// Throttle remembers the hosts that asked for a pause. It is required.
	Throttle *Throttle
	// SlowAfter bounds the wait for the first byte of an answer, and the time in which its body may deliver
	// less than 1 KiB/s; 30 s by default. After that, reads return an error.
	SlowAfter time.Duration
}

// Origin is the host that a request was made for, wherever redirects lead.
type Origin struct {
	// HostPort is the host with the port, as HostPort returns it.
	HostPort string
	// Tenant owns the rate limit for the request: it names the host, the credentials, and the namespace on
	// whose behalf the request is made, even if the host needs no credentials.
	Tenant string
	// PlainHTTP allows HTTP.
	PlainHTTP bool
}

type originKey struct{}

// For returns a context for requests to an origin. Without an origin, only HTTPS requests to external hosts are
// possible.
func For(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// NewClient returns a client. It has only the timeouts of its steps: the context of a request bounds the whole.
func NewClient(o Options) *http.Client {
	return &http.Client{Transport: newTransport(o), CheckRedirect: checkRedirect}
}

// transport sends a request to its origin without restrictions, and a request that leads elsewhere only to
// external hosts. The two kinds of requests share no connection.
type transport struct {
	configured, elsewhere http.RoundTripper
	guard                 guard
	throttle              *Throttle
	slowAfter             time.Duration
}

func newTransport(o Options) transport {
	if o.SlowAfter <= 0 {
		o.SlowAfter = defaultSlowAfter
	}
	guard := newGuard(o.AllowedHosts)
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots}
	toOrigin := config.Clone()
	if o.Certificate != nil {
		toOrigin.Certificates = []tls.Certificate{*o.Certificate}
	}
	return transport{
		configured: newHTTPTransport(toOrigin, dialer(nil).DialContext, o.SlowAfter),
		elsewhere:  newHTTPTransport(config, guard.dial, o.SlowAfter),
		guard:      guard,
		throttle:   o.Throttle,
		slowAfter:  o.SlowAfter,
	}
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	o, _ := req.Context().Value(originKey{}).(Origin)
	through, err := t.route(req.URL, o)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	resp, err := pace(through, req, t.slowAfter)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		t.throttle.set(o.Tenant, resp.Header)
	}
	if _, err := url.Parse(resp.Header.Get("Location")); err != nil {
		_ = resp.Body.Close()
		return nil, errLocation
	}
	if resp.StatusCode >= http.StatusBadRequest {
		drain(resp)
	}
	return resp, nil
}

// route returns the transport for a request to u, made for an origin.
func (t transport) route(u *url.URL, o Origin) (http.RoundTripper, error) {
	if u.Scheme != "https" && (!o.PlainHTTP || u.Scheme != "http") {
		return nil, fmt.Errorf("%w to %s", ErrCleartext, u.Host)
	}
	if HostPort(u) == o.HostPort {
		return t.configured, nil
	}
	return t.elsewhere, t.guard.check(u)
}

// drain reads and discards a small error body, so that the connection can be reused. It does not read a larger
// body to its end.
func drain(resp *http.Response) {
	if resp.ContentLength > 0 && resp.ContentLength <= maxErrorBody {
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	_ = resp.Body.Close()
	resp.Body = http.NoBody
}

// HostPort returns the host of a URL with the port, in a canonical form.
func HostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func newHTTPTransport(config *tls.Config, dial func(context.Context, string, string) (net.Conn, error), slowAfter time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		DisableCompression:     true, // digests are of the stored bytes
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, MaxReceiveBufferPerStream: maxUnread},
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  slowAfter,
		MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig:        config,
	}
}

func dialer(control func(network, address string, c syscall.RawConn) error) *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: control}
}

// checkRedirect bounds redirects, refuses redirects from HTTPS to HTTP, and removes credentials from requests
// to another host, which net/http does not do for a subdomain or another port (GHSA-vh4v-2xq2-g5cg,
// CVE-2021-32690).
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("%w to %s", ErrCleartext, req.URL.Host)
	}
	if HostPort(req.URL) != HostPort(via[0].URL) || req.URL.Scheme != via[0].URL.Scheme {
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	req.Header.Del("Referer")
	return nil
}
