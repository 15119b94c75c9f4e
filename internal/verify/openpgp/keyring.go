// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// Bounds on what is said of keys.
const (
	maxSkipped          = 100
	maxEntry, maxReason = 253, 300
	maxUserID           = 256
)

// Hexadecimal digits of a fingerprint, by the version of the key.
const fingerprintV4, fingerprintV6 = 40, 64

// Keyring is a set of trusted keys. It is immutable and safe for concurrent use.
type Keyring struct {
	keys    map[string]*certificate
	signers map[uint64][]*signer
	skipped []Skipped
}

// Skipped is a key, or a whole entry of a keyring, that is not used, and why. Both
// are bounded and fit to be shown.
type Skipped struct{ Entry, Reason string }

// ParseKeyring reads the entries of a keyring, names to contents. An entry holds any
// number of keys: binary, ASCII-armored in any number of blocks with any text between
// them, or as a GnuPG keybox (.kbx). A key that stands in several places is one key with
// all that is said of it, so that a revocation counts wherever it stands.
//
// A key that is broken, weak or of a foreign algorithm is skipped and listed; so is an
// entry that holds a private key, as a whole. The error matches ErrKeyring where no usable
// key is left, or where the keyring is larger than MaxKeys or MaxKeyring. A revoked or
// expired key is usable in this sense: it takes Verify to refuse it. Only the key itself can
// revoke it: what other keys say of it, as a designated revoker's, counts for nothing.
func ParseKeyring(entries map[string][]byte) (*Keyring, error) {
	size := 0
	for _, content := range entries {
		size += len(content)
	}
	if size > MaxKeyring {
		return nil, fmt.Errorf("%w: the keyring is larger than %d bytes", ErrKeyring, MaxKeyring)
	}
	p := newParser()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		p.entry(name, entries[name])
	}
	if len(p.keys) > MaxKeys {
		return nil, fmt.Errorf("%w: the keyring holds more than %d keys", ErrKeyring, MaxKeys)
	}
	p.settle()
	return newKeyring(p.keys, p.skipped)
}

func newKeyring(keys map[string]*certificate, skipped []Skipped) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w%s", ErrKeyring, because(skipped))
	}
	k := &Keyring{keys: keys, signers: map[uint64][]*signer{}, skipped: skipped}
	for _, fingerprint := range slices.Sorted(maps.Keys(keys)) {
		for _, s := range keys[fingerprint].signers {
			k.signers[s.key.KeyId] = append(k.signers[s.key.KeyId], s)
		}
	}
	return k, nil
}

// because names the first of the keys that are not used.
func because(skipped []Skipped) string {
	if len(skipped) == 0 {
		return ": the keyring is empty"
	}
	return fmt.Sprintf(": %s: %s", skipped[0].Entry, skipped[0].Reason)
}

// Len is how many primary keys the keyring holds.
func (k *Keyring) Len() int { return len(k.keys) }

// Skipped lists the keys that are not used: the first hundred, and how many there are more.
func (k *Keyring) Skipped() []Skipped { return slices.Clone(k.skipped) }

// Only returns the keyring with no other keys than those whose primary keys have one of
// the fingerprints: 40 or 64 hexadecimal digits in any case, with spaces anywhere. The
// error matches ErrKeyring where no key is left, and where a fingerprint is not one: a
// key id is too short to name a key.
func (k *Keyring) Only(fingerprints []string) (*Keyring, error) {
	only := map[string]*certificate{}
	for _, f := range fingerprints {
		canonical, ok := canonicalFingerprint(f)
		if !ok {
			return nil, fmt.Errorf("%w: %q is not a fingerprint of 40 or 64 hexadecimal digits",
				ErrKeyring, printable.String(f, maxReason))
		}
		if c, ok := k.keys[canonical]; ok {
			only[canonical] = c
		}
	}
	if len(only) == 0 {
		return nil, fmt.Errorf("%w: none of the keyring's %d keys has one of the %d fingerprints asked for",
			ErrKeyring, len(k.keys), len(fingerprints))
	}
	return newKeyring(only, k.skipped)
}

func canonicalFingerprint(s string) (string, bool) {
	s = strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if len(s) != fingerprintV4 && len(s) != fingerprintV6 {
		return "", false
	}
	return s, strings.Trim(s, "0123456789ABCDEF") == ""
}
