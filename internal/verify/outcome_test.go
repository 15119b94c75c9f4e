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

// asked is a verifier that calls a function.
type asked func(context.Context) (verify.Result, error)

// Verify implements verify.Verifier.
func (a asked) Verify(ctx context.Context, _ verify.Subject, _ registry.Reader) (verify.Result, error) {
	return a(ctx)
}

// waits answers when its time is over, like a registry that never answers.
var waits = asked(func(ctx context.Context) (verify.Result, error) {
	<-ctx.Done()
	return verify.Result{}, ctx.Err()
})

// inTime accepts if there is time left.
var inTime = asked(func(ctx context.Context) (verify.Result, error) {
	return Accepts("a", "k").Result, ctx.Err()
})

func panics(with any) asked {
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

	DescribeTable("asks each policy separately",
		func(verifiers []verify.Verifier, want []verify.Verdict, rejected bool) {
			named := policies(verifiers...)
			accepted, outcomes, err := verify.CheckEach(ctx, named, subject, nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(outcomes).To(HaveLen(len(want)))
			all := len(want) > 0
			for i, o := range outcomes {
				Expect(o.Policy).To(Equal(named[i].Policy))
				Expect(o.Verdict).To(Equal(want[i]), "%d: %v", i, o.Err)
				Expect(o.Err == nil).To(Equal(o.Verdict == yes))
				Expect(o.Result.IsZero()).To(Equal(o.Verdict != yes))
				Expect(errors.Is(o.Err, verify.ErrRejected)).To(Equal(o.Verdict == no))
				all = all && o.Verdict == yes
			}
			_, ok := accepted.Subject()
			Expect(ok).To(Equal(all))
			failure := verify.Unaccepted(outcomes)
			Expect(failure == nil).To(Equal(all))
			Expect(errors.Is(failure, verify.ErrRejected)).To(Equal(rejected))
		},
		Entry("there is no policy, so nothing is accepted", nil, nil, false),
		Entry("the only one accepts", []verify.Verifier{Accepts("a", "k")}, []verify.Verdict{yes}, false),
		Entry("each accepts", []verify.Verifier{Accepts("a", "k"), Accepts("b", "k")}, []verify.Verdict{yes, yes}, false),
		Entry("the first rejects, and the next is still asked", []verify.Verifier{Rejects("a"), Accepts("b", "k")}, []verify.Verdict{no, yes}, true),
		Entry("the last rejects", []verify.Verifier{Accepts("b", "k"), Rejects("a")}, []verify.Verdict{yes, no}, true),
		Entry("J5: one cannot be asked, which does not hide the rejection of another", []verify.Verifier{Rejects("a"), Inconclusive()}, []verify.Verdict{no, unknown}, true),
		Entry("J5: one before it cannot be asked, which does not hide the rejection either", []verify.Verifier{verify.Unavailable(verify.ErrTrustMalformed), Rejects("a")}, []verify.Verdict{unknown, no}, true),
		Entry("one cannot be asked", []verify.Verifier{Accepts("a", "k"), Inconclusive()}, []verify.Verdict{yes, unknown}, false),
		Entry("one accepts without a result", []verify.Verifier{Answer{}, Accepts("a", "k")}, []verify.Verdict{unknown, yes}, false),
		Entry("one returns a result with an error", []verify.Verifier{Answer{Result: Accepts("a", "k").Result, Err: ErrUnreachable}}, []verify.Verdict{unknown}, false),
		Entry("one panics, with an error", []verify.Verifier{panics(ErrUnreachable), Accepts("a", "k")}, []verify.Verdict{unknown, yes}, false),
		Entry("one panics, with a rejection", []verify.Verifier{panics(Rejects("a").Err), Rejects("a")}, []verify.Verdict{unknown, no}, true),
		Entry("one panics at a nil pointer", []verify.Verifier{asked(nil), Accepts("a", "k")}, []verify.Verdict{unknown, yes}, false),
		Entry("there is no verifier at all", []verify.Verifier{nil, Accepts("a", "k")}, []verify.Verdict{unknown, yes}, false),
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
		measures := asked(func(ctx context.Context) (verify.Result, error) {
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
		Entry("never, if it was out of reach", Inconclusive(), time.Time{}, time.Time{}),
	)

	It("matches ErrTrustMalformed only if every policy without a verdict does", func() {
		malformed := verify.Unavailable(verify.ErrTrustMalformed)
		_, outcomes, _ := verify.CheckEach(ctx, policies(malformed, malformed), subject, nil)
		Expect(verify.Unaccepted(outcomes)).To(MatchError(verify.ErrTrustMalformed))
		_, outcomes, _ = verify.CheckEach(ctx, policies(malformed, Inconclusive()), subject, nil)
		Expect(verify.Unaccepted(outcomes)).To(And(MatchError(ErrUnreachable), Not(MatchError(verify.ErrTrustMalformed))))
	})
})
