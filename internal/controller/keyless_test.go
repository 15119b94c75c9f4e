// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

const (
	releaseIssuer  = "https://issuer.example"
	releaseSubject = "https://github.com/org/charts/.github/workflows/release.yml@refs/heads/main"
)

// keylessly returns how the release workflow signs.
func keylessly() sigstoretest.How {
	return sigstoretest.How{Issuer: releaseIssuer, Subject: releaseSubject, Statement: sigstoretest.CosignSign, Log: sigstoretest.RekorV1, Stamped: true}
}

// attach signs a manifest with a bundle, as cosign does.
func (w *world) attach(s *sigstoretest.Sigstore, d ocispec.Descriptor, how sigstoretest.How) ocispec.Descriptor {
	return verifytest.AttachBundle(w.repo, d, s.Bundle(w.manifest(d), how))
}

// manifest returns the bytes of a pushed manifest.
func (w *world) manifest(d ocispec.Descriptor) []byte {
	GinkgoHelper()
	return w.repo.Raw(d.Digest.String())
}

// keyless requires the release workflow's signature, with the trusted root in the Secret.
func keyless(change ...func(*v1alpha1.Authority)) func(*v1alpha1.VerifiedChartSpec) {
	a := v1alpha1.Authority{
		Name: "release", Provider: v1alpha1.CosignProvider,
		MatchOIDCIdentity:    []v1alpha1.OIDCIdentityMatch{{Issuer: `^https://issuer\.example$`, Subject: `^https://github\.com/org/charts/.*$`}},
		TrustedRootSecretRef: &meta.LocalObjectReference{Name: "trusted-root"},
	}
	for _, c := range change {
		c(&a)
	}
	return func(s *v1alpha1.VerifiedChartSpec) { s.Verify.Authorities = []v1alpha1.Authority{a} }
}

func bySubject(pattern string) func(*v1alpha1.Authority) {
	return func(a *v1alpha1.Authority) { a.MatchOIDCIdentity[0].Subject = pattern }
}

func (w *world) rejected() *v1alpha1.VerifiedChart {
	GinkgoHelper()
	return w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
}

