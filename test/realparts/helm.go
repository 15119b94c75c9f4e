// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/test/parts"
)

// Helm is the helm command, with its configuration and its charts in a folder of its own.
type Helm struct {
	tool  tool
	login Login
}

// Chart is an archive that helm has packaged.
type Chart struct {
	Name, Version string
	Archive       string // of the .tgz
}

// Pushed is a chart in a registry.
type Pushed struct {
	Chart
	Repository string // host and path, without scheme and tag
	Digest     digest.Digest
}

// Ref returns the reference by digest.
func (p Pushed) Ref() string { return p.Repository + "@" + p.Digest.String() }

// OpenPGPKey is a key pair that helm signs with.
type OpenPGPKey struct {
	UserID, Fingerprint string
	// PrivateFile is a keyring with the private key, which has no passphrase.
	PrivateFile string
}

// NewHelm returns a helm that keeps its files in dir.
func NewHelm(dir string) (*Helm, error) {
	path, err := parts.Path(parts.Helm)
	if err != nil {
		return nil, err
	}
	dir, env, err := home(dir, parts.Helm)
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{"CACHE", "CONFIG", "DATA"} {
		env = append(env, "HELM_"+kind+"_HOME="+filepath.Join(dir, strings.ToLower(kind)))
	}
	return &Helm{tool: tool{name: parts.Helm, path: path, dir: dir, env: append(env, offline()...)}}, nil
}

// As returns the same helm, but it logs in.
func (h *Helm) As(login Login) *Helm { return &Helm{h.tool, login} }

// marker is a file in each chart whose content is unique.
const marker = "marker.txt"

// Package makes a chart with `helm create`, adds a ConfigMap with the message to the chart's templates, and
// packages the chart. Every call makes a different archive: each chart holds a random marker. Flags are added
// to those of `helm package`.
func (h *Helm) Package(ctx context.Context, name, version, message string, flags ...string) (Chart, error) {
	work, err := os.MkdirTemp(h.tool.dir, name+"-")
	if err != nil {
		return Chart{}, err
	}
	chart := filepath.Join(work, name)
	if _, err := h.tool.run(ctx, "create", chart); err != nil {
		return Chart{}, err
	}
	note := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include %q . }}\ndata:\n  message: %q\n", name+".fullname", message)
	if err := os.WriteFile(filepath.Join(chart, "templates", "configmap.yaml"), []byte(note), 0o644); err != nil {
		return Chart{}, err
	}
	// Without a marker, two archives would differ only if the clock of tar, which counts seconds, has advanced
	// between them.
	if err := os.WriteFile(filepath.Join(chart, marker), []byte(rand.Text()+"\n"), 0o644); err != nil {
		return Chart{}, err
	}
	if _, err := h.tool.run(ctx, append([]string{"package", chart, "--version", version, "--destination", work}, flags...)...); err != nil {
		return Chart{}, err
	}
	return Chart{Name: name, Version: version, Archive: filepath.Join(work, name+"-"+version+".tgz")}, nil
}

// PackageSigned is Package, with a provenance file beside the archive, signed by the key.
func (h *Helm) PackageSigned(ctx context.Context, name, version, message string, key OpenPGPKey) (Chart, error) {
	return h.Package(ctx, name, version, message, "--sign", "--keyring", key.PrivateFile, "--key", key.UserID)
}

// Provenance returns the path of the chart's provenance file, if the chart is signed.
func (c Chart) Provenance() string { return c.Archive + ".prov" }

// SetProvenanceAside moves the provenance file, so that helm does not push it with the chart, and returns its
// new path.
func (c Chart) SetProvenanceAside() (string, error) {
	dir := filepath.Join(filepath.Dir(c.Archive), "aside")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(c.Provenance()))
	return path, os.Rename(c.Provenance(), path)
}

var pushedDigest = regexp.MustCompile(`(?m)^Digest: (sha256:[0-9a-f]{64})$`)

// Push pushes a chart, and its provenance file if it has one, to the registry under a path, with its version as
// the tag.
func (h *Helm) Push(ctx context.Context, chart Chart, registry OCIRegistry, path string) (Pushed, error) {
	said, err := h.tool.run(ctx, append([]string{"push", chart.Archive, "oci://" + registry.Addr() + "/" + path}, h.login.helm()...)...)
	if err != nil {
		return Pushed{}, err
	}
	return PushedAs(chart, registry, path, said)
}

// PushedAs returns a chart that `helm push` pushed, with the digest that helm printed.
func PushedAs(chart Chart, registry OCIRegistry, path, printed string) (Pushed, error) {
	return pushedTo(chart, registry.Addr(), path, printed)
}

func pushedTo(chart Chart, host, path, printed string) (Pushed, error) {
	m := pushedDigest.FindStringSubmatch(printed)
	if m == nil {
		return Pushed{}, fmt.Errorf("helm push printed no digest: %q", printed)
	}
	return Pushed{Chart: chart, Repository: host + "/" + path + "/" + chart.Name, Digest: digest.Digest(m[1])}, nil
}
