// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"archive/tar"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("An archive whose folder is ., as tar -C folder . makes it", Label("chart"), func() {
	folder := func(name string) option { return raw(tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}) }

	DescribeTable("is accepted",
		func(opts ...option) {
			m, err := inspect(podinfo(append([]option{charttest.Folder(".")}, opts...)...))
			Expect(err).NotTo(HaveOccurred())
			Expect(m.Name).To(Equal("podinfo"))
		},
		Entry("K2: with its files alone"),
		Entry("K2: with entries for its folders", folder("./"), folder("./templates/")),
		Entry("K2: with a packaged subchart of the same kind", charttest.Subchart("redis", "1.2.3", charttest.Folder("."))),
	)

	DescribeTable("is refused",
		func(opts ...option) {
			_, err := inspect(podinfo(append([]option{charttest.Folder(".")}, opts...)...))
			Expect(err).To(MatchError(chart.ErrInvalid))
		},
		Entry("K2: with a second folder", named("other/a")),
		Entry("K2: with a path out of it", named("./../a")),
		Entry("K2: with an absolute path after the dot", named(".//etc/passwd")),
		Entry("K2: with the dot twice", named("././a")),
		Entry("K2: with a drive letter", named("./c:/a")),
		Entry("K2: with a file instead of the folder", named(".")),
	)
})
