// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

var _ = Describe("A bundle", Label("cosign", "keyless"), func() {
	DescribeTable("is proven",
		func(s *Sigstore, how How, t trust) {
			raw := s.Bundle(artifact, how)
			signature, err := verifyBundle(raw, t())
			Expect(err).NotTo(HaveOccurred())
			if how.Key == nil {
				Expect(signature.Signer).To(And(HaveField("Issuer", issuer), HaveField("Subject", subject)))
				Expect(signature.Time).To(BeTemporally("==", s.Epoch))
			} else {
				Expect(signature).To(And(HaveField("KeyID", keyOf(how.Key).ID), HaveField("KeyName", "release.pub")))
			}
			logRequired := t().Log == bundle.LogRequired || how.Key == nil && how.Log != NoLog && t().Log == bundle.LogAsRoot && t().Root.HasLogs()
			Expect(signature.LogIndex != nil).To(Equal(logRequired && !how.WithoutPromise), "only a promise proves the index of Rekor v1")

			b, err := bundle.Parse(raw)
			Expect(err).NotTo(HaveOccurred())
			byDigest, err := bundle.Digest(digest.FromBytes(artifact))
			Expect(err).NotTo(HaveOccurred())
			_, err = b.Verify(byDigest, t())
			Expect(err).NotTo(HaveOccurred(), "by digest")
		},
		Entry("of an identity, over the artifact", public, keyless(), root(public)),
		Entry("of an identity, by a statement", public, keyless(func(h *How) { h.Statement = CosignSign }), root(public)),
		Entry("of version 0.1", public, keyless(func(h *How) { h.Version = "0.1" }), root(public)),
		Entry("of version 0.2", public, keyless(func(h *How) { h.Version = "0.2" }), root(public)),
		Entry("by a statement of the older type", public, keyless(func(h *How) { h.Statement, h.StatementType = CosignSign, "https://in-toto.io/Statement/v0.1" }), root(public)),
		Entry("logged in Rekor v1 with only the time of the log", public, keyless(func(h *How) { h.Stamped = false }), root(public)),
		Entry("logged in Rekor v1 with only the time of a timestamp", public, keyless(func(h *How) { h.WithoutPromise = true }), root(public)),
		Entry("logged in Rekor v2", public, keyless(func(h *How) { h.Log = RekorV2 }), root(public)),
		Entry("logged in Rekor v2, by a statement", public, keyless(func(h *How) { h.Log, h.Statement = RekorV2, CosignSign }), root(public)),
		Entry("by a statement, logged in Rekor v1 as in-toto", public, keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "intoto" }), root(public)),
		Entry("by a statement, logged in Rekor v1 by its hash", public, keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "hashedrekord" }), root(public)),
		Entry("by a statement, logged in Rekor v1 by its hash, of a key", public, byKey(func(h *How) { h.Statement, h.Log, h.LogAs = CosignSign, RekorV1, "hashedrekord" }), key(ours).loggedIn(public)),
		Entry("by a statement, with a checkpoint that names no tree", public, keyless(func(h *How) { h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true }), root(public)),
		Entry("by a statement, logged as in-toto with a checkpoint that names no tree, of a key", public, byKey(func(h *How) {
			h.Statement, h.Log, h.LogAs, h.PlainCheckpoint, h.WithoutPromise = CosignSign, RekorV1, "intoto", true, true
		}), key(ours).loggedIn(public)),
		Entry("against a root that has only timestamp authorities", small, keyless(func(h *How) { h.Log, h.WithoutSCT = NoLog, true }), root(small, Log, CTLog)),
		Entry("with a log entry, only by the timestamp, since logs are ignored", small, keyless(), ignoringLogs(root(small))),
		Entry("of a key, over the artifact", public, byKey(), key(ours)),
		Entry("of a key, by a statement", public, byKey(func(h *How) { h.Statement = CosignSign }), key(ours)),
		Entry("of a key that signed with SHA-512", public, byKey(func(h *How) { h.Hash, h.Statement = crypto.SHA512, CosignSign }), key(ours)),
		Entry("of a key, with a log entry that is not required", small, byKey(func(h *How) { h.Log = RekorV1 }), key(ours)),
		Entry("of a key, logged in Rekor v1", public, byKey(func(h *How) { h.Log = RekorV1 }), key(ours).loggedIn(public)),
		Entry("of a key, logged in Rekor v2, which proves no time", public, byKey(func(h *How) { h.Log = RekorV2 }), key(ours).loggedIn(public)),
		Entry("of a key, at a time within its validity", public, byKey(func(h *How) { h.Stamped = true }), key(ours).validFor(public, -time.Hour, time.Hour)),
		Entry("of a key, at the very end of its validity", public, byKey(func(h *How) { h.Stamped = true }), key(ours).validFor(public, -time.Hour, 0)),
	)

	DescribeTable("of one byte more or less is refused",
		func(how How, t trust) {
			raw := public.Bundle(artifact, how)
			b, err := bundle.Parse(raw)
			Expect(err).NotTo(HaveOccurred())
			_, err = b.Verify(bundle.Bytes(append([]byte("x"), artifact...)), t())
			Expect(err).To(MatchError(bundle.ErrUntrusted))
			other, err := bundle.Digest(digest.FromString("other"))
			Expect(err).NotTo(HaveOccurred())
			_, err = b.Verify(other, t())
			Expect(err).To(MatchError(bundle.ErrUntrusted))
		},
		Entry("of an identity", keyless(), root(public)),
		Entry("of an identity, by a statement", keyless(func(h *How) { h.Statement = CosignSign }), root(public)),
		Entry("of a key", byKey(), key(ours)),
		Entry("of a key, by a statement", byKey(func(h *How) { h.Statement = CosignSign }), key(ours)),
		Entry("of an identity, logged by its hash", keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "hashedrekord" }), root(public)),
		Entry("of an identity, with a checkpoint that names no tree", keyless(func(h *How) { h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true }), root(public)),
	)

	It("with a pure Ed25519 signature of nothing does not sign every digest", func() {
		_, signer, err := ed25519.GenerateKey(rand.Reader)
		Expect(err).NotTo(HaveOccurred())
		raw := public.Bundle(nil, How{Key: signer, Alter: func(b *pbbundle.Bundle) {
			b.GetMessageSignature().MessageDigest.Digest = bytesOf(digest.FromBytes(artifact))
		}})
		b, err := bundle.Parse(raw)
		Expect(err).NotTo(HaveOccurred())
		byDigest, err := bundle.Digest(digest.FromBytes(artifact))
		Expect(err).NotTo(HaveOccurred())
		_, err = b.Verify(byDigest, key(signer)())
		Expect(err).To(MatchError(bundle.ErrUntrusted))
	})

	DescribeTable("cannot be required by a Trust that no signature can satisfy",
		func(t trust) {
			_, err := verifyBundle(public.Bundle(artifact, keyless()), t())
			Expect(err).To(MatchError(bundle.ErrTrust))
		},
		Entry("no keys and no root", trust(func() bundle.Trust { return bundle.Trust{} })),
		Entry("no keys, and a root without authorities", root(public, Authority)),
		Entry("a log entry, and a root without logs", root(public, Log).with(func(t *bundle.Trust) { t.Log = bundle.LogRequired })),
		Entry("a log entry of a key, and no root", key(ours).with(func(t *bundle.Trust) { t.Log = bundle.LogRequired })),
		Entry("a proven time, and a root with neither logs nor timestamp authorities", root(public, Log, TimestampAuthority)),
		Entry("a key with a validity, and no root", key(ours).with(func(t *bundle.Trust) {
			t.Keys = []bundle.Key{t.Keys[0].ValidFor(time.Now(), time.Now())}
		})),
	)
})
