// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Providers of signatures.
const (
	// CosignProvider verifies signatures made by sigstore's cosign.
	CosignProvider = "cosign"
	// ProvenanceProvider verifies Helm provenance files, signed with OpenPGP keys.
	ProvenanceProvider = "provenance"
)

// Values of a provenance's source.
const (
	ProvenanceSourceAuto      = "Auto"
	ProvenanceSourceLayer     = "Layer"
	ProvenanceSourceReferrer  = "Referrer"
	ProvenanceSourceURL       = "URL"
	ProvenanceSourceSecret    = "Secret"
	ProvenanceSourceConfigMap = "ConfigMap"
)

// DefaultProvenanceKey is the key of a Secret or ConfigMap under which a provenance
// file is, as kubectl names it that makes one of what `helm package --sign` wrote.
const DefaultProvenanceKey = "{{name}}-{{version}}.tgz.prov"

// Values of an authority's transparencyLog.
const (
	TransparencyLogRequired = "Required"
	TransparencyLogIgnore   = "Ignore"
)

// TrustedRootKey is the entry of a Secret that holds a trusted root.
const TrustedRootKey = "trusted_root.json"

// Verification says who must accept a chart before it is published.
//
// +kubebuilder:validation:XValidation:rule="!has(self.atLeast) || self.atLeast <= size(self.authorities)",message="atLeast asks for more authorities than are listed: lower it, or list more authorities"
// +kubebuilder:validation:XValidation:rule="!has(self.minSignatureAge) || self.authorities.exists(a, a.provider == 'cosign' && (has(a.matchOIDCIdentity) || has(a.trustedRootSecretRef) || (has(a.transparencyLog) && a.transparencyLog == 'Required')))",message="minSignatureAge needs an authority that can prove when a chart was signed: one with matchOIDCIdentity, with transparencyLog: Required, or with the trustedRootSecretRef of a timestamp authority"
type Verification struct {
	Rules `json:",inline"`

	// AtLeast is how many distinct signers among the authorities must accept
	// the chart. One key listed by two authorities is one signer.
	// By default every authority must accept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	AtLeast *int32 `json:"atLeast,omitempty"`

	// Authorities are those who may accept the chart, each by a name that the status repeats.
	// +required
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	Authorities []Authority `json:"authorities"`
}

