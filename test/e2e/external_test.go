// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Provenance files outside of the registry, for charts that helm signed.
var _ = Describe("a provenance file outside the registry", Label("provenance", "network"), func() {
	// setAside packages a chart that the maintainers sign, and returns the provenance file, which must not be
	// pushed.
	setAside := func(ctx context.Context, w *scenario.World, name, from string) (file string) {
		GinkgoHelper()
		chart := packageSigned(ctx, w, name, w.Maintainers.OpenPGPKey)
		file, err := chart.SetProvenanceAside()
		Expect(err).NotTo(HaveOccurred())
		Expect(w.PushPackaged(ctx, chart)).To(Succeed())
		authority := scenario.KeyringAuthority(scenario.KeyringSecret) + ", provenance: {" + from + "}"
		Expect(w.DeclareFor(ctx, name, pinned, authority)).To(Succeed())
		return file
	}

	spec("on a web server that asks for a password proves a chart, which is refused before the file exists", distribution,
		func(ctx context.Context, w *scenario.World) {
			folder, site := website()
			ca := filepath.Join(GinkgoT().TempDir(), "web-ca.crt")
			Expect(os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600)).To(Succeed())
			for _, secret := range [][]string{
				{"web-login", "--from-literal=username=helm", "--from-literal=password=hunter2"},
				{"web-ca", "--from-file=ca.crt=" + ca},
			} {
				Expect(w.Kubectl.Run(ctx, append([]string{"create", "secret", "generic"}, secret...)...)).NotTo(BeEmpty())
			}

			file := setAside(ctx, w, "prov-url", fmt.Sprintf(
				`source: URL, url: "%s/{{name}}-{{version}}.tgz.prov", secretRef: {name: web-login}, certSecretRef: {name: web-ca}`, site.URL))
			Expect(w.Until(ctx, "prov-url", scenario.IsRefused)).To(Succeed())
			Expect(w.NotServed(ctx, w.Charts["prov-url"])).To(Succeed())
			raw, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			Expect(os.WriteFile(filepath.Join(folder, filepath.Base(file)), raw, 0o600)).To(Succeed())
			Expect(w.Reconcile(ctx, "prov-url", published)).To(Succeed())
			Expect(w.ProvenBy(ctx, "prov-url", w.Maintainers.OpenPGPKey, "URL "+site.URL+"/prov-url-")).To(Succeed())
		})

	for _, create := range [][]string{{"Secret", "secret", "generic"}, {"ConfigMap", "configmap"}} {
		kind, create := create[0], create[1:]
		spec("in a "+kind+" proves a chart as soon as it is there", distribution, func(ctx context.Context, w *scenario.World) {
			name := "prov-" + create[0]
			file := setAside(ctx, w, name, "source: "+kind+", fileRef: {name: "+name+"}")
			Expect(w.Until(ctx, name, undecided)).To(Succeed())
			Expect(w.Kubectl.Run(ctx, append(append([]string{"create"}, create...), name, "--from-file="+file)...)).NotTo(BeEmpty())
			Expect(w.ProvenBy(ctx, name, w.Maintainers.OpenPGPKey, "key "+filepath.Base(file)+" of "+kind+" "+name)).To(Succeed())
		})
	}
})

// website serves the files of a folder to clients with the password.
func website() (folder string, site *httptest.Server) {
	folder = GinkgoT().TempDir()
	site = httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if user, password, _ := in.BasicAuth(); user != "helm" || password != "hunter2" {
			http.Error(out, "who are you?", http.StatusUnauthorized)
			return
		}
		http.FileServer(http.Dir(folder)).ServeHTTP(out, in)
	}))
	DeferCleanup(site.Close)
	return folder, site
}
