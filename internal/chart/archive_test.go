// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing/iotest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("Inspect", Label("chart"), func() {
	It("returns the content of Chart.yaml", func() {
		m, err := inspect(podinfo())
		Expect(err).NotTo(HaveOccurred())
		Expect(m).To(And(HaveField("Name", "podinfo"), HaveField("Version", "6.7.0"), HaveField("AppVersion", "1.0"), HaveField("Description", "A chart for tests")))
	})

	It("knows only the configuration that Helm makes when it pushes the chart", func() {
		loaded, err := loader.LoadArchive(bytes.NewReader(podinfo()))
		Expect(err).NotTo(HaveOccurred())
		config, err := json.Marshal(loaded.Metadata)
		Expect(err).NotTo(HaveOccurred())
		m, err := inspect(podinfo())
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Configures(digest.FromBytes(config))).To(BeTrue())
		Expect(m.Configures(digest.FromBytes(append(config, ' ')))).To(BeFalse())
		Expect(m.Configures("")).To(BeFalse())
		Expect(chart.Metadata{}.Configures("")).To(BeFalse())
	})

	It("accepts a chart with a name and a version that YAML reads as numbers", func() {
		m, err := inspect(charttest.Archive("20240101", "1.2"))
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Name).To(Equal("20240101"))
		Expect(m.Version).To(Equal("1.2"))
	})

	DescribeTable("accepts a chart",
		func(opts ...option) {
			m, err := inspect(podinfo(opts...))
			Expect(err).NotTo(HaveOccurred())
			Expect(m.Name).To(Equal("podinfo"))
			Expect(m.Version).To(Equal("6.7.0"))
		},
		Entry("with packaged subcharts", charttest.Subchart("redis", "1.2.3"), charttest.Subchart("nginx", "1.2.3")),
		Entry("with a subchart in a folder", charttest.File("charts/redis/Chart.yaml", charttest.ChartYAML("redis", "1.2.3"))),
		Entry("with entries for its folders, even repeated",
			raw(tar.Header{Typeflag: tar.TypeDir, Name: "podinfo/", Mode: 0o755}),
			raw(tar.Header{Typeflag: tar.TypeDir, Name: "podinfo/templates/", Mode: 0o755}),
			raw(tar.Header{Typeflag: tar.TypeDir, Name: "podinfo/templates/", Mode: 0o755})),
		Entry("with the header that git archive writes", global(map[string]string{"comment": "3f786850e387550fdab836ed7e6dc881de23001b"})),
		Entry("with a byte order mark before Chart.yaml", charttest.File("Chart.yaml", "\xef\xbb\xbf"+charttest.ChartYAML("podinfo", "6.7.0"))),
		Entry("of apiVersion v1 with its requirements", charttest.File("Chart.yaml", "apiVersion: v1\nname: podinfo\nversion: 6.7.0\n"),
			charttest.File("requirements.yaml", "dependencies: []\n")),
		Entry("with an unquoted appVersion", chartYAML("annotations: {a: b}\n"), charttest.File("Chart.yaml", "apiVersion: v2\nname: podinfo\nversion: 6.7.0\nappVersion: 1.10\n")),
		Entry("with aliases in its values", charttest.File("values.yaml", "a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n")),
		Entry("with padding after the tar", charttest.Tail(make([]byte, 10240))),
		Entry("C2: with a file of exactly 5 MiB", charttest.Zeros("files/large", chart.MaxFileSize)),
		Entry("C3: with exactly 10,000 entries", entries(chart.MaxEntries-3, "podinfo/")),
		Entry("C4: with dots, spaces and letters of other scripts in its paths", charttest.File("files/.a b.c..d/grüße-図.txt", "")),
		Entry("C5: with an executable file", charttest.Entry(tar.Header{Name: "podinfo/run.sh", Mode: 0o100755}, "true")),
		Entry("C11: with a schema that refers to an endless device",
			charttest.File("values.schema.json", `{"$ref":"file:///dev/zero"}`)),
		Entry("C11: with a schema that refers to itself and to the network",
			charttest.File("values.schema.json", `{"$ref":"#","allOf":[{"$ref":"http://169.254.169.254/"}]}`)),
		Entry("C11: with a schema that is not JSON", charttest.File("values.schema.json", strings.Repeat("[", 1<<20))),
		Entry("C12: with subcharts as deep as is allowed", nested(chart.MaxDepth)),
		Entry("C12: with an archive at a path that Helm does not open", charttest.File("files/redis-1.2.3.tgz", "not gzip"), charttest.File("charts/_a.tgz", "not gzip")),
	)

	good := podinfo()
	DescribeTable("refuses bytes",
		func(raw []byte) {
			_, err := inspect(raw)
			Expect(err).To(MatchError(chart.ErrInvalid))
		},
		Entry("that are empty", []byte{}),
		Entry("C13: of a login page", []byte("<html>Sign in</html>")),
		Entry("of a tar that is not compressed", gunzip(good)),
		Entry("cut off in the middle", good[:len(good)/2]),
		Entry("cut off before the checksum", good[:len(good)-8]),
		Entry("with another checksum", append(bytes.Clone(good[:len(good)-8]), 0, 0, 0, 0, good[len(good)-4], good[len(good)-3], good[len(good)-2], good[len(good)-1])),
		Entry("with more bytes after them", append(bytes.Clone(good), "more"...)),
		Entry("with a zero after them", append(bytes.Clone(good), 0)),
		Entry("with a second chart after them", append(bytes.Clone(good), podinfo()...)),
		Entry("with an empty gzip member after them", append(bytes.Clone(good), compress(nil)...)),
		Entry("that are gzip twice", compress(good)),
		Entry("of an empty tar", compress(make([]byte, 1024))),
		Entry("of an empty gzip stream", compress(nil)),
		Entry("of a tar that is damaged", compress(bytes.Replace(gunzip(good), []byte("ustar"), []byte("us!ar"), 1))),
	)

	DescribeTable("refuses an entry that archive/tar reads but does not write",
		func(raw []byte) {
			_, err := inspect(raw)
			Expect(err).To(MatchError(chart.ErrInvalid))
		},
		Entry("C1: an old GNU sparse file", patch(podinfo(named("podinfo/a")), "podinfo/a", func(block []byte) {
			block[156] = tar.TypeGNUSparse
			copy(block[257:], "ustar  \x00")
			copy(block[386:], "00000000000\x0000000000007\x00")
			copy(block[483:], "00020000000\x00")
		})),
		Entry("C1: a sparse file by PAX records", patch(podinfo(
			charttest.Entry(tar.Header{Name: "podinfo/x"}, "22 GNU.sparse.major=0\n22 GNU.sparse.minor=1\n26 GNU.sparse.numblocks=1\n27 GNU.sparse.size=4194304\n22 GNU.sparse.map=0,7\n"),
			named("podinfo/a")), "podinfo/x", func(block []byte) { block[156] = tar.TypeXHeader })),
		Entry("C4: a regular file whose name ends in a slash", patch(podinfo(named("podinfo/ab")), "podinfo/ab", func(block []byte) {
			copy(block, "podinfo/a/")
		})),
		Entry("C5: a file of a type from the future", patch(podinfo(named("podinfo/a")), "podinfo/a", func(block []byte) { block[156] = tar.TypeCont })),
	)

	It("accepts a file as tar wrote it before POSIX", func() {
		_, err := inspect(patch(podinfo(named("podinfo/a")), "podinfo/a", func(block []byte) { block[156] = 0 }))
		Expect(err).NotTo(HaveOccurred())
	})

	It("does not treat a reader's failure as a verdict", func() {
		unplugged := errors.New("unplugged")
		_, err := chart.Inspect(io.MultiReader(bytes.NewReader(good[:len(good)/2]), iotest.ErrReader(unplugged)))
		Expect(err).To(MatchError(unplugged))
		Expect(err).NotTo(MatchError(chart.ErrInvalid))
	})

	It("reads the reader to its end", func() {
		r := bytes.NewReader(good)
		_, err := chart.Inspect(iotest.OneByteReader(r))
		Expect(err).NotTo(HaveOccurred())
		Expect(r.Len()).To(BeZero())
	})
})
