// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// namesIn returns the names of the rules that refuse a text.
func namesIn(k kind, text string) []string {
	var names []string
	for _, f := range findings([]unit{{file: "a.go", line: 1, kind: k, text: text}}) {
		names = append(names, f.name)
	}
	return names
}

var _ = Describe("The rules of our prose", func() {
	DescribeTable("refuse",
		func(k kind, text, rule string) {
			Expect(namesIn(k, text)).To(ConsistOf(rule))
		},
		Entry("a function that says whether", comment, "isGone says whether the object is gone.", "says-whether"),
		Entry("a document that tells if", document, "The status tells if the chart is served.", "says-whether"),
		Entry("a phrase that is broken into two lines", comment, "isGone says\n whether it is.", "says-whether"),
		Entry("any more", message, "the chart is not trusted any more", "any-more"),
		Entry("no more at the end of a sentence", document, "The chart is served no more.", "no-more"),
		Entry("no more at the end of a text", message, "onTrustLoss is Hold no more", "no-more"),
		Entry("no more before a clause", comment, "A chart is held no more once it is trusted.", "no-more"),
		Entry("where for if, about a value", comment, "Root is nil where the authority names none.", "where"),
		Entry("where for if, about an absence", comment, "It asks the registry where there is no cache.", "where"),
		Entry("where for if, at the beginning of a sentence", document, "It is kept. Where both are set, both count.", "where"),
		Entry("a sentence that begins with what", document, "What is revoked is withdrawn.", "bare-what"),
		Entry("a later sentence that begins with what", comment, "It is kept. What is revoked\nis withdrawn.", "bare-what"),
		Entry("a sentence that begins with who", comment, "Who comes late gets 404.", "bare-what"),
		Entry("a sentence that begins with whoever", document, "Whoever may push may sign.", "bare-what"),
		Entry("the name of a test that begins with what", message, "What the repository builds from", "bare-what"),
		Entry("a commit without an object", subject, "Withdraw what is revoked", "bare-what"),
		Entry("a commit that is a riddle", subject, "Say in the security page that rules win", "riddle"),
		Entry("hangs on", comment, "The answer does not hang on their order.", "hangs-on"),
		Entry("is another", message, "its digest is another", "is-another"),
		Entry("besides", document, "Besides, the chart must be signed.", "besides"),
		Entry("comes too late", document, "A client that comes too late gets 404.", "comes-too-late"),
		Entry("judge", comment, "It rejudges the chart.", "judge"),
		Entry("vouch", message, `authority "a" does not vouch`, "vouch"),
		Entry("excuse", document, "An excuse is no proof.", "excuse"),
		Entry("time stamp", document, "a time stamp of RFC 3161", "time-stamp"),
	)

	DescribeTable("accept",
		func(k kind, text string) {
			Expect(namesIn(k, text)).To(BeEmpty())
		},
		Entry("a function that reports whether", comment, "isGone reports whether the object is gone."),
		Entry("no more of a countable noun", document, "There are no more than 16 keys, and no more files."),
		Entry("and no more", message, "reads 64 candidates and no more"),
		Entry("where for a place", document, "The manifest is where helm push puts the file. Where is the key?"),
		Entry("a heading about a place", document, "Where signatures are found"),
		Entry("a question", document, "What is a proof? Who may sign?"),
		Entry("what within a sentence", comment, "The message tells the user what to write."),
		Entry("what at the beginning of a line within a sentence", comment, "It shows\nwhat is served."),
		Entry("a word that only begins like who", comment, "Whole files are read."),
		Entry("another object", document, "There is another object. Another signature counts."),
		Entry("a commit with an object", subject, "Withdraw revoked charts even if the reconcile is cancelled"),
		Entry("a commit subject's rule in a comment", comment, "Let the queue drain."),
		Entry("a timestamp", document, "an RFC 3161 timestamp, of the time-stamping authority"),
	)

	It("show the place, the phrase and the cure", func() {
		found := findings([]unit{{file: "a.md", line: 7, kind: document, text: "It is so.\nIt is\nserved any\nmore."}})
		Expect(found).To(HaveLen(1))
		Expect(found[0].String()).To(Equal(`a.md:9: "any more" (any-more): write "no longer"`))
	})
})
