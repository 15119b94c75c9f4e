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
	// proofs are as many as are allowed, and one more.
	type proofs struct{ most, over func(*pbbundle.Bundle) }
	DescribeTable("E9: is not parsed if its proofs would take longer to verify than any real proof",
		func(p proofs) {
			how := keyless(func(h *How) { h.Alter = p.most })
			_, err := bundle.Parse(public.Bundle(artifact, how))
			Expect(err).NotTo(HaveOccurred())
			how.Alter = p.over
			_, err = bundle.Parse(public.Bundle(artifact, how))
			Expect(err).To(MatchError(bundle.ErrMalformed))
		},
		Entry("by 33 log entries", proofs{
			most: func(b *pbbundle.Bundle) { repeatEntry(b, 32) },
			over: func(b *pbbundle.Bundle) { repeatEntry(b, 33) },
		}),
		Entry("by 33 timestamps", proofs{
			most: func(b *pbbundle.Bundle) { repeatStamp(b, 32) },
			over: func(b *pbbundle.Bundle) { repeatStamp(b, 33) },
		}),
		Entry("by log entries of more than 128 KiB together", proofs{
			most: func(b *pbbundle.Bundle) { padEntry(b, 8<<10); repeatEntry(b, 16) },
			over: func(b *pbbundle.Bundle) { padEntry(b, 8<<10); repeatEntry(b, 17) },
		}),
		Entry("by timestamps of more than 128 KiB together", proofs{
			most: func(b *pbbundle.Bundle) { padStamp(b, 16<<10); repeatStamp(b, 8) },
			over: func(b *pbbundle.Bundle) { padStamp(b, 16<<10); repeatStamp(b, 9) },
		}),
		Entry("by a log entry of more than 8 KiB", proofs{
			most: func(b *pbbundle.Bundle) { padEntry(b, 8<<10) },
			over: func(b *pbbundle.Bundle) { padEntry(b, 8<<10+1) },
		}),
		Entry("by a timestamp of more than 16 KiB", proofs{
			most: func(b *pbbundle.Bundle) { padStamp(b, 16<<10) },
			over: func(b *pbbundle.Bundle) { padStamp(b, 16<<10+1) },
		}),
	)

	// claim is the content of a bundle before it is verified.
	type claim struct {
		predicateType string
		isSignature   bool
		signer        bundle.Signer
	}
	DescribeTable("returns its type and its claimed signer",
		func(how How, c claim) {
			b, err := bundle.Parse(public.Bundle(artifact, how))
			Expect(err).NotTo(HaveOccurred())
			Expect(b.PredicateType()).To(Equal(c.predicateType))
			Expect(b.IsSignature()).To(Equal(c.isSignature))
			claimed := b.Claimed()
			claimed.Claims = c.signer.Claims
			Expect(claimed).To(Equal(c.signer))
		},
		Entry("a signature of the artifact", keyless(), claim{isSignature: true, signer: bundle.Signer{Issuer: issuer, Subject: subject}}),
		Entry("cosign's statement", keyless(func(h *How) { h.Statement = CosignSign }), claim{predicateType: CosignSign, isSignature: true, signer: bundle.Signer{Issuer: issuer, Subject: subject}}),
		Entry("E13: an SBOM", keyless(func(h *How) { h.Statement = "https://spdx.dev/Document" }), claim{predicateType: "https://spdx.dev/Document", signer: bundle.Signer{Issuer: issuer, Subject: subject}}),
		Entry("a signature by a key", byKey(), claim{isSignature: true, signer: bundle.Signer{KeyID: keyIDOf(ours)}}),
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
		Entry("a bundle without material", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`),
		Entry("a bundle of an unknown type", `{"mediaType":"text/plain"}`),
		Entry("a bundle with a field twice", `{"mediaType":"a","mediaType":"b"}`),
		Entry("a bundle with an empty log entry", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"},"tlogEntries":[{}]},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`),
		Entry("more bytes than allowed", string(make([]byte, bundle.MaxSize+1))),
	)
})
