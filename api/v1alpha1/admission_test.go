// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// edit changes a spec, as a map, so that what no Go type can hold may be sent too.
type edit func(spec map[string]any)

func set(value any, path ...string) edit {
	return func(spec map[string]any) { Expect(unstructured.SetNestedField(spec, value, path...)).To(Succeed()) }
}

func without(path ...string) edit {
	return func(spec map[string]any) { unstructured.RemoveNestedField(spec, path...) }
}

func authorities(list ...any) edit {
	return func(spec map[string]any) { spec["verify"].(map[string]any)["authorities"] = list }
}

func authority(name string, edits ...edit) any {
	a := map[string]any{"name": name, "provider": "cosign", "secretRef": map[string]any{"name": "cosign-pub"}}
	for _, e := range edits {
		e(a)
	}
	return a
}

func digestOf(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

// exemption is a good one, changed.
func exemption(change func(map[string]any)) map[string]any {
	x := map[string]any{"digest": digestOf("0"), "reason": "because", "expiresAt": "2027-01-01T00:00:00Z"}
	if change != nil {
		change(x)
	}
	return x
}

// provenanceFrom makes the authority one of provenance files, that are somewhere.
func provenanceFrom(p map[string]any) edit {
	return authorities(authority("a", set("provenance", "provider"), set(p, "provenance")))
}

// identity makes an authority keyless.
func identity(issuer, subject string) edit {
	return func(a map[string]any) {
		delete(a, "secretRef")
		a["matchOIDCIdentity"] = []any{map[string]any{"issuer": issuer, "subject": subject}}
	}
}

// someone is an identity like any other.
func someone() edit { return identity("^https://issuer[.]example$", "^release@example[.]com$") }

func secretName(name string) any { return map[string]any{"name": name} }

// classic names the chart app in a classic repository.
func classic(url string) edit {
	return func(spec map[string]any) { spec["url"], spec["chart"] = url, "app" }
}

// create sends a VerifiedChart with a good spec, changed by the edits.
func create(edits ...edit) (*unstructured.Unstructured, error) {
	spec := map[string]any{
		"url":      "oci://registry.example/charts/app",
		"ref":      map[string]any{"tag": "1.0.0"},
		"interval": "10m",
		"verify":   map[string]any{"authorities": []any{authority("release")}},
	}
	for _, e := range edits {
		e(spec)
	}
	obj := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	obj.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.VerifiedChartKind))
	obj.SetGenerateName("app-")
	obj.SetNamespace("default")
	return obj, k8s.Create(GinkgoT().Context(), obj)
}

