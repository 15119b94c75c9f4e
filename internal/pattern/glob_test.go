// SPDX-License-Identifier: Apache-2.0

package pattern_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/pattern"
)

// These are the outcomes of Glob.Matches.
const matches, differs = true, false

var _ = DescribeTable("A glob matches", Label("policy"),
	func(g pattern.Glob, text string, expected bool) { Expect(g.Matches(text)).To(Equal(expected)) },
	Entry("the empty text, if it is empty", pattern.Glob(""), "", matches),
	Entry("no other text, if it is empty", pattern.Glob(""), "a", differs),
	Entry("itself", pattern.Glob("oci://a/b"), "oci://a/b", matches),
	Entry("no text that is longer", pattern.Glob("oci://a/b"), "oci://a/bc", differs),
	Entry("any segment", pattern.Glob("oci://a/*"), "oci://a/b", matches),
	Entry("only one segment", pattern.Glob("oci://a/*"), "oci://a/b/c", differs),
	Entry("an empty segment", pattern.Glob("oci://a/*"), "oci://a/", matches),
	Entry("a part of a segment", pattern.Glob("oci://a/b*d"), "oci://a/bcd", matches),
	Entry("any segments", pattern.Glob("oci://a/**"), "oci://a/b/c", matches),
	Entry("any segments in between", pattern.Glob("oci://**/app"), "oci://a/b/app", matches),
	Entry("no path that lacks the segment in between", pattern.Glob("oci://a/**/app"), "oci://a/app", differs),
	Entry("no text that only a shell pattern would match", pattern.Glob("oci://a/[b]?"), "oci://a/bc", differs),
	Entry("quickly, even if backtracking would never end", pattern.Glob(strings.Repeat("*a", 200)+"b"), strings.Repeat("a", 400), differs),
)
