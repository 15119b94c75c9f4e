// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"strings"
	"time"

	artifactconfig "github.com/fluxcd/pkg/artifact/config"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

var _ = Describe("Stored proofs", Label("storage"), Serial, func() {
	large, small := digest.FromString("large"), digest.FromString("small")
	obj := &v1alpha1.VerifiedChart{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "podinfo"}}
	var store *storage.Storage
	BeforeEach(func() {
		var err error
		store, err = storage.New(&artifactconfig.Options{StoragePath: GinkgoT().TempDir(), StorageAddress: ":0", StorageAdvAddress: "artifacts.example"})
		Expect(err).NotTo(HaveOccurred())
		raw, err := storedProof{Repository: "registry.example/app"}.marshal()
		Expect(err).NotTo(HaveOccurred())
		Expect(store.WriteMaterial(obj, small, raw)).To(Succeed())
		Expect(store.WriteMaterial(obj, large, append(raw, strings.Repeat(" ", smallProof)...))).To(Succeed())
		for range cap(largeProofs) {
			largeProofs <- struct{}{}
		}
		DeferCleanup(func() {
			for len(largeProofs) > 0 {
				<-largeProofs
			}
		})
	})

	It("J12: are read two at a time if they are large", func() {
		Expect(largeProofs).To(HaveCap(2))
		done := make(chan error)
		go func() {
			_, err := readProof(context.Background(), store, obj, large)
			done <- err
		}()
		Consistently(done).WithTimeout(50 * time.Millisecond).ShouldNot(Receive())
		<-largeProofs
		Eventually(done).Should(Receive(BeNil()))
		Expect(largeProofs).To(HaveLen(1))
	})

	It("J12: are read at once if they are small, and wait no longer than allowed", func() {
		proof, err := readProof(context.Background(), store, obj, small)
		Expect(err).NotTo(HaveOccurred())
		Expect(proof.Repository).To(Equal("registry.example/app"))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err = readProof(ctx, store, obj, large)
		Expect(err).To(MatchError(context.Canceled))
		Expect(largeProofs).To(HaveLen(2))
	})
})
