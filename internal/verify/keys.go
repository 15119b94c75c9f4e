// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// Keys are keys by their ids. The zero value holds none.
type Keys map[string]bool

// The ids of keys: the digest of a key's SPKI, the fingerprint of an OpenPGP key of
// version 4 or 6, or its key id.
var keyID = regexp.MustCompile(`^(?:SHA256:([0-9a-f]{64})|OPENPGP:([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16})|([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16}))$`)

// ParseKeys reads ids of keys: `SHA256:` and the digest of a key's SPKI, or `OPENPGP:`
// and a fingerprint or a key id, as the status shows them; the prefix may be missing.
// Case and spaces do not matter.
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
			return nil, fmt.Errorf("%.100q is no id of a key: write SHA256: and 64 hexadecimal digits, or OPENPGP: and a fingerprint of 40 or 64 or a key id of 16", id)
		}
		keys[m[1]+m[2]+m[3]] = true
	}
	return keys, nil
}

// Add adds other keys.
func (k Keys) Add(other Keys) { maps.Copy(k, other) }

// Of returns the id of the voucher's key that is among the keys: the signer's, or
// that of the subkey that signed.
func (k Keys) Of(v VerifiedSignature) (id string, ok bool) {
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
