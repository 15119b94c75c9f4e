// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// KeySecret is the name of the Secret with the public key, and KeyEntry its entry.
const (
	KeySecret = "release-key"
	KeyEntry  = "release.pub"
)

// secret is a Secret with one entry.
func secret(name, entry string, content []byte) string {
	return fmt.Sprintf(`
---
apiVersion: v1
kind: Secret
metadata: {name: %s, namespace: %s}
data:
  %s: %s
`, name, Namespace, entry, base64.StdEncoding.EncodeToString(content))
}

// keySecret is a Secret with a public key that releases are signed with.
func keySecret(public []byte) string { return secret(KeySecret, KeyEntry, public) }

// RootSecret is the name of the Secret with the trusted root of the Sigstore.
const RootSecret = "sigstore"

// rootSecret is a Secret with a trusted root.
func rootSecret(root []byte) string { return secret(RootSecret, "trusted_root.json", root) }

// KeyAuthority is the authority of the release key.
func KeyAuthority() string {
	return "name: release, provider: cosign, secretRef: {name: " + KeySecret + "}"
}

// IdentityAuthority is the authority of the release identity, by the trusted root in the Secret.
func (w *World) IdentityAuthority() string {
	return fmt.Sprintf("name: release, provider: cosign, trustedRootSecretRef: {name: %s}, matchOIDCIdentity: [{issuer: %q, subject: %q}]",
		RootSecret, regexp.QuoteMeta(w.Sigstore.Issuer.URL()), regexp.QuoteMeta(Identity))
}

// verifiedChart asks for a chart of the registry, as a ref says, if an authority vouches for it, by rules like "mode: Audit".
func verifiedChart(name, registry, ref, authority string, rules ...string) string {
	return fmt.Sprintf(`
---
apiVersion: source.verifiedchart.dev/v1alpha1
kind: VerifiedChart
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  url: oci://%[3]s/charts/%[1]s
  ref: {%[4]s}
  interval: 10m
  insecure: true
  verify:
    authorities:
    - {%[5]s}
    %[6]s
`, name, Namespace, registry, ref, authority, strings.Join(rules, "\n    "))
}

// helmRelease does not wait for what it installs: nothing runs in a control plane without nodes.
func helmRelease(name string) string {
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
`, name, Namespace)
}