// Authority is one party that may accept a chart, and how it does so. The
// names of its fields are those of `spec.verify` of Flux's OCIRepository if it has them.
//
// +kubebuilder:validation:XValidation:rule="self.provider != 'cosign' || !has(self.secretRef) || !has(self.matchOIDCIdentity)",message="an authority has either a key or an identity, and this one has secretRef and matchOIDCIdentity: remove one, or make two authorities with atLeast: 1"
// +kubebuilder:validation:XValidation:rule="self.provider != 'cosign' || has(self.secretRef) || has(self.matchOIDCIdentity)",message="a cosign authority needs either a key or an identity: add secretRef: {name: <Secret with a *.pub entry>}, or matchOIDCIdentity: [{issuer: ^https://issuer[.]example$, subject: ^release@example[.]com$}]"
// +kubebuilder:validation:XValidation:rule="self.provider != 'provenance' || has(self.secretRef)",message="a provenance authority needs a keyring: add secretRef: {name: <Secret with the maintainers' OpenPGP public keys>}"
// +kubebuilder:validation:XValidation:rule="self.provider != 'provenance' || (!has(self.matchOIDCIdentity) && !has(self.trustedRootSecretRef) && !has(self.transparencyLog) && !has(self.hashAlgorithm) && !has(self.validFor) && !has(self.signatureRepository))",message="matchOIDCIdentity, trustedRootSecretRef, transparencyLog, hashAlgorithm, validFor and signatureRepository are for provider cosign: remove them, or change the provider"
// +kubebuilder:validation:XValidation:rule="!has(self.provenance) || self.provider == 'provenance'",message="provenance is for provider provenance: remove it, or change the provider"
// +kubebuilder:validation:XValidation:rule="!has(self.claims) || has(self.matchOIDCIdentity)",message="claims are those of a keyless signer's certificate: add matchOIDCIdentity, or remove claims"
// +kubebuilder:validation:XValidation:rule="!has(self.hashAlgorithm) || has(self.secretRef)",message="hashAlgorithm is for keys: a certificate says by itself which hash goes with it; remove hashAlgorithm"
// +kubebuilder:validation:XValidation:rule="!has(self.validFor) || has(self.secretRef)",message="validFor is for keys: a certificate has a validity of its own; remove validFor"
// +kubebuilder:validation:XValidation:rule="!has(self.validFor) || has(self.trustedRootSecretRef) || (has(self.transparencyLog) && self.transparencyLog == 'Required')",message="validFor needs a proven signing time: add transparencyLog: Required, or trustedRootSecretRef: {name: <Secret with trusted_root.json>} with a timestamp authority"
type Authority struct {
	// Name of the authority, unique in the list: lower case letters, digits and dashes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Provider is the kind of signature: `cosign` or `provenance`.
	// +required
	// +kubebuilder:validation:Enum=cosign;provenance
	Provider string `json:"provider"`

	// SecretRef names the Secret, in the namespace of the VerifiedChart, with the
	// public keys of the authority, any of which may have signed. For `cosign` every
	// entry `*.pub` is one PEM encoded key; for `provenance` every entry is a keyring
	// of OpenPGP keys: binary, ASCII-armored, or a GnuPG keybox.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`

	// Provenance says where the provenance file is, and whose keys count.
	// +optional
	Provenance *Provenance `json:"provenance,omitempty"`

	// MatchOIDCIdentity are the identities of which any may have signed without a
	// key of its own (keyless), with a certificate of the trusted root's authorities.
	// +optional
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	MatchOIDCIdentity []OIDCIdentityMatch `json:"matchOIDCIdentity,omitempty"`

	// Claims that the certificate of a keyless signer must hold besides, exactly as they are here.
	// +optional
	Claims *CertificateClaims `json:"claims,omitempty"`

	// TrustedRootSecretRef names the Secret, in the namespace of the VerifiedChart,
	// whose entry `trusted_root.json` is the trusted root of a private Sigstore:
	// its certificate authorities, logs and timestamp authorities. What it names
	// is asked for; nothing is read from anywhere else. By default the root of the
	// public Sigstore is used if one is needed.
	// +optional
	TrustedRootSecretRef *meta.LocalObjectReference `json:"trustedRootSecretRef,omitempty"`

	// TransparencyLog reports whether the signature must carry the proof that it is in
	// a transparency log of the trusted root: `Required` or `Ignore`. By default it
	// is required of identities where the trusted root names a log, and ignored for
	// keys. The log itself is never asked.
	// +optional
	// +kubebuilder:validation:Enum=Required;Ignore
	TransparencyLog string `json:"transparencyLog,omitempty"`

	// HashAlgorithm that the keys sign with: `SHA-256`, `SHA-384` or `SHA-512`. By
	// default that of the key's kind, or another of these, whichever was used.
	// +optional
	// +kubebuilder:validation:Enum=SHA-256;SHA-384;SHA-512
	HashAlgorithm string `json:"hashAlgorithm,omitempty"`

	// ValidFor is the period in which signatures by the keys count, by the time
	// that a log or a timestamp authority of the trusted root proves.
	// +optional
	ValidFor *TimeRange `json:"validFor,omitempty"`

	// SignatureRepository is where the signatures are kept if not beside the chart:
	// `oci://host[:port]/path`, read with the same secretRef as the chart.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^oci://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)+/?$')",message="signatureRepository must be oci://host[:port]/path without tag or digest, as in oci://ghcr.io/org/signatures"
	SignatureRepository string `json:"signatureRepository,omitempty"`
}

