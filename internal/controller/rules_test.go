// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"net/http"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// clusterRevocations is the ConfigMap of the revocation list of the suite's reconciler.
var clusterRevocations = types.NamespacedName{Namespace: "default", Name: "revocations"}

// revokeForAll sets the revocation list of the cluster.
func revokeForAll(list string) {
	GinkgoHelper()
	if list == "" {
		list = "{}"
	}
	config := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: clusterRevocations.Name, Namespace: clusterRevocations.Namespace},
		Data:       map[string]string{material.RevokedKey: list},
	}
	if err := k8s.Create(context.Background(), config); err != nil {
		Expect(k8s.Update(context.Background(), config)).To(Succeed())
	}
}

// unreachable makes the registry fail every read.
func (w *world) unreachable() { w.registry.Break(answerNothing) }

func answerNothing(rw http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	rw.WriteHeader(http.StatusTeapot)
	return true
}

// warned waits for a Warning event about the object.
func (w *world) warned(reason string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		var events corev1.EventList
		g.Expect(w.client.List(w.ctx, &events, client.InNamespace(w.namespace))).To(Succeed())
		g.Expect(events.Items).To(ContainElement(And(
			HaveField("Type", corev1.EventTypeWarning), HaveField("Reason", reason), HaveField("InvolvedObject.Kind", v1alpha1.VerifiedChartKind),
		)))
	}).WithTimeout(patience).Should(Succeed())
}

// rules changes the rules of spec.verify other than the authorities.
func rules(change func(*v1alpha1.Rules)) func(*v1alpha1.VerifiedChartSpec) {
	return func(s *v1alpha1.VerifiedChartSpec) { change(&s.Verify.Rules) }
}

