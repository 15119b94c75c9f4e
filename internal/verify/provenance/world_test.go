// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	keys "github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// made is the creation time of the keys, and signed the signing time of the charts.
var (
	made   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	signed = made.AddDate(0, 1, 0)
	now    = made.AddDate(0, 2, 0)
)

// text returns the text that Helm signs for a chart.
func text(name, version string, d ocispec.Descriptor) string {
	return fmt.Sprintf("apiVersion: v2\nname: %[1]s\nversion: %[2]s\n\n...\nfiles:\n  %[1]s-%[2]s.tgz: %[3]s\n", name, version, d.Digest)
}

// world is a repository with a chart.
type world struct {
	repo         *verifytest.Repository
	ours, theirs *openpgp.Entity
	archive      ocispec.Descriptor
	config       ocispec.Descriptor
}

func newWorld() *world {
	w := &world{repo: verifytest.NewRepository()}
	w.ours, w.theirs = openpgptest.NewKey(openpgptest.CreatedAt(made)), openpgptest.NewKey(openpgptest.CreatedAt(made))
	w.archive = w.repo.PushBlob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", []byte("archive"))
	w.config = w.configure("app", "1.0.0")
	return w
}

func (w *world) configure(name, version string) ocispec.Descriptor {
	raw, err := json.Marshal(map[string]string{"name": name, "version": version})
	Expect(err).NotTo(HaveOccurred())
	return w.repo.PushBlob("application/vnd.cncf.helm.config.v1+json", raw)
}

// prov returns the provenance file of the chart, changed before it is signed.
func (w *world) prov(by *openpgp.Entity, change ...func(string) string) []byte {
	content := text("app", "1.0.0", w.archive)
	for _, c := range change {
		content = c(content)
	}
	return openpgptest.Sign(by, content, openpgptest.At(signed))
}

// subject pushes the chart's manifest, with the provenance file among its layers if there is one.
func (w *world) subject(prov ...[]byte) verify.Subject {
	layers := []ocispec.Descriptor{w.archive}
	chart := verify.Chart{Name: "app", Version: "1.0.0", Archive: w.archive, Config: w.config}
	for _, p := range prov {
		d := w.repo.PushBlob(provenance.MediaType, p)
		layers = append([]ocispec.Descriptor{d}, layers...)
		chart.Provenance = &d
	}
	raw, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: w.config, Layers: layers})
	Expect(err).NotTo(HaveOccurred())
	return verify.Subject{Repository: "registry.example/charts/app", Manifest: w.repo.PushManifest("", raw), Raw: raw, Chart: chart}
}

func (w *world) trusting(change ...func(*provenance.Authority)) *provenance.Verifier {
	GinkgoHelper()
	ring, err := keys.Parse(context.Background(), map[string][]byte{"pubring.gpg": openpgptest.Public(w.ours)})
	Expect(err).NotTo(HaveOccurred())
	a := provenance.Authority{Name: "maintainers", Keyring: ring, Now: func() time.Time { return now }}
	for _, c := range change {
		c(&a)
	}
	v, err := provenance.New(a)
	Expect(err).NotTo(HaveOccurred())
	return v
}

func (w *world) check(v verify.Verifier, s verify.Subject) (verify.Result, error) {
	accepted, err := verify.Check(context.Background(), v, s, w.repo)
	return accepted.Result(), err
}

// named returns a layer as oras writes it.
func (w *world) named(name string, raw []byte) ocispec.Descriptor {
	d := w.repo.PushBlob("application/vnd.oci.image.layer.v1.tar", raw)
	d.Annotations = map[string]string{ocispec.AnnotationTitle: name}
	return d
}
