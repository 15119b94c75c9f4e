// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// ClientOptions configure a Client. The zero value suits public registries.
type ClientOptions struct {
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

// Client reads registries. A process has one Client: it keeps connections, the tokens of each Scope, and the
// rate limits of registries. It is safe for concurrent use.
type Client struct {
	clients  *outbound.Clients
	header   http.Header
	tokens   *tokens
	throttle *outbound.Throttle
	pause    time.Duration
	// lacksReferrers holds the origins whose last answer was that they have no referrers API.
	lacksReferrers sync.Map
}

// Target is a repository and the means to read it.
type Target struct {
	// Repository is the host, with a port if it is not the default port of the scheme, and the path.
	Repository string
	// PlainHTTP reads the repository over HTTP only; otherwise the Client reads it over HTTPS only.
	PlainHTTP bool
	// Credentials are offered when the registry asks for them. The zero value is anonymous.
	Credentials Credentials
	// Route holds the user's certificates and proxy.
	Route outbound.Route
	// Scope keeps tenants apart: a token that was fetched under one Scope is never used under another, and a
	// rate limit under one Scope does not stop requests under another. Callers always set Scope: to the
	// namespace and a slash if access is anonymous, and otherwise to a text that also changes with the credentials, such as
	// "namespace/secret/fingerprint".
	Scope string
}

// NewClient returns a Client. It panics on unusable options, because options come from flags.
func NewClient(o ClientOptions) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RetryPause <= 0 {
		o.RetryPause = 100 * time.Millisecond
	}
	throttle := outbound.NewThrottle(o.Now)
	return &Client{
		clients: outbound.NewClients(outbound.Options{
			AllowedHosts: o.AllowedHosts, APIServer: o.APIServer, Throttle: throttle, SlowAfter: o.SlowAfter,
		}),
		header:   http.Header{"User-Agent": {o.UserAgent}},
		tokens:   newTokens(),
		throttle: throttle,
		pause:    o.RetryPause,
	}
}

// Repository returns a Reader of the target. The error matches ErrURL if the target does not name a repository.
// Repository sends no request.
func (c *Client) Repository(t Target) (Reader, error) {
	repository, err := ParseURL(scheme + t.Repository)
	if err != nil {
		return nil, err
	}
	protocol := "https"
	if t.PlainHTTP {
		protocol = "http"
	}
	host, path := endpointOf(repository)
	base := &url.URL{Scheme: protocol, Host: host, Path: "/v2/" + path}
	credential, entry := t.Credentials.forRepository(repository)
	// A token belongs to the scope, the credentials, the protocol and the route of its request.
	tenant := strings.Join([]string{t.Scope, entry, protocol, host, t.Route.Fingerprint()}, "\n")
	return &remote{
		client: c,
		target: t,
		name:   repository,
		host:   host,
		base:   base.String(),
		scope:  auth.ScopeRepository(path, auth.ActionPull),
		origin: outbound.Origin{HostPort: outbound.HostPort(base), Tenant: tenant, PlainHTTP: t.PlainHTTP},
		authorized: &auth.Client{
			Client:     withOneChallenge(c.clients.For(t.Route)),
			Header:     c.header,
			Cache:      c.tokens.of(tenant),
			Credential: auth.StaticCredential(host, credential),
		},
	}, nil
}

// endpointOf returns the host and path to read a repository from: the API of Docker Hub has a different host,
// and its official repositories are under library/.
func endpointOf(repository string) (host, path string) {
	host, path, _ = strings.Cut(repository, "/")
	if !isDockerHub(host) {
		return host, path
	}
	if !strings.Contains(path, "/") {
		path = official + "/" + path
	}
	return "registry-1.docker.io", path
}

func isDockerHub(host string) bool {
	return host == dockerHub || host == "index.docker.io" || host == "registry-1.docker.io"
}
