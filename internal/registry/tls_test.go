// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// authority signs the certificates of one test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority() authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	certificate, err := x509.ParseCertificate(raw)
	Expect(err).NotTo(HaveOccurred())
	return authority{certificate, key}
}

func (a authority) roots() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// issue returns a certificate for 127.0.0.1, after a change.
func (a authority) issue(change func(*x509.Certificate)) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	change(template)
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	Expect(err).NotTo(HaveOccurred())
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

var _ = Describe("A registry with TLS", Label("registry", "network"), func() {
	ctx := context.Background()
	secure := func(p pushed, roots []byte, allowed ...string) registry.Reader {
		client := registry.NewClient(registry.ClientOptions{TLSRoots: roots, AllowedHosts: allowed, RetryPause: time.Millisecond})
		return open(client, registry.Target{Repository: p.Host() + "/" + app})
	}

	DescribeTable("A15: is read with a good certificate only", func(change func(*x509.Certificate), known, read bool) {
		ca := newAuthority()
		p := push(registrytest.Certificate(ca.issue(change)))
		roots := ca.roots()
		if !known {
			roots = newAuthority().roots()
		}
		if !read {
			Expect(resolve(ctx, p, secure(p, roots))).To(HaveOccurred())
			Expect(p.Requests()).To(BeEmpty())
			return
		}
		Expect(resolve(ctx, p, secure(p, roots))).To(Succeed())
	},
		Entry("a good one", func(*x509.Certificate) {}, true, true),
		Entry("an expired one", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, true, false),
		Entry("one that is not valid yet", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, true, false),
		Entry("one for another name", func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"registry.example"} }, true, false),
		Entry("one for a client", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, true, false),
		Entry("one of an unknown authority", func(*x509.Certificate) {}, false, false),
	)

	It("A15: is not read if no option trusts its authority", func() {
		p := push(registrytest.TLS)
		Expect(resolve(ctx, p, secure(p, nil))).To(HaveOccurred())
		Expect(p.Requests()).To(BeEmpty())
		Expect(resolve(ctx, p, secure(p, p.Roots()))).To(Succeed())
	})

	It("A14: that speaks plain HTTP is not read, and gets no request in cleartext", func() {
		p := push()
		Expect(resolve(ctx, p, secure(p, nil))).To(HaveOccurred())
		Expect(p.Requests()).To(BeEmpty())
	})

	It("A14: is not read over plain HTTP if that was asked for", func() {
		p := push(registrytest.TLS)
		Expect(resolve(ctx, p, p.reader())).To(HaveOccurred())
		Expect(p.Requests()).To(BeEmpty())
	})

	It("A14: does not lead to plain HTTP", func() {
		p, plain := push(registrytest.TLS), push()
		p.Break(redirect(plain.Server.URL))
		r := secure(p, p.Roots(), "127.0.0.1")
		for _, ask := range []question{tags, resolve, manifest, blob} {
			Expect(ask(ctx, p, r)).To(HaveOccurred())
		}
		Expect(plain.Requests()).To(BeEmpty())
		p.Break(nil)
		Expect(resolve(ctx, p, r)).To(Succeed())
	})

	It("A14: does not name a token service over plain HTTP", func() {
		p, plain := push(registrytest.TLS), push()
		p.Break(answer(http.StatusUnauthorized, "Www-Authenticate", `Bearer realm="`+plain.Server.URL+`/token"`))
		Expect(resolve(ctx, p, secure(p, p.Roots(), "127.0.0.1"))).To(HaveOccurred())
		Expect(plain.Requests()).To(BeEmpty())
	})

	It("A14: that plain HTTP redirected to does not redirect back to plain HTTP", func() {
		first, second, third := push(), push(registrytest.TLS), push()
		first.Break(redirect(second.Server.URL))
		second.Break(redirect(third.Server.URL))
		client := registry.NewClient(registry.ClientOptions{TLSRoots: second.Roots(), AllowedHosts: []string{"127.0.0.1"}})
		Expect(resolve(ctx, first, open(client, first.target()))).To(HaveOccurred())
		Expect(second.Requests()).To(HaveLen(1))
		Expect(third.Requests()).To(BeEmpty())
	})

	It("A14: does not get a token that was sent in cleartext", func() {
		p, constant := push(), push(registrytest.TLS)
		p.Break(newGate(p).fault)
		client := registry.NewClient(registry.ClientOptions{TLSRoots: constant.Roots()})
		target := p.target()
		target.Credentials = credentials(p.Host(), login("user", "hunter2"))
		Expect(resolve(ctx, p, open(client, target))).To(Succeed())
		p.Close()

		again := push(registrytest.TLS, registrytest.Addr(p.Host()))
		var told []string
		again.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			told = append(told, r.Header.Values("Authorization")...)
			return false
		})
		target.PlainHTTP = false
		Expect(resolve(ctx, again, open(client, target))).To(Succeed())
		Expect(told).To(BeEmpty())
	})

	It("needs no second connection after a refusal", func() {
		p := push(registrytest.TLS)
		var addresses []string
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			addresses = append(addresses, r.RemoteAddr)
			http.Error(w, "not here", http.StatusNotFound)
			return true
		})
		r := secure(p, p.Roots())
		Expect(resolve(ctx, p, r)).To(MatchError(registry.ErrNotFound))
		Expect(resolve(ctx, p, r)).To(MatchError(registry.ErrNotFound))
		Expect(addresses).To(HaveLen(2))
		Expect(addresses[0]).To(Equal(addresses[1]))
	})
})

var _ = DescribeTable("Malformed roots are not accepted", Label("registry", "network"), func(roots string) {
	Expect(func() { registry.NewClient(registry.ClientOptions{TLSRoots: []byte(roots)}) }).To(Panic())
}, Entry("text", "roots"))
