// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Signature is a proven signature by a key or an identity. The caller decides whether the identity is accepted.
type Signature struct {
	Signer
	// KeyName is the name of the key that signed; empty if a certificate did.
	KeyName string
	// Time is the proven signing time, or zero if nothing proves it.
	Time time.Time
	// LogIndex is the index of the entry in the trusted transparency log; nil if no entry is required, or if
	// nothing proves the index.
	LogIndex *int64
}

var (
	// ErrUntrusted is matched by the error for a signature that is not proven.
	ErrUntrusted = errors.New("the signature is not proven")
	// ErrOtherKey is matched by the error for a signature that none of the keys made. It also matches
	// ErrUntrusted.
	ErrOtherKey = errors.New("signed with another key")
	// ErrNoCertificate is matched by the error for a signature without a certificate if an identity is
	// required.
	ErrNoCertificate = errors.New("the signature was made with a key, not with a certificate")
)

// otherKeysError is the error for a signature that none of the named keys made.
type otherKeysError struct{ names []string }

func (e *otherKeysError) Error() string {
	if len(e.names) == 1 {
		return "the signature does not verify with key " + e.names[0]
	}
	return "the signature does not verify with any of the keys " + strings.Join(e.names, ", ")
}

func (e *otherKeysError) Is(target error) bool {
	return target == ErrOtherKey || target == ErrUntrusted
}

// Verify returns the proven signature of the artifact. The error matches ErrUntrusted if the signature is not
// proven, and ErrTrust if t cannot prove any signature.
func (b *Bundle) Verify(a Artifact, t Trust) (Signature, error) {
	if err := t.Check(); err != nil {
		return Signature{}, err
	}
	if a.isZero() {
		return Signature{}, fmt.Errorf("%w: there is no artifact", ErrUntrusted)
	}
	signature, err := contained(func() (Signature, error) {
		if t.keyed() {
			return b.verifyKeys(a, t)
		}
		return b.verifyIdentity(a, t)
	})
	if err != nil {
		switch {
		case errors.Is(err, ErrOtherKey):
			return Signature{}, err
		case errors.Is(err, ErrNoCertificate):
			return Signature{}, fmt.Errorf("%w: %w", ErrUntrusted, err)
		}
		// sigstore-go adds this text if it has no reason.
		reason := strings.ReplaceAll(err.Error(), "; error: %!w(<nil>)", "")
		return Signature{}, fmt.Errorf("%w: %s", ErrUntrusted, reason)
	}
	return signature, nil
}

// verifyKeys returns the signature by the first key that made it.
func (b *Bundle) verifyKeys(a Artifact, t Trust) (Signature, error) {
	var others, refusals []string
	for _, key := range t.Keys {
		signature, err := b.verifyKey(a, t, key)
		switch {
		case err == nil:
			return signature, nil
		case errors.Is(err, errOtherKey):
			others = append(others, key.Name)
		default:
			refusals = append(refusals, fmt.Sprintf("key %s: %v", key.Name, err))
		}
	}
	if len(refusals) == 0 {
		return Signature{}, &otherKeysError{others}
	}
	return Signature{}, errors.New(strings.Join(refusals, ", "))
}

func (b *Bundle) verifyKey(a Artifact, t Trust, key Key) (Signature, error) {
	try := &attempt{anyOf: key.verifiers}
	result, err := b.decide(a, t, root.NewExpiringKey(try, key.start, key.end), verify.WithKey())
	switch {
	case err != nil && try.failed:
		return Signature{}, errOtherKey
	case err != nil:
		return Signature{}, err
	}
	return Signature{Signer: Signer{KeyID: key.ID}, KeyName: key.Name, Time: timeOf(result), LogIndex: b.logIndex(t)}, nil
}

// verifyIdentity returns the signature that was made with a certificate.
func (b *Bundle) verifyIdentity(a Artifact, t Trust) (Signature, error) {
	result, err := b.decide(a, t, nil)
	if err != nil {
		return Signature{}, err
	}
	if result.Signature == nil || result.Signature.Certificate == nil {
		return Signature{}, ErrNoCertificate
	}
	return Signature{Signer: signerOf(*result.Signature.Certificate), Time: timeOf(result), LogIndex: b.logIndex(t)}, nil
}

// decide lets sigstore-go verify the bundle: with only the key or, without a key, with only certificates. The
// caller verifies the identity of the signer. If sigstore-go cannot verify a log entry, decide verifies the
// entry itself, or converts the bundle to a form that sigstore-go can verify.
func (b *Bundle) decide(a Artifact, t Trust, key root.TimeConstrainedVerifier, who ...verify.PolicyOption) (*verify.VerificationResult, error) {
	trusted, options := t.material(key), t.options(b)
	var entity verify.SignedEntity = b.entity
	if b.loggedAsHash() {
		if err := a.isSubjectOf(b.statement); err != nil {
			return nil, err
		}
		message, pae, err := b.asMessage()
		if err != nil {
			return nil, err
		}
		entity, a = message, Bytes(pae)
	}
	if entry := b.plainEntry(); entry != nil && t.logged() {
		if err := b.checkPlainEntry(entry, trusted); err != nil {
			return nil, err
		}
	} else if t.logged() {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if err := b.checkEveryStamp(t, trusted); err != nil {
		return nil, err
	}
	verifier, err := verify.NewVerifier(trusted, options...)
	if err != nil {
		return nil, err
	}
	return verifier.Verify(entity, verify.NewPolicy(a.policy(), append(who, verify.WithoutIdentitiesUnsafe())...))
}

func timeOf(result *verify.VerificationResult) time.Time {
	if len(result.VerifiedTimestamps) == 0 {
		return time.Time{}
	}
	return result.VerifiedTimestamps[0].Timestamp
}

// logIndex returns the index of the entry in a log of the trusted root, if an entry is required and the bundle
// has exactly one: with several, it is not known which of them was proven.
func (b *Bundle) logIndex(t Trust) *int64 {
	if !t.logged() {
		return nil
	}
	var found []int64
	for _, entry := range b.entity.entries {
		if _, ok := t.Root.Material().RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]; ok {
			index, proven := indexOf(entry)
			if !proven {
				return nil
			}
			found = append(found, index)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return &found[0]
}

// indexOf returns the index of a log entry, and reports whether the index is proven. In Rekor v1, the index
// counts over all trees, and only the promise signs it. Rekor v2 has one tree, and the inclusion proof covers
// the index.
func indexOf(entry *tlog.Entry) (int64, bool) {
	return entry.LogIndex(), entry.IsRekorV2() || entry.HasInclusionPromise()
}
