// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"regexp"

	"github.com/verifiedchart/verifiedchart/internal/pattern"
	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// IdentityPattern matches identities by their issuer and their subject.
type IdentityPattern struct {
	// Issuer and Subject are regular expressions (RE2) that must match the whole text, or the text itself.
	Issuer, Subject string
}

// Identities are patterns of identities. The zero value matches none.
type Identities []identity

// identity is a compiled IdentityPattern.
type identity struct {
	IdentityPattern
	issuer, subject *regexp.Regexp
}

// maxIdentityPattern bounds a pattern in bytes.
const maxIdentityPattern = 1024

// NewIdentities compiles patterns. The error names the invalid pattern.
func NewIdentities(patterns ...IdentityPattern) (Identities, error) {
	var all Identities
	for _, p := range patterns {
		issuer, err := IdentityField("issuer", p.Issuer)
		if err != nil {
			return nil, err
		}
		subject, err := IdentityField("subject", p.Subject)
		if err != nil {
			return nil, err
		}
		all = append(all, identity{IdentityPattern: p, issuer: issuer, subject: subject})
	}
	return all, nil
}

// IdentityField compiles the pattern of a field of an identity, which must match the whole text: `a@b\.c` does not match
// `xa@b.c`. The error names the field and matches pattern.ErrPattern.
func IdentityField(field, text string) (*regexp.Regexp, error) {
	if text == "" || len(text) > maxIdentityPattern {
		return nil, fmt.Errorf("%s of an identity: %w: it must have 1 to %d bytes: to match any, write .*", field, pattern.ErrPattern, maxIdentityPattern)
	}
	compiled, err := pattern.Whole(text)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", field, printable.String(text, maxReason), err)
	}
	return compiled, nil
}

// Of returns the name of the identity that made the signature, if the identity is in the list.
func (i Identities) Of(v VerifiedSignature) (name string, ok bool) {
	if v.Subject == "" {
		return "", false
	}
	for _, one := range i {
		if one.matches(v.Issuer, v.Subject) {
			return Signer{Issuer: v.Issuer, Subject: v.Subject}.String(), true
		}
	}
	return "", false
}

// matches also compares the literal texts: an identity copied from the status, such as a+b@example.com, must
// match even if it holds a special character.
func (i identity) matches(issuer, subject string) bool {
	return (i.Issuer == issuer || i.issuer.MatchString(issuer)) && (i.Subject == subject || i.subject.MatchString(subject))
}