// Provenance says where a Helm provenance file is, and whose keys count.
//
// +kubebuilder:validation:XValidation:rule="(has(self.source) && self.source == 'URL') == has(self.url)",message="source: URL and url go together: set both, as url: https://example.com/prov/{{name}}-{{version}}.tgz.prov, or neither"
// +kubebuilder:validation:XValidation:rule="(has(self.source) && self.source in ['Secret', 'ConfigMap']) == has(self.fileRef)",message="source: Secret or ConfigMap and fileRef go together: set both, as fileRef: {name: <Secret with the .prov files>}, or neither"
// +kubebuilder:validation:XValidation:rule="has(self.url) || (!has(self.secretRef) && !has(self.certSecretRef))",message="secretRef and certSecretRef are for source: URL: add url, or remove them"
// +kubebuilder:validation:XValidation:rule="!has(self.tag) || !has(self.source) || self.source in ['Auto', 'Referrer']",message="tag is for source Auto or Referrer: remove it, or change the source"
type Provenance struct {
	// Source is where the file is looked for: `Layer` is the chart's own manifest,
	// where `helm push` puts it; `Referrer` is what refers to the chart (`oras attach`),
	// and the tag; `Auto`, the default, is all of these, in that order. `URL` is a web
	// server; `Secret` and `ConfigMap` are objects in the namespace of the VerifiedChart.
	// +optional
	// +kubebuilder:validation:Enum=Auto;Layer;Referrer;URL;Secret;ConfigMap
	// +kubebuilder:default=Auto
	Source string `json:"source,omitempty"`

	// Tag under which the file may stand in the chart's repository (`oras push`);
	// `{{name}}` and `{{version}}` are replaced. By default `{{version}}.prov`.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_{][a-zA-Z0-9._{}-]*$`
	Tag string `json:"tag,omitempty"`

	// URL of the file for source `URL`: `https://host[:port]/path`, in whose path or
	// query `{{name}}` and `{{version}}` are replaced.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^[:space:]#]*$')",message="url must be https://host[:port]/path without credentials, as in https://example.com/prov/{{name}}-{{version}}.tgz.prov: put credentials in secretRef"
	// +kubebuilder:validation:XValidation:rule="!self.replace('{{name}}', '').replace('{{version}}', '').matches('[{}]')",message="url may hold {{name}} and {{version}}, and no other braces"
	URL string `json:"url,omitempty"`

	// SecretRef names the Secret, in the namespace of the VerifiedChart, with what
	// the web server of the URL asks for: `username` and `password`, or `bearerToken`.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`

	// CertSecretRef names the Secret, in the namespace of the VerifiedChart, with the
	// certificate authorities of the web server (`ca.crt`), the certificate to show to it
	// (`tls.crt` and `tls.key`), or both.
	// +optional
	CertSecretRef *meta.LocalObjectReference `json:"certSecretRef,omitempty"`

	// FileRef is the Secret or ConfigMap that holds the file, for these sources.
	// +optional
	FileRef *FileReference `json:"fileRef,omitempty"`

	// Fingerprints of the keys of the keyring that count; all of them by default.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:Pattern=`^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$`
	// +listType=set
	Fingerprints []string `json:"fingerprints,omitempty"`

	// AllowExpiredKeys accepts what was signed while a key lived that has expired
	// since, so that old releases stay verifiable.
	// +optional
	AllowExpiredKeys bool `json:"allowExpiredKeys,omitempty"`
}

// FileReference is a file in a Secret or a ConfigMap in the namespace of the VerifiedChart.
type FileReference struct {
	// Name of the Secret or ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Key of the file, in which `{{name}}` and `{{version}}` are replaced, the latter
	// with `_` for `+`. By default `{{name}}-{{version}}.tgz.prov`.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9._{}-]+$`
	Key string `json:"key,omitempty"`
}

// OIDCIdentityMatch are the identities of an OpenID Connect issuer that match.
type OIDCIdentityMatch struct {
	// Issuer is a regular expression (RE2) that the whole of the issuer must match, as `^https://token[.]actions[.]githubusercontent[.]com$`.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="''.matches(self) || !''.matches(self)",message="issuer must be a regular expression (RE2)"
	Issuer string `json:"issuer"`

	// Subject is a regular expression (RE2) that the whole of the subject must match, as `^https://github[.]com/org/repo/.*$`.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="''.matches(self) || !''.matches(self)",message="subject must be a regular expression (RE2)"
	Subject string `json:"subject"`
}

// ObservedIdentity is an identity as an OIDCIdentityMatch has it.
type ObservedIdentity struct {
	// Issuer is a regular expression that matches the issuer alone.
	Issuer string `json:"issuer"`
	// Subject is a regular expression that matches the subject alone.
	Subject string `json:"subject"`
}

