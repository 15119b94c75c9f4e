// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	rings "github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// release is a chart in a repository, to which signatures of both kinds are attached.
type release struct {
	repo    *Repository
	subject verify.Subject
}

func newRelease() *release {
	repo := NewRepository()
	config := repo.PushBlob("application/vnd.cncf.helm.config.v1+json", []byte(`{"name":"app","version":"1.0.0"}`))
	archive := repo.PushBlob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", []byte("archive"))
	raw, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{archive},
	})
	Expect(err).NotTo(HaveOccurred())
	return &release{repo, verify.Subject{
		Repository: "registry.example/charts/app", Manifest: repo.PushManifest("1.0.0", raw), Raw: raw,
		Chart: verify.Chart{Name: "app", Version: "1.0.0", Archive: archive, Config: config},
	}}
}

// text returns the text that helm signs for the chart.
func (r *release) text() string {
	return fmt.Sprintf("name: app\nversion: 1.0.0\n\n...\nfiles:\n  app-1.0.0.tgz: %s\n", r.subject.Chart.Archive.Digest)
}

// attach attaches a provenance file.
func (r *release) attach(prov []byte) ocispec.Descriptor {
	layer := r.repo.PushBlob(provenance.MediaType, prov)
	r.repo.PushReferrer(provenance.MediaType, r.subject.Manifest, layer)
	return layer
}

// An act changes a release.
type act func(*release)

func cosigned(by ...Signer) act { return func(r *release) { SignLegacy(r.repo, r.subject, by...) } }

func cosignOutOfReach(r *release) {
	r.repo.Fail(SignatureTag(r.subject.Manifest.Digest), ErrUnreachable)
}

// provided attaches a signed provenance file. The functions change its text before.
func provided(by *openpgp.Entity, change ...func(string) string) act {
	return func(r *release) {
		text := r.text()
		for _, c := range change {
			text = c(text)
		}
		r.attach(openpgptest.Sign(by, text))
	}
}

func altered(by *openpgp.Entity) act {
	return func(r *release) {
		r.attach([]byte(strings.Replace(string(openpgptest.Sign(by, r.text())), "name: app\n", "name: app\n\n", 1)))
	}
}

func outOfReach(by *openpgp.Entity) act {
	return func(r *release) {
		r.repo.Fail(r.attach(openpgptest.Sign(by, r.text())).Digest.String(), ErrUnreachable)
	}
}

// A party is an authority, and the content of its Secret.
type party struct {
	authority v1alpha1.Authority
	material  policy.Material
}

func byKey(name string, keys ...Signer) party {
	return party{v1alpha1.Authority{Name: name, Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: name}}, secret(keys...)}
}

func byKeyring(name string, keys ...*openpgp.Entity) party {
	return party{v1alpha1.Authority{Name: name, Provider: v1alpha1.ProvenanceProvider, SecretRef: &meta.LocalObjectReference{Name: name}}, keyringFor(keys...)}
}

// keyringFor returns the material of a provenance authority.
func keyringFor(keys ...*openpgp.Entity) policy.Material {
	ring, err := rings.Parse(context.Background(), map[string][]byte{"pubring.gpg": openpgptest.Public(keys...)})
	if err != nil {
		return policy.Material{Err: fmt.Errorf("%w: %w", verify.ErrTrustMalformed, err)}
	}
	return policy.Material{Keyring: ring}
}

// combine requires the parties like spec.verify: all of them if atLeast is 0.
func combine(atLeast int32, parties []party) verify.Verifier {
	v, material := spec(atLeast), map[string]policy.Material{}
	for _, p := range parties {
		v.Authorities = append(v.Authorities, p.authority)
		material[p.authority.Name] = p.material
	}
	return only(v, material)
}

