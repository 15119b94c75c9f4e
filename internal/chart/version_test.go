// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/chart"
)

// naming is a tag, and a version that the tag may or may not name.
type naming struct{ tag, version string }

var _ = Describe("MayName", Label("chart"), func() {
	DescribeTable("lets a tag name a version",
		func(n naming) {
			Expect(chart.MayName(n.tag, n.version)).To(BeTrue())
		},
		Entry("J17: that is the tag", naming{tag: "1.2.3", version: "1.2.3"}),
		Entry("J17: that is the tag, with zeros in front", naming{tag: "2024.02.0", version: "2024.02.0"}),
		Entry("J17: that is the tag, of two parts", naming{tag: "1.2", version: "1.2"}),
		Entry("J17: that is the tag, of four parts", naming{tag: "1.2.3.4", version: "1.2.3.4"}),
		Entry("J17: that is the tag, of one part with a v", naming{tag: "v1", version: "v1"}),
		Entry("J17: that is the tag, of a number beyond 64 bits", naming{tag: "1.2.99999999999999999999", version: "1.2.99999999999999999999"}),
		Entry("J17: that is the tag, a pre-release of two parts", naming{tag: "1.2-rc1", version: "1.2-rc1"}),
		Entry("J17: without the v of the tag", naming{tag: "v1.2.3", version: "1.2.3"}),
		Entry("J17: without the v of the tag, with zeros in front", naming{tag: "v2024.02.0", version: "2024.02.0"}),
		Entry("J17: with a v that the tag lacks", naming{tag: "2024.02.0", version: "v2024.02.0"}),
		Entry("J17: with + for _", naming{tag: "1.2.3_build", version: "1.2.3+build"}),
		Entry("J17: with + for _, and zeros in front", naming{tag: "2024.02.0_b.1", version: "2024.02.0+b.1"}),
		Entry("J17: with + for _, and a pre-release", naming{tag: "v1.2.3-rc.1_b", version: "1.2.3-rc.1+b"}),
		Entry("J17: with +, for a tag with + as well", naming{tag: "1.2.3+build", version: "1.2.3+build"}),
		Entry("J17: in the tag's series of one part", naming{tag: "1", version: "1.2.3"}),
		Entry("J17: in the tag's series of two parts", naming{tag: "1.2", version: "1.2.3"}),
		Entry("J17: in the tag's series with a v", naming{tag: "v1.2", version: "1.2.3"}),
		Entry("J17: in the tag's series, with a v that the tag lacks", naming{tag: "1.2", version: "v1.2.3"}),
		Entry("J17: in the tag's series with zeros in front", naming{tag: "2024.02", version: "2024.02.0"}),
		Entry("J17: in the tag's series, of two parts itself", naming{tag: "1", version: "1.2"}),
		Entry("J17: in the tag's series, with build metadata", naming{tag: "1.2", version: "1.2.3+build"}),
		Entry("J17: for a tag that is latest", naming{tag: "latest", version: "1.2.3"}),
		Entry("J17: for a tag that is stable", naming{tag: "stable", version: "2024.02.0"}),
		Entry("J17: for a tag that is a commit id which begins with a digit", naming{tag: "9fceb02", version: "1.2.3"}),
		Entry("J17: for a tag that is a whole commit id", naming{tag: "9fceb02d0ae598e95dc970b74767f19372d61af8", version: "1.2.3"}),
		Entry("J17: for a tag that has letters among its numbers", naming{tag: "1.x", version: "2.0.0"}),
		Entry("J17: for a tag that has letters behind its numbers", naming{tag: "1.2.3rc1", version: "1.2.4"}),
		Entry("J17: for a tag with two v", naming{tag: "vv1.2.3", version: "2.0.0"}),
		Entry("J17: for a tag that begins with a name", naming{tag: "release-1.2.3", version: "1.2.4"}),
		Entry("J17: for a tag that is only a v", naming{tag: "v", version: "1.2.3"}),
		Entry("J17: for a tag that ends with a dot", naming{tag: "1.2.", version: "2.0.0"}),
		Entry("J17: without a tag", naming{tag: "", version: "1.2.3"}),
	)

	DescribeTable("does not let a tag name a version",
		func(n naming) {
			Expect(chart.MayName(n.tag, n.version)).To(BeFalse())
		},
		Entry("J17: that is older, with zeros in front", naming{tag: "2024.02.0", version: "2024.01.0"}),
		Entry("J17: that is older, with zeros in front, and a v in the tag", naming{tag: "v2024.02.0", version: "2024.01.0"}),
		Entry("J17: that is older, with zeros in front, and a v in the version", naming{tag: "2024.02.0", version: "v2024.01.0"}),
		Entry("J17: that is older, of two parts", naming{tag: "1.3", version: "1.2"}),
		Entry("J17: that is older, of four parts", naming{tag: "1.2.3.5", version: "1.2.3.4"}),
		Entry("J17: that is older, of one part", naming{tag: "v2", version: "v1"}),
		Entry("J17: that is older, with build metadata", naming{tag: "2024.02.0_b", version: "2024.01.0+b"}),
		Entry("J17: that is older, of a number beyond 64 bits", naming{tag: "1.2.99999999999999999999", version: "1.2.99999999999999999998"}),
		Entry("J17: that is newer, with zeros in front", naming{tag: "2024.02.0", version: "2024.03.0"}),
		Entry("J17: that is the same number without its zeros", naming{tag: "2024.02.0", version: "2024.2.0"}),
		Entry("J17: that is the same number with zeros", naming{tag: "1.2.3", version: "1.02.3"}),
		Entry("J17: that lacks a zero part", naming{tag: "1.2.0", version: "1.2"}),
		Entry("J17: that has more parts than a full version", naming{tag: "1.2.3", version: "1.2.3.4"}),
		Entry("J17: that has fewer parts than the tag", naming{tag: "1.2.3.4", version: "1.2.3"}),
		Entry("J17: of the next series", naming{tag: "1.2", version: "1.3.0"}),
		Entry("J17: of a series that only begins with the same digits", naming{tag: "1.2", version: "1.20.0"}),
		Entry("J17: of a series that only begins with the same digit", naming{tag: "1", version: "10.0.0"}),
		Entry("J17: of an older series with zeros in front", naming{tag: "2024.02", version: "2024.01.0"}),
		Entry("J17: of a series without the zeros of the tag", naming{tag: "2024.02", version: "2024.2.0"}),
		Entry("J17: of another series, with a v in the tag", naming{tag: "v1", version: "2.0.0"}),
		Entry("J17: that is a pre-release in the tag's series", naming{tag: "1.2", version: "1.2.3-rc.1"}),
		Entry("J17: that is a pre-release in the tag's series of one part", naming{tag: "v1", version: "1.2.3-0"}),
		Entry("J17: that is a pre-release of the tag", naming{tag: "1.2.3", version: "1.2.3-rc.1"}),
		Entry("J17: that is a pre-release of the tag, of two parts", naming{tag: "1.2", version: "1.2-rc1"}),
		Entry("J17: that is a pre-release in the series of a pre-release", naming{tag: "1.2-rc1", version: "1.2.3-rc1"}),
		Entry("J17: that is the release of a series of pre-releases", naming{tag: "1.2-rc1", version: "1.2.3"}),
		Entry("J17: that is a longer pre-release", naming{tag: "1.2.3-rc", version: "1.2.3-rc.1"}),
		Entry("J17: that differs from the pre-release and has leading zeros", naming{tag: "2024.02.0-rc1", version: "2024.02.0-rc2"}),
		Entry("J17: with other build metadata", naming{tag: "2024.02.0_b", version: "2024.02.0+c"}),
		Entry("J17: without the build metadata of the tag", naming{tag: "2024.02.0_b", version: "2024.02.0"}),
		Entry("J17: with build metadata that the full tag lacks", naming{tag: "2024.02.0", version: "2024.02.0+b"}),
		Entry("J17: in the series of a tag with build metadata", naming{tag: "1.2_b", version: "1.2.3+b"}),
		Entry("J17: that differs in the case of its pre-release", naming{tag: "1.2-RC1", version: "1.2-rc1"}),
		Entry("J17: for a tag that ends with a dash", naming{tag: "1.2.3-", version: "1.2.3"}),
		Entry("J17: for a tag that ends with an underscore", naming{tag: "1.2.3_", version: "1.2.3"}),
		Entry("J17: for a tag with a line break in its pre-release", naming{tag: "1.2.3-a\nb", version: "1.2.3"}),
		Entry("J17: for a tag that is a date", naming{tag: "20240131", version: "1.2.3"}),
		Entry("J17: that is no version", naming{tag: "1.2.3", version: "latest"}),
		Entry("J17: that is empty", naming{tag: "1.2.3", version: ""}),
	)
})

