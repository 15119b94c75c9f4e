// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("Discovery", Label("cosign"), func() {
	var (
		repo         *Repository
		subject      verify.Subject
		ours, theirs Signer
		sigstore     = sigstoretest.NewSmall()
	)
	BeforeEach(func() {
		repo = NewRepository()
		subject = repo.Subject("chart")
		ours, theirs = P256(), P256()
	})
	// sign attaches a bundle, by a key.
	sign := func(s Signer, change ...func(*sigstoretest.How)) ocispec.Descriptor {
		how := sigstoretest.How{Key: s.Key, Statement: sigstoretest.CosignSign}
		for _, c := range change {
			c(&how)
		}
		return AttachBundle(repo, subject.Manifest, sigstore.Bundle(subject.Raw, how))
	}
	one := func(signers ...Signer) *cosign.Verifier {
		return trusting(cosign.Authority{Trust: bundle.Trust{Keys: keysOf(signers...)}})
	}
	rejection := func(err error) *verify.Rejection {
		GinkgoHelper()
		var r *verify.Rejection
		Expect(errors.As(err, &r)).To(BeTrue(), "%v", err)
		return r
	}

	DescribeTable("finds the good signature next to",
		func(arrange func()) {
			arrange()
			_, err := check(one(ours), subject, repo)
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("an SBOM", func() {
			repo.PushReferrer("application/spdx+json", subject.Manifest, repo.PushBlob("application/spdx+json", []byte("{}")))
			sign(ours)
		}),
		Entry("an attestation by the same key", func() {
			sign(ours, func(h *sigstoretest.How) { h.Statement = "https://slsa.dev/provenance/v1" })
			sign(ours)
		}),
		Entry("another signer's signature", func() { sign(theirs); sign(ours) }),
		Entry("a broken bundle", func() { AttachBundle(repo, subject.Manifest, []byte("{")); sign(ours) }),
		Entry("a referrer that is gone", func() {
			repo.Fail(AttachBundle(repo, subject.Manifest, []byte("x")).Digest.String(), registry.ErrNotFound)
			sign(ours)
		}),
		Entry("a referrer that cannot be read", func() {
			repo.Fail(AttachBundle(repo, subject.Manifest, []byte("x")).Digest.String(), ErrUnreachable)
			sign(ours)
		}),
		Entry("referrers that cannot be listed, if it is a legacy signature", func() {
			repo.Fail("referrers", ErrUnreachable)
			SignLegacy(repo, subject, ours)
		}),
		Entry("an attestation, if it is a legacy signature", func() {
			sign(ours, func(h *sigstoretest.How) { h.Statement = "https://slsa.dev/provenance/v1" })
			SignLegacy(repo, subject, ours)
		}),
		Entry("another signer's legacy signature", func() { SignLegacy(repo, subject, theirs); sign(ours) }),
		Entry("a signature tag that is not a manifest", func() { repo.PushManifest(SignatureTag(subject.Manifest.Digest), []byte("x")); sign(ours) }),
		Entry("a hundred unrelated referrers", func() {
			for i := range 100 {
				repo.PushReferrer("application/spdx+json", subject.Manifest, repo.PushBlob("application/spdx+json", []byte(fmt.Sprint(i))))
			}
			sign(ours)
		}),
		Entry("a referrers tag that is not an index", func() {
			repo.PushManifest(registrytest.ReferrersTag(subject.Manifest.Digest), []byte("x"))
			SignLegacy(repo, subject, ours)
		}),
		Entry("an index that lists a malformed digest", func() {
			repo.WithoutReferrers = true
			d := sign(ours)
			repo.PushIndex(registrytest.ReferrersTag(subject.Manifest.Digest), ocispec.Descriptor{Digest: "sha256:x"}, ocispec.Descriptor{Digest: "../x"}, d)
		}),
		Entry("an index that lists one referrer many times", func() {
			repo.WithoutReferrers = true
			bad, good := sign(theirs), sign(ours)
			list := []ocispec.Descriptor{}
			for range 200 {
				list = append(list, bad)
			}
			repo.PushIndex(registrytest.ReferrersTag(subject.Manifest.Digest), append(list, good)...)
		}),
	)

	It("stops reading after the first acceptance, unless signers are counted", func() {
		sign(ours)
		SignLegacy(repo, subject, theirs)
		_, err := check(one(ours, theirs), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(repo.Asked()).NotTo(ContainElement(SignatureTag(subject.Manifest.Digest)))
		result, err := check(authority(ours, theirs), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures).To(HaveLen(2))
	})

	It("searches the tags first if a registry is known to lack the referrers API, and everything in the end", func() {
		repo.WithoutReferrers = true
		_, err := check(one(ours), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		asked := len(repo.Asked())
		SignLegacy(repo, subject, ours)
		_, err = check(one(ours), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(repo.Asked()[asked : asked+2]).To(Equal([]string{registrytest.ReferrersTag(subject.Manifest.Digest), SignatureTag(subject.Manifest.Digest)}))
		repo.WithoutReferrers, asked = false, len(repo.Asked())
		_, err = check(one(theirs), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(repo.Asked()[asked:]).To(ContainElement("referrers"))
	})

	DescribeTable("reaches no verdict if",
		func(arrange func()) {
			arrange()
			_, err := check(one(ours), subject, repo)
			Expect(err).To(MatchError(ErrUnreachable))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("E16: the referrers cannot be listed", func() { repo.Fail("referrers", ErrUnreachable) }),
		Entry("E16: the referrers tag cannot be read", func() {
			repo.WithoutReferrers = true
			repo.Fail(registrytest.ReferrersTag(subject.Manifest.Digest), ErrUnreachable)
		}),
		Entry("E16: a referrer cannot be read", func() { repo.Fail(sign(ours).Digest.String(), ErrUnreachable) }),
		Entry("E16: a bundle cannot be read", func() {
			raw := sigstore.Bundle(subject.Raw, sigstoretest.How{Key: ours.Key})
			AttachBundle(repo, subject.Manifest, raw)
			repo.Fail(digest.FromBytes(raw).String(), ErrUnreachable)
		}),
		Entry("one is refused and another cannot be read", func() { sign(theirs); repo.Fail(sign(ours).Digest.String(), ErrUnreachable) }),
	)

	It("reaches no verdict after the deadline", func() {
		sign(ours)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := verify.Check(ctx, one(ours), subject, repo)
		Expect(err).To(MatchError(context.Canceled))
		Expect(err).NotTo(MatchError(verify.ErrRejected))
	})

	It("lists the searched locations if there is no signature", func() {
		_, err := check(one(ours), subject, repo)
		Expect(rejection(err).Searched).To(Equal([]string{
			"referrers of " + subject.Manifest.Digest.String(), "tag " + SignatureTag(subject.Manifest.Digest), "tag " + registrytest.ReferrersTag(subject.Manifest.Digest),
		}))
		_, err = check(trusting(cosign.Authority{Trust: bundle.Trust{Keys: keysOf(ours)}, Repository: signatureRepository}), subject, repo)
		Expect(rejection(err).Searched).To(HaveEach(HaveSuffix(" in " + signatureRepository)))
	})

	It("reports the source, format, signer and reason of each candidate", func() {
		attestation := sign(theirs, func(h *sigstoretest.How) { h.Statement = "https://slsa.dev/provenance/v1" })
		stranger := sign(theirs)
		sbom := repo.PushReferrer("application/spdx+json", subject.Manifest, repo.PushBlob("application/spdx+json", []byte("{}")))
		SignLegacy(repo, subject, theirs)
		_, err := check(one(ours), subject, repo)
		id := keysOf(theirs)[0].ID
		Expect(rejection(err).Candidates).To(ConsistOf([]verify.Candidate{
			{Authority: "release", Source: "referrer " + attestation.Digest.String(), Format: "bundle", Signer: verify.Signer{KeyID: id}, Reason: `seen, not a signature: an attestation of type "https://slsa.dev/provenance/v1"`, Short: "attested, but not signed"},
			{Authority: "release", Source: "referrer " + stranger.Digest.String(), Format: "bundle", Signer: verify.Signer{KeyID: id}, Reason: "the signature does not verify with key 0.pub", Short: "signed, but not with a key in "},
			{Authority: "release", Source: "referrer " + sbom.Digest.String(), Format: "manifest", Reason: `a layer of media type "application/spdx+json" is not a signature`, Short: "not signed"},
			{Authority: "release", Source: "tag " + SignatureTag(subject.Manifest.Digest), Format: "legacy signature", Reason: "the signature does not verify with key 0.pub", Short: "signed, but not with a key in "},
		}))
		Expect(err.Error()).To(ContainSubstring("said to be signed by " + id))
	})

	It("returns the same result in whatever order a registry lists the referrers", func() {
		repo.WithoutReferrers = true
		var list []ocispec.Descriptor
		for range 5 {
			list = append(list, sign(theirs))
		}
		var answers []string
		for range 2 {
			slices.Reverse(list)
			repo.PushIndex(registrytest.ReferrersTag(subject.Manifest.Digest), list...)
			_, err := check(one(ours), subject, repo)
			answers = append(answers, err.Error())
		}
		Expect(answers[0]).To(Equal(answers[1]))
	})

	It("C14: shows no control characters or overlong texts", func() {
		how := release
		how.Subject, how.Log, how.Stamped = "https://evil.example/\x1b[31m\n"+strings.Repeat("x", 2000), sigstoretest.RekorV1, true
		how.Subject = "release\x1b[31m\n" + strings.Repeat("x", 2000) + "@example.com"
		AttachBundle(repo, subject.Manifest, sigstore.Bundle(subject.Raw, how))
		_, err := check(one(ours), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(err.Error()).NotTo(Or(ContainSubstring("\x1b"), ContainSubstring("\n")))
		Expect(len(err.Error())).To(BeNumerically("<", 1500))
	})

	// padded attaches a bundle manifest with a listed size of about that many bytes.
	padded := func(size int) ocispec.Descriptor {
		layer := repo.PushBlob(BundleMediaType, []byte(strings.Repeat("x", 10)))
		layer.Annotations = map[string]string{"padding": strings.Repeat("x", size)}
		return repo.PushReferrer(BundleMediaType, subject.Manifest, layer)
	}

	// genuine returns the same bundle on every call in a spec.
	var made []byte
	BeforeEach(func() { made = nil })
	genuine := func() []byte {
		if made == nil {
			made = sigstore.Bundle(subject.Raw, sigstoretest.How{Key: ours.Key, Statement: sigstoretest.CosignSign})
		}
		return made
	}

	// crowd is a genuine signature among others.
	type crowd struct {
		others    func()
		sign      func() ocispec.Descriptor
		preferred func(ocispec.Descriptor) string // returns the source that was accepted before, if there is one
	}
	DescribeTable("E15: finds the genuine signature next to others that an attacker pushed",
		func(c crowd) {
			c.others()
			signature := c.sign()
			if c.preferred != nil {
				subject.Sources = []string{c.preferred(signature)}
			}
			result, err := check(one(ours), subject, repo)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.IsProof()).To(BeTrue())
		},
		Entry("that are huge", crowd{
			others: func() {
				for i := range 4 {
					padded(3_200_000 + i)
				}
			},
			sign: func() ocispec.Descriptor { return sign(ours) },
		}),
		Entry("that hold its own bundle under a wrong size", crowd{
			others: func() {
				layer := repo.PushBlob(BundleMediaType, genuine())
				layer.Size = 1
				repo.PushReferrer(BundleMediaType, subject.Manifest, layer)
			},
			sign: func() ocispec.Descriptor { return AttachBundle(repo, subject.Manifest, genuine()) },
		}),
		Entry("that use up the limit, if it was accepted before", crowd{
			others: func() {
				for i := range 64 {
					padded(i)
				}
			},
			sign:      func() ocispec.Descriptor { return sign(ours) },
			preferred: func(d ocispec.Descriptor) string { return "referrer " + d.Digest.String() },
		}),
		Entry("that use up the limit, if its tag was accepted before", crowd{
			others: func() {
				for i := range 64 {
					padded(i)
				}
			},
			sign: func() ocispec.Descriptor {
				SignLegacy(repo, subject, ours)
				return ocispec.Descriptor{}
			},
			preferred: func(ocispec.Descriptor) string { return "tag " + SignatureTag(subject.Manifest.Digest) },
		}),
	)

	It("ignores a preferred source that no longer exists", func() {
		stranger := sign(theirs)
		subject.Sources = []string{"referrer " + subject.Manifest.Digest.String(), "tag " + SignatureTag(subject.Manifest.Digest)}
		_, err := check(one(ours), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(rejection(err).Candidates).To(ConsistOf(HaveField("Source", "referrer "+stranger.Digest.String())))
	})

	It("J12: verifies a bundle once, however often it is listed", func() {
		layer := repo.PushBlob(BundleMediaType, sigstore.Bundle(subject.Raw, sigstoretest.How{Key: theirs.Key, Statement: sigstoretest.CosignSign}))
		layers := make([]ocispec.Descriptor, 40)
		for i := range layers {
			layers[i] = layer
		}
		repo.PushReferrer(BundleMediaType, subject.Manifest, layers...)
		_, err := check(one(ours), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		verified := 0
		for _, c := range rejection(err).Candidates {
			if c.Reason != "it is listed twice" {
				verified++
			}
		}
		Expect(verified).To(Equal(1))
	})

	DescribeTable("E15: considers at most 64 candidates and 16 MiB",
		func(arrange func()) {
			arrange()
			_, err := check(one(ours), subject, repo)
			Expect(err).To(MatchError(verify.ErrRejected))
			Expect(len(rejection(err).Candidates)).To(BeNumerically("<=", verify.MaxCandidates+1))
			Expect(len(err.Error())).To(BeNumerically("<", 4096))
			Expect(len(repo.Asked())).To(BeNumerically("<=", 2*verify.MaxCandidates+3))
			Expect(repo.Sent()).To(BeNumerically("<=", verify.MaxMaterial))
		},
		Entry("of a thousand bundles", func() {
			for i := range 1001 {
				AttachBundle(repo, subject.Manifest, []byte(fmt.Sprint(i)))
			}
		}),
		Entry("of a hundred large bundles", func() {
			for i := range 100 {
				AttachBundle(repo, subject.Manifest, []byte(fmt.Sprint(i, strings.Repeat(" ", bundle.MaxSize-10))))
			}
		}),
		Entry("of a hundred large manifests", func() {
			for i := range 100 {
				layer := repo.PushBlob(BundleMediaType, []byte(fmt.Sprint(i)))
				layer.Annotations = map[string]string{"x": strings.Repeat("x", 2<<20)}
				repo.PushReferrer(BundleMediaType, subject.Manifest, layer)
			}
		}),
		Entry("of a manifest with a thousand bundles", func() {
			var layers []ocispec.Descriptor
			for i := range 1001 {
				layers = append(layers, repo.PushBlob(BundleMediaType, []byte(fmt.Sprint(i))))
			}
			repo.PushReferrer(BundleMediaType, subject.Manifest, layers...)
		}),
	)

	It("does not read a bundle that claims to be larger than allowed", func() {
		layer := repo.PushBlob(BundleMediaType, []byte("x"))
		layer.Size = bundle.MaxSize + 1
		repo.PushReferrer(BundleMediaType, subject.Manifest, layer)
		_, err := check(one(ours), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(repo.Asked()).NotTo(ContainElement(layer.Digest.String()))
	})
})
