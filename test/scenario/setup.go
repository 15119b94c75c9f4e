// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
	"github.com/verifiedchart/verifiedchart/test/controlplane"
	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// Setup returns what has to be done, in this order, before there is something to be seen.
func Setup() []Step {
	return append(Ground(),
		Step{"start verifiedchart-controller and helm-controller", startControllers},
		Step{"apply the key, the trusted root, the keyring, the VerifiedCharts and the HelmReleases", apply},
	)
}

// Ground returns the steps of Setup up to where nothing of the product runs or is declared yet.
func Ground() []Step {
	return []Step{
		{"build the controller", buildController},
		{"start etcd and kube-apiserver", startControlPlane},
		{"apply what make deploy does, and the custom resources of Flux", deploy},
		{"start the registry", startRegistry},
		{"start a Sigstore of our own: Fulcio, Rekor and a time-stamp authority", startSigstore},
		{"package six charts with helm and push them", pushCharts},
		{"sign two of them with the release key and one with a stranger's, with cosign", signCharts},
		{"sign one as " + Identity + " and one as " + Impostor + ", keyless", signKeyless},
		{"package three more that helm signs, and push them: with the provenance file, with it attached by oras, and altered", signWithHelm},
	}
}

// buildController shares the packages that `make build` has compiled, but not
// its output. Where tests run side by side one builds, and the others find it built.
func buildController(ctx context.Context, w *World) error {
	lock, err := os.Create(w.Binary() + ".lock")
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", w.Binary(), "./cmd")
	cmd.Dir = w.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build ./cmd: %w\n%s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

func startControlPlane(ctx context.Context, w *World) (err error) {
	if w.Plane, err = controlplane.Start(ctx, filepath.Join(w.Dir, "controlplane"), &w.Group); err != nil {
		return err
	}
	if w.Kubectl, err = w.Plane.Kubectl(); err != nil {
		return err
	}
	w.Client, err = connect(w.Plane)
	return err
}

// deploy applies what `make deploy` does. Nothing runs the Deployment: the
// program is started beside the control plane, with the rights of its service account.
func deploy(ctx context.Context, w *World) error {
	crds, err := parts.Path(parts.CRDs)
	if err != nil {
		return err
	}
	if _, err := w.Kubectl.Run(ctx, "apply", "--server-side", "-k", filepath.Join(w.Root, "config", "default")); err != nil {
		return err
	}
	return w.Kubectl.Define(ctx, crds)
}

func startRegistry(ctx context.Context, w *World) (err error) {
	if w.Referrers {
		w.Registry = realparts.StartReferrersRegistry()
		return nil
	}
	w.Registry, err = realparts.StartDistribution(ctx, w.Dir, &w.Group)
	return err
}

// startSigstore also publishes its trusted root as that of the public Sigstore, by a TUF repository of our own.
func startSigstore(ctx context.Context, w *World) (err error) {
	if w.Sigstore, err = realparts.StartSigstore(ctx, w.Dir, &w.Group); err != nil {
		return err
	}
	w.Mirror = trustroottest.New()
	w.Mirror.SetTrustedRoot(w.Sigstore.TrustedRoot())
	return nil
}

func pushCharts(ctx context.Context, w *World) (err error) {
	if w.Helm, err = realparts.NewHelm(w.Dir); err != nil {
		return err
	}
	for _, name := range forCosign() {
		if err := w.Push(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// Names are those of the charts of the road, and of the VerifiedCharts that ask for them.
func Names() []string { return append(forCosign(), forHelm()...) }

// forCosign are the charts whose VerifiedCharts ask for a signature of cosign, and forHelm those that ask for one of helm.
func forCosign() []string {
	return []string{"signed", "keyless", "unsigned", "stranger", "impostor", "moved"}
}

func forHelm() []string { return []string{"helm-signed", "prov-attached", "prov-altered"} }

// greeting is what a chart of a name installs.
func greeting(name string) string { return "hello from the " + name + " chart" }

// Push packages a chart of the name, pushes it and keeps it in Charts.
func (w *World) Push(ctx context.Context, name string) (err error) {
	w.Charts[name], err = w.push(ctx, name, Version, greeting(name))
	return err
}

// PushSigned packages a chart anew, pushes it, signs it with the release key and keeps it in Charts.
func (w *World) PushSigned(ctx context.Context, name, version string) (realparts.Pushed, error) {
	chart, err := w.push(ctx, name, version, greeting(name))
	if err != nil {
		return chart, err
	}
	w.Charts[name] = chart
	return chart, w.Cosign.Sign(ctx, w.Release, chart.Ref())
}

// Install applies a HelmRelease for a chart.
func (w *World) Install(ctx context.Context, name string) error {
	return w.Kubectl.Apply(ctx, helmRelease(name))
}

// Declare applies a VerifiedChart for a chart that was pushed, with a ref like "tag: 1.0.0", for whom the release key has to vouch.
func (w *World) Declare(ctx context.Context, name, ref string) error {
	return w.DeclareFor(ctx, name, ref, KeyAuthority())
}

// DeclareFor applies a VerifiedChart for whom an authority has to vouch, which is the
// inside of a YAML flow mapping, with the rules that are given, like "mode: Audit".
func (w *World) DeclareFor(ctx context.Context, name, ref, authority string, rules ...string) error {
	return w.Kubectl.Apply(ctx, verifiedChart(name, w.Registry.Addr(), ref, authority, rules...))
}

// TrustRoot makes a trusted root the one that identities have to be proven by.
func (w *World) TrustRoot(ctx context.Context, root []byte) error {
	return w.Kubectl.Apply(ctx, rootSecret(root))
}

// Trust makes the key the one that charts have to be signed with.
func (w *World) Trust(ctx context.Context, key realparts.Key) error {
	public, err := key.Public()
	if err != nil {
		return err
	}
	return w.Kubectl.Apply(ctx, keySecret(public))
}

// push packages a chart that installs a ConfigMap with the message, and pushes it.
func (w *World) push(ctx context.Context, name, version, message string) (realparts.Pushed, error) {
	chart, err := w.Helm.Package(ctx, name, version, message)
	if err != nil {
		return realparts.Pushed{}, err
	}
	return w.Helm.Push(ctx, chart, w.Registry, "charts")
}

func signCharts(ctx context.Context, w *World) (err error) {
	if w.Cosign, err = realparts.NewCosign3(w.Dir); err != nil {
		return err
	}
	if w.Release, err = w.Cosign.GenerateKey(ctx, "release"); err != nil {
		return err
	}
	if w.Stranger, err = w.Cosign.GenerateKey(ctx, "stranger"); err != nil {
		return err
	}
	for name, key := range map[string]realparts.Key{"signed": w.Release, "moved": w.Release, "stranger": w.Stranger} {
		if err := w.Cosign.Sign(ctx, key, w.Charts[name].Ref()); err != nil {
			return err
		}
	}
	return nil
}

// signKeyless signs as cosign 3 does by default: a bundle that is logged, beside the chart.
func signKeyless(ctx context.Context, w *World) error {
	for name, email := range map[string]string{"keyless": Identity, "impostor": Impostor} {
		if err := w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, email, w.Sigstore, w.Charts[name].Ref()); err != nil {
			return err
		}
	}
	return nil
}

func startControllers(ctx context.Context, w *World) error {
	kubeconfig, err := w.Plane.ServiceAccount(systemNamespace, realparts.ControllerName)
	if err != nil {
		return err
	}
	initial := filepath.Join(w.Dir, "root.json")
	if err := os.WriteFile(initial, w.Mirror.RootJSON(), 0o600); err != nil {
		return err
	}
	w.Controller = &realparts.Controller{
		Binary: w.Binary(), Kubeconfig: kubeconfig, Dir: filepath.Join(w.Dir, "controller"), Namespace: systemNamespace,
		Flags: []string{"--tuf-mirror=" + w.Mirror.URL(), "--tuf-root=" + initial, "--tuf-cache-dir=" + filepath.Join(w.Dir, "tuf")},
	}
	if err := w.Controller.Start(ctx, &w.Group); err != nil {
		return err
	}
	_, err = realparts.StartHelmController(ctx, w.Dir, w.Plane.Kubeconfig(), &w.Group)
	return err
}

func apply(ctx context.Context, w *World) error {
	if err := w.Trust(ctx, w.Release); err != nil {
		return err
	}
	manifests := rootSecret(w.Sigstore.TrustedRoot()) + secret(KeyringSecret, KeyringEntry, w.Maintainers.Keyring)
	for _, name := range []string{"signed", "keyless", "helm-signed"} {
		manifests += helmRelease(name)
	}
	for name := range w.Charts {
		manifests += verifiedChart(name, w.Registry.Addr(), "tag: "+Version, w.authority(name))
	}
	return w.Kubectl.Apply(ctx, manifests)
}

// authority is the one that has to vouch for a chart of the road.
func (w *World) authority(name string) string {
	switch {
	case slices.Contains(forHelm(), name):
		return KeyringAuthority(KeyringSecret)
	case name == "keyless" || name == "impostor":
		return w.IdentityAuthority()
	}
	return KeyAuthority()
}
