package scenario

import (
	"encoding/base64"
	"fmt"
)

// KeySecret is the name of the Secret with the public key, and KeyEntry its entry.
const (
	KeySecret = "release-key"
	KeyEntry  = "release.pub"
)

// keySecret is a Secret with a public key that releases are signed with.
func keySecret(public []byte) string {
	return fmt.Sprintf(`
---
apiVersion: v1
kind: Secret
metadata: {name: %s, namespace: %s}
data:
  %s: %s
`, KeySecret, Namespace, KeyEntry, base64.StdEncoding.EncodeToString(public))
}

// verifiedChart asks for a chart of the registry, as a ref says, if the release key signed it.
func verifiedChart(name, registry, ref string) string {
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
    - name: release
      provider: cosign
      secretRef: {name: %[5]s}
`, name, Namespace, registry, ref, KeySecret)
}

// helmRelease does not wait for what it installs: nothing runs in a control plane without nodes.
const helmRelease = `
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: signed, namespace: ` + Namespace + `}
spec:
  interval: 10m
  chartRef: {kind: ExternalArtifact, name: signed}
  install: {disableWait: true}
  upgrade: {disableWait: true}
`
