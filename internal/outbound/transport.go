// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	// MaxErrorBody is the number of bytes of an error's body that a caller can read.
	MaxErrorBody = 8 << 10
	// maxUnread bounds the bytes of an answer over HTTP/2 that are in memory before they are read.
	maxUnread = 256 << 10
)

// transport sends the requests of one Route. The three kinds of requests share no connection.
type transport struct {
	toOrigin    http.RoundTripper // to the host that the request is made for
	fromOutside http.RoundTripper // to a host that a request leads to
	fromInside  http.RoundTripper // the same, if all hosts before it are internal
	guard       guard
	proxy       Proxy
	throttle    *Throttle
	slowAfter   time.Duration
	// administered means that addresses of origins are not checked.
	administered bool
}

func newTransport(o Options, g guard, r Route) *transport {
	t := &transport{guard: g, proxy: r.Proxy, throttle: o.Throttle, slowAfter: o.SlowAfter, administered: o.Administered}
	d := dialer{guard: g, tenantsProxy: r.Proxy.url != nil, proxyTLS: r.Trust.config()}
	toOrigin, inside, outside := d, d, d
	toOrigin.mayLeadInside, toOrigin.unchecked = true, o.Administered
	inside.mayLeadInside = true
	t.toOrigin = newHTTPTransport(r.Trust.configForOrigin(), toOrigin.dial, o.SlowAfter)
	t.fromInside = newHTTPTransport(r.Trust.config(), inside.dial, o.SlowAfter)
	t.fromOutside = newHTTPTransport(r.Trust.config(), outside.dial, o.SlowAfter)
	return t
}

// CloseIdleConnections implements the interface that http.Client looks for.
func (t *transport) CloseIdleConnections() {
	for _, pool := range []http.RoundTripper{t.toOrigin, t.fromInside, t.fromOutside} {
		if closer, ok := pool.(*http.Transport); ok {
			closer.CloseIdleConnections()
		}
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.send(req, visitOf(req.Context()))
	if err != nil && req.Body != nil {
		_ = req.Body.Close()
	}
	return resp, err
}

func (t *transport) send(req *http.Request, v *visit) (*http.Response, error) {
	pool, err := t.route(req.URL, v)
	if err != nil {
		return nil, err
	}
	pausing := pauseKey(req, v)
	if err := t.throttle.Limited(pausing, req.URL.Host); err != nil && pausing != v.Tenant {
		return nil, err
	}
	resp, err := t.exchange(req, pool, v)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests && pausing != "" {
		t.throttle.set(pausing, resp.Header)
	}
	if _, err := url.Parse(resp.Header.Get("Location")); err != nil {
		_ = resp.Body.Close()
		return nil, errLocation
	}
	if resp.StatusCode >= http.StatusBadRequest {
		shorten(resp)
	}
	return resp, nil
}

// exchange sends a request through its proxy, if it has one, and paces the answer.
func (t *transport) exchange(req *http.Request, pool http.RoundTripper, v *visit) (*http.Response, error) {
	proxy, err := t.proxy.of(req)
	if err != nil {
		return nil, err
	}
	resp, err := pace(pool, req.WithContext(v.observe(throughProxy(req.Context(), proxy), req.URL)), t.slowAfter)
	if err == nil && resp.StatusCode == http.StatusProxyAuthRequired && proxy != nil {
		_ = resp.Body.Close()
		resp, err = nil, ErrProxyPassword
	}
	if err != nil && v.asked.Load() {
		err = fmt.Errorf("%w: %w", errNoCertificate, err)
	}
	return resp, through(proxy, err)
}

// route returns the pool of connections for a request to u.
func (t *transport) route(u *url.URL, v *visit) (http.RoundTripper, error) {
	if u.Scheme != "https" && (!v.PlainHTTP || u.Scheme != "http") {
		return nil, fmt.Errorf("%w to %s", ErrCleartext, u.Host)
	}
	switch {
	case HostPort(u) == v.HostPort && t.administered:
		return t.toOrigin, nil
	case HostPort(u) == v.HostPort:
		return t.toOrigin, t.guard.check(u, true)
	case v.inside.Load():
		return t.fromInside, t.guard.check(u, true)
	}
	return t.fromOutside, t.guard.check(u, false)
}

// pauseKey returns the owner of the pause that the host of a request may ask for: the tenant, at the origin or
// at its token service. It is empty for the target of a redirect, which gets no pause: whoever redirects chooses
// the host, and must not be able to stop the requests of others.
func pauseKey(req *http.Request, v *visit) string {
	hostPort := HostPort(req.URL)
	switch {
	case hostPort == v.HostPort:
		return v.Tenant
	case req.Response != nil:
		return ""
	}
	return v.Tenant + "\n" + hostPort
}

// observe returns a context for a request to u that records in the visit whether the request stays inside.
func (v *visit) observe(ctx context.Context, u *url.URL) context.Context {
	first, proxy := HostPort(u) == v.HostPort, chosenFor(ctx)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		isInside := false
		if remote, err := netip.ParseAddrPort(info.Conn.RemoteAddr().String()); err == nil && proxy == nil {
			p, _ := placeOf(plain(remote.Addr()))
			isInside = p == inside
		}
		v.inside.Store(isInside && (first || v.inside.Load()))
	}})
}

