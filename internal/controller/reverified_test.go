// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/http"
	"strings"
	"time"

	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A VerifiedChart re-verifies its proof", Label("cosign"), func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

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
