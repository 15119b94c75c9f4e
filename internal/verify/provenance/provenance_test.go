// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	keys "github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// made is the creation time of the keys, and signed the signing time of the charts.
var (
	made   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	signed = made.AddDate(0, 1, 0)
	now    = made.AddDate(0, 2, 0)
)

// text returns the text that Helm signs for a chart.
func text(name, version string, d ocispec.Descriptor) string {
	return fmt.Sprintf("apiVersion: v2\nname: %[1]s\nversion: %[2]s\n\n...\nfiles:\n  %[1]s-%[2]s.tgz: %[3]s\n", name, version, d.Digest)
}

// world is a repository with a chart.
type world struct {
	repo         *verifytest.Repository
	ours, theirs *openpgp.Entity
	archive      ocispec.Descriptor
	config       ocispec.Descriptor
}

func newWorld() *world {
	w := &world{repo: verifytest.NewRepository()}
	w.ours, w.theirs = openpgptest.NewKey(openpgptest.CreatedAt(made)), openpgptest.NewKey(openpgptest.CreatedAt(made))
	w.archive = w.repo.PushBlob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", []byte("archive"))
	w.config = w.configure("app", "1.0.0")
	return w
}

func (w *world) configure(name, version string) ocispec.Descriptor {
	raw, err := json.Marshal(map[string]string{"name": name, "version": version})
	Expect(err).NotTo(HaveOccurred())
	return w.repo.PushBlob("application/vnd.cncf.helm.config.v1+json", raw)
}

// prov returns the provenance file of the chart, changed before it is signed.
func (w *world) prov(by *openpgp.Entity, change ...func(string) string) []byte {
	content := text("app", "1.0.0", w.archive)
	for _, c := range change {
		content = c(content)
	}
	return openpgptest.Sign(by, content, openpgptest.At(signed))
}

// subject pushes the chart's manifest, with the provenance file among its layers if there is one.
func (w *world) subject(prov ...[]byte) verify.Subject {
	layers := []ocispec.Descriptor{w.archive}
	chart := verify.Chart{Name: "app", Version: "1.0.0", Archive: w.archive, Config: w.config}
	for _, p := range prov {
		d := w.repo.PushBlob(provenance.MediaType, p)
		layers = append([]ocispec.Descriptor{d}, layers...)
		chart.Provenance = &d
	}
	raw, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: w.config, Layers: layers})
	Expect(err).NotTo(HaveOccurred())
	return verify.Subject{Repository: "registry.example/charts/app", Manifest: w.repo.PushManifest("", raw), Raw: raw, Chart: chart}
}

func (w *world) trusting(change ...func(*provenance.Authority)) *provenance.Verifier {
	GinkgoHelper()
	ring, err := keys.Parse(context.Background(), map[string][]byte{"pubring.gpg": openpgptest.Public(w.ours)})
	Expect(err).NotTo(HaveOccurred())
	a := provenance.Authority{Name: "maintainers", Keyring: ring, Now: func() time.Time { return now }}
	for _, c := range change {
		c(&a)
	}
	v, err := provenance.New(a)
	Expect(err).NotTo(HaveOccurred())
	return v
}

func (w *world) check(v verify.Verifier, s verify.Subject) (verify.Result, error) {
	accepted, err := verify.Check(context.Background(), v, s, w.repo)
	return accepted.Result(), err
}

// named returns a layer as oras writes it.
func (w *world) named(name string, raw []byte) ocispec.Descriptor {
	d := w.repo.PushBlob("application/vnd.oci.image.layer.v1.tar", raw)
	d.Annotations = map[string]string{ocispec.AnnotationTitle: name}
	return d
}

