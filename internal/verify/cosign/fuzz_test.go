package cosign_test

import (
	"context"
	"crypto"
	"encoding/json"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// FuzzSignatureManifest puts anything under the signature tag of a chart that the
// trusted key has not signed: it is never accepted, and nothing panics.
func FuzzSignatureManifest(f *testing.F) {
	repo := NewRepository()
	subject := repo.Subject("chart")
	ours, theirs := P256(), P256()
	key, err := cosign.ParseKey("a.pub", ours.Public)
	if err != nil {
		f.Fatal(err)
	}
	v, err := cosign.NewKeyed("release", []cosign.Key{key})
	if err != nil {
		f.Fatal(err)
	}
	for _, layers := range [][]ocispec.Descriptor{
		nil,
		{theirs.Legacy(repo, UsualPayload(subject))},
		{theirs.Legacy(repo, Payload(subject.Manifest.Digest))},
		{ours.Legacy(repo, Payload(repo.Subject("other").Manifest.Digest))},
	} {
		raw, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, Layers: layers})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		repo.PushManifest(SignatureTag(subject.Manifest.Digest), raw)
		if _, err := verify.Check(context.Background(), v, subject, repo); err == nil {
			t.Fatalf("accepted by %q", raw)
		}
	})
}

func BenchmarkKeyed(b *testing.B) {
	for name, signer := range map[string]Signer{"ECDSA-P256": P256(), "Ed25519": Ed25519(), "RSA-4096": RSA(4096, crypto.SHA256)} {
		repo := NewRepository()
		subject := repo.Subject("chart")
		SignLegacy(repo, subject, signer)
		key, err := cosign.ParseKey("a.pub", signer.Public)
		if err != nil {
			b.Fatal(err)
		}
		v, err := cosign.NewKeyed("release", []cosign.Key{key})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verify.Check(context.Background(), v, subject, repo); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
