// SPDX-License-Identifier: Apache-2.0

package download

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// ErrSecret is matched by the errors for unusable credentials. The errors quote nothing from them.
var ErrSecret = errors.New("unusable for reading a web server")

// Entries of Secrets, with Flux's names.
const usernameEntry, passwordEntry, bearerTokenEntry = "username", "password", "bearerToken"

// Credentials are offered to a web server. The zero value offers nothing. Credentials print as nothing, so that
// no log can hold them.
type Credentials struct{ username, password, bearerToken string }

// String hides the credentials.
func (Credentials) String() string { return "credentials" }

// GoString hides the credentials.
func (Credentials) GoString() string { return "credentials" }

// ParseCredentials reads the entries username and password, or bearerToken, of a
// Secret. The error matches ErrSecret.
func ParseCredentials(data map[string][]byte) (Credentials, error) {
	entry := func(name string) string { return strings.TrimRight(string(data[name]), "\r\n") }
	c := Credentials{username: entry(usernameEntry), password: entry(passwordEntry), bearerToken: entry(bearerTokenEntry)}
	basic := c.username != "" || c.password != ""
	switch {
	case basic == (c.bearerToken != ""):
		return Credentials{}, fmt.Errorf("%w: the Secret must have either the entries %s and %s, or %s", ErrSecret, usernameEntry, passwordEntry, bearerTokenEntry)
	case basic && (c.username == "" || strings.Contains(c.username, ":")):
		return Credentials{}, fmt.Errorf("%w: the entry %s is empty, or holds a colon", ErrSecret, usernameEntry)
	case strings.ContainsAny(c.bearerToken, " \t\r\n"):
		return Credentials{}, fmt.Errorf("%w: the entry %s holds white space", ErrSecret, bearerTokenEntry)
	}
	return c, nil
}

// Basic returns a username and a password; without a username, the zero value.
func Basic(username, password string) Credentials {
	if username == "" {
		return Credentials{}
	}
	return Credentials{username: username, password: password}
}

// offer adds the credentials to a request. A redirect to another host drops them.
func (c Credentials) offer(req *http.Request) {
	switch {
	case c.bearerToken != "":
		req.Header.Set("Authorization", "Bearer "+c.bearerToken)
	case c.username != "":
		req.SetBasicAuth(c.username, c.password)
	}
}

// Fingerprint returns a text that is equal only for equal credentials, within one process.
func (c Credentials) Fingerprint() string {
	return outbound.Fingerprint([]byte(c.username), []byte(c.password), []byte(c.bearerToken))
}
