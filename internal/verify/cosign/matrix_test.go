// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"crypto"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// A world of signatures, in every combination.
type (
	// format is how a signature is written: the layers of the manifest that holds it.
	format struct {
		name, artifactType string
		layer              func(w *signing, how sigstoretest.How) ocispec.Descriptor
	}
	// method is who signs, and how that is trusted.
	method struct {
		name  string
		how   func(w *signing) sigstoretest.How
		trust func(w *signing) cosign.Authority
	}
	// location is a location of signatures.
	location struct {
		name    string
		arrange func(r *Repository)
		push    func(w *signing, artifactType string, layer ocispec.Descriptor)
	}
	// sigstore is the Sigstore whose root is trusted.
	shape struct {
		name  string
		start func() *sigstoretest.Sigstore
		how   func(*sigstoretest.How)
		lacks []sigstoretest.Part
	}
)

// signing is one combination.
type signing struct {
	sigstore *sigstoretest.Sigstore
	root     *trustroot.Root
	charts   *Repository // the repository of the chart
	keeps    *Repository // the repository of its signature
	subject  verify.Subject
	key      crypto.Signer
	// damage alters the pushed material.
	damage func(raw []byte) []byte
}

const signatureRepository = "registry.example/signatures"

var release = sigstoretest.How{
	Issuer: "https://issuer.example", Subject: "https://github.com/org/charts/.github/workflows/release.yml@refs/heads/main",
	Claims: certificate.Extensions{SourceRepositoryURI: "https://github.com/org/charts", RunnerEnvironment: "github-hosted"},
}

var formats = []format{
	{"a legacy signature", "application/vnd.dev.cosign.artifact.sig.v1+json", func(w *signing, how sigstoretest.How) ocispec.Descriptor {
		payload := Payload(w.subject.Manifest.Digest)
		annotations := w.sigstore.Legacy(payload, how)
		layer := w.keeps.PushBlob("application/vnd.dev.cosign.simplesigning.v1+json", w.damage(payload))
		layer.Annotations = annotations
		return layer
	}},
	{"a bundle with a statement", BundleMediaType, func(w *signing, how sigstoretest.How) ocispec.Descriptor {
		how.Statement = sigstoretest.CosignSign
		how.Alter = func(b *pbbundle.Bundle) {
			b.GetDsseEnvelope().Payload = w.damage(b.GetDsseEnvelope().Payload)
		}
		return w.keeps.PushBlob(BundleMediaType, w.sigstore.Bundle(w.subject.Raw, how))
	}},
	{"a bundle of the manifest", BundleMediaType, func(w *signing, how sigstoretest.How) ocispec.Descriptor {
		how.Alter = func(b *pbbundle.Bundle) {
			b.GetMessageSignature().Signature = w.damage(b.GetMessageSignature().Signature)
		}
		return w.keeps.PushBlob(BundleMediaType, w.sigstore.Bundle(w.subject.Raw, how))
	}},
}

var methods = []method{
	{"with a key",
		func(w *signing) sigstoretest.How { return sigstoretest.How{Key: w.key} },
		func(w *signing) cosign.Authority {
			return cosign.Authority{Trust: bundle.Trust{Keys: []bundle.Key{w.publicKey()}}}
		}},
	{"with a key, and logged",
		func(w *signing) sigstoretest.How { return sigstoretest.How{Key: w.key} },
		func(w *signing) cosign.Authority {
			return cosign.Authority{Trust: bundle.Trust{Keys: []bundle.Key{w.publicKey()}, Root: w.root, Log: w.log()}}
		}},
	{"keyless",
		func(*signing) sigstoretest.How { return release },
		func(w *signing) cosign.Authority {
			return cosign.Authority{Trust: bundle.Trust{Root: w.root}, Identities: identities("https://issuer[.]example", "https://github[.]com/org/.*")}
		}},
}

func (w *signing) publicKey() bundle.Key {
	GinkgoHelper()
	key, err := bundle.ParseKey("release.pub", sigstoretest.PublicKey(w.key))
	Expect(err).NotTo(HaveOccurred())
	return key
}

// log is a policy for logs.
func (w *signing) log() bundle.LogPolicy {
	if w.root.HasLogs() {
		return bundle.LogRequired
	}
	return bundle.LogIgnored
}

func identities(issuer, subject string) []cosign.Identity {
	GinkgoHelper()
	identity, err := cosign.NewIdentity(issuer, subject, certificate.Extensions{})
	Expect(err).NotTo(HaveOccurred())
	return []cosign.Identity{identity}
}

