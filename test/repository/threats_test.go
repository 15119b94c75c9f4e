// SPDX-License-Identifier: Apache-2.0

package repository_test

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const cataloguePath = "docs/threats.md"

var _ = Describe("The catalogue of threats", func() {
	It("agrees with what the tests cite", func() {
		cited, err := citationsIn(root)
		Expect(err).NotTo(HaveOccurred())
		Expect(len(cited)).To(BeNumerically(">", 100), "the tests were found")
		catalogue := read(cataloguePath)
		if *update {
			catalogue = cited.linked(catalogue)
			Expect(os.WriteFile(filepath.Join(root, cataloguePath), []byte(catalogue), 0o644)).To(Succeed())
		}
		Expect(len(threats(catalogue))).To(BeNumerically(">", 150), "the rows were found")
		for _, row := range threats(catalogue) {
			if len(row.files) == 0 {
				GinkgoWriter.Println(row.id, "is open; cited in", strings.Join(cited.mostIn(row.id), ", "))
			}
		}
		Expect(cited.faults(catalogue)).To(BeEmpty())
	})

	const row = "| A1 | input | outcome | [registry/faults](../internal/registry/faults_test.go) |\n"
	cite := func(names ...string) citations {
		cited := citations{}
		for i := 0; i < len(names); i += 2 {
			cited.add(names[i], []byte("package x\n\nvar _ = "+names[i+1]))
		}
		return cited
	}
	const file = "internal/registry/faults_test.go"

	DescribeTable("has no fault",
		func(catalogue string, cited citations) {
			Expect(cited.faults(catalogue)).To(BeEmpty())
		},
		Entry("if the linked file cites the id", row, cite(file, `"A1: refuses"`)),
		Entry("if the linked file cites the id among others", row+"| B2 | x | y | open |\n", cite(file, `"B2, A1: refuses"`)),
		Entry("if the linked file cites the id in a raw string", row, cite(file, "`A1: refuses`")),
		Entry("if an open row is cited", "| A1 | x | y | open |\n", cite(file, `"A1: refuses"`)),
		Entry("if an open row is not cited", "| A1 | x | y | open |\n", cite()),
		Entry("if a text only holds what looks like an id", row, cite(file, `"A1: x" + "SHA256:" + "sha A256: x" + "A256:x" // "Z9: x"`)),
	)

	DescribeTable("has a fault",
		func(catalogue string, cited citations, want string) {
			Expect(cited.faults(catalogue)).To(ConsistOf(ContainSubstring(want)))
		},
		Entry("if no test cites what it calls tested", row, cite(), "A1 links to "+file),
		Entry("if another file cites what it calls tested", row, cite("x_test.go", `"A1: x"`), "A1 links to "+file),
		Entry("if only a comment cites what it calls tested", row, cite(file, `1 // "A1: x"`), "A1 links to "+file),
		Entry("if an id has no row", row, cite(file, `"A1: x" + "B2: x"`), "B2 is cited in "+file),
		Entry("if an id among others has no row", row, cite(file, `"A1, B2: x"`), "B2 is cited in "+file),
		Entry("if an id has two rows", row+row, cite(file, `"A1: x"`), "A1 stands there twice"),
	)

	It("is filled with links, and keeps those that are right", func() {
		cited := cite(file, `"A1: x"`, "a_test.go", `"A1: x"+"A1: y"+"C3: z"`, "b_test.go", `"B2: x"`)
		Expect(cited.linked(row + "| B2 | x | y | open |\n| C3 | x | y | [gone](../gone_test.go) |\n| D4 | x | y | [gone](../gone_test.go) |\n")).To(Equal(
			row + "| B2 | x | y | [b](../b_test.go) |\n| C3 | x | y | [a](../a_test.go) |\n| D4 | x | y | open |\n"))
	})
})
