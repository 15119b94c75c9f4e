// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("An attacked chart in a classic repository", Label("classic"), func() {
	var w *classicWorld
	BeforeEach(func() { w = newClassicWorld(newWorld(context.Background())) })
	as := func(version string, archive []byte, change ...chartrepotest.Entry) digest.Digest {
		w.signBlob(version, archive, w.ours)
		return digest.NewDigestFromEncoded(digest.SHA256, w.charts.Add("app", version, archive, change...))
	}

	DescribeTable("is refused if its Chart.yaml has another version than the index:",
		func(listed, inside string) {
			as(listed, charttest.Archive("app", inside))
			w.declare(w.inClassic, func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = listed })
			obj := w.reason(v1alpha1.BuildFailedCondition, metav1.ConditionTrue, v1alpha1.ChartMismatchReason)
			Expect(obj.Status.Artifact).To(BeNil())
		},
		Entry("of which the version in the index is the first part", "1", "1.2.3"),
		Entry("of which the version in the index is the first two parts", "1.2", "1.2.3"),
		Entry("of which the version in the index is the first two parts, with build metadata", "1.2", "1.2.3+old"),
	)

	DescribeTable("is published once the index is mended, if nothing is published yet and the index was wrong for a moment:",
		func(at string) {
			w.release("1.0.0", chartrepotest.At(at))
			w.declare(w.maintained, func(s *v1alpha1.VerifiedChartSpec) { s.Interval.Duration = time.Second })
			w.reason(meta.ReadyCondition, metav1.ConditionFalse, v1alpha1.URLInvalidReason)
			d := w.release("1.0.0")
			w.ready(d)
		},
		Entry("it named a server of another kind", "ftp://other.example/app-1.0.0.tgz"),
		Entry("it named no host", "https:///app-1.0.0.tgz"),
		Entry("it named a registry", "oci://other.example/app:1.0.0"),
	)

	It("stays published if its key is replaced, the new signature is there, and only the index is slow", func() {
		d := w.release("1.0.0")
		w.publishes(d, w.maintained, func(s *v1alpha1.VerifiedChartSpec) { s.Interval.Duration = 2 * time.Second })
		w.charts.Break(func(rw http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "index.yaml") {
				select {
				case <-time.After(6 * time.Second):
				case <-r.Context().Done():
				}
			}
			return false
		})
		w.charts.Reset()
		Eventually(w.charts.Requests).WithTimeout(patience).Should(ContainElement("index.yaml"), "the index is too old to be used")
		next := openpgptest.NewKey(openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour)))
		w.charts.Put("app-1.0.0.tgz.prov", provenanceOf(next, "1.0.0", charttest.Archive("app", "1.0.0")))
		w.setKeyring(next)
		Consistently(func() *meta.Artifact { return w.get().Status.Artifact }).WithTimeout(5 * time.Second).WithPolling(50 * time.Millisecond).ShouldNot(BeNil())
		w.charts.Break(nil)
	})

	It("does not send the password for its new https URL to the old http URL of the same host", func() {
		d := w.release("1.0.0")
		w.publishes(d, w.maintained)
		var leaked atomic.Bool
		w.charts.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") != "" {
				leaked.Store(true)
			}
			return false
		})
		w.setSecret("password", map[string][]byte{"username": []byte("user"), "password": []byte("hunter2")})
		w.edit(func(s *v1alpha1.VerifiedChartSpec) {
			s.URL, s.SecretRef = "https://"+strings.TrimPrefix(w.charts.Repository(), "http://"), &meta.LocalObjectReference{Name: "password"}
		})
		w.setKeyring(openpgptest.NewKey()) // the old repository is asked for another signature
		w.withdrawn()
		Expect(leaked.Load()).To(BeFalse())
	})

	DescribeTable("stays published if its key is replaced, the new signature is there, and the index also",
		func(arrange func(archive []byte)) {
			archive := charttest.Archive("app", "1.0.0")
			w.publishes(w.release("1.0.0"), w.maintained)
			next := openpgptest.NewKey(openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour)))
			w.charts.Put("app-1.0.0.tgz.prov", provenanceOf(next, "1.0.0", archive))
			arrange(archive)
			w.reconcile()
			w.setKeyring(next)
			Consistently(func() *meta.Artifact { return w.get().Status.Artifact }).WithTimeout(5 * time.Second).WithPolling(50 * time.Millisecond).ShouldNot(BeNil())
		},
		Entry("is as before", func([]byte) {}),
		Entry("names a copy of its archive without a signature, under another spelling of its version", func(archive []byte) {
			w.charts.Put("copy/app-1.0.0.tgz", archive)
			w.charts.Add("app", "v1.0.0", archive, chartrepotest.At("copy/app-1.0.0.tgz"))
		}),
		Entry("names a copy of its archive without a signature, under a version that is not requested", func(archive []byte) {
			w.charts.Put("copy/app-1.0.0.tgz", archive)
			w.charts.Add("app", "9.9.9", archive, chartrepotest.At("copy/app-1.0.0.tgz"))
		}),
	)
})
