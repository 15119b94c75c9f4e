// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"os"
	"path/filepath"

	"github.com/fluxcd/pkg/oci"
	"github.com/google/go-containerregistry/pkg/crane"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Flux's client reads registries independently of ours.
var _ = Describe("Flux's client for registries", Label("registry"), func() {
	spec("pulls the bytes that are served, and agrees on the URL", distribution, func(ctx context.Context, w *scenario.World) {
		pushSigned(ctx, w, "signed", scenario.Version)
		Expect(w.Declare(ctx, "signed", pinned)).To(Succeed())
		Expect(w.Until(ctx, "signed", published)).To(Succeed())
		chart := w.Charts["signed"]

		repository, err := oci.ParseRepositoryURL(oci.OCIRepositoryPrefix + chart.Repository)
		Expect(err).NotTo(HaveOccurred())
		Expect(repository).To(Equal(chart.Repository))

		file := filepath.Join(w.Dir, "pulled.tgz")
		flux := oci.NewClient(append(oci.DefaultOptions(), crane.Insecure))
		pulled, err := flux.Pull(ctx, chart.Repository+":"+scenario.Version, file, oci.WithPullLayerType(oci.LayerTypeStatic))
		Expect(err).NotTo(HaveOccurred())
		Expect(pulled.Digest).To(ContainSubstring(chart.Digest.String()))
		raw, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		_, served, err := w.Download(ctx, w.URL(chart))
		Expect(err).NotTo(HaveOccurred())
		Expect(served).To(Equal(raw))
	})

	spec("pushes artifacts that are no charts: they are refused", distribution, func(ctx context.Context, w *scenario.World) {
		folder := GinkgoT().TempDir()
		Expect(os.WriteFile(filepath.Join(folder, "config.yaml"), []byte("kind: ConfigMap\n"), 0o600)).To(Succeed())
		flux := oci.NewClient(append(oci.DefaultOptions(), crane.Insecure))
		_, err := flux.Push(ctx, w.Repository()+"/manifests:"+scenario.Version, folder)
		Expect(err).NotTo(HaveOccurred())
		Expect(w.Declare(ctx, "manifests", pinned)).To(Succeed())
		Expect(w.Until(ctx, "manifests", lacks("OCIArtifactLayerOperationFailed"))).To(Succeed())
	})
})
