// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// switchedRoot is a public trusted root that tests replace. At first it is nil.
type switchedRoot struct {
	mu      sync.Mutex
	root    *trustroot.Root
	asked   int
	changed chan event.GenericEvent
}

var errNoMirror = errors.New("the mirror is down")

// Root implements PublicRoot.
func (s *switchedRoot) Root(context.Context) (*trustroot.Root, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.root == nil {
		return nil, errNoMirror
	}
	return s.root, nil
}

// change replaces the root (nil removes it), and sends an event.
func (s *switchedRoot) change(root *trustroot.Root) {
	s.mu.Lock()
	s.root = root
	s.mu.Unlock()
	s.changed <- event.GenericEvent{Object: &v1alpha1.VerifiedChart{}}
}

func (s *switchedRoot) timesAsked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// publicRoot is the public trusted root of the suite's reconciler.
var publicRoot = &switchedRoot{changed: make(chan event.GenericEvent, 1)}

// setRoot makes the Secret trusted-root hold the root of a Sigstore.
func (w *world) setRoot(raw []byte) {
	GinkgoHelper()
	w.setSecret("trusted-root", map[string][]byte{v1alpha1.TrustedRootKey: raw})
}

func byPublicRoot(a *v1alpha1.Authority) { a.TrustedRootSecretRef = nil }

var _ = Describe("A keyless chart depends on a trusted root", Label("keyless", "trustroot"), func() {
	var (
		w        *world
		sigstore *sigstoretest.Sigstore
		chart    ocispec.Descriptor
	)
	BeforeEach(func() {
		w = newWorld(context.Background())
		sigstore = sigstoretest.New()
		w.setRoot(sigstore.Root())
		chart = w.push("1.0.0")
	})

	It("and is withdrawn at once when the root is replaced, and published again when it returns", func() {
		w.attach(sigstore, chart, keylessly())
		w.declare(keyless())
		w.ready(chart.Digest)
		w.setRoot(sigstoretest.New().Root())
		Expect(w.rejected().Status.Artifact).To(BeNil())
		Expect(w.files()).To(BeEmpty())
		w.setRoot(sigstore.Root())
		w.ready(chart.Digest)
	})

	DescribeTable("and stalls until the root is mended, keeping the published chart",
		func(data map[string][]byte) {
			w.attach(sigstore, chart, keylessly())
			w.declare(keyless())
			w.ready(chart.Digest)
			w.setSecret("trusted-root", data)
			obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
			Expect(conditions.GetMessage(obj, meta.StalledCondition)).NotTo(BeEmpty())
			Expect(artifactBytes(obj)).NotTo(BeEmpty())
			w.setRoot(sigstore.Root())
			w.ready(chart.Digest)
		},
		Entry("if the entry is missing", map[string][]byte{"root.json": []byte("{}")}),
		Entry("if it is not JSON", map[string][]byte{v1alpha1.TrustedRootKey: []byte("<html>")}),
		Entry("E20: if a log has no start of its validity", map[string][]byte{v1alpha1.TrustedRootKey: withoutStart()}),
		Entry("if it names no authority", map[string][]byte{v1alpha1.TrustedRootKey: sigstoretest.New().Root(sigstoretest.Authority)}),
	)

	It("H7: and stays published when the Secret is deleted", func() {
		w.attach(sigstore, chart, keylessly())
		w.declare(keyless())
		w.ready(chart.Digest)
		w.deleteSecret("trusted-root")
		obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
		Expect(artifactBytes(obj)).NotTo(BeEmpty())
	})

	It("that has only timestamp authorities, for an identity and for a key with a period", func() {
		small := sigstoretest.NewSmall()
		w.setRoot(small.Root(sigstoretest.Log, sigstoretest.CTLog))
		how := keylessly()
		how.Log, how.WithoutSCT = sigstoretest.NoLog, true
		w.attach(small, chart, how)
		w.attach(small, chart, sigstoretest.How{Key: w.ours.Key, Statement: sigstoretest.CosignSign, Stamped: true})
		w.declare(keyless(), func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities = append(s.Verify.Authorities, v1alpha1.Authority{
				Name: "key", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "cosign-pub"},
				TrustedRootSecretRef: &meta.LocalObjectReference{Name: "trusted-root"},
				ValidFor:             &v1alpha1.TimeRange{End: &metav1.Time{Time: small.Epoch}},
			})
		})
		w.ready(chart.Digest)
		By("D15: not after the period")
		w.edit(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities[1].ValidFor.End = &metav1.Time{Time: small.Epoch.Add(-1e9)}
		})
		Expect(w.rejected().Status.Artifact).To(BeNil())
	})
})

var _ = Describe("A keyless chart that is proven by the public Sigstore", Label("keyless", "trustroot"), func() {
	var (
		w        *world
		sigstore *sigstoretest.Sigstore
		chart    ocispec.Descriptor
	)
	BeforeEach(func() {
		w = newWorld(context.Background())
		sigstore = sigstoretest.New()
		w.setRoot(sigstore.Root())
		chart = w.push("1.0.0")
	})

	AfterEach(func() {
		w.remove()
		publicRoot.change(nil)
	})

	It("E17: is verified once the root is available, and kept when the root is no longer available", func() {
		w.attach(sigstore, chart, keylessly())
		w.declare(keyless(byPublicRoot))
		w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
		root, err := trustroot.Parse(sigstore.Root())
		Expect(err).NotTo(HaveOccurred())
		publicRoot.change(root)
		w.ready(chart.Digest)
		publicRoot.change(nil)
		obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
		Expect(artifactBytes(obj)).NotTo(BeEmpty())
	})

	It("is withdrawn at once when the root is replaced", func() {
		w.attach(sigstore, chart, keylessly())
		root, err := trustroot.Parse(sigstore.Root())
		Expect(err).NotTo(HaveOccurred())
		publicRoot.change(root)
		w.declare(keyless(byPublicRoot))
		w.ready(chart.Digest)
		other, err := trustroot.Parse(sigstoretest.New().Root())
		Expect(err).NotTo(HaveOccurred())
		publicRoot.change(other)
		Expect(w.rejected().Status.Artifact).To(BeNil())
	})

	It("needs the public root, and no other chart needs it", func() {
		asked := publicRoot.timesAsked()
		w.attach(sigstore, chart, keylessly())
		w.declare(keyless())
		w.ready(chart.Digest)
		w.sign(chart.Digest, w.ours)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities = []v1alpha1.Authority{{Name: "key", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "cosign-pub"}}}
		})
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
		})
		w.ready(chart.Digest)
		Expect(publicRoot.timesAsked()).To(Equal(asked))
	})
})

// withoutStart returns a trusted root with a log that has no start of its validity.
func withoutStart() []byte {
	var root map[string]any
	if err := json.Unmarshal(sigstoretest.New().Root(), &root); err != nil {
		panic(err)
	}
	key := root["tlogs"].([]any)[0].(map[string]any)["publicKey"].(map[string]any)
	delete(key["validFor"].(map[string]any), "start")
	raw, err := json.Marshal(root)
	if err != nil {
		panic(err)
	}
	return raw
}
