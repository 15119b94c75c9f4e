// SPDX-License-Identifier: Apache-2.0

package yamlsize_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v2"

	"github.com/verifiedchart/verifiedchart/internal/yamlsize"
)

func TestYAMLSize(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "YAMLSize")
}

var _ = DescribeTable("The rest of a bound of 100 bytes", Label("chart"), func(document string, left int) {
	var v any
	Expect(yaml.Unmarshal([]byte(document), &v)).To(Succeed())
	Expect(yamlsize.Left(v, 100)).To(Equal(left))
},
	Entry("of an empty document", "", 100),
	Entry("of a text", "abc", 97),
	Entry("of numbers and bools, which hold no text", "[1, 2.5, true, null]", 100),
	Entry("of keys and values", "{ab: cd, e: [f]}", 94),
	Entry("of a text with its aliases", "[&a abc, *a, *a]", 91),
	Entry("of aliases as keys", "x: &a abc\n*a : yz\n", 91),
	Entry("of a document that is too large by a byte", strings.Repeat("a", 101), -1),
)

var _ = It("A document that exceeds the bound has a negative rest", Label("chart"), func() {
	var v any
	Expect(yaml.Unmarshal([]byte("[&a "+strings.Repeat("a", 40)+", *a, *a, *a]"), &v)).To(Succeed())
	Expect(yamlsize.Left(v, 100)).To(BeNumerically("<", 0))
})
