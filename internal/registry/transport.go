package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"
)

const maxRedirects = 5

var (
	errRefused   = errors.New("refused to connect")
	errCleartext = errors.New("refused to speak plain HTTP")
)

// origin is the registry that a request is for, kept in its context.
type origin struct {
	host      string
	plainHTTP bool
}

type originKey struct{}

func withOrigin(ctx context.Context, o origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// transport sends a request to the registry it is for as it is, and one that a
// registry leads to somewhere else, by a redirect or as its token service, only
// to the outside. The two share no connection.
type transport struct{ configured, elsewhere http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	o, _ := req.Context().Value(originKey{}).(origin)
	own := strings.EqualFold(req.URL.Host, o.host)
	if req.URL.Scheme != "https" && (!o.plainHTTP || req.URL.Scheme != "http") {
		return nil, fmt.Errorf("%w to %s", errCleartext, req.URL.Host)
	}
	if own {
		return t.configured.RoundTrip(req)
	}
	return t.elsewhere.RoundTrip(req)
}

func newTransport(o ClientOptions) transport {
	guard := newGuard(o.AllowedHosts)
	roots := rootsOf(o.TLSRoots)
	return transport{
		configured: newHTTPTransport(roots, dialer(nil).DialContext),
		elsewhere:  newHTTPTransport(roots, guard.dial),
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
		ForceAttemptHTTP2:      true,
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

// checkRedirect bounds redirects and takes credentials off those that leave the
// host, which net/http does not for a subdomain (GHSA-vh4v-2xq2-g5cg).
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	if !strings.EqualFold(req.URL.Host, via[0].URL.Host) || req.URL.Scheme != via[0].URL.Scheme {
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	req.Header.Del("Referer")
	return nil
}

// guard refuses connections to internal addresses, whatever name led to them.
type guard struct {
	hosts    map[string]bool
	prefixes []netip.Prefix
}

func newGuard(allowed []string) guard {
	g := guard{hosts: map[string]bool{}}
	for _, a := range append(allowed, proxies()...) {
		if prefix, err := netip.ParsePrefix(a); err == nil {
			g.prefixes = append(g.prefixes, prefix)
			continue
		}
		g.hosts[strings.ToLower(a)] = true
	}
	return g
}

// proxies are the hosts that the environment sends requests through.
func proxies() []string {
	var hosts []string
	config := httpproxy.FromEnvironment()
	for _, p := range []string{config.HTTPProxy, config.HTTPSProxy} {
		if u, err := url.Parse(p); err == nil && u.Host != "" {
			hosts = append(hosts, u.Hostname(), u.Host)
		}
	}
	return hosts
}

// dial connects like a plain dialer, and looks at the address after the name was
// resolved, so that no name can hide it.
func (g guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if g.hosts[strings.ToLower(host)] || g.hosts[strings.ToLower(address)] {
		return dialer(nil).DialContext(ctx, network, address)
	}
	return dialer(func(_, resolved string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(resolved)
		if err != nil || !g.allows(ap.Addr().Unmap()) {
			return fmt.Errorf("%w to %s: it is on an internal network: if the registry may lead there, add it to --allow-internal-hosts", errRefused, host)
		}
		return nil
	}).DialContext(ctx, network, address)
}

func (g guard) allows(a netip.Addr) bool {
	for _, p := range g.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && !carrierGrade.Contains(a)
}

// carrierGrade is RFC 6598's shared address space, used inside clusters and clouds.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")
