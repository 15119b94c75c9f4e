// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// watchful requests a URL repeatedly until it is stopped, and reports any answer but 200 OK.
func watchful(w *scenario.World, url string) (stop func() (failures []string)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var failures []string
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			status, _, err := w.Download(ctx, url)
			if ctx.Err() != nil {
				return
			}
			if err != nil || status != http.StatusOK {
				failures = append(failures, fmt.Sprintf("%s: %d %v", time.Now().Format(time.RFC3339Nano), status, err))
			}
		}
	}()
	return func() []string {
		cancel()
		<-done
		return failures
	}
}

// acceptedBy returns nil if a chart is published with the key under an entry of the Secret.
func acceptedBy(entry string) func(*v1alpha1.VerifiedChart) error {
	return func(vc *v1alpha1.VerifiedChart) error {
		if err := published(vc); err != nil {
			return err
		}
		if key := vc.Status.Verification.Authorities[0].Key; key != entry {
			return fmt.Errorf("the key %s accepts, not %s", key, entry)
		}
		return nil
	}
}

// setRevocations makes a text the revocation list of the cluster.
func setRevocations(ctx context.Context, w *scenario.World, text string) {
	GinkgoHelper()
	Expect(w.Kubectl.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: revocations, namespace: %s}
data: {revoked.yaml: %q}
`, w.Controller.Namespace, text))).To(Succeed())
}

// Rules about charts other than their authorities.
var _ = Describe("rules", Label("policy"), func() {
	onEach(func(k kind) {
		spec("a key is rotated with no moment at which the artifact is missing", k, func(ctx context.Context, w *scenario.World) {
			next, err := w.Cosign.GenerateKey(ctx, w.Namespace)
			Expect(err).NotTo(HaveOccurred())
			older, newer := "older.pub="+w.Release.PublicFile, "newer.pub="+next.PublicFile
			chart := pushSigned(ctx, w, "rotated", scenario.Version)
			setKeys(ctx, w, "rotated", older)
			Expect(w.DeclareFor(ctx, "rotated", pinned, keysIn("rotated"))).To(Succeed())
			Expect(w.Until(ctx, "rotated", acceptedBy("older.pub"))).To(Succeed())

			stop := watchful(w, urlOf(ctx, w, "rotated"))
			setKeys(ctx, w, "rotated", older, newer)
			Expect(w.Reconcile(ctx, "rotated", published)).To(Succeed())
			Expect(w.Cosign.Sign(ctx, next, chart.Ref())).To(Succeed())
			Expect(w.Reconcile(ctx, "rotated", published)).To(Succeed())
			setKeys(ctx, w, "rotated", newer)
			Expect(w.Until(ctx, "rotated", acceptedBy("newer.pub"))).To(Succeed())
			Expect(stop()).To(BeEmpty())
			Expect(w.ServedAs(ctx, chart)).To(Succeed())
		})
	})

	spec("a policy of the cluster withdraws the chart that it refuses, and the end of the policy publishes it again", distribution, func(ctx context.Context, w *scenario.World) {
		chart := declareSigned(ctx, w, "under-policy", pinned)
		policy := w.Namespace
		Expect(w.Kubectl.Apply(ctx, fmt.Sprintf(`
apiVersion: source.verifiedchart.dev/v1alpha1
kind: ClusterChartPolicy
metadata: {name: %s}
spec:
  match: {urls: ["oci://%s/*"]}
  verify:
    revoked: {versions: ["*"]}
    authorities: [{name: nobody, provider: cosign, secretRef: {name: nobody}}]
`, policy, w.Repository()))).To(Succeed())
		remove := func(ctx context.Context) error {
			_, err := w.Kubectl.Run(ctx, "delete", "clusterchartpolicy", policy, "--ignore-not-found")
			return err
		}
		DeferCleanup(remove)
		Expect(w.Until(ctx, "under-policy", withdrawn)).To(Succeed())
		Expect(remove(ctx)).To(Succeed())
		Expect(w.ProvenAs(ctx, chart)).To(Succeed())
	})

	spec("a chart on the cluster's list of revocations is withdrawn at once, and published again when the list no longer has it", distribution,
		func(ctx context.Context, w *scenario.World) {
			listed := declareSigned(ctx, w, "listed", pinned)
			other := declareSigned(ctx, w, "other", pinned)
			setRevocations(ctx, w, "{}")
			restartController(ctx, w, "--revocations=revocations")
			Expect(w.Reconcile(ctx, "listed", published)).To(Succeed())
			setRevocations(ctx, w, "digests: ["+listed.Digest.String()+"]")
			Expect(w.Until(ctx, "listed", withdrawn)).To(Succeed())
			Expect(w.ServedAs(ctx, other)).To(Succeed(), "the others stay")
			setRevocations(ctx, w, "digests: []")
			Expect(w.ProvenAs(ctx, listed)).To(Succeed())
		})

	spec("in mode Audit an unsigned chart is published, and refused again without it", distribution, func(ctx context.Context, w *scenario.World) {
		Expect(w.Push(ctx, "unsigned")).To(Succeed())
		Expect(w.Declare(ctx, "unsigned", pinned)).To(Succeed())
		Expect(w.Until(ctx, "unsigned", withdrawn)).To(Succeed())
		edit(ctx, w, "unsigned", "verify: {mode: "+v1alpha1.ModeAudit+"}")
		Expect(w.Until(ctx, "unsigned", func(vc *v1alpha1.VerifiedChart) error {
			if vc.Status.Artifact == nil || len(vc.Status.Verification.Exceptions) != 1 {
				return fmt.Errorf("not published by an exception: %v", vc.Status.Verification)
			}
			return nil
		})).To(Succeed())
		Eventually(func() bool {
			return hasMetric(ctx, w, `verifiedchart_unproven{name="unsigned",namespace="`+w.Namespace+`",rule="Audit"}`, "1")
		}).WithContext(ctx).Should(BeTrue())
		edit(ctx, w, "unsigned", "verify: {mode: "+v1alpha1.ModeEnforce+"}")
		Expect(w.Until(ctx, "unsigned", withdrawn)).To(Succeed())
		Expect(w.NotServed(ctx, w.Charts["unsigned"])).To(Succeed())
	})
})
