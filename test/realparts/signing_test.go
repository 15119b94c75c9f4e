// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	verifycosign "github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/test/process"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

func ec(curve elliptic.Curve) func() (any, error) {
	return func() (any, error) { return ecdsa.GenerateKey(curve, rand.Reader) }
}

func rsaBits(n int) func() (any, error) {
	return func() (any, error) { return rsa.GenerateKey(rand.Reader, n) }
}

func ed() (any, error) { _, k, err := ed25519.GenerateKey(rand.Reader); return k, err }

// authority trusts the keys.
func authority(keys ...realparts.Key) verify.Verifier {
	GinkgoHelper()
	var parsed []bundle.Key
	for _, k := range keys {
		public, err := k.Public()
		Expect(err).NotTo(HaveOccurred())
		key, err := bundle.ParseKey(k.Name, public)
		Expect(err).NotTo(HaveOccurred())
		parsed = append(parsed, key)
	}
	v, err := verifycosign.New(verifycosign.Authority{Name: "release", Trust: bundle.Trust{Keys: parsed}, Every: true})
	Expect(err).NotTo(HaveOccurred())
	return v
}

// repository returns the repository that a chart was pushed to.
func repository(pushed realparts.Pushed) registry.Reader {
	GinkgoHelper()
	reader, err := registry.NewClient(registry.ClientOptions{AllowedHosts: []string{"127.0.0.1"}}).Repository(registry.Target{Repository: pushed.Repository, PlainHTTP: true})
	Expect(err).NotTo(HaveOccurred())
	return reader
}

// verifySignatures runs v on the pushed chart, in its present state in the registry.
func verifySignatures(ctx SpecContext, pushed realparts.Pushed, v verify.Verifier) ([]string, error) {
	GinkgoHelper()
	reader := repository(pushed)
	manifest, err := reader.Resolve(ctx, pushed.Version)
	Expect(err).NotTo(HaveOccurred())
	Expect(manifest.Descriptor.Digest).To(Equal(pushed.Digest), "the digest that helm printed")
	accepted, err := verify.Check(ctx, v, verify.Subject{Repository: pushed.Repository, Manifest: manifest.Descriptor, Raw: manifest.Raw}, reader)
	var keys []string
	for _, signature := range accepted.Result().Signatures {
		keys = append(keys, signature.Key)
	}
	return keys, err
}

var _ = Describe("a chart that the real helm pushed and the real cosign signed", Label("cosign"), func() {
	for _, kind := range []string{"the distribution registry", "a registry with the referrers API"} {
		Context("into "+kind, Ordered, func() {
			var (
				hub    realparts.OCIRegistry
				helm   *realparts.Helm
				cosign *realparts.Cosign
				known  realparts.Key
			)

			BeforeAll(func(ctx SpecContext) {
				var group process.Group
				DeferCleanup(group.Stop)
				dir := GinkgoT().TempDir()
				var err error
				hub = realparts.StartReferrersRegistry()
				if kind == "the distribution registry" {
					Expect(hub.Close()).To(Succeed())
					hub, err = realparts.StartDistribution(ctx, dir, &group)
					Expect(err).NotTo(HaveOccurred())
				}
				DeferCleanup(func() error { return hub.Close() })
				helm, err = realparts.NewHelm(dir)
				Expect(err).NotTo(HaveOccurred())
				cosign, err = realparts.NewCosign(dir)
				Expect(err).NotTo(HaveOccurred())
				known, err = cosign.GenerateKey(ctx, "known")
				Expect(err).NotTo(HaveOccurred())
			})

			push := func(ctx SpecContext, name string) realparts.Pushed {
				GinkgoHelper()
				chart, err := helm.Package(ctx, name, "1.0.0", name)
				Expect(err).NotTo(HaveOccurred())
				pushed, err := helm.Push(ctx, chart, hub, "charts")
				Expect(err).NotTo(HaveOccurred())
				return pushed
			}

			DescribeTable("is trusted if the key is", func(ctx SpecContext, name string, private func() (any, error)) {
				secret, err := private()
				Expect(err).NotTo(HaveOccurred())
				key, err := cosign.ImportKey(ctx, name, secret)
				Expect(err).NotTo(HaveOccurred())
				pushed := push(ctx, name)
				Expect(cosign.Sign(ctx, key, pushed.Ref())).To(Succeed())
				Expect(verifySignatures(ctx, pushed, authority(known, key))).To(ConsistOf(name))
			},
				Entry("D17: ECDSA on P-256", "p256", ec(elliptic.P256())),
				Entry("D17: ECDSA on P-384", "p384", ec(elliptic.P384())),
				Entry("D17: ECDSA on P-521", "p521", ec(elliptic.P521())),
				Entry("D17: RSA with 2048 bits", "rsa2048", rsaBits(2048)),
				Entry("D17: RSA with 3072 bits", "rsa3072", rsaBits(3072)),
				Entry("D17: RSA with 4096 bits", "rsa4096", rsaBits(4096)),
				Entry("D17: Ed25519", "ed25519", ed),
			)

			It("is trusted if the signature carries a bundle of a transparency log, which a key does not need", func(ctx SpecContext) {
				log, entries := startLog()
				pushed := push(ctx, "logged")
				Expect(cosign.Sign(ctx, known, pushed.Ref(), "--tlog-upload=true", "--rekor-url="+log)).To(Succeed())
				Expect(entries()).To(Equal(1))
				signature, err := repository(pushed).Resolve(ctx, strings.Replace(pushed.Digest.String(), ":", "-", 1)+".sig")
				Expect(err).NotTo(HaveOccurred())
				Expect(string(signature.Raw)).To(ContainSubstring(`"dev.sigstore.cosign/bundle"`))
				Expect(verifySignatures(ctx, pushed, authority(known))).To(ConsistOf("known"))
			})

			It("D1: is refused while it is unsigned", func(ctx SpecContext) {
				_, err := verifySignatures(ctx, push(ctx, "unsigned"), authority(known))
				Expect(err).To(MatchError(verify.ErrRejected))
			})

			It("D2, D10: is refused if only a stranger signed it, and trusted once a known key has signed it too", func(ctx SpecContext) {
				stranger, err := cosign.GenerateKey(ctx, "stranger")
				Expect(err).NotTo(HaveOccurred())
				pushed := push(ctx, "second")
				Expect(cosign.Sign(ctx, stranger, pushed.Ref())).To(Succeed())
				_, err = verifySignatures(ctx, pushed, authority(known))
				Expect(err).To(MatchError(verify.ErrRejected))
				Expect(cosign.Sign(ctx, known, pushed.Ref())).To(Succeed())
				Expect(verifySignatures(ctx, pushed, authority(known))).To(ConsistOf("known"))
			})
		})
	}
})
