// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"fmt"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"k8s.io/apimachinery/pkg/types"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A VerifiedChart", func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

	It("is published with its proof, byte for byte as in the registry", func() {
		archive := charttest.Archive("app", "1.0.0")
		d := w.push("1.0.0", w.ours)
		w.declare()
		obj := w.ready(d.Digest)
		Expect(artifactBytes(obj)).To(Equal(archive))
		Expect(obj.Status.Artifact.Digest).To(Equal(digest.FromBytes(archive).String()))
		Expect(obj.Status.Artifact.Revision).To(Equal("1.0.0@" + d.Digest.String()))
		Expect(obj.Status.Verification.Digest).To(Equal(d.Digest.String()))
		Expect(obj.Status.Verification.Authorities).To(ConsistOf(And(
			HaveField("Name", "release"), HaveField("Provider", "cosign"), HaveField("Key", "0.pub"), HaveField("Signer", HavePrefix("SHA256:")))))
		Expect(conditions.Get(obj, v1alpha1.SourceVerifiedCondition)).To(And(HaveField("Status", metav1.ConditionTrue), HaveField("Reason", "Succeeded")))
		Expect(obj.Finalizers).To(BeEmpty())
		Eventually(w.externalArtifact).Should(Equal(obj.Status.Artifact))
		Expect(serves(reconciler, obj.Status.Artifact.Path)).To(BeTrue())
	})

	It("names every signer if several authorities must accept, and needs every signer", func() {
		w.setSecret("second", map[string][]byte{"b.pub": w.theirs.Public})
		d := w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities = append(s.Verify.Authorities, v1alpha1.Authority{
				Name: "quality", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "second"},
			})
		})
		w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
		w.sign(d.Digest, w.ours, w.theirs)
		w.reconcile()
		obj := w.ready(d.Digest)
		Expect(obj.Status.Verification.Authorities).To(HaveLen(2))
		Expect(strings.Split(obj.Status.Verification.Signers, ",")).To(HaveExactElements(
			obj.Status.Verification.Authorities[0].Signer, obj.Status.Verification.Authorities[1].Signer))
	})

	Describe("refuses", func() {
		DescribeTable("an unproven chart, and serves nothing of it",
			func(arrange func()) {
				arrange()
				w.declare()
				obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
				Expect(conditions.IsFalse(obj, meta.ReadyCondition)).To(BeTrue())
				Expect(obj.Status.Artifact).To(BeNil())
				Expect(w.externalArtifact()).To(BeNil())
				Expect(w.files()).To(BeEmpty())
				Expect(w.registry.Requests()).NotTo(ContainElement(ContainSubstring("/blobs/" + digest.FromBytes(charttest.Archive("app", "1.0.0")).String())))
			},
			Entry("D1: an unsigned chart", func() { w.push("1.0.0") }),
			Entry("D2: a stranger's signature", func() { w.push("1.0.0", w.theirs) }),
			Entry("D3: the signature of another digest", func() {
				d := w.push("1.0.0")
				other := w.push("2.0.0")
				w.repo.PushLayers(verifytest.SignatureTag(d.Digest), w.ours.Legacy(w.repo, verifytest.Payload(other.Digest)))
			}),
			Entry("D4: a payload that was altered", func() {
				d := w.push("1.0.0")
				layer := w.repo.PushBlob("application/vnd.dev.cosign.simplesigning.v1+json", verifytest.Payload(d.Digest))
				layer.Annotations = map[string]string{"dev.cosignproject.cosign/signature": w.ours.Sign([]byte("other"))}
				w.repo.PushLayers(verifytest.SignatureTag(d.Digest), layer)
			}),
			Entry("D5: a signature that is not for a container", func() {
				d := w.push("1.0.0")
				w.repo.PushLayers(verifytest.SignatureTag(d.Digest), w.ours.Legacy(w.repo, verifytest.PayloadOf(d.Digest.String(), "other")))
			}),
		)

		DescribeTable("an artifact that is not one chart, and keeps the published chart",
			func(condition, reason string, push func() ocispec.Descriptor) {
				proven := w.push("0.9.0", w.ours)
				w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=0.1.0"} })
				w.ready(proven.Digest)
				w.sign(push().Digest, w.ours)
				w.reconcile()
				obj := w.reason(condition, metav1.ConditionTrue, reason)
				Expect(obj.Status.Artifact.Revision).To(HaveSuffix(proven.Digest.String()))
				Expect(artifactBytes(obj)).To(Equal(charttest.Archive("app", "0.9.0")))
				Expect(w.files()).To(HaveLen(1))
			},
			Entry("B1: an index", v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, func() ocispec.Descriptor {
				raw, _ := json.Marshal(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex})
				return w.registry.PushManifest(w.repo.Name, "1.0.0", ocispec.MediaTypeImageIndex, raw)
			}),
			Entry("B4: two chart layers", v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, func() ocispec.Descriptor {
				return w.registry.PushImage(w.repo.Name, "1.0.0", w.repo.PushBlob(chart.ConfigMediaType, charttest.ConfigJSON("app", "1.0.0")),
					w.repo.PushBlob(chart.ArchiveMediaType, charttest.Archive("app", "1.0.0")), w.repo.PushBlob(chart.ArchiveMediaType, charttest.Archive("app", "1.0.1")))
			}),
			Entry("B5: a container image", v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, func() ocispec.Descriptor {
				return w.repo.PushLayers("1.0.0", w.repo.PushBlob(ocispec.MediaTypeImageLayerGzip, []byte("layer")))
			}),
			Entry("C13: a login page", v1alpha1.BuildFailedCondition, v1alpha1.ChartInvalidReason, func() ocispec.Descriptor {
				return w.pushArchive("1.0.0", []byte("<html>log in</html>"))
			}),
			Entry("a truncated archive", v1alpha1.BuildFailedCondition, v1alpha1.ChartInvalidReason, func() ocispec.Descriptor {
				archive := charttest.Archive("app", "1.0.0")
				return w.pushArchive("1.0.0", archive[:len(archive)/2])
			}),
			Entry("B10: a configuration of another version", v1alpha1.BuildFailedCondition, v1alpha1.ChartMismatchReason, func() ocispec.Descriptor {
				return w.registry.PushChart(w.repo.Name, "1.0.0", charttest.ConfigJSON("app", "1.0.1"), charttest.Archive("app", "1.0.0"))
			}),
			Entry("C7: a chart of another name", v1alpha1.BuildFailedCondition, v1alpha1.ChartMismatchReason, func() ocispec.Descriptor {
				return w.registry.PushChart(w.repo.Name, "1.0.0", charttest.ConfigJSON("other", "1.0.0"), charttest.Archive("other", "1.0.0"))
			}),
			Entry("C7: a chart of another version than its tag", v1alpha1.BuildFailedCondition, v1alpha1.ChartMismatchReason, func() ocispec.Descriptor {
				return w.registry.PushChart(w.repo.Name, "1.0.0", charttest.ConfigJSON("app", "0.1.0"), charttest.Archive("app", "0.1.0"))
			}),
		)

		DescribeTable("a spec that cannot work, and asks no registry",
			func(reason string, change func(*v1alpha1.VerifiedChartSpec)) {
				w.push("1.0.0", w.ours)
				w.declare(change)
				obj := w.reason(meta.StalledCondition, metav1.ConditionTrue, reason)
				Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
			},
			Entry("a malformed filter", v1alpha1.ReferenceInvalidReason, func(s *v1alpha1.VerifiedChartSpec) {
				s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0", SemverFilter: "("}
			}),
		)

		It("an empty range, naming the existing versions", func() {
			w.push("1.0.0", w.ours)
			w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=2.0.0"} })
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
			Expect(conditions.GetMessage(obj, meta.ReconcilingCondition)).To(ContainSubstring("1.0.0"))
		})
	})

	Describe("follows its reference", func() {
		It("takes the highest signed version of a range, with _ for +, and moves up", func() {
			w.push("1.0.0", w.ours)
			d := w.registry.PushChart(w.repo.Name, "1.2.3_b", charttest.ConfigJSON("app", "1.2.3+b"), charttest.Archive("app", "1.2.3+b"))
			w.sign(d.Digest, w.ours)
			w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0 <2.0.0"} })
			obj := w.ready(d.Digest)
			Expect(obj.Status.Artifact.Revision).To(Equal("1.2.3_b@"+d.Digest.String()), "B14")

			newer := w.push("1.3.0", w.ours)
			w.reconcile()
			obj = w.ready(newer.Digest)
			Expect(w.externalArtifact()).To(Equal(obj.Status.Artifact))
		})

		It("B11: publishes the verified digest, even if the tag moves meanwhile", func() {
			d := w.push("1.0.0", w.ours)
			var once sync.Once
			w.registry.Break(func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, ".sig") {
					once.Do(func() {
						w.pushArchive("1.0.0", charttest.Archive("app", "1.0.0", charttest.File("values.yaml", "evil: true\n")))
					})
				}
				return false
			})
			w.declare()
			w.ready(d.Digest)
			w.registry.Break(nil)
		})

		It("keeps the last proven revision if its tag moves to unproven bytes", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			w.pushArchive("1.0.0", charttest.Archive("app", "1.0.0", charttest.File("values.yaml", "evil: true\n")))
			w.reconcile()
			obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
			Expect(artifactBytes(obj)).To(Equal(charttest.Archive("app", "1.0.0")))
			Expect(w.externalArtifact()).To(Equal(obj.Status.Artifact))
		})

		It("B12: keeps the published chart if the tag is gone", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			w.registry.DeleteTag(w.repo.Name, "1.0.0")
			w.reconcile()
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		})

		It("B13: does not go back in a range unless the spec changes", func() {
			old := w.push("1.0.0", w.ours)
			d := w.push("1.1.0", w.ours)
			w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} })
			w.ready(d.Digest)
			w.registry.DeleteTag(w.repo.Name, "1.1.0")
			w.reconcile()
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.DowngradeRefusedReason)
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Tag: "1.0.0"} })
			w.ready(old.Digest)
		})

		It("B15: recovers from a version above all others that a stolen key signed, by an exclusion or a pin", func() {
			good := w.push("1.0.0", w.ours)
			stolen := w.push("999999.0.0", w.ours)
			w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} })
			w.ready(stolen.Digest)
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemVer = ">=1.0.0 <999999.0.0" })
			w.ready(good.Digest)
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemVer = ">=1.0.0" })
			w.ready(stolen.Digest)
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Tag: "1.0.0"} })
			w.ready(good.Digest)
		})

		It("takes a chart with another name only if the spec sets chartName", func() {
			d := w.registry.PushChart(w.repo.Name, "1.0.0", charttest.ConfigJSON("other", "1.0.0"), charttest.Archive("other", "1.0.0"))
			w.sign(d.Digest, w.ours)
			w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.ChartName = "other" })
			w.ready(d.Digest)
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.ChartName = "" })
			w.reason(v1alpha1.BuildFailedCondition, metav1.ConditionTrue, v1alpha1.ChartMismatchReason)
		})

		It("prefers a digest to a range or a tag", func() {
			first := w.push("1.0.0", w.ours)
			second := w.push("1.1.0", w.ours)
			third := w.push("2.0.0", w.ours)
			w.declare(func(s *v1alpha1.VerifiedChartSpec) {
				s.Ref = v1alpha1.ChartRef{Digest: first.Digest.String(), SemVer: "1.x"}
			})
			w.ready(first.Digest)
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Digest = "" })
			w.ready(second.Digest)
			w.edit(byTag("2.0.0"))
			w.ready(third.Digest)
		})
	})

	Describe("re-verifies its proof", func() {
		It("D11: withdraws a chart that a replaced key no longer proves, and publishes it again when trust returns", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			published := w.ready(d.Digest)

			w.setKeys(w.theirs)
			obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
			Expect(obj.Status.Artifact).To(BeNil())
			Expect(obj.Status.URL).To(BeEmpty())
			Expect(w.files()).To(BeEmpty())
			Expect(w.externalArtifact()).To(BeNil())
			Expect(serves(reconciler, published.Status.Artifact.Path)).To(BeFalse())

			w.setKeys(w.ours)
			w.ready(d.Digest)
			Eventually(w.externalArtifact).ShouldNot(BeNil())
		})

		It("withdraws the published revision even if the tag has moved to an unproven chart", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			moved := w.pushWith("1.0.0", "evil: true\n")
			Expect(moved.Digest).NotTo(Equal(d.Digest))
			w.reconcile()
			Expect(w.get().Status.Artifact).NotTo(BeNil(), "what is published is still proven")
			w.setKeys(w.theirs)
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(obj.Status.Artifact).To(BeNil())
				g.Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			})
			Expect(w.files()).To(BeEmpty())
		})

		It("finds the signature of a new key that signed the same digest in the meantime", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			w.sign(d.Digest, w.ours, w.theirs)
			w.setKeys(w.theirs)
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(obj.Status.Verification.Authorities[0].Signer).To(HavePrefix("SHA256:"))
				g.Expect(obj.Status.Artifact).NotTo(BeNil())
				g.Expect(obj.Status.Verification.VerifiedAt).NotTo(BeNil())
			})
			obj := w.reconcile()
			Expect(conditions.IsReady(obj)).To(BeTrue())
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		})

		It("does not treat an unreachable registry as lost trust", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			w.unreachable()
			w.setKeys(w.ours, w.theirs)
			w.reconcile()
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
			Expect(conditions.IsTrue(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			Expect(obj.Status.UnverifiedSince).To(BeNil())
			Expect(serves(reconciler, obj.Status.Artifact.Path)).To(BeTrue())
		})

		DescribeTable("J18: withdraws a chart that a replaced key no longer proves, even if the registry answers",
			func(answer func(http.ResponseWriter, *http.Request) bool) {
				d := w.push("1.0.0", w.ours)
				w.declare()
				published := w.ready(d.Digest)
				w.registry.Break(answer)
				DeferCleanup(func() { w.registry.Break(nil) })
				start := time.Now()
				w.setKeys(w.theirs)
				Eventually(func() bool { return serves(reconciler, published.Status.Artifact.Path) }).WithTimeout(patience).Should(BeFalse())
				Expect(time.Since(start)).To(BeNumerically("<", 10*time.Second))
				obj := w.withdrawn()
				Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
				Eventually(w.externalArtifact).WithTimeout(patience).Should(BeNil())
			},
			Entry("400 for referrers", refusing("/referrers/", http.StatusBadRequest)),
			Entry("403 for referrers", refusing("/referrers/", http.StatusForbidden)),
			Entry("406 for referrers", refusing("/referrers/", http.StatusNotAcceptable)),
			Entry("500 for referrers", refusing("/referrers/", http.StatusInternalServerError)),
			Entry("401 for everything", refusing("/", http.StatusUnauthorized)),
			Entry("403 for everything", refusing("/", http.StatusForbidden)),
			Entry("429 for everything", refusing("/", http.StatusTooManyRequests)),
			Entry("503 for everything", refusing("/", http.StatusServiceUnavailable)),
			Entry("an empty page with 200", func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(http.StatusOK); return true }),
			Entry("nothing, ever", func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }),
		)

		It("costs one request for a tag, and no write, if nothing has changed", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			before := w.reconcile()
			w.reconcileAlone(before)
			Expect(w.registry.Requests()).To(HaveLen(1))
			Expect(w.get().ResourceVersion).To(Equal(before.ResourceVersion))
		})

		It("costs six requests for a range when it is new, and two if nothing has changed", func() {
			d := w.push("1.0.0")
			usual := verifytest.UsualPayload(verify.Subject{Repository: w.registry.Host() + "/" + w.repo.Name, Manifest: d})
			w.repo.PushLayers(verifytest.SignatureTag(d.Digest), w.ours.Legacy(w.repo, usual))
			w.registry.Reset()
			w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} })
			obj := w.ready(d.Digest)
			Expect(len(w.registry.Requests())).To(BeNumerically("<=", 6), "%v", w.registry.Requests())
			w.reconcileAlone(obj)
			Expect(len(w.registry.Requests())).To(BeNumerically("<=", 2), "%v", w.registry.Requests())
		})
	})

	Describe("depends on Secrets", func() {
		It("H6: recovers when a Secret comes late", func() {
			w.deleteSecret("cosign-pub")
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
			w.setKeys(w.ours)
			w.ready(d.Digest)
		})

		It("H7: keeps a proven chart when the Secret is deleted", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			w.deleteSecret("cosign-pub")
			obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
			Expect(artifactBytes(obj)).NotTo(BeEmpty())
		})

		DescribeTable("D9, H8: stalls on a Secret that cannot be used until it changes",
			func(data func() map[string][]byte) {
				d := w.push("1.0.0", w.ours)
				w.setSecret("cosign-pub", data())
				w.declare()
				w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.TrustUnavailableReason)
				obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
				Expect(obj.Status.Artifact).To(BeNil())
				w.setKeys(w.ours)
				w.ready(d.Digest)
			},
			Entry("without a *.pub entry", func() map[string][]byte { return map[string][]byte{"key": []byte("x")} }),
			Entry("with an empty key", func() map[string][]byte { return map[string][]byte{"a.pub": nil} }),
			Entry("with a private key", func() map[string][]byte {
				return map[string][]byte{"a.pub": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}
			}),
			Entry("with one good key and one malformed key", func() map[string][]byte {
				return map[string][]byte{"a.pub": w.ours.Public, "b.pub": []byte("x")}
			}),
		)

		DescribeTable("reports unusable credentials",
			func(data map[string][]byte, stalled bool) {
				d := w.push("1.0.0", w.ours)
				if data != nil {
					w.setSecret("registry", data)
				}
				w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.SecretRef = &meta.LocalObjectReference{Name: "registry"} })
				obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.AuthenticationFailedReason)
				Expect(conditions.IsStalled(obj)).To(Equal(stalled))
				Expect(conditions.GetMessage(obj, meta.ReadyCondition)).NotTo(ContainSubstring("canary"))
				w.setSecret("registry", map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"registry.example":{"username":"u","password":"p"}}}`)})
				w.ready(d.Digest)
			},
			Entry("no Secret", nil, false),
			Entry("H8: a Secret of another type", map[string][]byte{"username": []byte("canary")}, true),
			Entry("H8: a malformed docker configuration", map[string][]byte{corev1.DockerConfigJsonKey: []byte("canary")}, true),
		)
	})

	Describe("keeps its file", func() {
		DescribeTable("G4: by fetching and re-verifying a chart that was lost on disk",
			func(damage func(path string) error) {
				d := w.push("1.0.0", w.ours)
				w.declare()
				obj := w.ready(d.Digest)
				want := artifactBytes(obj)
				Expect(damage(filepath.Join(storageDir, obj.Status.Artifact.Path))).To(Succeed())
				w.reconcile()
				Expect(artifactBytes(w.ready(d.Digest))).To(Equal(want))
			},
			Entry("a flipped byte", func(path string) error {
				raw, err := os.ReadFile(path)
				Expect(err).NotTo(HaveOccurred())
				raw[len(raw)/2] ^= 1
				return os.WriteFile(path, raw, 0o600)
			}),
			Entry("truncation", func(path string) error { return os.Truncate(path, 10) }),
			Entry("deletion", os.Remove),
			Entry("a link in its place", func(path string) error {
				Expect(os.Remove(path)).To(Succeed())
				return os.Symlink("/etc/hostname", path)
			}),
			Entry("G12: a wiped volume", func(path string) error { return os.RemoveAll(filepath.Dir(filepath.Dir(path))) }),
		)

		It("is not led to another object's file by a status that somebody wrote", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			victim := w.ready(d.Digest)
			thief := &v1alpha1.VerifiedChart{ObjectMeta: metav1.ObjectMeta{Name: "thief", Namespace: w.namespace}}
			for _, claimed := range []string{victim.Status.Artifact.Digest, digest.FromString("other").String()} {
				thief.Status.Artifact = victim.Status.Artifact.DeepCopy()
				thief.Status.Artifact.Digest = claimed
				thief.Status.Verification = victim.Status.Verification
				known := reconciler.gatherer.gather(w.ctx, thief, &session{})
				Expect(known.facts.Published).To(BeNil())
				Expect(lifecycle.DecideLocal(known.facts).Status.Artifact).To(BeNil())
				Expect(artifactBytes(victim)).To(Equal(charttest.Archive("app", "1.0.0")))
			}
		})

		It("G4, J19: keeps the status while a lost file cannot be fetched, serves nothing, and serves again as soon as it can", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			obj := w.ready(d.Digest)
			Eventually(w.externalArtifact).ShouldNot(BeNil())
			w.registry.Break(func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(http.StatusTeapot); return true })
			Expect(os.Remove(filepath.Join(storageDir, obj.Status.Artifact.Path))).To(Succeed())
			w.reconcile()
			Expect(serves(reconciler, obj.Status.Artifact.Path)).To(BeFalse())
			Expect(w.get().Status.Artifact).To(Equal(obj.Status.Artifact))
			Expect(w.externalArtifact()).To(Equal(obj.Status.Artifact))
			w.registry.Break(nil)
			Eventually(func() bool { return serves(reconciler, obj.Status.Artifact.Path) }).WithTimeout(patience).Should(BeTrue())
			w.ready(d.Digest)
			Expect(artifactBytes(obj)).To(Equal(charttest.Archive("app", "1.0.0")))
		})
	})

	Describe("ends", func() {
		gone := func() {
			GinkgoHelper()
			Eventually(func() bool {
				return apierrors.IsNotFound(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "app"}, &v1alpha1.VerifiedChart{}))
			}).WithTimeout(patience).Should(BeTrue())
			Eventually(w.files).WithTimeout(patience).Should(BeEmpty())
			Eventually(func() bool {
				return apierrors.IsNotFound(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "app"}, &sourcev1.ExternalArtifact{}))
			}).WithTimeout(patience).Should(BeTrue())
		}

		It("with everything of it gone", func() {
			d := w.push("1.0.0", w.ours)
			obj := w.declare()
			w.ready(d.Digest)
			Expect(w.client.Delete(w.ctx, obj)).To(Succeed())
			gone()
		})

		It("H10: even if its files are gone and its registry is dead", func() {
			d := w.push("1.0.0", w.ours)
			obj := w.declare()
			w.ready(d.Digest)
			Expect(os.RemoveAll(filepath.Join(storageDir, "verifiedchart", w.namespace))).To(Succeed())
			w.registry.Break(func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(http.StatusTeapot); return true })
			Expect(w.client.Delete(w.ctx, obj)).To(Succeed())
			gone()
		})

		It("H9: in the middle of a pull, which is cancelled", func() {
			w.push("1.0.0", w.ours)
			pulling, cancelled := make(chan struct{}), make(chan struct{})
			var once sync.Once
			w.registry.Break(func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/blobs/"+digest.FromBytes(charttest.Archive("app", "1.0.0")).String()) {
					once.Do(func() {
						close(pulling)
						<-r.Context().Done()
						close(cancelled)
					})
				}
				return false
			})
			obj := w.declare()
			Eventually(pulling).WithTimeout(patience).Should(BeClosed())
			Expect(w.client.Delete(w.ctx, obj)).To(Succeed())
			Eventually(cancelled).WithTimeout(patience).Should(BeClosed())
			gone()
		})
	})

	It("is served while it is suspended, although its own policy would reject it, and does not resolve its reference", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true })
		w.push("1.0.0")
		obj := w.get()
		reconciler.Paths.Drop(obj.Namespace, obj.Name)
		w.registry.Reset()
		w.reconcile()
		Eventually(func() bool { return serves(reconciler, obj.Status.Artifact.Path) }).WithTimeout(patience).Should(BeTrue())
		Expect(w.get().Status.Artifact).To(Equal(obj.Status.Artifact))
		Expect(w.registry.Requests()).To(BeEmpty())
		w.setKeys(w.theirs)
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.UnverifiedSince).NotTo(BeNil()) })
		Expect(serves(reconciler, obj.Status.Artifact.Path)).To(BeTrue())
		Expect(w.registry.Requests()).NotTo(ContainElement(HaveSuffix("/manifests/1.0.0")))
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = false })
		w.withdrawn()
	})

	It("I7: reads no registry over plain HTTP unless the controller allows it", func() {
		w.labels = map[string]string{apart: "strict"}
		w.push("1.0.0", w.ours)
		obj := w.declare()
		strict := apartReconciler(w, w.client)
		strict.AllowHTTP = false
		strict.prepare(quickLimiter(), 1, func(types.NamespacedName) {})
		w.registry.Reset()
		Expect(drive(w.ctx, strict, obj)).To(Succeed())
		w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.InsecureNotAllowedReason)
		Expect(w.registry.Requests()).To(BeEmpty())
	})

	It("restores its ExternalArtifact when another client deletes or changes it", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		obj := w.ready(d.Digest)
		ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: w.namespace}}
		Eventually(w.externalArtifact).ShouldNot(BeNil())
		Expect(w.client.Delete(w.ctx, ea)).To(Succeed())
		Eventually(w.externalArtifact).WithTimeout(patience).Should(Equal(obj.Status.Artifact))

		Expect(w.client.Get(w.ctx, client.ObjectKeyFromObject(ea), ea)).To(Succeed())
		ea.Status.Artifact.URL = "http://evil.example/app.tgz"
		Expect(w.client.Status().Update(w.ctx, ea)).To(Succeed())
		Eventually(w.externalArtifact).WithTimeout(patience).Should(Equal(obj.Status.Artifact))
	})

	It("does not touch an ExternalArtifact of its name that has another owner", func() {
		owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner", Namespace: w.namespace}}
		Expect(w.client.Create(w.ctx, owner)).To(Succeed())
		ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: w.namespace}}
		Expect(controllerutil.SetControllerReference(owner, ea, scheme)).To(Succeed())
		Expect(w.client.Create(w.ctx, ea)).To(Succeed())
		w.push("1.0.0", w.ours)
		w.declare()
		w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.NameTakenReason)
		Expect(w.externalArtifact()).To(BeNil())
	})

	It("does not touch an ExternalArtifact that belongs to another source", func() {
		ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: w.namespace}}
		ea.Spec.SourceRef = &meta.NamespacedObjectKindReference{APIVersion: "example.com/v1", Kind: "Other", Name: "app"}
		Expect(w.client.Create(w.ctx, ea)).To(Succeed())
		w.push("1.0.0", w.ours)
		w.declare()
		w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.NameTakenReason)
		Expect(w.externalArtifact()).To(BeNil())
	})

	It("A2: keeps the published chart if the registry fails", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.registry.Break(func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprint(rw, "busy")
			return true
		})
		w.reconcile()
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
		Expect(obj.Status.Artifact).NotTo(BeNil())
		w.registry.Break(nil)
		w.ready(d.Digest)
	})
})

// refusing answers requests whose path holds a part with a status.
func refusing(part string, status int) func(http.ResponseWriter, *http.Request) bool {
	return func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, part) {
			return false
		}
		rw.WriteHeader(status)
		return true
	}
}
