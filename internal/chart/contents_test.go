// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"archive/tar"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("Inspect", Label("chart"), func() {
	DescribeTable("refuses a chart", isRefused,
		Entry("with another tar after its end", charttest.Tail([]byte("podinfo/Chart.yaml"))),
		Entry("with endless padding", charttest.Tail(make([]byte, 2<<20))),

		Entry("without a Chart.yaml", charttest.Without("Chart.yaml")),
		Entry("with a Chart.yaml in a folder only", charttest.Without("Chart.yaml"), charttest.File("a/Chart.yaml", charttest.ChartYAML("podinfo", "6.7.0"))),
		Entry("with a folder as its Chart.yaml", charttest.Without("Chart.yaml"), raw(tar.Header{Typeflag: tar.TypeDir, Name: "podinfo/Chart.yaml/"})),
		Entry("C6: named .", charttest.File("Chart.yaml", charttest.ChartYAML(".", "6.7.0"))),
		Entry("C6: named ..", charttest.File("Chart.yaml", charttest.ChartYAML(`".."`, "6.7.0"))),
		Entry("C6: named a/../b", charttest.File("Chart.yaml", charttest.ChartYAML("a/../b", "6.7.0"))),
		Entry("C6: named with an absolute path", charttest.File("Chart.yaml", charttest.ChartYAML("/podinfo", "6.7.0"))),
		Entry("C6: without a name", charttest.File("Chart.yaml", "apiVersion: v2\nversion: 6.7.0\n")),
		Entry("C6: named with a zero-width space, which Helm drops", charttest.File("Chart.yaml", charttest.ChartYAML(`"pod\u200binfo"`, "6.7.0"))),
		Entry("C6: renamed by its requirements.yaml", charttest.File("requirements.yaml", "name: other\n")),
		Entry("C6: given another version by its requirements.yaml", charttest.File("requirements.yaml", "version: 9.9.9\n")),
		Entry("with an invalid version", charttest.File("Chart.yaml", charttest.ChartYAML("podinfo", "latest"))),
		Entry("without a version", charttest.File("Chart.yaml", "apiVersion: v2\nname: podinfo\n")),
		Entry("of apiVersion v3", charttest.File("Chart.yaml", "apiVersion: v3\nname: podinfo\nversion: 6.7.0\n")),
		Entry("of a type that Helm does not know", chartYAML("type: plugin\n")),

		Entry("C10: with a null maintainer", chartYAML("maintainers: [null]\n")),
		Entry("C10: with a null dependency", chartYAML("dependencies: [null]\n")),
		Entry("C10: with a string instead of a list of maintainers", chartYAML("maintainers: nobody\n")),
		Entry("C10: with two names", chartYAML("name: other\n")),
		Entry("C10: with two names of which Helm takes the folder's", charttest.File("Chart.yaml", "name: other\n"+charttest.ChartYAML("podinfo", "6.7.0"))),
		Entry("C10: with two names in different case", chartYAML("Name: other\n")),
		Entry("C10: with a list as its Chart.yaml", charttest.File("Chart.yaml", "- a\n")),
		Entry("C10: with an empty Chart.yaml", charttest.File("Chart.yaml", "")),
		Entry("C10: with a null Chart.yaml", charttest.File("Chart.yaml", "null\n")),
		Entry("C10: with a Chart.yaml that is not YAML", charttest.File("Chart.yaml", "\x1b[31m: [")),
		Entry("C10: with values in UTF-16, which would hide aliases", charttest.File("values.yaml", "\xff\xfea\x00:\x00 \x001\x00\n\x00")),
		Entry("C10: with an alias bomb in Chart.yaml", chartYAML(aliasBomb)),
		Entry("C10: with an alias bomb in the values", charttest.File("values.yaml", aliasBomb)),
		Entry("C10: with an alias bomb in Chart.lock", charttest.File("Chart.lock", aliasBomb)),
		Entry("C10: with an alias bomb in the values of a subchart", charttest.Subchart("redis", "1.2.3", charttest.File("values.yaml", aliasBomb))),
		Entry("C10: with a long text named many times", charttest.File("values.yaml", longTextBomb)),
		Entry("C10: with a long key named many times", charttest.File("values.yaml", "a: &a "+strings.Repeat("x", 1<<20)+"\nb: ["+strings.Repeat("{*a : 1},", 1000)+"]\n")),
		Entry("C10: with an anchor that holds itself", charttest.File("values.yaml", "a: &a [*a]\n")),
		Entry("C10: with millions of nodes", charttest.File("values.yaml", "a: ["+strings.Repeat("1,", 2_000_000)+"]\n")),
		Entry("C10: with values nested without end", charttest.File("values.yaml", strings.Repeat("[", 150_000))),
		Entry("C10: with a list as its values", charttest.File("values.yaml", "- a\n")),
	)

	It("C14: makes the shown texts printable and bounded", func() {
		m, err := inspect(podinfo(charttest.File("Chart.yaml",
			`{apiVersion: v2, name: podinfo, version: 6.7.0, appVersion: "1\e[31m\0\u202e", description: "\a`+strings.Repeat("é", 4096)+`"}`)))
		Expect(err).NotTo(HaveOccurred())
		Expect(m.AppVersion).To(Equal("1[31m"))
		Expect(m.Description).To(HavePrefix("éé"))
		Expect(len(m.Description)).To(BeNumerically("<=", 512))
	})

	DescribeTable("C14: refuses texts that cannot be shown as they are",
		func(name, version string) {
			_, err := inspect(podinfo(charttest.File("Chart.yaml", charttest.ChartYAML(name, version))))
			Expect(err).To(MatchError(chart.ErrInvalid))
			Expect(err.Error()).NotTo(MatchRegexp("[[:cntrl:]]"))
		},
		Entry("C14: an escape character in the name", `"podinfo\e[2J"`, "6.7.0"),
		Entry("C14: a line break in the name", `"podinfo\n"`, "6.7.0"),
		Entry("C14: an escape character in the version", "podinfo", `"6.7.0\e[2J"`),
	)
})
