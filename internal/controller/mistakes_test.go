// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// admissionMistake is a mistake that the API server rejects.
type admissionMistake struct {
	mistake string
	change  func(spec map[string]any)
}

// firstAuthority returns the first authority of a spec.
func firstAuthority(spec map[string]any) map[string]any {
	return spec["verify"].(map[string]any)["authorities"].([]any)[0].(map[string]any)
}

func setURL(url string) func(map[string]any) {
	return func(spec map[string]any) { spec["url"] = url }
}

func setRef(ref map[string]any) func(map[string]any) {
	return func(spec map[string]any) { spec["ref"] = ref }
}

var admissionMistakes = []admissionMistake{
	{"`verfiy:`", func(s map[string]any) { s["verfiy"] = s["verify"] }},
	{"`verify.provider:`, as in Flux", func(s map[string]any) { s["verify"].(map[string]any)["provider"] = "cosign" }},
	{"`interval: \"10\"`", func(s map[string]any) { s["interval"] = "10" }},
	{"`interval: 1d`", func(s map[string]any) { s["interval"] = "1d" }},
	{"`interval: 10`", func(s map[string]any) { s["interval"] = int64(10) }},
	{"`timeout: \"30\"`", func(s map[string]any) { s["timeout"] = "30" }},
	{"no `authorities`", func(s map[string]any) { delete(s["verify"].(map[string]any), "authorities") }},
	{"`authorities: []`", func(s map[string]any) { s["verify"].(map[string]any)["authorities"] = []any{} }},
	{"`url` without `oci://`", setURL("ghcr.io/org/app")},
	{"`url` of a classic repository, without `chart`", setURL("https://charts.example.com/stable")},
	{"`url` of an `index.yaml`", setURL("https://charts.example.com/stable/index.yaml")},
	{"`chart` beside `oci://`", func(s map[string]any) { s["chart"] = "app" }},
	{"`url` with a tag", setURL("oci://ghcr.io/org/app:1.0.0")},
	{"`url` with a digest", setURL("oci://ghcr.io/org/app@sha256:" + strings.Repeat("a", 64))},
	{"`url` with credentials", setURL("oci://user:secret@ghcr.io/org/app")},
	{"`url` in upper case", setURL("oci://ghcr.io/Org/App")},
	{"`ref` with tag and semver", setRef(map[string]any{"tag": "1.0.0", "semver": "1.x"})},
	{"`ref` with semver and digest", setRef(map[string]any{"digest": "sha256:" + strings.Repeat("a", 64), "semver": "1.x"})},
	{"empty `ref`", setRef(map[string]any{})},
	{"`semver: newest`", setRef(map[string]any{"semver": "newest"})},
	{"`digest: 5f86`", setRef(map[string]any{"digest": "5f86"})},
	{"`tag: a/b`", setRef(map[string]any{"tag": "a/b"})},
	{"identity without issuer", func(s map[string]any) {
		a := firstAuthority(s)
		delete(a, "secretRef")
		a["matchOIDCIdentity"] = []any{map[string]any{"subject": "a"}}
	}},
	{"identity with a malformed expression", func(s map[string]any) {
		a := firstAuthority(s)
		delete(a, "secretRef")
		a["matchOIDCIdentity"] = []any{map[string]any{"issuer": "i", "subject": "^https://github.com/(org$"}}
	}},
	{"key and identity", func(s map[string]any) {
		firstAuthority(s)["matchOIDCIdentity"] = []any{map[string]any{"issuer": "i", "subject": "s"}}
	}},
	{"neither key nor identity", func(s map[string]any) { delete(firstAuthority(s), "secretRef") }},
	{"provenance without a keyring", func(s map[string]any) {
		firstAuthority(s)["provider"] = "provenance"
		delete(firstAuthority(s), "secretRef")
	}},
	{"two authorities of one name", func(s map[string]any) {
		v := s["verify"].(map[string]any)
		v["authorities"] = append(v["authorities"].([]any), firstAuthority(s))
	}},
	{"`provider: notation`", func(s map[string]any) { firstAuthority(s)["provider"] = "notation" }},
	{"`atLeast: 2` of one authority", func(s map[string]any) { s["verify"].(map[string]any)["atLeast"] = int64(2) }},
	{"`minSignatureAge`, and nothing proves a time", func(s map[string]any) { s["verify"].(map[string]any)["minSignatureAge"] = "72h" }},
	{"`provider: aws` with `secretRef`", func(s map[string]any) {
		s["provider"], s["secretRef"] = "aws", map[string]any{"name": "regcred"}
	}},
	{"`provider: azure` with `insecure: true`", func(s map[string]any) { s["provider"], s["insecure"] = "azure", true }},
	{"`provider: github`", func(s map[string]any) { s["provider"] = "github" }},
	{"`serviceAccountName` with a namespace", func(s map[string]any) { s["serviceAccountName"] = "apps/reader" }},
	{"an exemption that has ended", func(s map[string]any) {
		s["verify"].(map[string]any)["exemptions"] = []any{map[string]any{
			"digest": "sha256:" + strings.Repeat("a", 64), "reason": "legacy", "expiresAt": "2020-01-01T00:00:00Z"}}
	}},
}

