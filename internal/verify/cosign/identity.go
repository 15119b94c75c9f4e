// SPDX-License-Identifier: Apache-2.0

package cosign

import (
	"regexp"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// Identity is who may sign with a certificate. The zero value matches nobody.
type Identity struct {
	issuer, subject *regexp.Regexp
	claims          certificate.Extensions
}

// NewIdentity returns the identities whose issuer and subject match the
// patterns (RE2), each as a whole: `a@b\.c` does not match `xa@b.c`. Claims
// that are set must be those of the certificate exactly. The error matches pattern.ErrPattern.
func NewIdentity(issuer, subject string, claims certificate.Extensions) (Identity, error) {
	i, err := verify.IdentityField("issuer", issuer)
	if err != nil {
		return Identity{}, err
	}
	s, err := verify.IdentityField("subject", subject)
	if err != nil {
		return Identity{}, err
	}
	return Identity{issuer: i, subject: s, claims: claims}, nil
}

// Mismatch says why a proven signer is not this identity; empty if it is.
func (i Identity) Mismatch(s bundle.Signer) string {
	switch {
	case i.issuer == nil || !i.issuer.MatchString(s.Issuer):
		return "certificate issuer does not match any issuer in matchOIDCIdentity"
	case !i.subject.MatchString(s.Subject):
		return "certificate subject does not match any subject in matchOIDCIdentity"
	}
	if err := certificate.CompareExtensions(i.claims, s.Claims); err != nil {
		return "certificate lacks a claim: " + err.Error()
	}
	return ""
}

// mismatch says why a signer is none of the identities; empty if it is one.
func mismatch(identities []Identity, s bundle.Signer) string {
	reason := "matchOIDCIdentity is empty"
	for _, i := range identities {
		if reason = i.Mismatch(s); reason == "" {
			return ""
		}
	}
	return reason
}
