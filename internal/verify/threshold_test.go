// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// verdict is the class of an answer.
type verdict string

const (
	accepted     verdict = "accepted"
	rejected     verdict = "rejected"
	inconclusive verdict = "no verdict"
)

func verdictOf(v verify.Verifier) (verdict, verify.Result, error) {
	result, err := v.Verify(context.Background(), verify.Subject{}, nil)
	switch {
	case err == nil && !result.IsZero():
		return accepted, result, nil
	case errors.Is(err, verify.ErrRejected):
		return rejected, result, err
	case err != nil:
		return inconclusive, result, err
	}
	return "neither result nor error", result, err
}

var _ = Describe("The policy combinator", Label("policy"), func() {
	DescribeTable("combines the answers of its authorities",
		func(v verify.Verifier, expected verdict) {
			got, result, err := verdictOf(v)
			Expect(got).To(Equal(expected), "%v", err)
			Expect(result.IsZero()).To(Equal(expected != accepted))
		},
		Entry("All with one authority that accepts: accepted", verify.All(Accepts("a", "k1")), accepted),
		Entry("All with one authority that rejects: rejected", verify.All(Rejects("a")), rejected),
		Entry("All with one unreachable authority: no verdict", verify.All(Inconclusive()), inconclusive),
		Entry("F22: All with one of two authorities rejecting: rejected", verify.All(Accepts("a", "k1"), Rejects("b")), rejected),
		Entry("All with one of two authorities unreachable: no verdict", verify.All(Accepts("a", "k1"), Inconclusive()), inconclusive),
		Entry("All with one authority rejecting and one unreachable: rejected, since nothing could change it", verify.All(Rejects("a"), Inconclusive()), rejected),
		Entry("All with two authorities and the same signer: accepted, since All counts authorities", verify.All(Accepts("a", "k1"), Accepts("b", "k1")), accepted),
		Entry("All without authorities: accepts nothing", verify.All(), inconclusive),

		Entry("AtLeast(1) with one of two authorities accepting: accepted", verify.AtLeast(1, Rejects("a"), Accepts("b", "k1")), accepted),
		Entry("AtLeast(1) with one authority unreachable and one accepting: accepted", verify.AtLeast(1, Inconclusive(), Accepts("b", "k1")), accepted),
		Entry("AtLeast(1) with all authorities rejecting: rejected", verify.AtLeast(1, Rejects("a"), Rejects("b")), rejected),
		Entry("AtLeast(1) with one authority unreachable and one rejecting: no verdict", verify.AtLeast(1, Inconclusive(), Rejects("b")), inconclusive),
		Entry("one signer in two authorities: one signer", verify.AtLeast(2, Accepts("a", "k1"), Accepts("b", "k1")), rejected),
		Entry("two signers in two authorities: two signers", verify.AtLeast(2, Accepts("a", "k1"), Accepts("b", "k2")), accepted),
		Entry("two signers of one authority: one authority", verify.AtLeast(2, Accepts("a", "k1", "k2"), Rejects("b")), rejected),
		Entry("a shared signer counts for the authority that has no other", verify.AtLeast(2, Accepts("a", "k1", "k2"), Accepts("b", "k1")), accepted),
		Entry("three authorities that share two signers: two signers", verify.AtLeast(3, Accepts("a", "k1", "k2"), Accepts("b", "k1", "k2"), Accepts("c", "k1", "k2")), rejected),
		Entry("one unreachable authority that could be the second signer: no verdict", verify.AtLeast(2, Accepts("a", "k1"), Inconclusive()), inconclusive),
		Entry("one unreachable authority that cannot replace two: rejected", verify.AtLeast(3, Accepts("a", "k1"), Inconclusive(), Rejects("c")), rejected),
		Entry("a shared signer with unread material: no verdict", verify.AtLeast(2, Doubtful("a", "k1"), Accepts("b", "k1")), inconclusive),
		Entry("enough signers despite unread material: accepted", verify.AtLeast(2, Doubtful("a", "k1"), Accepts("b", "k2")), accepted),
		Entry("AtLeast(0): accepts nothing", verify.AtLeast(0, Accepts("a", "k1")), inconclusive),
		Entry("AtLeast with n over the number of authorities: accepts nothing", verify.AtLeast(2, Accepts("a", "k1")), inconclusive),

		Entry("an authority that accepts without a result: does not count", verify.All(Answer{}), inconclusive),
		Entry("a policy of policies: accepted", verify.All(verify.AtLeast(1, Rejects("a"), Accepts("b", "k1")), Accepts("c", "k2")), accepted),
	)

	It("J13: reports unread material even if there are enough signatures", func() {
		_, result, err := verdictOf(verify.AtLeast(1, Inconclusive(), Doubtful("b", "k1")))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Unread).To(MatchError(ErrUnreachable))
		_, result, err = verdictOf(verify.All(Accepts("a", "k1"), Accepts("b", "k1")))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Unread).NotTo(HaveOccurred())
	})

	It("names every authority that refused", func() {
		_, _, err := verdictOf(verify.AtLeast(1, Rejects("first"), Rejects("second")))
		Expect(err).To(MatchError(And(ContainSubstring("first"), ContainSubstring("second"))))
	})

	It("returns one verified signature for each authority that counts, in the policy's order", func() {
		_, result, _ := verdictOf(verify.AtLeast(2, Accepts("a", "k1", "k2"), Accepts("b", "k1")))
		Expect(result.Signatures).To(Equal([]verify.VerifiedSignature{{Authority: "a", Signer: "k2"}, {Authority: "b", Signer: "k1"}}))
	})

	It("matches ErrTrustMalformed only if all open votes do", func() {
		malformed := verify.Unavailable(verify.ErrTrustMalformed)
		_, _, err := verdictOf(verify.All(malformed, malformed))
		Expect(err).To(MatchError(verify.ErrTrustMalformed))
		_, _, err = verdictOf(verify.All(malformed, Inconclusive()))
		Expect(err).NotTo(MatchError(verify.ErrTrustMalformed))
		Expect(err).To(MatchError(ErrUnreachable))
	})
})

