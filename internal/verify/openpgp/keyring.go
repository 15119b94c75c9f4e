// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
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
	revoked []string
}

// Skipped is a key, or a whole entry of a keyring, that is not used, and why. Both
// are bounded and fit to be shown.
type Skipped struct{ Entry, Reason string }

// Parse reads the entries of a keyring, names to contents. An entry holds any number of keys and
// of revocations: binary, ASCII-armored in any number of blocks with any text between them, or as
// a GnuPG keybox (.kbx). All entries are one keyring: a key that stands in several places is one key
// with everything that is said of it, and a revocation counts wherever it stands, for example as a
// revocation certificate in an entry of its own. Only the key itself can revoke it: what other keys
// say of it, such as a designated revoker, counts for nothing.
//
// Parse skips and lists keys that are broken, weak or of a foreign algorithm, and the keys of an
// entry that holds a private key. It verifies at most 500 signatures: those that a key makes of
// itself, its user ids and its subkeys, and revocations, so that it holds at most 500 keys.
// Certifications by other keys do not count.
//
// The error matches ErrUnreadable if an entry cannot be read to its end, or if the keyring is larger
// than these bounds or MaxKeyring. It matches only ErrKeyring if no usable key is left. The
// Keyring that comes with either holds no key, and knows Revoked. A revoked or expired key is usable
// in this sense: Verify refuses it. If ctx ends first, there is no Keyring, and the error matches
// that of ctx.
func Parse(ctx context.Context, entries map[string][]byte) (k *Keyring, err error) {
	p := newParser(ctx)
	defer func() {
		if r := recover(); r != nil {
			p.unreadable("", fmt.Sprintf("it cannot be parsed: %v", r))
			k, err = &Keyring{}, p.unread
		}
	}()
	size := 0
	for _, content := range entries {
		size += len(content)
	}
	if size > MaxKeyring {
		p.unreadable("", tooManyBytes)
		return p.keyring()
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		p.read(name, entries[name])
	}
	p.revocations()
	p.statements()
	if p.stopped != nil {
		return nil, interruption(p.stopped)
	}
	return p.keyring()
}

// interruption is the error if ctx ended before the keyring was parsed.
func interruption(err error) error {
	return fmt.Errorf("parsing the OpenPGP keyring was interrupted: %w", err)
}

// hold makes k hold the keys.
func (k *Keyring) hold(keys map[string]*certificate) {
	k.keys, k.signers = keys, map[uint64][]*signer{}
	for _, fingerprint := range slices.Sorted(maps.Keys(keys)) {
		for _, s := range keys[fingerprint].signers {
			k.signers[s.key.KeyId] = append(k.signers[s.key.KeyId], s)
		}
	}
}

// noKey is the error for a keyring without a usable key. It names the first of those that are not used.
func noKey(skipped []Skipped) error {
	if len(skipped) == 0 {
		return problem.New(ErrKeyring, "it holds no OpenPGP key").Fix("add one with --from-file=pubring.gpg")
	}
	fault, fix, _ := strings.Cut(skipped[0].Reason, ": ")
	return problem.New(ErrKeyring, "%s %s", skipped[0].Entry, withoutPronoun(fault)).Fix("%s", fix)
}

// withoutPronoun returns a fault so that it can follow the name of its object.
func withoutPronoun(fault string) string {
	if rest, ok := strings.CutPrefix(fault, "it "); ok {
		return rest
	}
	return "cannot be used: " + fault
}

// Len is how many primary keys the keyring holds.
func (k *Keyring) Len() int { return len(k.keys) }

// Revoked returns the fingerprints, as a Signature has them, of the primary keys and subkeys that
// are known to be revoked, also if the keyring holds no key. There are none in a nil Keyring.
func (k *Keyring) Revoked() []string {
	if k == nil {
		return nil
	}
	return slices.Clone(k.revoked)
}

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
	chosen := &Keyring{skipped: k.skipped, revoked: k.revoked}
	chosen.hold(only)
	return chosen, nil
}

func canonicalFingerprint(s string) (string, bool) {
	s = strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if len(s) != fingerprintV4 && len(s) != fingerprintV6 {
		return "", false
	}
	return s, strings.Trim(s, "0123456789ABCDEF") == ""
}