var _ = Describe("A provenance authority", func() {
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
		Entry("F6: of a version with a leading v, under a tag without", func() verify.Subject {
			w.config = w.configure("app", "v1.0.0")
			return w.subject(w.prov(w.ours, func(s string) string { return strings.ReplaceAll(s, "1.0.0", "v1.0.0") }))
		}, "the chart's manifest"),
	)

	It("F3: reports the signer that an untrusted file claims, as not proven", func() {
		_, err := w.check(w.trusting(), w.subject(w.prov(w.theirs)))
		Expect(verify.Seen(err)).To(ConsistOf(HaveField("Signer", verify.Signer{
			KeyID: fmt.Sprintf("OPENPGP:%X", w.theirs.PrimaryKey.Fingerprint),
		})))
	})

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

	DescribeTable("reaches no verdict if it could not find out",
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

	It("F11: refuses a key that has expired since it signed, unless AllowExpiredKeys is set", func() {
		w.ours = openpgptest.NewKey(openpgptest.CreatedAt(made), openpgptest.ExpiringAfter(40*24*time.Hour))
		s := w.subject(w.prov(w.ours))
		_, err := w.check(w.trusting(), s)
		Expect(err).To(MatchError(verify.ErrRejected))
		_, err = w.check(w.trusting(func(a *provenance.Authority) { a.AllowExpiredKeys = true }), s)
		Expect(err).NotTo(HaveOccurred())
	})

	DescribeTable("with an external source",
		func(answer func() ([]byte, error), want error) {
			external := func(_ context.Context, _ registry.Reader, name, version string) (string, []byte, error) {
				raw, err := answer()
				return "shelf " + name + "/" + version, raw, err
			}
			outside := func(a *provenance.Authority) { a.Source, a.External = provenance.Outside, external }
			result, err := w.check(w.trusting(outside), w.subject(w.prov(w.theirs)))
			if want == nil {
				Expect(err).NotTo(HaveOccurred())
				Expect(result.Signatures).To(ConsistOf(HaveField("Source", "shelf app/1.0.0")))
				return
			}
			Expect(err).To(MatchError(want))
			Expect(err).To(MatchError(ContainSubstring("shelf app/1.0.0")), "it lists the searched locations")
		},
		Entry("accepts a file from it", func() ([]byte, error) { return w.prov(w.ours), nil }, nil),
		Entry("F1: refuses a chart without a file", func() ([]byte, error) { return nil, nil }, verify.ErrRejected),
		Entry("refuses an empty file", func() ([]byte, error) { return []byte{}, nil }, verify.ErrRejected),
		Entry("F3: refuses a file that another key signed", func() ([]byte, error) { return w.prov(w.theirs), nil }, verify.ErrRejected),
		Entry("F21: refuses a file that is too large", func() ([]byte, error) { return make([]byte, provenance.MaxSize+1), nil }, verify.ErrRejected),
		Entry("refuses a file that cannot be valid", func() ([]byte, error) { return nil, verify.Refuse("x") }, verify.ErrRejected),
		Entry("reaches no verdict if the file could not be read", func() ([]byte, error) { return nil, fmt.Errorf("shelf app/1.0.0: %w", verifytest.ErrUnreachable) }, verifytest.ErrUnreachable),
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

	It("reports the skipped keys of its keyring, with its verified signature and with its refusal", func() {
		weak := openpgptest.NewKey(openpgptest.Using(openpgptest.RSA1024), openpgptest.CreatedAt(made))
		ring, err := keys.Parse(context.Background(), map[string][]byte{"good": openpgptest.Public(w.ours), "weak": openpgptest.Public(weak), "broken": []byte("x")})
		Expect(err).NotTo(HaveOccurred())
		v := w.trusting(func(a *provenance.Authority) { a.Keyring = ring })
		skipped := ConsistOf(HavePrefix("broken: "), HavePrefix("weak: "))
		result, err := w.check(v, w.subject(w.prov(w.ours)))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures).To(ConsistOf(HaveField("SkippedKeys", skipped)))
		_, err = w.check(v, w.subject(w.prov(w.theirs)))
		var rejection *verify.Rejection
		Expect(errors.As(err, &rejection)).To(BeTrue())
		Expect(rejection.SkippedKeys).To(skipped)
		Expect(err.Error()).To(ContainSubstring("weak: "))
	})

	It("reports a few of the skipped keys, and the number of the others", func() {
		entries := map[string][]byte{"good": openpgptest.Public(w.ours)}
		weak := openpgptest.Public(openpgptest.NewKey(openpgptest.Using(openpgptest.RSA1024), openpgptest.CreatedAt(made)))
		for i := range 20 {
			entries[fmt.Sprint("weak", i)] = weak
		}
		ring, err := keys.Parse(context.Background(), entries)
		Expect(err).NotTo(HaveOccurred())
		result, err := w.check(w.trusting(func(a *provenance.Authority) { a.Keyring = ring }), w.subject(w.prov(w.ours)))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures[0].SkippedKeys).To(And(HaveLen(5), ContainElement("and 16 more")))
	})

	It("reports the signer, the key, and the claimed time", func() {
		subkey := openpgptest.AddSubkey(w.ours)
		prov := openpgptest.Sign(w.ours, text("app", "1.0.0", w.archive), openpgptest.At(signed), openpgptest.With(subkey))
		result, err := w.check(w.trusting(), w.subject(prov))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures).To(ConsistOf(And(
			HaveField("Signer", fmt.Sprintf("OPENPGP:%X", w.ours.PrimaryKey.Fingerprint)), HaveField("SigningKey", fmt.Sprintf("%X", subkey.Fingerprint)),
			HaveField("UserID", Not(BeEmpty())), HaveField("ClaimedTime", BeTemporally("==", signed)), HaveField("Time", BeZero()),
		)))
	})

	DescribeTable("J9: reports when its proof ends by the clock",
		func(ends time.Time, change func(*provenance.Authority), options ...openpgptest.KeyOption) {
			w.ours = openpgptest.NewKey(append(options, openpgptest.CreatedAt(made))...)
			result, err := w.check(w.trusting(change), w.subject(w.prov(w.ours)))
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Signatures).To(ConsistOf(HaveField("Ends", ends)))
		},
		Entry("never", time.Time{}, func(*provenance.Authority) {}),
		Entry("when the key expires", made.Add(2400*time.Hour), func(*provenance.Authority) {}, openpgptest.ExpiringAfter(2400*time.Hour)),
		Entry("not when a key expires, if AllowExpiredKeys is set", time.Time{}, func(a *provenance.Authority) { a.AllowExpiredKeys = true }, openpgptest.ExpiringAfter(2400*time.Hour)),
	)

	It("D3: names no proven signer of this chart for a signature of another", func() {
		_, err := w.check(w.trusting(), w.subject(w.prov(w.ours, func(s string) string { return strings.ReplaceAll(s, "1.0.0", "1.0.1") })))
		Expect(verify.Seen(err)).To(ConsistOf(HaveField("Signer", And(HaveField("KeyID", HavePrefix("OPENPGP:")), HaveField("Verified", false)))))
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
