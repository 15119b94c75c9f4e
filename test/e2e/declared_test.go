// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// pinned is the ref of what the scenario pushes.
const pinned = "tag: " + scenario.Version

// keysIn is the authority of the keys in a Secret.
func keysIn(secret string) string {
	return "name: release, provider: cosign, secretRef: {name: " + secret + "}"
}

// setKeys makes a Secret hold these files.
func setKeys(ctx context.Context, w *scenario.World, secret string, files ...string) {
	GinkgoHelper()
	args := []string{"create", "secret", "generic", secret, "--dry-run=client", "-o", "yaml"}
	for _, file := range files {
		args = append(args, "--from-file="+file)
	}
	manifest, err := w.Kubectl.Run(ctx, args...)
	Expect(err).NotTo(HaveOccurred())
	Expect(w.Kubectl.Apply(ctx, manifest)).To(Succeed())
}

// trustOnly makes a key the only one that a chart of a Secret of its own has to be signed with.
func trustOnly(ctx context.Context, w *scenario.World, chart string, key realparts.Key) {
	GinkgoHelper()
	setKeys(ctx, w, chart, scenario.KeyEntry+"="+key.PublicFile)
}

// declareSigned pushes a chart, signed with the release key, and declares it for the keys in a
// Secret of its own, which holds that key. It returns when it is published.
func declareSigned(ctx context.Context, w *scenario.World, name, ref string) realparts.Pushed {
	GinkgoHelper()
	chart, err := w.PushSigned(ctx, name, scenario.Version)
	Expect(err).NotTo(HaveOccurred())
	trustOnly(ctx, w, name, w.Release)
	Expect(w.DeclareFor(ctx, name, ref, keysIn(name))).To(Succeed())
	Expect(w.ProvenAs(ctx, chart)).To(Succeed())
	return chart
}

// edit changes the spec of a VerifiedChart to what the YAML, the inside of a flow mapping, says.
func edit(ctx context.Context, w *scenario.World, name, spec string) {
	GinkgoHelper()
	Expect(w.Kubectl.Run(ctx, "patch", "verifiedchart", name, "--type=merge", "-p", "spec: {"+spec+"}")).NotTo(BeEmpty())
}

// urlOf returns where the artifact of a VerifiedChart is served.
func urlOf(ctx context.Context, w *scenario.World, name string) string {
	GinkgoHelper()
	vc, err := w.Get(ctx, name)
	Expect(err).NotTo(HaveOccurred())
	Expect(published(vc)).To(Succeed())
	return vc.Status.Artifact.URL
}

// expectGone expects that nothing announces the artifact of a VerifiedChart, and that a GET of where it was answers 404.
func expectGone(ctx context.Context, w *scenario.World, name, url string) {
	GinkgoHelper()
	Expect(w.Announced(ctx, name)).To(BeNil())
	expectNotAt(ctx, w, url)
}

// expectNotAt expects that a GET answers 404.
func expectNotAt(ctx context.Context, w *scenario.World, url string) {
	GinkgoHelper()
	status, _, err := w.Download(ctx, url)
	Expect(err).NotTo(HaveOccurred())
	Expect(status).To(Equal(http.StatusNotFound))
}

// warnings returns how often a Warning was sent about a VerifiedChart for a reason.
func warnings(ctx context.Context, w *scenario.World, name, reason string) (int32, error) {
	var events corev1.EventList
	err := w.Client.List(ctx, &events, client.InNamespace(scenario.Namespace))
	var n int32
	for _, e := range events.Items {
		if e.Type == corev1.EventTypeWarning && e.Reason == reason && e.InvolvedObject.Kind == v1alpha1.VerifiedChartKind && e.InvolvedObject.Name == name {
			n += e.Count
		}
	}
	return n, err
}
