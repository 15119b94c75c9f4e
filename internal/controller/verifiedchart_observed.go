package controller

import (
	"regexp"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
)

const (
	// maxObserved bounds the signers in the status.
	maxObserved = 16
	// maxObservedText bounds each part of one, in bytes.
	maxObservedText = 400
)

// observed returns who made the signatures that were seen, in the words of an
// authority; the proven ones first, none twice.
func observed(candidates []verify.Candidate) []v1alpha1.ObservedSigner {
	var signers []v1alpha1.ObservedSigner
	for _, verified := range []bool{true, false} {
		for _, c := range candidates {
			if c.Signer.Verified == verified && len(signers) < maxObserved && !contains(signers, c.Signer) && c.Signer.String() != "" {
				signers = append(signers, observedSigner(c))
			}
		}
	}
	return signers
}

func observedSigner(c verify.Candidate) v1alpha1.ObservedSigner {
	s := v1alpha1.ObservedSigner{
		Provider: cosign.Provider, Verified: c.Signer.Verified, Format: c.Format,
		Source: printable.String(c.Source, maxObservedText), Key: c.Signer.KeyID,
	}
	if c.Signer.Subject != "" {
		s.MatchOIDCIdentity = []v1alpha1.ObservedIdentity{{Issuer: literally(c.Signer.Issuer), Subject: literally(c.Signer.Subject)}}
	}
	return s
}

// literally is the pattern that matches a text and nothing else.
func literally(text string) string {
	return "^" + regexp.QuoteMeta(printable.String(text, maxObservedText)) + "$"
}

func contains(signers []v1alpha1.ObservedSigner, s verify.Signer) bool {
	for _, other := range signers {
		if s.Subject == "" && other.Key == s.KeyID && len(other.MatchOIDCIdentity) == 0 {
			return true
		}
		for _, m := range other.MatchOIDCIdentity {
			if s.Subject != "" && m.Subject == literally(s.Subject) && m.Issuer == literally(s.Issuer) {
				return true
			}
		}
	}
	return false
}
