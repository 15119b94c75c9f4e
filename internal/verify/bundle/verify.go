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

// Signature is a signature that was proven, by a key or by an identity. Whether
// the identity is one that is wanted is for the caller to say.
type Signature struct {
	Signer
	// KeyName is the name of the key that signed; empty if a certificate did.
	KeyName string
	// Time is when the signature was provably made, or zero if nothing proves it.
	Time time.Time
	// LogIndex is that of the entry in the trusted transparency log, nil if none was asked for or nothing proves the index.
	LogIndex *int64
}

var (
	// ErrUntrusted is matched by the error for a signature that is not proven.
	ErrUntrusted = errors.New("the signature is not proven")
	// ErrOtherKey is matched by the error for a signature that none of the keys made. It matches ErrUntrusted too.
	ErrOtherKey = errors.New("signed with another key")
	// ErrNoCertificate is matched by the error for a signature without a certificate, of which an identity is asked for.
	ErrNoCertificate = errors.New("it was made with a key, not with a certificate")
)

// otherKeysError says that none of the named keys made a signature.
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

// Verify says who signed the artifact. The error matches ErrUntrusted where t
// proves nothing of the kind, and ErrTrust where t could prove nothing at all.
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
		// What sigstore-go formats if it has no reason.
		reason := strings.ReplaceAll(err.Error(), "; error: %!w(<nil>)", "")
		return Signature{}, fmt.Errorf("%w: %s", ErrUntrusted, reason)
	}
	return signature, nil
}

// verifyKeys returns the signature of the first of the keys that made it.
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

// decide lets sigstore-go decide, by the key alone or, without one, by
// certificates alone. Who signed is for the caller to verify. What sigstore-go
// cannot verify of a log entry is verified here, or told it in other words.
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

// logIndex returns the index of the entry in a log of the trusted root, where
// one is asked for and there is just one: of several it is not known which was proven.
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

// indexOf returns the index of a log entry, and whether anything proves it. That of
// Rekor v1 counts over all of its trees: its promise signs it, and nothing else does.
// Rekor v2 has one tree, and the inclusion proof is of that index.
func indexOf(entry *tlog.Entry) (int64, bool) {
	return entry.LogIndex(), entry.IsRekorV2() || entry.HasInclusionPromise()
}
