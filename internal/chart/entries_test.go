// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"archive/tar"
	"strings"

	. "github.com/onsi/ginkgo/v2"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("Inspect", Label("chart"), func() {
	DescribeTable("refuses a chart", isRefused,
		Entry("C2: with a file a byte larger than 5 MiB", charttest.Zeros("files/large", chart.MaxFileSize+1)),
		Entry("C2: with a template a byte larger than 5 MiB", charttest.Zeros("templates/large.yaml", chart.MaxFileSize+1)),
		Entry("C3: with 10,001 entries", entries(chart.MaxEntries-2, "podinfo/")),
		Entry("C3: with 10,001 entries, most of them in a subchart", entries(10, "podinfo/"), charttest.Subchart("redis", "1.2.3", entries(chart.MaxEntries-15, "redis/"))),
		Entry("C3: with 10,001 entries for one folder", func(a *charttest.Builder) {
			for range chart.MaxEntries - 2 {
				raw(tar.Header{Typeflag: tar.TypeDir, Name: "podinfo/"})(a)
			}
		}),
		Entry("C3: with 10,001 entries, most of them global headers", func(a *charttest.Builder) {
			for range chart.MaxEntries - 2 {
				global(map[string]string{"comment": "x"})(a)
			}
		}),
		Entry("C3: with a PAX record of 512 KiB", raw(tar.Header{Name: "podinfo/a", PAXRecords: map[string]string{"VENDOR.x": strings.Repeat("x", 512<<10)}})),
		Entry("C3: with a global header of 512 KiB", global(map[string]string{"comment": strings.Repeat("x", 512<<10)})),
		Entry("C3: with a path of 1,025 bytes", charttest.File(strings.Repeat("x/", 508)+"x", "")),

		Entry("C4: with a path out of the chart", named("podinfo/../../etc/passwd")),
		Entry("C4: with a path out of the chart and back", named("podinfo/../podinfo/a")),
		Entry("C4: with an absolute path", named("/etc/passwd")),
		Entry("C4: with a path that begins with a dot", named("./podinfo/a")),
		Entry("C4: with an empty part in a path", named("podinfo//a")),
		Entry("C4: with a backslash in a path", named(`podinfo\a`)),
		Entry("C4: with a backslash out of the chart", named(`podinfo/..\..\a`)),
		Entry("C4: with a backslash in the name of a file", named(`podinfo/a\b`)),
		Entry("C4: with a drive letter in front", named("c:/podinfo/a")),
		Entry("C4: with a drive letter in the chart", named("podinfo/c:/a")),
		Entry("C4: with a file beginning with two dots, which Helm refuses", named("podinfo/..a")),
		Entry("C4: with a line break in a path", named("podinfo/a\nb")),
		Entry("C4: with an escape character in a path", named("podinfo/\x1b[31m")),
		Entry("C4: with a right-to-left override in a path", named("podinfo/\u202efdp.yaml")),
		Entry("C4: with a path that is not UTF-8", charttest.Entry(tar.Header{Name: "podinfo/\xff", Format: tar.FormatGNU}, "")),
		Entry("C4: with a file beside the chart's folder", named("README.md")),
		Entry("C4: with a second folder", named("other/a")),
		Entry("C4: with a file in place of its folder", named("podinfo")),
		Entry("C4: with a global header that renames the files after it", global(map[string]string{"path": "podinfo/Chart.yaml"})),

		Entry("C5: with a symbolic link", raw(tar.Header{Typeflag: tar.TypeSymlink, Name: "podinfo/a", Linkname: "/etc/passwd"})),
		Entry("C5: with a symbolic link inside the chart", raw(tar.Header{Typeflag: tar.TypeSymlink, Name: "podinfo/a", Linkname: "values.yaml"})),
		Entry("C5: with a hard link", raw(tar.Header{Typeflag: tar.TypeLink, Name: "podinfo/a", Linkname: "podinfo/values.yaml"})),
		Entry("C5: with a character device", raw(tar.Header{Typeflag: tar.TypeChar, Name: "podinfo/a", Devmajor: 1, Devminor: 5})),
		Entry("C5: with a block device", raw(tar.Header{Typeflag: tar.TypeBlock, Name: "podinfo/a"})),
		Entry("C5: with a FIFO", raw(tar.Header{Typeflag: tar.TypeFifo, Name: "podinfo/a"})),
		Entry("C5: with an entry of a vendor's type", raw(tar.Header{Typeflag: 'Z', Name: "podinfo/a"})),
		Entry("C5: with a file that is a folder by mode, which Helm skips", charttest.Without("Chart.yaml"),
			charttest.Entry(tar.Header{Name: "podinfo/Chart.yaml", Mode: 0o040644}, charttest.ChartYAML("podinfo", "6.7.0"))),
		Entry("C5: with a file that is a symbolic link by mode", charttest.Entry(tar.Header{Name: "podinfo/a", Mode: 0o120777}, "x")),
		Entry("C5: with a folder that is a symbolic link by mode", raw(tar.Header{Typeflag: tar.TypeDir, Name: "podinfo/a/", Mode: 0o120777})),

		Entry("C4: with two Chart.yaml", charttest.Entry(tar.Header{Name: "podinfo/Chart.yaml"}, charttest.ChartYAML("podinfo", "6.7.1"))),
		Entry("C4: with two templates of one path", charttest.Entry(tar.Header{Name: "podinfo/templates/configmap.yaml"}, "")),
		Entry("C4: with a file and a folder of one path", raw(tar.Header{Typeflag: tar.TypeDir, Name: "podinfo/values.yaml/"})),
	)
})
