// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxProxyAddress bounds the address of a proxy, in bytes.
const maxProxyAddress = 2048

// Proxy is a proxy that a user named. The zero value leaves the choice to the environment. Proxy prints as
// nothing, so that no log can hold its password.
type Proxy struct {
	url         *url.URL
	fingerprint string
}

// String hides the password.
func (Proxy) String() string { return "proxy" }

// GoString hides the password.
func (Proxy) GoString() string { return "proxy" }

// ParseProxy reads the entries address (an http, https or socks5 URL), username and password of a Secret. The
// error matches ErrSecret.
func ParseProxy(data map[string][]byte) (Proxy, error) {
	entry := func(name string) string { return strings.TrimRight(string(data[name]), "\r\n") }
	u, err := parseProxyAddress(entry("address"))
	if err != nil {
		return Proxy{}, err
	}
	if username := entry("username"); username != "" {
		u.User = url.UserPassword(username, entry("password"))
	} else if entry("password") != "" {
		return Proxy{}, fmt.Errorf("%w: the Secret has an entry password and no username", ErrSecret)
	}
	return Proxy{url: u, fingerprint: Fingerprint([]byte(u.String()))}, nil
}

// proxySchemes are the protocols of proxies.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

func parseProxyAddress(address string) (*url.URL, error) {
	if address == "" {
		return nil, fmt.Errorf("%w: the Secret has no entry address", ErrSecret)
	}
	u, err := url.Parse(address)
	if len(address) > maxProxyAddress || err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return nil, fmt.Errorf("%w: the entry address is not the URL of a proxy, such as http://proxy.example:3128", ErrSecret)
	}
	if !slices.Contains(proxySchemes, u.Scheme) {
		return nil, fmt.Errorf("%w: the entry address is not an http, https or socks5 URL", ErrSecret)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, User: u.User}, nil
}

// URL returns the URL of the proxy with its password, or nil for the zero value. It must not be printed.
func (p Proxy) URL() *url.URL { return p.url }

type userProxyKey struct{}

// WithProxy returns a context for requests on behalf of a user who named the proxy.
func WithProxy(ctx context.Context, p Proxy) context.Context {
	return context.WithValue(ctx, userProxyKey{}, p)
}

// ProxyOf returns the proxy of a context made by WithProxy; otherwise the zero value.
func ProxyOf(ctx context.Context) Proxy {
	p, _ := ctx.Value(userProxyKey{}).(Proxy)
	return p
}

// of returns the proxy for a request: the user's, or else that of the environment; nil if there is none.
func (p Proxy) of(req *http.Request) (*url.URL, error) {
	if p.url != nil {
		return p.url, nil
	}
	return http.ProxyFromEnvironment(req)
}

// ErrProxyPassword is matched by the error for a proxy that refuses the username and password of a request, or their
// absence.
var ErrProxyPassword = errors.New("the proxy refused the username and password")

// onConnect is called with the answer of an HTTP proxy to CONNECT. Some proxies, such as tinyproxy, answer a wrong
// password with 401.
func onConnect(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusProxyAuthRequired || answer.StatusCode == http.StatusUnauthorized {
		return ErrProxyPassword
	}
	return nil
}

// isSOCKSPassword reports whether an error of net/http is that of a SOCKS proxy that refuses the password.
func isSOCKSPassword(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "socks connect" {
		return false
	}
	text := op.Err.Error()
	return strings.HasSuffix(text, "authentication failed") || strings.HasSuffix(text, "no acceptable authentication methods")
}

// ProxyError is a failed request that went through a proxy.
type ProxyError struct {
	// Host of the proxy.
	Host string
	err  error
}

// Error names the proxy's host.
func (e *ProxyError) Error() string { return fmt.Sprintf("through proxy %s: %v", e.Host, e.err) }

// Unwrap returns the fault.
func (e *ProxyError) Unwrap() error { return e.err }

// through returns the error of a request that went through a proxy, if there is one.
func through(proxy *url.URL, err error) error {
	if err == nil || proxy == nil {
		return err
	}
	if isSOCKSPassword(err) {
		err = fmt.Errorf("%w: %w", ErrProxyPassword, err)
	}
	return &ProxyError{Host: proxy.Host, err: err}
}