var _ = Describe("NamedVersion", Label("chart"), func() {
	DescribeTable("returns the only version that a tag may name",
		func(tag, version string) {
			got, ok := chart.NamedVersion(tag)
			Expect(ok).To(BeTrue())
			Expect(got).To(Equal(version))
			Expect(chart.MayName(tag, got)).To(BeTrue())
		},
		Entry("of three parts", "1.2.3", "1.2.3"),
		Entry("of three parts with a v", "v1.2.3", "1.2.3"),
		Entry("B14: with _ for +", "v1.2.3_b", "1.2.3+b"),
		Entry("J17: with zeros in front", "2024.02.0", "2024.02.0"),
		Entry("J17: of four parts", "1.2.3.4", "1.2.3.4"),
		Entry("J17: of two parts, with a pre-release", "1.2-rc1", "1.2-rc1"),
		Entry("J17: of one part, with build metadata", "v1_b", "1+b"),
	)

	DescribeTable("returns nothing for a tag that may name several",
		func(tag string) {
			_, ok := chart.NamedVersion(tag)
			Expect(ok).To(BeFalse())
		},
		Entry("J17: such as a series of two parts", "1.2"),
		Entry("J17: such as a series of one part with a v", "v1"),
		Entry("J17: such as latest", "latest"),
		Entry("J17: such as a commit id", "9fceb02"),
		Entry("J17: such as a doubled v", "vv1.2.3"),
		Entry("J17: such as none", ""),
	)
})

