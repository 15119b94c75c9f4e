// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"regexp"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
)

const (
	// maxObserved bounds the signers in the status.
	maxObserved = 16
	// maxObservedText bounds each text of a signer, in bytes.
	maxObservedText = 400
)

// observedSigners returns the signers that policies found, each with an authority that would accept it. Verified signers come
// first, and no signer comes twice.
func observedSigners(set policy.Set, outcomes []verify.Outcome) []v1alpha1.ObservedSigner {
	var candidates []verify.Candidate
	for _, o := range outcomes {
		candidates = append(candidates, o.Result.Seen...)
		candidates = append(candidates, verify.Seen(o.Err)...)
	}
	return signersAmong(set, candidates)
}

func signersAmong(set policy.Set, candidates []verify.Candidate) []v1alpha1.ObservedSigner {
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
				Key: c.Signer.KeyID, Authority: authorityFor(set, c, len(signers)+1),
			})
		}
	}
	return signers
}

// authorityFor returns an authority that accepts the identity of a candidate, with the trusted root of the authority that found
// it. It returns nil if the identity cannot be shown unchanged, since a pattern of a cut identity would also match other identities.
// If a ClusterChartPolicy found the candidate, the trusted root is a Secret in the controller's namespace.
func authorityFor(set policy.Set, c verify.Candidate, number int) *v1alpha1.ObservedAuthority {
	if c.Signer.Subject == "" || !isShown(c.Signer.Issuer) || !isShown(c.Signer.Subject) {
		return nil
	}
	a := &v1alpha1.ObservedAuthority{
		Name: fmt.Sprintf("signer-%d", number), Provider: cosign.Provider,
		MatchOIDCIdentity: []v1alpha1.ObservedIdentity{{Issuer: literally(c.Signer.Issuer), Subject: literally(c.Signer.Subject)}},
	}
	if found, ok := set.Authority(c.Policy, c.Authority); ok {
		a.TrustedRootSecretRef, a.SignatureRepository = found.TrustedRootSecretRef, found.SignatureRepository
		a.TransparencyLog = found.TransparencyLog
	}
	return a
}

// isShown reports whether a text is shown unchanged.
func isShown(text string) bool { return printable.String(text, maxObservedText) == text }

// literally returns the pattern that matches exactly a text.
func literally(text string) string { return "^" + regexp.QuoteMeta(text) + "$" }