var _ = Describe("A policy of cosign and provenance", Label("cosign", "provenance"), func() {
	const all, either = 0, 1
	ours, theirs := P256(), P256()
	ada, bob, mallory := openpgptest.NewKey(), openpgptest.NewKey(), openpgptest.NewKey()
	subkey := openpgptest.AddSubkey(ada)
	adaSigner, bobSigner := fmt.Sprintf("OPENPGP:%X", ada.PrimaryKey.Fingerprint), fmt.Sprintf("OPENPGP:%X", bob.PrimaryKey.Fingerprint)

	both := []party{byKey("release", ours), byKeyring("maintainers", ada)}
	three := append(both[:2:2], byKeyring("partners", bob))
	adaTwice := append(both[:2:2], byKeyring("partners", ada))
	adaShared := []party{byKeyring("maintainers", ada, bob), byKeyring("partners", ada)}
	oursTwice := []party{byKey("release", ours), byKey("security", ours), byKeyring("maintainers", ada)}
	ringless := []party{byKey("release", ours), byKeyring("maintainers")}

	verifyChart := func(atLeast int32, parties []party, acts []act) ([]string, error) {
		r := newRelease()
		for _, do := range acts {
			do(r)
		}
		accepted, err := verify.Check(context.Background(), combine(atLeast, parties), r.subject, r.repo)
		var signers []string
		for _, v := range accepted.Result().Signatures {
			signers = append(signers, v.Signer)
		}
		return signers, err
	}

	DescribeTable("accepts",
		func(atLeast int, parties []party, acts []act, signers ...any) {
			got, err := verifyChart(int32(atLeast), parties, acts)
			Expect(err).NotTo(HaveOccurred())
			Expect(got).To(ConsistOf(signers...))
		},
		Entry("all, if both are good", all, both, []act{cosigned(ours), provided(ada)}, HavePrefix("SHA256:"), adaSigner),
		Entry("all, if one key signed for two authorities: each authority counts", all, adaTwice,
			[]act{cosigned(ours), provided(ada)}, HavePrefix("SHA256:"), adaSigner, adaSigner),
		Entry("all, if a stranger's file stands beside the good one", all, both,
			[]act{cosigned(theirs, ours), provided(mallory), provided(ada)}, HavePrefix("SHA256:"), adaSigner),
		Entry("either, if cosign's is missing", either, both, []act{provided(ada)}, adaSigner),
		Entry("either, if cosign's is a stranger's", either, both, []act{cosigned(theirs), provided(ada)}, adaSigner),
		Entry("either, if cosign's cannot be read", either, both, []act{cosignOutOfReach, provided(ada)}, adaSigner),
		Entry("either, if the provenance file is missing", either, both, []act{cosigned(ours)}, HavePrefix("SHA256:")),
		Entry("either, if the provenance file was altered", either, both, []act{cosigned(ours), altered(ada)}, HavePrefix("SHA256:")),
		Entry("either, if the provenance file cannot be read", either, both, []act{cosigned(ours), outOfReach(ada)}, HavePrefix("SHA256:")),
		Entry("either, if the keyring is empty", either, ringless, []act{cosigned(ours), provided(ada)}, HavePrefix("SHA256:")),
		Entry("two of three, if cosign's is a stranger's", 2, three, []act{cosigned(theirs), provided(ada), provided(bob)}, adaSigner, bobSigner),
		Entry("two of three, if cosign's cannot be read", 2, three, []act{cosignOutOfReach, provided(ada), provided(bob)}, adaSigner, bobSigner),
		Entry("two of three, if one provenance file was altered", 2, three, []act{cosigned(ours), altered(ada), provided(bob)}, HavePrefix("SHA256:"), bobSigner),
		Entry("two of three, if one provenance file cannot be read", 2, three, []act{cosigned(ours), outOfReach(ada), provided(bob)}, HavePrefix("SHA256:"), bobSigner),
		Entry("three of three, of which two use one keyring", 3, []party{byKey("release", ours), adaShared[0], adaShared[1]},
			[]act{cosigned(ours), provided(ada), provided(bob)}, HavePrefix("SHA256:"), bobSigner, adaSigner),
		Entry("two of three, two of which list the one OpenPGP key, if cosign's is good", 2, adaTwice, []act{cosigned(ours), provided(ada)}, HavePrefix("SHA256:"), adaSigner),
		Entry("two of three, two of which list the one cosign key, if the provenance file is good", 2, oursTwice, []act{cosigned(ours), provided(ada)}, HavePrefix("SHA256:"), adaSigner),
	)

	DescribeTable("refuses",
		func(atLeast int, parties []party, acts ...act) {
			_, err := verifyChart(int32(atLeast), parties, acts)
			Expect(err).To(MatchError(verify.ErrRejected))
			Expect(err).NotTo(MatchError(verify.ErrTrustUnavailable))
		},
		Entry("F22: all, if the provenance file is missing", all, both, cosigned(ours)),
		Entry("F22: all, if the provenance file was altered", all, both, cosigned(ours), altered(ada)),
		Entry("F22: all, if the provenance file is a stranger's", all, both, cosigned(ours), provided(mallory)),
		Entry("F22: all, if the provenance file is of another archive", all, both, cosigned(ours), provided(ada, func(s string) string {
			return strings.Replace(s, "sha256:", "sha256:"+strings.Repeat("0", 64)+" #", 1)
		})),
		Entry("F22: all, if the provenance file is an older chart's", all, both, cosigned(ours), provided(ada, func(s string) string {
			return strings.ReplaceAll(s, "1.0.0", "0.9.0")
		})),
		Entry("F22: all, if the provenance file was altered, and cosign's cannot be read: no answer could change the verdict", all, both, cosignOutOfReach, altered(ada)),
		Entry("all, if cosign's is missing", all, both, provided(ada)),
		Entry("all, if cosign's is a stranger's", all, both, cosigned(theirs), provided(ada)),
		Entry("all, if cosign's is of another manifest", all, both, provided(ada), func(r *release) {
			r.repo.PushLayers(SignatureTag(r.subject.Manifest.Digest), ours.Legacy(r.repo, Payload(r.subject.Chart.Archive.Digest)))
		}),
		Entry("all, if cosign's is a stranger's, and the keyring is empty: no answer could change the verdict", all, ringless, cosigned(theirs)),
		Entry("either, if neither is there", either, both),
		Entry("either, if neither is good", either, both, cosigned(theirs), provided(mallory)),
		Entry("two of three, if two are bad", 2, three, cosigned(theirs), altered(ada), provided(bob)),
		Entry("two of three, if the provenance files are bad, and cosign's cannot be read: no answer could change the verdict", 2, three, cosignOutOfReach, altered(ada), altered(bob)),
		Entry("two of three, if two list the one OpenPGP key", 2, adaTwice, cosigned(theirs), provided(ada)),
		Entry("two of three, if two list the one OpenPGP key, which signed with its subkey too", 2, adaTwice, cosigned(theirs), provided(ada),
			func(r *release) { r.attach(openpgptest.Sign(ada, r.text(), openpgptest.With(subkey))) }),
		Entry("two of three, if two list the one cosign key", 2, oursTwice, cosigned(ours), provided(mallory)),
		Entry("three of three, if two list the one OpenPGP key", 3, adaTwice, cosigned(ours), provided(ada)),
	)

	DescribeTable("reaches no verdict",
		func(atLeast int, parties []party, want error, acts ...act) {
			_, err := verifyChart(int32(atLeast), parties, acts)
			Expect(err).To(MatchError(want))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("all, if cosign's cannot be read", all, both, ErrUnreachable, cosignOutOfReach, provided(ada)),
		Entry("all, if the provenance file cannot be read", all, both, ErrUnreachable, cosigned(ours), outOfReach(ada)),
		Entry("F3: all, if the keyring is empty", all, ringless, verify.ErrTrustMalformed, cosigned(ours), provided(ada)),
		Entry("either, if cosign's is a stranger's, and the provenance file cannot be read", either, both, ErrUnreachable, cosigned(theirs), outOfReach(ada)),
		Entry("either, if the provenance file was altered, and cosign's cannot be read", either, both, ErrUnreachable, cosignOutOfReach, altered(ada)),
		Entry("F3: either, if the keyring is empty, and cosign's is a stranger's", either, ringless, verify.ErrTrustMalformed, cosigned(theirs), provided(ada)),
		Entry("two of three, if one is good, one bad, and cosign's cannot be read", 2, three, ErrUnreachable, cosignOutOfReach, altered(ada), provided(bob)),
		Entry("two of three, if one is good, one bad, and one provenance file cannot be read", 2, three, ErrUnreachable, cosigned(theirs), provided(ada), outOfReach(bob)),
		Entry("two of three that list one OpenPGP key twice, if cosign's cannot be read", 2, adaTwice, ErrUnreachable, cosignOutOfReach, provided(ada)),
	)
})
