// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// KeySecret is the name of the Secret with the public key, and KeyEntry its entry.
const (
	KeySecret = "release-key"
	KeyEntry  = "release.pub"
)

// Secret returns a Secret of the tenant with these entries.
func (w *World) Secret(name string, entries map[string][]byte) string {
	manifest := fmt.Sprintf("\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s}\ndata:\n", name, w.Namespace)
	for _, entry := range slices.Sorted(maps.Keys(entries)) {
		manifest += fmt.Sprintf("  %s: %s\n", entry, base64.StdEncoding.EncodeToString(entries[entry]))
	}
	return manifest
}

// secret returns a Secret of the tenant with one entry.
func (w *World) secret(name, entry string, content []byte) string {
	return w.Secret(name, map[string][]byte{entry: content})
}

// keySecret returns a Secret with the public key of releases.
func (w *World) keySecret(public []byte) string { return w.secret(KeySecret, KeyEntry, public) }

// RootSecret is the name of the Secret with the trusted root of the Sigstore.
const RootSecret = "sigstore"

// rootSecret returns a Secret with a trusted root.
func (w *World) rootSecret(root []byte) string {
	return w.secret(RootSecret, "trusted_root.json", root)
}

// KeyAuthority returns the authority of the release key.
func KeyAuthority() string {
	return "name: release, provider: cosign, secretRef: {name: " + KeySecret + "}"
}

// IdentityAuthority returns the authority of the release identity, with the trusted root in the Secret.
func (w *World) IdentityAuthority() string {
	return fmt.Sprintf("name: release, provider: cosign, trustedRootSecretRef: {name: %s}, matchOIDCIdentity: [{issuer: %q, subject: %q}]",
		RootSecret, regexp.QuoteMeta(w.Sigstore.Issuer.URL()), regexp.QuoteMeta(Identity))
}

// VerifiedChart returns the VerifiedChart of a chart of the scenario.
func (w *World) VerifiedChart(name string) string {
	return w.verifiedChart(name, "tag: "+Version, w.authority(name))
}

// ProofSecrets returns the Secrets with the trusted root and the keyring of the maintainers.
func (w *World) ProofSecrets() string {
	return w.rootSecret(w.Sigstore.TrustedRoot()) + w.secret(KeyringSecret, KeyringEntry, w.Maintainers.Keyring)
}

// verifiedChart returns a VerifiedChart for a ref in the registry and an authority that must accept the chart,
// with rules such as "mode: Audit".
func (w *World) verifiedChart(name, ref, authority string, rules ...string) string {
	return fmt.Sprintf(`
---
apiVersion: source.verifiedchart.dev/v1alpha1
kind: VerifiedChart
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  url: oci://%[3]s/%[1]s
  ref: {%[4]s}
  interval: 10m
  %[7]s
  verify:
    authorities:
    - {%[5]s}
    %[6]s
`, name, w.Namespace, w.Repository(), ref, authority, strings.Join(rules, "\n    "), strings.Join(w.Access, "\n  "))
}

// HelmRelease returns a HelmRelease that installs a chart. It does not wait for pods: a control plane without
// nodes runs none.
func (w *World) HelmRelease(name string) string {
	return fmt.Sprintf(`
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  interval: 10m
  chartRef: {kind: ExternalArtifact, name: %[1]s}
  install: {disableWait: true}
  upgrade: {disableWait: true}
`, name, w.Namespace)
}