var _ = Describe("TagVersion", Label("chart"), func() {
	DescribeTable("reads the versions that strict semver reads",
		func(tag, version string) {
			got, ok := chart.TagVersion(tag)
			Expect(ok).To(BeTrue())
			Expect(got.String()).To(Equal(version))
		},
		Entry("three parts", "1.2.3", "1.2.3"),
		Entry("F6: three parts with a v", "v1.2.3", "1.2.3"),
		Entry("B14: with _ for +", "1.2.3_b", "1.2.3+b"),
	)

	DescribeTable("reads nothing else",
		func(tag string) {
			_, ok := chart.TagVersion(tag)
			Expect(ok).To(BeFalse())
		},
		Entry("two parts", "1.2"),
		Entry("J17: zeros in front", "2024.02.0"),
		Entry("four parts", "1.2.3.4"),
		Entry("two v", "vv1.2.3"),
		Entry("latest", "latest"),
	)
})

var _ = Describe("SameVersion", Label("chart"), func() {
	const same, different = true, false
	DescribeTable("compares texts, in both directions",
		func(a, b string, expected bool) {
			Expect(chart.SameVersion(a, b)).To(Equal(expected))
			Expect(chart.SameVersion(b, a)).To(Equal(expected))
		},
		Entry("the same", "1.2.3", "1.2.3", same),
		Entry("F6: a leading v", "v1.2.3", "1.2.3", same),
		Entry("F6: a leading v with zeros behind it", "v2024.02.0", "2024.02.0", same),
		Entry("B14: _ for +", "1.2.3+b", "1.2.3_b", same),
		Entry("F6: a leading v, and _ for +", "v1.2.3_b", "1.2.3+b", same),
		Entry("J17: two versions that semver reads as one", "1.2.0", "1.2", different),
		Entry("J17: two versions with equal numbers", "2024.02.0", "2024.2.0", different),
		Entry("F6: two leading v", "vv1.2.3", "v1.2.3", different),
		Entry("F6: a v before a word", "vlatest", "latest", different),
		Entry("F6: only a v", "v", "", different),
		Entry("build metadata, which semver ignores", "1.2.3+a", "1.2.3+b", different),
		Entry("the case of a pre-release", "1.2.3-RC", "1.2.3-rc", different),
	)
})

