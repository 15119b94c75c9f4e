// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"context"
	"crypto"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// BenchmarkLegacyKey verifies legacy signatures by a key.
func BenchmarkLegacyKey(b *testing.B) {
	for name, signer := range map[string]Signer{"ECDSA-P256": P256(), "Ed25519": Ed25519(), "RSA-4096": RSA(4096, crypto.SHA256)} {
		repo := NewRepository()
		subject := repo.Subject("chart")
		SignLegacy(repo, subject, signer)
		b.Run(name, func(b *testing.B) { verifyAll(b, must(b, keyed(signer)), subject, repo) })
	}
}

// BenchmarkKeyBundle verifies a bundle by a key.
func BenchmarkKeyBundle(b *testing.B) {
	repo := NewRepository()
	subject := repo.Subject("chart")
	signer := P256()
	AttachBundle(repo, subject.Manifest, sigstoretest.New().Bundle(subject.Raw, sigstoretest.How{Key: signer.Key, Statement: sigstoretest.CosignSign}))
	verifyAll(b, must(b, keyed(signer)), subject, repo)
}

// BenchmarkKeylessBundle verifies a bundle by an identity of a Sigstore in the
// public one's shape: a P-384 chain, an SCT, a log entry with both its proofs, and a timestamp.
func BenchmarkKeylessBundle(b *testing.B) {
	for name, log := range map[string]sigstoretest.LogKind{"RekorV1": sigstoretest.RekorV1, "RekorV2": sigstoretest.RekorV2} {
		how := release
		how.Statement, how.Log, how.Stamped = sigstoretest.CosignSign, log, true
		repo, sigstore := NewRepository(), sigstoretest.New()
		subject := repo.Subject("chart")
		AttachBundle(repo, subject.Manifest, sigstore.Bundle(subject.Raw, how))
		v := must(b, func() (*cosign.Verifier, error) { return keylessly(sigstore.Root()) })
		b.Run(name, func(b *testing.B) { verifyAll(b, v, subject, repo) })
	}
}

func keylessly(raw []byte) (*cosign.Verifier, error) {
	root, err := trustroot.Parse(raw)
	if err != nil {
		return nil, err
	}
	identity, err := cosign.NewIdentity("https://issuer[.]example", "https://github[.]com/org/.*", certificate.Extensions{})
	if err != nil {
		return nil, err
	}
	return cosign.New(cosign.Authority{Name: "release", Trust: bundle.Trust{Root: root}, Identities: []cosign.Identity{identity}})
}

func verifyAll(b *testing.B, v *cosign.Verifier, s verify.Subject, r *Repository) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify.Check(context.Background(), v, s, r); err != nil {
			b.Fatal(err)
		}
	}
}
