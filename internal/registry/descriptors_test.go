// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("A descriptor", Label("registry"), func() {
	annotated := func(n int) string {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"k%d":"v"`, i))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	parse := func(text string) (d registry.Descriptor, err error) {
		err = json.Unmarshal([]byte(text), &d)
		return d, err
	}

	// annotations are the numbers of those that are sent, and of those that are kept.
	type annotations struct{ sent, kept int }
	DescribeTable("has annotations",
		func(a annotations) {
			d, err := parse(`{"mediaType":"m","size":7,"annotations":` + annotated(a.sent) + `,"artifactType":"a"}`)
			Expect(err).NotTo(HaveOccurred())
			Expect(d.Annotations).To(HaveLen(a.kept))
			Expect(d.MediaType + d.ArtifactType).To(Equal("ma"))
			Expect(d.Size).To(Equal(int64(7)))
		},
		Entry("if there are few", annotations{sent: 3, kept: 3}),
		Entry("if there are as many as are allowed", annotations{sent: registry.MaxAnnotations, kept: registry.MaxAnnotations}),
		Entry("one more than allowed, if there is one more", annotations{sent: registry.MaxAnnotations + 1, kept: registry.MaxAnnotations + 1}),
		Entry("one more than allowed, if there are many more", annotations{sent: 10 * registry.MaxAnnotations, kept: registry.MaxAnnotations + 1}),
	)

	DescribeTable("is malformed",
		func(text string) {
			_, err := parse(text)
			Expect(err).To(HaveOccurred())
		},
		Entry("if its size is a text", `{"size":"7"}`),
		Entry("if its annotations are a list", `{"annotations":["a"]}`),
		Entry("if an annotation is a number", `{"annotations":{"a":1}}`),
	)

	DescribeTable("J12: takes only as much memory as its bytes, however many fields it has",
		func(member string) {
			raw := []byte(`{"mediaType":"m",` + member + `}`)
			allocated := func() uint64 {
				var s runtime.MemStats
				runtime.ReadMemStats(&s)
				return s.TotalAlloc
			}
			before := allocated()
			_, _ = parse(string(raw))
			Expect(allocated() - before).To(BeNumerically("<", 4*len(raw)+1<<20))
		},
		Entry("URLs", `"urls":[""`+strings.Repeat(`,""`, 1<<20)+`]`),
		Entry("features of a platform", `"platform":{"os.features":[""`+strings.Repeat(`,""`, 1<<20)+`]}`),
		Entry("annotations", `"annotations":`+annotated(200_000)),
	)
})
