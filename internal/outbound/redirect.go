// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"fmt"
	"net/http"
)

// maxRedirects bounds the redirects that one request follows.
const maxRedirects = 5

// checkRedirect bounds redirects, refuses redirects from HTTPS to HTTP, and removes credentials from requests
// to another host, which net/http does not do for a subdomain or another port (GHSA-vh4v-2xq2-g5cg,
// CVE-2021-32690).
func checkRedirect(req *http.Request, via []*http.Request) error {
	v := visitOf(req.Context())
	switch {
	case v.NoOtherHost && HostPort(req.URL) != v.HostPort:
		return http.ErrUseLastResponse
	case len(via) > maxRedirects:
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	case via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("%w to %s, where %s redirects: give it TLS, or disable the redirects of the registry's storage",
			ErrCleartext, req.URL.Host, via[len(via)-1].URL.Host)
	}
	if HostPort(req.URL) != HostPort(via[0].URL) || req.URL.Scheme != via[0].URL.Scheme {
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	req.Header.Del("Referer")
	return nil
}
