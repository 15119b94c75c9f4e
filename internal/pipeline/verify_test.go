// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("Verify", Label("policy", "cache"), func() {
	var (
		ctx     = context.Background()
		repo    *verifytest.Repository
		subject verify.Subject
		ours    = verifytest.P256()
		theirs  = verifytest.P256()
	)
	BeforeEach(func() {
		repo = verifytest.NewRepository()
		subject = repo.Subject("chart")
	})
	only := func(v verify.Verifier) []verify.Named { return []verify.Named{{Verifier: v}} }
	trusting := func(s verifytest.Signer) verify.Verifier {
		GinkgoHelper()
		key, err := bundle.ParseKey("a.pub", s.Public)
		Expect(err).NotTo(HaveOccurred())
		v, err := cosign.New(cosign.Authority{Name: "release", Trust: bundle.Trust{Keys: []bundle.Key{key}}})
		Expect(err).NotTo(HaveOccurred())
		return v
	}

	It("re-verifies cached material, without a request", func() {
		verifytest.SignLegacy(repo, subject, ours)
		each := cachingEach(repo)
		_, _, err := pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).NotTo(HaveOccurred())
		asked := len(repo.Asked())
		_, _, err = pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).NotTo(HaveOccurred())
		Expect(repo.Asked()).To(HaveLen(asked))
	})

	It("D11: rejects by the registry's current answer, not by a cached one", func() {
		verifytest.SignLegacy(repo, subject, ours)
		each := cachingEach(repo)
		_, _, err := pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).NotTo(HaveOccurred())
		verifytest.SignLegacy(repo, subject, ours, theirs)
		_, _, err = pipeline.Verify(ctx, only(trusting(theirs)), subject, each())
		Expect(err).NotTo(HaveOccurred(), "the new key has signed in the meantime")
	})

	It("reaches no verdict if it cannot ask again", func() {
		verifytest.SignLegacy(repo, subject, ours)
		each := cachingEach(repo)
		_, _, err := pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).NotTo(HaveOccurred())
		repo.Fail(verifytest.SignatureTag(subject.Manifest.Digest), verifytest.ErrUnreachable)
		_, _, err = pipeline.Verify(ctx, only(trusting(theirs)), subject, each())
		Expect(err).To(MatchError(verifytest.ErrUnreachable))
		Expect(err).NotTo(MatchError(verify.ErrRejected))
	})

	DescribeTable("reaches no verdict by missing signatures if the registry also denies the manifest",
		func(deny func(), want error) {
			verifytest.SignLegacy(repo, subject, ours)
			each := cachingEach(repo)
			_, err := pipeline.Resolve(ctx, each(), pipeline.Request{Digest: subject.Manifest.Digest})
			Expect(err).NotTo(HaveOccurred())
			repo.Fail(verifytest.SignatureTag(subject.Manifest.Digest), registry.ErrNotFound)
			deny()
			r := each()
			_, err = pipeline.Resolve(ctx, r, pipeline.Request{Digest: subject.Manifest.Digest})
			Expect(err).NotTo(HaveOccurred(), "the manifest is cached")
			accepted, outcomes, err := pipeline.Verify(ctx, append(only(trusting(ours)), only(trusting(theirs))...), subject, r)
			Expect(err).To(MatchError(want))
			Expect(accepted).To(BeZero())
			Expect(errors.Is(err, verify.ErrRejected)).To(Equal(errors.Is(want, verify.ErrRejected)))
			for _, o := range outcomes {
				Expect(errors.Is(o.Err, verify.ErrRejected)).To(Equal(o.Verdict == verify.VerdictRejected))
			}
		},
		Entry("by a 404", func() { repo.Fail(subject.Manifest.Digest.String(), registry.ErrNotFound) }, registry.ErrNotFound),
		Entry("by a fault", func() { repo.Fail(subject.Manifest.Digest.String(), verifytest.ErrUnreachable) }, verifytest.ErrUnreachable),
		Entry("but rejects if it has the manifest", func() {}, verify.ErrRejected),
	)

	It("D11: asks again about signatures whose absence is cached, if another read failed", func() {
		unread := verifytest.AttachBundle(repo, subject.Manifest, []byte("{}"))
		repo.Fail(unread.Digest.String(), verifytest.ErrUnreachable)
		each := cachingEach(repo)
		_, _, err := pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).To(MatchError(verifytest.ErrUnreachable))
		verifytest.SignLegacy(repo, subject, ours)
		_, _, err = pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).NotTo(HaveOccurred())
	})

	It("asks again exactly once before a rejection", func() {
		verifytest.SignLegacy(repo, subject, theirs)
		each := cachingEach(repo)
		_, _, err := pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).To(MatchError(verify.ErrRejected))
		asked := len(repo.Asked())
		_, _, err = pipeline.Verify(ctx, only(verify.All(trusting(ours), verify.Unavailable(verify.ErrTrustUnavailable))), subject, each())
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(len(repo.Asked())).To(BeNumerically("<=", asked+4), "what may have changed: two tags and the referrers, and whether the manifest is there")
	})

	It("J5: evaluates each policy in its own time, so that a waiting policy takes no time from the others", func() {
		verifytest.SignLegacy(repo, subject, ours)
		each := cachingEach(repo)
		_, _, err := pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).NotTo(HaveOccurred())
		waits := waiting{}
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		policies := []verify.Named{{Policy: "silent", Verifier: waits}, {Policy: "company", Verifier: trusting(theirs)}, {Verifier: waits}}
		accepted, outcomes, err := pipeline.Verify(ctx, policies, subject, each())
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(err).NotTo(MatchError(context.DeadlineExceeded))
		Expect(step(err)).To(Equal(pipeline.StepVerify))
		Expect(accepted.Result().IsZero()).To(BeTrue())
		Expect(outcomes).To(HaveExactElements(
			HaveField("Verdict", verify.VerdictUndecided), HaveField("Verdict", verify.VerdictRejected), HaveField("Verdict", verify.VerdictUndecided)))
	})

	It("D11: does not accept by an exception a chart that the registry now proves", func() {
		each := cachingEach(repo)
		_, _, err := pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).To(MatchError(verify.ErrRejected))
		verifytest.SignLegacy(repo, subject, ours)
		accepted, outcomes, err := pipeline.Verify(ctx, only(auditing{trusting(ours)}), subject, each())
		Expect(err).NotTo(HaveOccurred())
		Expect(accepted.Result().IsProof()).To(BeTrue())
		Expect(outcomes[0].Result.IsProof()).To(BeTrue())
	})

	It("keeps one policy's proof from the cache if the registry is asked again for another policy", func() {
		verifytest.SignLegacy(repo, subject, ours)
		each := cachingEach(repo)
		_, _, err := pipeline.Verify(ctx, only(trusting(ours)), subject, each())
		Expect(err).NotTo(HaveOccurred())
		repo.Fail(verifytest.SignatureTag(subject.Manifest.Digest), verifytest.ErrUnreachable)
		_, outcomes, err := pipeline.Verify(ctx, []verify.Named{{Policy: "company", Verifier: trusting(ours)}, {Verifier: trusting(theirs)}}, subject, each())
		Expect(err).To(And(MatchError(verifytest.ErrUnreachable), Not(MatchError(verify.ErrRejected))))
		Expect(outcomes).To(HaveExactElements(HaveField("Verdict", verify.VerdictAccepted), HaveField("Verdict", verify.VerdictUndecided)))
	})

	DescribeTable("fails without an Accepted",
		func(policies []verify.Named, s func() verify.Subject, want error) {
			accepted, _, err := pipeline.Verify(ctx, policies, s(), caching(repo))
			Expect(err).To(MatchError(want))
			Expect(step(err)).To(Equal(pipeline.StepVerify))
			_, ok := accepted.Subject()
			Expect(ok).To(BeFalse())
		},
		Entry("without a policy", nil, func() verify.Subject { return subject }, verify.ErrTrustMalformed),
		Entry("for bytes of another manifest", only(verifytest.Accepts("a", "k")), func() verify.Subject {
			return verify.Subject{Manifest: subject.Manifest, Raw: []byte("other")}
		}, verify.ErrSubject),
		Entry("if one of two policies has no verdict", append(only(verifytest.Accepts("a", "k")), only(verifytest.Inconclusive())...),
			func() verify.Subject { return subject }, verifytest.ErrUnreachable),
	)
})

// waiting is a verifier whose registry never answers.
type waiting struct{}

// Verify implements verify.Verifier.
func (waiting) Verify(ctx context.Context, _ verify.Subject, r registry.Reader) (verify.Result, error) {
	<-ctx.Done()
	return verify.Result{}, ctx.Err()
}

// auditing accepts by exception what its verifier does not accept.
type auditing struct{ verify.Verifier }

// Verify implements verify.Verifier.
func (a auditing) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	result, err := a.Verifier.Verify(ctx, s, r)
	if err != nil {
		return verify.Result{Exceptions: []verify.Exception{{Rule: verify.Audit, Verdict: err}}}, nil
	}
	return result, nil
}
