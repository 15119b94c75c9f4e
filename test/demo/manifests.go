// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Files in the folder of the demo.
const (
	secretsFile       = "secrets.yaml"
	releaseKeyFile    = "release-key.yaml"
	revokeKeylessFile = "revoke-keyless.yaml"
	revokeNothingFile = "revoke-nothing.yaml"
	policyFile        = "policy.yaml"
	movedArchive      = "moved-" + scenario.Version + ".tgz"
)

const (
	// revocations is the ConfigMap that lists the revocations for the whole cluster.
	revocations = "revocations"
	// policy is the name of the ClusterChartPolicy.
	policy = "company"
	// nextKey is the entry of the Secret with the key that will follow the release key.
	nextKey = "next.pub"
)

// installs are the charts that helm-controller installs.
var installs = []string{"signed", "keyless", "helm-signed"}

// chartFile is the file with the VerifiedChart of a chart, and its HelmRelease if it has one.
func chartFile(name string) string { return name + ".yaml" }

// writeManifests writes every file that the commands of the demo apply or push.
func (d *demo) writeManifests(ctx context.Context, w *scenario.World) error {
	keys, err := d.keys(ctx)
	if err != nil {
		return err
	}
	files := map[string]string{
		secretsFile:       w.ProofSecrets(),
		releaseKeyFile:    w.Secret(scenario.KeySecret, keys),
		revokeKeylessFile: revocationList(fmt.Sprintf("digests: [%s]", w.Charts["keyless"].Digest)),
		revokeNothingFile: revocationList("digests: []"),
		policyFile:        d.policy(),
	}
	for _, name := range scenario.Names() {
		files[chartFile(name)] = w.VerifiedChart(name)
		if slices.Contains(installs, name) {
			files[chartFile(name)] += w.HelmRelease(name)
		}
	}
	maps.Copy(files, d.elsewhere.manifests(w))
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	if err := d.packageOther(ctx); err != nil {
		return err
	}
	return writeEnvironment(w.Dir, w.Plane.Kubeconfig())
}

// keys returns the entries of the Secret with the release key. The Secret needs a second key: if the release key is removed from
// a Secret without other keys, the controller lacks trust material, and "could not find out" is not a rejection.
func (d *demo) keys(ctx context.Context) (map[string][]byte, error) {
	release, err := d.world.Release.Public()
	if err != nil {
		return nil, err
	}
	pair, err := d.world.Cosign.GenerateKey(ctx, "next")
	if err != nil {
		return nil, err
	}
	next, err := pair.Public()
	return map[string][]byte{scenario.KeyEntry: release, nextKey: next}, err
}

// packageOther packages the bytes that the tag of "moved" will name.
func (d *demo) packageOther(ctx context.Context) error {
	chart, err := d.world.Helm.Package(ctx, "moved", scenario.Version, "hello from the moved tag")
	if err != nil {
		return err
	}
	archive := filepath.Join(d.world.Dir, movedArchive)
	d.world.Moved = realparts.Pushed{Chart: realparts.Chart{Name: chart.Name, Version: chart.Version, Archive: archive}}
	return os.Rename(chart.Archive, archive)
}

// revocationList is the ConfigMap with a list of revocations.
func revocationList(list string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: ConfigMap
metadata: {name: %s, namespace: %s}
data:
  revoked.yaml: "%s"
`, revocations, scenario.SystemNamespace, list)
}

// policy is a ClusterChartPolicy that demands a keyless signer of two charts. Only one of them has it.
func (d *demo) policy() string {
	w := d.world
	return fmt.Sprintf(`apiVersion: source.verifiedchart.dev/v1alpha1
kind: ClusterChartPolicy
metadata: {name: %s}
spec:
  match:
    urls: ["oci://%[2]s/signed", "oci://%[2]s/keyless"]
  verify:
    authorities:
    - name: release
      provider: cosign
      matchOIDCIdentity: [{issuer: %[3]q, subject: %[4]q}]
`, policy, w.Repository(), regexp.QuoteMeta(w.Sigstore.Issuer.URL()), regexp.QuoteMeta(scenario.Identity))
}
