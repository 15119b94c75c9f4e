package bundle

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Artifact is what a signature must be over. The zero value is nothing that can be signed.
type Artifact struct {
	policy func() verify.ArtifactPolicyOption
}

// Bytes is an artifact of which all bytes are known.
func Bytes(raw []byte) Artifact {
	return Artifact{func() verify.ArtifactPolicyOption { return verify.WithArtifact(bytes.NewReader(raw)) }}
}

// Digest is an artifact of which only a digest is known. Signatures that are
// made over the bytes themselves, as with Ed25519, cannot be judged by it.
func Digest(d digest.Digest) (Artifact, error) {
	if err := d.Validate(); err != nil {
		return Artifact{}, err
	}
	sum, err := hex.DecodeString(d.Encoded())
	if err != nil {
		return Artifact{}, err
	}
	return Artifact{func() verify.ArtifactPolicyOption { return verify.WithArtifactDigest(string(d.Algorithm()), sum) }}, nil
}

// Signature is a signature that was proven, by a key or by an identity. Whether
// the identity is one that is wanted is for the caller to say.
type Signature struct {
	Signer
	// KeyName is the name of the key that signed; empty where a certificate did.
	KeyName string
	// Time is when the signature was provably made, or zero where nothing proves it.
	Time time.Time
	// LogIndex is that of the entry in the trusted transparency log, nil where none was asked for.
	LogIndex *int64
}

// ErrUntrusted is matched by the error for a signature that is not proven.
var ErrUntrusted = errors.New("the signature is not proven")

// Verify says who signed the artifact. The error matches ErrUntrusted where t
// proves nothing of the kind, and ErrTrust where t could prove nothing at all.
func (b *Bundle) Verify(a Artifact, t Trust) (Signature, error) {
	if err := t.Check(); err != nil {
		return Signature{}, err
	}
	if a.policy == nil {
		return Signature{}, fmt.Errorf("%w: there is no artifact", ErrUntrusted)
	}
	signature, err := contained(func() (Signature, error) {
		if t.keyed() {
			return b.verifyKeys(a, t)
		}
		return b.verifyIdentity(a, t)
	})
	if err != nil {
		// What sigstore-go formats where it has nothing to say.
		reason := strings.ReplaceAll(err.Error(), "; error: %!w(<nil>)", "")
		return Signature{}, fmt.Errorf("%w: %s", ErrUntrusted, reason)
	}
	return signature, nil
}

// verifyKeys returns the signature of the first of the keys that made it.
func (b *Bundle) verifyKeys(a Artifact, t Trust) (Signature, error) {
	var refusals []string
	for _, key := range t.Keys {
		signature, err := b.verifyKey(a, t, key)
		if err == nil {
			return signature, nil
		}
		refusals = append(refusals, fmt.Sprintf("key %s: %v", key.Name, err))
	}
	return Signature{}, errors.New(strings.Join(refusals, ", "))
}

func (b *Bundle) verifyKey(a Artifact, t Trust, key Key) (Signature, error) {
	try := &attempt{anyOf: key.verifiers}
	policy := verify.NewPolicy(a.policy(), verify.WithoutIdentitiesUnsafe(), verify.WithKey())
	result, err := b.decide(t, root.NewExpiringKey(try, key.start, key.end), policy)
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
	result, err := b.decide(t, nil, verify.NewPolicy(a.policy(), verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		return Signature{}, err
	}
	if result.Signature == nil || result.Signature.Certificate == nil {
		return Signature{}, errors.New("it was made with a key, not with a certificate")
	}
	return Signature{Signer: signerOf(*result.Signature.Certificate), Time: timeOf(result), LogIndex: b.logIndex(t)}, nil
}

// decide lets sigstore-go decide, by the key alone or, without one, by certificates alone.
func (b *Bundle) decide(t Trust, key root.TimeConstrainedVerifier, policy verify.PolicyBuilder) (*verify.VerificationResult, error) {
	verifier, err := verify.NewVerifier(t.material(key), t.options()...)
	if err != nil {
		return nil, err
	}
	return verifier.Verify(b.entity, policy)
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
	entries, err := b.entity.TlogEntries()
	if err != nil {
		return nil
	}
	var found []int64
	for _, entry := range entries {
		if _, ok := t.Root.Material().RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]; ok {
			found = append(found, entry.LogIndex())
		}
	}
	if len(found) != 1 {
		return nil
	}
	return &found[0]
}
