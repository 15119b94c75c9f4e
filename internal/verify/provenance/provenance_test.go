// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	keys "github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A provenance authority", Label("provenance"), func() {
	var w *world
	BeforeEach(func() { w = newWorld() })

	DescribeTable("accepts a chart whose provenance file is",
		func(arrange func() verify.Subject, source string) {
			result, err := w.check(w.trusting(), arrange())
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Signatures).To(ConsistOf(And(
				HaveField("Provider", "provenance"), HaveField("Signer", HavePrefix("OPENPGP:")), HaveField("Source", HavePrefix(source)),
			)))
		},
		Entry("in its manifest, before the archive", func() verify.Subject { return w.subject(w.prov(w.ours)) }, "the chart's manifest"),
		Entry("a referrer, by its media type", func() verify.Subject {
			s := w.subject()
			w.repo.PushReferrer("application/vnd.example", s.Manifest, w.repo.PushBlob(provenance.MediaType, w.prov(w.ours)))
			return s
		}, "referrer sha256:"),
		Entry("a referrer, by its name", func() verify.Subject {
			s := w.subject()
			w.repo.PushReferrer("application/vnd.example", s.Manifest, w.named("app-1.0.0.tgz.prov", w.prov(w.ours)))
			return s
		}, "referrer sha256:"),
		Entry("a referrer in a registry without the API", func() verify.Subject {
			w.repo.WithoutReferrers = true
			s := w.subject()
			w.repo.PushReferrer("application/vnd.example", s.Manifest, w.named("app-1.0.0.tgz.prov", w.prov(w.ours)))
			return s
		}, "referrer sha256:"),
		Entry("under a tag", func() verify.Subject {
			s := w.subject()
			w.repo.PushLayers("1.0.0.prov", w.named("app-1.0.0.tgz.prov", w.prov(w.ours)))
			return s
		}, "tag 1.0.0.prov"),
		Entry("a referrer, while another key signed the one in the manifest", func() verify.Subject {
			s := w.subject(w.prov(w.theirs))
			w.repo.PushReferrer("application/vnd.example", s.Manifest, w.named("x.prov", w.prov(w.ours)))
			return s
		}, "referrer sha256:"),
		Entry("in its manifest, while the referrers cannot be listed", func() verify.Subject {
			w.repo.Fail("referrers", verifytest.ErrUnreachable)
			return w.subject(w.prov(w.ours))
		}, "the chart's manifest"),
		Entry("F6: of a version with a leading v, under a tag without it", func() verify.Subject {
			w.config = w.configure("app", "v1.0.0")
			return w.subject(w.prov(w.ours, func(s string) string { return strings.ReplaceAll(s, "1.0.0", "v1.0.0") }))
		}, "the chart's manifest"),
	)

	DescribeTable("refuses a chart",
		func(arrange func() verify.Subject, change ...func(*provenance.Authority)) {
			result, err := w.check(w.trusting(change...), arrange())
			Expect(err).To(MatchError(verify.ErrRejected))
			Expect(result.IsZero()).To(BeTrue())
		},
		Entry("F1: without a provenance file", func() verify.Subject { return w.subject() }),
		Entry("F2: whose text was altered after it was signed", func() verify.Subject {
			return w.subject([]byte(strings.Replace(string(w.prov(w.ours)), "name: app\n", "name: app\n\n", 1)))
		}),
		Entry("F3: that a stranger signed", func() verify.Subject { return w.subject(w.prov(w.theirs)) }),
		Entry("F4: with a signature of another archive", func() verify.Subject {
			return w.subject(w.prov(w.ours, func(s string) string {
				return strings.Replace(s, w.archive.Digest.String(), w.config.Digest.String(), 1)
			}))
		}),
		Entry("F5: that is older than the requested one, with its own provenance file", func() verify.Subject {
			s := w.subject(w.prov(w.ours))
			s.Chart.Version = "2.0.0"
			return s
		}),
		Entry("with a name that differs from the requested one", func() verify.Subject {
			s := w.subject(w.prov(w.ours))
			s.Chart.Name = "other"
			return s
		}),
		Entry("F20: whose configuration has a version that differs from the signed one", func() verify.Subject {
			prov := w.prov(w.ours)
			w.config = w.configure("app", "1.0.0+other")
			s := w.subject(prov)
			s.Chart.Version = ""
			return s
		}),
		Entry("F7: with text before the signed block", func() verify.Subject { return w.subject(append([]byte("x\n"), w.prov(w.ours)...)) }),
		Entry("F21: with a provenance file that claims to be huge", func() verify.Subject {
			s := w.subject(w.prov(w.ours))
			s.Chart.Provenance.Size = 1 << 30
			return s
		}),
		Entry("whose configuration is not JSON", func() verify.Subject {
			w.config = w.repo.PushBlob("application/vnd.cncf.helm.config.v1+json", []byte("x"))
			return w.subject(w.prov(w.ours))
		}),
		Entry("whose file is a referrer, if only the manifest is searched", func() verify.Subject {
			s := w.subject()
			w.repo.PushReferrer("application/vnd.example", s.Manifest, w.named("x.prov", w.prov(w.ours)))
			return s
		}, func(a *provenance.Authority) { a.Source = provenance.Layer }),
		Entry("whose file is in the manifest, if only referrers are searched", func() verify.Subject { return w.subject(w.prov(w.ours)) },
			func(a *provenance.Authority) { a.Source = provenance.Referrer }),
		Entry("F15: that was signed in the future", func() verify.Subject { return w.subject(w.prov(w.ours)) },
			func(a *provenance.Authority) { a.Now = func() time.Time { return made.AddDate(0, 0, -1) } }),
	)

	DescribeTable("reaches no verdict if",
		func(arrange func() verify.Subject) {
			_, err := w.check(w.trusting(), arrange())
			Expect(err).To(MatchError(verifytest.ErrUnreachable))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("the configuration cannot be read", func() verify.Subject {
			w.repo.Fail(w.config.Digest.String(), verifytest.ErrUnreachable)
			return w.subject(w.prov(w.ours))
		}),
		Entry("the file cannot be read", func() verify.Subject {
			s := w.subject(w.prov(w.ours))
			w.repo.Fail(s.Chart.Provenance.Digest.String(), verifytest.ErrUnreachable)
			return s
		}),
		Entry("the referrers cannot be listed, and there is no other file", func() verify.Subject {
			w.repo.Fail("referrers", verifytest.ErrUnreachable)
			return w.subject()
		}),
	)

	It("F11: refuses a key that has expired since it signed, unless AllowExpiredKeys is set", func() {
		w.ours = openpgptest.NewKey(openpgptest.CreatedAt(made), openpgptest.ExpiringAfter(40*24*time.Hour))
		s := w.subject(w.prov(w.ours))
		_, err := w.check(w.trusting(), s)
		Expect(err).To(MatchError(verify.ErrRejected))
		_, err = w.check(w.trusting(func(a *provenance.Authority) { a.AllowExpiredKeys = true }), s)
		Expect(err).NotTo(HaveOccurred())
	})

	It("is refused without the location of its files", func() {
		ring, err := keys.Parse(context.Background(), map[string][]byte{"good": openpgptest.Public(w.ours)})
		Expect(err).NotTo(HaveOccurred())
		_, err = provenance.New(provenance.Authority{Keyring: ring, Source: provenance.Outside})
		Expect(err).To(MatchError(provenance.ErrAuthority))
	})

	It("is refused without a keyring", func() {
		_, err := provenance.New(provenance.Authority{})
		Expect(err).To(MatchError(provenance.ErrAuthority))
	})

	It("is one of several: cosign and provenance, with distinct signers", func() {
		s := w.subject(w.prov(w.ours))
		v := w.trusting()
		_, err := w.check(verify.All(v, verifytest.Accepts("cosign", "SHA256:1")), s)
		Expect(err).NotTo(HaveOccurred())
		_, err = w.check(verify.AtLeast(2, v, w.trusting()), s)
		Expect(err).To(MatchError(verify.ErrRejected), "one key in two authorities is one signer")
		_, err = w.check(verify.All(verifytest.Accepts("cosign", "SHA256:1"), w.trusting()), w.subject(w.prov(w.theirs)))
		Expect(err).To(MatchError(verify.ErrRejected), "F22: all must")
	})
})
