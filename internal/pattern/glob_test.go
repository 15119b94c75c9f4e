// SPDX-License-Identifier: Apache-2.0

package pattern_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/pattern"
)

var _ = DescribeTable("A glob matches",
	func(g pattern.Glob, text string, matches bool) { Expect(g.Matches(text)).To(Equal(matches)) },
	Entry("nothing", pattern.Glob(""), "", true),
	Entry("nothing else", pattern.Glob(""), "a", false),
	Entry("itself", pattern.Glob("oci://a/b"), "oci://a/b", true),
	Entry("no part of a text", pattern.Glob("oci://a/b"), "oci://a/bc", false),
	Entry("any segment", pattern.Glob("oci://a/*"), "oci://a/b", true),
	Entry("only one segment", pattern.Glob("oci://a/*"), "oci://a/b/c", false),
	Entry("an empty segment", pattern.Glob("oci://a/*"), "oci://a/", true),
	Entry("a part of a segment", pattern.Glob("oci://a/b*d"), "oci://a/bcd", true),
	Entry("any segments", pattern.Glob("oci://a/**"), "oci://a/b/c", true),
	Entry("any segments in between", pattern.Glob("oci://**/app"), "oci://a/b/app", true),
	Entry("no segment in between that is not there", pattern.Glob("oci://a/**/app"), "oci://a/app", false),
	Entry("no pattern of another kind", pattern.Glob("oci://a/[b]?"), "oci://a/bc", false),
	Entry("a text in time that would take others for ever", pattern.Glob(strings.Repeat("*a", 200)+"b"), strings.Repeat("a", 400), false),
)
