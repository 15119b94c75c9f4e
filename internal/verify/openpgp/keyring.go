// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// Bounds on the texts about keys.
const (
	maxSkipped          = 100
	maxEntry, maxReason = 253, 300
	maxUserID           = 256
)

// Lengths of a fingerprint in hexadecimal digits, by the version of the key.
const fingerprintV4, fingerprintV6 = 40, 64

// Keyring is a set of trusted keys. It is immutable and safe for concurrent use.
type Keyring struct {
	keys    map[string]*certificate
	signers map[uint64][]*signer
	skipped []Skipped
	revoked []string
}

// Skipped is a key, or a whole entry of a keyring, that is not used, and the reason. Both texts are bounded and
// safe to display.
type Skipped struct{ Entry, Reason string }

// Parse reads the entries of a keyring, a map from names to contents. An entry holds any number of keys and of
// revocations: binary, ASCII-armored in any number of blocks with any text between them, or as a GnuPG keybox
// (.kbx). All entries form one keyring. If a key appears several times, Parse merges everything stated about
// it. A revocation counts wherever it appears, for example as a revocation certificate in its own entry. Only
// the key itself can revoke it: statements of other keys, such as a designated revoker, do not count.
//
// Parse skips and lists keys that are broken, weak or of an unsupported algorithm, and the keys of an entry
// that holds a private key. It verifies at most 500 signatures: those that a key makes over itself, its user
// ids and its subkeys, and revocations. So the keyring holds at most 500 keys. Certifications by other keys do
// not count.
//
// The error matches ErrUnreadable if an entry cannot be read to its end, or if the keyring exceeds these bounds
// or MaxKeyring. The error matches only ErrKeyring if no usable key is left. With either error, Parse also
// returns a Keyring that holds no key, but knows Revoked. A revoked or expired key is usable in this sense:
// Verify refuses it. If ctx ends first, there is no Keyring, and the error matches that of ctx.
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

// interruption returns the error for a ctx that ended before the keyring was parsed.
func interruption(err error) error {
	return fmt.Errorf("parsing the OpenPGP keyring was interrupted: %w", err)
}

func (k *Keyring) hold(keys map[string]*certificate) {
	k.keys, k.signers = keys, map[uint64][]*signer{}
	for _, fingerprint := range slices.Sorted(maps.Keys(keys)) {
		for _, s := range keys[fingerprint].signers {
			k.signers[s.key.KeyId] = append(k.signers[s.key.KeyId], s)
		}
	}
}

// noKey returns the error for a keyring without a usable key. It names the first skipped entry.
func noKey(skipped []Skipped) error {
	if len(skipped) == 0 {
		return problem.New(ErrKeyring, "it holds no OpenPGP key").Fix("add one with --from-file=pubring.gpg")
	}
	fault, fix, _ := strings.Cut(skipped[0].Reason, ": ")
	return problem.New(ErrKeyring, "%s%s", skipped[0].Entry, aboutEntry(fault)).Fix("%s", fix)
}

// namedKey matches the fingerprint of a key at the start of a fault, and in it the key id: the last 16 digits, or
// the first 16 from version 6.
var namedKey = regexp.MustCompile(`^key (?:[0-9A-F]{24}([0-9A-F]{16})|([0-9A-F]{16})[0-9A-F]{48}) `)

// aboutEntry rewords a fault so that it can follow the name of the entry, in few words.
func aboutEntry(fault string) string {
	if rest, ok := strings.CutPrefix(fault, "it "); ok {
		return " " + rest
	}
	if namedKey.MatchString(fault) {
		return ": " + namedKey.ReplaceAllString(fault, "key ${1}${2} ")
	}
	return " cannot be used: " + fault
}

// Len returns the number of primary keys in the keyring.
func (k *Keyring) Len() int { return len(k.keys) }

// Revoked returns the fingerprints, in the form used by Signature, of all revoked primary keys and subkeys,
// even if the keyring holds no key. It returns none for a nil Keyring.
func (k *Keyring) Revoked() []string {
	if k == nil {
		return nil
	}
	return slices.Clone(k.revoked)
}

// Skipped lists the keys that are not used: the first hundred, and the number of the others.
func (k *Keyring) Skipped() []Skipped { return slices.Clone(k.skipped) }

// Only returns the keyring restricted to the keys whose primary keys have one of the fingerprints: 40 or 64
// hexadecimal digits in any case, with spaces anywhere. The error matches ErrKeyring if no key is left, or if a
// text is not a fingerprint. A key id is not accepted: it is too short to identify a key.
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
		return nil, fmt.Errorf("%w: none of the keyring's %d keys has one of the %d requested fingerprints",
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
