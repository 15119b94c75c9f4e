// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// helmChart holds the parts that helm push stores under a tag. Each part may come from another chart.
type helmChart struct {
	version               string
	config, archive, prov []byte
}

func newHelmChart(version string) helmChart {
	return helmChart{version: version, config: charttest.ConfigJSON("app", version), archive: charttest.Archive("app", version)}
}

// text returns the text that helm signs for the chart.
func (c helmChart) text() string {
	return fmt.Sprintf("name: app\nversion: %[1]s\n\n...\nfiles:\n  app-%[1]s.tgz: %[2]s\n", c.version, digest.FromBytes(c.archive))
}

// signedBy returns the chart with a provenance file that the key signed an hour ago.
func (c helmChart) signedBy(key *openpgp.Entity) helmChart {
	c.prov = openpgptest.Sign(key, c.text(), openpgptest.At(time.Now().Add(-time.Hour)))
	return c
}

// store stores the chart under a tag, without a provenance file if it has none.
func (w *world) store(tag string, c helmChart) ocispec.Descriptor {
	layers := []ocispec.Descriptor{w.repo.PushBlob(chart.ArchiveMediaType, c.archive)}
	if c.prov != nil {
		layers = append(layers, w.repo.PushBlob(chart.ProvenanceMediaType, c.prov))
	}
	return w.repo.PushImage(tag, w.repo.PushBlob(chart.ConfigMediaType, c.config), layers...)
}

// newest requests the highest version.
func newest(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} }

