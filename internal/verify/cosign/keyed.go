// Package cosign verifies signatures made by sigstore's cosign.
//
// It knows cosign's formats and where they are kept in a repository. It does
// not know where keys come from, how many authorities must vouch, or what is
// signed beyond its manifest's digest.
package cosign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Provider is the name of this kind of signature.
const Provider = "cosign"

// Keyed vouches for a Subject that any of its keys has signed.
type Keyed struct {
	authority string
	keys      []Key
}

// NewKeyed returns the verifier for an authority with the given keys, of which there must be one at least.
func NewKeyed(authority string, keys []Key) (*Keyed, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: authority %q has no key", ErrKey, authority)
	}
	return &Keyed{authority: authority, keys: keys}, nil
}

// Verify implements verify.Verifier. Its evidence holds one voucher for each of
// the keys that signed. A candidate that cannot be read never hides another
// that is good; where it might have been the good one there is no verdict.
func (k *Keyed) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Evidence, error) {
	f, err := discover(ctx, s, r)
	if err != nil {
		return verify.Evidence{}, err
	}
	var evidence verify.Evidence
	for _, c := range f.candidates {
		vouchers, refusal, err := k.judge(ctx, s, r, c, f.source)
		switch {
		case errors.Is(err, registry.ErrNotFound):
			f.refuse("its payload is not in the registry")
		case err != nil:
			evidence.Unread = errors.Join(evidence.Unread, err)
		case len(vouchers) == 0:
			f.refuse(refusal)
		}
		evidence.Vouchers = append(evidence.Vouchers, without(vouchers, evidence.Vouchers)...)
		if len(evidence.Vouchers) == len(k.keys) {
			break
		}
	}
	if !evidence.IsZero() {
		return evidence, nil
	}
	if evidence.Unread != nil {
		return verify.Evidence{}, evidence.Unread
	}
	return verify.Evidence{}, &verify.Rejection{Authority: k.authority, Looked: []string{"tag " + f.source}, Candidates: f.refused}
}

// judge returns a voucher for each key that made the candidate, or why there is none.
// An error means that it could not be found out.
func (k *Keyed) judge(ctx context.Context, s verify.Subject, r registry.Reader, c candidate, source string) ([]verify.Voucher, string, error) {
	body, err := payloadOf(ctx, s, r, c.layer)
	if err != nil {
		return nil, "", err
	}
	subject, err := v1.NewHash(s.Manifest.Digest.String())
	if err != nil {
		return nil, "", fmt.Errorf("the digest %s is not one that cosign signs: %w", s.Manifest.Digest, err)
	}
	signed, err := static.NewSignature(body, c.signature)
	if err != nil {
		return nil, err.Error(), nil
	}
	var vouchers []verify.Voucher
	var refusals []string
	for _, key := range k.keys {
		if err := key.check(ctx, signed, subject); err != nil {
			refusals = append(refusals, fmt.Sprintf("key %s: %v", key.Name, err))
			continue
		}
		vouchers = append(vouchers, verify.Voucher{
			Authority: k.authority, Provider: Provider, Signer: key.ID, Key: key.Name, Format: legacyFormat, Source: source,
		})
	}
	return vouchers, strings.Join(refusals, ", "), nil
}

// payloadOf returns what was signed. cosign signs the same for the same subject
// unless it is told to add something; where the digest says that it is just
// that, it need not be read from the registry.
func payloadOf(ctx context.Context, s verify.Subject, r registry.Reader, layer ocispec.Descriptor) ([]byte, error) {
	usual, err := json.Marshal(payload.SimpleContainerImage{Critical: payload.Critical{
		Identity: payload.Identity{DockerReference: s.Repository},
		Image:    payload.Image{DockerManifestDigest: s.Manifest.Digest.String()},
		Type:     payload.CosignSignatureType,
	}})
	if err == nil && layer.Digest == digest.FromBytes(usual) && layer.Size == int64(len(usual)) {
		return usual, nil
	}
	body, err := r.Blob(ctx, layer, maxPayload)
	if err != nil {
		return nil, fmt.Errorf("read the payload of a signature of %s: %w", s.Manifest.Digest, err)
	}
	return body, nil
}

// errOtherKey says that the signature was not made with the key, whatever it claims.
var errOtherKey = errors.New("it was not made with this key")

// check says why key did not make the signature, or nil if it did.
func (key Key) check(ctx context.Context, signed oci.Signature, subject v1.Hash) error {
	for _, verifier := range key.verifiers {
		err := checkWith(ctx, verifier, signed, subject)
		if err == nil || errors.Is(err, errClaim) {
			return err
		}
	}
	return errOtherKey
}

// checkWith lets cosign decide. The transparency log is not consulted: with a
// key it proves a time and no identity, and a bundle that is there is not needed.
func checkWith(ctx context.Context, verifier signature.Verifier, signed oci.Signature, subject v1.Hash) error {
	_, err := cosign.VerifyImageSignature(ctx, signed, subject, &cosign.CheckOpts{
		SigVerifier:   verifier,
		ClaimVerifier: verifyClaim,
		IgnoreTlog:    true,
		IgnoreSCT:     true,
		Offline:       true,
	})
	return err
}

// errClaim is matched by the error for a genuine signature that claims something else.
var errClaim = errors.New("the signature is genuine but")

// verifyClaim demands that the payload is a container signature for exactly this
// digest; without it a genuine signature that was copied to another chart's tag would pass.
func verifyClaim(signed oci.Signature, subject v1.Hash, _ map[string]interface{}) error {
	body, err := signed.Payload()
	if err != nil {
		return err
	}
	var claim payload.SimpleContainerImage
	if err := json.Unmarshal(body, &claim); err != nil {
		return fmt.Errorf("%w its payload is not JSON: %w", errClaim, err)
	}
	if claim.Critical.Type != payload.CosignSignatureType {
		return fmt.Errorf("%w it is of type %q, not %q", errClaim, claim.Critical.Type, payload.CosignSignatureType)
	}
	if claimed := claim.Critical.Image.DockerManifestDigest; claimed != subject.String() {
		return fmt.Errorf("%w it is for %q", errClaim, claimed)
	}
	return nil
}

// without returns the vouchers whose signer is not among the others.
func without(vouchers, others []verify.Voucher) []verify.Voucher {
	var fresh []verify.Voucher
next:
	for _, v := range vouchers {
		for _, o := range others {
			if o.Signer == v.Signer {
				continue next
			}
		}
		fresh = append(fresh, v)
	}
	return fresh
}