// ecrURL is a repository in a registry of AWS, which no test reads.
const ecrURL = "oci://123456789012.dkr.ecr.eu-west-1.amazonaws.com/org/app"

// mistake is a mistake that the controller reports.
type mistake struct {
	mistake string
	make    func(*world)
	until   string // part of the final message of Ready; empty if the first message is final
}

// keyed returns a row with a Secret that holds an unusable key.
func keyed(entry string, value func(key *ecdsa.PrivateKey) []byte) func(*world) {
	return func(w *world) {
		key := w.ours.Key.(*ecdsa.PrivateKey)
		w.setSecret("cosign-pub", map[string][]byte{entry: value(key)})
		w.push("1.0.0", w.ours)
		w.declare()
	}
}

func publicDER(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	Expect(err).NotTo(HaveOccurred())
	return der
}

func publicPEM(key *ecdsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER(key)})
}

func privatePEM(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func certificatePEM(key *ecdsa.PrivateKey) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "release"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// otherCurve is a public key on a curve that cosign does not use.
func otherCurve(*ecdsa.PrivateKey) []byte {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	der, err := x509.MarshalPKIXPublicKey(key.PublicKey())
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func sshKey(key *ecdsa.PrivateKey) []byte {
	return []byte("ecdsa-sha2-nistp256 " + base64.StdEncoding.EncodeToString(publicDER(key)) + " me@example.com\n")
}

func inOneLine(key *ecdsa.PrivateKey) []byte {
	return []byte(strings.ReplaceAll(string(publicPEM(key)), "\n", " "))
}

func indented(key *ecdsa.PrivateKey) []byte {
	return []byte("  " + strings.ReplaceAll(string(publicPEM(key)), "\n", "\n  "))
}

func afterBOM(key *ecdsa.PrivateKey) []byte { return append([]byte("\ufeff"), publicPEM(key)...) }

func base64Twice(key *ecdsa.PrivateKey) []byte {
	return []byte(base64.StdEncoding.EncodeToString(publicPEM(key)))
}

func byTag(tag string) func(*v1alpha1.VerifiedChartSpec) {
	return func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Tag: tag} }
}

func byRange(r string) func(*v1alpha1.VerifiedChartSpec) {
	return func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: r} }
}

// inClassic declares the chart app in a classic repository, after the function.
func inClassic(arrange func(*classicWorld)) func(*world) {
	return func(w *world) {
		c := newClassicWorld(w)
		arrange(c)
		c.declare(c.maintained)
	}
}

