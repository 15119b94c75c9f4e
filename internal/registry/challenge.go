// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"net/http"
	"regexp"
	"strings"
)

// withOneChallenge returns the client, with at most one challenge in the answers that the caller sees: the
// library that answers challenges looks only at the first.
func withOneChallenge(c *http.Client) *http.Client {
	one := *c
	one.Transport = oneChallenge{c.Transport}
	return &one
}

type oneChallenge struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t oneChallenge) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		if chosen := preferredChallenge(resp.Header.Values(authenticate)); chosen != "" {
			resp.Header.Set(authenticate, chosen)
		}
	}
	return resp, err
}

const authenticate = "Www-Authenticate"

// challenge matches one challenge of RFC 9110 §11.6.1, with parameters or a token68: a scheme, and then texts
// that contain no comma outside of quotes, or that continue with a parameter.
var challenge = regexp.MustCompile(`(?:^|,)\s*([A-Za-z][A-Za-z0-9!#$&'*+.^_|~-]*)(?:[ \t]+((?:[^",]|"(?:\\.|[^"\\])*"|,\s*[A-Za-z0-9_-]+\s*=)*))?`)

// preferredChallenge returns a Bearer challenge, or else a Basic challenge, or else the empty text.
func preferredChallenge(values []string) string {
	byScheme := map[string]string{}
	for _, value := range values {
		for _, found := range challenge.FindAllStringSubmatch(value, -1) {
			scheme := strings.ToLower(found[1])
			if _, ok := byScheme[scheme]; !ok {
				byScheme[scheme] = found[1] + " " + strings.TrimRight(found[2], ", \t")
			}
		}
	}
	for _, scheme := range []string{"bearer", "basic"} {
		if chosen, ok := byScheme[scheme]; ok {
			return strings.TrimSpace(chosen)
		}
	}
	return ""
}
