// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// stopsServing waits until the artifact of obj is no longer served, and withdrawn everywhere.
func (w *world) stopsServing(obj *v1alpha1.VerifiedChart) {
	GinkgoHelper()
	start := time.Now()
	Eventually(func() bool { return serves(reconciler, obj.Status.Artifact.Path) }).WithTimeout(patience).Should(BeFalse())
	Expect(time.Since(start)).To(BeNumerically("<", 10*time.Second))
	w.withdrawn()
	Eventually(w.files).WithTimeout(patience).Should(BeEmpty())
	Eventually(w.externalArtifact).WithTimeout(patience).Should(BeNil())
}

var _ = Describe("A published chart is withdrawn", Label("policy", "revocation"), Serial, func() {
	var w *world
	var published *v1alpha1.VerifiedChart
	// publish publishes a chart under a policy of the company.
	publish := func(change ...func(*v1alpha1.VerifiedChartSpec)) {
		GinkgoHelper()
		d := w.push("1.0.0", w.ours)
		w.declare(change...)
		published = w.ready(d.Digest)
	}
	BeforeEach(func() {
		w = newWorld(context.Background())
		w.companyTrusts(w.ours)
	})

	DescribeTable("J2: by the policies of its own repository, although the spec names another",
		func(endTrust func(policy *v1alpha1.ClusterChartPolicy)) {
			p := w.applyPolicy("company", func(s *v1alpha1.ClusterChartPolicySpec) {
				s.Match.URLs = []string{"oci://" + w.registry.Host() + "/charts/app"}
			})
			publish()
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.URL = "oci://" + w.registry.Host() + "/charts/elsewhere" })
			w.reconcile()
			Expect(serves(reconciler, published.Status.Artifact.Path)).To(BeTrue())
			endTrust(p)
			w.stopsServing(published)
		},
		Entry("if the company's key is replaced", func(*v1alpha1.ClusterChartPolicy) { w.companyTrusts(w.theirs) }),
		Entry("if the company revokes the digest", func(p *v1alpha1.ClusterChartPolicy) {
			p.Spec.Verify.Revoked = &v1alpha1.Revocations{Digests: []string{published.Status.Verification.Digest}}
			Expect(w.client.Update(w.ctx, p)).To(Succeed())
		}),
		Entry("if the company revokes the key", func(p *v1alpha1.ClusterChartPolicy) {
			p.Spec.Verify.Revoked = &v1alpha1.Revocations{Keys: []string{published.Status.Verification.Authorities[0].Signer}}
			Expect(w.client.Update(w.ctx, p)).To(Succeed())
		}),
	)

	It("J4: if no policy matches and one denies that, even if the tenant sets Hold", func() {
		publish(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
		w.applyPolicy("denies", func(s *v1alpha1.ClusterChartPolicySpec) {
			// It matches nothing in this namespace, and denies only here: no other spec runs meanwhile.
			s.Match.Namespaces, s.Unmatched = []string{"nowhere-" + w.namespace}, v1alpha1.UnmatchedDeny
		})
		w.stopsServing(published)
	})

	DescribeTable("J5: when the company stops trusting it, even if the tenant's spec now has",
		func(sabotage func(*v1alpha1.VerifiedChartSpec)) {
			w.applyPolicy("company")
			publish()
			w.edit(sabotage)
			w.companyTrusts(w.theirs)
			w.stopsServing(published)
		},
		Entry("a missing Secret with keys", func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities[0].SecretRef = &meta.LocalObjectReference{Name: "none"}
		}),
		Entry("missing credentials", func(s *v1alpha1.VerifiedChartSpec) { s.SecretRef = &meta.LocalObjectReference{Name: "none"} }),
		Entry("a registry that does not exist", func(s *v1alpha1.VerifiedChartSpec) { s.URL = "oci://127.0.0.1:1/charts/app" }),
		Entry("signatures in a repository that never answers", func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities[0].SignatureRepository = "oci://" + silentHost() + "/signatures"
		}),
		Entry("a reference that no tag matches", func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=9.0.0"} }),
		Entry("suspend: true", func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true }),
	)

	DescribeTable("J1: when the company requires a signature that the published proof lacks, and no registry answers",
		func(ask func(*v1alpha1.ClusterChartPolicySpec)) {
			p := w.applyPolicy("company")
			publish()
			w.silent()
			DeferCleanup(func() { w.registry.Break(nil) })
			ask(&p.Spec)
			Expect(w.client.Update(w.ctx, p)).To(Succeed())
			w.stopsServing(published)
		},
		Entry("in another repository", func(s *v1alpha1.ClusterChartPolicySpec) {
			s.Verify.Authorities[0].SignatureRepository = "oci://" + w.registry.Host() + "/signatures"
		}),
		Entry("in a repository of another host", func(s *v1alpha1.ClusterChartPolicySpec) {
			s.Verify.Authorities[0].SignatureRepository = "oci://" + silentHost() + "/signatures"
		}),
		Entry("of another format", func(s *v1alpha1.ClusterChartPolicySpec) {
			s.Verify.Authorities = append(s.Verify.Authorities, v1alpha1.Authority{
				Name: "maintainers", Provider: v1alpha1.ProvenanceProvider, SecretRef: &meta.LocalObjectReference{Name: "company-keyring"},
			})
			theirs := *w
			theirs.namespace = reconciler.Namespace
			theirs.setSecret("company-keyring", map[string][]byte{"pubring.gpg": openpgptest.Public(openpgptest.NewKey())})
		}),
		Entry("by a second authority", func(s *v1alpha1.ClusterChartPolicySpec) {
			s.Verify.Authorities = append(s.Verify.Authorities, *s.Verify.Authorities[0].DeepCopy())
			s.Verify.Authorities[1].Name = "second"
			s.Verify.Authorities[1].SignatureRepository = "oci://" + w.registry.Host() + "/second"
		}),
	)

	It("J9: at the moment when its OpenPGP key expires, even if the interval is long", func() {
		ends := time.Now().Add(6 * time.Second).Truncate(time.Second)
		key := openpgptest.NewKey(openpgptest.CreatedAt(ends.Add(-time.Hour)), openpgptest.ExpiringAfter(time.Hour))
		w.setKeyring(key)
		w.pushSigned("1.0.0", key)
		w.declare(byMaintainers, func(s *v1alpha1.VerifiedChartSpec) { s.Interval = metav1.Duration{Duration: 8760 * time.Hour} })
		published = w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.Artifact).NotTo(BeNil()) })
		Eventually(func() bool { return serves(reconciler, published.Status.Artifact.Path) }).WithTimeout(2 * patience).Should(BeFalse())
		Expect(time.Now()).To(BeTemporally("~", ends, 8*time.Second))
		Expect(time.Now()).To(BeTemporally(">=", ends))
		w.withdrawn()
	})

	It("J10: when a policy's exemption ends, although it is suspended", func() {
		d := w.push("1.0.0", w.ours)
		w.companyTrusts(w.theirs)
		until := metav1.NewTime(time.Now().Add(5 * time.Second))
		w.applyPolicy("company", func(s *v1alpha1.ClusterChartPolicySpec) {
			s.Verify.Exemptions = []v1alpha1.Exemption{{Digest: d.Digest.String(), Reason: "for a moment", ExpiresAt: until}}
		})
		w.declare()
		published = w.ready(d.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true })
		w.stopsAt(published, until.Time)
	})

	DescribeTable("J1: by a policy and a revocation for another spelling of its host",
		func(host func(string) string) {
			port := w.registry.Host()[strings.LastIndex(w.registry.Host(), ":"):]
			publish(func(s *v1alpha1.VerifiedChartSpec) { s.URL = "oci://" + host("localhost"+port) + "/charts/app" })
			DeferCleanup(revokeForAll, "")
			revokeForAll("versions: [{url: \"oci://localhost" + port + "/charts/*\", range: \"1.x\"}]")
			w.stopsServing(published)
			revokeForAll("")
			w.ready(w.push("1.0.0", w.ours).Digest)
			w.companyTrusts(w.theirs)
			w.applyPolicy("company", func(s *v1alpha1.ClusterChartPolicySpec) {
				s.Match.URLs = []string{"oci://localhost" + port + "/charts/*"}
			})
			w.withdrawn()
		},
		Entry("in capitals", strings.ToUpper),
		Entry("unchanged", func(h string) string { return h }),
		Entry("in mixed case", func(h string) string { return "LocalHost" + h[len("localhost"):] }),
	)
})