var _ = Describe("Check", Label("policy"), func() {
	subject := NewRepository().Subject("chart")

	DescribeTable("is the only way to an Accepted",
		func(v verify.Verifier, s verify.Subject, expected error) {
			got, err := verify.Check(context.Background(), v, s, nil)
			_, ok := got.Subject()
			Expect(ok).To(Equal(expected == nil))
			if expected == nil {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(err).To(MatchError(expected))
		},
		Entry("a verified signature: accepted", Accepts("a", "k1"), subject, nil),
		Entry("a rejection: not accepted", Rejects("a"), subject, verify.ErrRejected),
		Entry("no verdict: not accepted", Inconclusive(), subject, ErrUnreachable),
		Entry("bytes that do not hash to the digest: not accepted, even if the verifier accepts", Accepts("a", "k1"),
			verify.Subject{Manifest: subject.Manifest, Raw: []byte("other")}, verify.ErrSubject),
		Entry("a malformed digest: not accepted", Accepts("a", "k1"), verify.Subject{Raw: subject.Raw}, verify.ErrSubject),
	)

	It("does not accept without a result", func() {
		got, err := verify.Check(context.Background(), Answer{}, subject, nil)
		Expect(err).To(HaveOccurred())
		Expect(err).NotTo(MatchError(verify.ErrRejected))
		_, ok := got.Subject()
		Expect(ok).To(BeFalse())
	})

	It("does not accept a result with an error", func() {
		got, err := verify.Check(context.Background(), Answer{Result: Accepts("a", "k").Result, Err: ErrUnreachable}, subject, nil)
		Expect(err).To(MatchError(ErrUnreachable))
		Expect(got.Result().IsZero()).To(BeTrue())
	})
})
