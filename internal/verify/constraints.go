// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/keyid"
)

// Constraints apply to every signature, whoever made it. The zero value has no effect.
type Constraints struct {
	// Revoked are the keys whose signatures do not count.
	Revoked keyid.Set
	// RevokedIdentities are the identities whose signatures do not count.
	RevokedIdentities Identities
	// MinAge is the minimum age of a signature, by a time that a log or a timestamp authority proves.
	MinAge time.Duration
	// Now is the clock; it is required if there is a MinAge.
	Now func() time.Time
}

// Objection returns why a signature does not count, and the first moment at which it may count, or zero if it
// never will. The reason is empty if the signature counts.
func (c Constraints) Objection(v VerifiedSignature) (reason string, until time.Time) {
	if revoked, ok := RevokedKey(c.Revoked, v); ok {
		return "the signature is genuine, but the key " + revoked + " is revoked", time.Time{}
	}
	if revoked, ok := c.RevokedIdentities.Of(v); ok {
		return "the signature is genuine, but the identity " + revoked + " is revoked", time.Time{}
	}
	if c.MinAge == 0 {
		return "", time.Time{}
	}
	if v.Time.IsZero() {
		return "the signature is genuine, but has no proof of the signing time, which minSignatureAge requires", time.Time{}
	}
	if until = v.Time.Add(c.MinAge); c.Now().Before(until) {
		return fmt.Sprintf("the signature is genuine, but was made at %s, and counts only from %s (minSignatureAge)", stamp(v.Time), stamp(until)), until
	}
	return "", time.Time{}
}

// RevokedKey returns the id in keys that names the key of a signature: the key of the signer, or the subkey
// that signed.
func RevokedKey(keys keyid.Set, v VerifiedSignature) (id string, ok bool) {
	if v.Subject != "" { // an identity has no key of its own
		return "", false
	}
	return keys.Find(v.Signer, v.SigningKey)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
