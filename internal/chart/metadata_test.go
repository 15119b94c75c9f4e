// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

// configOf is a configuration with these two values, given as JSON.
func configOf(name, version string) string {
	return fmt.Sprintf(`{"apiVersion":"v2","name":%s,"version":%s}`, name, version)
}

var _ = Describe("ParseConfig", Label("chart"), func() {
	DescribeTable("reads the configuration",
		func(raw string, name, version string) {
			m, err := chart.ParseConfig([]byte(raw))
			Expect(err).NotTo(HaveOccurred())
			Expect(m.Name).To(Equal(name))
			Expect(m.Version).To(Equal(version))
		},
		Entry("of a chart as helm push writes it", string(charttest.ConfigJSON("podinfo", "6.7.0")), "podinfo", "6.7.0"),
		Entry("B14: with build metadata in the version", configOf(`"a"`, `"1.2.3+b"`), "a", "1.2.3+b"),
		Entry("F6: with a leading v in the version", configOf(`"a"`, `"v1.2.3"`), "a", "v1.2.3"),
		Entry("with a version of two parts, which Helm accepts", configOf(`"a"`, `"1.2"`), "a", "1.2"),
		Entry("with annotations that differ only in case", `{"name":"a","version":"1.0.0","annotations":{"X":"1","x":"2"}}`, "a", "1.0.0"),
	)

	It("C14: makes the shown texts printable and bounded", func() {
		m, err := chart.ParseConfig([]byte(`{"name":"a","version":"1.0.0","appVersion":"1\u001b[31m\u0000\r\n\u202e` +
			strings.Repeat("x", 4096) + `","description":"\u0007` + strings.Repeat("é", 4096) + `"}`))
		Expect(err).NotTo(HaveOccurred())
		Expect(m.AppVersion).To(And(HavePrefix("1 [31m    xx"), HaveSuffix("…")))
		Expect(len(m.AppVersion)).To(BeNumerically("<=", 128))
		Expect(m.Description).To(HavePrefix(" é"))
		Expect(len(m.Description)).To(BeNumerically("<=", 512))
	})

	DescribeTable("refuses a configuration",
		func(raw string) {
			m, err := chart.ParseConfig([]byte(raw))
			Expect(err).To(MatchError(chart.ErrInvalid))
			Expect(m).To(BeZero())
			Expect(len(err.Error())).To(BeNumerically("<", 1024))
		},
		Entry("that is empty", ""),
		Entry("C13: that is a login page", "<html>"),
		Entry("C6: with the name .", configOf(`"."`, `"1.0.0"`)),
		Entry("C6: with the name ..", configOf(`".."`, `"1.0.0"`)),
		Entry("C6: with a path for a name", configOf(`"a/../b"`, `"1.0.0"`)),
		Entry("C6: with a backslash in the name", configOf(`"a\\b"`, `"1.0.0"`)),
		Entry("C6: with a name of 251 bytes", configOf(`"`+strings.Repeat("a", 251)+`"`, `"1.0.0"`)),
		Entry("C14: with a line break at the end of the name", configOf(`"a\n"`, `"1.0.0"`)),
		Entry("C14: with an escape character in the version", configOf(`"a"`, `"1.0.0-\u001b"`)),
		Entry("with a version that is none", configOf(`"a"`, `"latest"`)),
		Entry("with an endless version", configOf(`"a"`, `"1.0.0-`+strings.Repeat("a", 200)+`"`)),
		Entry("with a number for a name", configOf(`1`, `"1.0.0"`)),
		Entry("B10: with two names", `{"name":"a","name":"b","version":"1.0.0"}`),
		Entry("B10: with two names in different case", `{"name":"a","Name":"b","version":"1.0.0"}`),
		Entry("longer than 1 MiB", configOf(`"a"`, `"1.0.0"`)+strings.Repeat(" ", 1<<20)),
	)
})

var _ = Describe("Metadata.Agrees", Label("chart"), func() {
	chartYAML := chart.Metadata{Name: "podinfo", Version: "6.7.0", AppVersion: "1"}

	It("B10: is content if name and version are the same", func() {
		Expect(chartYAML.Agrees(chart.Metadata{Name: "podinfo", Version: "6.7.0"})).To(Succeed())
	})

	DescribeTable("B10: refuses a configuration",
		func(config chart.Metadata) {
			Expect(chartYAML.Agrees(config)).To(MatchError(chart.ErrMismatch))
		},
		Entry("B10: of another name", chart.Metadata{Name: "podinf0", Version: "6.7.0"}),
		Entry("B10: of another version", chart.Metadata{Name: "podinfo", Version: "6.7.1"}),
		Entry("B10: of a version that differs in build metadata only", chart.Metadata{Name: "podinfo", Version: "6.7.0+b"}),
	)
})

