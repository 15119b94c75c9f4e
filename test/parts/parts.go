// SPDX-License-Identifier: Apache-2.0

// Package parts finds the real programs that the tests and the demo run: those that `make parts`
// (test/parts/build) has put into bin/parts, and the control plane in KUBEBUILDER_ASSETS if that is set. It
// does not know how they are built or run.
package parts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Names of the programs.
const (
	Etcd                  = "etcd"
	KubeAPIServer         = "kube-apiserver"
	KubeControllerManager = "kube-controller-manager"
	Kubectl               = "kubectl"
	Registry              = "registry"
	Helm                  = "helm"
	Cosign                = "cosign"
	Cosign3               = "cosign3"
	HelmController        = "helm-controller"
	Fulcio                = "fulcio"
	Rekor                 = "rekor-server"
	Timestamp             = "timestamp-server"
	Oras                  = "oras"
	CloudProxy            = "cloud-proxy"
	OCIServer             = "ociserver"
	FakeS3                = "gofakes3"
	Toxiproxy             = "toxiproxy"
	DockerRegistry        = "docker-registry"
	Tinyproxy             = "tinyproxy"
	Microsocks            = "microsocks"
)

// CRDs is the folder, beside the programs, of the custom resource definitions that helm-controller needs.
const CRDs = "crds"

// Debian returns the programs of Debian's packages. `make parts` leaves them out where apt-get does not have the
// pinned version, so a spec that needs one is skipped if it is missing.
func Debian() []string { return []string{DockerRegistry, Tinyproxy, Microsocks} }

// ErrNotBuilt is matched by the error about a missing part.
var ErrNotBuilt = errors.New(`a part is not built: run "make parts"`)

// ControlPlane are the programs that KUBEBUILDER_ASSETS may provide.
func ControlPlane() []string { return []string{Etcd, KubeAPIServer, Kubectl} }

// Path returns the absolute path of a part. If the part is missing, the error matches ErrNotBuilt.
func Path(name string) (string, error) {
	dir, err := dirOf(name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w (no %s)", ErrNotBuilt, path)
	}
	return path, nil
}

// Missing returns nil if every named part exists, and otherwise an error that matches ErrNotBuilt.
func Missing(names ...string) error {
	var missing []string
	for _, name := range names {
		if _, err := Path(name); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w (there is no %s)", ErrNotBuilt, strings.Join(missing, ", "))
}

// Root returns the root folder of the repository that the working directory is in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module github.com/verifiedchart/verifiedchart\n")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working directory is not in the repository of verifiedchart")
		}
		dir = parent
	}
}

// Assets returns the absolute path of KUBEBUILDER_ASSETS, or "" if it is
// not set or lacks a program of the control plane. A relative path is relative to the root.
func Assets(root string) string {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	if dir == "" {
		return ""
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	for _, name := range ControlPlane() {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return ""
		}
	}
	return filepath.Clean(dir)
}

func dirOf(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	for _, n := range ControlPlane() {
		if assets := Assets(root); n == name && assets != "" {
			return assets, nil
		}
	}
	return filepath.Join(root, "bin", "parts"), nil
}
