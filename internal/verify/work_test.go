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

var _ = DescribeTable("J12: The work of a policy is bounded, and its authorities share it", Label("policy"),
	func(authorities, candidates, cost, verified int, want verify.Verdict) {
		n := 0
		var all []verify.Verifier
		for range authorities {
			all = append(all, costly{"a", candidates, cost, &n})
		}
		repo := NewRepository()
		_, outcomes, err := verify.CheckEach(context.Background(), []verify.Named{{Verifier: verify.All(all...)}, {Policy: "company", Verifier: costly{"b", 1, 1, new(int)}}}, repo.Subject("chart"), repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(n).To(Equal(verified))
		Expect(outcomes[0].Verdict).To(Equal(want))
		Expect(outcomes[1].Verdict).To(Equal(verify.VerdictAccepted), "another policy has work of its own")
	},
	Entry("as much as is allowed", 1, 64, verify.MaxWork/64, 64, verify.VerdictAccepted),
	Entry("no candidate more", 1, 64, 9, verify.MaxWork/9, verify.VerdictRejected),
	Entry("of several authorities together", 2, 40, verify.MaxWork/64, 64, verify.VerdictRejected),
	Entry("one candidate that costs too much", 1, 1, verify.MaxWork+1, 0, verify.VerdictRejected),
)
