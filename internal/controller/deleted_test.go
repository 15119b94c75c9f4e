// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("A VerifiedChart ends", Label("storage"), func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

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

	It("and leaves no file and no ExternalArtifact", func() {
		d := w.push("1.0.0", w.ours)
		obj := w.declare()
		w.ready(d.Digest)
		Expect(w.client.Delete(w.ctx, obj)).To(Succeed())
		gone()
	})

	It("H10: even if its files are missing and its registry is down", func() {
		d := w.push("1.0.0", w.ours)
		obj := w.declare()
		w.ready(d.Digest)
		Expect(os.RemoveAll(filepath.Join(storageDir, "verifiedchart", w.namespace))).To(Succeed())
		w.registry.Break(func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(http.StatusTeapot); return true })
		Expect(w.client.Delete(w.ctx, obj)).To(Succeed())
		gone()
	})

	It("H9: while its chart is fetched, which is cancelled", func() {
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
