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

var _ = Describe("A provenance file with the signatures of two maintainers", Label("provenance", "policy"), func() {
	ada, bob := openpgptest.NewKey(), openpgptest.NewKey()
	signerOf := func(fingerprint []byte) string { return fmt.Sprintf("OPENPGP:%X", fingerprint) }

	DescribeTable("is accepted by both authorities, even if",
		func(parties ...party) {
			r := newRelease()
			r.attach(openpgptest.Message(r.text(), openpgptest.Signature(ada, r.text()), openpgptest.Signature(bob, r.text())))
			accepted, err := verify.Check(context.Background(), combine(2, parties), r.subject, r.repo)
			Expect(err).NotTo(HaveOccurred())
			Expect(accepted.Result().Signatures).To(ConsistOf(
				HaveField("Signer", signerOf(ada.PrimaryKey.Fingerprint)), HaveField("Signer", signerOf(bob.PrimaryKey.Fingerprint)),
			))
		},
		Entry("neither lists both", byKeyring("maintainers", ada), byKeyring("partners", bob)),
		Entry("the second lists both, and would accept the first signer", byKeyring("maintainers", bob), byKeyring("partners", ada, bob)),
		Entry("the first lists both, and the second only the first signer", byKeyring("maintainers", ada, bob), byKeyring("partners", ada)),
		Entry("both list both", byKeyring("maintainers", ada, bob), byKeyring("partners", ada, bob)),
	)
})
