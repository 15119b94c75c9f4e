// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

var _ = DescribeTable("Credentials for the host of url are never offered to the host of the published chart", func(url, repository, want string) {
	obj := &v1alpha1.VerifiedChart{}
	obj.Spec.URL, obj.Namespace, obj.Spec.Provider, obj.Spec.ServiceAccountName = url, "team", "aws", "reader"
	Expect(accessOf(obj, repository, outbound.Proxy{})).To(Equal(material.Access{Namespace: "team", Repository: want, Provider: "aws", ServiceAccount: "reader"}))
},
	Entry("the same repository", "oci://ghcr.io/app", "ghcr.io/app", "ghcr.io/app"),
	Entry("another repository of the host", "oci://ghcr.io/app", "ghcr.io/old", "ghcr.io/old"),
	Entry("the host with a default port", "oci://ghcr.io:443/app", "ghcr.io/app", "ghcr.io/app"),
	Entry("another name of Docker Hub", "oci://index.docker.io/org/app", "docker.io/org/app", "docker.io/org/app"),
	Entry("another host", "oci://ghcr.io/app", "evil.example/app", "ghcr.io/app"),
	Entry("another port", "oci://ghcr.io/app", "ghcr.io:5000/app", "ghcr.io/app"),
	Entry("a url that names no repository", "oci://ghcr.io", "evil.example/app", ""),
)

var _ = Describe("A registry with a password", func() {
	var w *world
	// password is the registry's; it is empty while a test pushes.
	var password *atomic.Value
	BeforeEach(func() {
		w, password = newWorld(context.Background()), &atomic.Value{}
		password.Store("")
		w.registry.Break(func(rw http.ResponseWriter, r *http.Request) bool {
			_, got, _ := r.BasicAuth()
			if want := password.Load(); want == "" || got == want {
				return false
			}
			rw.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return true
		})
	})

	login := func(password string) map[string][]byte {
		return map[string][]byte{".dockerconfigjson": fmt.Appendf(nil, `{"auths":{%q:{"username":"u","password":%q},"other.example":{"auth":"%%"}}}`, w.registry.Host(), password)}
	}
	setAccount := func(name string, secrets ...string) {
		GinkgoHelper()
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
		for _, secret := range secrets {
			account.ImagePullSecrets = append(account.ImagePullSecrets, corev1.LocalObjectReference{Name: secret})
		}
		if err := w.client.Create(w.ctx, account); err != nil {
			Expect(w.client.Update(w.ctx, account)).To(Succeed())
		}
	}
	byAccount := func(s *v1alpha1.VerifiedChartSpec) { s.ServiceAccountName = "reader" }
	bySecret := func(s *v1alpha1.VerifiedChartSpec) { s.SecretRef = &meta.LocalObjectReference{Name: "login"} }

	DescribeTable("is read", func(arrange func(), access func(*v1alpha1.VerifiedChartSpec)) {
		d := w.push("1.0.0", w.ours)
		password.Store("hunter2")
		arrange()
		w.declare(access)
		w.ready(d.Digest)
	},
		Entry("with a docker configuration", func() { w.setSecret("login", login("hunter2")) }, bySecret),
		Entry("with the older form of it", func() {
			w.setSecret("login", map[string][]byte{".dockercfg": fmt.Appendf(nil, `{%q:{"username":"u","password":"hunter2"}}`, w.registry.Host())})
		}, bySecret),
		Entry("with a username and a password", func() {
			w.setSecret("login", map[string][]byte{"username": []byte("u"), "password": []byte("hunter2")})
		}, bySecret),
		Entry("with a pull Secret of a ServiceAccount, though another one is missing", func() {
			w.setSecret("login", login("hunter2"))
			setAccount("reader", "missing", "login")
		}, byAccount),
	)

	DescribeTable("is read with new credentials at once, long before the interval ends", func(access func(*v1alpha1.VerifiedChartSpec), rotate func()) {
		w.setSecret("login", login("old"))
		w.setSecret("next", login("new"))
		setAccount("reader", "login")
		first := w.push("1.0.0", w.ours)
		password.Store("old")
		w.declare(access, func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: "*"} })
		w.ready(first.Digest)

		password.Store("")
		second := w.push("1.1.0", w.ours)
		password.Store("new")
		rotate()
		w.ready(second.Digest)
	},
		Entry("of secretRef", bySecret, func() { w.setSecret("login", login("new")) }),
		Entry("of a pull Secret", byAccount, func() { w.setSecret("login", login("new")) }),
		Entry("of another pull Secret", byAccount, func() { setAccount("reader", "next") }),
	)

	DescribeTable("is not read, and the object works once the fault is repaired", func(arrange func(), access func(*v1alpha1.VerifiedChartSpec), stalled bool, repair func()) {
		d := w.push("1.0.0", w.ours)
		password.Store("hunter2")
		arrange()
		w.declare(access)
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.AuthenticationFailedReason)
		Expect(conditions.IsStalled(obj)).To(Equal(stalled))
		for _, c := range obj.Status.Conditions {
			Expect(c.Message).NotTo(Or(ContainSubstring("canary"), ContainSubstring("hunter2")))
		}
		repair()
		w.ready(d.Digest)
	},
		Entry("without a ServiceAccount", func() { w.setSecret("login", login("hunter2")) }, byAccount, false, func() { setAccount("reader", "login") }),
		Entry("if all pull Secrets are missing, so that access is anonymous", func() { setAccount("reader", "login") }, byAccount, false, func() { w.setSecret("login", login("hunter2")) }),
		Entry("if a pull Secret is malformed", func() {
			w.setSecret("login", map[string][]byte{".dockerconfigjson": []byte("canary")})
			setAccount("reader", "login")
		}, byAccount, true, func() { w.setSecret("login", login("hunter2")) }),
		Entry("with a password alone", func() { w.setSecret("login", map[string][]byte{"password": []byte("canary")}) }, bySecret, true,
			func() {
				w.setSecret("login", map[string][]byte{"username": []byte("u"), "password": []byte("hunter2")})
			}),
	)

	It("is not asked with the identity of a cloud, and the object stalls until the spec changes", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.URL, s.Provider, s.ServiceAccountName, s.Insecure = ecrURL, "aws", "reader", false
		})
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.FeatureGateDisabledReason)
		Expect(conditions.IsStalled(obj)).To(BeTrue())
		setAccount("reader")
		w.edit(func(s *v1alpha1.VerifiedChartSpec) {
			s.URL, s.Provider, s.Insecure = "oci://"+w.registry.Host()+"/"+w.repo.Name, "generic", true
		})
		Expect(w.ready(d.Digest).Spec.Provider).To(Equal(v1alpha1.GenericProvider))
		Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "reader"}, &corev1.ServiceAccount{})).To(Succeed())
	})
})
