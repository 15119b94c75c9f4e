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
		return open(newClient(allowed...), registry.Target{Repository: p.Host() + "/" + app, Route: trusting(roots)})
	}

	// certificate is a certificate that a registry presents.
	type certificate struct {
		change    func(*x509.Certificate) // after which it is signed
		untrusted bool                    // whether no trusted authority signed it
		isRead    bool                    // whether the registry is read
	}
	DescribeTable("A15: is read with a good certificate only", func(c certificate) {
		ca := newAuthority()
		p := push(registrytest.Certificate(ca.issue(c.change)))
		roots := ca.roots()
		if c.untrusted {
			roots = newAuthority().roots()
		}
		if !c.isRead {
			Expect(resolve(ctx, p, secure(p, roots))).To(HaveOccurred())
			Expect(p.Requests()).To(BeEmpty())
			return
		}
		Expect(resolve(ctx, p, secure(p, roots))).To(Succeed())
	},
		Entry("a good one", certificate{change: func(*x509.Certificate) {}, isRead: true}),
		Entry("an expired one", certificate{change: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }}),
		Entry("one that is not valid yet", certificate{change: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }}),
		Entry("one for another name", certificate{change: func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"registry.example"} }}),
		Entry("one for a client", certificate{change: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }}),
		Entry("one of an unknown authority", certificate{change: func(*x509.Certificate) {}, untrusted: true}),
	)

	It("A15: is not read if no option trusts its authority", func() {
		p := push(registrytest.TLS)
		Expect(resolve(ctx, p, secure(p, nil))).To(HaveOccurred())
		Expect(p.Requests()).To(BeEmpty())
		Expect(resolve(ctx, p, secure(p, p.Roots()))).To(Succeed())
	})

	It("A14: that only speaks plain HTTP is not read, and gets no request in cleartext", func() {
		p := push()
		Expect(resolve(ctx, p, secure(p, nil))).To(HaveOccurred())
		Expect(p.Requests()).To(BeEmpty())
	})

	It("A14: is not read over plain HTTP, even if plain HTTP is configured", func() {
		p := push(registrytest.TLS)
		Expect(resolve(ctx, p, p.reader())).To(HaveOccurred())
		Expect(p.Requests()).To(BeEmpty())
	})

	It("A14: cannot redirect to plain HTTP", func() {
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

	It("A14: cannot name a token service over plain HTTP", func() {
		p, plain := push(registrytest.TLS), push()
		p.Break(answer(http.StatusUnauthorized, "Www-Authenticate", `Bearer realm="`+plain.Server.URL+`/token"`))
		Expect(resolve(ctx, p, secure(p, p.Roots(), "127.0.0.1"))).To(HaveOccurred())
		Expect(plain.Requests()).To(BeEmpty())
	})

	It("A14: cannot redirect back to plain HTTP after a redirect from plain HTTP", func() {
		first, second, third := push(), push(registrytest.TLS), push()
		first.Break(redirect(second.Server.URL))
		second.Break(redirect(third.Server.URL))
		target := first.target()
		target.Route = trusting(second.Roots())
		Expect(resolve(ctx, first, open(newClient(), target))).To(HaveOccurred())
		Expect(second.Requests()).To(HaveLen(1))
		Expect(third.Requests()).To(BeEmpty())
	})

	It("A14: does not get a token that was sent in cleartext", func() {
		p, constant := push(), push(registrytest.TLS)
		p.Break(newGate(p).fault)
		client := newClient()
		target := p.target()
		target.Route = trusting(constant.Roots())
		target.Credentials = credentials(p.Host(), login("user", "hunter2"))
		Expect(resolve(ctx, p, open(client, target))).To(Succeed())
		p.Close()

		again := push(registrytest.TLS, registrytest.Addr(p.Host()))
		var sent []string
		again.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			sent = append(sent, r.Header.Values("Authorization")...)
			return false
		})
		target.PlainHTTP = false
		Expect(resolve(ctx, again, open(client, target))).To(Succeed())
		Expect(sent).To(BeEmpty())
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
