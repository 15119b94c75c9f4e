// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync/atomic"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

var _ = Describe("A chart in a registry with a private certificate authority", Label("network"), func() {
	var w *world
	BeforeEach(func() {
		w = newWorld(context.Background())
		w.registry.Close()
		w.registry = registrytest.New(registrytest.TLS)
		w.repo = w.registry.Repository(w.repo.Name)
	})
	private := func(s *v1alpha1.VerifiedChartSpec) {
		s.Insecure, s.CertSecretRef = false, &meta.LocalObjectReference{Name: "ca"}
	}

	It("A15: is published with certSecretRef, and follows its edits", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(private)
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.AuthenticationFailedReason)
		Expect(conditions.GetMessage(obj, meta.ReadyCondition)).To(ContainSubstring("certSecretRef"))
		w.setSecret("ca", map[string][]byte{"ca.crt": []byte("canary")})
		obj = w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(conditions.IsStalled(obj)).To(BeTrue()) })
		Expect(conditions.GetMessage(obj, meta.ReadyCondition)).NotTo(ContainSubstring("canary"))
		w.setSecret("ca", map[string][]byte{"ca.crt": w.registry.Roots()})
		w.ready(d.Digest)
	})

	It("A15: is not read without certSecretRef", func() {
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Insecure = false })
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
		Expect(conditions.GetMessage(obj, v1alpha1.FetchFailedCondition)).To(ContainSubstring("unknown authority"))
		Expect(w.registry.Requests()).To(BeEmpty())
	})

	It("A15: stays published while its Secret is missing", func() {
		d := w.push("1.0.0", w.ours)
		w.setSecret("ca", map[string][]byte{"ca.crt": w.registry.Roots()})
		w.declare(private)
		w.ready(d.Digest)
		w.deleteSecret("ca")
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.AuthenticationFailedReason)
		Expect(obj.Status.Artifact).NotTo(BeNil())
	})
})

var _ = Describe("A chart behind a proxy", Label("network"), func() {
	var w *world
	var passed atomic.Int64
	var proxy *httptest.Server
	BeforeEach(func() {
		w = newWorld(context.Background())
		passed.Store(0)
		forward := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}}
		proxy = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if user, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); !ok || user != "user" || password != "canary" {
				rw.WriteHeader(http.StatusProxyAuthRequired)
				return
			}
			passed.Add(1)
			forward.ServeHTTP(rw, r)
		}))
		DeferCleanup(proxy.Close)
	})
	behind := func(s *v1alpha1.VerifiedChartSpec) { s.ProxySecretRef = &meta.LocalObjectReference{Name: "proxy"} }

	It("is published with proxySecretRef", func() {
		w.setSecret("proxy", map[string][]byte{"address": []byte(proxy.URL), "username": []byte("user"), "password": []byte("canary")})
		d := w.push("1.0.0", w.ours)
		w.declare(behind)
		w.ready(d.Digest)
		Expect(passed.Load()).To(BeNumerically(">=", len(w.registry.Requests())), "no request bypasses the proxy")
	})

	DescribeTable("is not read, and no request bypasses the proxy, if",
		func(data func() map[string][]byte, stalled bool) {
			w.push("1.0.0", w.ours)
			if data != nil {
				w.setSecret("proxy", data())
			}
			w.declare(behind)
			obj := w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(conditions.IsTrue(obj, v1alpha1.FetchFailedCondition)).To(BeTrue())
			})
			Expect(conditions.IsStalled(obj)).To(Equal(stalled))
			for _, c := range obj.Status.Conditions {
				Expect(c.Message).NotTo(ContainSubstring("canary"))
			}
			Expect(w.registry.Requests()).To(BeEmpty())
		},
		Entry("its Secret is missing", nil, false),
		Entry("its Secret has no address", func() map[string][]byte { return map[string][]byte{"password": []byte("canary")} }, true),
		Entry("its address has another scheme", func() map[string][]byte { return map[string][]byte{"address": []byte("ftp://canary")} }, true),
		Entry("it refuses the password", func() map[string][]byte {
			return map[string][]byte{"address": []byte(proxy.URL), "username": []byte("user"), "password": []byte("wrong-canary")}
		}, false),
		Entry("nothing listens there", func() map[string][]byte { return map[string][]byte{"address": []byte("http://127.0.0.1:1")} }, false),
	)
})
