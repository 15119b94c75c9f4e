// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// pinned is the ref of the charts that the scenario pushes.
const pinned = "tag: " + scenario.Version

var errNoArtifact = errors.New("there is no artifact")

// keysIn returns the authority of the keys in a Secret.
func keysIn(secret string) string {
	return "name: release, provider: cosign, secretRef: {name: " + secret + "}"
}

// setKeys makes these files the content of a Secret.
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

// trustOnly makes a key the only key that may sign a chart with its own Secret.
func trustOnly(ctx context.Context, w *scenario.World, chart string, key realparts.Key) {
	GinkgoHelper()
	setKeys(ctx, w, chart, scenario.KeyEntry+"="+key.PublicFile)
}

// pushSigned pushes a version of a chart, and signs it with the release key.
func pushSigned(ctx context.Context, w *scenario.World, chart, version string) realparts.Pushed {
	GinkgoHelper()
	pushed, err := w.PushSigned(ctx, chart, version)
	Expect(err).NotTo(HaveOccurred())
	return pushed
}

// declareSigned pushes a chart, signed with the release key, and declares it for the keys in a Secret of its
// own, which holds that key. It returns when the chart is published.
func declareSigned(ctx context.Context, w *scenario.World, name, ref string) realparts.Pushed {
	GinkgoHelper()
	chart := pushSigned(ctx, w, name, scenario.Version)
	trustOnly(ctx, w, name, w.Release)
	Expect(w.DeclareFor(ctx, name, ref, keysIn(name))).To(Succeed())
	Expect(w.ProvenAs(ctx, chart)).To(Succeed())
	return chart
}

// edit changes the spec of a VerifiedChart to the YAML, the content of a flow mapping.
func edit(ctx context.Context, w *scenario.World, name, spec string) {
	GinkgoHelper()
	Expect(w.Kubectl.Run(ctx, "patch", "verifiedchart", name, "--type=merge", "-p", "spec: {"+spec+"}")).NotTo(BeEmpty())
}

// get returns a VerifiedChart.
func get(ctx context.Context, w *scenario.World, name string) *v1alpha1.VerifiedChart {
	GinkgoHelper()
	vc, err := w.Get(ctx, name)
	Expect(err).NotTo(HaveOccurred())
	return vc
}

// urlOf returns the URL of the artifact of a VerifiedChart.
func urlOf(ctx context.Context, w *scenario.World, name string) string {
	GinkgoHelper()
	vc := get(ctx, w, name)
	Expect(published(vc)).To(Succeed())
	return vc.Status.Artifact.URL
}

// expectGone expects that no ExternalArtifact publishes the artifact of a VerifiedChart, and that a GET of its
// former URL is answered by 404.
func expectGone(ctx context.Context, w *scenario.World, name, url string) {
	GinkgoHelper()
	Expect(w.Announced(ctx, name)).To(BeNil())
	expectNotAt(ctx, w, url)
}

// published returns nil if a VerifiedChart has an artifact.
func published(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact == nil {
		return errNoArtifact
	}
	return nil
}

// withdrawn returns nil if a VerifiedChart is refused and has no artifact.
func withdrawn(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact != nil {
		return fmt.Errorf("VerifiedChart %s is published", vc.Name)
	}
	return scenario.IsRefused(vc)
}

// undecided returns nil if there is no verdict on a VerifiedChart.
func undecided(vc *v1alpha1.VerifiedChart) error {
	return scenario.Condition(vc, v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
}

// lacks returns a check that a VerifiedChart could not be fetched for a reason.
func lacks(reason string) func(*v1alpha1.VerifiedChart) error {
	return func(vc *v1alpha1.VerifiedChart) error {
		return scenario.Condition(vc, v1alpha1.FetchFailedCondition, metav1.ConditionTrue, reason)
	}
}

// warnings returns the number of Warnings about a VerifiedChart for a reason.
func warnings(ctx context.Context, w *scenario.World, name, reason string) (int32, error) {
	var events corev1.EventList
	err := w.Client.List(ctx, &events, client.InNamespace(w.Namespace))
	var n int32
	for _, e := range events.Items {
		if e.Type == corev1.EventTypeWarning && e.Reason == reason && e.InvolvedObject.Kind == v1alpha1.VerifiedChartKind && e.InvolvedObject.Name == name {
			n += e.Count
		}
	}
	return n, err
}

// eventuallyWarned expects the given number of Warnings about a VerifiedChart for a reason.
func eventuallyWarned(ctx context.Context, w *scenario.World, name, reason string, n int) {
	GinkgoHelper()
	Eventually(warnings).WithContext(ctx).WithArguments(w, name, reason).Should(BeEquivalentTo(n))
}

// hasMetric reports whether the controller has a metric with this value; a regular expression matches its name
// and labels.
func hasMetric(ctx context.Context, w *scenario.World, metric, value string) bool {
	GinkgoHelper()
	status, body, err := w.Download(ctx, "http://"+w.Controller.Metrics+"/metrics")
	Expect(err).NotTo(HaveOccurred())
	Expect(status).To(BeEquivalentTo(200))
	return regexp.MustCompile(`(?m)^` + metric + ` ` + value).Match(body)
}
