// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"context"
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

var _ = Describe("The provenance of an archive in a classic repository", Label("provenance", "classic"), func() {
	var (
		w       *world
		subject verify.Subject
	)
	BeforeEach(func() {
		w = newWorld()
		subject = verify.Subject{
			Repository: "https://charts.example/stable/app", Manifest: w.archive, Chart: verify.Chart{Name: "app", Version: "1.0.0", Archive: w.archive},
		}
	})
	put := func(raw []byte) { w.repo.AddBeside(w.archive.Digest, ".prov", raw) }
	newer := func(text string) string { return strings.ReplaceAll(text, "1.0.0", "1.1.0") }

	DescribeTable("is accepted in the file beside it",
		func(version string) {
			put(w.prov(w.ours))
			subject.Chart.Version = version
			result, err := w.check(w.trusting(), subject)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Signatures).To(ConsistOf(HaveField("Source", "file .prov beside the archive")))
			Expect(w.repo.Asked()).To(Equal([]string{".prov"}))
		},
		Entry("for the version in the index", "1.0.0"),
		Entry("for that version with a v", "v1.0.0"),
	)

	DescribeTable("is rejected",
		func(arrange func(), change ...func(*provenance.Authority)) {
			put(w.prov(w.ours))
			arrange()
			_, err := w.check(w.trusting(change...), subject)
			Expect(err).To(MatchError(verify.ErrRejected))
		},
		Entry("if there is no file", func() { w.repo.Fail(".prov", registry.ErrNotFound) }),
		Entry("if the file is empty", func() { put([]byte{}) }),
		Entry("if another key signed it", func() { put(w.prov(w.theirs)) }),
		Entry("if it is for another version, which the index names this one", func() { put(w.prov(w.ours, newer)) }),
		Entry("if it is for this version, which the index names another one", func() { subject.Chart.Version = "1.1.0" }),
		Entry("if it is for another chart", func() { subject.Chart.Name = "other" }),
		Entry("if it is for another archive", func() {
			put(w.prov(w.ours, func(text string) string {
				return strings.ReplaceAll(text, w.archive.Digest.Encoded(), strings.Repeat("0", 64))
			}))
		}),
		Entry("if the index names no version", func() { subject.Chart.Version = "" }),
		Entry("if the index names a version that no tag or key could hold", func() { subject.Chart.Version = "1.0.0 " }),
		Entry("if the authority looks for it in a manifest", func() {}, func(a *provenance.Authority) { a.Source = provenance.Layer }),
		Entry("if the authority looks for it among referrers", func() {}, func(a *provenance.Authority) { a.Source = provenance.Referrer }),
	)

	DescribeTable("gives no verdict if the file cannot be read",
		func(why error) {
			w.repo.Fail(".prov", why)
			_, err := w.check(w.trusting(), subject)
			Expect(err).To(HaveOccurred())
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("because the server fails", errors.New("500 Internal Server Error")),
		Entry("because the server refuses access", registry.ErrUnauthorized),
	)

	It("may be outside of the repository", func() {
		external := func(context.Context, registry.Reader, string, string) (string, []byte, error) {
			return "Secret x", w.prov(w.ours), nil
		}
		_, err := w.check(w.trusting(func(a *provenance.Authority) { a.Source, a.External = provenance.Outside, external }), subject)
		Expect(err).NotTo(HaveOccurred())
		Expect(w.repo.Asked()).To(BeEmpty())
	})
})
