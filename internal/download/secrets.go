// SPDX-License-Identifier: Apache-2.0

package download

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrSecret is matched by the errors for unusable credentials and certificates. The errors quote nothing from
// them.
var ErrSecret = errors.New("unusable for reading a web server")

// Entries of Secrets, with Flux's names.
const (
	usernameEntry, passwordEntry, bearerTokenEntry = "username", "password", "bearerToken"
	authoritiesEntry, certificateEntry, keyEntry   = "ca.crt", "tls.crt", "tls.key"
)

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

// offer adds the credentials to a request. A redirect to another host drops them.
func (c Credentials) offer(req *http.Request) {
	switch {
	case c.bearerToken != "":
		req.Header.Set("Authorization", "Bearer "+c.bearerToken)
	case c.username != "":
		req.SetBasicAuth(c.username, c.password)
	}
}

// fingerprint is equal only for equal credentials.
func (c Credentials) fingerprint() string {
	return fingerprint([]byte(c.username), []byte(c.password), []byte(c.bearerToken))
}

// Trust holds the certificate authorities to trust, and the client certificate to present. The zero value
// trusts the system's authorities and presents no certificate.
type Trust struct {
	roots       *x509.CertPool
	certificate *tls.Certificate
	fingerprint string
}

// ParseTrust reads the entries ca.crt, with one or more PEM certificates, and tls.crt with tls.key, of a
// Secret. At least one of the two must be present. The error matches ErrSecret.
func ParseTrust(data map[string][]byte) (Trust, error) {
	authorities, certificate, key := data[authoritiesEntry], data[certificateEntry], data[keyEntry]
	t := Trust{fingerprint: fingerprint(authorities, certificate, key)}
	if len(authorities) == 0 && len(certificate) == 0 {
		return Trust{}, fmt.Errorf("%w: the Secret has neither an entry %s nor %s", ErrSecret, authoritiesEntry, certificateEntry)
	}
	if len(authorities) > 0 {
		t.roots = x509.NewCertPool()
		if !t.roots.AppendCertsFromPEM(authorities) {
			return Trust{}, fmt.Errorf("%w: the entry %s holds no PEM certificate", ErrSecret, authoritiesEntry)
		}
	}
	if len(certificate) > 0 || len(key) > 0 {
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return Trust{}, fmt.Errorf("%w: the entries %s and %s are not a PEM certificate and its key", ErrSecret, certificateEntry, keyEntry)
		}
		t.certificate = &pair
	}
	return t, nil
}

// fingerprint is equal only for equal parts.
func fingerprint(parts ...[]byte) string {
	h := sha256.New()
	for _, part := range parts {
		sum := sha256.Sum256(part)
		_, _ = h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
