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

// again adds an entry without replacing an earlier one of the same path.
func again(path, content string) option {
	return charttest.Entry(tar.Header{Name: "podinfo/" + path}, content)
}

// needs returns a Chart.yaml with a dependency of the name redis.
func needs(more string) option {
	return chartYAML("dependencies:\n- name: redis\n  version: 1.x\n  repository: https://charts.example\n" + more)
}

var _ = Describe("A chart as people make it", Label("chart"), func() {
	const redis = "apiVersion: v2\nname: redis\nversion: 1.2.3\n"

	DescribeTable("is accepted, as Helm accepts it",
		func(opts ...option) {
			m, err := inspect(podinfo(opts...))
			Expect(err).NotTo(HaveOccurred())
			Expect(m.Name).To(Equal("podinfo"))
		},
		Entry("K1: with a subchart that stands twice in the archive, byte for byte",
			again("charts/redis/Chart.yaml", redis), again("charts/redis/values.yaml", "a: b\n"),
			again("charts/redis/Chart.yaml", redis), again("charts/redis/values.yaml", "a: b\n")),
		Entry("K1: with a packaged subchart that stands twice", charttest.Subchart("redis", "1.2.3"),
			again("charts/redis-1.2.3.tgz", string(charttest.Archive("redis", "1.2.3")))),
		Entry("K1: with a file of no use to Helm that stands three times", again("README.md", "a"), again("README.md", "a"), again("README.md", "a")),
		Entry("K1: with an empty file that stands twice", again("files/empty", ""), again("files/empty", "")),
		Entry("K2: in a folder of another name", charttest.Folder("other")),
		Entry("K2: in a folder with a version in its name", charttest.Folder("podinfo-6.7.0")),
		Entry("K2: with a subchart in an archive with a folder of another name", charttest.Subchart("redis", "1.2.3", charttest.Folder("x"))),
		Entry("K7: with a non-breaking space in a file name", named("podinfo/files/a\u00a0b.txt")),
		Entry("K7: with an ideographic space in a file name", named("podinfo/files/a\u3000b.txt")),
		Entry("K7: with a dependency that it has", needs(""), charttest.Subchart("redis", "1.2.3")),
		Entry("K7: with a missing dependency that its condition switches off", needs("  condition: redis.enabled\n"), charttest.File("values.yaml", "redis: {enabled: false}\n")),
		Entry("K7: with a missing dependency that the second of its conditions switches off", needs("  condition: global.redis, redis.enabled\n"), charttest.File("values.yaml", "redis: {enabled: false}\n")),
		Entry("K7: with a missing dependency that its tags switch off", needs("  tags: [cache]\n"), charttest.File("values.yaml", "tags: {cache: false}\n")),
	)

	DescribeTable("is refused with the reason and the cure",
		func(word string, opts ...option) {
			m, err := inspect(podinfo(opts...))
			Expect(err).To(MatchError(chart.ErrInvalid))
			Expect(err.Error()).To(ContainSubstring(word))
			Expect(m).To(BeZero())
		},
		Entry("K1: with two subcharts laid over each other", "laid over each other", again("charts/redis/Chart.yaml", redis), again("charts/redis/Chart.yaml", redis+"appVersion: x\n")),
		Entry("K1: with two packaged subcharts of one name", "laid over each other", charttest.Subchart("redis", "1.2.3"),
			again("charts/redis-1.2.3.tgz", string(charttest.Archive("redis", "1.2.3", charttest.File("values.yaml", "x: y\n"))))),
		Entry("K1: with two templates of one path", "different contents", again("templates/a.yaml", "a"), again("templates/a.yaml", "b")),
		Entry("K1: with two files that differ in length only", "different contents", again("files/a", "a"), again("files/a", "aa")),
		Entry("K1: with two files of which the first and the third agree", "different contents", again("files/a", "a"), again("files/a", "b"), again("files/a", "a")),
		Entry("K1: with two Chart.yaml", "different contents", again("Chart.yaml", "name: other\n")),
		Entry("C12: with a path that is a file and a folder", "a file and a folder", again("a", ""), raw(tar.Header{Name: "podinfo/a/", Typeflag: tar.TypeDir})),
		Entry("K7: with annotations twice in Chart.yaml", "each key once", chartYAML("annotations: {a: b}\nannotations: {a: c}\n")),
		Entry("K7: with an invisible character in a file name", "does not print", named("podinfo/files/a\u202eb.txt")),
		Entry("K7: with a zero-width space in a file name", "does not print", named("podinfo/files/a\u200bb.txt")),
		Entry("K7: without a required dependency", "helm dependency build", needs("")),
		Entry("K7: without a dependency that its condition switches on", "redis", needs("  condition: redis.enabled\n"), charttest.File("values.yaml", "redis: {enabled: true}\n")),
		Entry("K7: without a dependency whose condition names no value", "redis", needs("  condition: redis.enabled\n")),
		Entry("K7: without a dependency whose condition is no bool", "redis", needs("  condition: redis.enabled\n"), charttest.File("values.yaml", "redis: {enabled: 'false'}\n")),
		Entry("K7: without a dependency of which one tag is on", "redis", needs("  tags: [cache, all]\n"), charttest.File("values.yaml", "tags: {cache: false, all: true}\n")),
		Entry("K7: without a dependency that its condition switches on and its tags off", "redis", needs("  condition: redis.enabled\n  tags: [cache]\n"),
			charttest.File("values.yaml", "redis: {enabled: true}\ntags: {cache: false}\n")),
	)

	DescribeTable("K7: of type library is known", func(kind string, isLibrary bool) {
		m, err := inspect(podinfo(chartYAML("type: " + kind + "\n")))
		Expect(err).NotTo(HaveOccurred())
		Expect(m.IsLibrary).To(Equal(isLibrary))
	},
		Entry("library", "library", true),
		Entry("application", "application", false),
	)

	DescribeTable("K8: has a configuration that states nothing", func(config string) {
		m, err := chart.ParseConfig([]byte(config))
		Expect(err).NotTo(HaveOccurred())
		Expect(m).To(BeZero())
		Expect(chart.Metadata{Name: "podinfo", Version: "6.7.0"}.Agrees(m)).To(Succeed())
	},
		Entry("an empty object", "{}"),
		Entry("an empty object with blanks", " { }\n"),
		Entry("neither name nor version", `{"apiVersion":"v2","description":"x"}`),
	)

	DescribeTable("K8: has a configuration that has to agree", func(config string) {
		_, err := chart.ParseConfig([]byte(config))
		Expect(err).To(MatchError(chart.ErrInvalid))
	},
		Entry("a name alone", `{"name":"podinfo"}`),
		Entry("a version alone", `{"version":"6.7.0"}`),
		Entry("a list", `[]`),
		Entry("nothing", ""),
		Entry("more than the limit", `{"description":"`+strings.Repeat("x", chart.MaxConfigSize)+`"}`),
	)
})
