// SPDX-License-Identifier: Apache-2.0

// Package outbound makes the HTTP clients that read from hosts that users name. A request goes to the host that
// a user named; a redirect, or the address of a token service, is followed to external hosts, and from a host on
// an internal network also to other hosts there. No request goes to an address that no user may name. A request
// over HTTPS is never continued in cleartext, credentials and client certificates stay with their host, and a
// host that asks for a pause gets it.
//
// It does not know the content or the meaning of an answer.
package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

var (
	// ErrRefused is matched by the error for a connection to an address that neither the rules nor an option
	// allow.
	ErrRefused = errors.New("refused to connect")
	// ErrCleartext is matched by the error for plain HTTP that no user asked for.
	ErrCleartext = errors.New("refused to speak plain HTTP")
	errLocation  = errors.New("the redirect leads to no URL")
)

// maxRoutes bounds the Routes whose connections are kept.
const maxRoutes = 128

// Options configure Clients.
type Options struct {
	// AllowedHosts are host names with or without a port, "*.suffix" for all names below a domain, and CIDRs,
	// to which requests may go although their addresses are refused otherwise.
	AllowedHosts []string
	// APIServer lists addresses of the Kubernetes API server, as host:port. Requests to them are refused.
	APIServer []string
	// Administered means that the administrator named the origins of requests. Their addresses are not checked.
	Administered bool
	// Throttle remembers the hosts that asked for a pause. It is required.
	Throttle *Throttle
	// SlowAfter bounds the wait for the first byte of an answer, and the time in which its body may deliver
	// less than 1 KiB/s; 30 s by default. After that, reads return an error.
	SlowAfter time.Duration
}

// Route holds the settings of a user for connections. Requests with different Routes share no connection. The
// zero value trusts the system's certificate authorities and leaves proxies to the environment.
type Route struct {
	Trust Trust
	Proxy Proxy
}

// Fingerprint returns a text that is equal only for equal Routes. It holds no secret.
func (r Route) Fingerprint() string { return r.Trust.fingerprint + r.Proxy.fingerprint }

// Clients makes HTTP clients, and keeps the connections of each Route. It is safe for concurrent use.
type Clients struct {
	options Options
	guard   guard
	byRoute *lru.Cache[string, *http.Client]
}

// NewClients returns Clients.
func NewClients(o Options) *Clients {
	if o.SlowAfter <= 0 {
		o.SlowAfter = defaultSlowAfter
	}
	byRoute, err := lru.NewWithEvict(maxRoutes, func(_ string, c *http.Client) { c.CloseIdleConnections() })
	if err != nil {
		panic(err)
	}
	return &Clients{options: o, guard: newGuard(o.AllowedHosts, o.APIServer), byRoute: byRoute}
}

// For returns the client for a Route. It has only the timeouts of its steps: the context of a request bounds
// the whole.
func (c *Clients) For(r Route) *http.Client {
	key := r.Fingerprint()
	if client, ok := c.byRoute.Get(key); ok {
		return client
	}
	client := &http.Client{Transport: newTransport(c.options, c.guard, r), CheckRedirect: checkRedirect}
	c.byRoute.Add(key, client)
	return client
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
	// NoOtherHost ends a request with the answer that redirects it to another host.
	NoOtherHost bool
	// LedFromInside means that a host on an internal network named the URL of the request.
	LedFromInside bool
}

// visit is a request on its way, redirects and requests for tokens included.
type visit struct {
	Origin
	// inside reports whether every host that answered so far has an internal address, and was reached without a
	// proxy. A host may then lead to other internal addresses.
	inside atomic.Bool
	// asked reports whether a server asked for a client certificate, and there was none.
	asked atomic.Bool
}

type visitKey struct{}

// For returns a context for one request to an origin. Without an origin, only HTTPS requests to external hosts
// are possible.
func For(ctx context.Context, o Origin) context.Context {
	v := &visit{Origin: o}
	v.inside.Store(o.LedFromInside)
	return context.WithValue(ctx, visitKey{}, v)
}

// visitOf returns the visit of a context; without one, of no origin.
func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// StayedInside reports whether all hosts that answered the request of a context made by For are on an internal
// network, and were reached without a proxy.
func StayedInside(ctx context.Context) bool { return visitOf(ctx).inside.Load() }

// HostPort returns the host of a URL with the port, in a canonical form.
func HostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