var _ = Describe("A keyless chart", Label("keyless"), func() {
	var (
		w        *world
		sigstore *sigstoretest.Sigstore
		chart    ocispec.Descriptor
	)
	BeforeEach(func() {
		w = newWorld(context.Background())
		sigstore = sigstoretest.New()
		w.setRoot(sigstore.Root())
		chart = w.push("1.0.0")
	})

	It("is published, and the status names the signer, the log index and the signing time", func() {
		w.attach(sigstore, chart, keylessly())
		w.declare(keyless())
		obj := w.ready(chart.Digest)
		Expect(obj.Status.Verification.Authorities).To(ConsistOf(And(
			HaveField("Issuer", releaseIssuer), HaveField("Subject", releaseSubject), HaveField("Signer", releaseSubject+" ("+releaseIssuer+")"),
			HaveField("Format", "bundle"), HaveField("Source", HavePrefix("referrer sha256:")), HaveField("LogIndex", HaveValue(BeNumerically(">", 0))),
			HaveField("SignedAt.Time", BeTemporally("==", sigstore.Epoch)),
		)))
		Expect(obj.Status.ObservedSigners).To(ConsistOf(HaveField("Verified", true)))
		Expect(conditions.GetMessage(obj, v1alpha1.SourceVerifiedCondition)).To(And(ContainSubstring(releaseSubject), ContainSubstring("log index"), ContainSubstring("signed at")))
	})

	DescribeTable("costs at most six requests when it is new, and one if nothing has changed",
		func(o ...registrytest.Option) {
			w.registry.Close()
			w.registry = registrytest.New(o...)
			w.repo = w.registry.Repository(w.repo.Name)
			chart = w.push("1.0.0")
			w.attach(sigstore, chart, keylessly())
			w.registry.Reset()
			w.declare(keyless())
			obj := w.ready(chart.Digest)
			Expect(len(w.registry.Requests())).To(BeNumerically("<=", 6+1), "%v", w.registry.Requests()) // the configuration is not Helm's own
			w.reconcileAlone(obj)
			Expect(w.registry.Requests()).To(HaveLen(1))
		},
		Entry("if there is a referrers API"),
		Entry("if there is none", registrytest.Option(registrytest.WithoutReferrers)),
	)

	DescribeTable("is refused",
		func(arrange func(), ask ...func(*v1alpha1.Authority)) {
			arrange()
			w.declare(keyless(ask...))
			obj := w.rejected()
			Expect(obj.Status.Artifact).To(BeNil())
			Expect(w.files()).To(BeEmpty())
		},
		Entry("E1: by another subject", func() { w.attach(sigstore, chart, keylessly()) }, bySubject(`^https://github\.com/other/.*$`)),
		Entry("E1: by another issuer", func() { w.attach(sigstore, chart, keylessly()) }, func(a *v1alpha1.Authority) { a.MatchOIDCIdentity[0].Issuer = `^https://other\.example$` }),
		Entry("E2: by a subject if the pattern matches only a part of it", func() { w.attach(sigstore, chart, keylessly()) }, bySubject(`https://github\.com/org/charts`)),
		Entry("E2: by a subject that ends with one alternative of the pattern", func() { w.attach(sigstore, chart, keylessly()) }, bySubject(`nobody|main`)),
		Entry("by a certificate without a required claim", func() { w.attach(sigstore, chart, keylessly()) }, func(a *v1alpha1.Authority) {
			a.Claims = &v1alpha1.CertificateClaims{RunnerEnvironment: "github-hosted"}
		}),
		Entry("by another Sigstore", func() { w.attach(sigstoretest.New(), chart, keylessly()) }),
		Entry("E13: by an attestation of the right identity", func() {
			how := keylessly()
			how.Statement = "https://slsa.dev/provenance/v1"
			w.attach(sigstore, chart, how)
		}),
		Entry("by the signature of another chart", func() {
			verifytest.AttachBundle(w.repo, chart, sigstore.Bundle([]byte("other"), keylessly()))
		}),
		Entry("E15: by none of ten thousand referrers", func() {
			var list []ocispec.Descriptor
			for i := range 10_000 {
				list = append(list, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(fmt.Sprint(i)), Size: 1, ArtifactType: verifytest.BundleMediaType})
			}
			answer, err := json.Marshal(ocispec.Index{Manifests: list})
			Expect(err).NotTo(HaveOccurred())
			w.registry.Break(func(rw http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/referrers/") {
					return false
				}
				_, _ = rw.Write(answer)
				return true
			})
		}),
	)

	It("names its signer in the status, ready to copy into matchOIDCIdentity", func() {
		w.attach(sigstore, chart, keylessly())
		w.declare(keyless(bySubject("nobody@example.com")))
		obj := w.rejected()
		Expect(obj.Status.ObservedSigners).To(ConsistOf(And(HaveField("Verified", true), HaveField("Authority.Provider", "cosign"))))
		pasted, err := json.Marshal(obj.Status.ObservedSigners[0].Authority)
		Expect(err).NotTo(HaveOccurred())
		w.edit(func(s *v1alpha1.VerifiedChartSpec) {
			var a v1alpha1.Authority
			Expect(json.Unmarshal(pasted, &a)).To(Succeed())
			s.Verify.Authorities = []v1alpha1.Authority{a}
		})
		w.ready(chart.Digest)
	})

	It("is not reported with a verified signer if the claimed identity is not proven", func() {
		w.attach(sigstoretest.New(), chart, keylessly())
		w.declare(keyless())
		Expect(w.rejected().Status.ObservedSigners).To(ConsistOf(HaveField("Verified", false)))
	})

	It("is proven even if an SBOM, an attestation and another signature are attached", func() {
		w.repo.PushReferrer("application/spdx+json", chart, w.repo.PushBlob("application/spdx+json", []byte("{}")))
		other := keylessly()
		other.Statement = "https://slsa.dev/provenance/v1"
		w.attach(sigstore, chart, other)
		w.attach(sigstoretest.New(), chart, keylessly())
		w.attach(sigstore, chart, keylessly())
		w.declare(keyless())
		w.ready(chart.Digest)
	})

	It("is proven by a signature in the repository of signatures", func() {
		signatures := w.registry.Repository("signatures")
		verifytest.AttachBundle(signatures, chart, sigstore.Bundle(w.manifest(chart), keylessly()))
		w.declare(keyless(func(a *v1alpha1.Authority) { a.SignatureRepository = "oci://" + w.registry.Host() + "/signatures" }))
		w.ready(chart.Digest)
	})

	It("E16: is not reported as unsigned if its referrers cannot be listed", func() {
		w.attach(sigstore, chart, keylessly())
		w.registry.Break(func(rw http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/referrers/") {
				rw.WriteHeader(http.StatusInternalServerError)
				return true
			}
			return false
		})
		w.declare(keyless())
		w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
		w.registry.Break(nil)
		w.ready(chart.Digest)
	})

	Describe("signed with a key and logged", func() {
		required := func(a *v1alpha1.Authority) {
			a.MatchOIDCIdentity, a.SecretRef, a.TransparencyLog = nil, &meta.LocalObjectReference{Name: "cosign-pub"}, v1alpha1.TransparencyLogRequired
		}

		It("E19: is proven by the contents of the signature, without asking a log", func() {
			w.attach(sigstore, chart, sigstoretest.How{Key: w.ours.Key, Statement: sigstoretest.CosignSign, Log: sigstoretest.RekorV1})
			w.declare(keyless(required))
			obj := w.ready(chart.Digest)
			Expect(obj.Status.Verification.Authorities[0].LogIndex).NotTo(BeNil())
		})

		It("D12: is refused if it is not logged", func() {
			w.attach(sigstore, chart, sigstoretest.How{Key: w.ours.Key, Statement: sigstoretest.CosignSign})
			w.declare(keyless(required))
			w.rejected()
		})
	})
})