var _ = Describe("The API server", Label("admission"), func() {
	DescribeTable("takes a VerifiedChart",
		func(edits ...edit) {
			_, err := create(edits...)
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("with a tag"),
		Entry("with a tag with +", set("1.0.0+build", "ref", "tag")),
		Entry("with a range and a filter", set(map[string]any{"semver": ">=1.0.0 <2.0.0", "semverFilter": "^1"}, "ref")),
		Entry("with a digest", set(map[string]any{"digest": "sha256:" + strings.Repeat("a", 64)}, "ref")),
		Entry("with a digest and a tag", set(map[string]any{"digest": "sha256:" + strings.Repeat("a", 64), "tag": "1.0.0"}, "ref")),
		Entry("with a digest and a range", set(map[string]any{"digest": "sha256:" + strings.Repeat("a", 64), "semver": "*"}, "ref")),
		Entry("with a port", set("oci://localhost:5000/app", "url")),
		Entry("with a deep path and a slash at its end", set("oci://ghcr.io/org/charts/my_chart-2.x/", "url")),
		Entry("with a short interval", set("1s", "interval")),
		Entry("with a compound interval", set("1h30m10.5s", "interval")),
		Entry("with a timeout", set("90s", "timeout")),
		Entry("with a chart name", set("other", "chartName")),
		Entry("with credentials", set(map[string]any{"name": "registry"}, "secretRef")),
		Entry("with the provider generic and credentials", set("generic", "provider"), set(secretName("registry"), "secretRef")),
		Entry("with a ServiceAccount", set("chart-reader", "serviceAccountName")),
		Entry("with a ServiceAccount whose name has dots", set("chart.reader.v1", "serviceAccountName")),
		Entry("with a ServiceAccount and credentials", set("chart-reader", "serviceAccountName"), set(secretName("registry"), "secretRef")),
		Entry("with the provider aws", set("aws", "provider")),
		Entry("with the provider azure and a ServiceAccount", set("azure", "provider"), set("chart-reader", "serviceAccountName")),
		Entry("with the provider gcp and insecure: false", set("gcp", "provider"), set(false, "insecure")),
		Entry("with the provider generic and insecure: true", set("generic", "provider"), set(true, "insecure")),
		Entry("with sixteen authorities", func(spec map[string]any) {
			var list []any
			for i := range 16 {
				list = append(list, authority(fmt.Sprintf("a%d", i)))
			}
			authorities(list...)(spec)
		}),
		Entry("with an identity", authorities(authority("a", someone()))),
		Entry("with sixteen identities, and every claim", authorities(authority("a", func(a map[string]any) {
			var list []any
			for range 16 {
				list = append(list, map[string]any{"issuer": "https://.*", "subject": "(a|b)+"})
			}
			delete(a, "secretRef")
			a["matchOIDCIdentity"] = list
			a["claims"] = map[string]any{"sourceRepositoryURI": "https://github.com/org/repo", "sourceRepositoryRef": "refs/heads/main",
				"buildSignerURI": "https://github.com/org/repo/.github/workflows/release.yml@refs/heads/main", "buildTrigger": "push", "runnerEnvironment": "github-hosted"}
		}))),
		Entry("with an identity of a private Sigstore", authorities(authority("a", someone(), set(secretName("root"), "trustedRootSecretRef")))),
		Entry("with an identity of a Sigstore without logs", authorities(authority("a", someone(), set("Ignore", "transparencyLog")))),
		Entry("with a key whose signatures are logged", authorities(authority("a", set("Required", "transparencyLog")))),
		Entry("with a key that signs with SHA-512", authorities(authority("a", set("SHA-512", "hashAlgorithm")))),
		Entry("with a key with an end", authorities(authority("a", set("Required", "transparencyLog"), set(map[string]any{"end": "2027-01-01T00:00:00Z"}, "validFor")))),
		Entry("with a key with a period that a timestamp authority proves", authorities(authority("a", set(secretName("root"), "trustedRootSecretRef"),
			set(map[string]any{"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}, "validFor")))),
		Entry("with signatures in another repository", authorities(authority("a", set("oci://ghcr.io/org/signatures", "signatureRepository")))),
		Entry("on an IPv6 address", set("oci://[2001:db8::1]/charts/app", "url")),
		Entry("on an IPv6 address with zeros, and a port", set("oci://[2001:0db8:01::1]:5000/charts/app", "url")),
		Entry("with signatures on an IPv6 address", authorities(authority("a", set("oci://[::1]:5000/signatures", "signatureRepository")))),
		Entry("in a classic repository on an IPv6 address", classic("https://[2001:db8::1]:8443/stable")),
		Entry("in a classic repository", classic("https://charts.example/stable")),
		Entry("in a classic repository without a path, with a slash, a port and upper case", classic("https://Charts.example:8443/")),
		Entry("in a classic repository over plain HTTP, with permission", classic("http://charts.example/Stable_x~y+z"), set(true, "insecure")),
		Entry("in a classic repository, with every field that it may have", classic("https://charts.example/stable"), set("app.v2_x", "chart"), set(true, "passCredentials"), set("real-name", "chartName"),
			set(secretName("web"), "secretRef"), set(secretName("ca"), "certSecretRef"), set(secretName("proxy"), "proxySecretRef"), set("generic", "provider"), provenanceFrom(map[string]any{"source": "Auto"})),
		Entry("with a keyring", authorities(authority("a", set("provenance", "provider")))),
		Entry("with a keyring, of which some keys count, for a file under a tag", authorities(authority("a", set("provenance", "provider"), set(map[string]any{
			"source": "Referrer", "tag": "{{name}}-{{version}}.prov", "allowExpiredKeys": true, "fingerprints": []any{strings.Repeat("aB", 20), strings.Repeat("0", 64)},
		}, "provenance")))),
		Entry("with a provenance file on a web server", provenanceFrom(map[string]any{"source": "URL", "url": "https://example.com:8443/prov/{{name}}-{{version}}.tgz.prov?raw=1",
			"secretRef": secretName("web"), "certSecretRef": secretName("web-ca")})),
		Entry("with a provenance file in a Secret", provenanceFrom(map[string]any{"source": "Secret", "fileRef": secretName("provs")})),
		Entry("with a provenance file in a ConfigMap", provenanceFrom(map[string]any{"source": "ConfigMap", "fileRef": map[string]any{"name": "provs", "key": "{{version}}.prov"}})),
		Entry("with every rule", set("Audit", "verify", "mode"), set("Hold", "verify", "onTrustLoss"), set("24h", "verify", "maxUnverifiedAge"),
			set("Warn", "verify", "versionMutation"), set(true, "allowDowngrade"),
			set(map[string]any{"digests": []any{digestOf("0")}, "keys": []any{"SHA256:" + strings.Repeat("0", 64), strings.Repeat("aB", 20), strings.Repeat("0", 16)}, "versions": []any{"<1.2.3"}}, "verify", "revoked"),
			set([]any{exemption(nil)}, "verify", "exemptions")),
		Entry("with a minimum age that an identity can prove", authorities(authority("a", someone()), authority("b")), set("72h", "verify", "minSignatureAge")),
		Entry("with a minimum age that a logged key can prove", authorities(authority("a", set("Required", "transparencyLog"))), set("1s", "verify", "minSignatureAge")),
		Entry("with a number to accept that equals the authorities", authorities(authority("a"), authority("b")), set(int64(2), "verify", "atLeast")),
	)

	DescribeTable("refuses a VerifiedChart, and names the fix",
		func(hint string, edits ...edit) {
			_, err := create(edits...)
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring(hint)))
		},
		Entry("without a url", "url", without("url")),
		Entry("with a url of another scheme", "must start with oci://", set("ftp://registry.example/charts/app", "url")),
		Entry("in a classic repository, without chart", "set it to the name of the chart in index.yaml", set("https://charts.example/stable", "url")),
		Entry("on an IPv6 address without brackets", "oci://host[:port]/path", set("oci://2001:db8::1/charts/app", "url")),
		Entry("on an IPv6 address with a zone", "oci://host[:port]/path", set("oci://[fe80::1%25eth0]/charts/app", "url")),
		Entry("on an IPv6 address with a port that no host has", "port of 1 to 65535", set("oci://[::1]:65536/charts/app", "url")),
		Entry("on an IPv6 address with a tag", "put it in ref.tag", set("oci://[::1]/charts/app:1.0.0", "url")),
		Entry("in a registry, with chart", "remove it, and end url with the name", set("app", "chart")),
		Entry("in a registry, with passCredentials", "passCredentials is for classic repositories", set(true, "passCredentials")),
		Entry("in a classic repository over plain HTTP, without permission", "set insecure: true", classic("http://charts.example/stable")),
		Entry("in a classic repository, with the identity of a cloud", "provider aws is for OCI registries", classic("https://charts.example/stable"), set("aws", "provider")),
		Entry("in a classic repository, with signatures in a registry", "signatureRepository is for OCI registries", classic("https://charts.example/stable"), authorities(authority("a", set("oci://ghcr.io/org/signatures", "signatureRepository")))),
		Entry("in a classic repository, with a provenance file in a manifest", "remove source", classic("https://charts.example/stable"), provenanceFrom(map[string]any{"source": "Layer"})),
		Entry("in a classic repository, whose url is that of the index", "remove index.yaml", classic("https://charts.example/stable/index.yaml")),
		Entry("in a classic repository, whose url is that of an archive", "the name of the archive", classic("https://charts.example/stable/app-1.0.0.tgz")),
		Entry("in a classic repository, with a query in the url", "no query", classic("https://charts.example/stable?token=x")),
		Entry("I6: in a classic repository, with credentials in the url", "put credentials in secretRef", classic("https://user:pass@charts.example/stable")),
		Entry("in a classic repository, with an escape in the url", "no query", classic("https://charts.example/st%61ble")),
		Entry("in a classic repository, with .. in the url", "segments . and ..", classic("https://charts.example/a/../stable")),
		Entry("in a classic repository, with an empty segment in the url", "https://host[:port]/path", classic("https://charts.example//stable")),
		Entry("in a classic repository, with a port that no host has", "port of 1 to 65535", classic("https://charts.example:65536/stable")),
		Entry("in a classic repository, with a chart that is a path", "chart", classic("https://charts.example/stable"), set("../app", "chart")),
		Entry("with a tag in the url", "put it in ref.tag", set("oci://registry.example/charts/app:1.0.0", "url")),
		Entry("with a digest in the url", "digest in ref.digest", set("oci://registry.example/charts/app@sha256:"+strings.Repeat("a", 64), "url")),
		Entry("I6: with credentials in the url", "put credentials in secretRef", set("oci://user:pass@registry.example/charts/app", "url")),
		Entry("with an upper case path", "only lower case letters", set("oci://registry.example/charts/App", "url")),
		Entry("with no path", "oci://host[:port]/path", set("oci://registry.example", "url")),
		Entry("with a query", "oci://host[:port]/path", set("oci://registry.example/app?x=y", "url")),
		Entry("with .. in the path", "oci://host[:port]/path", set("oci://registry.example/charts/../app", "url")),
		Entry("with a url that is too long", "may not be more than 512", set("oci://registry.example/"+strings.Repeat("a", 600), "url")),
		Entry("without a ref", "ref", without("ref")),
		Entry("with a range and a tag", "both semver and tag", set(map[string]any{"semver": "*", "tag": "1.0.0"}, "ref")),
		Entry("with an interval without a unit", "write 10m", set("10", "interval")),
		Entry("with an empty ref", "set one of tag", set(map[string]any{}, "ref")),
		Entry("with a filter but no range", "set semver too", set("^1", "ref", "semverFilter")),
		Entry("with a short digest", "ref.digest", set("sha256:aa", "ref", "digest")),
		Entry("with a digest of another algorithm", "ref.digest", set("md5:"+strings.Repeat("a", 32), "ref", "digest")),
		Entry("with a malformed tag", "ref.tag", set("a/b", "ref", "tag")),
		Entry("H5: without an interval", "interval", without("interval")),
		Entry("H5: with a malformed interval", "interval", set("1x", "interval")),
		Entry("H5: with an interval of zero", "between 1s and 8760h", set("0s", "interval")),
		Entry("H5: with a negative interval", "interval", set("-5m", "interval")),
		Entry("H5: with a huge interval", "between 1s and 8760h", set("100000h", "interval")),
		Entry("H5: with an interval that overflows", "interval", set("99999999999999999999h", "interval")),
		Entry("with a timeout of zero", "between 1s and 1h", set("0s", "timeout")),
		Entry("with a huge timeout", "between 1s and 1h", set("2h", "timeout")),
		Entry("with a chart name that is a path", "chartName", set("../app", "chartName")),
		Entry("with an unknown provider of credentials", `supported values: "generic", "aws", "azure", "gcp"`, set("github", "provider")),
		Entry("with an empty provider of credentials", "provider", set("", "provider")),
		Entry("with aws and credentials", "provider aws gets its credentials from the cloud: remove secretRef", set("aws", "provider"), set(secretName("registry"), "secretRef")),
		Entry("with azure and credentials", "provider azure gets its credentials", set("azure", "provider"), set(secretName("registry"), "secretRef")),
		Entry("with gcp, credentials and a ServiceAccount", "provider gcp gets its credentials", set("gcp", "provider"), set(secretName("registry"), "secretRef"), set("reader", "serviceAccountName")),
		Entry("with aws over plain HTTP", "provider aws sends its credentials over HTTPS only: remove insecure", set("aws", "provider"), set(true, "insecure")),
		Entry("I1: with a ServiceAccount of another namespace", "serviceAccountName must be the name", set("other/reader", "serviceAccountName")),
		Entry("with a ServiceAccount in upper case", "serviceAccountName must be the name", set("Reader", "serviceAccountName")),
		Entry("with a ServiceAccount without a name", "serviceAccountName must be the name", set("", "serviceAccountName")),
		Entry("with a ServiceAccount with dots at its end", "serviceAccountName must be the name", set("reader.", "serviceAccountName")),
		Entry("with a ServiceAccount whose name is endless", "serviceAccountName", set(strings.Repeat("a", 254), "serviceAccountName")),
		Entry("without verify", "verify", without("verify")),
		Entry("without authorities", "authorities", authorities()),
		Entry("with seventeen authorities", "authorities", func(spec map[string]any) {
			var list []any
			for i := range 17 {
				list = append(list, authority(fmt.Sprintf("a%d", i)))
			}
			authorities(list...)(spec)
		}),
		Entry("with two authorities of one name", "Duplicate value", authorities(authority("a"), authority("a"))),
		Entry("with an authority without a name", "name", authorities(authority("a", without("name")))),
		Entry("with an authority whose name is no label", "name", authorities(authority("Not a label"))),
		Entry("with an unknown provider", "provenance", authorities(authority("a", set("notary", "provider")))),
		Entry("without a provider", "provider", authorities(authority("a", without("provider")))),
		Entry("E3: with a cosign authority that could not trust anybody", "add secretRef", authorities(authority("a", without("secretRef")))),
		Entry("E3: with an identity and no pattern of it", "matchOIDCIdentity", authorities(authority("a", without("secretRef"), set([]any{}, "matchOIDCIdentity")))),
		Entry("E3: with an identity without a subject", "subject", authorities(authority("a", without("secretRef"), set([]any{map[string]any{"issuer": "x"}}, "matchOIDCIdentity")))),
		Entry("E3: with an identity without an issuer", "issuer", authorities(authority("a", without("secretRef"), set([]any{map[string]any{"subject": "x"}}, "matchOIDCIdentity")))),
		Entry("E3: with an identity of any subject, by an empty pattern", "subject", authorities(authority("a", identity("x", "")))),
		Entry("E2: with a subject that does not compile", "regular expression", authorities(authority("a", identity("x", "(")))),
		Entry("E2: with an issuer that does not compile", "regular expression", authorities(authority("a", identity("[", "x")))),
		Entry("with a key and an identity", "either a key or an identity", authorities(authority("a", set([]any{map[string]any{"issuer": "x", "subject": "y"}}, "matchOIDCIdentity")))),
		Entry("with claims of a key", "add matchOIDCIdentity", authorities(authority("a", set(map[string]any{"buildTrigger": "push"}, "claims")))),
		Entry("with empty claims", "claims", authorities(authority("a", someone(), set(map[string]any{}, "claims")))),
		Entry("with a claim of an empty value", "sourceRepositoryURI", authorities(authority("a", someone(), set(map[string]any{"sourceRepositoryURI": ""}, "claims")))),
		Entry("with a hash of an identity", "remove hashAlgorithm", authorities(authority("a", someone(), set("SHA-256", "hashAlgorithm")))),
		Entry("with a weak hash", "hashAlgorithm", authorities(authority("a", set("SHA-1", "hashAlgorithm")))),
		Entry("with a period of an identity", "remove validFor", authorities(authority("a", someone(), set(map[string]any{"end": "2027-01-01T00:00:00Z"}, "validFor")))),
		Entry("with a period that nothing proves", "proven signing time", authorities(authority("a", set(map[string]any{"end": "2027-01-01T00:00:00Z"}, "validFor")))),
		Entry("with an empty period", "a start, an end or both", authorities(authority("a", set("Required", "transparencyLog"), set(map[string]any{}, "validFor")))),
		Entry("with a period that ends before it starts", "end before it starts", authorities(authority("a", set("Required", "transparencyLog"),
			set(map[string]any{"start": "2027-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "validFor")))),
		Entry("with an unknown value of transparencyLog", "transparencyLog", authorities(authority("a", set("Maybe", "transparencyLog")))),
		Entry("with signatures at a tag", "oci://host[:port]/path", authorities(authority("a", set("oci://ghcr.io/org/signatures:tag", "signatureRepository")))),
		Entry("with a provenance authority that could not trust anybody", "add secretRef", authorities(authority("a", set("provenance", "provider"), without("secretRef")))),
		Entry("with an identity of a provenance authority", "are for provider cosign", authorities(authority("a", set("provenance", "provider"), set([]any{map[string]any{"issuer": "x", "subject": "y"}}, "matchOIDCIdentity")))),
		Entry("with a log of a provenance authority", "are for provider cosign", authorities(authority("a", set("provenance", "provider"), set("Required", "transparencyLog")))),
		Entry("with a provenance file of a cosign authority", "provenance is for provider provenance", authorities(authority("a", set(map[string]any{"source": "Layer"}, "provenance")))),
		Entry("with a provenance file from no source", "provenance.source", authorities(authority("a", set("provenance", "provider"), set(map[string]any{"source": "Mail"}, "provenance")))),
		Entry("with a malformed tag of a provenance file", "provenance.tag", authorities(authority("a", set("provenance", "provider"), set(map[string]any{"tag": "a/b"}, "provenance")))),
		Entry("with a web server for a provenance file, and no URL", "set both", provenanceFrom(map[string]any{"source": "URL"})),
		Entry("with a URL for a provenance file that is looked for elsewhere", "set both", provenanceFrom(map[string]any{"url": "https://example.com/a.prov"})),
		Entry("with a URL for a provenance file over plain HTTP", "url must be https://", provenanceFrom(map[string]any{"source": "URL", "url": "http://example.com/a.prov"})),
		Entry("with a URL for a provenance file without a path", "url must be https://", provenanceFrom(map[string]any{"source": "URL", "url": "https://example.com"})),
		Entry("I6: with credentials in the URL of a provenance file", "url must be https://", provenanceFrom(map[string]any{"source": "URL", "url": "https://user:pass@example.com/a.prov"})),
		Entry("with a host that depends on the chart", "url must be https://", provenanceFrom(map[string]any{"source": "URL", "url": "https://{{name}}.example.com/a.prov"})),
		Entry("with a URL for a provenance file with white space", "url must be https://", provenanceFrom(map[string]any{"source": "URL", "url": "https://example.com/a b"})),
		Entry("with a URL for a provenance file with an unknown part", "no other braces", provenanceFrom(map[string]any{"source": "URL", "url": "https://example.com/{{digest}}.prov"})),
		Entry("with credentials for no web server", "are for source: URL", provenanceFrom(map[string]any{"secretRef": secretName("web")})),
		Entry("with certificates for no web server", "are for source: URL", provenanceFrom(map[string]any{"certSecretRef": secretName("web")})),
		Entry("with a provenance file in no Secret", "fileRef go together", provenanceFrom(map[string]any{"source": "Secret"})),
		Entry("with a provenance file in an object without a kind", "fileRef go together", provenanceFrom(map[string]any{"fileRef": secretName("provs")})),
		Entry("with a provenance file in an object without a name", "fileRef.name", provenanceFrom(map[string]any{"source": "ConfigMap", "fileRef": secretName("")})),
		Entry("with a provenance file under a malformed key", "fileRef.key", provenanceFrom(map[string]any{"source": "ConfigMap", "fileRef": map[string]any{"name": "provs", "key": "a/b"}})),
		Entry("with a tag for a provenance file in the manifest", "tag is for source", provenanceFrom(map[string]any{"source": "Layer", "tag": "x"})),
		Entry("with an unknown mode", "verify.mode", set("Observe", "verify", "mode")),
		Entry("with an unknown reaction to lost trust", "verify.onTrustLoss", set("Ignore", "verify", "onTrustLoss")),
		Entry("with an unknown reaction to a mutation", "verify.versionMutation", set("Ignore", "verify", "versionMutation")),
		Entry("with a maxUnverifiedAge that is too short", "maxUnverifiedAge must be", set("59s", "verify", "maxUnverifiedAge")),
		Entry("with a maxUnverifiedAge that is too long", "maxUnverifiedAge must be", set("8761h", "verify", "maxUnverifiedAge")),
		Entry("with a minimum age that no authority can prove", "needs an authority that can prove", set("72h", "verify", "minSignatureAge")),
		Entry("with a minimum age that only a provenance file could claim", "needs an authority that can prove", provenanceFrom(map[string]any{}), set("72h", "verify", "minSignatureAge")),
		Entry("with a minimum age of zero", "minSignatureAge must be", authorities(authority("a", someone())), set("0s", "verify", "minSignatureAge")),
		Entry("with a malformed revoked digest", "revoked.digests", set(map[string]any{"digests": []any{"sha256:00"}}, "verify", "revoked")),
		Entry("with a revoked key by a short id", "revoked.keys", set(map[string]any{"keys": []any{"deadbeef"}}, "verify", "revoked")),
		Entry("with an exemption without a reason", "reason", set([]any{exemption(func(x map[string]any) { delete(x, "reason") })}, "verify", "exemptions")),
		Entry("with an exemption without end", "expiresAt", set([]any{exemption(func(x map[string]any) { delete(x, "expiresAt") })}, "verify", "exemptions")),
		Entry("with an exemption of a tag", "digest", set([]any{exemption(func(x map[string]any) { x["digest"] = "1.0.0" })}, "verify", "exemptions")),
		Entry("with two exemptions of one digest", "Duplicate", set([]any{exemption(nil), exemption(nil)}, "verify", "exemptions")),
		Entry("with a short fingerprint", "fingerprints", authorities(authority("a", set("provenance", "provider"), set(map[string]any{"fingerprints": []any{"abcd"}}, "provenance")))),
		Entry("with a number to accept above the number of authorities", "lower it, or list more", set(int64(2), "verify", "atLeast")),
		Entry("with a number to accept of zero", "verify.atLeast", set(int64(0), "verify", "atLeast")),
	)

	It("I1: has no field for a Secret of another namespace", func() {
		obj, err := create(authorities(authority("a", set("other", "secretRef", "namespace"))))
		Expect(err).NotTo(HaveOccurred())
		list, _, _ := unstructured.NestedSlice(obj.Object, "spec", "verify", "authorities")
		Expect(list[0]).To(HaveKeyWithValue("secretRef", HaveLen(1)))
	})

	It("starts with a generation that was not observed, and the default timeout", func() {
		obj, err := create()
		Expect(err).NotTo(HaveOccurred())
		var typed v1alpha1.VerifiedChart
		Expect(k8s.Get(GinkgoT().Context(), client.ObjectKeyFromObject(obj), &typed)).To(Succeed())
		Expect(typed.Status.ObservedGeneration).To(BeEquivalentTo(-1))
		Expect(typed.GetTimeout()).To(Equal(v1alpha1.DefaultTimeout))
	})

	It("takes every sample", func() {
		files, err := filepath.Glob(filepath.Join(root, "config", "samples", "*.yaml"))
		Expect(err).NotTo(HaveOccurred())
		taken := 0
		for _, file := range files {
			raw, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			obj := &unstructured.Unstructured{}
			Expect(yaml.Unmarshal(raw, &obj.Object)).To(Succeed())
			if obj.GetKind() != v1alpha1.VerifiedChartKind {
				continue
			}
			obj.SetNamespace("default")
			Expect(k8s.Create(GinkgoT().Context(), obj)).To(Succeed(), file)
			taken++
		}
		Expect(taken).To(BeNumerically(">=", 7))
	})
})
