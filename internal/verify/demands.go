// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Demands are what is asked of every signature, whoever made it. The zero value asks for nothing.
type Demands struct {
	// Revoked are the keys whose signatures do not count.
	Revoked Keys
	// MinAge is how long ago a signature must have been made, by a time that a log
	// or a time-stamp authority proves.
	MinAge time.Duration
	// Now is the clock; it is required where there is a MinAge.
	Now func() time.Time
}

// Objection says why a signature does not count, and from when on it may, which is
// zero for one that never will. It is empty for one that counts.
func (d Demands) Objection(v Voucher) (reason string, until time.Time) {
	if revoked, ok := d.Revoked.Of(v); ok {
		return "the signature is genuine, but the key " + revoked + " is revoked", time.Time{}
	}
	if d.MinAge == 0 {
		return "", time.Time{}
	}
	if v.Time.IsZero() {
		return "the signature is genuine, but nothing proves when it was made, and a minimum age is asked for", time.Time{}
	}
	if until = v.Time.Add(d.MinAge); d.Now().Before(until) {
		return fmt.Sprintf("the signature is genuine, but was made at %s: it counts from %s on", stamp(v.Time), stamp(until)), until
	}
	return "", time.Time{}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Keys are keys by their ids. The zero value holds none.
type Keys map[string]bool

// The ids of keys: the digest of a key's SPKI, the fingerprint of an OpenPGP key of
// version 4 or 6, or its key id.
var keyID = regexp.MustCompile(`^(?:SHA256:([0-9a-f]{64})|OPENPGP:([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16})|([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16}))$`)

// ParseKeys reads ids of keys: `SHA256:` and the digest of a key's SPKI, `OPENPGP:`
// and a fingerprint or a key id, as the status shows them, or either without what
// is before the colon. Case and spaces do not matter.
func ParseKeys(ids []string) (Keys, error) {
	keys := Keys{}
	for _, id := range ids {
		algorithm, digits, prefixed := strings.Cut(strings.ReplaceAll(id, " ", ""), ":")
		canonical := strings.ToLower(algorithm)
		if prefixed {
			canonical = strings.ToUpper(algorithm) + ":" + strings.ToLower(digits)
		}
		m := keyID.FindStringSubmatch(canonical)
		if m == nil {
			return nil, fmt.Errorf("%.100q is no id of a key: SHA256:<64 hexadecimal digits>, or OPENPGP: and a fingerprint of 40 or 64, or a key id of 16", id)
		}
		keys[m[1]+m[2]+m[3]] = true
	}
	return keys, nil
}

// Of returns the id of the voucher's key that is among the keys: the signer's, or
// that of the subkey that signed.
func (k Keys) Of(v Voucher) (id string, ok bool) {
	if len(k) == 0 || v.Subject != "" {
		return "", false
	}
	_, signer, _ := strings.Cut(v.Signer, ":")
	for _, own := range []string{signer, v.SigningKey} {
		for _, name := range namesOf(strings.ToLower(own)) {
			if k[name] {
				return strings.ToUpper(name), true
			}
		}
	}
	return "", false
}

// Lengths of fingerprints and key ids in hexadecimal digits.
const fingerprintV4, longest, keyIDLength = 40, 64, 16

// namesOf returns what a key may be called by: its fingerprint, and the key id in
// it (RFC 9580, section 5.5.4).
func namesOf(fingerprint string) []string {
	switch len(fingerprint) {
	case fingerprintV4:
		return []string{fingerprint, fingerprint[fingerprintV4-keyIDLength:]}
	case longest:
		return []string{fingerprint, fingerprint[:keyIDLength]}
	}
	return nil
}
