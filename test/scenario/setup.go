// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
	"github.com/verifiedchart/verifiedchart/test/controlplane"
	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// Ground returns the steps that start everything except the controllers. They push and declare nothing.
func Ground() []Step {
	return []Step{
		{"build the controller", buildController},
		{"start etcd and kube-apiserver", startControlPlane},
		{"apply the manifests of make deploy and the custom resources of Flux", deploy},
		{"start the registry", startRegistry},
		{"start a private Sigstore: Fulcio, Rekor and a timestamp authority", startSigstore},
		{"generate the keys of cosign and helm", generateKeys},
	}
}

// Bare returns the steps of Ground without a Sigstore and without `make deploy`.
func Bare() []Step {
	return []Step{
		{"build the controller", buildController},
		{"start the control plane", startControlPlane},
		{"define the custom resources of Flux", defineFlux},
		{"start the registry", startRegistry},
		{"generate the keys of cosign and helm", generateKeys},
	}
}

// Charts returns the steps that push the charts of the road, and sign them.
func Charts() []Step {
	return []Step{
		{"package and push six charts with helm", pushCharts},
		{"sign two with the release key and one with a stranger's key, with cosign", signCharts},
		{"sign one as " + Identity + " and one as " + Impostor + ", keyless, with cosign", signKeyless},
		{"package, sign and push three charts with helm", signWithHelm},
	}
}

// Controllers returns the step that starts the product and the helm-controller that installs its artifacts.
func Controllers() []Step {
	return []Step{{"start verifiedchart-controller and helm-controller", startControllers}}
}

// Declared returns the step that declares the charts of the road.
func Declared() []Step {
	return []Step{{"apply the key, the trusted root, the keyring, the VerifiedCharts and the HelmReleases", apply}}
}

// buildController shares the packages that `make build` has compiled, but not its output. If tests run in
// parallel, one of them builds, and the others use the result.
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
	plane := controlplane.Options{Dir: filepath.Join(w.Dir, "controlplane"), Controllers: w.Controllers}
	if w.Plane, err = controlplane.Start(ctx, plane, w.Group); err != nil {
		return err
	}
	if w.Kubectl, err = w.Plane.Kubectl(); err != nil {
		return err
	}
	w.Client, err = connect(w.Plane)
	return err
}

// deploy applies the manifests of `make deploy`. Nothing runs the Deployment: the program is started beside the
// control plane, with the rights of its service account.
func deploy(ctx context.Context, w *World) error {
	if _, err := w.Kubectl.Run(ctx, "apply", "--server-side", "-k", w.Manifests()); err != nil {
		return err
	}
	return defineFlux(ctx, w)
}

// Manifests is the folder that `make deploy` applies.
func (w *World) Manifests() string { return filepath.Join(w.Root, "config", "default") }

func defineFlux(ctx context.Context, w *World) error {
	crds, err := parts.Path(parts.CRDs)
	if err != nil {
		return err
	}
	return w.Kubectl.Define(ctx, crds)
}

func startRegistry(ctx context.Context, w *World) (err error) {
	w.Registry, err = realparts.StartDistribution(ctx, w.Dir, w.Group)
	return err
}

// startSigstore also publishes its trusted root as that of the public Sigstore, with our own TUF repository.
func startSigstore(ctx context.Context, w *World) (err error) {
	if w.Sigstore, err = realparts.StartSigstore(ctx, w.Dir, w.Group); err != nil {
		return err
	}
	w.Mirror = trustroottest.New()
	w.Mirror.SetTrustedRoot(w.Sigstore.TrustedRoot())
	return nil
}

// generateKeys also makes the signing tools.
func generateKeys(ctx context.Context, w *World) (err error) {
	if w.Helm, err = realparts.NewHelm(w.Dir); err != nil {
		return err
	}
	if w.Oras, err = realparts.NewOras(w.Dir); err != nil {
		return err
	}
	if w.Maintainers, err = w.NewMaintainers(); err != nil {
		return err
	}
	if w.Cosign, err = realparts.NewCosign3(w.Dir); err != nil {
		return err
	}
	if w.Release, err = w.Cosign.GenerateKey(ctx, "release"); err != nil {
		return err
	}
	w.Stranger, err = w.Cosign.GenerateKey(ctx, "stranger")
	return err
}

func startControllers(ctx context.Context, w *World) error {
	if err := w.SetMirroredController(); err != nil {
		return err
	}
	if err := w.Controller.Start(ctx, w.Group); err != nil {
		return err
	}
	_, err := realparts.StartHelmController(ctx, w.Dir, w.Plane.Kubeconfig(), w.Group)
	return err
}

// SetMirroredController is SetController, with our mirror instead of that of the public Sigstore.
func (w *World) SetMirroredController(flags ...string) error {
	initial := filepath.Join(w.Dir, "root.json")
	if err := os.WriteFile(initial, w.Mirror.RootJSON(), 0o600); err != nil {
		return err
	}
	mirror := []string{"--tuf-mirror=" + w.Mirror.URL(), "--tuf-root=" + initial, "--tuf-cache-dir=" + filepath.Join(w.Dir, "tuf")}
	return w.SetController(append(mirror, flags...)...)
}

// SetController makes a controller, with the rights of its service account, that is not started yet.
func (w *World) SetController(flags ...string) error {
	kubeconfig, err := w.Plane.ServiceAccount(SystemNamespace, realparts.ControllerName)
	if err != nil {
		return err
	}
	w.Controller = &realparts.Controller{
		Binary: w.Binary(), Kubeconfig: kubeconfig, Dir: filepath.Join(w.Dir, "controller"), Namespace: SystemNamespace, Flags: flags,
	}
	return nil
}

func apply(ctx context.Context, w *World) error {
	if err := w.Trust(ctx, w.Release); err != nil {
		return err
	}
	manifests := w.ProofSecrets()
	for _, name := range []string{"signed", "keyless", "helm-signed"} {
		manifests += w.HelmRelease(name)
	}
	for name := range w.Charts {
		manifests += w.VerifiedChart(name)
	}
	return w.Kubectl.Apply(ctx, manifests)
}
