// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// FuzzSignatureManifest puts random bytes under the signature tag of a chart that the
// trusted key has not signed: it is never accepted, and nothing panics.
func FuzzSignatureManifest(f *testing.F) {
	repo := NewRepository()
	subject := repo.Subject("chart")
	ours, theirs := P256(), P256()
	v := must(f, keyed(ours))
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

// keyed returns the authority that trusts a signer.
func keyed(s Signer) func() (*cosign.Verifier, error) {
	return func() (*cosign.Verifier, error) {
		key, err := bundle.ParseKey("a.pub", s.Public)
		if err != nil {
			return nil, err
		}
		return cosign.New(cosign.Authority{Name: "release", Trust: bundle.Trust{Keys: []bundle.Key{key}}})
	}
}

func must[T any](t testing.TB, make func() (T, error)) T {
	t.Helper()
	made, err := make()
	if err != nil {
		t.Fatal(err)
	}
	return made
}
