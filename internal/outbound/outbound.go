// SPDX-License-Identifier: Apache-2.0

// Package outbound makes the HTTP clients that read what users name: a request
// goes to the host that a user named, and to wherever that host leads, by a
// redirect or as its token service, only if that is on the outside. Nothing that
// was asked for over HTTPS is read in clear, credentials stay with their host, and
// who wants to be left alone for a while is.
//
// It does not know what is read, nor what an answer means.
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
	// maxErrorBody is how much of an error's body is read, to be able to use the connection again.
	maxErrorBody = 4 << 10
	// maxUnread bounds what an answer over HTTP/2 has in memory before it is read, in bytes.
	maxUnread = 256 << 10
)

var (
	// ErrRefused is matched by the error for a connection to an internal network that nobody allowed.
	ErrRefused = errors.New("refused to connect")
	// ErrCleartext is matched by the error for plain HTTP if nobody asked for it.
	ErrCleartext = errors.New("refused to speak plain HTTP")
	errLocation  = errors.New("a redirect to what is not a URL")
)

// Options say how a client behaves.
type Options struct {
	// AllowedHosts are host names and CIDRs that may be led to though they are internal.
	AllowedHosts []string
	// Roots to trust instead of the system's. Optional.
	Roots *x509.CertPool
	// Certificate to show to whoever asks for one. Optional.
	Certificate *tls.Certificate
	// Throttle remembers who wants to be left alone. It is required.
	Throttle *Throttle
	// SlowAfter is how long an answer may keep its first byte waiting, or its body
	// deliver less than 1 KiB/s; 30 s by default. Then reading it ends with an error.
	SlowAfter time.Duration
}

// Origin is whom a request is for, whatever it leads to.
type Origin struct {
	// HostPort is the host with the port, as HostPort returns it.
	HostPort string
	// Tenant is whose rate limit it counts for: the host, the credentials, and the
	// namespace on whose behalf it is asked, even if nobody needs credentials.
	Tenant string
	// PlainHTTP allows HTTP.
	PlainHTTP bool
}

type originKey struct{}

// For returns a context for requests to an origin. Without one only HTTPS to the outside is possible.
func For(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// NewClient returns a client. It has no timeout but those of its steps: the context of a request bounds the whole.
func NewClient(o Options) *http.Client {
	return &http.Client{Transport: newTransport(o), CheckRedirect: checkRedirect}
}

// transport sends a request to the origin it is for as it is, and one that leads
// to somewhere else only to the outside. The two share no connection.
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

// route returns what a request to u is sent through, for an origin's sake.
func (t transport) route(u *url.URL, o Origin) (http.RoundTripper, error) {
	if u.Scheme != "https" && (!o.PlainHTTP || u.Scheme != "http") {
		return nil, fmt.Errorf("%w to %s", ErrCleartext, u.Host)
	}
	if HostPort(u) == o.HostPort {
		return t.configured, nil
	}
	return t.elsewhere, t.guard.check(u)
}

// drain reads what little an error says, so that the connection can be used
// again, and forgets it. More than a little is not read.
func drain(resp *http.Response) {
	if resp.ContentLength > 0 && resp.ContentLength <= maxErrorBody {
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	_ = resp.Body.Close()
	resp.Body = http.NoBody
}

// HostPort returns the host of a URL in one form, with the port.
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
		DisableCompression:     true, // a digest is of the bytes as they are stored
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

// checkRedirect bounds redirects, never goes from HTTPS to HTTP, and takes
// credentials off those that leave the host, which net/http does not for a
// subdomain or another port (GHSA-vh4v-2xq2-g5cg, CVE-2021-32690).
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