// shorten replaces the body of an error by its first bytes, and frees the connection. It drops a body that is
// announced to be larger.
func shorten(resp *http.Response) {
	var raw []byte
	if resp.ContentLength <= MaxErrorBody {
		raw, _ = io.ReadAll(io.LimitReader(resp.Body, MaxErrorBody))
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(raw))
}

type proxyKey struct{}

// throughProxy returns a context for requests that go through the proxy, or through none.
func throughProxy(ctx context.Context, proxy *url.URL) context.Context {
	return context.WithValue(ctx, proxyKey{}, proxy)
}

func chosenFor(ctx context.Context) *url.URL {
	proxy, _ := ctx.Value(proxyKey{}).(*url.URL)
	return proxy
}

// chosenProxy returns the proxy of the request's context. A proxy that speaks TLS looks like one that does not:
// dial makes the TLS connection, so that the proxy never sees the client certificate for the origin.
func chosenProxy(req *http.Request) (*url.URL, error) {
	proxy := chosenFor(req.Context())
	if proxy == nil || proxy.Scheme != "https" {
		return proxy, nil
	}
	return &url.URL{Scheme: "http", User: proxy.User, Host: HostPort(proxy)}, nil
}

// dialer connects to hosts and to proxies.
type dialer struct {
	guard         guard
	mayLeadInside bool
	// unchecked leaves out the check of addresses.
	unchecked bool
	// tenantsProxy means that a tenant, and not the administrator, named the proxies.
	tenantsProxy bool
	// proxyTLS is for proxies that speak TLS.
	proxyTLS *tls.Config
}

// dial connects to the address of a host or, if the context has a proxy, of that proxy.
func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	proxy := chosenFor(ctx)
	switch {
	case proxy == nil && d.unchecked, proxy != nil && !d.tenantsProxy:
		return d.secure(ctx, proxy)(connect(ctx, network, address, nil))
	case proxy != nil:
		return d.secure(ctx, proxy)(d.checked(ctx, network, address, true))
	}
	return d.checked(ctx, network, address, d.mayLeadInside)
}

// checked connects after a check of the resolved address, so that no name can hide it.
func (d dialer) checked(ctx context.Context, network, address string, mayLeadInside bool) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if d.guard.lists(host, address) {
		return connect(ctx, network, address, nil)
	}
	return connect(ctx, network, address, func(_, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return errors.Join(ErrRefused, err)
		}
		return d.guard.refuses(host, to, mayLeadInside)
	})
}

// secure returns a function that adds TLS to a connection to a proxy that speaks it.
func (d dialer) secure(ctx context.Context, proxy *url.URL) func(net.Conn, error) (net.Conn, error) {
	return func(conn net.Conn, err error) (net.Conn, error) {
		if err != nil || proxy == nil || proxy.Scheme != "https" {
			return conn, err
		}
		config := d.proxyTLS.Clone()
		config.ServerName = proxy.Hostname()
		secured := tls.Client(conn, config)
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return secured, nil
	}
}

func connect(ctx context.Context, network, address string, control func(network, address string, c syscall.RawConn) error) (net.Conn, error) {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: control}
	return d.DialContext(ctx, network, address)
}

// handshakeTimeout bounds a TLS handshake.
const handshakeTimeout = 10 * time.Second

func newHTTPTransport(config *tls.Config, dial func(context.Context, string, string) (net.Conn, error), slowAfter time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                  chosenProxy,
		OnProxyConnectResponse: onConnect,
		DialContext:            dial,
		DisableCompression:     true, // digests are of the stored bytes
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, MaxReceiveBufferPerStream: maxUnread},
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  slowAfter,
		MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig:        config,
	}
}
