// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"crypto"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// legacyOf signs the artifact, here a payload, in the format that cosign used before bundles.
func legacyOf(s *Sigstore, how How) bundle.Legacy {
	annotations := s.Legacy(artifact, how)
	return bundle.Legacy{
		Payload: artifact, Signature: annotations["dev.cosignproject.cosign/signature"],
		Certificate: annotations["dev.sigstore.cosign/certificate"],
		RekorBundle: annotations["dev.sigstore.cosign/bundle"], Timestamp: annotations["dev.sigstore.cosign/rfc3161timestamp"],
	}
}

func verifyLegacy(l bundle.Legacy, t bundle.Trust) (bundle.Signature, error) {
	b, err := bundle.FromLegacy(l, t)
	if err != nil {
		return bundle.Signature{}, err
	}
	return b.Verify(bundle.Bytes(l.Payload), t)
}

var _ = Describe("A legacy signature", Label("cosign"), func() {
	DescribeTable("is proven",
		func(how How, t trust) {
			signature, err := verifyLegacy(legacyOf(public, how), t())
			Expect(err).NotTo(HaveOccurred())
			if how.Key == nil {
				Expect(signature.Signer).To(And(HaveField("Issuer", issuer), HaveField("Subject", subject)))
			}
		},
		Entry("of an identity, logged and stamped", keyless(), root(public)),
		Entry("of an identity, logged", keyless(func(h *How) { h.Stamped = false }), root(public)),
		Entry("of an identity, stamped, if logs are ignored", keyless(func(h *How) { h.Log = NoLog }), ignoringLogs(root(public))),
		Entry("of a key", byKey(), key(ours)),
		Entry("of a key that signed with SHA-512", byKey(func(h *How) { h.Hash = crypto.SHA512 }), key(ours)),
		Entry("of a key, logged", byKey(func(h *How) { h.Log = RekorV1 }), key(ours).loggedIn(public)),
		Entry("of a key that signed with SHA-512, logged", byKey(func(h *How) { h.Log, h.Hash = RekorV1, crypto.SHA512 }), key(ours).loggedIn(public)),
	)

	DescribeTable("ignores broken proofs that are not required",
		func(spoil func(*bundle.Legacy)) {
			l := legacyOf(public, byKey(func(h *How) { h.Log, h.Stamped = RekorV1, true }))
			spoil(&l)
			_, err := verifyLegacy(l, key(ours)())
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("proofs that are intact", func(*bundle.Legacy) {}),
		Entry("a malformed log entry", func(l *bundle.Legacy) { l.RekorBundle = "{" }),
		Entry("a malformed timestamp", func(l *bundle.Legacy) { l.Timestamp = "{" }),
		Entry("a malformed certificate", func(l *bundle.Legacy) { l.Certificate = "x" }),
	)

	DescribeTable("is refused",
		func(t trust, spoil func(*bundle.Legacy)) {
			l := legacyOf(public, keyless())
			if len(t().Keys) > 0 {
				l = legacyOf(public, byKey(func(h *How) { h.Log, h.Stamped = RekorV1, true }))
			}
			spoil(&l)
			_, err := verifyLegacy(l, t())
			Expect(err).To(Or(MatchError(bundle.ErrMalformed), MatchError(bundle.ErrUntrusted)))
		},
		Entry("by another Sigstore's root", root(small), func(*bundle.Legacy) {}),
		Entry("by another key", key(theirs), func(*bundle.Legacy) {}),
		Entry("D4: over another payload", root(public), func(l *bundle.Legacy) { l.Payload = []byte("other") }),
		Entry("D12: without a log entry", root(public), func(l *bundle.Legacy) { l.RekorBundle = "" }),
		Entry("D13: with the log entry of another signature", root(public), func(l *bundle.Legacy) { l.RekorBundle = legacyOf(public, keyless()).RekorBundle }),
		Entry("D13: with the log entry of another signature, by a key", key(ours).loggedIn(public), func(l *bundle.Legacy) {
			l.RekorBundle = legacyOf(public, byKey(func(h *How) { h.Log = RekorV1 })).RekorBundle
		}),
		Entry("D14: with a log entry that another log promises", root(public), func(l *bundle.Legacy) { l.RekorBundle = legacyOf(small, keyless()).RekorBundle }),
		Entry("E10: with a log entry without a promise", root(public), func(l *bundle.Legacy) {
			l.RekorBundle = strings.Replace(l.RekorBundle, `"SignedEntryTimestamp":"`, `"SignedEntryTimestamp":"AAAA`, 1)
		}),
		Entry("with a log entry that is not JSON", root(public), func(l *bundle.Legacy) { l.RekorBundle = "<html>" }),
		Entry("with a log entry that is null", root(public), func(l *bundle.Legacy) { l.RekorBundle = "null" }),
		Entry("with a log entry whose body is a number", root(public), func(l *bundle.Legacy) { l.RekorBundle = `{"Payload":{"body":1}}` }),
		Entry("with a log entry whose body is not JSON", root(public), func(l *bundle.Legacy) { l.RekorBundle = `{"Payload":{"body":"AAAA","logID":"00"}}` }),
		Entry("with a log entry of an unknown kind", root(public), func(l *bundle.Legacy) {
			l.RekorBundle = `{"SignedEntryTimestamp":"AAAA","Payload":{"body":"eyJraW5kIjoieCIsImFwaVZlcnNpb24iOiIxIn0=","logID":"00"}}`
		}),
		Entry("without a certificate", root(public), func(l *bundle.Legacy) { l.Certificate = "" }),
		Entry("with a certificate that is a key", root(public), func(l *bundle.Legacy) { l.Certificate = string(PublicKey(ours)) }),
		Entry("with another certificate of the same identity", root(public), func(l *bundle.Legacy) { l.Certificate = legacyOf(public, keyless()).Certificate }),
		Entry("with a signature that is not base64", root(public), func(l *bundle.Legacy) { l.Signature = "%" }),
		Entry("with no signature", root(public), func(l *bundle.Legacy) { l.Signature = "" }),
		Entry("E12: with a timestamp that is garbage, if it is the only time", ignoringLogs(root(public)), func(l *bundle.Legacy) { l.Timestamp = `{"SignedRFC3161Timestamp":"AAAA"}` }),
		Entry("E12: with the timestamp of another signature", ignoringLogs(root(public)), func(l *bundle.Legacy) { l.Timestamp = legacyOf(public, keyless()).Timestamp }),
		Entry("E12: with the timestamp of another authority", ignoringLogs(root(public)), func(l *bundle.Legacy) {
			l.Timestamp = legacyOf(public, keyless(func(h *How) { h.StampedBy, h.EmbedTSA = small, true })).Timestamp
		}),
		Entry("with a timestamp that is not JSON", ignoringLogs(root(public)), func(l *bundle.Legacy) { l.Timestamp = "x" }),
	)
})

// FuzzVerify uses random bytes as a bundle, and as the proofs of a legacy
// signature, with keys that have not signed it: nothing is trusted, and nothing panics.
func FuzzVerify(f *testing.F) {
	sigstore := NewSmall()
	root, err := trustroot.Parse(NewSmall().Root())
	if err != nil {
		f.Fatal(err)
	}
	key, err := bundle.ParseKey("k.pub", PublicKey(NewKey()))
	if err != nil {
		f.Fatal(err)
	}
	trusts := []bundle.Trust{{Root: root}, {Keys: []bundle.Key{key}}, {Keys: []bundle.Key{key}, Root: root, Log: bundle.LogRequired}, {Root: root, Log: bundle.LogIgnored}}
	for _, how := range []How{keyless(), keyless(func(h *How) { h.Log, h.Statement = RekorV2, CosignSign }), byKey(), keyless(func(h *How) { h.Version = "0.1" })} {
		f.Add(sigstore.Bundle(artifact, how))
	}
	legacy := legacyOf(sigstore, keyless())
	f.Add([]byte(legacy.RekorBundle))
	f.Add([]byte(legacy.Timestamp))
	f.Add([]byte(legacy.Certificate))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, trust := range trusts {
			if signature, err := verifyBundle(raw, trust); err == nil {
				t.Fatalf("trusted %+v", signature)
			}
			l := legacy
			for _, part := range []*string{&l.RekorBundle, &l.Timestamp, &l.Certificate, &l.Signature} {
				was := *part
				*part = string(raw)
				if signature, err := verifyLegacy(l, trust); err == nil {
					t.Fatalf("trusted %+v", signature)
				}
				*part = was
			}
		}
	})
}
