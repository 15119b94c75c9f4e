// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing/iotest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

type option = charttest.Option

// podinfo returns a good chart, changed by the options.
func podinfo(opts ...option) []byte { return charttest.Archive("podinfo", "6.7.0", opts...) }

func inspect(raw []byte) (chart.Metadata, error) { return chart.Inspect(bytes.NewReader(raw)) }

func chartYAML(more string) option {
	return charttest.File("Chart.yaml", charttest.ChartYAML("podinfo", "6.7.0")+more)
}

func raw(header tar.Header) option { return charttest.Entry(header, "") }

func named(name string) option { return charttest.Entry(tar.Header{Name: name}, "content") }

// entries returns n empty files in this folder.
func entries(n int, folder string) option {
	return func(a *charttest.Builder) {
		for i := range n {
			raw(tar.Header{Name: fmt.Sprint(folder, i)})(a)
		}
	}
}

// nested returns a chart in a chart in a chart …
func nested(depth int, innermost ...option) option {
	opt := charttest.Subchart("leaf", "1.0.0", innermost...)
	for range depth - 1 {
		opt = charttest.Subchart("branch", "1.0.0", opt)
	}
	return opt
}

// global returns a PAX header that applies to all entries after it.
func global(records map[string]string) option {
	return raw(tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: records})
}

