// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("A provenance file with the signatures of two maintainers", func() {
	ada, bob := openpgptest.NewKey(), openpgptest.NewKey()
	signerOf := func(fingerprint []byte) string { return fmt.Sprintf("OPENPGP:%X", fingerprint) }

	DescribeTable("is accepted by both, whichever authority lists both",
		func(parties ...party) {
			r := newRelease()
			r.attach(openpgptest.Message(r.text(), openpgptest.Signature(ada, r.text()), openpgptest.Signature(bob, r.text())))
			accepted, err := verify.Check(context.Background(), combine(2, parties), r.subject, r.repo)
			Expect(err).NotTo(HaveOccurred())
			Expect(accepted.Result().Signatures).To(ConsistOf(
				HaveField("Signer", signerOf(ada.PrimaryKey.Fingerprint)), HaveField("Signer", signerOf(bob.PrimaryKey.Fingerprint)),
			))
		},
		Entry("neither does", byKeyring("maintainers", ada), byKeyring("partners", bob)),
		Entry("the second does, which the first signer would do for", byKeyring("maintainers", bob), byKeyring("partners", ada, bob)),
		Entry("the first does, and the first signer is all that the second lists", byKeyring("maintainers", ada, bob), byKeyring("partners", ada)),
		Entry("both do", byKeyring("maintainers", ada, bob), byKeyring("partners", ada, bob)),
	)
})
