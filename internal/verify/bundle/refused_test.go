// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"crypto"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

var _ = Describe("A bundle", Label("cosign", "keyless"), func() {
	DescribeTable("is refused",
		func(s *Sigstore, how How, t trust) {
			_, err := verifyBundle(s.Bundle(artifact, how), t())
			Expect(err).To(Or(MatchError(bundle.ErrUntrusted), MatchError(bundle.ErrMalformed)))
			Expect(err).NotTo(MatchError(bundle.ErrTrust))
			AddReportEntry("reason", err.Error())
		},
		Entry("by another Sigstore's root", small, keyless(), root(public)),
		Entry("with a log's time, and a timestamp of another authority", public, keyless(func(h *How) { h.StampedBy = small }), root(public)),
		Entry("E7: with a certificate that was never logged", public, keyless(func(h *How) { h.WithoutSCT = true }), root(public)),
		Entry("E7: with a certificate that another log promises", public, keyless(func(h *How) { h.ForeignSCT = true }), root(public)),
		Entry("E10: with a log's time that the log did not sign, and no other time", public, keyless(func(h *How) { h.Stamped, h.WithoutPromise = false, true }), root(public)),
		Entry("D14: with a promise that the log did not sign", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) {
				flip(b.VerificationMaterial.TlogEntries[0].InclusionPromise.SignedEntryTimestamp)
			}
		}), root(public)),
		Entry("E11: with a checkpoint that the log did not sign", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { forgeCheckpoint(b, small, artifact, keyless()) }
		}), root(public)),
		Entry("E12: with a timestamp of another authority that embeds its certificate", small, keyless(func(h *How) {
			h.Log, h.StampedBy, h.EmbedTSA = NoLog, public, true
		}), root(small, Log, CTLog)),
		Entry("D13: with the log entry of another signature", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { swapEntry(b, public, []byte("other")) }
		}), root(public)),
		Entry("D13: with the log entry of another signature over the same artifact", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { swapEntry(b, public, artifact) }
		}), root(public)),
		Entry("E8: with one log entry twice", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { repeatEntry(b, 2) }
		}), root(public)),
		Entry("E9: with 33 log entries", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { repeatEntry(b, 33) }
		}), root(public)),
		Entry("E9: with 33 timestamps", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { repeatStamp(b, 33) }
		}), root(public)),
		Entry("E9: with a statement about 1,025 subjects", public, keyless(func(h *How) { h.Statement, h.Subjects = CosignSign, 1024 }), root(public)),
		Entry("D13: logged by its hash, with the entry of another statement", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			h.Alter = func(b *pbbundle.Bundle) { swapEntryOf(b, public, []byte("other"), *h) }
		}), root(public)),
		Entry("D13: logged by its hash, with the entry of another signature", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			h.Alter = func(b *pbbundle.Bundle) { swapEntryOf(b, public, artifact, *h) }
		}), root(public)),
		Entry("E11: logged by its hash, with a checkpoint that the log did not sign", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			how := *h
			h.Alter = func(b *pbbundle.Bundle) { forgeCheckpoint(b, small, artifact, how) }
		}), root(public)),
		Entry("logged by its hash, with another payload", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			h.Alter = func(b *pbbundle.Bundle) { flip(b.GetDsseEnvelope().Payload) }
		}), root(public)),
		Entry("logged by its hash, with another signature", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			h.Alter = func(b *pbbundle.Bundle) { flip(b.GetDsseEnvelope().Signatures[0].Sig) }
		}), root(public)),
		Entry("logged by its hash, in another log", small, keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "hashedrekord" }), root(public)),
		Entry("E9: logged by its hash, about 1,025 subjects", public, keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "hashedrekord"; h.Subjects = 1024 }), root(public)),
		Entry("D13: logged with a checkpoint that names no tree, with the entry of another statement", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Alter = func(b *pbbundle.Bundle) { swapEntryOf(b, public, []byte("other"), *h) }
		}), root(public)),
		Entry("D13: logged with a checkpoint that names no tree, with the entry of another signature", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Alter = func(b *pbbundle.Bundle) { swapEntryOf(b, public, artifact, *h) }
		}), root(public)),
		Entry("E11: logged with a checkpoint that names no tree, with a checkpoint that the log did not sign", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			how := *h
			h.Alter = func(b *pbbundle.Bundle) { forgeCheckpoint(b, small, artifact, how) }
		}), root(public)),
		Entry("logged with a checkpoint that names no tree, with another payload", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Alter = func(b *pbbundle.Bundle) { flip(b.GetDsseEnvelope().Payload) }
		}), root(public)),
		Entry("logged with a checkpoint that names no tree, with another signature", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Alter = func(b *pbbundle.Bundle) { flip(b.GetDsseEnvelope().Signatures[0].Sig) }
		}), root(public)),
		Entry("logged with a checkpoint that names no tree, in another log", small, keyless(func(h *How) { h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true }), root(public)),
		Entry("E9: logged with a checkpoint that names no tree, about 1,025 subjects", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Subjects = 1024
		}), root(public)),
		Entry("without a proven time", public, keyless(func(h *How) { h.Log, h.Stamped = NoLog, false }), root(public)),
		Entry("without a log entry", public, keyless(func(h *How) { h.Log = NoLog }), root(public)),
		Entry("without a timestamp, if logs are ignored", public, keyless(func(h *How) { h.Stamped = false }), ignoringLogs(root(public))),
		Entry("by a statement without a type", public, keyless(func(h *How) { h.Statement, h.StatementType = CosignSign, " " }), root(public)),
		Entry("by a statement of an unknown type", public, keyless(func(h *How) { h.Statement, h.StatementType = CosignSign, "https://in-toto.io/Statement/v2" }), root(public)),
		Entry("of an unknown version", public, keyless(func(h *How) { h.Version = "0.4" }), root(public)),
		Entry("of a key, if a certificate is required", public, byKey(func(h *How) { h.Log, h.Stamped = RekorV1, true }), root(public)),
		Entry("with a certificate, if a key is required", public, keyless(), key(ours)),
		Entry("of another key", public, byKey(), key(theirs)),
		Entry("of another key, by a statement", public, byKey(func(h *How) { h.Statement = CosignSign }), key(theirs)),
		Entry("with a hash that differs from the required one", public, byKey(func(h *How) { h.Hash = crypto.SHA512 }), key(ours).with(func(t *bundle.Trust) {
			t.Keys[0], _ = t.Keys[0].WithHash(crypto.SHA256)
		})),
		Entry("D12: of a key, and not logged, if a log entry is required", public, byKey(), key(ours).loggedIn(public)),
		Entry("D13: of a key, with the log entry of another signature", public, byKey(func(h *How) {
			h.Log = RekorV1
			h.Alter = func(b *pbbundle.Bundle) { swapEntry(b, public, []byte("other")) }
		}), key(ours).loggedIn(public)),
		Entry("E21: of a key, and logged in another log, even if that log offers a key", small, byKey(func(h *How) { h.Log = RekorV1 }), key(ours).loggedIn(public)),
		Entry("D15: of a key, before its validity", public, byKey(func(h *How) { h.Stamped = true }), key(ours).validFor(public, time.Second, time.Hour)),
		Entry("D15: of a key, after its validity", public, byKey(func(h *How) { h.Stamped = true }), key(ours).validFor(public, -time.Hour, -time.Second)),
		Entry("D15: of a key with a period of validity, at no proven time", public, byKey(), key(ours).validFor(public, -time.Hour, time.Hour)),
		Entry("of a key with a period of validity, at a log's time outside of it", public, byKey(func(h *How) { h.Log = RekorV1 }), key(ours).validFor(public, time.Second, time.Hour).loggedIn(public)),
	)
})
