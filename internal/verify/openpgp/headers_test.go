// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("The headers of a clear-signed message", func() {
	// ended returns the message, whose headers end in that line alone.
	ended := func(message []byte, line string) []byte {
		GinkgoHelper()
		changed := bytes.Replace(message, []byte("\n\n"), []byte("\n"+line+"\n"), 1)
		Expect(changed).NotTo(Equal(message))
		return changed
	}

	It("end in a line of spaces and tabs", func() {
		key := NewKey()
		accepted(ring(key), ended(Sign(key, text), " \t"), byNow)
	})

	// Another reader would take the signed text for more headers, or headers for signed text.
	DescribeTable("F8: do not end in a line that only seems empty",
		func(line string) {
			key := NewKey()
			refused(ring(key), ended(Sign(key, text), line), byNow)
		},
		Entry("for its form feed", "\f"),
		Entry("for its vertical tab", "\v"),
		Entry("for its carriage returns", "\r\r"),
		Entry("for its next line", "\u0085"),
		Entry("for its no-break space", "\u00a0"),
		Entry("for its ideographic space", "\u3000"),
		Entry("for its NUL", "\x00"),
	)
})
