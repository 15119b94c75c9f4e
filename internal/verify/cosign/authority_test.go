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

	DescribeTable("E2: matches identities as a whole",
		func(issuer, subject string, matches bool) {
			repo, sigstore := NewRepository(), sigstoretest.NewSmall()
			s := repo.Subject("chart")
			how := release
			how.Log, how.Stamped = sigstoretest.RekorV1, true
			AttachBundle(repo, s.Manifest, sigstore.Bundle(s.Raw, how))
			v := trusting(cosign.Authority{Trust: bundle.Trust{Root: rootOf(sigstore)}, Identities: identities(issuer, subject)})
			_, err := check(v, s, repo)
			if matches {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(err).To(MatchError(verify.ErrRejected))
		},
		Entry("literally", "https://issuer[.]example", "https://github[.]com/org/charts/[.]github/workflows/release[.]yml@refs/heads/main", true),
		Entry("with anchors", "^https://issuer[.]example$", "^https://github[.]com/org/.*$", true),
		Entry("by one of two", "a|https://issuer[.]example", ".+", true),
		Entry("not by a part", "issuer", ".*", false),
		Entry("not by the beginning", "https://issuer[.]example", "https://github[.]com/org", false),
		Entry("not by the end", "https://issuer[.]example", "main", false),
		Entry("not by the end of one half", "https://issuer[.]example", "x|main", false),
		Entry("not by a line", "https://issuer[.]example", "(?m)^.*main$|y", true),
		Entry("not by a flag that changes where lines end", "(?m)^https$", ".*", false),
		Entry("not in another case", "https://ISSUER[.]example", ".*", false),
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
