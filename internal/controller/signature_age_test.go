// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

var _ = Describe("A chart with a minSignatureAge", Label("policy", "deadline"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	It("is published exactly when its signature is old enough, without a request for a reconcile", func() {
		sigstore := sigstoretest.New()
		w.setRoot(sigstore.Root())
		d := w.push("1.0.0")
		how := keylessly()
		how.Time = time.Now()
		w.attach(sigstore, d, how)
		w.declare(keyless(), rules(func(r *v1alpha1.Rules) { r.MinSignatureAge = &metav1.Duration{Duration: 4 * time.Second} }))
		Expect(w.rejected().Status.Artifact).To(BeNil())
		obj := w.ready(d.Digest)
		Expect(time.Now()).To(BeTemporally(">=", obj.Status.Verification.Authorities[0].SignedAt.Add(4*time.Second)))
	})
})