var _ = Describe("Inspect", func() {
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
		Entry("C11: with a schema that is no JSON", charttest.File("values.schema.json", strings.Repeat("[", 1<<20))),
		Entry("C12: with subcharts as deep as is allowed", nested(chart.MaxDepth)),
		Entry("C12: with an archive at a path that Helm does not open", charttest.File("files/redis-1.2.3.tgz", "not gzip"), charttest.File("charts/_a.tgz", "not gzip")),
	)

	DescribeTable("refuses a chart",
		func(opts ...option) {
			m, err := inspect(podinfo(opts...))
			Expect(err).To(MatchError(chart.ErrInvalid))
			Expect(m).To(BeZero())
			Expect(len(err.Error())).To(BeNumerically("<", 1024))
			Expect(err.Error()).NotTo(MatchRegexp("[[:cntrl:]]"))
		},
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
		Entry("with another tar after its end", charttest.Tail([]byte("podinfo/Chart.yaml"))),
		Entry("with endless padding", charttest.Tail(make([]byte, 2<<20))),

		Entry("without a Chart.yaml", charttest.Without("Chart.yaml")),
		Entry("with a Chart.yaml in a folder only", charttest.Without("Chart.yaml"), charttest.File("a/Chart.yaml", charttest.ChartYAML("podinfo", "6.7.0"))),
		Entry("with a folder for a Chart.yaml", charttest.Without("Chart.yaml"), raw(tar.Header{Typeflag: tar.TypeDir, Name: "podinfo/Chart.yaml/"})),
		Entry("C6: in a folder of another name", charttest.Folder("other")),
		Entry("C6: named .", charttest.File("Chart.yaml", charttest.ChartYAML(".", "6.7.0"))),
		Entry("C6: named ..", charttest.File("Chart.yaml", charttest.ChartYAML(`".."`, "6.7.0"))),
		Entry("C6: named a/../b", charttest.File("Chart.yaml", charttest.ChartYAML("a/../b", "6.7.0"))),
		Entry("C6: named with an absolute path", charttest.File("Chart.yaml", charttest.ChartYAML("/podinfo", "6.7.0"))),
		Entry("C6: without a name", charttest.File("Chart.yaml", "apiVersion: v2\nversion: 6.7.0\n")),
		Entry("C6: named with a zero-width space, which Helm drops", charttest.File("Chart.yaml", charttest.ChartYAML(`"pod\u200binfo"`, "6.7.0"))),
		Entry("C6: renamed by its requirements.yaml", charttest.File("requirements.yaml", "name: other\n")),
		Entry("C6: given another version by its requirements.yaml", charttest.File("requirements.yaml", "version: 9.9.9\n")),
		Entry("of a version that is none", charttest.File("Chart.yaml", charttest.ChartYAML("podinfo", "latest"))),
		Entry("without a version", charttest.File("Chart.yaml", "apiVersion: v2\nname: podinfo\n")),
		Entry("of apiVersion v3", charttest.File("Chart.yaml", "apiVersion: v3\nname: podinfo\nversion: 6.7.0\n")),
		Entry("of a type that Helm does not know", chartYAML("type: plugin\n")),

		Entry("C10: with a null maintainer", chartYAML("maintainers: [null]\n")),
		Entry("C10: with a null dependency", chartYAML("dependencies: [null]\n")),
		Entry("C10: with a text for its maintainers", chartYAML("maintainers: nobody\n")),
		Entry("C10: with two names", chartYAML("name: other\n")),
		Entry("C10: with two names of which Helm takes the folder's", charttest.File("Chart.yaml", "name: other\n"+charttest.ChartYAML("podinfo", "6.7.0"))),
		Entry("C10: with two names in different case", chartYAML("Name: other\n")),
		Entry("C10: with a list for a Chart.yaml", charttest.File("Chart.yaml", "- a\n")),
		Entry("C10: with an empty Chart.yaml", charttest.File("Chart.yaml", "")),
		Entry("C10: with a null Chart.yaml", charttest.File("Chart.yaml", "null\n")),
		Entry("C10: with a Chart.yaml that is no YAML", charttest.File("Chart.yaml", "\x1b[31m: [")),
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
		Entry("C10: with a list for values", charttest.File("values.yaml", "- a\n")),

		Entry("C12: with subcharts deeper than is allowed", nested(chart.MaxDepth+1)),
		Entry("C12: with folders of subcharts deeper than is allowed", charttest.File(strings.Repeat("charts/a/", chart.MaxDepth+1)+"Chart.yaml", charttest.ChartYAML("a", "1.0.0"))),
		Entry("C12: with subcharts that unpack to 100 MiB together only", func(a *charttest.Builder) {
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

	good := podinfo()
	DescribeTable("refuses bytes",
		func(raw []byte) {
			_, err := inspect(raw)
			Expect(err).To(MatchError(chart.ErrInvalid))
		},
		Entry("that are none", []byte{}),
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

	DescribeTable("C1: refuses a bomb without unpacking it into memory",
		func(opts ...option) {
			raw := podinfo(opts...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := inspect(raw)
			runtime.ReadMemStats(&after)
			Expect(err).To(MatchError(chart.ErrInvalid))
			Expect(after.TotalAlloc-before.TotalAlloc).To(BeNumerically("<", 48<<20), "allocated in all, freed or not")
		},
		Entry("C1: of one file of 50 MiB", charttest.Zeros("files/zeros", 50<<20)),
		Entry("C1: of files that unpack to 100 MiB together", zeros(21)),
		Entry("C1: of values", charttest.Zeros("values.yaml", 50<<20)),
		Entry("C1: of the values of many subcharts", func(a *charttest.Builder) {
			for i := range 4 {
				charttest.Subchart(fmt.Sprint("bomb", i), "1.0.0", charttest.File("values.yaml", strings.Repeat("#\n", chart.MaxFileSize/2)))(a)
			}
		}),
		Entry("C1: behind the end of the tar", charttest.Tail(make([]byte, 20<<20))),
		Entry("C12: in a subchart of a subchart", nested(2, zeros(21))),
		Entry("C10: of aliases for a long text", charttest.File("values.yaml", longTextBomb)),
	)

	It("C1: stops reading a bomb at once", func() {
		r := bytes.NewReader(podinfo(charttest.Zeros("files/zeros", 50<<20)))
		_, err := chart.Inspect(r)
		Expect(err).To(MatchError(chart.ErrInvalid))
		Expect(r.Len()).To(BeNumerically(">", 30<<10), "bytes left unread of the 50 KiB that the bomb has")
	})

	It("C14: makes the shown texts printable and bounded", func() {
		m, err := inspect(podinfo(charttest.File("Chart.yaml",
			`{apiVersion: v2, name: podinfo, version: 6.7.0, appVersion: "1\e[31m\0\u202e", description: "\a`+strings.Repeat("é", 4096)+`"}`)))
		Expect(err).NotTo(HaveOccurred())
		Expect(m.AppVersion).To(Equal("1[31m"))
		Expect(m.Description).To(HavePrefix("éé"))
		Expect(len(m.Description)).To(BeNumerically("<=", 512))
	})

	DescribeTable("C14: refuses texts that would have to be cut or cleaned to be shown",
		func(name, version string) {
			_, err := inspect(podinfo(charttest.File("Chart.yaml", charttest.ChartYAML(name, version))))
			Expect(err).To(MatchError(chart.ErrInvalid))
			Expect(err.Error()).NotTo(MatchRegexp("[[:cntrl:]]"))
		},
		Entry("C14: an escape character in the name", `"podinfo\e[2J"`, "6.7.0"),
		Entry("C14: a line break in the name", `"podinfo\n"`, "6.7.0"),
		Entry("C14: an escape character in the version", "podinfo", `"6.7.0\e[2J"`),
	)

	It("does not take a reader's failure for a verdict", func() {
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

// aliasBomb has ten to the ninth nodes (the "billion laughs").
var aliasBomb = func() string {
	var b strings.Builder
	b.WriteString("l0: &l0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "l%d: &l%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d,", i), 10), ","))
	}
	return b.String()
}()

// longTextBomb has few nodes and 50 GB of text.
var longTextBomb = "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a,", 50_000) + "]\n"

// zeros returns n files of 5 MiB.
func zeros(n int) option {
	return func(a *charttest.Builder) {
		for i := range n {
			charttest.Zeros(fmt.Sprint("files/zeros", i), chart.MaxFileSize)(a)
		}
	}
}

// patch changes the header block of the entry with this name and corrects its checksum.
func patch(packed []byte, name string, change func(block []byte)) []byte {
	raw := gunzip(packed)
	i := bytes.Index(raw, []byte(name+"\x00"))
	if i < 0 || i%512 != 0 {
		panic("no entry " + name)
	}
	change(raw[i : i+512])
	sign(raw[i : i+512])
	return compress(raw)
}

// sign corrects the checksum of a header block.
func sign(block []byte) {
	copy(block[148:156], "        ")
	sum := 0
	for _, b := range block {
		sum += int(b)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

func compress(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(raw)
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gunzip(raw []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err == nil {
		raw, err = io.ReadAll(r)
	}
	if err != nil {
		panic(err)
	}
	return raw
}
