// SPDX-License-Identifier: Apache-2.0

package pattern_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/pattern"
)

func TestPattern(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Pattern")
}

var _ = Describe("A pattern", Label("keyless"), func() {
	DescribeTable("is refused if it is", func(p string) {
		_, err := pattern.Compile(p)
		Expect(err).To(MatchError(pattern.ErrPattern))
		_, err = pattern.Whole(p)
		Expect(err).To(MatchError(pattern.ErrPattern))
	},
		Entry("no regular expression", "("),
		Entry("a pattern that would break out of its parentheses", "a)|(b"),
		Entry("500 characters, a thousand times", "(?:"+strings.Repeat("ab", 250)+"){1000}"),
		Entry("500 characters, ten times ten times", "(?:(?:"+strings.Repeat("ab", 250)+"){10}){10}"),
		Entry("a large class of characters, 300 times", strings.Repeat(`\pL`, 300)),
	)

	DescribeTable("is compiled if it is", func(p, text string) {
		anywhere, err := pattern.Compile(p)
		Expect(err).NotTo(HaveOccurred())
		Expect(anywhere.MatchString("!" + text)).To(BeTrue())
		whole, err := pattern.Whole(p)
		Expect(err).NotTo(HaveOccurred())
		Expect(whole.MatchString(text)).To(BeTrue())
		Expect(whole.MatchString("!" + text)).To(BeFalse())
	},
		Entry("an identity", `release@example[.]com`, "release@example.com"),
		Entry("an alternative", `a|b`, "b"),
		Entry("a digest", `[0-9a-f]{64}`, strings.Repeat("0", 64)),
		Entry("a name of up to 63 characters", `[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?`, "app-1"),
		Entry("of 1,000 bytes", strings.Repeat("ab", 500), strings.Repeat("ab", 500)),
	)
})
