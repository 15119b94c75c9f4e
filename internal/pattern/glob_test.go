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
	Entry("nothing", pattern.Glob(""), "", matches),
	Entry("nothing else", pattern.Glob(""), "a", differs),
	Entry("itself", pattern.Glob("oci://a/b"), "oci://a/b", matches),
	Entry("no part of a text", pattern.Glob("oci://a/b"), "oci://a/bc", differs),
	Entry("any segment", pattern.Glob("oci://a/*"), "oci://a/b", matches),
	Entry("only one segment", pattern.Glob("oci://a/*"), "oci://a/b/c", differs),
	Entry("an empty segment", pattern.Glob("oci://a/*"), "oci://a/", matches),
	Entry("a part of a segment", pattern.Glob("oci://a/b*d"), "oci://a/bcd", matches),
	Entry("any segments", pattern.Glob("oci://a/**"), "oci://a/b/c", matches),
	Entry("any segments in between", pattern.Glob("oci://**/app"), "oci://a/b/app", matches),
	Entry("no segment in between that is not there", pattern.Glob("oci://a/**/app"), "oci://a/app", differs),
	Entry("no pattern of another kind", pattern.Glob("oci://a/[b]?"), "oci://a/bc", differs),
	Entry("a text in time that would take others for ever", pattern.Glob(strings.Repeat("*a", 200)+"b"), strings.Repeat("a", 400), differs),
)
