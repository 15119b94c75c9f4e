// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"syscall"
)

// Explain returns one clause with the reason for a failed read from a host, and a fix, which is empty if the
// only fix is to wait. The clause names the host and no URL.
func Explain(host string, err error) (brief, fix string) {
	brief, fix = explain(host, err)
	var proxied *ProxyError
	switch {
	case !errors.As(err, &proxied), errors.Is(err, ErrRefused):
		return brief, fix
	case errors.Is(err, ErrProxyPassword):
		return "proxy " + proxied.Host + " refuses the username and password", "correct username and password in the Secret of proxySecretRef"
	}
	return brief + ", through proxy " + proxied.Host, fix
}

func explain(host string, err error) (brief, fix string) {
	var refused *refusedError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var status *StatusError
	var timeout net.Error
	switch {
	case errors.Is(err, errCrowded):
		return errCrowded.Error(), ""
	case errors.As(err, &status):
		return host + " answered " + StatusText(status.Status), ""
	case errors.Is(err, http.ErrSchemeMismatch):
		return host + " speaks plain HTTP", "give the registry TLS, or set spec.insecure: true and run the controller with --insecure-allow-http"
	case errors.As(err, &dns):
		return "cannot resolve host " + dns.Name, "correct the host, or the cluster's DNS"
	case errors.As(err, &certificate):
		return explainCertificate(host, certificate)
	case errors.Is(err, syscall.ECONNREFUSED):
		return host + " refuses connections", ""
	case errors.Is(err, ErrSlow), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return host + " did not answer in time", ""
	case errors.As(err, &refused):
		return refused.brief(), refused.fix()
	}
	return explainRest(host, err)
}

func explainRest(host string, err error) (brief, fix string) {
	switch {
	case errors.Is(err, ErrCleartext):
		return err.Error(), ""
	case errors.Is(err, errNoCertificate):
		return host + " asks for a client certificate", "put tls.crt and tls.key into the Secret in certSecretRef"
	}
	return "cannot read from " + host, ""
}

func explainCertificate(host string, err error) (brief, fix string) {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return "the certificate of " + host + " is signed by an unknown authority", "put the authority into the entry ca.crt of the Secret in certSecretRef"
	}
	return "the certificate of " + host + " is not trusted", "use a certificate for this host that has not expired"
}
