// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

var _ = Describe("A provenance authority", Label("provenance"), func() {
	var w *world
	BeforeEach(func() { w = newWorld() })

	It("reports the searched locations, and the reason for each refused file", func() {
		_, err := w.check(w.trusting(), w.subject())
		var rejection *verify.Rejection
		Expect(errors.As(err, &rejection)).To(BeTrue())
		Expect(rejection.Searched).To(HaveExactElements(Equal("the chart's manifest"), HavePrefix("referrers of sha256:"), Equal("tag 1.0.0.prov"), HavePrefix("tag sha256-")))
		_, err = w.check(w.trusting(), w.subject(w.prov(w.theirs)))
		Expect(errors.As(err, &rejection)).To(BeTrue())
		Expect(rejection.Candidates).To(ConsistOf(And(HaveField("Source", "the chart's manifest"), HaveField("Format", "provenance file"), HaveField("Reason", Not(BeEmpty())))))
	})

	It("finds the file under the configured tag, with _ for + in versions", func() {
		w.config = w.configure("app", "1.0.0+b1")
		prov := w.prov(w.ours, func(s string) string { return strings.ReplaceAll(s, "1.0.0", "1.0.0+b1") })
		w.repo.PushLayers("prov-app-1.0.0_b1", w.named("x.prov", prov))
		s := w.subject()
		s.Chart.Version = "1.0.0+b1"
		_, err := w.check(w.trusting(func(a *provenance.Authority) { a.Tag = "prov-{{name}}-{{version}}" }), s)
		Expect(err).NotTo(HaveOccurred())
	})

	It("does not read the archive", func() {
		_, err := w.check(w.trusting(), w.subject(w.prov(w.ours)))
		Expect(err).NotTo(HaveOccurred())
		Expect(w.repo.Asked()).NotTo(ContainElement(w.archive.Digest.String()))
	})

	It("does not consider more files than allowed", func() {
		s := w.subject()
		for i := range 200 {
			w.repo.PushReferrer("application/vnd.example", s.Manifest, w.named("x.prov", []byte(fmt.Sprint(i))))
		}
		_, err := w.check(w.trusting(), s)
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(len(w.repo.Asked())).To(BeNumerically("<=", 2*verify.MaxCandidates+8))
	})

	DescribeTable("E15: finds the file that was accepted last time next to 64 others that are preferred, in every location",
		func(push func(verify.Subject)) {
			s := w.subject()
			push(s)
			result, err := w.check(w.trusting(), s)
			Expect(err).NotTo(HaveOccurred())
			for i := range verify.MaxCandidates {
				w.repo.PushReferrer(provenance.MediaType, s.Manifest, w.repo.PushBlob(provenance.MediaType, []byte(fmt.Sprint(i))))
			}
			_, err = w.check(w.trusting(), s)
			Expect(err).To(MatchError(verify.ErrRejected), "preferred ones are read first")
			s.Sources = []string{result.Signatures[0].Source}
			_, err = w.check(w.trusting(), s)
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("a referrer", func(s verify.Subject) {
			w.repo.PushReferrer("application/vnd.example", s.Manifest, w.named("x.prov", w.prov(w.ours)))
		}),
		Entry("under its tag", func(verify.Subject) { w.repo.PushLayers("1.0.0.prov", w.named("x.prov", w.prov(w.ours))) }),
	)

	DescribeTable("refuses a chart, before it sends a request, if its version holds",
		func(version string) {
			w.config = w.configure("app", version)
			s := w.subject(w.prov(w.ours))
			s.Chart.Version = ""
			_, err := w.check(w.trusting(func(a *provenance.Authority) { a.Source = provenance.Referrer }), s)
			Expect(err).To(MatchError(verify.ErrRejected))
			Expect(w.repo.Asked()).To(HaveLen(1), "only the configuration is read")
		},
		Entry("nothing", ""),
		Entry("a path", "../../1.0.0"),
		Entry("a query", "1.0.0?x"),
		Entry("a template", "{{name}}"),
		Entry("a line", "1.0.0\nx"),
		Entry("more characters than a version has", strings.Repeat("1", 300)),
	)
})
