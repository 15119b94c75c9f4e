// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Registries whose blobs are on another host, which refuses the credentials of the registry.
var _ = Describe("redirects", Label("registry", "network"), func() {
	// A store starts a registry with a password, and the server of its blobs.
	type store func(context.Context) (*scenario.World, realparts.Server)

	files := func(settings ...realparts.Setting) store {
		return func(ctx context.Context) (*scenario.World, realparts.Server) {
			dir := GinkgoT().TempDir()
			server := own(realparts.StartBlobServer(dir))
			return tenantIn(ctx, dir, append(settings, realparts.Htpasswd, realparts.BlobsBy(server))...), server
		}
	}
	bucket := func(settings ...realparts.Setting) store {
		return func(ctx context.Context) (*scenario.World, realparts.Server) {
			startOnce(ctx)
			bucket := own(realparts.StartBucket(ctx, GinkgoT().TempDir(), shared.world.Group))
			return tenantOf(ctx, append(settings, realparts.Htpasswd, realparts.StoredIn(bucket))...), bucket
		}
	}
	debian := func(start store) store {
		return func(ctx context.Context) (*scenario.World, realparts.Server) {
			skipWithout(parts.DockerRegistry)
			return start(ctx)
		}
	}

	DescribeTable("a chart is published if the registry redirects each download of a blob to", func(ctx SpecContext, start store) {
		w, blobs := start(ctx)
		run(ctx, w, func(ctx context.Context, w *scenario.World) {
			publisher(w, member)
			w.Access = append(w.Access, "secretRef: {name: login}")
			setSecret(ctx, w, "login", loginEntries(realparts.Password))
			chart := pushSigned(ctx, w, "signed", scenario.Version)
			blobs.Forget()
			Expect(w.Declare(ctx, "signed", pinned)).To(Succeed())
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			Expect(blobs.Requests()).To(ContainElement(HavePrefix("GET /")))
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			expectUntold(ctx, w, "signed", realparts.Password, "X-Amz-Signature")
		})
	},
		Entry("a file server on another host", files()),
		Entry("a presigned URL of S3", bucket()),
		Entry("a file server on another host, by docker-registry 2.8", debian(files(realparts.ByDebian))),
		Entry("a presigned URL of S3, by docker-registry 2.8", debian(bucket(realparts.ByDebian))),
	)
})
