// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("An archive in a classic repository", Label("cosign", "classic"), func() {
	var (
		repo         *Repository
		subject      verify.Subject
		ours, theirs Signer
	)
	archive, other := []byte("archive"), []byte("other archive")
	BeforeEach(func() {
		repo = NewRepository()
		subject = repo.Archive(string(archive))
		ours, theirs = P256(), P256()
	})
	put := func(suffix string, raw []byte) { repo.AddBeside(subject.Manifest.Digest, suffix, raw) }

	DescribeTable("is accepted with a signature beside it",
		func(suffix string, file func() []byte, format string) {
			put(suffix, file())
			result, err := check(authority(ours), subject, repo)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Signatures).To(ConsistOf(And(HaveField("Source", "file "+suffix+" beside the archive"), HaveField("Format", format))))
		},
		Entry("by cosign sign-blob --bundle", ".sigstore.json", func() []byte { return ours.Blob(archive) }, "bundle"),
		Entry("by cosign 2 sign-blob --bundle", ".cosign.bundle", func() []byte { return ours.OldBlob(archive) }, "detached signature"),
		Entry("by cosign 3 under the name that cosign 2 used", ".cosign.bundle", func() []byte { return ours.Blob(archive) }, "bundle"),
		Entry("by cosign 2 under the name that cosign 3 uses", ".sigstore.json", func() []byte { return ours.OldBlob(archive) }, "detached signature"),
		Entry("by cosign sign-blob --output-signature", ".sig", func() []byte { return []byte(ours.Sign(archive)) }, "detached signature"),
		Entry("with a line break at its end", ".sig", func() []byte { return []byte(ours.Sign(archive) + "\n") }, "detached signature"),
		Entry("by cosign sign-blob --b64=false", ".sig", func() []byte {
			raw, err := base64.StdEncoding.DecodeString(ours.Sign(archive))
			Expect(err).NotTo(HaveOccurred())
			return raw
		}, "detached signature"),
	)

	DescribeTable("is rejected",
		func(arrange func()) {
			arrange()
			_, err := check(authority(ours), subject, repo)
			Expect(err).To(MatchError(verify.ErrRejected))
			Expect(errors.Is(err, verify.ErrTrustUnavailable)).To(BeFalse())
		},
		Entry("without a file beside it", func() {}),
		Entry("with a bundle by another key", func() { put(".sigstore.json", theirs.Blob(archive)) }),
		Entry("with a bundle over another archive", func() { put(".sigstore.json", ours.Blob(other)) }),
		Entry("with a bundle over another archive that names the digest of this one", func() {
			this, that := string(ours.Blob(archive)), string(ours.Blob(other))
			from, to := between(that, `"digest":"`, `"`), between(this, `"digest":"`, `"`)
			put(".sigstore.json", []byte(strings.ReplaceAll(that, from, to)))
		}),
		Entry("with a detached signature over another archive", func() { put(".sig", []byte(ours.Sign(other))) }),
		Entry("with an old bundle over another archive", func() { put(".cosign.bundle", ours.OldBlob(other)) }),
		Entry("with a detached signature by another key", func() { put(".sig", []byte(theirs.Sign(archive))) }),
		Entry("with an empty file", func() { put(".sigstore.json", nil) }),
		Entry("with a page instead of a bundle", func() { put(".sigstore.json", []byte("<html>not found</html>")) }),
		Entry("with JSON that is no bundle", func() { put(".cosign.bundle", []byte(`{"base64Signature": 1}`)) }),
		Entry("with a signature that is too long", func() { put(".sig", []byte(strings.Repeat("A", 64<<10))) }),
		Entry("with a file that is too large", func() { repo.Fail(".sigstore.json", registry.ErrTooLarge) }),
		Entry("with a signature for a container", func() { put(".sig", []byte(ours.Sign(Payload(subject.Manifest.Digest)))) }),
	)

	It("is accepted by one good file among bad ones", func() {
		put(".sigstore.json", theirs.Blob(archive))
		put(".cosign.bundle", []byte("garbage"))
		put(".sig", []byte(ours.Sign(archive)))
		_, err := check(authority(ours), subject, repo)
		Expect(err).NotTo(HaveOccurred())
	})

	DescribeTable("has no verdict if a file that might prove it cannot be read",
		func(suffix string, why error) {
			put(".sig", []byte(theirs.Sign(archive)))
			repo.Fail(suffix, why)
			_, err := check(authority(ours), subject, repo)
			Expect(err).To(HaveOccurred())
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("because the server fails", ".sigstore.json", errors.New("502 Bad Gateway")),
		Entry("because the server refuses access", ".cosign.bundle", registry.ErrUnauthorized),
		Entry("because the certificate cannot be read", ".pem", errors.New("timeout")),
	)

	It("is read first in the file of its last signature", func() {
		put(".sig", []byte(ours.Sign(archive)))
		subject.Sources = []string{"file .sig beside the archive"}
		_, err := check(trusting(cosign.Authority{Trust: bundle.Trust{Keys: keysOf(ours)}}), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(repo.Asked()).To(Equal([]string{".sig", ".pem"}))
	})

	Context("that is signed keyless", func() {
		var (
			sigstore *sigstoretest.Sigstore
			how      sigstoretest.How
			verifier *cosign.Verifier
		)
		BeforeEach(func() {
			sigstore = sigstoretest.New()
			how = sigstoretest.How{Issuer: "https://issuer.example", Subject: "release@example.com", Log: sigstoretest.RekorV1}
			root, err := trustroot.Parse(sigstore.Root())
			Expect(err).NotTo(HaveOccurred())
			identity, err := cosign.NewIdentity("https://issuer[.]example", "release@example[.]com", certificate.Extensions{})
			Expect(err).NotTo(HaveOccurred())
			verifier = trusting(cosign.Authority{Trust: bundle.Trust{Root: root}, Identities: []cosign.Identity{identity}})
		})
		accepts := func() error {
			_, err := check(verifier, subject, repo)
			return err
		}

		It("is accepted with a bundle", func() {
			put(".sigstore.json", sigstore.Bundle(archive, how))
			Expect(accepts()).To(Succeed())
		})

		It("is accepted with the bundle of cosign 2, whose certificate is PEM in base64", func() {
			legacy := sigstore.Legacy(archive, how)
			put(".cosign.bundle", fmt.Appendf(nil, `{"base64Signature":%q,"cert":%q,"rekorBundle":%s}`, legacy["dev.cosignproject.cosign/signature"],
				base64.StdEncoding.EncodeToString([]byte(legacy["dev.sigstore.cosign/certificate"])), legacy["dev.sigstore.cosign/bundle"]))
			Expect(accepts()).To(Succeed())
		})

		DescribeTable("is rejected",
			func(arrange func()) {
				arrange()
				Expect(accepts()).To(MatchError(verify.ErrRejected))
			},
			Entry("by another identity", func() {
				how.Subject = "somebody@example.com"
				put(".sigstore.json", sigstore.Bundle(archive, how))
			}),
			Entry("over another archive", func() { put(".sigstore.json", sigstore.Bundle(other, how)) }),
			Entry("with a certificate beside a signature, which proves no entry in a log", func() {
				legacy := sigstore.Legacy(archive, how)
				put(".sig", []byte(legacy["dev.cosignproject.cosign/signature"]))
				put(".pem", []byte(legacy["dev.sigstore.cosign/certificate"]))
			}),
			Entry("C6: with an attestation, which describes it and does not sign it", func() {
				how.Statement = "https://slsa.dev/provenance/v1"
				put(".sigstore.json", sigstore.Bundle(archive, how))
			}),
		)
	})
})

// between returns the text between two others.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
