// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// costly is an authority with expensive candidates, of which only the last is good.
type costly struct {
	name       string
	candidates int
	cost       int
	verified   *int
}

func (c costly) Verify(ctx context.Context, _ verify.Subject, _ registry.Reader) (verify.Result, error) {
	return verify.Evaluation[int]{
		Authority: c.name,
		Candidates: func(yield func(int) bool) {
			for i := range c.candidates {
				if !yield(i) {
					return
				}
			}
		},
		Searched: func() []string { return nil },
		Name:     func(int) (string, string) { return "referrer", "bundle" },
		Cost:     func(int) int { return c.cost },
		Verify: func(_ context.Context, i int) ([]verify.VerifiedSignature, error) {
			*c.verified++
			if i == c.candidates-1 {
				return []verify.VerifiedSignature{{Authority: c.name, Signer: "SHA256:aa"}}, nil
			}
			return nil, verify.Refuse("no")
		},
		Enough: func(v []verify.VerifiedSignature) bool { return len(v) > 0 },
	}.Decide(ctx)
}

// work is that of the authorities of one policy, each with as many candidates of the same cost.
type work struct {
	authorities, candidates, cost int
	verified                      int // the number of candidates that are verified
	verdict                       verify.Verdict
}

var _ = DescribeTable("J12: The work of a policy is bounded, and its authorities share it", Label("policy"),
	func(w work) {
		n := 0
		var all []verify.Verifier
		for range w.authorities {
			all = append(all, costly{"a", w.candidates, w.cost, &n})
		}
		repo := NewRepository()
		_, outcomes, err := verify.CheckEach(context.Background(), []verify.Named{{Verifier: verify.All(all...)}, {Policy: "company", Verifier: costly{"b", 1, 1, new(int)}}}, repo.Subject("chart"), repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(n).To(Equal(w.verified))
		Expect(outcomes[0].Verdict).To(Equal(w.verdict))
		Expect(outcomes[1].Verdict).To(Equal(verify.VerdictAccepted), "another policy has work of its own")
	},
	Entry("as much as is allowed", work{authorities: 1, candidates: 64, cost: verify.MaxWork / 64, verified: 64, verdict: verify.VerdictAccepted}),
	Entry("not one candidate more than is allowed", work{authorities: 1, candidates: 64, cost: 9, verified: verify.MaxWork / 9, verdict: verify.VerdictRejected}),
	Entry("the sum of several authorities", work{authorities: 2, candidates: 40, cost: verify.MaxWork / 64, verified: 64, verdict: verify.VerdictRejected}),
	Entry("one candidate that costs too much", work{authorities: 1, candidates: 1, cost: verify.MaxWork + 1, verified: 0, verdict: verify.VerdictRejected}),
)
