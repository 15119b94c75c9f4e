package registry

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
)

var (
	errRefused   = errors.New("refused to connect")
	errCleartext = errors.New("refused to speak plain HTTP")
)

// origin is the registry that a request is for, kept in its context.
type origin struct {
	hostPort  string
	tenant    string // whose tokens and rate limit it has
	plainHTTP bool
}

type originKey struct{}

func withOrigin(ctx context.Context, o origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// transport sends a request to the registry it is for as it is, and one that a
// registry leads to somewhere else, by a redirect or as its token service, only
// to the outside. The two share no connection.
type transport struct {
	configured, elsewhere http.RoundTripper
	guard                 guard
	throttled             *throttle
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	o, _ := req.Context().Value(originKey{}).(origin)
	through, err := t.route(req.URL, o)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	resp, err := through.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		t.throttled.set(o.tenant, resp.Header)
	}
	if _, err := url.Parse(resp.Header.Get("Location")); err != nil {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%w: a redirect to what is not a URL", ErrMalformed)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		settle(resp)
	}
	return resp, nil
}

// route returns what a request to u is sent through, for a registry's sake.
func (t transport) route(u *url.URL, o origin) (http.RoundTripper, error) {
	if u.Scheme != "https" && (!o.plainHTTP || u.Scheme != "http") {
		return nil, fmt.Errorf("%w to %s", errCleartext, u.Host)
	}
	if hostPort(u) == o.hostPort {
		return t.configured, nil
	}
	return t.elsewhere, t.guard.check(u)
}

// settle reads what little an error says, so that the connection can be used
// again, and forgets it. More than a little is not read.
func settle(resp *http.Response) {
	if resp.ContentLength > 0 && resp.ContentLength <= maxErrorBody {
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	_ = resp.Body.Close()
	resp.Body = http.NoBody
}

// hostPort returns the host of a URL in one form, with the port.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func newTransport(o ClientOptions, throttled *throttle) transport {
	guard := newGuard(o.AllowedHosts)
	roots := rootsOf(o.TLSRoots)
	return transport{
		configured: newHTTPTransport(roots, dialer(nil).DialContext),
		elsewhere:  newHTTPTransport(roots, guard.dial),
		guard:      guard,
		throttled:  throttled,
	}
}

func rootsOf(bundle []byte) *x509.CertPool {
	if len(bundle) == 0 {
		return nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		panic("registry: ClientOptions.TLSRoots holds no certificate")
	}
	return roots
}

func newHTTPTransport(roots *x509.CertPool, dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		DisableCompression:     true, // a digest is of the bytes as they are stored
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
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
		return fmt.Errorf("%w to %s", errCleartext, req.URL.Host)
	}
	if hostPort(req.URL) != hostPort(via[0].URL) || req.URL.Scheme != via[0].URL.Scheme {
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	req.Header.Del("Referer")
	return nil
}
