// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("Inspect", Label("chart"), func() {
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
