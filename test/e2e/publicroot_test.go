// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// The trusted root of the public Sigstore, from a TUF repository of our own.
var _ = Describe("the public Sigstore's trusted root", Label("trustroot"), func() {
	// byPublicRoot signs as the release identity, which that root certifies.
	byPublicRoot := loggedIdentity
	byPublicRoot.authority = func(w *scenario.World) string {
		return strings.ReplaceAll(w.IdentityAuthority(), "trustedRootSecretRef: {name: "+scenario.RootSecret+"}, ", "")
	}

	spec("E17: is requested when it is needed, and read from the disk by a controller that starts while its mirror is down", distribution,
		func(ctx context.Context, w *scenario.World) {
			mirror := trustroottest.New()
			DeferCleanup(mirror.Close)
			mirror.SetTrustedRoot(w.Sigstore.TrustedRoot())
			folder := GinkgoT().TempDir()
			initial := filepath.Join(folder, "root.json")
			Expect(os.WriteFile(initial, mirror.RootJSON(), 0o600)).To(Succeed())
			restartController(ctx, w, "--tuf-mirror="+mirror.URL(), "--tuf-root="+initial, "--tuf-cache-dir="+filepath.Join(folder, "tuf"))

			declareBy(ctx, w, "private", loggedIdentity)
			declareBy(ctx, w, "key", keyBundle)
			Expect(mirror.Requests()).To(BeEmpty(), "nothing needs it")
			Expect(hasMetric(ctx, w, "verifiedchart_trusted_root_age_seconds", "")).To(BeFalse())

			declareBy(ctx, w, "public", byPublicRoot)
			Expect(mirror.Requests()).NotTo(BeEmpty())
			Expect(hasMetric(ctx, w, "verifiedchart_trusted_root_age_seconds", "")).To(BeTrue())

			mirror.Close()
			stopController(w)
			startController(ctx, w)
			Expect(w.Reconcile(ctx, "public", published)).To(Succeed())
			Expect(w.Proven(ctx, "public")).To(Succeed())
		})
})
