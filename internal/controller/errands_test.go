// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

var _ = Describe("Errands that read much data into memory", Label("registry"), func() {
	It("J12: wait for one another, and one namespace holds at most half of all tickets", func(ctx SpecContext) {
		e := &errands{ctx: ctx, requeue: func(types.NamespacedName) {}}
		in := newLimiter(64, time.Now)
		var read, failed atomic.Int32
		release := make(chan struct{})
		for range 9 {
			obj := &v1alpha1.VerifiedChart{ObjectMeta: metav1.ObjectMeta{Namespace: "errands-that-read-much", Name: "large"}}
			DeferCleanup(e.run(in, obj, local{}, time.Minute, func(ctx context.Context) {
				body := bytes.NewReader(make([]byte, outbound.FreeRead+1))
				if _, err := outbound.ReadAll(ctx, body, 1<<20, errors.New("too large")); err != nil {
					failed.Add(1)
					return
				}
				read.Add(1)
				select {
				case <-release:
				case <-ctx.Done():
				}
			}))
		}
		Eventually(read.Load).Should(BeEquivalentTo(8))
		Consistently(read.Load).WithTimeout(200 * time.Millisecond).Should(BeEquivalentTo(8))
		release <- struct{}{}
		Eventually(read.Load).Should(BeEquivalentTo(9))
		Expect(failed.Load()).To(BeZero())
		close(release)
	}, NodeTimeout(time.Minute))
})
