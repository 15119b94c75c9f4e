// SPDX-License-Identifier: Apache-2.0

package verifytest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// BundleMediaType is the media type of the bundles that cosign writes.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// Signer holds a key pair and signs as cosign does.
type Signer struct {
	// Public is the PEM encoded public key.
	Public []byte
	// Key is the key pair.
	Key    crypto.Signer
	signer signature.Signer
}

// ECDSA returns a signer with a new key on the curve.
func ECDSA(curve elliptic.Curve, hash crypto.Hash) Signer {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	return newSigner(key, err, hash)
}

// RSA returns a signer with a new key of the given size in bits.
func RSA(bits int, hash crypto.Hash) Signer {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	return newSigner(key, err, hash)
}

// Ed25519 returns a signer with a new key that signs the message itself.
func Ed25519() Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return newSigner(key, err, crypto.Hash(0))
}

// Ed25519ph returns a signer with a new key that signs a hash, as cosign 2 does.
func Ed25519ph() Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	s, err := signature.LoadED25519phSigner(key)
	must(err)
	return Signer{Public: publicPEM(key.Public()), Key: key, signer: s}
}

// P256 returns a signer with a key such as `cosign generate-key-pair` makes.
func P256() Signer { return ECDSA(elliptic.P256(), crypto.SHA256) }

func newSigner(key crypto.Signer, err error, hash crypto.Hash) Signer {
	must(err)
	s, err := signature.LoadSigner(key, hash)
	must(err)
	return Signer{Public: publicPEM(key.Public()), Key: key, signer: s}
}

func publicPEM(key crypto.PublicKey) []byte {
	encoded, err := cryptoutils.MarshalPublicKeyToPEM(key)
	must(err)
	return encoded
}

// Payload returns the payload of cosign for a digest in a different repository, from which the chart and the
// signature were copied.
func Payload(d digest.Digest) []byte {
	return PayloadOf(d.String(), payload.CosignSignatureType)
}

// PayloadOf returns a payload with any digest and type.
func PayloadOf(d, kind string) []byte { return payloadIn("publisher.example/charts/app", d, kind) }

// UsualPayload returns the payload of cosign for the subject in its own repository.
func UsualPayload(s verify.Subject) []byte {
	return payloadIn(s.Repository, s.Manifest.Digest.String(), payload.CosignSignatureType)
}

func payloadIn(repository, d, kind string) []byte {
	raw, err := json.Marshal(payload.SimpleContainerImage{Critical: payload.Critical{
		Identity: payload.Identity{DockerReference: repository},
		Image:    payload.Image{DockerManifestDigest: d},
		Type:     kind,
	}})
	must(err)
	return raw
}

// Sign returns the base64 encoded signature over body.
func (s Signer) Sign(body []byte) string {
	raw, err := s.signer.SignMessage(bytes.NewReader(body))
	must(err)
	return base64.StdEncoding.EncodeToString(raw)
}

// Blob returns a Sigstore bundle over a file, as cosign sign-blob --bundle writes it.
func (s Signer) Blob(file []byte) []byte {
	sum := sha256.Sum256(file)
	return fmt.Appendf(nil, `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"key"}},`+
		`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":%q},"signature":%q}}`, base64.StdEncoding.EncodeToString(sum[:]), s.Sign(file))
}

// OldBlob returns a bundle over a file in the format that cosign sign-blob --bundle wrote before Sigstore bundles.
func (s Signer) OldBlob(file []byte) []byte {
	return fmt.Appendf(nil, `{"base64Signature":%q,"cert":"","rekorBundle":null}`, s.Sign(file))
}

// Target is a repository that can be pushed to.
type Target interface {
	// PushBlob stores a blob and describes it with the media type.
	PushBlob(mediaType string, raw []byte) ocispec.Descriptor
	// PushLayers stores an image manifest with the layers under a tag.
	PushLayers(tag string, layers ...ocispec.Descriptor) ocispec.Descriptor
	// PushReferrer stores an artifact manifest with the layers that refers to a subject.
	PushReferrer(artifactType string, subject ocispec.Descriptor, layers ...ocispec.Descriptor) ocispec.Descriptor
}

// Legacy returns the layer of a legacy signature over body, which is pushed.
func (s Signer) Legacy(r Target, body []byte) ocispec.Descriptor {
	layer := r.PushBlob("application/vnd.dev.cosign.simplesigning.v1+json", body)
	layer.Annotations = map[string]string{"dev.cosignproject.cosign/signature": s.Sign(body)}
	return layer
}

// SignatureTag returns the tag under which cosign keeps the legacy signatures of a manifest.
func SignatureTag(d digest.Digest) string { return strings.ReplaceAll(d.String(), ":", "-") + ".sig" }

// AttachBundle pushes a bundle as a referrer of a manifest, as cosign does.
func AttachBundle(r Target, subject ocispec.Descriptor, raw []byte) ocispec.Descriptor {
	return r.PushReferrer(BundleMediaType, subject, r.PushBlob(BundleMediaType, raw))
}

// SignLegacy signs the subject and pushes the signatures, in order, as cosign sign does.
func SignLegacy(r Target, s verify.Subject, signers ...Signer) {
	SignDigest(r, s.Manifest.Digest, signers...)
}

// SignDigest signs a manifest by its digest.
func SignDigest(r Target, d digest.Digest, signers ...Signer) {
	var layers []ocispec.Descriptor
	for _, signer := range signers {
		layers = append(layers, signer.Legacy(r, Payload(d)))
	}
	r.PushLayers(SignatureTag(d), layers...)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
