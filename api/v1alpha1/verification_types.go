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

// DefaultProvenanceKey is the default key of the provenance file in a Secret or ConfigMap. It is the
// key that kubectl create --from-file makes of the name of the file that `helm package --sign` writes.
const DefaultProvenanceKey = "{{name}}-{{version}}.tgz.prov"

// Values of an authority's transparencyLog.
const (
	TransparencyLogRequired = "Required"
	TransparencyLogIgnore   = "Ignore"
)

// TrustedRootKey is the entry of a Secret that holds a trusted root.
const TrustedRootKey = "trusted_root.json"

// Verification names the signers of a chart, and the rules for its signatures.
//
// +kubebuilder:validation:XValidation:rule="!has(self.atLeast) || self.atLeast <= size(self.authorities)",message="atLeast asks for more authorities than are listed: lower it, or list more authorities"
// +kubebuilder:validation:XValidation:rule="!has(self.minSignatureAge) || self.authorities.exists(a, a.provider == 'cosign' && (has(a.matchOIDCIdentity) || has(a.trustedRootSecretRef) || (has(a.transparencyLog) && a.transparencyLog == 'Required')))",message="minSignatureAge needs an authority that can prove when a chart was signed: one with matchOIDCIdentity, with transparencyLog: Required, or with the trustedRootSecretRef of a timestamp authority"
type Verification struct {
	Rules `json:",inline"`

	// AtLeast is the number of authorities that must accept the chart, each by a
	// signer of its own. Two authorities with one key count as one signer.
	// The default is every authority.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	AtLeast *int32 `json:"atLeast,omitempty"`

	// Authorities are the parties that may accept the chart.
	// +required
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	Authorities []Authority `json:"authorities"`
}

// Authority accepts a chart by a key, a keyless identity or a keyring.
// Its fields are named as in spec.verify of Flux's OCIRepository.
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

	// SecretRef names a Secret with the public keys of the authority. A signature
	// by any of them counts.
	// For cosign, each entry *.pub is one PEM encoded key.
	// For provenance, each entry is an OpenPGP keyring: binary, ASCII-armored or a
	// GnuPG keybox.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`

	// Provenance names the location of the provenance file, and the keys that count.
	// +optional
	Provenance *Provenance `json:"provenance,omitempty"`

	// MatchOIDCIdentity lists the keyless identities of the authority. A signature
	// by any of them counts, if its certificate comes from the trusted root.
	// +optional
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	MatchOIDCIdentity []OIDCIdentityMatch `json:"matchOIDCIdentity,omitempty"`

	// Claims that the certificate of a keyless signer must also hold, with exactly
	// these values.
	// +optional
	Claims *CertificateClaims `json:"claims,omitempty"`

	// TrustedRootSecretRef names a Secret whose entry trusted_root.json is the
	// trusted root of a private Sigstore: its certificate authorities, logs and
	// timestamp authorities. Keyless signatures need a signed certificate timestamp if
	// the root names a certificate transparency log, and a log entry if the root names a
	// log, or else a timestamp. The default is the trusted root of the public Sigstore.
	// +optional
	TrustedRootSecretRef *meta.LocalObjectReference `json:"trustedRootSecretRef,omitempty"`

	// TransparencyLog decides about transparency logs. Required: each signature must
	// carry the proof of its entry in a log of the trusted root. Ignore: no such proof
	// is needed. The controller sends no request to the log.
	// The default is Required for identities if the trusted root names a log, and
	// Ignore for keys.
	// +optional
	// +kubebuilder:validation:Enum=Required;Ignore
	TransparencyLog string `json:"transparencyLog,omitempty"`

	// HashAlgorithm of the signatures: SHA-256, SHA-384 or SHA-512. By default any
	// of these counts.
	// +optional
	// +kubebuilder:validation:Enum=SHA-256;SHA-384;SHA-512
	HashAlgorithm string `json:"hashAlgorithm,omitempty"`

	// ValidFor is the period in which the keys may sign. A log or a timestamp
	// authority of the trusted root must prove the time of each signature: set
	// transparencyLog: Required, or trustedRootSecretRef.
	// +optional
	ValidFor *TimeRange `json:"validFor,omitempty"`

	// SignatureRepository holds the signatures, for example
	// oci://ghcr.io/org/signatures. The default is the chart's repository. The
	// controller reads both with the same credentials.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^oci://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)+/?$') || self.matches('^oci://[[][0-9A-Fa-f:.]+[]](:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)+/?$')",message="signatureRepository must be oci://host[:port]/path without tag or digest, as in oci://ghcr.io/org/signatures"
	SignatureRepository string `json:"signatureRepository,omitempty"`
}

