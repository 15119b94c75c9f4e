// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// pushReferrer pushes a bundle's layer as a referrer whose digest is accepted. It
// changes an annotation until it is.
func pushReferrer(repo *Repository, subject ocispec.Descriptor, layer ocispec.Descriptor, accept func(digest.Digest) bool) {
	GinkgoHelper()
	for i := range 1000 {
		layer.Annotations = map[string]string{"nonce": fmt.Sprint(i), "padding": layer.Annotations["padding"]}
		if accept(NewRepository().PushReferrer(BundleMediaType, subject, layer).Digest) {
			repo.PushReferrer(BundleMediaType, subject, layer)
			return
		}
	}
	Fail("no digest was accepted")
}

var _ = Describe("A genuine signature", Label("cosign"), func() {
	const border = "sha256:c"
	var (
		repo    *Repository
		subject verify.Subject
		ours    = P256()
	)
	BeforeEach(func() {
		repo = NewRepository()
		subject = repo.Subject("chart")
	})

	// sign returns a bundle by the key that is trusted.
	sign := func() []byte {
		return sigstoretest.NewSmall().Bundle(subject.Raw, sigstoretest.How{Key: ours.Key, Statement: sigstoretest.CosignSign})
	}
	// attach attaches a signature, in a manifest that is larger than those of small bundles.
	attach := func(r Target) {
		layer := r.PushBlob(BundleMediaType, sign())
		layer.Annotations = map[string]string{"padding": "x"}
		r.PushReferrer(BundleMediaType, subject.Manifest, layer)
	}

	It("E15: is not hidden by four referrers of 3.2 MiB whose digests come before its own", func() {
		pushReferrer(repo, subject.Manifest, repo.PushBlob(BundleMediaType, sign()), func(d digest.Digest) bool { return d > border })
		for i := range 4 {
			junk := repo.PushBlob(BundleMediaType, []byte(fmt.Sprint(i)))
			junk.Annotations = map[string]string{"padding": strings.Repeat("x", 3_200<<10)}
			pushReferrer(repo, subject.Manifest, junk, func(d digest.Digest) bool { return d < border })
		}
		_, err := check(authority(ours), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(repo.Sent()).To(BeNumerically("<", 1<<20), "the large ones are not read")
	})

	DescribeTable("E15: is not hidden by 64 small referrers if it was accepted last time,",
		func(sign func(Target), in string) {
			v := trusting(cosign.Authority{Trust: bundle.Trust{Keys: keysOf(ours)}, Repository: in})
			target := repo
			if in != "" {
				target = repo.Other(in)
			}
			sign(target)
			result, err := check(v, subject, repo)
			Expect(err).NotTo(HaveOccurred())
			for i := range verify.MaxCandidates {
				AttachBundle(target, subject.Manifest, []byte(fmt.Sprint(i)))
			}
			_, err = check(v, subject, repo)
			Expect(err).To(MatchError(verify.ErrRejected), "smaller referrers are read first")
			subject.Sources = []string{result.Signatures[0].Source}
			_, err = check(v, subject, repo)
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("as a referrer", func(r Target) { attach(r) }, ""),
		Entry("as a referrer in another repository", func(r Target) { attach(r) }, signatureRepository),
		Entry("under its tag", func(r Target) { SignLegacy(r, subject, ours) }, ""),
		Entry("under its tag in another repository", func(r Target) { SignLegacy(r, subject, ours) }, signatureRepository),
	)

	It("E15: is not hidden by a layer that lists its bundle with a wrong size", func() {
		layer := repo.PushBlob(BundleMediaType, sign())
		wrong := layer
		wrong.Size++
		repo.PushReferrer(BundleMediaType, subject.Manifest, layer, wrong) // the last layer is verified first
		_, err := check(authority(ours), subject, repo)
		Expect(err).NotTo(HaveOccurred())
	})
})

var _ = Describe("A bundle", Label("cosign"), func() {
	It("E15: is read and verified once, even if one manifest lists it 40 times and another lists it once", func() {
		repo := NewRepository()
		subject := repo.Subject("chart")
		layer := repo.PushBlob(BundleMediaType, sigstoretest.NewSmall().Bundle(subject.Raw, sigstoretest.How{Key: P256().Key, Statement: sigstoretest.CosignSign}))
		repo.PushReferrer(BundleMediaType, subject.Manifest, slices.Repeat([]ocispec.Descriptor{layer}, 40)...)
		repo.PushReferrer(BundleMediaType, subject.Manifest, layer)
		_, err := check(authority(P256()), subject, repo)
		Expect(err).To(MatchError(verify.ErrRejected))
		reasons := map[string]int{}
		for _, c := range verify.Seen(err) {
			reasons[c.Reason]++
		}
		Expect(reasons).To(Equal(map[string]int{"the signature does not verify with key 0.pub": 1, "it is listed twice": 40}))
		Expect(slices.DeleteFunc(repo.Asked(), func(asked string) bool { return asked != layer.Digest.String() })).To(HaveLen(1))
	})
})
