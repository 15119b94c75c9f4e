// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// ClientOptions say how a Client behaves. The zero value is good for public registries.
type ClientOptions struct {
	// UserAgent of every request.
	UserAgent string
	// AllowedHosts are host names and CIDRs that registries may redirect to, or
	// name as their token service, though they resolve to an internal address.
	AllowedHosts []string
	// TLSRoots is a PEM bundle of certificate authorities to trust instead of the system's. Optional.
	TLSRoots []byte
	// RetryPause is about how long to wait before a request is tried again after a
	// passing fault, and twice that before the last time; 100 ms by default.
	RetryPause time.Duration
	// SlowAfter is how long an answer may keep its first byte waiting, or its body
	// deliver less than 1 KiB/s; 30 s by default. Then reading it ends with an error.
	SlowAfter time.Duration
	// Now is the clock; time.Now by default.
	Now func() time.Time
}

// Client reads registries. There is one for a process: it keeps connections, the
// tokens of each Scope, and how long which registry wants to be left alone. It
// is safe for concurrent use.
type Client struct {
	http     *http.Client
	header   http.Header
	tokens   *tokens
	throttle *outbound.Throttle
	pause    time.Duration
	// lacksReferrers has the origins whose last answer was that there is no referrers API.
	lacksReferrers sync.Map
}

// Target is a repository and how it may be read.
type Target struct {
	// Repository is the host, with a port if it is not the scheme's, and the path.
	Repository string
	// PlainHTTP reads it over HTTP; otherwise HTTPS, never one for the other.
	PlainHTTP bool
	// Credentials to offer when the registry asks for them. The zero value is anonymous.
	Credentials Credentials
	// Scope keeps tenants apart: a token that was got under one Scope is used under no
	// other, and a registry that limits the rate of one Scope is still asked under
	// another. Callers always set it: to the namespace if access is anonymous, and to
	// what also changes with the credentials, such as
	// "namespace/secret@resourceVersion", if it is not.
	Scope string
}

// NewClient returns a Client. It panics on options that cannot be used, which come from flags.
func NewClient(o ClientOptions) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RetryPause <= 0 {
		o.RetryPause = 100 * time.Millisecond
	}
	throttle := outbound.NewThrottle(o.Now)
	return &Client{
		http: outbound.NewClient(outbound.Options{
			AllowedHosts: o.AllowedHosts, Roots: rootsOf(o.TLSRoots), Throttle: throttle, SlowAfter: o.SlowAfter,
		}),
		header:   http.Header{"User-Agent": {o.UserAgent}},
		tokens:   newTokens(),
		throttle: throttle,
		pause:    o.RetryPause,
	}
}

// Repository returns a Reader of the target. The error matches ErrURL where its
// name is not that of a repository. Nothing is asked of the registry yet.
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
	// A token belongs to who asked, with which credentials, over which protocol.
	tenant := strings.Join([]string{t.Scope, entry, protocol, host}, "\n")
	return &remote{
		client: c,
		target: t,
		name:   repository,
		host:   host,
		base:   base.String(),
		scope:  auth.ScopeRepository(path, auth.ActionPull),
		origin: outbound.Origin{HostPort: outbound.HostPort(base), Tenant: tenant, PlainHTTP: t.PlainHTTP},
		authorized: &auth.Client{
			Client:     c.http,
			Header:     c.header,
			Cache:      c.tokens.of(tenant),
			Credential: auth.StaticCredential(host, credential),
		},
	}, nil
}

// endpointOf returns where a repository is read: Docker Hub's API has another
// host than its name, and its official repositories are under library/.
func endpointOf(repository string) (host, path string) {
	host, path, _ = strings.Cut(repository, "/")
	if !isDockerHub(host) {
		return host, path
	}
	if !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return "registry-1.docker.io", path
}

func isDockerHub(host string) bool {
	return host == dockerHub || host == "index.docker.io" || host == "registry-1.docker.io"
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
