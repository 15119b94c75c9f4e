// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// authority returns a verifier that trusts the signers, under the names 0.pub, 1.pub, ….
func authority(signers ...Signer) *cosign.Verifier {
	GinkgoHelper()
	return trusting(cosign.Authority{Trust: bundle.Trust{Keys: keysOf(signers...)}, Every: true})
}

func keysOf(signers ...Signer) []bundle.Key {
	GinkgoHelper()
	var keys []bundle.Key
	for i, s := range signers {
		key, err := bundle.ParseKey(fmt.Sprintf("%d.pub", i), s.Public)
		Expect(err).NotTo(HaveOccurred())
		keys = append(keys, key)
	}
	return keys
}

// trusting returns the verifier for an authority named release.
func trusting(a cosign.Authority) *cosign.Verifier {
	GinkgoHelper()
	a.Name = "release"
	v, err := cosign.New(a)
	Expect(err).NotTo(HaveOccurred())
	return v
}

func check(v verify.Verifier, s verify.Subject, r registry.Reader) (verify.Result, error) {
	accepted, err := verify.Check(context.Background(), v, s, r)
	return accepted.Result(), err
}

// signatureAnnotation is the annotation of a legacy signature.
const signatureAnnotation = "dev.cosignproject.cosign/signature"

var _ = Describe("A cosign authority with keys", Label("cosign"), func() {
	var (
		repo    *Repository
		subject verify.Subject
		ours    Signer
		theirs  Signer
	)
	BeforeEach(func() {
		repo = NewRepository()
		subject = repo.Subject("chart")
		ours, theirs = P256(), P256()
	})

	push := func(layers ...ocispec.Descriptor) { repo.PushLayers(SignatureTag(subject.Manifest.Digest), layers...) }
	payload := func() []byte { return Payload(subject.Manifest.Digest) }

	DescribeTable("D17: accepts every kind of key",
		func(signer func() Signer) {
			s := signer()
			SignLegacy(repo, subject, s)
			result, err := check(authority(s), subject, repo)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Signatures).To(ConsistOf(And(
				HaveField("Authority", "release"), HaveField("Provider", "cosign"), HaveField("Key", "0.pub"),
				HaveField("Signer", HavePrefix("SHA256:")), HaveField("Source", "tag "+SignatureTag(subject.Manifest.Digest)),
			)))
		},
		Entry("ECDSA P-256 with SHA-256", P256),
		Entry("ECDSA P-384 with SHA-384", func() Signer { return ECDSA(elliptic.P384(), crypto.SHA384) }),
		Entry("ECDSA P-384 with SHA-256, as older cosign did", func() Signer { return ECDSA(elliptic.P384(), crypto.SHA256) }),
		Entry("ECDSA P-521 with SHA-512", func() Signer { return ECDSA(elliptic.P521(), crypto.SHA512) }),
		Entry("RSA-2048 with SHA-256", func() Signer { return RSA(2048, crypto.SHA256) }),
		Entry("RSA-3072 with SHA-384", func() Signer { return RSA(3072, crypto.SHA384) }),
		Entry("RSA-4096 with SHA-512, as cert-manager does", func() Signer { return RSA(4096, crypto.SHA512) }),
		Entry("Ed25519", Ed25519),
		Entry("Ed25519ph", Ed25519ph),
	)

	DescribeTable("finds the signature among others",
		func(arrange func()) {
			arrange()
			_, err := check(authority(ours), subject, repo)
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("first of two", func() { SignLegacy(repo, subject, ours, theirs) }),
		Entry("second of two", func() { SignLegacy(repo, subject, theirs, ours) }),
		Entry("next to a layer of another kind", func() { push(ours.Legacy(repo, payload()), repo.PushBlob("text/plain", []byte("x"))) }),
		Entry("next to a signature whose payload is gone", func() {
			lost := theirs.Legacy(repo, PayloadOf(subject.Manifest.Digest.String(), "other"))
			repo.Fail(lost.Digest.String(), registry.ErrNotFound)
			push(ours.Legacy(repo, payload()), lost)
		}),
		Entry("next to a signature whose payload cannot be read", func() {
			unread := theirs.Legacy(repo, PayloadOf(subject.Manifest.Digest.String(), "other"))
			repo.Fail(unread.Digest.String(), ErrUnreachable)
			push(ours.Legacy(repo, payload()), unread)
		}),
		Entry("with annotations and a transparency log bundle, which a key does not need", func() {
			layer := ours.Legacy(repo, payload())
			layer.Annotations["dev.sigstore.cosign/bundle"] = `{"SignedEntryTimestamp":"AA==","Payload":{}}`
			push(layer)
		}),
		Entry("the newest of sixty", func() {
			var layers []ocispec.Descriptor
			for range 59 {
				layers = append(layers, theirs.Legacy(repo, payload()))
			}
			push(append(layers, ours.Legacy(repo, payload()))...)
		}),
	)

	Describe("if the payload is the default one", func() {
		It("does not ask for it", func() {
			push(ours.Legacy(repo, UsualPayload(subject)))
			_, err := check(authority(ours), subject, repo)
			Expect(err).NotTo(HaveOccurred())
			Expect(repo.Asked()).To(ConsistOf("referrers", SignatureTag(subject.Manifest.Digest)))
		})

		It("D2: refuses a signature of the default payload by another key", func() {
			push(theirs.Legacy(repo, UsualPayload(subject)))
			_, err := check(authority(ours), subject, repo)
			Expect(err).To(MatchError(verify.ErrRejected))
		})

		It("D3: is not misled by a payload for another digest in the same repository", func() {
			push(ours.Legacy(repo, UsualPayload(repo.Subject("other chart"))))
			_, err := check(authority(ours), subject, repo)
			Expect(err).To(MatchError(verify.ErrRejected))
		})
	})

	DescribeTable("D10: accepts a signature by any of its keys, with the same result every time",
		func(sign func()) {
			sign()
			var signers []string
			for range 5 {
				result, err := check(authority(theirs, ours), subject, repo)
				Expect(err).NotTo(HaveOccurred())
				signers = append(signers, result.Signatures[0].Signer)
			}
			Expect(signers).To(HaveEach(signers[0]))
		},
		Entry("the second of two keys", func() { SignLegacy(repo, subject, ours) }),
		Entry("the first of two keys", func() { SignLegacy(repo, subject, theirs) }),
		Entry("both", func() { SignLegacy(repo, subject, ours, theirs) }),
	)

	It("names every one of its keys that signed, so that distinct signers can be counted", func() {
		SignLegacy(repo, subject, ours, theirs, ours)
		result, err := check(authority(ours, theirs), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures).To(ConsistOf(HaveField("Key", "0.pub"), HaveField("Key", "1.pub")))
	})

	It("counts one key in two authorities as one signer", func() {
		SignLegacy(repo, subject, ours)
		_, err := check(verify.AtLeast(2, authority(ours), authority(ours)), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
	})

	DescribeTable("refuses anything that is not its signature of the subject",
		func(arrange func()) {
			arrange()
			result, err := check(authority(ours), subject, repo)
			Expect(err).To(MatchError(verify.ErrRejected))
			Expect(result.IsZero()).To(BeTrue())
			for _, candidate := range verify.Seen(err) {
				Expect(candidate.Signer.Verified).To(BeFalse(), "no signer of this chart is proven")
			}
		},
		Entry("D1: no signature at all", func() {}),
		Entry("D2: another key's", func() { SignLegacy(repo, subject, theirs) }),
		Entry("D3: a genuine one of another digest, copied to this one's tag", func() {
			push(ours.Legacy(repo, Payload(repo.Subject("other chart").Manifest.Digest)))
		}),
		Entry("D4: a payload altered after signing", func() {
			layer := repo.PushBlob("application/vnd.dev.cosign.simplesigning.v1+json", payload())
			layer.Annotations = map[string]string{signatureAnnotation: ours.Sign(Payload(digest.FromString("other")))}
			push(layer)
		}),
		Entry("D5: a payload of another type", func() {
			push(ours.Legacy(repo, PayloadOf(subject.Manifest.Digest.String(), "atomic container signature")))
		}),
		Entry("D5: a payload that is not JSON", func() { push(ours.Legacy(repo, []byte("signed, but what?"))) }),
		Entry("D5: a payload that is null", func() { push(ours.Legacy(repo, []byte("null"))) }),
		Entry("D8: a payload that claims to be huge", func() {
			layer := ours.Legacy(repo, payload())
			layer.Size = 1 << 40
			push(layer)
		}),
		Entry("D8: a payload of no size", func() {
			layer := ours.Legacy(repo, payload())
			layer.Size = 0
			push(layer)
		}),
		Entry("D8: a signature that is huge", func() {
			layer := ours.Legacy(repo, payload())
			layer.Annotations[signatureAnnotation] += strings.Repeat("A", 1<<20)
			push(layer)
		}),
		Entry("a signature that is not base64", func() {
			layer := ours.Legacy(repo, payload())
			layer.Annotations[signatureAnnotation] = "%%%"
			push(layer)
		}),
		Entry("a layer without a signature", func() { push(repo.PushBlob("application/vnd.dev.cosign.simplesigning.v1+json", payload())) }),
		Entry("a genuine signature on a layer of another kind", func() {
			layer := ours.Legacy(repo, payload())
			layer.MediaType = "text/plain"
			push(layer)
		}),
		Entry("a payload with a malformed digest", func() {
			layer := ours.Legacy(repo, payload())
			layer.Digest = "sha256:zz"
			push(layer)
		}),
		Entry("a payload that is gone", func() {
			layer := ours.Legacy(repo, payload())
			repo.Fail(layer.Digest.String(), registry.ErrNotFound)
			push(layer)
		}),
		Entry("content under the tag that is not a manifest", func() {
			repo.PushManifest(SignatureTag(subject.Manifest.Digest), []byte("<html>"))
		}),
	)

	It("D6: considers fifty of a thousand signatures, the newest, and reads each payload once", func() {
		var layers []ocispec.Descriptor
		for i := range 1001 {
			layers = append(layers, theirs.Legacy(repo, PayloadOf(subject.Manifest.Digest.String(), fmt.Sprint(i))))
		}
		push(layers...)
		_, err := check(authority(ours), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(len(err.Error())).To(BeNumerically("<", 4096))
		Expect(len(repo.Asked())).To(BeNumerically("<=", 3+verify.MaxCandidates))
	})

	It("D8: does not request a payload that claims to be huge", func() {
		layer := ours.Legacy(repo, payload())
		layer.Size = 1 << 40
		push(layer)
		_, err := check(authority(ours), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(repo.Asked()).To(ConsistOf("referrers", SignatureTag(subject.Manifest.Digest), registrytest.ReferrersTag(subject.Manifest.Digest)))
	})

	referrers := func(digest.Digest) string { return "referrers" }
	DescribeTable("A23: goes on if the registry refuses to show a location beside the chart, and records that",
		func(signed bool, refused ...func(digest.Digest) string) {
			for _, location := range refused {
				repo.Fail(location(subject.Manifest.Digest), registry.ErrWithheld)
			}
			if signed {
				push(ours.Legacy(repo, payload()))
			}
			_, err := check(authority(ours), subject, repo)
			if signed {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(err).To(MatchError(verify.ErrRejected))
			outcomes := []verify.Outcome{{Verdict: verify.VerdictRejected, Err: err}}
			Expect(verify.Withhold(outcomes, registry.ErrWithheld)).To(BeTrue())
			Expect(outcomes[0].Verdict).To(Equal(verify.VerdictUndecided))
		},
		Entry("no referrers, and signed under the tag", true, referrers),
		Entry("no referrers, and not signed", false, referrers),
		Entry("no tag", false, SignatureTag),
		Entry("neither", false, referrers, SignatureTag, registrytest.ReferrersTag),
	)

	DescribeTable("reaches no verdict if",
		func(arrange func(), expected error) {
			arrange()
			_, err := check(authority(ours), subject, repo)
			Expect(err).To(MatchError(expected))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("E16: the signatures cannot be read", func() { repo.Fail(SignatureTag(subject.Manifest.Digest), ErrUnreachable) }, ErrUnreachable),
		Entry("the credentials are refused", func() { repo.Fail(SignatureTag(subject.Manifest.Digest), registry.ErrUnauthorized) }, registry.ErrUnauthorized),
		Entry("the only payload cannot be read", func() {
			layer := ours.Legacy(repo, payload())
			repo.Fail(layer.Digest.String(), ErrUnreachable)
			push(layer)
		}, ErrUnreachable),
		Entry("the registry sends a payload that differs from the requested one", func() {
			layer := ours.Legacy(repo, payload())
			repo.Fail(layer.Digest.String(), registry.ErrIntegrity)
			push(layer)
		}, registry.ErrIntegrity),
		Entry("one payload is refused and the other cannot be read", func() {
			unread := ours.Legacy(repo, payload())
			repo.Fail(unread.Digest.String(), ErrUnreachable)
			push(unread, theirs.Legacy(repo, PayloadOf(subject.Manifest.Digest.String(), "other")))
		}, ErrUnreachable),
	)
})
