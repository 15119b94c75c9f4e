// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Proxies that ask for a password. Servers see from the address of a client whether a proxy sent a request.
var _ = Describe("proxies", Label("network", "registry"), func() {
	// A proxied registry is one with a password, and with the servers that it leads to.
	type proxied func(context.Context) (w *scenario.World, servers []realparts.Server)

	plain := func(ctx context.Context) (*scenario.World, []realparts.Server) {
		tokens, err := realparts.StartTokenService()
		dir := GinkgoT().TempDir()
		service, blobs := own(tokens, err), own(realparts.StartBlobServer(dir))
		w := tenantIn(ctx, dir, realparts.TokensFrom(service), realparts.BlobsBy(blobs))
		publisher(w, member)
		return w, []realparts.Server{w.Registry, service, blobs}
	}
	secure := func(ctx context.Context) (*scenario.World, []realparts.Server) {
		ca := newAuthority()
		w := tenantOf(ctx, realparts.Htpasswd, realparts.TLS(ca.Authority))
		login := member
		login.CA = ca.file("ca.crt", ca.PEM())
		publisher(w, login)
		w.Access = []string{"certSecretRef: {name: certificates}"}
		setSecret(ctx, w, "certificates", entries{"ca.crt": ca.PEM()})
		return w, []realparts.Server{w.Registry}
	}

	// A kind of proxy.
	type proxy struct {
		part, scheme string
		start        func(context.Context, string, *process.Group) (realparts.Proxy, error)
	}
	tinyproxy := proxy{parts.Tinyproxy, "http", realparts.StartTinyproxy}
	microsocks := proxy{parts.Microsocks, "socks5", realparts.StartMicrosocks}

	DescribeTable("every request goes through the proxy, and none does with a wrong password, by", func(ctx SpecContext, p proxy, open proxied) {
		skipWithout(p.part)
		w, servers := open(ctx)
		run(ctx, w, func(ctx context.Context, w *scenario.World) {
			through, err := p.start(ctx, GinkgoT().TempDir(), w.Group)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(through.Stop)
			proxyEntries := func(password string) entries {
				content := loginEntries(password)
				content["address"] = []byte(p.scheme + "://" + through.Addr)
				return content
			}
			setSecret(ctx, w, "login", loginEntries(realparts.Password))
			setSecret(ctx, w, "proxy", proxyEntries(wrongPassword))
			w.Access = append(w.Access, "secretRef: {name: login}", "proxySecretRef: {name: proxy}")
			chart := pushSigned(ctx, w, "signed", scenario.Version)
			for _, server := range servers {
				server.Forget()
			}

			Expect(w.Declare(ctx, "signed", pinned)).To(Succeed())
			Expect(w.Until(ctx, "signed", lacks(v1alpha1.AuthenticationFailedReason))).To(Succeed())
			for _, server := range servers {
				Expect(server.Requests()).To(BeEmpty())
			}

			setSecret(ctx, w, "proxy", proxyEntries(realparts.Password))
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			for _, server := range servers {
				Expect(server.Clients()).To(Equal([]string{realparts.ProxyClient}))
			}
			expectUntold(ctx, w, "signed", wrongPassword, realparts.Password)
		})
	},
		Entry("tinyproxy, for a registry, its token service and its storage", tinyproxy, proxied(plain)),
		Entry("tinyproxy, for a registry with TLS", tinyproxy, proxied(secure)),
		Entry("microsocks, for a registry, its token service and its storage", microsocks, proxied(plain)),
		Entry("microsocks, for a registry with TLS", microsocks, proxied(secure)),
	)
})
