// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/pattern"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("An authority", Label("cosign", "keyless"), func() {
	root := func() bundle.Trust { return bundle.Trust{Root: rootOf(sigstoretest.NewSmall())} }

	DescribeTable("is refused if it could never accept",
		func(a func() cosign.Authority) {
			_, err := cosign.New(a())
			Expect(err).To(MatchError(cosign.ErrAuthority))
		},
		Entry("with neither keys nor a root", func() cosign.Authority { return cosign.Authority{} }),
		Entry("E3: with a root and no identity", func() cosign.Authority { return cosign.Authority{Trust: root()} }),
		Entry("with keys and identities", func() cosign.Authority {
			return cosign.Authority{Trust: bundle.Trust{Keys: keysOf(P256())}, Identities: identities("a", "b")}
		}),
	)

	// patterns are those of an identity, and whether they match the signer.
	type patterns struct {
		issuer, subject string
		matches         bool
	}
	DescribeTable("E2: matches identities as a whole",
		func(p patterns) {
			repo, sigstore := NewRepository(), sigstoretest.NewSmall()
			s := repo.Subject("chart")
			how := release
			how.Log, how.Stamped = sigstoretest.RekorV1, true
			AttachBundle(repo, s.Manifest, sigstore.Bundle(s.Raw, how))
			v := trusting(cosign.Authority{Trust: bundle.Trust{Root: rootOf(sigstore)}, Identities: identities(p.issuer, p.subject)})
			_, err := check(v, s, repo)
			if p.matches {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(err).To(MatchError(verify.ErrRejected))
		},
		Entry("literally", patterns{issuer: "https://issuer[.]example", subject: "https://github[.]com/org/charts/[.]github/workflows/release[.]yml@refs/heads/main", matches: true}),
		Entry("with anchors", patterns{issuer: "^https://issuer[.]example$", subject: "^https://github[.]com/org/.*$", matches: true}),
		Entry("by the second of two issuers", patterns{issuer: "a|https://issuer[.]example", subject: ".+", matches: true}),
		Entry("not by a part", patterns{issuer: "issuer", subject: ".*"}),
		Entry("not by the beginning", patterns{issuer: "https://issuer[.]example", subject: "https://github[.]com/org"}),
		Entry("not by the end", patterns{issuer: "https://issuer[.]example", subject: "main"}),
		Entry("not by the end, as the second of two", patterns{issuer: "https://issuer[.]example", subject: "x|main"}),
		Entry("by the second of two, if the first would match only a line", patterns{issuer: "https://issuer[.]example", subject: "(?m)^.*main$|y", matches: true}),
		Entry("not by a flag that changes where lines end", patterns{issuer: "(?m)^https$", subject: ".*"}),
		Entry("not in another case", patterns{issuer: "https://ISSUER[.]example", subject: ".*"}),
	)

	DescribeTable("E2: refuses an invalid pattern",
		func(odd string) {
			_, err := cosign.NewIdentity(odd, "x", release.Claims)
			Expect(err).To(MatchError(pattern.ErrPattern))
			_, err = cosign.NewIdentity("x", odd, release.Claims)
			Expect(err).To(MatchError(pattern.ErrPattern))
		},
		Entry("nothing", ""),
		Entry("an open parenthesis", "("),
		Entry("a text that breaks out of its parentheses", "a)|(b"),
		Entry("a look-ahead, which RE2 lacks", "(?=a)"),
		Entry("a text that is too long", strings.Repeat("a", 1025)),
	)
})
