// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/verifiedchart/verifiedchart/test/pki"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Charts that are not in the demo's registry.
const (
	// private is in a registry that asks for a password, and has a certificate of a private authority.
	private = "private"
	// classic is in a classic repository.
	classic = "classic"
)

// besideArchive is the source of a provenance file in a classic repository.
const besideArchive = "file .prov beside the archive"

// elsewhere holds the charts that are not in the demo's registry.
type elsewhere struct {
	ca      *pki.Authority
	private realparts.OCIRegistry
	classic *realparts.ChartRepository
}

// publishElsewhere starts a private registry and a classic repository, and puts a signed chart into each.
func (d *demo) publishElsewhere(ctx context.Context, w *scenario.World) (err error) {
	e := &d.elsewhere
	if e.ca, err = pki.New("private authority of the demo"); err != nil {
		return err
	}
	if e.private, err = realparts.StartDistribution(ctx, filepath.Join(w.Dir, private), w.Group, realparts.Htpasswd, realparts.TLS(e.ca)); err != nil {
		return err
	}
	login := realparts.Login{Username: realparts.Username, Password: realparts.Password, CA: filepath.Join(w.Dir, private, "ca.crt")}
	if err := os.WriteFile(login.CA, e.ca.PEM(), 0o600); err != nil {
		return err
	}
	chart, err := w.Helm.Package(ctx, private, scenario.Version, "hello from the private chart")
	if err != nil {
		return err
	}
	if w.Charts[private], err = w.Helm.As(login).Push(ctx, chart, e.private, "charts"); err != nil {
		return err
	}
	if err := w.Cosign.As(login).Sign(ctx, w.Release, w.Charts[private].Ref()); err != nil {
		return err
	}
	if e.classic, err = realparts.NewChartRepository(w.Dir, w.Helm); err != nil {
		return err
	}
	if chart, err = w.PackageSigned(ctx, classic, w.Maintainers.OpenPGPKey); err != nil {
		return err
	}
	w.Charts[classic], err = e.classic.Publish(ctx, chart)
	return err
}

// close stops the server of the classic repository. The registry ends with the other programs.
func (e *elsewhere) close() {
	if e.classic != nil {
		e.classic.Close()
	}
}

// manifests returns the Secrets and VerifiedCharts of the charts, by file.
func (e *elsewhere) manifests(w *scenario.World) map[string]string {
	return map[string]string{
		chartFile(private): w.Secret("private-login", map[string][]byte{"username": []byte(realparts.Username), "password": []byte(realparts.Password)}) +
			w.Secret("private-ca", map[string][]byte{"ca.crt": e.ca.PEM()}) +
			declaration(w, private, "url: oci://"+w.Charts[private].Repository+"\n  secretRef: {name: private-login}\n  certSecretRef: {name: private-ca}", scenario.KeyAuthority()),
		chartFile(classic): w.Secret("classic-ca", map[string][]byte{"ca.crt": e.classic.CA()}) +
			declaration(w, classic, "url: "+e.classic.URL()+"\n  chart: "+classic+"\n  certSecretRef: {name: classic-ca}", scenario.KeyringAuthority(scenario.KeyringSecret)),
	}
}

// declaration returns a VerifiedChart that reads a chart from a source.
func declaration(w *scenario.World, name, source, authority string) string {
	return fmt.Sprintf(`
---
apiVersion: source.verifiedchart.dev/v1alpha1
kind: VerifiedChart
metadata: {name: %s, namespace: %s}
spec:
  %s
  ref: {tag: %s}
  interval: 10m
  verify:
    authorities:
    - {%s}
`, name, w.Namespace, source, scenario.Version, authority)
}
