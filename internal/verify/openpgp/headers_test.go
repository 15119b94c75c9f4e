// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("The headers of a clear-signed message", func() {
	// ended returns the message with headers that end only in that line.
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

	// Other readers may treat the signed text as headers, or headers as signed text.
	DescribeTable("F8: do not end in a line that only seems empty",
		func(line string) {
			key := NewKey()
			refused(ring(key), ended(Sign(key, text), line), byNow)
		},
		Entry("with a form feed", "\f"),
		Entry("with a vertical tab", "\v"),
		Entry("with carriage returns", "\r\r"),
		Entry("with a next line", "\u0085"),
		Entry("with a no-break space", "\u00a0"),
		Entry("with an ideographic space", "\u3000"),
		Entry("with a NUL", "\x00"),
	)
})
