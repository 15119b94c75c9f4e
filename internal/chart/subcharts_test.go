// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"archive/tar"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("Inspect", Label("chart"), func() {
	DescribeTable("refuses a chart", isRefused,
		Entry("C12: with subcharts deeper than is allowed", nested(chart.MaxDepth+1)),
		Entry("C12: with folders of subcharts deeper than is allowed", charttest.File(strings.Repeat("charts/a/", chart.MaxDepth+1)+"Chart.yaml", charttest.ChartYAML("a", "1.0.0"))),
		Entry("C12: with subcharts that unpack to 100 MiB only together", func(a *charttest.Builder) {
			for i := range 6 {
				charttest.Subchart(fmt.Sprint("bomb", i), "1.0.0", zeros(4))(a)
			}
		}),
		Entry("C12: with a subchart that is not gzip", charttest.File("charts/redis-1.2.3.tgz", "not gzip")),
		Entry("C12: with an empty subchart", charttest.File("charts/redis-1.2.3.tgz", "")),
		Entry("C12: with a subchart without a Chart.yaml", charttest.Subchart("redis", "1.2.3", charttest.Without("Chart.yaml"))),
		Entry("C12: with a subchart that is cut off", charttest.File("charts/redis-1.2.3.tgz", string(podinfo()[:200]))),
		Entry("C12: with bytes after a subchart", charttest.File("charts/redis-1.2.3.tgz", string(append(podinfo(), "more"...)))),
		Entry("C12: with a symbolic link in a subchart",
			charttest.Subchart("redis", "1.2.3", raw(tar.Header{Typeflag: tar.TypeSymlink, Name: "redis/a", Linkname: "b"}))),
		Entry("C12: with a folder named like a packaged subchart",
			charttest.Subchart("redis", "1.2.3"), charttest.File("charts/redis-1.2.3.tgz/Chart.yaml", charttest.ChartYAML("redis", "9.9.9"))),
		Entry("C6: with a subchart that Helm refuses", charttest.Subchart("redis", "1.2.3", charttest.File("Chart.yaml", "name: ..\nversion: 1.2.3\n"))),
	)
})