// stopsAt waits until the artifact of obj is no longer served, at a moment and not before.
func (w *world) stopsAt(obj *v1alpha1.VerifiedChart, at time.Time) {
	GinkgoHelper()
	Eventually(func() bool { return serves(reconciler, obj.Status.Artifact.Path) }).WithTimeout(2 * patience).Should(BeFalse())
	Expect(time.Now()).To(BeTemporally(">=", at.Truncate(time.Second)))
	Expect(time.Now()).To(BeTemporally("~", at, 10*time.Second))
	w.withdrawn()
}

// silentHost returns a host that takes requests and never answers.
func silentHost() string {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	DeferCleanup(s.CloseClientConnections)
	return strings.TrimPrefix(s.URL, "http://")
}

var _ = Describe("A chart without a verdict", Label("deadline"), func() {
	It("J8: is unverified since the first moment, even if an edit interrupts each read of the registry", func() {
		w := newWorld(context.Background())
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		reads := make(chan struct{}, 1)
		w.registry.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			select {
			case reads <- struct{}{}:
			default: // the actor knows already
			}
			<-r.Context().Done()
			return true
		})
		DeferCleanup(func() { w.registry.Break(nil) })
		w.deleteSecret("cosign-pub")

		ctx, cancel := context.WithCancel(w.ctx)
		var edits atomic.Int64
		var actor sync.WaitGroup
		defer actor.Wait()
		defer cancel()
		edit := func() {
			obj := w.get()
			patch := client.MergeFrom(obj.DeepCopy())
			obj.Annotations = map[string]string{meta.ReconcileRequestAnnotation: fmt.Sprint("edit ", edits.Add(1))}
			Expect(w.client.Patch(w.ctx, obj, patch)).To(Succeed())
		}
		edit()
		actor.Go(func() {
			defer GinkgoRecover()
			for {
				select {
				case <-ctx.Done():
					return
				case <-reads:
					edit()
				}
			}
		})
		Eventually(edits.Load).WithTimeout(patience).Should(BeNumerically(">=", 5))
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.UnverifiedSince).NotTo(BeNil()) })
	})
})