var _ = Describe("A newer chart whose provenance file", Label("provenance"), func() {
	var (
		w       *world
		trusted []*openpgp.Entity
		ours    *openpgp.Entity
		past    time.Time
		signed  openpgptest.SignOption
	)
	// key makes a key that is in the keyring.
	key := func(options ...openpgptest.KeyOption) *openpgp.Entity {
		k := openpgptest.NewKey(append([]openpgptest.KeyOption{openpgptest.CreatedAt(past)}, options...)...)
		trusted = append(trusted, k)
		return k
	}
	// sign signs with a time an hour ago, unless an option sets another time.
	sign := func(k *openpgp.Entity, text string, options ...openpgptest.SignOption) []byte {
		return openpgptest.Sign(k, text, append([]openpgptest.SignOption{signed}, options...)...)
	}
	signBySubkey := func(k *openpgp.Entity, text string, options ...openpgptest.SubkeyOption) []byte {
		subkey := openpgptest.AddSubkey(k, append([]openpgptest.SubkeyOption{openpgptest.SubkeyCreatedAt(past)}, options...)...)
		return sign(k, text, openpgptest.With(subkey), openpgptest.Hashed(crypto.SHA256))
	}

	BeforeEach(func() {
		w = newWorld(context.Background())
		past, trusted = time.Now().Add(-24*time.Hour).Truncate(time.Second), nil
		signed, ours = openpgptest.At(time.Now().Add(-time.Hour)), key()
	})

	DescribeTable("is refused, and the older one stays",
		func(arrange func(c *helmChart)) {
			next := newHelmChart("1.1.0")
			arrange(&next)
			w.setKeyring(trusted...)
			published := w.store("1.0.0", newHelmChart("1.0.0").signedBy(ours))
			w.declare(byMaintainers, newest)
			artifact := w.ready(published.Digest).Status.Artifact

			w.registry.Reset()
			w.store("1.1.0", next)
			w.reconcile()
			obj := w.rejected()
			Expect(obj.Status.Artifact).To(Equal(artifact))
			Expect(artifactBytes(obj)).To(Equal(charttest.Archive("app", "1.0.0")))
			Expect(w.files()).To(HaveLen(1))
			Expect(w.registry.Requests()).NotTo(ContainElement(HaveSuffix(digest.FromBytes(next.archive).String())), "what is refused was downloaded")
		},
		Entry("F1: is not there", func(*helmChart) {}),
		Entry("F2: was altered", func(c *helmChart) {
			c.prov = bytes.Replace(sign(ours, c.text()), []byte("name: app\n"), []byte("name: app\n\n"), 1)
		}),
		Entry("F3: is a stranger's", func(c *helmChart) { c.prov = sign(openpgptest.NewKey(), c.text()) }),
		Entry("F4: is of another archive", func(c *helmChart) {
			c.prov = sign(ours, c.text())
			c.archive = charttest.Archive("app", "1.1.0", charttest.File("values.yaml", "replicas: 2\n"))
		}),
		Entry("F4: is the older chart's", func(c *helmChart) { c.prov = newHelmChart("1.0.0").signedBy(ours).prov }),
		Entry("F5: is of a replayed older chart", func(c *helmChart) { *c = newHelmChart("0.9.0").signedBy(ours) }),
		Entry("F5: is of a replayed older archive whose configuration has the newer version", func(c *helmChart) {
			config := c.config
			*c = newHelmChart("0.9.0").signedBy(ours)
			c.config = config
		}),
		Entry("F7: has text before it", func(c *helmChart) { c.prov = append([]byte("x\n"), sign(ours, c.text())...) }),
		Entry("F7: has two blocks", func(c *helmChart) { c.prov = append(sign(ours, c.text()), sign(ours, c.text())...) }),
		Entry("F8: has a header that does not belong there", func(c *helmChart) {
			c.prov = openpgptest.Framed("Comment: trust me\n", c.text(), openpgptest.Signature(ours, c.text(), signed))
		}),
		Entry("F9: is signed with SHA-1", func(c *helmChart) {
			rsa := key(openpgptest.Using(openpgptest.RSA2048))
			c.prov = openpgptest.Message(c.text(), openpgptest.RawSignature(rsa, c.text(), crypto.SHA1, past.Add(time.Hour)))
		}),
		Entry("F10: is signed by an RSA-1024 key", func(c *helmChart) { c.prov = sign(key(openpgptest.Using(openpgptest.RSA1024)), c.text()) }),
		Entry("F10: is signed by a DSA subkey", func(c *helmChart) { c.prov = signBySubkey(key(), c.text(), openpgptest.SubkeyUsing(openpgptest.DSA)) }),
		Entry("F11: is signed by a key that has expired", func(c *helmChart) {
			c.prov = sign(key(openpgptest.ExpiringAfter(2*time.Hour)), c.text(), openpgptest.At(past.Add(time.Hour)))
		}),
		Entry("F11: has a signature that has expired", func(c *helmChart) { c.prov = sign(ours, c.text(), openpgptest.Expiring(time.Minute)) }),
		Entry("F13: is signed by a subkey without a cross-signature", func(c *helmChart) {
			c.prov = signBySubkey(key(), c.text(), openpgptest.WithoutCrossSignature())
		}),
		Entry("F14: is signed by a subkey for encryption", func(c *helmChart) { c.prov = signBySubkey(key(), c.text(), openpgptest.ForEncryption()) }),
		Entry("F14: has a signature of a type that signs no text", func(c *helmChart) {
			c.prov = sign(ours, c.text(), openpgptest.OfType(packet.SigTypeDirectSignature))
		}),
		Entry("F15: was signed before the key was made", func(c *helmChart) { c.prov = sign(ours, c.text(), openpgptest.At(past.Add(-time.Hour))) }),
		Entry("F15: was signed in the future", func(c *helmChart) { c.prov = sign(ours, c.text(), openpgptest.At(time.Now().Add(time.Hour))) }),
		Entry("F19: names two versions", func(c *helmChart) { c.prov = sign(ours, "version: 1.2.0\n"+c.text()) }),
		Entry("F19: has a second end of a document", func(c *helmChart) { c.prov = sign(ours, c.text()+"...\n") }),
		Entry("F19: names a SHA-512", func(c *helmChart) {
			c.prov = sign(ours, strings.Replace(c.text(), digest.FromBytes(c.archive).String(), digest.SHA512.FromBytes(c.archive).String(), 1))
		}),
		Entry("F19: names thousands of files beside the archive", func(c *helmChart) {
			c.prov = sign(ours, c.text()+strings.Repeat("  x: "+digest.FromBytes(c.archive).String()+"\n", 3000))
		}),
		Entry("F20: names another chart", func(c *helmChart) { c.prov = sign(ours, strings.ReplaceAll(c.text(), "app", "other")) }),
		Entry("is signed by a key that is revoked", func(c *helmChart) {
			k := key()
			c.prov = sign(k, c.text())
			openpgptest.Revoke(k, time.Now(), packet.KeyRetired)
		}),
		Entry("is signed by a subkey that is revoked", func(c *helmChart) {
			k := key()
			c.prov = signBySubkey(k, c.text())
			openpgptest.RevokeSubkey(k, time.Now(), packet.KeyRetired)
		}),
	)

	// The archive is read only after verification, so an error in its Chart.yaml belongs to the validate step.
	It("F20: agrees with the configuration, but not with the archive's Chart.yaml, is refused as another chart, and the older one stays", func() {
		w.setKeyring(ours)
		published := w.store("1.0.0", newHelmChart("1.0.0").signedBy(ours))
		w.declare(byMaintainers, newest)
		artifact := w.ready(published.Digest).Status.Artifact
		next := newHelmChart("1.1.0")
		next.archive = charttest.Archive("app", "1.2.0")
		w.store("1.1.0", next.signedBy(ours))
		w.reconcile()
		obj := w.reason(v1alpha1.BuildFailedCondition, metav1.ConditionTrue, v1alpha1.ChartMismatchReason)
		Expect(obj.Status.Artifact).To(Equal(artifact))
		Expect(w.files()).To(HaveLen(1))
	})

	It("F21: is longer than 256 KiB is refused, and the file is not read", func() {
		w.setKeyring(ours)
		c := newHelmChart("1.0.0")
		layer := w.repo.PushBlob(chart.ProvenanceMediaType, append(sign(ours, c.text()), bytes.Repeat([]byte("\n"), 256<<10)...))
		w.repo.PushReferrer(chart.ProvenanceMediaType, w.store("1.0.0", c), layer)
		w.declare(byMaintainers)
		Expect(w.rejected().Status.Artifact).To(BeNil())
		Expect(w.files()).To(BeEmpty())
		Expect(w.registry.Requests()).NotTo(ContainElement(HaveSuffix(layer.Digest.String())))
	})
})

