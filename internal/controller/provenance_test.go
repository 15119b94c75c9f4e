// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// pushSigned stores a chart with a provenance file in its manifest. The functions change
// the file before it is signed. Without a key there is no file.
func (w *world) pushSigned(version string, by *openpgp.Entity, change ...func(string) string) (pushed ocispec.Descriptor, prov []byte) {
	archive := w.repo.PushBlob(chart.ArchiveMediaType, charttest.Archive("app", version))
	text := fmt.Sprintf("name: app\nversion: %[1]s\n\n...\nfiles:\n  app-%[1]s.tgz: %[2]s\n", version, archive.Digest)
	for _, c := range change {
		text = c(text)
	}
	layers := []ocispec.Descriptor{archive}
	if by != nil {
		prov = openpgptest.Sign(by, text, openpgptest.At(time.Now().Add(-time.Minute)))
		layers = append([]ocispec.Descriptor{w.repo.PushBlob(chart.ProvenanceMediaType, prov)}, layers...)
	}
	config := w.repo.PushBlob(chart.ConfigMediaType, charttest.ConfigJSON("app", version))
	return w.repo.PushImage(version, config, layers...), prov
}

func (w *world) setKeyring(keys ...*openpgp.Entity) {
	GinkgoHelper()
	w.setSecret("maintainers", map[string][]byte{"pubring.gpg": openpgptest.Public(keys...)})
}

// byMaintainers requires a provenance file that a key of the keyring signed.
func byMaintainers(s *v1alpha1.VerifiedChartSpec) {
	s.Verify.Authorities = []v1alpha1.Authority{{
		Name: "maintainers", Provider: v1alpha1.ProvenanceProvider, SecretRef: &meta.LocalObjectReference{Name: "maintainers"},
	}}
}

var _ = Describe("A chart with a provenance file", Label("provenance"), func() {
	var (
		w            *world
		ours, theirs *openpgp.Entity
	)
	BeforeEach(func() {
		w = newWorld(context.Background())
		at := openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour))
		ours, theirs = openpgptest.NewKey(at), openpgptest.NewKey(at)
		w.setKeyring(ours)
	})

	It("is published, and the status names the key that signed", func() {
		d, _ := w.pushSigned("1.0.0", ours)
		w.declare(byMaintainers)
		obj := w.ready(d.Digest)
		Expect(obj.Status.Verification.Authorities).To(ConsistOf(And(
			HaveField("Provider", "provenance"), HaveField("Signer", "OPENPGP:"+fmt.Sprintf("%X", ours.PrimaryKey.Fingerprint)),
			HaveField("UserID", Not(BeEmpty())), HaveField("SigningKey", fmt.Sprintf("%X", ours.PrimaryKey.Fingerprint)),
			HaveField("ClaimedAt", Not(BeNil())), HaveField("SignedAt", BeNil()), HaveField("Format", "provenance file"), HaveField("Source", "the chart's manifest"),
		)))
		Expect(conditions.GetMessage(obj, v1alpha1.SourceVerifiedCondition)).To(ContainSubstring("by provenance key"))
		w.reconcileAlone(obj)
		Expect(w.registry.Requests()).To(HaveLen(1))
	})

	It("is published by the good key of a keyring, and the status names the skipped keys", func() {
		w.setSecret("maintainers", map[string][]byte{
			"broken.gpg": []byte("x"), "good.gpg": openpgptest.Public(ours), "weak.gpg": openpgptest.Public(openpgptest.NewKey(openpgptest.Using(openpgptest.RSA1024))),
		})
		d, _ := w.pushSigned("1.0.0", ours)
		w.declare(byMaintainers)
		Expect(w.ready(d.Digest).Status.Verification.Authorities[0].SkippedKeys).To(ConsistOf(HavePrefix("broken.gpg: "), HavePrefix("weak.gpg: ")))
	})

	It("is published if the file is attached to it", func() {
		_, prov := w.pushSigned("1.0.0", ours)
		d, _ := w.pushSigned("1.0.0", nil)
		layer := w.repo.PushBlob("application/octet-stream", prov)
		layer.Annotations = map[string]string{ocispec.AnnotationTitle: "app-1.0.0.tgz.prov"}
		w.repo.PushReferrer("application/vnd.example", d, layer)
		w.declare(byMaintainers)
		w.ready(d.Digest)
	})

	DescribeTable("is refused",
		func(push func()) {
			push()
			w.declare(byMaintainers)
			Expect(w.rejected().Status.Artifact).To(BeNil())
			Expect(w.files()).To(BeEmpty())
		},
		Entry("F1: without the file", func() { w.pushSigned("1.0.0", nil) }),
		Entry("F3: of a stranger", func() { w.pushSigned("1.0.0", theirs) }),
		Entry("F4: for another archive", func() {
			w.pushSigned("1.0.0", ours, func(s string) string { return strings.Replace(s, "sha256:", "sha256:0", 1)[:len(s)-1] + "\n" })
		}),
		Entry("F5: of an older chart, under a newer tag", func() {
			d, _ := w.pushSigned("0.9.0", ours)
			w.repo.PushManifest("1.0.0", w.manifest(d))
		}),
	)

	It("is withdrawn at once when the key leaves the keyring, and published again when it returns", func() {
		d, _ := w.pushSigned("1.0.0", ours)
		w.declare(byMaintainers)
		w.ready(d.Digest)
		w.setKeyring(theirs)
		Expect(w.rejected().Status.Artifact).To(BeNil())
		w.setKeyring(theirs, ours)
		w.ready(d.Digest)
	})

	It("F3: cannot be verified by an empty keyring, and stays published", func() {
		d, _ := w.pushSigned("1.0.0", ours)
		w.declare(byMaintainers)
		w.ready(d.Digest)
		w.setSecret("maintainers", map[string][]byte{"pubring.gpg": []byte("x")})
		obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
		Expect(conditions.IsStalled(obj)).To(BeTrue())
		Expect(artifactBytes(obj)).NotTo(BeEmpty())
	})

	It("F22: also needs cosign's signature if both are required", func() {
		d, _ := w.pushSigned("1.0.0", ours)
		both := func(s *v1alpha1.VerifiedChartSpec) {
			key := s.Verify.Authorities[0]
			byMaintainers(s)
			s.Verify.Authorities = append(s.Verify.Authorities, key)
		}
		w.declare(both)
		w.rejected()
		w.sign(d.Digest, w.ours)
		w.reconcile()
		w.ready(d.Digest)
	})
})