// Provenance names the location of a Helm provenance file, and the keys that count.
//
// +kubebuilder:validation:XValidation:rule="(has(self.source) && self.source == 'URL') == has(self.url)",message="source: URL and url go together: set both, as url: https://example.com/prov/{{name}}-{{version}}.tgz.prov, or neither"
// +kubebuilder:validation:XValidation:rule="(has(self.source) && self.source in ['Secret', 'ConfigMap']) == has(self.fileRef)",message="source: Secret or ConfigMap and fileRef go together: set both, as fileRef: {name: <Secret with the .prov files>}, or neither"
// +kubebuilder:validation:XValidation:rule="has(self.url) || (!has(self.secretRef) && !has(self.certSecretRef))",message="secretRef and certSecretRef are for source: URL: add url, or remove them"
// +kubebuilder:validation:XValidation:rule="!has(self.tag) || !has(self.source) || self.source in ['Auto', 'Referrer']",message="tag is for source Auto or Referrer: remove it, or change the source"
type Provenance struct {
	// Source is the location of the file.
	// Layer: a layer of the chart's manifest, as helm push writes it.
	// Referrer: a manifest that refers to the chart (oras attach), or the field tag.
	// Auto: first Layer, then Referrer.
	// URL: a web server. Secret, ConfigMap: an object in the same namespace.
	// +optional
	// +kubebuilder:validation:Enum=Auto;Layer;Referrer;URL;Secret;ConfigMap
	// +kubebuilder:default=Auto
	Source string `json:"source,omitempty"`

	// Tag of the file in the chart's repository (oras push), in which {{name}} and
	// {{version}} are replaced. The default is {{version}}.prov.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_{][a-zA-Z0-9._{}-]*$`
	Tag string `json:"tag,omitempty"`

	// URL of the file, in which {{name}} and {{version}} are replaced, for example
	// https://example.com/prov/{{name}}-{{version}}.tgz.prov.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^[:space:]#]*$')",message="url must be https://host[:port]/path without credentials, as in https://example.com/prov/{{name}}-{{version}}.tgz.prov: put credentials in secretRef"
	// +kubebuilder:validation:XValidation:rule="!self.replace('{{name}}', '').replace('{{version}}', '').matches('[{}]')",message="url may hold {{name}} and {{version}}, and no other braces"
	URL string `json:"url,omitempty"`

	// SecretRef names a Secret with the credentials for the web server: username and
	// password, or bearerToken.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`

	// CertSecretRef names a Secret with certificate authorities to trust beside those of
	// the system (ca.crt), with the client certificate for the web server (tls.crt and
	// tls.key), or with both.
	// +optional
	CertSecretRef *meta.LocalObjectReference `json:"certSecretRef,omitempty"`

	// FileRef names the Secret or ConfigMap that holds the file.
	// +optional
	FileRef *FileReference `json:"fileRef,omitempty"`

	// Fingerprints of the keys in the keyring that count, without the spaces that
	// gpg prints. By default all keys count.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:Pattern=`^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$`
	// +listType=set
	Fingerprints []string `json:"fingerprints,omitempty"`

	// If true, signatures that a key made before it expired count, so old releases stay
	// verified. Only the signer claims the time of such a signature.
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

	// Key of the file, in which {{name}} and {{version}} are replaced. A + in the
	// version becomes _. The default is {{name}}-{{version}}.tgz.prov.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9._{}-]+$`
	Key string `json:"key,omitempty"`
}

// OIDCIdentityMatch matches identities of an OpenID Connect issuer.
type OIDCIdentityMatch struct {
	// Issuer is a regular expression (RE2) that must match the whole issuer, for
	// example ^https://token[.]actions[.]githubusercontent[.]com$.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="''.matches(self) || !''.matches(self)",message="issuer must be a regular expression (RE2)"
	Issuer string `json:"issuer"`

	// Subject is a regular expression (RE2) that must match the whole subject, for
	// example ^https://github[.]com/org/repo/.*$.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="''.matches(self) || !''.matches(self)",message="subject must be a regular expression (RE2)"
	Subject string `json:"subject"`
}

// ObservedIdentity is an identity in the form of an OIDCIdentityMatch.
type ObservedIdentity struct {
	// Issuer is a regular expression that matches the issuer alone.
	Issuer string `json:"issuer"`
	// Subject is a regular expression that matches the subject alone.
	Subject string `json:"subject"`
}

// CertificateClaims are extensions of a Fulcio certificate, named as in Fulcio's
// registry (OID 1.3.6.1.4.1.57264.1). Every claim that is set must be equal.
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
	// RunnerEnvironment is the kind of host of the build, for example github-hosted.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	RunnerEnvironment string `json:"runnerEnvironment,omitempty"`
	// SourceRepositoryURI is the source repository of the build.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryURI string `json:"sourceRepositoryURI,omitempty"`
	// SourceRepositoryDigest is the version of the source, for example a commit.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	SourceRepositoryDigest string `json:"sourceRepositoryDigest,omitempty"`
	// SourceRepositoryRef is the reference that was built, for example refs/heads/main.
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
	// BuildTrigger is the event that started the build, for example push.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	BuildTrigger string `json:"buildTrigger,omitempty"`
	// RunInvocationURI identifies the run of the build.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	RunInvocationURI string `json:"runInvocationURI,omitempty"`
	// SourceRepositoryVisibilityAtSigning is the visibility of the source repository, for example
	// public.
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
	// Start of the period. Without it the period has no start.
	// +optional
	Start *metav1.Time `json:"start,omitempty"`
	// End of the period. Without it the period has no end.
	// +optional
	End *metav1.Time `json:"end,omitempty"`
}