var _ = Describe("A chart with a good provenance file", Label("provenance"), func() {
	var (
		w    *world
		ours *openpgp.Entity
	)
	BeforeEach(func() {
		w = newWorld(context.Background())
		ours = openpgptest.NewKey()
		w.setKeyring(ours)
	})

	DescribeTable("F6: is published if a v leads or _ stands for +",
		func(tag, version string) {
			d := w.store(tag, newHelmChart(version).signedBy(ours))
			w.declare(byMaintainers, func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = tag })
			Expect(artifactBytes(w.ready(d.Digest))).To(Equal(charttest.Archive("app", version)))
		},
		Entry("in the tag", "v1.0.0", "1.0.0"),
		Entry("in the version", "1.0.0", "v1.0.0"),
		Entry("in the tag, with a build", "v1.0.0_b.1", "1.0.0+b.1"),
		Entry("in both, with a build", "v1.0.0_b.1", "v1.0.0+b.1"),
	)

	It("F16: is published even if a stranger signed the file first", func() {
		c, at := newHelmChart("1.0.0"), openpgptest.At(time.Now().Add(-time.Hour))
		c.prov = openpgptest.Message(c.text(), openpgptest.Signature(openpgptest.NewKey(), c.text(), at), openpgptest.Signature(ours, c.text(), at))
		w.declare(byMaintainers)
		w.ready(w.store("1.0.0", c).Digest)
	})

	DescribeTable("F3: cannot be verified by a keyring without a usable key, until there is one",
		func(entries func() map[string][]byte) {
			w.setSecret("maintainers", entries())
			d := w.store("1.0.0", newHelmChart("1.0.0").signedBy(ours))
			w.declare(byMaintainers)
			obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
			Expect(conditions.IsStalled(obj)).To(BeTrue())
			Expect(obj.Status.Artifact).To(BeNil())
			Expect(w.files()).To(BeEmpty())
			w.setKeyring(ours)
			w.ready(d.Digest)
		},
		Entry("which is empty", func() map[string][]byte { return nil }),
		Entry("whose entry is empty", func() map[string][]byte { return map[string][]byte{"pubring.gpg": nil} }),
		Entry("whose only key is weak", func() map[string][]byte {
			return map[string][]byte{"pubring.gpg": openpgptest.Public(openpgptest.NewKey(openpgptest.Using(openpgptest.RSA1024)))}
		}),
		Entry("whose only key is private", func() map[string][]byte { return map[string][]byte{"secring.gpg": openpgptest.Private(ours)} }),
	)

	// byBoth requires cosign's signature and a provenance file.
	byBoth := func(s *v1alpha1.VerifiedChartSpec) {
		release := s.Verify.Authorities[0]
		byMaintainers(s)
		s.Verify.Authorities = append(s.Verify.Authorities, release)
	}

	DescribeTable("F22: is refused if cosign's signature is good, but the provenance file is not",
		func(spoil func(c *helmChart)) {
			c := newHelmChart("1.0.0").signedBy(ours)
			spoil(&c)
			w.sign(w.store("1.0.0", c).Digest, w.ours)
			w.declare(byBoth)
			Expect(w.rejected().Status.Artifact).To(BeNil())
			Expect(w.files()).To(BeEmpty())
			good := w.store("1.0.0", newHelmChart("1.0.0").signedBy(ours))
			w.sign(good.Digest, w.ours)
			w.reconcile()
			Expect(w.ready(good.Digest).Status.Verification.Authorities).To(HaveLen(2))
		},
		Entry("there", func(c *helmChart) { c.prov = nil }),
		Entry("as it was signed", func(c *helmChart) { c.prov = bytes.Replace(c.prov, []byte("name: app\n"), []byte("name: app\n\n"), 1) }),
		Entry("by a known key", func(c *helmChart) { *c = c.signedBy(openpgptest.NewKey()) }),
		Entry("of this archive", func(c *helmChart) { c.archive = charttest.Archive("app", "1.0.0", charttest.File("NOTES", "x")) }),
	)

	It("F22: is refused if cosign's signature is a stranger's", func() {
		w.sign(w.store("1.0.0", newHelmChart("1.0.0").signedBy(ours)).Digest, w.theirs)
		w.declare(byBoth)
		Expect(w.rejected().Status.Artifact).To(BeNil())
	})

	It("F22: is withdrawn when the maintainer's key leaves the keyring, even if cosign's signature stays good", func() {
		d := w.store("1.0.0", newHelmChart("1.0.0").signedBy(ours))
		w.sign(d.Digest, w.ours)
		w.declare(byBoth)
		w.ready(d.Digest)
		w.setKeyring(openpgptest.NewKey())
		Expect(w.rejected().Status.Artifact).To(BeNil())
		Expect(w.files()).To(BeEmpty())
	})
})