var _ = Describe("CheckIdentity", Label("chart"), func() {
	of := func(name, version string) chart.Metadata { return chart.Metadata{Name: name, Version: version} }

	DescribeTable("accepts the requested chart",
		func(n naming) {
			Expect(chart.CheckIdentity(of("podinfo", n.version), "podinfo", n.tag)).To(Succeed())
		},
		Entry("C7: whose version is the tag", naming{tag: "1.2.3", version: "1.2.3"}),
		Entry("C7: whose pre-release version is the tag", naming{tag: "1.2.3-rc.1", version: "1.2.3-rc.1"}),
		Entry("B14: whose tag has _ for +", naming{tag: "1.2.3_b", version: "1.2.3+b"}),
		Entry("F6: whose tag has a leading v", naming{tag: "v1.2.3", version: "1.2.3"}),
		Entry("F6: whose version has a leading v", naming{tag: "1.2.3", version: "v1.2.3"}),
		Entry("F6: whose tag and version have a leading v", naming{tag: "v1.2.3_b", version: "v1.2.3+b"}),
		Entry("C7: whose tag is latest, which is no version", naming{tag: "latest", version: "1.2.3"}),
		Entry("C7: whose tag is 1.2, which holds its version", naming{tag: "1.2", version: "1.2.3"}),
		Entry("C7: whose tag is v1, which holds its version", naming{tag: "v1", version: "1.2.3"}),
		Entry("C7: whose tag is vv1.2.3, which is no version", naming{tag: "vv1.2.3", version: "2.0.0"}),
		Entry("C7: without a tag", naming{tag: "", version: "1.2.3"}),
	)

	// mismatch is a chart, and the name and tag by which another chart was requested.
	type mismatch struct{ name, version, requested, tag string }
	DescribeTable("refuses another chart",
		func(c mismatch) {
			err := chart.CheckIdentity(of(c.name, c.version), c.requested, c.tag)
			Expect(err).To(MatchError(chart.ErrMismatch))
			Expect(err).NotTo(MatchError(chart.ErrInvalid))
			Expect(len(err.Error())).To(BeNumerically("<", 1024))
		},
		Entry("C7: of another name", mismatch{name: "nginx", version: "1.2.3", requested: "podinfo", tag: "1.2.3"}),
		Entry("C7: of a name in another case", mismatch{name: "Podinfo", version: "1.2.3", requested: "podinfo", tag: "1.2.3"}),
		Entry("C7: of a name that only begins alike", mismatch{name: "podinfo-x", version: "1.2.3", requested: "podinfo", tag: "1.2.3"}),
		Entry("C7: of another name under a tag that is no version", mismatch{name: "nginx", version: "1.2.3", requested: "podinfo", tag: "latest"}),
		Entry("C7: of any name, if no name was requested", mismatch{name: "podinfo", version: "1.2.3", requested: "", tag: "1.2.3"}),
		Entry("C7: of an endless name", mismatch{name: "podinfo", version: "1.2.3", requested: strings.Repeat("x", 1<<20), tag: ""}),
		Entry("C7: of another version", mismatch{name: "podinfo", version: "1.2.4", requested: "podinfo", tag: "1.2.3"}),
		Entry("C7: of a release under the tag of a pre-release", mismatch{name: "podinfo", version: "1.2.3", requested: "podinfo", tag: "1.2.3-rc.1"}),
		Entry("C7: of a version of two parts under a tag of three", mismatch{name: "podinfo", version: "1.2", requested: "podinfo", tag: "1.2.0"}),
		Entry("J17: of a version of another series", mismatch{name: "podinfo", version: "2.0.0", requested: "podinfo", tag: "1"}),
		Entry("J17: of an older version that strict semver does not read", mismatch{name: "podinfo", version: "2024.01.0", requested: "podinfo", tag: "2024.02.0"}),
		Entry("J17: under an endless tag", mismatch{name: "podinfo", version: "1.2.3", requested: "podinfo", tag: "1." + strings.Repeat("2", 1<<20)}),
		Entry("B14: of other build metadata", mismatch{name: "podinfo", version: "1.2.3+c", requested: "podinfo", tag: "1.2.3_b"}),
		Entry("B14: of no build metadata", mismatch{name: "podinfo", version: "1.2.3", requested: "podinfo", tag: "1.2.3_b"}),
		Entry("F6: of another version with a leading v", mismatch{name: "podinfo", version: "v1.2.4", requested: "podinfo", tag: "v1.2.3"}),
	)
})
