package registry

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// maxScopes bounds the token caches that are kept.
const maxScopes = 1024

// ClientOptions say how a Client behaves. The zero value is good for public registries.
type ClientOptions struct {
	// UserAgent of every request.
	UserAgent string
	// AllowedHosts are host names and CIDRs that registries may redirect to, or
	// name as their token service, though they resolve to an internal address.
	AllowedHosts []string
	// TLSRoots is a PEM bundle of certificate authorities to trust instead of the system's. Optional.
	TLSRoots []byte
	// Now is the clock; time.Now by default.
	Now func() time.Time
}

// Client reads registries. There is one for a process: it keeps connections, the
// tokens of each Scope, and how long which registry wants to be left alone. It
// is safe for concurrent use.
type Client struct {
	http      *http.Client
	header    http.Header
	now       func() time.Time
	tokens    *lru.Cache[string, auth.Cache]
	throttled *throttle
}

// Target is a repository and how it may be read.
type Target struct {
	// Repository is the host, with a port where it is not the scheme's, and the path.
	Repository string
	// PlainHTTP reads it over HTTP; otherwise HTTPS, never one for the other.
	PlainHTTP bool
	// Credentials to offer when the registry asks for them. The zero value is anonymous.
	Credentials Credentials
	// Scope keeps tokens apart: those that were got under one Scope are used under no
	// other. It has to change with the credentials, as "namespace/secret@resourceVersion" does.
	Scope string
}

// NewClient returns a Client. It panics on options that cannot be used, which come from flags.
func NewClient(o ClientOptions) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	tokens, err := lru.New[string, auth.Cache](maxScopes)
	if err != nil {
		panic(err)
	}
	return &Client{
		http:      &http.Client{Transport: newTransport(o), CheckRedirect: checkRedirect},
		header:    http.Header{"User-Agent": {o.UserAgent}},
		now:       o.Now,
		tokens:    tokens,
		throttled: newThrottle(o.Now),
	}
}

// Repository returns a Reader of the target. The error matches ErrURL where its
// name is not that of a repository. Nothing is asked of the registry yet.
func (c *Client) Repository(t Target) (Reader, error) {
	repository, err := ParseURL(scheme + t.Repository)
	if err != nil {
		return nil, err
	}
	host, path, _ := strings.Cut(repository, "/")
	base := "https://"
	if t.PlainHTTP {
		base = "http://"
	}
	endpoint, path := endpointOf(host, path)
	return &remote{
		client:     c,
		name:       repository,
		host:       endpoint,
		base:       base + endpoint + "/v2/" + path,
		scope:      auth.ScopeRepository(path, auth.ActionPull),
		tenant:     t.Scope + "\n" + endpoint,
		plainHTTP:  t.PlainHTTP,
		authorized: c.authorized(t, host, endpoint),
	}, nil
}

// authorized returns a client that answers challenges with the target's
// credentials, and keeps the tokens it gets under the target's scope. It asks
// for nothing before it is challenged.
func (c *Client) authorized(t Target, host, endpoint string) *auth.Client {
	key := t.Scope + "\n" + endpoint
	tokens, ok := c.tokens.Get(key)
	if !ok {
		tokens = auth.NewCache()
		c.tokens.Add(key, tokens)
	}
	return &auth.Client{
		Client: c.http,
		Header: c.header,
		Cache:  tokens,
		Credential: func(_ context.Context, asked string) (auth.Credential, error) {
			if asked != endpoint {
				return auth.EmptyCredential, nil
			}
			return t.Credentials.forHost(host), nil
		},
	}
}

// endpointOf returns where a repository is read: Docker Hub's API has another
// host than its name, and its official repositories are under library/.
func endpointOf(host, path string) (endpoint, repository string) {
	if !isDockerHub(host) {
		return host, path
	}
	if !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return "registry-1.docker.io", path
}

func isDockerHub(host string) bool {
	return host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io"
}

// RateLimitedError says that the registry wants to be left alone for a while.
type RateLimitedError struct {
	// RetryAfter is how long, at most an hour.
	RetryAfter time.Duration
	host       string
}

// Error names the registry.
func (e *RateLimitedError) Error() string {
	return fmt.Sprintf("registry %s limits the rate of requests: it is asked again in %s", e.host, e.RetryAfter.Round(time.Second))
}
