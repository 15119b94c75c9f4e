// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/http"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
)

var _ = Describe("A VerifiedChart keeps its file", Label("storage"), func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

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
