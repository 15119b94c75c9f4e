// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("The headers of a clear-signed message", Label("provenance"), func() {
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

var _ = Describe("A clear-signed message", Label("provenance"), func() {
	DescribeTable("is refused with an unexpected header",
		func(headers string) {
			key := NewKey()
			refused(ring(key), Framed(headers, text, Signature(key, text)), byNow)
		},
		Entry("F8: another header", "Comment: trust me\n"),
		Entry("F8: another header after a good one", "Hash: SHA256\nVersion: 1\n"),
		Entry("F8: a line that is not a header", "trust me\n"),
		Entry("F8: a header without a name", ": SHA256\n"),
		Entry("F8: an unknown hash", "Hash: LEGIT\n"),
		Entry("F8: an empty hash", "Hash: \n"),
		Entry("F8: text after the hash", "Hash: SHA256 trust me\n"),
		Entry("F8: a tab in a header", "Hash:\tSHA256\n"),
		Entry("F8: a vertical tab in a header", "Hash: SHA256\v\n"),
		Entry("F8: an escape in a header", "Hash: SHA256\x1b[2K\n"),
		Entry("F8: a NUL in a header", "Hash: SHA256\x00\n"),
		Entry("F8: a carriage return in a header", "Hash: SHA256\rtrust me\n"),
		Entry("F8: a line that only seems empty, with a form feed", "\f\n"),
		Entry("F8: a line that only seems empty, with a no-break space", "\u00a0\n"),
		Entry("F8: a line that only seems empty, with an ideographic space", "Hash: SHA256\n\u3000\n"),
		Entry("F8: a header with a letter of another script", "Hаsh: SHA256\n"),
		Entry("F8: a header in small letters", "hash: SHA256\n"),
		Entry("F8: white space before a header", " Hash: SHA256\n"),
	)

	DescribeTable("is refused with an unexpected header in its signature",
		func(header string) {
			key := NewKey()
			message := bytes.Replace(Sign(key, text), []byte("SIGNATURE-----\n"), []byte("SIGNATURE-----\n"+header), 1)
			refused(ring(key), message, byNow)
		},
		Entry("F8: another header", "Trust: me\n"),
		Entry("F8: a line that is not a header", "trust me\n"),
		Entry("F8: an escape in a header", "Comment: \x1b[2K\n"),
		Entry("F8: the start of another block", "-----BEGIN PGP SIGNATURE-----\n"),
	)
})
