// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/x509"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// onceChecked is a certificate authority that checks the signatures of a chain only once per verdict. A
// signature with two proven times is verified at both, but only the validity of the certificates depends on the
// time. Checking the signatures again would take as long as everything else together.
type onceChecked struct {
	*root.FulcioCertificateAuthority
	leaf   *x509.Certificate
	chains [][]*x509.Certificate
}

// once returns the authorities for one verdict.
func once(authorities []root.CertificateAuthority) []root.CertificateAuthority {
	wrapped := make([]root.CertificateAuthority, len(authorities))
	for i, authority := range authorities {
		wrapped[i] = authority
		if fulcio, ok := authority.(*root.FulcioCertificateAuthority); ok {
			wrapped[i] = &onceChecked{FulcioCertificateAuthority: fulcio}
		}
	}
	return wrapped
}

// Verify implements root.CertificateAuthority.
func (o *onceChecked) Verify(leaf *x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	if o.leaf != nil && o.leaf.Equal(leaf) && o.valid(at) {
		return o.chains, nil
	}
	chains, err := o.FulcioCertificateAuthority.Verify(leaf, at)
	if err == nil {
		o.leaf, o.chains = leaf, chains
	}
	return chains, err
}

// valid reports whether the authority and every certificate of the checked chains are valid at a time.
func (o *onceChecked) valid(at time.Time) bool {
	if !within(at, o.ValidityPeriodStart, o.ValidityPeriodEnd) {
		return false
	}
	for _, chain := range o.chains {
		for _, certificate := range chain {
			if !within(at, certificate.NotBefore, certificate.NotAfter) {
				return false
			}
		}
	}
	return true
}

// within reports whether a time is in a period, including both ends. A zero start or end is no bound.
func within(at, start, end time.Time) bool {
	return (start.IsZero() || !at.Before(start)) && (end.IsZero() || !at.After(end))
}
