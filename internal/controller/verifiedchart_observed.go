// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
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

// observed returns who made the signatures that were seen, with an authority
// that would accept each; the proven ones first, none twice.
func observed(v v1alpha1.Verification, candidates []verify.Candidate) []v1alpha1.ObservedSigner {
	var signers []v1alpha1.ObservedSigner
	seen := map[string]bool{}
	for _, verified := range []bool{true, false} {
		for _, c := range candidates {
			who := c.Signer.String()
			if c.Signer.Verified != verified || who == "" || seen[who] || len(signers) == maxObserved {
				continue
			}
			seen[who] = true
			signers = append(signers, v1alpha1.ObservedSigner{
				Verified: verified, Format: c.Format, Source: printable.String(c.Source, maxObservedText),
				Key: c.Signer.KeyID, Authority: authorityFor(v, c, len(signers)+1),
			})
		}
	}
	return signers
}

// authorityFor returns the authority of an identity, which judges as the one of the
// object's own does that saw it; nil where the identity cannot be shown as it is: a pattern of what is left would not be of it alone.
func authorityFor(v v1alpha1.Verification, c verify.Candidate, number int) *v1alpha1.ObservedAuthority {
	if c.Signer.Subject == "" || !isShown(c.Signer.Issuer) || !isShown(c.Signer.Subject) {
		return nil
	}
	a := &v1alpha1.ObservedAuthority{
		Name: fmt.Sprintf("signer-%d", number), Provider: cosign.Provider,
		MatchOIDCIdentity: []v1alpha1.ObservedIdentity{{Issuer: literally(c.Signer.Issuer), Subject: literally(c.Signer.Subject)}},
	}
	for _, asked := range v.Authorities {
		if c.Policy == "" && asked.Name == c.Authority {
			a.TrustedRootSecretRef, a.SignatureRepository = asked.TrustedRootSecretRef, asked.SignatureRepository
			a.TransparencyLog = asked.TransparencyLog
		}
	}
	return a
}

// isShown says whether a text is shown as it is.
func isShown(text string) bool { return printable.String(text, maxObservedText) == text }

// literally is the pattern that matches a text and nothing else.
func literally(text string) string { return "^" + regexp.QuoteMeta(text) + "$" }
