// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// classicWorld is a world with a classic repository.
type classicWorld struct {
	*world
	maintainer *openpgp.Entity
}

// newClassicWorld adds a classic repository to a world.
func newClassicWorld(in *world) *classicWorld {
	GinkgoHelper()
	w := &classicWorld{world: in}
	w.charts = chartrepotest.New()
	DeferCleanup(w.charts.Close)
	w.maintainer = openpgptest.NewKey(openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour)))
	w.setKeyring(w.maintainer)
	return w
}

// provenanceOf returns a provenance file for an archive of the chart app.
func provenanceOf(by *openpgp.Entity, version string, archive []byte) []byte {
	sum := sha256.Sum256(archive)
	text := fmt.Sprintf("name: app\nversion: %[1]s\n\n...\nfiles:\n  app-%[1]s.tgz: sha256:%[2]s\n", version, hex.EncodeToString(sum[:]))
	return openpgptest.Sign(by, text, openpgptest.At(time.Now().Add(-time.Minute)))
}

// release stores a version of the chart app with a provenance file by its maintainer.
func (w *classicWorld) release(version string, change ...chartrepotest.Entry) digest.Digest {
	archive := charttest.Archive("app", version)
	w.charts.Put("app-"+version+".tgz.prov", provenanceOf(w.maintainer, version, archive))
	return digest.NewDigestFromEncoded(digest.SHA256, w.charts.Add("app", version, archive, change...))
}

// signBlob stores a bundle beside the archive of a version, as cosign sign-blob --bundle writes it.
func (w *classicWorld) signBlob(version string, archive []byte, by verifytest.Signer) {
	w.charts.Put("app-"+version+".tgz.sigstore.json", by.Blob(archive))
}

// inClassic requests the chart app from the classic repository.
func (w *classicWorld) inClassic(s *v1alpha1.VerifiedChartSpec) {
	s.URL, s.Chart = w.charts.Repository(), "app"
}

// maintained requires a provenance file.
func (w *classicWorld) maintained(s *v1alpha1.VerifiedChartSpec) {
	w.inClassic(s)
	byMaintainers(s)
}