var _ = Describe("A chart", func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	// isWithdrawn waits until nothing is published, and no file is left.
	isWithdrawn := func() *v1alpha1.VerifiedChart {
		GinkgoHelper()
		obj := w.withdrawn()
		Expect(w.files()).To(BeEmpty())
		return obj
	}
	archiveRequests := func(d ocispec.Descriptor) (n int) {
		for _, r := range w.registry.Requests() {
			if strings.Contains(r, "/blobs/") && strings.Contains(string(w.manifest(d)), r[strings.LastIndex(r, "/")+1:]) {
				n++
			}
		}
		return n
	}

	Describe("that is no longer trusted", func() {
		It("is published again from the kept bytes when trust returns", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			first := w.ready(d.Digest).Status.Artifact
			w.setKeys(w.theirs)
			isWithdrawn()
			w.registry.Reset()
			w.setKeys(w.ours)
			again := w.ready(d.Digest)
			Expect(again.Status.Artifact.Digest).To(Equal(first.Digest))
			Expect(artifactBytes(again)).NotTo(BeEmpty())
			Expect(archiveRequests(d)).To(BeZero())
		})

		It("stays served if onTrustLoss is Hold, and the status says so", func() {
			d := w.push("1.0.0", w.ours)
			w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
			w.ready(d.Digest)
			w.setKeys(w.theirs)
			obj := w.rejected()
			Expect(conditions.IsFalse(obj, meta.ReadyCondition)).To(BeTrue())
			Expect(conditions.GetMessage(obj, meta.ReadyCondition)).To(HavePrefix("holding 1.0.0 (onTrustLoss: Hold): "))
			Expect(artifactBytes(obj)).NotTo(BeEmpty())
			Expect(serves(reconciler, obj.Status.Artifact.Path)).To(BeTrue())
			w.edit(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = "" }))
			isWithdrawn()
		})

		DescribeTable("is not held if it is revoked",
			func(revoked func(*v1alpha1.VerifiedChart) v1alpha1.Revocations) {
				d := w.push("1.0.0", w.ours)
				w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
				list := revoked(w.ready(d.Digest))
				w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &list }))
				isWithdrawn()
			},
			Entry("by its digest", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
				return v1alpha1.Revocations{Digests: []string{obj.Status.Verification.Digest}}
			}),
			Entry("by the key that signed it", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
				return v1alpha1.Revocations{Keys: []string{obj.Status.Verification.Signers}}
			}),
		)

		It("is withdrawn when Hold is removed, even while the registry is out of reach", func() {
			d := w.push("1.0.0", w.ours)
			w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
			w.ready(d.Digest)
			w.setKeys(w.theirs)
			Expect(w.rejected().Status.HeldSince).NotTo(BeNil())
			w.unreachable()
			obj := w.reconcile()
			Expect(obj.Status.HeldSince).NotTo(BeNil())
			Expect(artifactBytes(obj)).NotTo(BeEmpty())
			w.edit(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = "" }))
			Expect(isWithdrawn().Status.HeldSince).To(BeNil())
		})

		It("is no longer held once it is trusted again", func() {
			d := w.push("1.0.0", w.ours)
			w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
			w.ready(d.Digest)
			w.setKeys(w.theirs)
			w.rejected()
			w.setKeys(w.ours)
			Expect(w.ready(d.Digest).Status.HeldSince).To(BeNil())
		})

		It("is not replaced, while it is held, by another untrusted chart", func() {
			d := w.push("1.0.0", w.ours)
			w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
			w.ready(d.Digest)
			w.push("1.0.1", w.ours)
			w.setKeys(w.theirs)
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "1.0.1" })
			obj := w.rejected()
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		})
	})

	Describe("that cannot be verified", func() {
		It("is withdrawn after maxUnverifiedAge, and published again when it can be verified", func() {
			d := w.push("1.0.0", w.ours)
			w.declare(rules(func(r *v1alpha1.Rules) { r.MaxUnverifiedAge = &metav1.Duration{Duration: time.Hour} }))
			w.ready(d.Digest)
			w.unreachable()
			w.deleteSecret("cosign-pub") // without keys there is no verdict
			obj := w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.UnverifiedSince).NotTo(BeNil()) })
			Expect(obj.Status.Artifact).NotTo(BeNil())
			Expect(obj.Status.UnverifiedSince.Time).To(BeTemporally("~", time.Now(), patience))

			Eventually(func() error {
				obj := w.get()
				patch := client.MergeFromWithOptions(obj.DeepCopy(), client.MergeFromWithOptimisticLock{})
				obj.Status.UnverifiedSince = &metav1.Time{Time: time.Now().Add(-time.Hour)}
				return w.client.Status().Patch(w.ctx, obj, patch)
			}).Should(Succeed())
			w.reconcile()
			obj = isWithdrawn()
			Expect(conditions.IsUnknown(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			w.warned(v1alpha1.ArtifactWithdrawnReason)

			w.registry.Break(nil)
			w.setKeys(w.ours)
			obj = w.ready(d.Digest)
			Expect(obj.Status.UnverifiedSince).To(BeNil())
		})

		It("stays published for any time without a maxUnverifiedAge", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			w.unreachable()
			w.deleteSecret("cosign-pub")
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.UnverifiedSince).NotTo(BeNil()) })
			Expect(artifactBytes(w.reconcile())).NotTo(BeEmpty())
		})
	})

	Describe("that is revoked", func() {
		keyOf := func(obj *v1alpha1.VerifiedChart) string { return obj.Status.Verification.Authorities[0].Signer }

		DescribeTable("is withdrawn at once, even while the registry is out of reach",
			func(revoke func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations, ref v1alpha1.ChartRef) {
				d := w.push("1.0.0", w.ours)
				w.declare(func(s *v1alpha1.VerifiedChartSpec) {
					s.Ref = ref
					if ref.Digest != "" {
						s.Ref.Digest = d.Digest.String()
					}
				})
				obj := w.ready(d.Digest)
				revoked := revoke(obj)
				w.unreachable()
				w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &revoked }))
				obj = isWithdrawn()
				Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
				w.registry.Break(nil)
				w.reconcile()
				w.rejected()
				w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = nil }))
				w.ready(d.Digest)
			},
			Entry("by its digest", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
				return v1alpha1.Revocations{Digests: []string{obj.Status.Verification.Digest}}
			}, v1alpha1.ChartRef{Tag: "1.0.0"}),
			Entry("by its key", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
				return v1alpha1.Revocations{Keys: []string{keyOf(obj)}}
			}, v1alpha1.ChartRef{Tag: "1.0.0"}),
			Entry("by its version", func(*v1alpha1.VerifiedChart) v1alpha1.Revocations {
				return v1alpha1.Revocations{Versions: []string{"<=1.0.0"}}
			}, v1alpha1.ChartRef{Tag: "1.0.0"}),
			Entry("by its version, even if it is pinned by digest", func(*v1alpha1.VerifiedChart) v1alpha1.Revocations {
				return v1alpha1.Revocations{Versions: []string{"1.x"}}
			}, v1alpha1.ChartRef{Digest: "its own"}),
		)

		It("is never published, even if only its archive names its version", func() {
			d := w.push("1.0.0", w.ours)
			w.declare(rules(func(r *v1alpha1.Rules) { r.Revoked = &v1alpha1.Revocations{Versions: []string{"1.x"}} }),
				func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Digest: d.Digest.String()} })
			w.rejected()
			Expect(w.files()).To(BeEmpty())
		})

		It("is withdrawn when the list of the cluster names it, and so are the charts of all tenants", func() {
			d := w.push("1.0.0", w.ours)
			other := newWorld(context.Background())
			same := other.push("1.0.0", other.ours)
			Expect(same.Digest).To(Equal(d.Digest))
			w.declare()
			other.declare()
			w.ready(d.Digest)
			other.ready(d.Digest)
			DeferCleanup(revokeForAll, "")
			revokeForAll("digests: [" + d.Digest.String() + "]")
			isWithdrawn()
			other.withdrawn()
			revokeForAll("")
			w.ready(d.Digest)
			other.ready(d.Digest)
		})

		DescribeTable("J21: stays revoked while the list of the cluster is unusable, and other charts are still published",
			func(list string) {
				bad, good := w.push("1.0.0", w.ours), newWorld(context.Background())
				d := good.push("2.0.0", good.ours)
				w.declare()
				w.ready(bad.Digest)
				DeferCleanup(revokeForAll, "")
				revokeForAll("digests: [" + bad.Digest.String() + "]")
				isWithdrawn()
				revokeForAll(list)
				w.reconcile()
				Expect(w.get().Status.Artifact).To(BeNil())
				good.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "2.0.0" })
				good.ready(d.Digest)
				Eventually(func(g Gomega) {
					var events corev1.EventList
					g.Expect(k8s.List(context.Background(), &events, client.InNamespace(clusterRevocations.Namespace))).To(Succeed())
					g.Expect(events.Items).To(ContainElement(And(HaveField("InvolvedObject.Name", clusterRevocations.Name), HaveField("Reason", "RevocationListInvalid"))))
				}).WithTimeout(patience).Should(Succeed())
				revokeForAll("")
				w.ready(bad.Digest)
			},
			Entry("emptied", " "),
			Entry("all comments", "# none"),
			Entry("misspelled", "digest: typo"),
			Entry("no YAML", "}{"),
			Entry("a field without a list", "digests:"),
		)
	})

	Describe("whose version gets another digest, even a signed one,", func() {
		var d, moved ocispec.Descriptor
		mutate := func(change ...func(*v1alpha1.VerifiedChartSpec)) {
			GinkgoHelper()
			d = w.push("1.0.0", w.ours)
			w.declare(change...)
			w.ready(d.Digest)
			moved = w.pushWith("1.0.0", "moved: true\n", w.ours)
			w.reconcile()
		}

		It("is refused, both digests are named, and the first stays published", func() {
			mutate()
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.VersionMutatedReason)
			Expect(conditions.GetMessage(obj, meta.ReconcilingCondition)).To(And(ContainSubstring(d.Digest.String()), ContainSubstring(moved.Digest.String())))
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
			Expect(obj.Status.History).To(ConsistOf(And(HaveField("Version", "1.0.0"), HaveField("Digest", d.Digest.String()))))
		})

		It("is also refused after it was withdrawn", func() {
			mutate()
			w.setKeys(w.theirs)
			isWithdrawn()
			w.setKeys(w.ours)
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.VersionMutatedReason)
			Expect(obj.Status.Artifact).To(BeNil())
		})

		It("is refused even if only its archive names its version", func() {
			mutate(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "1.0.0" })
			w.registry.PushManifest(w.repo.Name, "stable", moved.MediaType, w.manifest(moved))
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "stable" })
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
				g.Expect(conditions.GetReason(obj, v1alpha1.FetchFailedCondition)).To(Equal(v1alpha1.VersionMutatedReason))
			})
			Expect(w.get().Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		})

		It("is published with a warning if versionMutation is Warn", func() {
			mutate(rules(func(r *v1alpha1.Rules) { r.VersionMutation = v1alpha1.VersionMutationWarn }))
			obj := w.ready(moved.Digest)
			Expect(obj.Status.History).To(ConsistOf(HaveField("Digest", moved.Digest.String())))
			w.warned(v1alpha1.VersionMutatedReason)
		})

		It("is published if that is allowed, or if the spec names the digest", func() {
			mutate(rules(func(r *v1alpha1.Rules) { r.VersionMutation = v1alpha1.VersionMutationAllow }))
			w.ready(moved.Digest)
			w.edit(rules(func(r *v1alpha1.Rules) { r.VersionMutation = "" }))
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Digest: d.Digest.String()} })
			w.ready(d.Digest)
		})
	})

	Describe("in a range", func() {
		ranged := func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} }

		It("goes back to a lower version only if that is allowed", func() {
			first, second := w.push("1.0.0", w.ours), w.push("1.1.0", w.ours)
			w.declare(ranged)
			w.ready(second.Digest)
			w.registry.DeleteTag(w.repo.Name, "1.1.0")
			w.reconcile()
			w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.DowngradeRefusedReason)
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.AllowDowngrade = true })
			w.ready(first.Digest)
		})

		DescribeTable("B15: that was moved to 999.0.0 comes back by",
			func(recover func(*v1alpha1.VerifiedChartSpec)) {
				good := w.push("1.0.0", w.ours)
				w.declare(ranged)
				w.ready(good.Digest)
				stolen := w.push("999.0.0", w.ours)
				w.reconcile()
				w.ready(stolen.Digest)
				w.edit(recover)
				w.ready(good.Digest)
			},
			Entry("a pin", func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Tag: "1.0.0"} }),
			Entry("an exclusion", func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemVer = ">=1.0.0 <999.0.0" }),
		)

		It("B15: that was moved to 999.0.0 is withdrawn by revoking that version", func() {
			stolen := w.push("999.0.0", w.ours)
			w.declare(ranged)
			w.ready(stolen.Digest)
			w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &v1alpha1.Revocations{Versions: []string{">=999"}} }))
			isWithdrawn()
		})
	})

	Describe("with a minSignatureAge", func() {
		It("is published exactly when its signature is old enough, without a request for a reconcile", func() {
			sigstore := sigstoretest.New()
			w.setRoot(sigstore.Root())
			d := w.push("1.0.0")
			how := keylessly()
			how.Time = time.Now()
			w.attach(sigstore, d, how)
			w.declare(keyless(), rules(func(r *v1alpha1.Rules) { r.MinSignatureAge = &metav1.Duration{Duration: 4 * time.Second} }))
			Expect(w.rejected().Status.Artifact).To(BeNil())
			obj := w.ready(d.Digest)
			Expect(time.Now()).To(BeTemporally(">=", obj.Status.Verification.Authorities[0].SignedAt.Add(4*time.Second)))
		})
	})

	Describe("in mode Audit", func() {
		audited := rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeAudit })

		It("is published although it is unsigned, and the status says so", func() {
			d := w.push("1.0.0")
			w.declare(audited)
			obj := w.ready(d.Digest)
			Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			Expect(conditions.GetReason(obj, v1alpha1.SourceVerifiedCondition)).To(Equal(v1alpha1.VerificationErrorReason))
			Expect(obj.Status.Verification.Exceptions).To(ConsistOf(HaveField("Rule", "Audit")))
			Expect(obj.Status.History).To(BeEmpty(), "nothing was proven")
			Expect(artifactBytes(obj)).NotTo(BeEmpty())
			w.warned(v1alpha1.VerificationErrorReason)

			w.edit(rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeEnforce }))
			isWithdrawn()
		})

		It("is published although its keys are missing, and by proof once they exist", func() {
			d := w.push("1.0.0", w.ours)
			w.deleteSecret("cosign-pub")
			w.declare(audited)
			obj := w.ready(d.Digest)
			Expect(conditions.IsUnknown(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			w.setKeys(w.ours)
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(conditions.IsTrue(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
				g.Expect(obj.Status.Verification.Exceptions).To(BeEmpty())
			})
		})

		It("is proven once it is signed, even if older answers are cached", func() {
			d := w.push("1.0.0")
			w.declare(audited)
			w.ready(d.Digest)
			w.sign(d.Digest, w.ours)
			obj := w.reconcile()
			Expect(conditions.IsTrue(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			Expect(obj.Status.Verification.Exceptions).To(BeEmpty())
		})

		It("is withdrawn when that mode ends, even while the registry is out of reach", func() {
			d := w.push("1.0.0")
			w.declare(audited)
			w.ready(d.Digest)
			w.unreachable()
			w.edit(rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeEnforce }))
			isWithdrawn()
		})

		It("stays published when that mode ends while the registry is out of reach, if it was proven", func() {
			d := w.push("1.0.0", w.ours)
			w.declare(audited)
			w.ready(d.Digest)
			w.unreachable()
			w.edit(rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeEnforce }))
			Expect(artifactBytes(w.reconcile())).NotTo(BeEmpty())
		})

		It("causes no write at each reconcile", func() {
			d := w.push("1.0.0")
			w.declare(audited)
			w.ready(d.Digest)
			before := w.reconcile()
			w.reconcileAlone(before)
			Expect(w.get().ResourceVersion).To(Equal(before.ResourceVersion))
		})

		It("is not published if it is not a chart", func() {
			w.registry.PushImage(w.repo.Name, "1.0.0", w.repo.PushBlob("application/x", []byte("{}")))
			w.declare(audited)
			w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCILayerOperationFailedReason)
		})
	})

	Describe("with an exemption", func() {
		exempted := func(d ocispec.Descriptor, until time.Time) func(*v1alpha1.VerifiedChartSpec) {
			return rules(func(r *v1alpha1.Rules) {
				r.Exemptions = []v1alpha1.Exemption{{Digest: d.Digest.String(), Reason: "the release key is lost", ExpiresAt: metav1.NewTime(until)}}
			})
		}

		It("is published until the exemption ends, and the status says why", func() {
			d := w.push("1.0.0")
			w.declare(exempted(d, time.Now().Add(6*time.Second)))
			obj := w.ready(d.Digest)
			Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			Expect(conditions.GetReason(obj, v1alpha1.SourceVerifiedCondition)).To(Equal(v1alpha1.ExemptedReason))
			Expect(obj.Status.Verification.Exceptions).To(ConsistOf(And(HaveField("Rule", "Exemption"), HaveField("Reason", "the release key is lost"))))
			w.warned(v1alpha1.ExemptedReason)
			w.rejected()
			isWithdrawn()
		})

		It("is published until the exemption ends, even if its tag now names an untrusted chart", func() {
			d := w.push("1.0.0", w.ours)
			w.declare()
			w.ready(d.Digest)
			w.pushWith("1.0.0", "other: true\n")
			until := time.Now().Add(4 * time.Second)
			w.edit(exempted(d, until))
			w.setKeys(w.theirs)
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(obj.Status.Verification.Exceptions).To(ConsistOf(HaveField("Rule", "Exemption")))
			})
			isWithdrawn()
			Expect(time.Now()).To(BeTemporally(">=", until.Truncate(time.Second)))
		})

		It("needs no exemption once it is signed, even if its tag now names another chart", func() {
			d := w.push("1.0.0")
			w.declare(exempted(d, time.Now().Add(time.Hour)))
			w.ready(d.Digest)
			w.pushWith("1.0.0", "other: true\n")
			w.sign(d.Digest, w.ours)
			w.reconcile()
			obj := w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(obj.Status.Verification.Exceptions).To(BeEmpty())
				g.Expect(obj.Status.Verification.Authorities).To(HaveLen(1))
			})
			Expect(obj.Status.History).To(ConsistOf(HaveField("Digest", d.Digest.String())))
			w.unreachable()
			w.edit(rules(func(r *v1alpha1.Rules) { r.Exemptions = nil }))
			Expect(artifactBytes(w.reconcile())).NotTo(BeEmpty())
		})

		It("is not published if another digest is exempted, or the time is over", func() {
			d := w.push("1.0.0")
			other := w.push("1.0.1")
			w.declare(exempted(other, time.Now().Add(time.Hour)))
			Expect(w.rejected().Status.Artifact).To(BeNil())
			w.edit(exempted(d, time.Now().Add(-time.Second)))
			w.reconcile()
			Expect(w.rejected().Status.Artifact).To(BeNil())
		})
	})
})
