// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"

	"github.com/verifiedchart/verifiedchart/test/parts"
)

// part is one thing to build.
type part struct {
	name string // of the file or folder in the output folder
	dir  string // of the module in test/parts that pins it
	// module is the module whose version is that of the part.
	module string
	// pkg is the main package of a program; crds are the definitions of a part that is not a program.
	pkg  string
	crds []crd
	// versionVars are the variables that the linker sets to the version.
	versionVars []string
	// deb is the package of a part that is not built here.
	deb *deb
}

// crd is one custom resource definition in a module that a module of test/parts requires.
type crd struct{ dir, module, file string }

const (
	helmController   = "github.com/fluxcd/helm-controller"
	sourceController = "github.com/fluxcd/source-controller"
)

// all returns the parts, with the fastest builds first.
func all() []part {
	return []part{
		{name: parts.DockerRegistry, deb: &deb{"docker-registry", "2.8.2+ds1-1", "a9bd06c0e006854608f8469b4371743f40604ad90975532bb3b7ceeb72fe2913"}},
		{name: parts.Tinyproxy, deb: &deb{"tinyproxy-bin", "1.11.1-2.1+deb12u1", "7a6155fe087bdfd97879d92d33b3e77df712ec10d5571f25cbf5759fa109eb21"}},
		{name: parts.Microsocks, deb: &deb{"microsocks", "1.0.3-2", "9aa6f6683bbb4bceb36f95148490717e8633a7220d4e5cc7deceb90024f05a3e"}},
		{name: parts.CRDs, dir: "crds", module: sourceController, crds: crds()},
		{name: parts.OCIServer, dir: "ociserver", module: "cuelabs.dev/go/oci/ociregistry", pkg: "."},
		{name: parts.FakeS3, dir: "gofakes3", module: "github.com/johannesboyne/gofakes3",
			pkg: "github.com/johannesboyne/gofakes3/cmd/gofakes3"},
		{name: parts.Toxiproxy, dir: "toxiproxy", module: "github.com/Shopify/toxiproxy/v2",
			pkg: "github.com/Shopify/toxiproxy/v2/cmd/server"},
		{name: parts.Registry, dir: "registry", module: "github.com/distribution/distribution/v3",
			pkg: "github.com/distribution/distribution/v3/cmd/registry"},
		{name: parts.Helm, dir: "helm", module: "helm.sh/helm/v3", pkg: "helm.sh/helm/v3/cmd/helm"},
		{name: parts.Oras, dir: "oras", module: "oras.land/oras", pkg: "oras.land/oras/cmd/oras"},
		{name: parts.CloudProxy, dir: "cloud-proxy", module: "github.com/elazarl/goproxy", pkg: "."},
		{name: parts.Etcd, dir: "kubernetes", module: "go.etcd.io/etcd/server/v3", pkg: "go.etcd.io/etcd/server/v3"},
		{name: parts.KubeAPIServer, dir: "kubernetes", module: "k8s.io/kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-apiserver",
			versionVars: []string{"k8s.io/component-base/version.gitVersion"}},
		{name: parts.KubeControllerManager, dir: "kubernetes", module: "k8s.io/kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-controller-manager",
			versionVars: []string{"k8s.io/component-base/version.gitVersion"}},
		{name: parts.Kubectl, dir: "kubernetes", module: "k8s.io/kubernetes", pkg: "k8s.io/kubernetes/cmd/kubectl",
			versionVars: []string{"k8s.io/component-base/version.gitVersion"}},
		{name: parts.Cosign, dir: "cosign", module: "github.com/sigstore/cosign/v2", pkg: "github.com/sigstore/cosign/v2/cmd/cosign"},
		{name: parts.Cosign3, dir: "cosign3", module: "github.com/sigstore/cosign/v3", pkg: "github.com/sigstore/cosign/v3/cmd/cosign"},
		{name: parts.Fulcio, dir: "fulcio", module: "github.com/sigstore/fulcio", pkg: "github.com/sigstore/fulcio"},
		{name: parts.Rekor, dir: "rekor", module: "github.com/sigstore/rekor-tiles/v2",
			pkg: "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix"},
		{name: parts.Timestamp, dir: "timestamp", module: "github.com/sigstore/timestamp-authority/v2", pkg: "."},
		{name: parts.HelmController, dir: "helm-controller", module: helmController, pkg: helmController},
	}
}

// crds returns the definitions of the kinds that helm-controller reconciles and watches.
func crds() []crd {
	list := []crd{{"helm-controller", helmController, "helm.toolkit.fluxcd.io_helmreleases.yaml"}}
	for _, plural := range []string{"externalartifacts", "helmcharts", "helmrepositories", "ocirepositories", "gitrepositories", "buckets"} {
		list = append(list, crd{"crds", sourceController, "source.toolkit.fluxcd.io_" + plural + ".yaml"})
	}
	return list
}

// flags returns the arguments of go build that shape the program.
func (p part) flags(version string) []string {
	link := "-s -w"
	for _, v := range p.versionVars {
		link += fmt.Sprintf(" -X %s=%s", v, version)
	}
	return []string{"-trimpath", "-buildvcs=false", "-ldflags=" + link}
}

// dirs returns the modules in test/parts that the part is built from.
func (p part) dirs() []string {
	if p.deb != nil {
		return nil
	}
	dirs := []string{p.dir}
	for _, c := range p.crds {
		if c.dir != p.dir {
			dirs = append(dirs, c.dir)
		}
	}
	return dirs
}

// versionIn returns the version at which a go.mod requires a module.
func versionIn(goMod []byte, module string) (string, error) {
	re := regexp.MustCompile(`(?m)^(?:\t|require )` + regexp.QuoteMeta(module) + ` (v\S+)`)
	m := re.FindSubmatch(goMod)
	if m == nil {
		return "", fmt.Errorf("go.mod does not require %s", module)
	}
	return string(m[1]), nil
}
