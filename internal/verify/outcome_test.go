// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// verifierFunc is a Verifier that calls a function.
type verifierFunc func(context.Context) (verify.Result, error)

// Verify implements verify.Verifier.
func (f verifierFunc) Verify(ctx context.Context, _ verify.Subject, _ registry.Reader) (verify.Result, error) {
	return f(ctx)
}

// waits answers when its time is over, like a registry that never answers.
var waits = verifierFunc(func(ctx context.Context) (verify.Result, error) {
	<-ctx.Done()
	return verify.Result{}, ctx.Err()
})

// inTime accepts if there is time left.
var inTime = verifierFunc(func(ctx context.Context) (verify.Result, error) {
	return Accepts("a", "k").Result, ctx.Err()
})

func panics(with any) verifierFunc {
	return func(context.Context) (verify.Result, error) { panic(with) }
}

// policies names verifiers company-0, company-1 … and the last the object's own.
func policies(verifiers ...verify.Verifier) []verify.Named {
	var named []verify.Named
	for i, v := range verifiers {
		n := verify.Named{Policy: "company-" + string(rune('0'+i)), Verifier: v}
		if i == len(verifiers)-1 {
			n.Policy = ""
		}
		named = append(named, n)
	}
	return named
}

var _ = Describe("CheckEach", Label("policy"), func() {
	const (
		yes     = verify.VerdictAccepted
		no      = verify.VerdictRejected
		unknown = verify.VerdictUndecided
	)
	var (
		ctx     = context.Background()
		subject = NewRepository().Subject("chart")
		noon    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	)

	// answers are those of some policies.
	type answers struct {
		of       []verify.Verifier
		verdicts []verify.Verdict
		rejected bool // whether the failure of all together is a rejection
	}
	DescribeTable("verifies each policy separately",
		func(a answers) {
			named := policies(a.of...)
			accepted, outcomes, err := verify.CheckEach(ctx, named, subject, nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(outcomes).To(HaveLen(len(a.verdicts)))
			all := len(a.verdicts) > 0
			for i, o := range outcomes {
				Expect(o.Policy).To(Equal(named[i].Policy))
				Expect(o.Verdict).To(Equal(a.verdicts[i]), "%d: %v", i, o.Err)
				Expect(o.Err == nil).To(Equal(o.Verdict == yes))
				Expect(o.Result.IsZero()).To(Equal(o.Verdict != yes))
				Expect(errors.Is(o.Err, verify.ErrRejected)).To(Equal(o.Verdict == no))
				all = all && o.Verdict == yes
			}
			_, ok := accepted.Subject()
			Expect(ok).To(Equal(all))
			failure := verify.Unaccepted(outcomes)
			Expect(failure == nil).To(Equal(all))
			Expect(errors.Is(failure, verify.ErrRejected)).To(Equal(a.rejected))
		},
		Entry("there is no policy, so nothing is accepted", answers{}),
		Entry("the only one accepts", answers{of: []verify.Verifier{Accepts("a", "k")}, verdicts: []verify.Verdict{yes}}),
		Entry("each accepts", answers{of: []verify.Verifier{Accepts("a", "k"), Accepts("b", "k")}, verdicts: []verify.Verdict{yes, yes}}),
		Entry("the first rejects, and the next is still verified", answers{of: []verify.Verifier{Rejects("a"), Accepts("b", "k")}, verdicts: []verify.Verdict{no, yes}, rejected: true}),
		Entry("the last rejects", answers{of: []verify.Verifier{Accepts("b", "k"), Rejects("a")}, verdicts: []verify.Verdict{yes, no}, rejected: true}),
		Entry("J5: the last is unavailable, and the rejection of the first still counts", answers{of: []verify.Verifier{Rejects("a"), Inconclusive()}, verdicts: []verify.Verdict{no, unknown}, rejected: true}),
		Entry("J5: the first is unavailable, and the rejection of the last still counts", answers{of: []verify.Verifier{verify.Unavailable(verify.ErrTrustMalformed), Rejects("a")}, verdicts: []verify.Verdict{unknown, no}, rejected: true}),
		Entry("one is unavailable", answers{of: []verify.Verifier{Accepts("a", "k"), Inconclusive()}, verdicts: []verify.Verdict{yes, unknown}}),
		Entry("one accepts without a result", answers{of: []verify.Verifier{Answer{}, Accepts("a", "k")}, verdicts: []verify.Verdict{unknown, yes}}),
		Entry("one returns a result with an error", answers{of: []verify.Verifier{Answer{Result: Accepts("a", "k").Result, Err: ErrUnreachable}}, verdicts: []verify.Verdict{unknown}}),
		Entry("one panics, with an error", answers{of: []verify.Verifier{panics(ErrUnreachable), Accepts("a", "k")}, verdicts: []verify.Verdict{unknown, yes}}),
		Entry("one panics, with a rejection", answers{of: []verify.Verifier{panics(Rejects("a").Err), Rejects("a")}, verdicts: []verify.Verdict{unknown, no}, rejected: true}),
		Entry("one panics at a nil pointer", answers{of: []verify.Verifier{verifierFunc(nil), Accepts("a", "k")}, verdicts: []verify.Verdict{unknown, yes}}),
		Entry("one has no verifier", answers{of: []verify.Verifier{nil, Accepts("a", "k")}, verdicts: []verify.Verdict{unknown, yes}}),
	)

	It("J5: gives each policy a share of the time that is left, so that a slow policy takes none from the next", func() {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_, outcomes, err := verify.CheckEach(ctx, policies(waits, inTime), subject, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes).To(HaveExactElements(HaveField("Verdict", unknown), HaveField("Verdict", yes)))
		Expect(outcomes[0].Err).To(MatchError(context.DeadlineExceeded))
	})

	It("gives the time that a policy does not need to the others", func() {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		var left []time.Duration
		measures := verifierFunc(func(ctx context.Context) (verify.Result, error) {
			deadline, _ := ctx.Deadline()
			left = append(left, time.Until(deadline).Round(time.Minute))
			return Accepts("a", "k").Result, nil
		})
		_, _, err := verify.CheckEach(ctx, policies(measures, measures, measures), subject, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(Equal([]time.Duration{20 * time.Minute, 30 * time.Minute, time.Hour}))
	})

	It("joins the results of all policies, in their order", func() {
		exception := verify.Result{Exceptions: []verify.Exception{{Rule: verify.Audit}}}
		accepted, _, err := verify.CheckEach(ctx, policies(Accepts("a", "k1"), Answer{Result: exception}, Accepts("b", "k2")), subject, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(accepted.Result().Signatures).To(HaveExactElements(HaveField("Authority", "a"), HaveField("Authority", "b")))
		Expect(accepted.Result().Exceptions).To(HaveLen(1))
		Expect(accepted.Result().IsProof()).To(BeFalse())
	})

	DescribeTable("returns an error only about the subject",
		func(s verify.Subject) {
			accepted, outcomes, err := verify.CheckEach(ctx, policies(Accepts("a", "k")), s, nil)
			Expect(err).To(MatchError(verify.ErrSubject))
			Expect(outcomes).To(BeEmpty())
			Expect(accepted.Result().IsZero()).To(BeTrue())
		},
		Entry("bytes that do not hash to the digest", verify.Subject{Manifest: subject.Manifest, Raw: []byte("other")}),
		Entry("a malformed digest", verify.Subject{Raw: subject.Raw}),
	)

	DescribeTable("J9: knows when an answer changes by the clock",
		func(answer Answer, ends, begins time.Time) {
			_, outcomes, _ := verify.CheckEach(ctx, policies(answer), subject, nil)
			Expect(outcomes[0].Ends).To(BeTemporally("==", ends))
			Expect(outcomes[0].Begins).To(BeTemporally("==", begins))
		},
		Entry("not at all", Accepts("a", "k"), time.Time{}, time.Time{}),
		Entry("when the first of its keys expires", Answer{Result: verify.Result{Signatures: []verify.VerifiedSignature{{Ends: noon.Add(time.Hour)}, {}, {Ends: noon}}}}, noon, time.Time{}),
		Entry("when its exception ends", Answer{Result: verify.Result{Exceptions: []verify.Exception{{}, {Until: noon}}}}, noon, time.Time{}),
		Entry("when its exception ends, before its key does", Answer{Result: verify.Result{Signatures: []verify.VerifiedSignature{{Ends: noon.Add(1)}}, Exceptions: []verify.Exception{{Until: noon}}}}, noon, time.Time{}),
		Entry("when the first refused signature is old enough", Answer{Err: &verify.Rejection{Candidates: []verify.Candidate{{Until: noon.Add(time.Hour)}, {}, {Until: noon}}}}, time.Time{}, noon),
		Entry("when a refused signature that mode Audit admits is old enough", Answer{Result: verify.Result{Exceptions: []verify.Exception{{
			Rule: verify.Audit, Verdict: errors.Join(ErrUnreachable, &verify.Rejection{Candidates: []verify.Candidate{{Until: noon}}})}}}}, time.Time{}, noon),
		Entry("never, if the registry is unreachable", Inconclusive(), time.Time{}, time.Time{}),
	)

	It("matches ErrTrustMalformed only if every policy without a verdict does", func() {
		malformed := verify.Unavailable(verify.ErrTrustMalformed)
		_, outcomes, _ := verify.CheckEach(ctx, policies(malformed, malformed), subject, nil)
		Expect(verify.Unaccepted(outcomes)).To(MatchError(verify.ErrTrustMalformed))
		_, outcomes, _ = verify.CheckEach(ctx, policies(malformed, Inconclusive()), subject, nil)
		Expect(verify.Unaccepted(outcomes)).To(And(MatchError(ErrUnreachable), Not(MatchError(verify.ErrTrustMalformed))))
	})
})
