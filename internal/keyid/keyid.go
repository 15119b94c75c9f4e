// SPDX-License-Identifier: Apache-2.0

// Package keyid names keys as users do: by the digest of a key's SPKI, by the fingerprint of an OpenPGP key,
// or by its key id. It does not know what a key signs, nor why a key is named.
package keyid

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// Set is a set of keys by their ids. The zero value is empty; Add needs one that Parse or a literal made.
type Set map[string]bool

// pattern matches the id of a key: the digest of a key's SPKI, the fingerprint of an OpenPGP key of
// version 4 or 6, or its key id.
var pattern = regexp.MustCompile(`^(?:SHA256:([0-9a-f]{64})|OPENPGP:([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16})|([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16}))$`)

// Parse reads the ids of keys: `SHA256:` and the digest of a key's SPKI, or `OPENPGP:`
// and a fingerprint or a key id, as the status shows them; the prefix may be missing.
// Case and spaces do not matter.
func Parse(ids []string) (Set, error) {
	keys := Set{}
	for _, id := range ids {
		algorithm, digits, prefixed := strings.Cut(strings.ReplaceAll(id, " ", ""), ":")
		canonical := strings.ToLower(algorithm)
		if prefixed {
			canonical = strings.ToUpper(algorithm) + ":" + strings.ToLower(digits)
		}
		m := pattern.FindStringSubmatch(canonical)
		if m == nil {
			return nil, fmt.Errorf("%.100q is no id of a key: write SHA256: and 64 hexadecimal digits, or OPENPGP: and a fingerprint of 40 or 64 or a key id of 16", id)
		}
		keys[m[1]+m[2]+m[3]] = true
	}
	return keys, nil
}

// Add adds the keys of another set.
func (s Set) Add(other Set) { maps.Copy(s, other) }

// Find returns the id in the set that names one of the keys, which are given as `SHA256:` and a digest, or by a fingerprint.
func (s Set) Find(keys ...string) (id string, ok bool) {
	if len(s) == 0 {
		return "", false
	}
	for _, key := range keys {
		if _, digits, prefixed := strings.Cut(key, ":"); prefixed {
			key = digits
		}
		for _, name := range namesOf(strings.ToLower(key)) {
			if s[name] {
				return strings.ToUpper(name), true
			}
		}
	}
	return "", false
}

// Lengths of fingerprints and key ids in hexadecimal digits.
const fingerprintV4, longest, shortened = 40, 64, 16

// namesOf returns the ids of a key: its digest or fingerprint, and the key id in a fingerprint
// (RFC 9580, section 5.5.4).
func namesOf(fingerprint string) []string {
	switch len(fingerprint) {
	case fingerprintV4:
		return []string{fingerprint, fingerprint[fingerprintV4-shortened:]}
	case longest:
		return []string{fingerprint, fingerprint[:shortened]}
	}
	return nil
}