var locations = []location{
	{"referrers API", func(*Repository) {}, func(w *signing, artifactType string, layer ocispec.Descriptor) {
		w.keeps.PushReferrer(artifactType, w.subject.Manifest, layer)
	}},
	{"referrers tag", func(r *Repository) { r.WithoutReferrers = true }, func(w *signing, artifactType string, layer ocispec.Descriptor) {
		w.keeps.PushReferrer(artifactType, w.subject.Manifest, layer)
	}},
	{"referrers tag that lists it as empty", func(r *Repository) { r.WithoutReferrers, r.ListedAs = true, ocispec.MediaTypeEmptyJSON }, func(w *signing, artifactType string, layer ocispec.Descriptor) {
		w.keeps.PushReferrer(artifactType, w.subject.Manifest, layer)
	}},
	{"referrers tag of a registry that has the API now", func(r *Repository) { r.WithoutReferrers = true }, func(w *signing, artifactType string, layer ocispec.Descriptor) {
		subject := w.subject.Manifest
		d := w.keeps.PushReferrer(artifactType, subject, layer)
		w.keeps.PushIndex(registrytest.ReferrersTag(subject.Digest), d)
		w.keeps.WithoutReferrers, w.keeps.HideReferrers = false, true
	}},
	{"signature tag", func(*Repository) {}, func(w *signing, _ string, layer ocispec.Descriptor) {
		w.keeps.PushLayers(SignatureTag(w.subject.Manifest.Digest), layer)
	}},
	{"signature tag of a registry without referrers", func(r *Repository) { r.WithoutReferrers = true }, func(w *signing, _ string, layer ocispec.Descriptor) {
		w.keeps.PushLayers(SignatureTag(w.subject.Manifest.Digest), layer)
	}},
}

var shapes = []shape{
	{"the public Sigstore's shape of root", sigstoretest.New, func(h *sigstoretest.How) { h.Log, h.Stamped = sigstoretest.RekorV1, true }, nil},
	{"a root with Rekor v2", sigstoretest.NewSmall, func(h *sigstoretest.How) { h.Log, h.Stamped = sigstoretest.RekorV2, true }, nil},
	{"a root with only timestamp authorities", sigstoretest.NewSmall, func(h *sigstoretest.How) { h.Stamped, h.WithoutSCT = true, true }, []sigstoretest.Part{sigstoretest.Log, sigstoretest.CTLog}},
}

// sensible reports whether a combination makes sense: a legacy signature cannot hold an entry of Rekor v2.
func sensible(f format, s shape) bool {
	return f.name != formats[0].name || s.name != shapes[1].name
}

func arrange(f format, m method, p location, other bool, s shape, damage func([]byte) []byte) (*signing, error) {
	GinkgoHelper()
	w := &signing{sigstore: s.start(), charts: NewRepository(), key: sigstoretest.NewKey(), damage: damage}
	w.root, w.keeps = rootOf(w.sigstore, s.lacks...), w.charts
	authority := m.trust(w)
	if other {
		w.keeps, authority.Repository = w.charts.Other(signatureRepository), signatureRepository
	}
	p.arrange(w.keeps)
	w.subject = w.charts.Subject("chart")
	how := m.how(w)
	s.how(&how)
	p.push(w, f.artifactType, f.layer(w, how))
	_, err := check(trusting(authority), w.subject, w.charts)
	return w, err
}

func rootOf(s *sigstoretest.Sigstore, without ...sigstoretest.Part) *trustroot.Root {
	GinkgoHelper()
	root, err := trustroot.Parse(s.Root(without...))
	Expect(err).NotTo(HaveOccurred())
	return root
}

var _ = Describe("The matrix of signatures", Label("cosign", "keyless"), func() {
	intact := func(raw []byte) []byte { return raw }
	oneByte := func(raw []byte) []byte {
		changed := append([]byte(nil), raw...)
		changed[len(changed)-2] ^= 1
		return changed
	}
	for _, f := range formats {
		for _, m := range methods {
			for _, p := range locations {
				for _, s := range shapes {
					for _, other := range []bool{false, true} {
						if !sensible(f, s) {
							continue
						}
						repository := "in the repository of the chart"
						if other {
							repository = "in another repository"
						}
						name := fmt.Sprintf("%s %s, in the %s, %s, by %s", f.name, m.name, p.name, repository, s.name)
						It("accepts "+name, func() {
							_, err := arrange(f, m, p, other, s, intact)
							Expect(err).NotTo(HaveOccurred())
						})
						It("refuses, with one byte wrong, "+name, func() {
							_, err := arrange(f, m, p, other, s, oneByte)
							Expect(err).To(MatchError(verify.ErrRejected))
						})
					}
				}
			}
		}
	}
})
