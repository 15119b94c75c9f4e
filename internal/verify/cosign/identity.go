// SPDX-License-Identifier: Apache-2.0

package cosign

import (
	"regexp"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// Identity is an accepted signer with a certificate. The zero value matches nobody.
type Identity struct {
	issuer, subject *regexp.Regexp
	claims          certificate.Extensions
}

// NewIdentity returns an Identity that matches an issuer and a subject by patterns (RE2). A pattern must match
// the whole text: `a@b\.c` does not match `xa@b.c`. Claims that are set must equal those of the certificate.
// The error matches pattern.ErrPattern.
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

// Mismatch returns why a proven signer is not this identity; empty if it is.
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

// mismatch returns why a signer matches none of the identities; empty if it matches one.
func mismatch(identities []Identity, s bundle.Signer) string {
	reason := "matchOIDCIdentity is empty"
	for _, i := range identities {
		if reason = i.Mismatch(s); reason == "" {
			return ""
		}
	}
	return reason
}
