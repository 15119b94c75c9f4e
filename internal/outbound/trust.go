// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// ErrSecret is matched by the errors for an unusable certificate, key or proxy. The errors quote nothing from
// them.
var ErrSecret = errors.New("not usable for connections")

// Entries of Secrets with certificates, with Flux's names: the first that exists counts.
var (
	authorityEntries   = []string{"ca.crt", "caFile"}
	certificateEntries = []string{"tls.crt", "certFile"}
	keyEntries         = []string{"tls.key", "keyFile"}
)

// Trust holds certificate authorities to trust beside the system's, and the client certificate for the hosts
// that users name. The zero value adds nothing. Trust prints as nothing, so that no log can hold its key.
type Trust struct {
	roots       *x509.CertPool
	certificate *tls.Certificate
	fingerprint string
}

// String hides the key.
func (Trust) String() string { return "trust" }

// GoString hides the key.
func (Trust) GoString() string { return "trust" }

// ParseTrust reads the entries ca.crt, with one or more PEM certificates, and tls.crt with tls.key, of a Secret;
// or caFile, certFile and keyFile, their old names in Flux. At least one of the two must be present. The error
// matches ErrSecret.
func ParseTrust(data map[string][]byte) (Trust, error) {
	authorities, certificate, key := first(data, authorityEntries), first(data, certificateEntries), first(data, keyEntries)
	t := Trust{fingerprint: Fingerprint(authorities, certificate, key)}
	if len(authorities) == 0 && len(certificate) == 0 {
		return Trust{}, fmt.Errorf("%w: the Secret has neither an entry ca.crt nor tls.crt", ErrSecret)
	}
	if len(authorities) > 0 {
		t.roots = systemRoots()
		if !t.roots.AppendCertsFromPEM(authorities) {
			return Trust{}, fmt.Errorf("%w: the entry ca.crt holds no PEM certificate", ErrSecret)
		}
	}
	if len(certificate) > 0 || len(key) > 0 {
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return Trust{}, fmt.Errorf("%w: the entries tls.crt and tls.key are not a PEM certificate and its key", ErrSecret)
		}
		t.certificate = &pair
	}
	return t, nil
}

// first returns the first of the entries that is not empty.
func first(data map[string][]byte, entries []string) []byte {
	for _, entry := range entries {
		if len(data[entry]) > 0 {
			return data[entry]
		}
	}
	return nil
}

// systemRoots returns a copy of the system's certificate authorities; of none if the system has none.
func systemRoots() *x509.CertPool {
	if roots, err := x509.SystemCertPool(); err == nil {
		return roots
	}
	return x509.NewCertPool()
}

// config returns the TLS configuration for hosts that another host leads to.
func (t Trust) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.roots}
}

// configForOrigin returns the TLS configuration for a host that a user named.
func (t Trust) configForOrigin() *tls.Config {
	config := t.config()
	if t.certificate != nil {
		config.Certificates = []tls.Certificate{*t.certificate}
	} else {
		config.GetClientCertificate = withoutCertificate
	}
	return config
}

// errNoCertificate is the error for a connection that failed after the server had asked for a client certificate, which
// the user has not named. The failure itself differs: an alert of TLS, or a connection that is closed.
var errNoCertificate = errors.New("the server asks for a client certificate")

// withoutCertificate answers a server that asks for a client certificate. It may let the client in without one.
func withoutCertificate(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	visitOf(asked.Context()).asked.Store(true)
	return &tls.Certificate{}, nil
}
