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

// watchful gets a URL over and over, and says what else it was answered than 200 OK, until it is stopped.
func watchful(w *scenario.World, url string) (stop func() (asked int, failures []string)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var failures []string
	asked := 0
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			status, _, err := w.Download(ctx, url)
			if ctx.Err() != nil {
				return
			}
			if asked++; err != nil || status != http.StatusOK {
				failures = append(failures, fmt.Sprintf("%s: %d %v", time.Now().Format(time.RFC3339Nano), status, err))
			}
		}
	}()
	return func() (int, []string) {
		cancel()
		<-done
		return asked, failures
	}
}

// vouchedBy says that a chart is published by the key under an entry of the Secret.
func vouchedBy(entry string) func(*v1alpha1.VerifiedChart) error {
	return func(vc *v1alpha1.VerifiedChart) error {
		if err := published(vc); err != nil {
			return err
		}
		if key := vc.Status.Verification.Authorities[0].Key; key != entry {
			return fmt.Errorf("the key %s vouches, and not %s", key, entry)
		}
		return nil
	}
}

// rules are what becomes of charts besides who vouches for them.
func rules(w **scenario.World) {
	spec("a key is rotated with no moment at which the artifact is missing", w, func(ctx context.Context, w *scenario.World) {
		next, err := w.Cosign.GenerateKey(ctx, "next")
		Expect(err).NotTo(HaveOccurred())
		older, newer := "older.pub="+w.Release.PublicFile, "newer.pub="+next.PublicFile
		Expect(w.Push(ctx, "rotated")).To(Succeed())
		Expect(w.Cosign.Sign(ctx, w.Release, w.Charts["rotated"].Ref())).To(Succeed())
		setKeys(ctx, w, "rotated", older)
		Expect(w.DeclareFor(ctx, "rotated", "tag: "+scenario.Version, keysIn("rotated"))).To(Succeed())
		Expect(w.Until(ctx, "rotated", vouchedBy("older.pub"))).To(Succeed())
		vc, err := w.Get(ctx, "rotated")
		Expect(err).NotTo(HaveOccurred())

		stop := watchful(w, vc.Status.Artifact.URL)
		setKeys(ctx, w, "rotated", older, newer)
		Expect(w.Reconcile(ctx, "rotated", published)).To(Succeed())
		Expect(w.Cosign.Sign(ctx, next, w.Charts["rotated"].Ref())).To(Succeed())
		Expect(w.Reconcile(ctx, "rotated", published)).To(Succeed())
		setKeys(ctx, w, "rotated", newer)
		Expect(w.Until(ctx, "rotated", vouchedBy("newer.pub"))).To(Succeed())
		asked, failures := stop()
		Expect(failures).To(BeEmpty())
		Expect(asked).To(BeNumerically(">", 10))
	})

	spec("a policy of the cluster withdraws what it refuses, and its end publishes it again", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.Kubectl.Apply(ctx, `
apiVersion: source.verifiedchart.dev/v1alpha1
kind: ClusterChartPolicy
metadata: {name: company}
spec:
  match: {urls: ["oci://**/charts/rotated"]}
  verify:
    revoked: {versions: ["*"]}
    authorities: [{name: nobody, provider: cosign, secretRef: {name: nobody}}]
`)).To(Succeed())
		Expect(w.Until(ctx, "rotated", withdrawn)).To(Succeed())
		Expect(w.Kubectl.Run(ctx, "delete", "clusterchartpolicy", "company")).NotTo(BeEmpty())
		Expect(w.Until(ctx, "rotated", published)).To(Succeed())
	})

	spec("what the list of the cluster revokes is withdrawn at once, and published again when it does not", w, func(ctx context.Context, w *scenario.World) {
		list := func(text string) {
			GinkgoHelper()
			Expect(w.Kubectl.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: revocations, namespace: %s}
data: {revoked.yaml: %q}
`, w.Controller.Namespace, text))).To(Succeed())
		}
		list("")
		restartWith(ctx, w, "--revocations=revocations")
		Expect(w.Until(ctx, "rotated", published)).To(Succeed())
		list("digests: [" + w.Charts["rotated"].Digest.String() + "]")
		Expect(w.Until(ctx, "rotated", withdrawn)).To(Succeed())
		Expect(w.ServedAsPushed(ctx, "signed")).To(Succeed(), "the others stay")
		list("")
		Expect(w.Until(ctx, "rotated", published)).To(Succeed())
		restartWith(ctx, w)
	})

	spec("in mode Audit an unsigned chart is published, and refused again without it", w, func(ctx context.Context, w *scenario.World) {
		mode := func(mode string) {
			GinkgoHelper()
			edit(ctx, w, "unsigned", fmt.Sprintf(`verify: {mode: %s}`, mode))
		}
		mode(v1alpha1.ModeAudit)
		Expect(w.Until(ctx, "unsigned", func(vc *v1alpha1.VerifiedChart) error {
			if vc.Status.Artifact == nil || len(vc.Status.Verification.Exceptions) != 1 {
				return fmt.Errorf("not published by an exception: %v", vc.Status.Verification)
			}
			return nil
		})).To(Succeed())
		Expect(metric(ctx, w, `verifiedchart_unproven{name="unsigned",.*rule="Audit"}`)).To(BeTrue())
		mode(v1alpha1.ModeEnforce)
		Expect(w.Until(ctx, "unsigned", withdrawn)).To(Succeed())
		Expect(w.NotServed(ctx, w.Charts["unsigned"])).To(Succeed())
	})
}
