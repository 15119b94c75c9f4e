package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

const (
	maintainer   = "Maintainers <maintainers@example.com>"
	byMaintainer = "name: maintainers, provider: provenance, secretRef: {name: maintainers}"
)

// maintainers are who signs with `helm package --sign`.
type maintainers struct {
	key     *openpgp.Entity
	keyring string // file with the private key
}

func newMaintainers(dir string) maintainers {
	GinkgoHelper()
	key := openpgptest.NewKey(openpgptest.WithUserIDs(maintainer), openpgptest.CreatedAt(time.Now().Add(-time.Hour)))
	keyring := filepath.Join(dir, fmt.Sprintf("%X.gpg", key.PrimaryKey.Fingerprint))
	Expect(os.WriteFile(keyring, openpgptest.Private(key), 0o600)).To(Succeed())
	return maintainers{key, keyring}
}

// trustMaintainers makes the keyring the one of the Secret.
func trustMaintainers(ctx context.Context, w *scenario.World, m maintainers) {
	GinkgoHelper()
	Expect(w.Kubectl.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: maintainers, namespace: %s}
data: {pubring.gpg: %s}
`, scenario.Namespace, base64.StdEncoding.EncodeToString(openpgptest.Public(m.key))))).To(Succeed())
}

// provenance is what helm signs, wherever it is kept.
func provenance(w **scenario.World) {
	var ours, theirs maintainers
	// put packages and signs a chart, has its provenance file kept somewhere, and declares it.
	put := func(ctx context.Context, w *scenario.World, name string, by maintainers, keep func(*realparts.Oras, realparts.Chart) (attach func(realparts.Pushed) error)) {
		GinkgoHelper()
		chart, err := w.Helm.PackageSigned(ctx, name, scenario.Version, "hello from the "+name+" chart", by.keyring, maintainer)
		Expect(err).NotTo(HaveOccurred())
		oras, err := realparts.NewOras(w.Dir)
		Expect(err).NotTo(HaveOccurred())
		attach := keep(oras, chart)
		w.Charts[name], err = w.Helm.Push(ctx, chart, w.Registry, "charts")
		Expect(err).NotTo(HaveOccurred())
		Expect(attach(w.Charts[name])).To(Succeed())
		Expect(w.DeclareFor(ctx, name, "tag: "+scenario.Version, byMaintainer)).To(Succeed())
	}
	inPlace := func(*realparts.Oras, realparts.Chart) func(realparts.Pushed) error {
		return func(realparts.Pushed) error { return nil }
	}
	// aside has helm push the chart alone, and keeps the file by other means.
	aside := func(keep func(*realparts.Oras, realparts.Pushed, string) error) func(*realparts.Oras, realparts.Chart) func(realparts.Pushed) error {
		return func(oras *realparts.Oras, chart realparts.Chart) func(realparts.Pushed) error {
			file := filepath.Join(filepath.Dir(chart.Archive), "aside", filepath.Base(chart.Provenance()))
			Expect(os.MkdirAll(filepath.Dir(file), 0o755)).To(Succeed())
			Expect(os.Rename(chart.Provenance(), file)).To(Succeed())
			return func(p realparts.Pushed) error { return keep(oras, p, file) }
		}
	}
	proven := func(ctx context.Context, w *scenario.World, name, source string) {
		GinkgoHelper()
		Expect(w.Until(ctx, name, published)).To(Succeed())
		Expect(w.ServedAsPushed(ctx, name)).To(Succeed())
		vc, err := w.Get(ctx, name)
		Expect(err).NotTo(HaveOccurred())
		Expect(vc.Status.Verification.Authorities).To(ConsistOf(And(
			HaveField("Signer", fmt.Sprintf("OPENPGP:%X", ours.key.PrimaryKey.Fingerprint)), HaveField("Key", maintainer), HaveField("Source", HavePrefix(source)),
		)))
	}

	spec("a chart that helm signed is proven by the provenance file that helm pushed with it", w, func(ctx context.Context, w *scenario.World) {
		ours, theirs = newMaintainers(w.Dir), newMaintainers(w.Dir)
		trustMaintainers(ctx, w, ours)
		put(ctx, w, "helm-signed", ours, inPlace)
		proven(ctx, w, "helm-signed", "the chart's manifest")
	})

	spec("it is proven by a provenance file that oras attached", w, func(ctx context.Context, w *scenario.World) {
		put(ctx, w, "prov-attached", ours, aside(func(oras *realparts.Oras, p realparts.Pushed, file string) error {
			return oras.Attach(ctx, p.Ref(), "application/vnd.cncf.helm.chart.provenance.v1.prov", file)
		}))
		proven(ctx, w, "prov-attached", "referrer sha256:")
	})

	spec("it is proven by a provenance file that oras pushed under a tag", w, func(ctx context.Context, w *scenario.World) {
		put(ctx, w, "prov-tagged", ours, aside(func(oras *realparts.Oras, p realparts.Pushed, file string) error {
			return oras.Push(ctx, p.Repository+":"+scenario.Version+".prov", file)
		}))
		proven(ctx, w, "prov-tagged", "tag "+scenario.Version+".prov")
	})

	spec("F2: a provenance file that was altered is refused", w, func(ctx context.Context, w *scenario.World) {
		put(ctx, w, "prov-altered", ours, func(_ *realparts.Oras, chart realparts.Chart) func(realparts.Pushed) error {
			raw, err := os.ReadFile(chart.Provenance())
			Expect(err).NotTo(HaveOccurred())
			altered := bytes.Replace(raw, []byte("description: "), []byte("description: not "), 1)
			Expect(altered).NotTo(Equal(raw))
			Expect(os.WriteFile(chart.Provenance(), altered, 0o644)).To(Succeed())
			return func(realparts.Pushed) error { return nil }
		})
		Expect(w.Until(ctx, "prov-altered", scenario.IsRefused)).To(Succeed())
		Expect(w.NotServed(ctx, w.Charts["prov-altered"])).To(Succeed())
	})

	spec("F3: a stranger's is refused", w, func(ctx context.Context, w *scenario.World) {
		put(ctx, w, "prov-stranger", theirs, inPlace)
		Expect(w.Until(ctx, "prov-stranger", scenario.IsRefused)).To(Succeed())
		Expect(w.NotServed(ctx, w.Charts["prov-stranger"])).To(Succeed())
	})

	spec("F1: none at all is refused, and it is said where it was looked for", w, func(ctx context.Context, w *scenario.World) {
		put(ctx, w, "prov-none", ours, aside(func(*realparts.Oras, realparts.Pushed, string) error { return nil }))
		Expect(w.Until(ctx, "prov-none", func(vc *v1alpha1.VerifiedChart) error {
			if err := scenario.IsRefused(vc); err != nil {
				return err
			}
			for _, c := range vc.Status.Conditions {
				if strings.Contains(c.Message, "looked at the chart's manifest") && strings.Contains(c.Message, "tag "+scenario.Version+".prov") {
					return nil
				}
			}
			return fmt.Errorf("the conditions do not say where it was looked: %v", vc.Status.Conditions)
		})).To(Succeed())
	})

	spec("when the key leaves the keyring its charts are withdrawn at once", w, func(ctx context.Context, w *scenario.World) {
		trustMaintainers(ctx, w, theirs)
		for _, name := range []string{"helm-signed", "prov-attached", "prov-tagged"} {
			Expect(w.Until(ctx, name, withdrawn)).To(Succeed())
		}
		trustMaintainers(ctx, w, ours)
		Expect(w.Until(ctx, "helm-signed", published)).To(Succeed())
	})
}