var _ = Describe("A chart in a classic repository", Label("classic"), func() {
	var w *classicWorld
	BeforeEach(func() { w = newClassicWorld(newWorld(context.Background())) })

	It("is published by the provenance file beside its archive", func() {
		archive := charttest.Archive("app", "1.0.0")
		d := w.release("1.0.0")
		w.declare(w.maintained)
		obj := w.ready(d)
		Expect(artifactBytes(obj)).To(Equal(archive))
		Expect(obj.Status.Artifact.Revision).To(Equal("1.0.0@" + d.String()))
		Expect(obj.Status.Artifact.Digest).To(Equal(d.String()))
		Expect(obj.Status.Verification.Repository).To(Equal("https://" + strings.TrimPrefix(w.charts.Repository(), "http://") + "/app"))
		Expect(obj.Status.Verification.Authorities).To(ConsistOf(HaveField("Source", "file .prov beside the archive")))
		Expect(w.externalArtifact()).To(HaveField("Digest", d.String()))
	})

	It("is published by a bundle beside its archive", func() {
		archive := charttest.Archive("app", "1.0.0")
		d := digest.NewDigestFromEncoded(digest.SHA256, w.charts.Add("app", "1.0.0", archive))
		w.signBlob("1.0.0", archive, w.ours)
		w.declare(w.inClassic)
		Expect(artifactBytes(w.ready(d))).To(Equal(archive))
	})

	It("costs no request for the archive or its files while it is unchanged", func() {
		d := w.release("1.0.0")
		obj := w.publishes(d, w.maintained)
		w.charts.Reset()
		w.reconcile()
		Expect(w.charts.Requests()).To(Equal([]string{"index.yaml"}))
		Expect(w.charts.Sent()).To(BeZero())
		Expect(w.get().Status.Artifact.Revision).To(Equal(obj.Status.Artifact.Revision))
	})

	It("is withdrawn if its key is removed, and published again without a download if the key is back", func() {
		d := w.release("1.0.0")
		w.publishes(d, w.maintained)
		w.setKeyring(openpgptest.NewKey())
		w.withdrawn()
		w.charts.Reset()
		w.setKeyring(w.maintainer)
		w.ready(d)
		Expect(w.charts.Requests()).NotTo(ContainElement("app-1.0.0.tgz"))
	})

	It("is followed to the highest version in a range", func() {
		w.release("1.0.0")
		w.publishes(w.release("1.1.0"), w.maintained, byRange(">=1.0.0 <2.0.0"))
		w.release("2.0.0")
		d := w.release("1.2.0")
		w.reconcile()
		w.ready(d)
	})

	DescribeTable("is published by an index that states",
		func(change chartrepotest.Entry) { w.publishes(w.release("1.0.0", change), w.maintained) },
		Entry("no digest", chartrepotest.WithoutDigest),
		Entry("a digest of another kind", chartrepotest.WithDigest("md5:0")),
		Entry("a relative URL with a folder", chartrepotest.At("./app-1.0.0.tgz")),
	)

	DescribeTable("B14: is not published, and names both digests, if the index states a wrong digest",
		func(signed bool) {
			wrong := strings.Repeat("a", 64)
			d := w.release("1.0.0", chartrepotest.WithDigest(wrong))
			if !signed {
				w.charts.Delete("app-1.0.0.tgz.prov")
			}
			w.declare(w.maintained)
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
			Expect(conditions.GetMessage(obj, v1alpha1.FetchFailedCondition)).To(And(ContainSubstring(wrong[:12]), ContainSubstring(d.Encoded()[:12])))
			Expect(conditions.GetMessage(obj, meta.ReconcilingCondition)).To(And(ContainSubstring(wrong), ContainSubstring(d.Encoded())))
			Expect(obj.Status.Artifact).To(BeNil())
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Digest = d.String() })
			if signed {
				w.ready(d)
			} else {
				w.rejected()
			}
		},
		Entry("of a signed archive", true),
		Entry("of an unsigned archive", false),
	)

	DescribeTable("is rejected",
		func(arrange func()) {
			w.release("1.0.0")
			arrange()
			w.declare(w.maintained)
			obj := w.rejected()
			Expect(obj.Status.Artifact).To(BeNil())
			Expect(w.files()).To(BeEmpty())
		},
		Entry("without a provenance file", func() { w.charts.Delete("app-1.0.0.tgz.prov") }),
		Entry("with a provenance file by another key", func() {
			w.charts.Put("app-1.0.0.tgz.prov", provenanceOf(openpgptest.NewKey(), "1.0.0", charttest.Archive("app", "1.0.0")))
		}),
		Entry("with the provenance file of another archive", func() {
			w.charts.Put("app-1.0.0.tgz.prov", provenanceOf(w.maintainer, "1.0.0", charttest.Archive("app", "1.0.0", charttest.File("README.md", "other"))))
		}),
		Entry("with an older chart and its provenance file under a newer version", func() {
			old := charttest.Archive("app", "0.9.0")
			w.charts.Add("app", "1.0.0", old)
			w.charts.Put("app-1.0.0.tgz.prov", provenanceOf(w.maintainer, "0.9.0", old))
		}),
		Entry("with a file that is no provenance", func() { w.charts.Put("app-1.0.0.tgz.prov", []byte("404 not found")) }),
	)

	It("is refused if a signed older chart stands under a newer version", func() {
		old := charttest.Archive("app", "0.9.0")
		w.charts.Add("app", "1.0.0", old)
		w.signBlob("1.0.0", old, w.ours)
		w.declare(w.inClassic)
		obj := w.reason(v1alpha1.BuildFailedCondition, metav1.ConditionTrue, v1alpha1.ChartMismatchReason)
		Expect(obj.Status.Artifact).To(BeNil())
	})

	DescribeTable("has no verdict, and keeps its published chart, if the server",
		func(answer func(http.ResponseWriter, *http.Request) bool, reason string) {
			d := w.release("1.0.0")
			w.publishes(d, w.maintained)
			w.charts.Break(answer)
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "1.0.1" })
			w.release("1.0.1")
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, reason)
			Expect(obj.Status.Artifact.Digest).To(Equal(d.String()))
		},
		Entry("answers 500 for the index", answering("index.yaml", http.StatusInternalServerError), v1alpha1.OCIPullFailedReason),
		Entry("answers 404 for the index", answering("index.yaml", http.StatusNotFound), v1alpha1.OCIPullFailedReason),
		Entry("answers 401 for the index", answering("index.yaml", http.StatusUnauthorized), v1alpha1.AuthenticationFailedReason),
		Entry("answers 403 for the provenance file", answering(".prov", http.StatusForbidden), v1alpha1.AuthenticationFailedReason),
		Entry("answers 500 for the provenance file", answering(".prov", http.StatusInternalServerError), v1alpha1.OCIPullFailedReason),
		Entry("answers 404 for the archive", answering(".tgz", http.StatusNotFound), v1alpha1.OCIPullFailedReason),
	)

	It("stalls with the URL to write if the index points to a registry", func() {
		w.release("1.0.0", chartrepotest.At("oci://registry-1.docker.io/bitnamicharts/app:1.0.0"))
		w.declare(w.maintained)
		obj := w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.URLInvalidReason)
		Expect(conditions.GetMessage(obj, meta.StalledCondition)).To(ContainSubstring("oci://registry-1.docker.io/bitnamicharts/app"))
	})

	It("is verified again after a restart by the stored provenance file alone", func() {
		p := newProcess()
		c := newClassicWorld(p.world)
		p.run()
		d := c.release("1.0.0")
		c.declare(c.maintained)
		obj := c.ready(d)
		p.stop()
		c.charts.Break(func(rw http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) })
		p.run()
		Eventually(p.answers(obj)).WithTimeout(patience).Should(Equal(http.StatusOK))
	})
})

// publishes declares a chart and waits until it is published.
func (w *classicWorld) publishes(d digest.Digest, change ...func(*v1alpha1.VerifiedChartSpec)) *v1alpha1.VerifiedChart {
	GinkgoHelper()
	w.declare(change...)
	return w.ready(d)
}

// answering answers requests for paths with a suffix by a status.
func answering(suffix string, status int) func(http.ResponseWriter, *http.Request) bool {
	return func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		rw.WriteHeader(status)
		return true
	}
}
