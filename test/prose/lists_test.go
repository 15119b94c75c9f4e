// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// moreIn returns the findings of "any more" in a file.
func moreIn(file string, texts ...string) []finding {
	var units []unit
	for i, text := range texts {
		units = append(units, unit{file: file, line: i + 1, kind: comment, text: text})
	}
	return findings(units)
}

var _ = Describe("Quotations", func() {
	DescribeTable("are accepted",
		func(list, file, text string) {
			q, err := parseQuotations(list)
			Expect(err).NotTo(HaveOccurred())
			Expect(q.without(moreIn(file, text))).To(BeEmpty())
			Expect(q.unused()).To(BeEmpty())
		},
		Entry("by their text", "# a song\na.go: not any more\n", "a.go", "They sing\nnot any\nmore."),
		Entry("in a file with many", "# examples\na.go: *\n", "a.go", "any more"),
		Entry("of a commit that this clone lacks", "# a song\na.go: any more\n\n# older\ncommit 1: *\n", "a.go", "any more and any more"),
	)

	DescribeTable("are not accepted",
		func(list, file, text string) {
			q, err := parseQuotations(list)
			Expect(err).NotTo(HaveOccurred())
			Expect(q.without(moreIn(file, text))).To(HaveLen(1))
			Expect(q.unused()).To(HaveLen(1))
		},
		Entry("in another file", "# a song\na.go: any more\n", "b.go", "any more"),
		Entry("in another sentence", "# a song\na.go: not any more\n", "a.go", "is it any more"),
		Entry("if the text does not hold the phrase", "# a song\na.go: They sing\n", "a.go", "They sing any more"),
	)

	DescribeTable("need a reason",
		func(list string) {
			_, err := parseQuotations(list)
			Expect(err).To(MatchError(ContainSubstring("reason")))
		},
		Entry("and have none", "a.go: any more\n"),
		Entry("above the same group", "# a song\na.go: any more\n\nb.go: any more\n"),
		Entry("and a file", "# a song\nany more\n"),
	)
})

var _ = Describe("The limits of Go files", func() {
	two := moreIn("a.go", "x any more", "y any more")

	It("are kept by as many phrases", func() {
		Expect(limits{"any-more": 2}.faults(two, nil)).To(BeEmpty())
	})

	It("are exceeded by one phrase more, of which the new lines are shown", func() {
		Expect(limits{"any-more": 1}.faults(two, map[place]bool{{"a.go", 2}: true})).To(Equal([]string{
			"any-more: Go files hold it 2 times, and test/prose/baseline.txt allows 1:", `a.go:2: "any more" (any-more): write "no longer"`,
		}))
	})

	It("are exceeded by the first phrase of a rule without a limit", func() {
		Expect(limits{}.faults(two, nil)).To(HaveLen(3))
	})

	It("fall with the phrases, and never rise", func() {
		Expect(limits{"any-more": 3}.faults(two, nil)).To(ConsistOf(ContainSubstring("make prose")))
		Expect(limits{"any-more": 3}.lowered(two)).To(Equal(limits{"any-more": 2}))
		Expect(limits{"any-more": 1}.lowered(two)).To(Equal(limits{"any-more": 1}))
		Expect(limits{"any-more": 1}.lowered(nil)).To(BeEmpty())
	})

	It("do not apply to documents", func() {
		Expect(limits{}.faults(moreIn("a.md", "any more"), nil)).To(BeEmpty())
	})
})
