// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/fluxcd/pkg/oci"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("The origin that a manifest states", Label("registry"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	stated := map[string]string{
		oci.SourceAnnotation: "https://github.com/org/charts", oci.RevisionAnnotation: "main@sha1:0123456", oci.CreatedAnnotation: "2026-11-26T00:00:00Z",
		"org.example.other": "x",
	}
	// pushStating stores a chart whose manifest has annotations.
	pushStating := func(annotations map[string]string, layers ...ocispec.Descriptor) ocispec.Descriptor {
		config, archive := charttest.ConfigJSON("app", "1.0.0"), charttest.Archive("app", "1.0.0")
		w.repo.PushBlob(chart.ConfigMediaType, config)
		w.repo.PushBlob(chart.ArchiveMediaType, archive)
		return w.repo.PushManifest("1.0.0", charttest.Manifest(config, archive, func(m *ocispec.Manifest) {
			m.Annotations = annotations
			m.Layers = append(m.Layers, layers...)
		}))
	}

	It("is shown if a signature covers the manifest", func() {
		d := pushStating(stated)
		w.sign(d.Digest, w.ours)
		w.declare()
		obj := w.ready(d.Digest)
		Expect(obj.Status.Artifact.Metadata).To(And(
			HaveKeyWithValue(oci.SourceAnnotation, "https://github.com/org/charts"), HaveKeyWithValue(oci.RevisionAnnotation, "main@sha1:0123456"),
			HaveKeyWithValue(oci.CreatedAnnotation, "2026-11-26T00:00:00Z"), Not(HaveKey("org.example.other")),
		))
		Eventually(w.messages).WithTimeout(patience).Should(ContainElement(ContainSubstring("built from https://github.com/org/charts at main@sha1:0123456")))
	})

	It("is not shown if only a provenance file proves the archive, since anybody may have written it", func() {
		key := openpgptest.NewKey(openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour)))
		w.setKeyring(key)
		archive := charttest.Archive("app", "1.0.0")
		d := pushStating(stated, w.repo.PushBlob(chart.ProvenanceMediaType, provenanceOf(key, "1.0.0", archive)))
		w.declare(byMaintainers)
		Expect(w.ready(d.Digest).Status.Artifact.Metadata).NotTo(HaveKey(oci.SourceAnnotation))
	})

	It("is bounded", func() {
		d := pushStating(map[string]string{oci.SourceAnnotation: strings.Repeat("x", 100_000) + "\x00"})
		w.sign(d.Digest, w.ours)
		w.declare()
		raw, err := json.Marshal(w.ready(d.Digest).Status.Artifact)
		Expect(err).NotTo(HaveOccurred())
		Expect(len(raw)).To(BeNumerically("<", 4096))
	})
})

// messages returns the messages of the events about the world's object.
func (w *world) messages() (messages []string) {
	GinkgoHelper()
	var events corev1.EventList
	Expect(w.client.List(w.ctx, &events, client.InNamespace(w.namespace))).To(Succeed())
	for _, e := range events.Items {
		messages = append(messages, e.Message)
	}
	return messages
}