// NeedsLog reports whether a log entry is required even if the trusted root names no log.
func (a Authority) NeedsLog() bool { return a.TransparencyLog == TransparencyLogRequired }

// NeedsPublicRoot reports whether signatures are verified with the trusted root of the public Sigstore.
func (a Authority) NeedsPublicRoot() bool {
	return a.TrustedRootSecretRef == nil && (len(a.MatchOIDCIdentity) > 0 || a.NeedsLog())
}

// VerificationStatus is the proof of the published artifact.
type VerificationStatus struct {
	// Repository, as host and path, that holds the manifest and its proof.
	// +optional
	Repository string `json:"repository,omitempty"`

	// Digest of the verified manifest.
	Digest string `json:"digest"`

	// VerifiedAt is the time at which this proof was first found. Every reconcile
	// verifies the proof again, but the time changes only if the proof changes.
	VerifiedAt metav1.Time `json:"verifiedAt"`

	// Signers lists the signers whose signatures were accepted, separated by commas.
	// +optional
	Signers string `json:"signers,omitempty"`

	// Authorities lists the authorities that accepted the chart.
	// +optional
	// +listType=atomic
	Authorities []AuthorityStatus `json:"authorities,omitempty"`

	// Exceptions lists the rules that publish the artifact without a proof. The list is
	// absent if the artifact is proven.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	Exceptions []ExceptionStatus `json:"exceptions,omitempty"`
}

// AuthorityStatus is a signature of the published artifact that one authority accepts.
type AuthorityStatus struct {
	// Policy is the name of the ClusterChartPolicy. It is absent for spec.verify.
	// +optional
	Policy string `json:"policy,omitempty"`

	// Name of the authority in the spec.
	Name string `json:"name"`

	// Provider that verified the signature.
	Provider string `json:"provider"`

	// Signer of the artifact.
	// A key: SHA256: and the digest of the DER encoded public key (SPKI).
	// An identity: its subject and, in parentheses, its issuer.
	// An OpenPGP key: OPENPGP: and the fingerprint of the primary key.
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

	// SigningKey is the fingerprint of the OpenPGP key that signed: the primary key,
	// or a subkey.
	// +optional
	SigningKey string `json:"signingKey,omitempty"`

	// Format of the signature: bundle, legacy signature or provenance file.
	// +optional
	Format string `json:"format,omitempty"`

	// Source is the location of the signature.
	// +optional
	Source string `json:"source,omitempty"`

	// ClaimedAt is the time of the signature as its signer claims. Nothing proves it.
	// +optional
	ClaimedAt *metav1.Time `json:"claimedAt,omitempty"`

	// SkippedKeys lists keys of the keyring that are not used, with the reason: at
	// most five.
	// +optional
	// +kubebuilder:validation:MaxItems=5
	// +listType=atomic
	SkippedKeys []string `json:"skippedKeys,omitempty"`

	// SignedAt is the time of the signature, if a log or a timestamp authority
	// proves it.
	// +optional
	SignedAt *metav1.Time `json:"signedAt,omitempty"`

	// LogIndex of the signature in the transparency log, if a log entry is required.
	// +optional
	LogIndex *int64 `json:"logIndex,omitempty"`
}

// ObservedSigner is a signer whose signature was found. Being listed here proves
// nothing.
type ObservedSigner struct {
	// Verified is true if the signature proves this signer. If false, anybody may have
	// written the name.
	Verified bool `json:"verified"`

	// Authority that accepts this signer: copy the entry into spec.verify.authorities.
	// The entry is absent for a key, because only a Secret can hold keys.
	// +optional
	Authority *ObservedAuthority `json:"authority,omitempty"`

	// Key that signed: SHA256: and the digest of its DER encoded public key (SPKI), or
	// OPENPGP: and the fingerprint of its primary key.
	// +optional
	Key string `json:"key,omitempty"`

	// Format of the signature.
	// +optional
	Format string `json:"format,omitempty"`

	// Source is the location of the signature in the registry.
	// +optional
	Source string `json:"source,omitempty"`
}

// ObservedAuthority accepts one identity, with the trusted root of the authority
// that found its signature.
type ObservedAuthority struct {
	// Name of the authority. Change it as you like.
	Name string `json:"name"`

	// Provider of the signature.
	Provider string `json:"provider"`

	// MatchOIDCIdentity matches exactly the identity that signed.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1
	MatchOIDCIdentity []ObservedIdentity `json:"matchOIDCIdentity"`

	// TrustedRootSecretRef of the authority that found the signature.
	// +optional
	TrustedRootSecretRef *meta.LocalObjectReference `json:"trustedRootSecretRef,omitempty"`

	// TransparencyLog of the authority that found the signature.
	// +optional
	TransparencyLog string `json:"transparencyLog,omitempty"`

	// SignatureRepository of the authority that found the signature.
	// +optional
	SignatureRepository string `json:"signatureRepository,omitempty"`
}