var _ = Describe("TagOf", Label("chart"), func() {
	It("B14: writes a version as helm push does", func() {
		Expect(chart.TagOf("1.2.3+b.1")).To(Equal("1.2.3_b.1"))
		Expect(chart.TagOf("v2024.02.0")).To(Equal("v2024.02.0"))
	})
})

var _ = Describe("CompareVersions", Label("chart"), func() {
	DescribeTable("orders versions, in both directions",
		func(less, greater string) {
			order, ok := chart.CompareVersions(less, greater)
			Expect(ok).To(BeTrue())
			Expect(order).To(Equal(-1))
			order, _ = chart.CompareVersions(greater, less)
			Expect(order).To(Equal(1))
		},
		Entry("by number, not by text", "1.9.0", "1.10.0"),
		Entry("J17: by number, with zeros in front", "2024.09.0", "2024.010.0"),
		Entry("J17: by month", "2024.01.0", "2024.02.0"),
		Entry("J17: of two parts", "1.2", "1.3"),
		Entry("J17: of two parts and of three", "1.2", "1.2.1"),
		Entry("J17: of three parts and of four", "1.2.3", "1.2.3.1"),
		Entry("J17: of four parts", "1.2.3.9", "1.2.3.10"),
		Entry("J17: by a number beyond 64 bits", "1.0.18446744073709551615", "1.0.18446744073709551616"),
		Entry("J17: with a v, and without", "v2024.01.0", "2024.02.0"),
		Entry("J17: by pre-release, with zeros in front", "2024.02.0-rc.1", "2024.02.0"),
		Entry("J17: by pre-release of two parts", "1.2-rc1", "1.2"),
		Entry("by pre-release of numbers", "1.0.0-rc.9", "1.0.0-rc.10"),
		Entry("by pre-release of a number and a text", "1.0.0-1", "1.0.0-a"),
		Entry("by pre-release that is longer", "1.0.0-rc", "1.0.0-rc.1"),
		Entry("by pre-release, whatever the build metadata", "1.0.0-rc.1+z", "1.0.0-rc.2+a"),
		Entry("B14: by pre-release, with _ for +", "1.0.0-rc.1_b", "1.0.0_a"),
		Entry("by pre-release with a dash in it", "1.0.0-a-b", "1.0.0-b"),
	)

	DescribeTable("finds neither less",
		func(a, b string) {
			order, ok := chart.CompareVersions(a, b)
			Expect(ok).To(BeTrue())
			Expect(order).To(BeZero())
		},
		Entry("J17: of numbers with and without zeros", "2024.02.0", "2024.2.0"),
		Entry("J17: of versions with and without zero parts", "1.2", "1.2.0.0"),
		Entry("of versions that differ in build metadata", "1.2.3+a", "1.2.3+b"),
	)

	DescribeTable("knows no order",
		func(a, b string) {
			_, ok := chart.CompareVersions(a, b)
			Expect(ok).To(BeFalse())
			_, ok = chart.CompareVersions(b, a)
			Expect(ok).To(BeFalse())
		},
		Entry("J17: of a version and a word", "1.2.3", "latest"),
		Entry("J17: of a version and a commit id", "1.2.3", "9fceb02"),
		Entry("J17: of a version and nothing", "1.2.3", ""),
		Entry("J17: of two words", "stable", "latest"),
	)
})
