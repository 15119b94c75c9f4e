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
	return "neither evidence nor error", result, err
}

var _ = Describe("The policy combinator", func() {
	DescribeTable("verifies by what its authorities say",
		func(v verify.Verifier, want verdict) {
			got, result, err := verdictOf(v)
			Expect(got).To(Equal(want), "%v", err)
			Expect(result.IsZero()).To(Equal(want != accepted))
		},
		Entry("all of one that accepts is accepted", verify.All(Accepts("a", "k1")), accepted),
		Entry("all of one that refuses is rejected", verify.All(Rejects("a")), rejected),
		Entry("all of one out of reach is no verdict", verify.All(Inconclusive()), inconclusive),
		Entry("F22: all of two, of which one refuses, is rejected", verify.All(Accepts("a", "k1"), Rejects("b")), rejected),
		Entry("all of two, of which one is out of reach, is no verdict", verify.All(Accepts("a", "k1"), Inconclusive()), inconclusive),
		Entry("all of two, one refusing and one out of reach, is rejected: nothing could tip it", verify.All(Rejects("a"), Inconclusive()), rejected),
		Entry("all of two with the same signer is accepted: all asks for authorities", verify.All(Accepts("a", "k1"), Accepts("b", "k1")), accepted),
		Entry("all of none accepts nothing", verify.All(), inconclusive),

		Entry("one of two is enough for at least one", verify.AtLeast(1, Rejects("a"), Accepts("b", "k1")), accepted),
		Entry("one out of reach does not matter where another is enough", verify.AtLeast(1, Inconclusive(), Accepts("b", "k1")), accepted),
		Entry("at least one if all refuse is rejected", verify.AtLeast(1, Rejects("a"), Rejects("b")), rejected),
		Entry("at least one if one is out of reach and one refuses is no verdict", verify.AtLeast(1, Inconclusive(), Rejects("b")), inconclusive),
		Entry("one signer in two authorities is one signer", verify.AtLeast(2, Accepts("a", "k1"), Accepts("b", "k1")), rejected),
		Entry("two signers in two authorities are two", verify.AtLeast(2, Accepts("a", "k1"), Accepts("b", "k2")), accepted),
		Entry("two signers of one authority are one authority", verify.AtLeast(2, Accepts("a", "k1", "k2"), Rejects("b")), rejected),
		Entry("a shared signer is given to the authority that has no other", verify.AtLeast(2, Accepts("a", "k1", "k2"), Accepts("b", "k1")), accepted),
		Entry("three authorities with two signers between them are two", verify.AtLeast(3, Accepts("a", "k1", "k2"), Accepts("b", "k1", "k2"), Accepts("c", "k1", "k2")), rejected),
		Entry("one out of reach that could be a second signer is no verdict", verify.AtLeast(2, Accepts("a", "k1"), Inconclusive()), inconclusive),
		Entry("one out of reach that could not make up for two is rejected", verify.AtLeast(3, Accepts("a", "k1"), Inconclusive(), Rejects("c")), rejected),
		Entry("a shared signer where more could not be read is no verdict", verify.AtLeast(2, Doubtful("a", "k1"), Accepts("b", "k1")), inconclusive),
		Entry("what could not be read does not matter if it is enough", verify.AtLeast(2, Doubtful("a", "k1"), Accepts("b", "k2")), accepted),
		Entry("at least none accepts nothing", verify.AtLeast(0, Accepts("a", "k1")), inconclusive),
		Entry("at least more than there are accepts nothing", verify.AtLeast(2, Accepts("a", "k1")), inconclusive),

		Entry("an authority that accepts without evidence is not believed", verify.All(Answer{}), inconclusive),
		Entry("a policy of policies is a policy", verify.All(verify.AtLeast(1, Rejects("a"), Accepts("b", "k1")), Accepts("c", "k2")), accepted),
	)

	It("J13: says what could not be read although it is enough", func() {
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

	It("says that asking again is in vain only where that holds for all that is open", func() {
		malformed := verify.Unavailable(verify.ErrTrustMalformed)
		_, _, err := verdictOf(verify.All(malformed, malformed))
		Expect(err).To(MatchError(verify.ErrTrustMalformed))
		_, _, err = verdictOf(verify.All(malformed, Inconclusive()))
		Expect(err).NotTo(MatchError(verify.ErrTrustMalformed))
		Expect(err).To(MatchError(ErrUnreachable))
	})
})

var _ = Describe("Check", func() {
	subject := NewRepository().Subject("chart")

	DescribeTable("is the only way to an Accepted",
		func(v verify.Verifier, s verify.Subject, want error) {
			got, err := verify.Check(context.Background(), v, s, nil)
			_, ok := got.Subject()
			Expect(ok).To(Equal(want == nil))
			if want == nil {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(err).To(MatchError(want))
		},
		Entry("a verified signature is accepted", Accepts("a", "k1"), subject, nil),
		Entry("a rejection is not", Rejects("a"), subject, verify.ErrRejected),
		Entry("no verdict is not", Inconclusive(), subject, ErrUnreachable),
		Entry("bytes that do not hash to the digest are not, whoever accepts", Accepts("a", "k1"),
			verify.Subject{Manifest: subject.Manifest, Raw: []byte("other")}, verify.ErrSubject),
		Entry("a malformed digest is not", Accepts("a", "k1"), verify.Subject{Raw: subject.Raw}, verify.ErrSubject),
	)

	It("does not believe a verifier without evidence", func() {
		got, err := verify.Check(context.Background(), Answer{}, subject, nil)
		Expect(err).To(HaveOccurred())
		Expect(err).NotTo(MatchError(verify.ErrRejected))
		_, ok := got.Subject()
		Expect(ok).To(BeFalse())
	})

	It("does not take evidence that comes with an error", func() {
		got, err := verify.Check(context.Background(), Answer{Result: Accepts("a", "k").Result, Err: ErrUnreachable}, subject, nil)
		Expect(err).To(MatchError(ErrUnreachable))
		Expect(got.Result().IsZero()).To(BeTrue())
	})
})