var mistakes = []mistake{
	{mistake: "none", make: func(w *world) { w.push("1.0.0", w.ours); w.declare() }},
	{mistake: "the Secret does not exist", make: func(w *world) { w.push("1.0.0", w.ours); w.deleteSecret("cosign-pub"); w.declare() }},
	{mistake: "the Secret holds `cosign.key` alone", make: keyed("cosign.key", privatePEM)},
	{mistake: "the Secret holds `key.pem` alone", make: keyed("key.pem", publicPEM)},
	{mistake: "the private key is under `cosign.pub`", make: keyed("cosign.pub", privatePEM)},
	{mistake: "a certificate is under `cosign.pub`", make: keyed("cosign.pub", certificatePEM)},
	{mistake: "`cosign.pub` is DER", make: keyed("cosign.pub", publicDER)},
	{mistake: "`cosign.pub` was encoded twice", make: keyed("cosign.pub", base64Twice)},
	{mistake: "`cosign.pub` is an SSH key", make: keyed("cosign.pub", sshKey)},
	{mistake: "`cosign.pub` lost its line breaks", make: keyed("cosign.pub", inOneLine)},
	{mistake: "`cosign.pub` is indented", make: keyed("cosign.pub", indented)},
	{mistake: "`cosign.pub` starts with a byte order mark", make: keyed("cosign.pub", afterBOM)},
	{mistake: "`cosign.pub` is on an unsupported curve", make: keyed("cosign.pub", otherCurve)},
	{mistake: "`cosign.pub` is empty", make: keyed("cosign.pub", func(*ecdsa.PrivateKey) []byte { return nil })},
	{mistake: "`cosign.pub` is a text", make: keyed("cosign.pub", func(*ecdsa.PrivateKey) []byte { return []byte("the key of the release team") })},
	{mistake: "the chart is signed with another key", make: func(w *world) { w.push("1.0.0", w.theirs); w.declare() }},
	{mistake: "the authority names an identity, and a key signed", make: func(w *world) {
		w.setSecret("root", map[string][]byte{v1alpha1.TrustedRootKey: sigstoretest.NewSmall().Root()})
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities[0].SecretRef = nil
			s.Verify.Authorities[0].MatchOIDCIdentity = []v1alpha1.OIDCIdentityMatch{{Issuer: "https://issuer.example", Subject: "release@example.com"}}
			s.Verify.Authorities[0].TrustedRootSecretRef = &meta.LocalObjectReference{Name: "root"}
		})
	}},
	{mistake: "the chart is not signed", make: func(w *world) { w.push("1.0.0"); w.declare() }},
	{mistake: "a new version is not signed", until: "1.1.0", make: func(w *world) {
		d := w.push("1.0.0", w.ours)
		w.declare(byRange("1.x"))
		w.ready(d.Digest)
		w.push("1.1.0")
		w.reconcile()
	}},
	{mistake: "no version is in the range", make: func(w *world) { w.push("1.0.0", w.ours); w.declare(byRange(">=2.0.0")) }},
	{mistake: "the tag does not exist", make: func(w *world) { w.push("1.0.0", w.ours); w.declare(byTag("1.0.1")) }},
	{mistake: "the repository does not exist", make: func(w *world) {
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.URL += "-two" })
	}},
	{mistake: "`chartName` is wrong", make: func(w *world) {
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.ChartName = "podinfo" })
	}},
	{mistake: "the last part of `url` is not the chart's name", make: func(w *world) {
		w.repo = w.registry.Repository("charts/application")
		w.push("1.0.0", w.ours)
		w.declare()
	}},
	{mistake: "`ref.digest` does not exist", make: func(w *world) {
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.Ref = v1alpha1.ChartRef{Digest: "sha256:" + strings.Repeat("0", 64)}
		})
	}},
	{mistake: "the keyring does not exist", make: func(w *world) { w.push("1.0.0"); w.declare(byMaintainers) }},
	{mistake: "the keyring holds a private key", make: func(w *world) {
		key := openpgptest.NewKey(openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour)))
		w.setSecret("maintainers", map[string][]byte{"pubring.gpg": openpgptest.Private(key)})
		w.pushSigned("1.0.0", key)
		w.declare(byMaintainers)
	}},
	{mistake: "another key made the provenance file", make: func(w *world) {
		at := openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour))
		w.setKeyring(openpgptest.NewKey(at))
		w.pushSigned("1.0.0", openpgptest.NewKey(at))
		w.declare(byMaintainers)
	}},
	{mistake: "the authority is cosign, and the chart has a provenance file only", make: func(w *world) {
		w.pushSigned("1.0.0", openpgptest.NewKey(openpgptest.CreatedAt(time.Now().Add(-24*time.Hour))))
		w.declare()
	}},
	{mistake: "the authority is provenance, and the chart has a cosign signature only", make: func(w *world) {
		w.setKeyring(openpgptest.NewKey(openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour))))
		w.push("1.0.0", w.ours)
		w.declare(byMaintainers)
	}},
	{mistake: "the chart in a classic repository is not signed", make: inClassic(func(w *classicWorld) {
		w.release("1.0.0")
		w.charts.Delete("app-1.0.0.tgz.prov")
	})},
	{mistake: "the chart in a classic repository has a provenance file for another archive", make: inClassic(func(w *classicWorld) {
		w.release("1.0.0")
		w.charts.Put("app-1.0.0.tgz.prov", provenanceOf(w.maintainer, "1.0.0", []byte("rebuilt")))
	})},
	{mistake: "the digest in the index is wrong", make: inClassic(func(w *classicWorld) {
		w.release("1.0.0", chartrepotest.WithDigest(strings.Repeat("a", 64)))
	})},
	{mistake: "the index has no such chart", make: inClassic(func(w *classicWorld) {
		w.charts.Add("application", "1.0.0", charttest.Archive("application", "1.0.0"))
	})},
	{mistake: "the index has no such version", make: inClassic(func(w *classicWorld) { w.release("1.1.0") })},
	{mistake: "the index points to a registry", make: inClassic(func(w *classicWorld) {
		w.release("1.0.0", chartrepotest.At("oci://registry-1.docker.io/bitnamicharts/app:1.0.0"))
	})},
	{mistake: "`url` is no classic repository", make: inClassic(func(w *classicWorld) { w.charts.Delete("index.yaml") })},
	{mistake: "`url` is a web page", make: inClassic(func(w *classicWorld) { w.charts.Put("index.yaml", []byte("<html>Welcome</html>")) })},
	{mistake: "the classic repository needs a password", make: inClassic(func(w *classicWorld) { w.charts.Break(answering("", http.StatusUnauthorized)) })},
	{mistake: "the host answers 403 for a missing provenance file", make: inClassic(func(w *classicWorld) {
		w.release("1.0.0")
		w.charts.Break(answering(".prov", http.StatusForbidden))
	})},
	{mistake: "an ExternalArtifact of the same name belongs to another source", until: "serving", make: func(w *world) {
		Expect(w.client.Create(w.ctx, &sourcev1.ExternalArtifact{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "app"},
			Spec:       sourcev1.ExternalArtifactSpec{SourceRef: &meta.NamespacedObjectKindReference{APIVersion: "example.com/v1", Kind: "Other", Name: "x"}},
		})).To(Succeed())
		w.push("1.0.0", w.ours)
		w.declare()
	}},
	{mistake: "the VerifiedChart is suspended from the start", make: func(w *world) {
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true })
	}},
	{mistake: "the VerifiedChart is suspended while its chart is served", until: "suspended", make: func(w *world) {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true })
	}},
	{mistake: "the registry speaks plain HTTP", make: func(w *world) {
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Insecure = false })
	}},
	{mistake: "the Secret with the registry credentials does not exist", make: func(w *world) {
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.SecretRef = &meta.LocalObjectReference{Name: "regcred"} })
	}},
	{mistake: "the Secret with the registry credentials has another type", make: func(w *world) {
		w.setSecret("regcred", map[string][]byte{"token": []byte("x")})
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.SecretRef = &meta.LocalObjectReference{Name: "regcred"} })
	}},
	{mistake: "the entry for the registry is malformed", make: func(w *world) {
		w.setSecret("regcred", map[string][]byte{".dockerconfigjson": []byte(`{"auths":{"` + w.registry.Host() + `":{"auth":"user:password"}}}`)})
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.SecretRef = &meta.LocalObjectReference{Name: "regcred"} })
	}},
	{mistake: "the ServiceAccount does not exist", make: func(w *world) {
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.ServiceAccountName = "reader" })
	}},
	{mistake: "`provider: aws` for a registry elsewhere", make: func(w *world) {
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Provider, s.Insecure = "aws", false })
	}},
	{mistake: "`provider: aws` in a namespace without the controller's identity", make: func(w *world) {
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.URL, s.Provider, s.Insecure = ecrURL, "aws", false })
	}},
	{mistake: "`provider: aws` and `serviceAccountName`, without the feature gate", make: func(w *world) {
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.URL, s.Provider, s.ServiceAccountName, s.Insecure = ecrURL, "aws", "reader", false
		})
	}},
	{mistake: "the registry refuses the credentials", make: func(w *world) {
		w.registry.Break(refusing("/v2/", http.StatusUnauthorized))
		w.declare()
	}},
	{mistake: "the registry forbids access", make: func(w *world) {
		w.registry.Break(refusing("/v2/", http.StatusForbidden))
		w.declare()
	}},
	{mistake: "the registry is down", make: func(w *world) {
		w.registry.Break(refusing("/v2/", http.StatusServiceUnavailable))
		w.declare()
	}},
	{mistake: "the registry's name does not resolve", make: func(w *world) {
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.URL = "oci://registry.invalid/org/app"; s.Insecure = false })
	}},
	{mistake: "`mode: Audit`, and not signed", make: func(w *world) {
		w.push("1.0.0")
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Verify.Mode = v1alpha1.ModeAudit })
	}},
	{mistake: "the exemption has ended", make: func(w *world) {
		d := w.push("1.0.0")
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Exemptions = []v1alpha1.Exemption{{Digest: d.Digest.String(), Reason: "legacy", ExpiresAt: metav1.NewTime(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))}}
		})
	}},
	{mistake: "a version is revoked", make: func(w *world) {
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Revoked = &v1alpha1.Revocations{Versions: []string{"<1.2.0"}}
		})
	}},
	{mistake: "a published version is revoked", until: "1.0.0 refused", make: func(w *world) {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Revoked = &v1alpha1.Revocations{Versions: []string{"1.0.0"}}
		})
	}},
	{mistake: "the key of a published chart is replaced", until: "1.0.0 refused", make: func(w *world) {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.setKeys(w.theirs)
	}},
	{mistake: "the key of a published chart is replaced, and `onTrustLoss: Hold`", until: "holding", make: func(w *world) {
		d := w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Verify.OnTrustLoss = v1alpha1.OnTrustLossHold })
		w.ready(d.Digest)
		w.setKeys(w.theirs)
	}},
	{mistake: "the Secret of a published chart is deleted", until: "Secret", make: func(w *world) {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.deleteSecret("cosign-pub")
	}},
	{mistake: "a tag was pushed again with other contents", until: "digest changed", make: func(w *world) {
		d := w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Verify.VersionMutation = v1alpha1.VersionMutationDeny })
		w.ready(d.Digest)
		w.pushWith("1.0.0", "other: contents\n", w.ours)
		w.reconcile()
	}},
	{mistake: "a range falls back to an older version", until: "older than", make: func(w *world) {
		w.push("1.0.0", w.ours)
		d := w.push("1.1.0", w.ours)
		w.declare(byRange("*"))
		w.ready(d.Digest)
		w.repo.DeleteTag("1.1.0")
		w.reconcile()
	}},
	{mistake: "the tag holds another version", make: func(w *world) {
		w.push("1.0.0", w.ours)
		w.repo.PushManifest("1.1.0", w.repo.Raw("1.0.0"))
		w.declare(byTag("1.1.0"))
	}},
	{mistake: "one of two authorities accepts", make: func(w *world) {
		w.setSecret("security", map[string][]byte{"cosign.pub": w.theirs.Public})
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities = append(s.Verify.Authorities, v1alpha1.Authority{
				Name: "security", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "security"}})
		})
	}},
	{mistake: "no ClusterChartPolicy matches, and one sets `unmatched: Deny`", make: func(w *world) {
		w.companyTrusts(w.ours)
		w.applyPolicy("company", func(s *v1alpha1.ClusterChartPolicySpec) {
			s.Match.URLs, s.Unmatched = []string{"oci://elsewhere.example/**"}, v1alpha1.UnmatchedDeny
		})
		w.push("1.0.0", w.ours)
		w.declare()
	}},
	{mistake: "a ClusterChartPolicy does not accept the key", make: func(w *world) {
		w.companyTrusts(w.theirs)
		w.applyPolicy("company")
		w.push("1.0.0", w.ours)
		w.declare()
	}},
}
