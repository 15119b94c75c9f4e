// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A rejection", Label("policy", "messages"), func() {
	candidate := func(i int) verify.Candidate {
		return verify.Candidate{Source: fmt.Sprintf("referrer %d", i), Format: "bundle", Signer: verify.Signer{KeyID: fmt.Sprint("SHA256:", i)}, Reason: "no"}
	}

	It("lists the format, source, signer and reason of each candidate", func() {
		proven := verify.Candidate{Source: "tag x", Format: "legacy signature", Signer: verify.Signer{Issuer: "https://i", Subject: "s@x", Verified: true}, Reason: "not asked for"}
		err := &verify.Rejection{Authority: "a", Candidates: []verify.Candidate{candidate(1), proven, {Source: "y", Format: "manifest", Reason: "not a signature"}}}
		Expect(err.Error()).To(Equal(`authority "a": bundle at referrer 1, said to be signed by SHA256:1: no; ` +
			`legacy signature at tag x, signed by s@x (https://i): not asked for; manifest at y: not a signature`))
	})

	It("H15: is bounded and printable, whatever a candidate claims", func() {
		hostile := strings.Repeat("\x1b[31m\xff\n", 1<<16)
		var candidates []verify.Candidate
		for range 1000 {
			candidates = append(candidates, verify.Candidate{Source: "here", Format: "bundle", Signer: verify.Signer{Issuer: hostile, Subject: hostile}, Reason: hostile})
		}
		message := (&verify.Rejection{Authority: "a", Candidates: candidates}).Error()
		Expect(len(message)).To(BeNumerically("<", 6000))
		Expect(message).NotTo(Or(ContainSubstring("\x1b"), ContainSubstring("\n"), ContainSubstring("\xff")))
		Expect(message).To(HaveSuffix("; and 992 more"))
	})

	DescribeTable("is found with its candidates, however it is wrapped",
		func(err error, seen int) { Expect(verify.Seen(err)).To(HaveLen(seen)) },
		Entry("no error", nil, 0),
		Entry("another error", errors.New("x"), 0),
		Entry("by itself", &verify.Rejection{Candidates: []verify.Candidate{candidate(1)}}, 1),
		Entry("wrapped", fmt.Errorf("x: %w", &verify.Rejection{Candidates: []verify.Candidate{candidate(1)}}), 1),
		Entry("joined with others", fmt.Errorf("x: %w", errors.Join(errors.New("y"), &verify.Rejection{Candidates: []verify.Candidate{candidate(1)}},
			&verify.Rejection{Candidates: []verify.Candidate{candidate(2), candidate(3)}})), 3),
	)

	It("keeps its candidates if enough other authorities accept", func() {
		rejecting := Answer{Err: &verify.Rejection{Candidates: []verify.Candidate{candidate(1)}}}
		accepting := Accepts("b", "k")
		accepting.Result.Seen = []verify.Candidate{candidate(2)}
		_, result, err := verdictOf(verify.AtLeast(1, rejecting, accepting))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Seen).To(Equal([]verify.Candidate{candidate(1), candidate(2)}))
	})
})
