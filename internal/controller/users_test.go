// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"github.com/verifiedchart/verifiedchart/internal/material"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// An edit of an object re-verifies exactly its users, at once.
var _ = Describe("An edit", Label("policy"), Ordered, Serial, func() {
	var w, elsewhere *world

	named := func(name string) *meta.LocalObjectReference { return &meta.LocalObjectReference{Name: name} }
	authority := func(change func(*v1alpha1.Authority)) func(*v1alpha1.VerifiedChartSpec) {
		return func(s *v1alpha1.VerifiedChartSpec) { change(&s.Verify.Authorities[0]) }
	}
	fileIn := func(source string) func(*v1alpha1.VerifiedChartSpec) {
		return authority(func(a *v1alpha1.Authority) {
			a.Provider = v1alpha1.ProvenanceProvider
			a.Provenance = &v1alpha1.Provenance{Source: source, FileRef: &v1alpha1.FileReference{Name: "file", Key: "app.prov"}}
		})
	}
	variants := map[string]func(*v1alpha1.VerifiedChartSpec){
		"keys":    authority(func(a *v1alpha1.Authority) { a.SecretRef = named("keys") }),
		"root":    authority(func(a *v1alpha1.Authority) { a.TrustedRootSecretRef = named("root") }),
		"pull":    func(s *v1alpha1.VerifiedChartSpec) { s.SecretRef = named("pull") },
		"account": func(s *v1alpha1.VerifiedChartSpec) { s.ServiceAccountName = "reader" },
		"cloud": func(s *v1alpha1.VerifiedChartSpec) {
			s.ServiceAccountName, s.Provider, s.Insecure = "reader", "aws", false
		},
		"default-account": func(s *v1alpha1.VerifiedChartSpec) { s.Provider, s.Insecure = "gcp", false },
		"other":           authority(func(a *v1alpha1.Authority) { a.SecretRef = named("other") }),
		"web": authority(func(a *v1alpha1.Authority) {
			a.Provider = v1alpha1.ProvenanceProvider
			a.Provenance = &v1alpha1.Provenance{
				Source: v1alpha1.ProvenanceSourceURL, URL: "https://example.com/{{name}}-{{version}}.prov", SecretRef: named("web"), CertSecretRef: named("web-ca"),
			}
		}),
		"file-in-secret": fileIn(v1alpha1.ProvenanceSourceSecret),
		"file-in-config": fileIn(v1alpha1.ProvenanceSourceConfigMap),
	}

	BeforeAll(func() {
		w, elsewhere = newWorld(context.Background()), newWorld(context.Background())
		for _, in := range []*world{w, elsewhere} {
			for name, secrets := range map[string][]string{"reader": {"first-pull", "second-pull"}, "unused": {"unused-pull"}} {
				account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: in.namespace}}
				for _, secret := range secrets {
					account.ImagePullSecrets = append(account.ImagePullSecrets, corev1.LocalObjectReference{Name: secret})
				}
				Expect(in.client.Create(in.ctx, account)).To(Succeed())
				Eventually(func() error {
					return reconciler.Get(in.ctx, client.ObjectKeyFromObject(account), &corev1.ServiceAccount{})
				}).WithTimeout(patience).Should(Succeed(), "the cache has seen it")
			}
			for name, change := range variants {
				obj := &v1alpha1.VerifiedChart{
					ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: in.namespace},
					Spec: v1alpha1.VerifiedChartSpec{
						URL: "oci://" + in.registry.Host() + "/" + in.repo.Name, Insecure: true, Suspend: true, // no test needs its verification
						Ref: v1alpha1.ChartRef{Tag: "1.0.0"}, Interval: metav1.Duration{Duration: 3600e9},
						Verify: v1alpha1.Verification{Authorities: []v1alpha1.Authority{
							{Name: "release", Provider: v1alpha1.CosignProvider, SecretRef: named("cosign-pub")},
						}},
					},
				}
				change(&obj.Spec)
				Expect(in.client.Create(in.ctx, obj)).To(Succeed())
				Eventually(func() error {
					return reconciler.Get(in.ctx, client.ObjectKeyFromObject(obj), &v1alpha1.VerifiedChart{})
				}).WithTimeout(patience).Should(Succeed(), "the cache has seen it")
			}
		}
	})

	// requeued returns the names of the objects that an edit requeues. All of them are in the world.
	requeued := func(edited client.Object) []string {
		GinkgoHelper()
		found := users{client: reconciler.Client, sessions: &reconciler.sessions, revocations: reconciler.Revocations, namespace: reconciler.Namespace}
		usersOf := found.ofSecret
		switch edited.(type) {
		case *corev1.ConfigMap:
			usersOf = found.of(configMapIndex, material.ConfigMapNames)
		case *corev1.ServiceAccount:
			usersOf = found.ofAccount
		}
		var names []string
		for _, request := range usersOf(w.ctx, edited) {
			Expect(request.Namespace).To(Equal(w.namespace))
			names = append(names, request.Name)
		}
		return names
	}
	secret := func(name string) client.Object {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	}

	account := func(name string) client.Object {
		return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	}

	DescribeTable("of a Secret, ConfigMap or ServiceAccount re-verifies exactly its users",
		func(edited func() client.Object, names ...string) {
			Expect(requeued(edited())).To(ConsistOf(names))
		},
		Entry("one with keys", func() client.Object { return secret("keys") }, "keys"),
		Entry("one that several use", func() client.Object { return secret("cosign-pub") }, "root", "pull", "account", "cloud", "default-account", "web", "file-in-secret", "file-in-config"),
		Entry("one with a trusted root", func() client.Object { return secret("root") }, "root"),
		Entry("one with the registry's credentials", func() client.Object { return secret("pull") }, "pull"),
		Entry("one with a web server's credentials", func() client.Object { return secret("web") }, "web"),
		Entry("one with a web server's certificates", func() client.Object { return secret("web-ca") }, "web"),
		Entry("one with provenance files", func() client.Object { return secret("file") }, "file-in-secret"),
		Entry("a ConfigMap with provenance files", func() client.Object {
			return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "file", Namespace: w.namespace}}
		}, "file-in-config"),
		Entry("a pull Secret of a ServiceAccount, but not for a cloud", func() client.Object { return secret("first-pull") }, "account"),
		Entry("another pull Secret of a ServiceAccount", func() client.Object { return secret("second-pull") }, "account"),
		Entry("a pull Secret of a ServiceAccount that nobody names", func() client.Object { return secret("unused-pull") }),
		Entry("a ServiceAccount, also for a cloud", func() client.Object { return account("reader") }, "account", "cloud"),
		Entry("the default ServiceAccount, for a cloud only", func() client.Object { return account("default-reader") }, "default-account"),
		Entry("a ServiceAccount that nobody names", func() client.Object { return account("unused") }),
		Entry("one that nobody names", func() client.Object { return secret("unnamed") }),
	)

	It("of a Secret that a ClusterChartPolicy names re-verifies exactly the objects that the policy matches", func() {
		w.applyPolicy("company")
		edited := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "company-keys", Namespace: reconciler.Namespace}}
		Eventually(func() []string { return requeued(edited) }).WithTimeout(patience).Should(HaveLen(len(variants)))
		edited.Name = "unnamed"
		Expect(requeued(edited)).To(BeEmpty())
	})
})