// CertificateClaims are extensions of a certificate by Fulcio, by the names of
// its registry (OID 1.3.6.1.4.1.57264.1). Each that is set must be equal.
//
// +kubebuilder:validation:MinProperties=1
type CertificateClaims struct {
	// BuildSignerURI refers to the build instructions that are responsible for signing.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	BuildSignerURI string `json:"buildSignerURI,omitempty"`
	// BuildSignerDigest is the version of those build instructions.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	BuildSignerDigest string `json:"buildSignerDigest,omitempty"`
	// RunnerEnvironment says who hosts what built the chart, as `github-hosted`.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	RunnerEnvironment string `json:"runnerEnvironment,omitempty"`
	// SourceRepositoryURI is the source repository of the build.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryURI string `json:"sourceRepositoryURI,omitempty"`
	// SourceRepositoryDigest is the version of the source, as a commit.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryDigest string `json:"sourceRepositoryDigest,omitempty"`
	// SourceRepositoryRef is the reference that was built, as `refs/heads/main`.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryRef string `json:"sourceRepositoryRef,omitempty"`
	// SourceRepositoryIdentifier is the immutable identifier of the source repository.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryIdentifier string `json:"sourceRepositoryIdentifier,omitempty"`
	// SourceRepositoryOwnerURI is the owner of the source repository.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryOwnerURI string `json:"sourceRepositoryOwnerURI,omitempty"`
	// SourceRepositoryOwnerIdentifier is the immutable identifier of that owner.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryOwnerIdentifier string `json:"sourceRepositoryOwnerIdentifier,omitempty"`
	// BuildConfigURI refers to the top-level build instructions.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	BuildConfigURI string `json:"buildConfigURI,omitempty"`
	// BuildConfigDigest is the version of the top-level build instructions.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	BuildConfigDigest string `json:"buildConfigDigest,omitempty"`
	// BuildTrigger is what started the build, as `push`.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	BuildTrigger string `json:"buildTrigger,omitempty"`
	// RunInvocationURI identifies the run of the build.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	RunInvocationURI string `json:"runInvocationURI,omitempty"`
	// SourceRepositoryVisibilityAtSigning is the visibility of the source repository, as `public`.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryVisibilityAtSigning string `json:"sourceRepositoryVisibilityAtSigning,omitempty"`
}

// TimeRange is a period, both ends included.
//
// +kubebuilder:validation:XValidation:rule="has(self.start) || has(self.end)",message="validFor must have a start, an end or both, as start: 2026-01-01T00:00:00Z"
// +kubebuilder:validation:XValidation:rule="!has(self.start) || !has(self.end) || self.start <= self.end",message="validFor must not end before it starts"
type TimeRange struct {
	// Start of the period; none if it is not set.
	// +optional
	Start *metav1.Time `json:"start,omitempty"`
	// End of the period; none if it is not set.
	// +optional
	End *metav1.Time `json:"end,omitempty"`
}

// NeedsLog reports whether a log entry is asked for whatever the trusted root names.
func (a Authority) NeedsLog() bool { return a.TransparencyLog == TransparencyLogRequired }

// NeedsPublicRoot reports whether the trusted root of the public Sigstore is what signatures are proven by.
func (a Authority) NeedsPublicRoot() bool {
	return a.TrustedRootSecretRef == nil && (len(a.MatchOIDCIdentity) > 0 || a.NeedsLog())
}

// VerificationStatus is the proof behind the published artifact.
type VerificationStatus struct {
	// Repository, host and path, in which the manifest and its proof were found.
	// +optional
	Repository string `json:"repository,omitempty"`

	// Digest of the manifest that is proven.
	Digest string `json:"digest"`

	// VerifiedAt is when this proof was first established. It is verified again at
	// every reconcile; the time changes only when the proof does, so that an unchanged chart costs no write.
	VerifiedAt metav1.Time `json:"verifiedAt"`

	// Signers are the signers of all authorities that accepted, separated by commas.
	// +optional
	Signers string `json:"signers,omitempty"`

	// Authorities that accepted, and by which signer.
	// +optional
	// +listType=atomic
	Authorities []AuthorityStatus `json:"authorities,omitempty"`

	// Exceptions are the rules by which the artifact is published though it is not
	// proven; absent for one that is.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	Exceptions []ExceptionStatus `json:"exceptions,omitempty"`
}

