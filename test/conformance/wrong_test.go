// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// wrong are bundles that must be refused, named after the suite's cases: a right bundle, and the change that
// makes it wrong.
var wrong = []struct {
	name  string
	right func() *given
	wrong func(*given)
}{
	// Unreadable input.
	{"bundle-empty-certificate-chain_fail", keyless(version("0.1")), func(g *given) {
		g.material().GetX509CertificateChain().Certificates = nil
	}},
	{"bundle-invalid-base64-signature_fail", keyless(), func(g *given) { g.edit = replacing(`"signature":"`, `"signature":"%`) }},
	{"bundle-malformed-json_fail", keyless(), func(g *given) { g.edit = func(raw []byte) []byte { return raw[:len(raw)-1] } }},
	{"bundle-negative-log-index_fail", keyless(), func(g *given) { g.entry().LogIndex = -1 }},
	{"bundle-unknown-version_fail", keyless(), func(g *given) {
		g.bundle.MediaType = "application/vnd.dev.sigstore.bundle+json;version=99.9"
	}},
	{"a media type of something else", keyless(), func(g *given) { g.bundle.MediaType = "application/json" }},
	{"a field that is not known", keyless(), func(g *given) { g.edit = replacing(`"mediaType"`, `"x":1,"mediaType"`) }},
	{"v0.3 with a certificate chain", keyless(version("0.2")), func(g *given) {
		g.bundle.MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	}},

	// Signer and issuer.
	{"bundle-from-wrong-instance_fail", keyless(), func(g *given) { g.root = rootOf(theirs) }},
	{"bundle-with-root-cert_fail", keyless(version("0.1")), becomes(func() *given {
		g := signedBy(theirs, How{Issuer: issuer, Subject: identity, Log: RekorV1, Version: "0.1"})
		chain := g.material().GetX509CertificateChain()
		for _, c := range g.root.CertificateAuthorities[0].CertChain.Certificates {
			chain.Certificates = append(chain.Certificates, &pbcommon.X509Certificate{RawBytes: c.RawBytes})
		}
		g.root.CertificateAuthorities = rootOf(ours).CertificateAuthorities
		return g
	})},
	{"another identity", keyless(), func(g *given) { g.identity = otherIdentity }},
	{"an identity that is the beginning of the signer's", keyless(), func(g *given) { g.identity = identity[:len(identity)-1] }},
	{"an identity that as a pattern would match", keyless(), func(g *given) { g.identity = ".*" }},
	{"an identity in other case", keyless(), func(g *given) { g.identity = "HTTPS" + identity[5:] }},
	{"another issuer", keyless(), func(g *given) { g.issuer += "/" }},
	{"invalid-ct-key_fail", keyless(), func(g *given) {
		g.root.Ctlogs[0].PublicKey.RawBytes = rootOf(theirs).Ctlogs[0].PublicKey.RawBytes
	}},
	{"E7: a certificate that no log promised", keyless(), becomes(keyless(func(h *How) { h.WithoutSCT = true }))},
	{"E7: a certificate that another log promised", keyless(), becomes(keyless(func(h *How) { h.ForeignSCT = true }))},
	{"E7: a root that names no CT log", keyless(), func(g *given) { g.root.Ctlogs = nil }},
	{"a promise of a certificate with other extensions", func() *given { return loggedWith([]byte("x")) }, func(g *given) {
		g.root.Ctlogs = loggedWith([]byte("x")).root.Ctlogs
	}},
	{"intoto-expired-certificate_fail", keyless(statement, stamped), func(g *given) {
		g.root.CertificateAuthorities[0].ValidFor.End = timestamppb.New(ours.Epoch.Add(-time.Second))
	}},
	{"an authority that was not valid yet", keyless(), func(g *given) {
		g.root.CertificateAuthorities[0].ValidFor.Start = timestamppb.New(ours.Epoch.Add(time.Second))
	}},
	{"E6: an intermediate certificate that had expired", expiring(time.Minute), becomes(expiring(-time.Minute))},

	// With a key.
	{"managed-key-no-key_fail", managedKey, func(g *given) { g.key, g.identity, g.issuer = nil, identity, issuer }},
	{"managed-key-wrong-key_fail", keyed(), func(g *given) { g.key = PublicKey(NewKey()) }},
	{"another key, without a log", unloggedKey(), func(g *given) { g.key = PublicKey(NewKey()) }},
	{"a signature that the key did not make, without a log", unloggedKey(), func(g *given) { flip(g.signature()) }},
	{"an envelope that the key did not sign, without a log", unloggedKey(statement), func(g *given) { flip(g.signature()) }},
	{"managed-key-and-client-identity_fail", keyed(), func(g *given) { g.identity, g.issuer = identity, issuer }},
	{"D9: a private key for the public one", keyed(), func(g *given) { g.key = privatePEM(key) }},
	{"a key without a log entry, though the root names a log", keyed(), becomes(keyed(unlogged))},
	{"a certificate although a key is required", keyed(), becomes(changed(keyless(), func(g *given) {
		g.key, g.identity, g.issuer = PublicKey(key), "", ""
	}))},

	// The signed content.
	{"signature-mismatch_fail", keyless(), func(g *given) { flip(g.signature()) }},
	{"wrong-material_fail", keyless(), func(g *given) { g.artifact = []byte("another artifact") }},
	{"wrong material of a statement", keyless(statement), func(g *given) { g.artifact = []byte("another artifact") }},
	{"message-digest-mismatch_fail", keyless(), func(g *given) { flip(g.bundle.GetMessageSignature().MessageDigest.Digest) }},
	{"a message digest by another algorithm", keyless(), func(g *given) {
		g.bundle.GetMessageSignature().MessageDigest.Algorithm = pbcommon.HashAlgorithm_SHA2_512
	}},
	{"message digest mismatch, by a key that is not logged", unloggedKey(), func(g *given) {
		flip(g.bundle.GetMessageSignature().MessageDigest.Digest)
	}},
	{"dsse-invalid-sig_fail", keyless(statement), func(g *given) { flip(g.signature()) }},
	{"dsse-mismatch-envelope_fail", keyless(statement), envelopeOf(keyless(statement))},
	{"dsse-mismatch-sig_fail", keyed(statement), func(g *given) { // the signature differs, for the same payload by the same key
		again := keyed(statement)().bundle.GetDsseEnvelope()
		Expect(again.Payload).To(Equal(g.bundle.GetDsseEnvelope().Payload))
		g.bundle.GetDsseEnvelope().Signatures = again.Signatures
	}},
	{"dsse-statement-missing-type_fail", unloggedKey(statement), restate(func(s map[string]any) { delete(s, "_type") })},
	{"dsse-statement-unknown-type_fail", keyed(rekorV2Alone, statement), becomes(keyed(rekorV2Alone, statement, func(h *How) {
		h.StatementType = "https://in-toto.io/Statement/v2"
	}))},
	{"a statement about nothing", unloggedKey(statement), restate(func(s map[string]any) { delete(s, "subject") })},
	{"a payload of another type", keyless(statement), func(g *given) { g.bundle.GetDsseEnvelope().PayloadType = "text/plain" }},
	{"an envelope that is signed twice", keyless(statement), signedTwice},
	{"an envelope without signatures", keyless(statement), func(g *given) { g.bundle.GetDsseEnvelope().Signatures = nil }},
	{"E9: 1,025 subjects", keyless(statement), becomes(keyless(statement, func(h *How) { h.Subjects = 1024 }))},

	// Log entries, in Rekor v1.
	{"cve-2022-36056-swapped-tlog-entry_fail", keyless(), entryOf(keyless())},
	{"wrong-hashedrekord-artifact_fail", keyless(), entryOf(func() *given {
		g := keyless()()
		g.bundle = bundleOf(ours, []byte("another"), How{Issuer: issuer, Subject: identity, Log: RekorV1})
		return g
	})},
	{"wrong-hashedrekord-cert-and-sig_fail", keyless(), entryOf(keyless(func(h *How) { h.Subject = otherIdentity }))},
	{"wrong-hashedrekord-entry_fail", keyless(), entryOf(keyed())},
	{"incorrect-public-key_fail", keyless(), body(func(b map[string]any) {
		b["spec"].(map[string]any)["signature"].(map[string]any)["publicKey"] = map[string]any{"content": PublicKey(key)}
	})},
	{"dsse-with-hashedrekord-mismatch-envelope_fail", keyless(statement, asHash), envelopeOf(keyless(statement, asHash))},
	{"dsse-with-hashedrekord-invalid-sig_fail", keyless(statement, asHash), func(g *given) { flip(g.signature()) }},
	{"dsse-with-hashedrekord-mismatch-sig_fail", keyed(statement, asHash), func(g *given) {
		g.bundle.GetDsseEnvelope().Signatures = keyed(statement, asHash)().bundle.GetDsseEnvelope().Signatures
	}},
	{"dsse-with-hashedrekord, about something else", keyless(statement, asHash), func(g *given) { g.artifact = []byte("another artifact") }},
	{"E9: 1,025 subjects, logged as a hash", keyless(statement, asHash), becomes(keyless(statement, asHash, func(h *How) { h.Subjects = 1024 }))},
	{"intoto-log-entry-mismatch_fail", keyless(statement, asInToto), entryOf(keyless(statement, asInToto))},
	{"intoto-missing-inclusion-proof_fail", keyless(statement, asInToto, version("0.2")), func(g *given) { g.entry().InclusionProof = nil }},
	{"v0.1 without an inclusion promise", keyless(version("0.1"), stamped), func(g *given) { g.entry().InclusionPromise = nil }},
	{"intoto-canonical-log-entry of another payload", keyed(statement, unpromised, asPlainInToto), entryOf(keyed(unpromised, asPlainInToto, func(h *How) { h.Statement = predicate + "/2" }))},
	{"intoto-canonical-log-entry of another signature of the same", keyed(statement, unpromised, asPlainInToto), entryOf(keyed(statement, unpromised, asPlainInToto))},
	{"intoto-canonical-log-entry with another root hash", keyed(statement, unpromised, asPlainInToto), func(g *given) { flip(g.proof().RootHash) }},
	{"intoto-canonical-log-entry with a checkpoint that nobody signed", keyed(statement, unpromised, asPlainInToto), checkpoint(last(corrupted(20)))},
	{"intoto-canonical-log-entry in another log", keyed(statement, unpromised, asPlainInToto), func(g *given) { g.root.Tlogs = rootOf(theirs).Tlogs }},
	{"intoto-canonical-log-entry at no proven time", keyless(statement, stamped, unpromised, asPlainInToto), func(g *given) {
		g.material().TimestampVerificationData = nil
	}},
	{"invalid-inclusion-proof_fail", keyless(version("0.2")), func(g *given) { g.proof().Checkpoint = nil }},
	{"inclusion-proof-corrupted-hash_fail", inLab(0), func(g *given) { flip(g.proof().Hashes[0]) }},
	{"a proof of another place in the log", inLab(0), func(g *given) { g.proof().LogIndex = 1 }},
	{"set-invalid-signature_fail", keyless(), func(g *given) { flip(g.entry().InclusionPromise.SignedEntryTimestamp) }},
	{"a signed entry timestamp of another entry", keyless(), func(g *given) {
		g.entry().InclusionPromise = keyless()().entry().InclusionPromise
	}},
	{"integrated-time-in-future_fail", keyless(), func(g *given) { g.entry().IntegratedTime += 1 << 20 }},
	{"intoto-set-outside-signing-cert-validity_fail", inLab(0), becomes(inLab(time.Hour))},
	{"a log's time before the certificate", inLab(0), becomes(inLab(-time.Hour))},
	{"a log key that was not valid yet", inLab(0), func(g *given) {
		g.root.Tlogs[1].PublicKey.ValidFor.Start = timestamppb.New(ours.Epoch.Add(time.Second))
	}},
	{"a log key that was no longer valid", inLab(0), func(g *given) {
		g.root.Tlogs[1].PublicKey.ValidFor.End = timestamppb.New(ours.Epoch.Add(-time.Second))
	}},
	{"E10: a time that the log did not sign, and no other", keyless(stamped, unpromised), func(g *given) { g.material().TimestampVerificationData = nil }},
	{"no log entry", keyless(stamped), func(g *given) { g.material().TlogEntries = nil }},
	{"E8: one log entry twice", keyless(), func(g *given) { g.material().TlogEntries = repeat(g.material().TlogEntries, 2) }},
	{"E9: 33 log entries", keyless(), func(g *given) { g.material().TlogEntries = repeat(g.material().TlogEntries, 33) }},
	{"checkpoint-bad-keyhint_fail", keyless(version("0.1")), checkpoint(last(corrupted(0)))},
	{"checkpoint-wrong-roothash_fail", keyless(version("0.1")), func(g *given) { g.proof().Checkpoint = keyless()().proof().Checkpoint }},
	{"invalid-checkpoint-signature_fail", keyless(version("0.1")), checkpoint(last(corrupted(20)))},
	{"E11: a checkpoint that another log signed", keyless(), func(g *given) {
		g.proof().Checkpoint = signedBy(theirs, How{Issuer: issuer, Subject: identity, Log: RekorV1}).proof().Checkpoint
	}},

	// Log entries, in Rekor v2.
	{"rekor2-no-inclusion-proof_fail", keyless(withRekorV2), func(g *given) { g.entry().InclusionProof = nil }},
	{"rekor2-checkpoint-missing-origin_fail", keyless(withRekorV2), checkpoint(without(0))},
	{"rekor2-checkpoint-missing-size_fail", keyless(withRekorV2), checkpoint(without(1))},
	{"rekor2-checkpoint-missing-root-hash_fail", keyless(withRekorV2), checkpoint(without(2))},
	{"rekor2-checkpoint-missing-log-signature_fail", keyless(withRekorV2), checkpoint(without(4))},
	{"rekor2-checkpoint-no-matching-signature_fail", keyless(withRekorV2), checkpoint(last(func(string) string { return cosignature("other.test", "log1") }))},
	{"a checkpoint with the log's signature broken", keyless(withRekorV2), checkpoint(last(corrupted(20)))},
	{"rekor2-dsse-invalid-sig_fail", keyless(withRekorV2, statement), func(g *given) { flip(g.signature()) }},
	{"rekor2-dsse-mismatch-envelope_fail", keyless(withRekorV2, statement), envelopeOf(keyless(withRekorV2, statement))},
	{"rekor2-dsse-mismatch-sig_fail", keyed(rekorV2Alone, statement), func(g *given) {
		g.bundle.GetDsseEnvelope().Signatures = keyed(rekorV2Alone, statement)().bundle.GetDsseEnvelope().Signatures
	}},
	{"a log entry in Rekor v2 of another signature", keyless(withRekorV2), entryOf(keyless(withRekorV2))},

	// Signing time.
	{"rekor2-no-timestamp_fail", keyless(withRekorV2), func(g *given) { g.material().TimestampVerificationData = nil }},
	{"rekor2-timestamp-outside-trust-root-tsa-validity_fail", keyless(withRekorV2), func(g *given) {
		g.root.TimestampAuthorities[0].ValidFor.End = timestamppb.New(ours.Epoch.Add(-time.Second))
	}},
	{"rekor2-timestamp-wrong-tsa-validity-borrow_fail", keyless(withRekorV2), func(g *given) {
		unrelated := describeAuthority("https://unrelated.test")
		g.root.TimestampAuthorities[0].ValidFor.End = timestamppb.New(ours.Epoch.Add(-time.Second))
		g.root.TimestampAuthorities = append(g.root.TimestampAuthorities, unrelated)
	}},
	{"rekor2-timestamp-outside-tsa-cert-validity_fail", stampedByLab(time.Hour, time.Hour), becomes(stampedByLab(-time.Second, time.Hour))},
	{"rekor2-timestamp-payload-mismatch_fail", keyless(withRekorV2), func(g *given) {
		g.material().TimestampVerificationData = keyless(withRekorV2)().stamps()
	}},
	{"rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail", keyless(withRekorV2, embedded), becomes(keyless(withRekorV2, embedded, func(h *How) { h.StampedBy = theirs }))},
	{"rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", keyless(withRekorV2), becomes(keyless(withRekorV2, func(h *How) { h.StampedBy = theirs }))},
	{"rekor2-timestamp-with-incorrect-time_fail", keyless(withRekorV2), becomes(keyless(withRekorV2, func(h *How) { h.StampedAt = ours.Epoch.Add(time.Hour) }))},
	{"rekor2-multiple-timestamps-one-outside-cert-validity_fail", keyless(withRekorV2), func(g *given) {
		addStamps(g, ours.Stamp(g.signature(), ours.Epoch.Add(time.Hour)))
	}},
	{"two timestamps of two authorities, one of them outside of the certificate's validity", keyless(withRekorV2), func(g *given) {
		l := usualLab()
		l.trustedBy(g.root)
		addStamps(g, l.stamp(g.signature(), ours.Epoch.Add(time.Hour)))
	}},
	{"intoto-tsa-timestamp-outside-cert-validity_fail", keyless(statement, asInToto, stamped), becomes(keyless(statement, asInToto, stamped, func(h *How) {
		h.StampedAt = ours.Epoch.Add(24 * time.Hour)
	}))},
	{"a timestamp that proves nothing, beside the log's time", keyless(stamped), func(g *given) { flip(g.stamps().Rfc3161Timestamps[0].SignedTimestamp) }},
	{"a timestamp that is garbage", keyless(withRekorV2), func(g *given) {
		g.stamps().Rfc3161Timestamps = []*pbcommon.RFC3161SignedTimestamp{{SignedTimestamp: []byte("garbage")}}
	}},
	{"E9: 33 timestamps", keyless(withRekorV2), func(g *given) {
		g.stamps().Rfc3161Timestamps = repeat(g.stamps().Rfc3161Timestamps, 33)
	}},

	// The trusted root.
	{"trust-root-tlog-missing-validity-start_fail", keyless(), func(g *given) { g.root.Tlogs[0].PublicKey.ValidFor.Start = nil }},
	{"E20: a root with an authority that says no start", keyless(), func(g *given) { g.root.CertificateAuthorities[0].ValidFor.Start = nil }},
	{"a root of another type", keyless(), func(g *given) { g.root.MediaType = "application/json" }},
	{"a root that names nothing, without a key", keyless(), func(g *given) {
		g.root.CertificateAuthorities, g.root.Tlogs, g.root.Ctlogs, g.root.TimestampAuthorities = nil, nil, nil, nil
	}},
	{"no content", keyless(), func(g *given) { g.bundle.Content = nil }},
	{"no material", keyless(), func(g *given) { g.bundle.VerificationMaterial = &pbbundle.VerificationMaterial{} }},
}

const otherIdentity = "https://github.com/mallory/charts/.github/workflows/release.yaml@refs/heads/main"

var _ = Describe("The client", func() {
	for _, row := range wrong {
		for way, byDigest := range map[string]bool{"path": false, "digest": true} {
			id, name, ok := strings.Cut(row.name, ": ")
			if !ok {
				id, name = "E4", row.name
			}
			It(id+": refuses "+name+", by "+way, func() {
				status, said := row.right().run(GinkgoT().TempDir(), byDigest)
				Expect(said).To(BeEmpty(), "what is right but for that")
				Expect(status).To(BeZero())

				g := row.right()
				row.wrong(g)
				status, said = g.run(GinkgoT().TempDir(), byDigest)
				Expect(status).To(Equal(1))
				Expect(said).To(beOneLine())
				AddReportEntry("reason", said)
			})
		}
	}
})
