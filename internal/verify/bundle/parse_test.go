// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

var _ = Describe("A bundle", Label("cosign", "keyless"), func() {
	DescribeTable("E9: is not parsed if its proofs would take longer to verify than any real proof",
		func(most, over func(*pbbundle.Bundle)) {
			how := keyless(func(h *How) { h.Alter = most })
			_, err := bundle.Parse(public.Bundle(artifact, how))
			Expect(err).NotTo(HaveOccurred())
			how.Alter = over
			_, err = bundle.Parse(public.Bundle(artifact, how))
			Expect(err).To(MatchError(bundle.ErrMalformed))
		},
		Entry("by 33 log entries", func(b *pbbundle.Bundle) { repeatEntry(b, 32) }, func(b *pbbundle.Bundle) { repeatEntry(b, 33) }),
		Entry("by 33 timestamps", func(b *pbbundle.Bundle) { repeatStamp(b, 32) }, func(b *pbbundle.Bundle) { repeatStamp(b, 33) }),
		Entry("by log entries of more than 128 KiB together", func(b *pbbundle.Bundle) { padEntry(b, 8<<10); repeatEntry(b, 16) },
			func(b *pbbundle.Bundle) { padEntry(b, 8<<10); repeatEntry(b, 17) }),
		Entry("by timestamps of more than 128 KiB together", func(b *pbbundle.Bundle) { padStamp(b, 16<<10); repeatStamp(b, 8) },
			func(b *pbbundle.Bundle) { padStamp(b, 16<<10); repeatStamp(b, 9) }),
		Entry("by a log entry of more than 8 KiB", func(b *pbbundle.Bundle) { padEntry(b, 8<<10) }, func(b *pbbundle.Bundle) { padEntry(b, 8<<10+1) }),
		Entry("by a timestamp of more than 16 KiB", func(b *pbbundle.Bundle) { padStamp(b, 16<<10) }, func(b *pbbundle.Bundle) { padStamp(b, 16<<10+1) }),
	)

	DescribeTable("returns its type and the signer that it claims",
		func(how How, predicate string, isSignature bool, signer bundle.Signer) {
			b, err := bundle.Parse(public.Bundle(artifact, how))
			Expect(err).NotTo(HaveOccurred())
			Expect(b.PredicateType()).To(Equal(predicate))
			Expect(b.IsSignature()).To(Equal(isSignature))
			claimed := b.Claimed()
			claimed.Claims = signer.Claims
			Expect(claimed).To(Equal(signer))
		},
		Entry("a signature of the artifact", keyless(), "", true, bundle.Signer{Issuer: issuer, Subject: subject}),
		Entry("cosign's statement", keyless(func(h *How) { h.Statement = CosignSign }), CosignSign, true, bundle.Signer{Issuer: issuer, Subject: subject}),
		Entry("E13: an SBOM", keyless(func(h *How) { h.Statement = "https://spdx.dev/Document" }), "https://spdx.dev/Document", false, bundle.Signer{Issuer: issuer, Subject: subject}),
		Entry("a key's", byKey(), "", true, bundle.Signer{KeyID: keyIDOf(ours)}),
	)

	DescribeTable("is not read from",
		func(raw string) {
			_, err := bundle.Parse([]byte(raw))
			Expect(err).To(MatchError(bundle.ErrMalformed))
		},
		Entry("nothing", ""),
		Entry("null", "null"),
		Entry("an empty object", "{}"),
		Entry("a list", "[]"),
		Entry("HTML", "<html>"),
		Entry("a bundle without content", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}}}`),
		Entry("one without material", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`),
		Entry("one of an unknown type", `{"mediaType":"text/plain"}`),
		Entry("one with a field twice", `{"mediaType":"a","mediaType":"b"}`),
		Entry("one with log entries that are null", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"},"tlogEntries":[{}]},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`),
		Entry("more bytes than allowed", string(make([]byte, bundle.MaxSize+1))),
	)
})