// AuthorityStatus is one authority's vote for the published artifact.
type AuthorityStatus struct {
	// Policy is the name of the ClusterChartPolicy; absent for the object's own.
	// +optional
	Policy string `json:"policy,omitempty"`

	// Name of the authority in the spec.
	Name string `json:"name"`

	// Provider that verified the signature.
	Provider string `json:"provider"`

	// Signer who accepted. For a key it is `SHA256:` and the hexadecimal digest of
	// its DER encoded public key (SPKI), for an identity its subject and, in
	// parentheses, its issuer, for an OpenPGP key `OPENPGP:` and the fingerprint of the primary key.
	Signer string `json:"signer"`

	// Issuer of the identity that signed.
	// +optional
	Issuer string `json:"issuer,omitempty"`

	// Subject of the identity that signed.
	// +optional
	Subject string `json:"subject,omitempty"`

	// Key is the entry of the Secret that holds the signer's key.
	// +optional
	Key string `json:"key,omitempty"`

	// UserID is the primary user id of the OpenPGP key that signed.
	// +optional
	UserID string `json:"userID,omitempty"`

	// SigningKey is the fingerprint of the OpenPGP key that signed: of a subkey of the signer's, or of its primary key.
	// +optional
	SigningKey string `json:"signingKey,omitempty"`

	// Format of the signature: `bundle`, `legacy signature` or `provenance file`.
	// +optional
	Format string `json:"format,omitempty"`

	// Source is where the signature was found.
	// +optional
	Source string `json:"source,omitempty"`

	// ClaimedAt is when the signer of a provenance file says to have signed. Nothing proves it.
	// +optional
	ClaimedAt *metav1.Time `json:"claimedAt,omitempty"`

	// SkippedKeys are those of the authority's keyring that are not used, and why: five at most.
	// +optional
	// +kubebuilder:validation:MaxItems=5
	// +listType=atomic
	SkippedKeys []string `json:"skippedKeys,omitempty"`

	// SignedAt is when the signature was made, where a log or a timestamp authority proves it.
	// +optional
	SignedAt *metav1.Time `json:"signedAt,omitempty"`

	// LogIndex of the signature in the transparency log, if that was asked for.
	// +optional
	LogIndex *int64 `json:"logIndex,omitempty"`
}

// ObservedSigner is who made a signature of the chart that was seen. It is not trusted by being here.
type ObservedSigner struct {
	// Verified says that the signature is proven to be of this signer, by an
	// authority of the spec. If it is false anybody may have claimed it.
	Verified bool `json:"verified"`

	// Authority that would accept it, to be listed under `spec.verify.authorities`. Absent for a key, which only a Secret can name.
	// +optional
	Authority *ObservedAuthority `json:"authority,omitempty"`

	// Key that signed: `SHA256:` and the hexadecimal digest of its DER encoded public
	// key (SPKI), or `OPENPGP:` and the fingerprint of its primary key.
	// +optional
	Key string `json:"key,omitempty"`

	// Format of the signature.
	// +optional
	Format string `json:"format,omitempty"`

	// Source is where in the registry the signature was found.
	// +optional
	Source string `json:"source,omitempty"`
}

// ObservedAuthority is an Authority of one identity, by the trusted root of the authority that saw it.
type ObservedAuthority struct {
	// Name to be changed to one's liking.
	Name string `json:"name"`

	// Provider of the signature.
	Provider string `json:"provider"`

	// MatchOIDCIdentity matches the identity that signed, and no other.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1
	MatchOIDCIdentity []ObservedIdentity `json:"matchOIDCIdentity"`

	// TrustedRootSecretRef of the authority that saw it.
	// +optional
	TrustedRootSecretRef *meta.LocalObjectReference `json:"trustedRootSecretRef,omitempty"`

	// TransparencyLog of the authority that saw it.
	// +optional
	TransparencyLog string `json:"transparencyLog,omitempty"`

	// SignatureRepository of the authority that saw it.
	// +optional
	SignatureRepository string `json:"signatureRepository,omitempty"`
}
