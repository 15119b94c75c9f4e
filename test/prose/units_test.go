// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The texts of a file", func() {
	DescribeTable("are read, with their lines,",
		func(file, source string, want ...unit) {
			units := unitsOf(file, source)
			for i := range units {
				units[i].file, units[i].text = "", strings.TrimSpace(units[i].text)
			}
			Expect(append([]unit{}, units...)).To(Equal(append([]unit{}, want...)))
		},
		Entry("from the comments and literals of a Go file", "a.go", "package a\n\n// One\n// two\n\n// three\nvar x = \"four\\n\" + `five` // six\n",
			unit{line: 3, kind: comment, text: "One\n two"}, unit{line: 6, kind: comment, text: "three"},
			unit{line: 7, kind: message, text: "four"}, unit{line: 7, kind: message, text: "five"}, unit{line: 7, kind: comment, text: "six"}),
		Entry("from the paragraphs, headings, items and cells of a document", "a.md", "# One\ntwo\nthree\n\n- four\n  five\n1. six\n\n| seven | eight |\n",
			unit{line: 1, kind: document, text: "One"}, unit{line: 2, kind: document, text: "two\nthree"}, unit{line: 5, kind: document, text: "four\n  five"},
			unit{line: 7, kind: document, text: "six"}, unit{line: 9, kind: document, text: "seven"}, unit{line: 9, kind: document, text: "eight"}),
		Entry("from a document without its code", "a.md", "one `any more` two\n\n```sh\n# any more\n```\n\n<!-- any more -->\nthree\n",
			unit{line: 1, kind: document, text: "one ____ _____ two"}, unit{line: 8, kind: document, text: "three"}),
		Entry("from the comments of a manifest", "a.yaml", "# One\n# two\nkind: X # three\nurl: oci://host/a#b\n# four\n",
			unit{line: 1, kind: comment, text: "One\ntwo"}, unit{line: 3, kind: comment, text: "three"}, unit{line: 5, kind: comment, text: "four"}),
		Entry("from the comments of a Makefile", "Makefile", "lint: ## One.\n\ttwo\n", unit{line: 1, kind: comment, text: "One."}),
		Entry("from no other file", "a.tgz", "# One\n"),
	)
})
