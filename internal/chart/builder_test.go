// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

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

// isRefused expects that the good chart, changed by the options, is refused with a bounded and printable message.
func isRefused(opts ...option) {
	GinkgoHelper()
	m, err := inspect(podinfo(opts...))
	Expect(err).To(MatchError(chart.ErrInvalid))
	Expect(m).To(BeZero())
	Expect(len(err.Error())).To(BeNumerically("<", 1024))
	Expect(err.Error()).NotTo(MatchRegexp("[[:cntrl:]]"))
}

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
