// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of a VerifiedChart. They are Flux's own, with Flux's meaning,
// so that tools which know a Flux source know this one.
const (
	// SourceVerifiedCondition reports whether the current revision is trusted:
	// True (proven), False (proven not to be trusted) or Unknown (no verdict).
	SourceVerifiedCondition = "SourceVerified"

	// FetchFailedCondition is True while the chart cannot be read from the registry.
	FetchFailedCondition = "FetchFailed"

	// BuildFailedCondition is True while the fetched chart is not a valid chart, or
	// differs from the requested chart.
	BuildFailedCondition = "BuildFailed"

	// StorageOperationFailedCondition is True while the artifact cannot be stored.
	StorageOperationFailedCondition = "StorageOperationFailed"

	// ArtifactInStorageCondition is True while an artifact is published, and absent otherwise. It stays True
	// while the controller fetches a lost file again; a GET then answers 503.
	ArtifactInStorageCondition = "ArtifactInStorage"
)

// Reasons of the conditions.
const (
	// SucceededReason goes with SourceVerified=True.
	SucceededReason = "Succeeded"

	// VerificationErrorReason goes with SourceVerified=False: enough authorities
	// to decide refused the chart.
	VerificationErrorReason = "VerificationError"

	// TrustUnavailableReason goes with SourceVerified=Unknown: what is needed to
	// reach a verdict (a Secret, a key, a trusted root) is missing or malformed.
	TrustUnavailableReason = "TrustUnavailable"

	// URLInvalidReason goes with FetchFailed: the URL names no repository that may be read.
	URLInvalidReason = "URLInvalid"

	// FeatureGateDisabledReason goes with FetchFailed: the spec needs a feature gate that the
	// controller does not have.
	FeatureGateDisabledReason = "FeatureGateDisabled"

	// AuthenticationFailedReason goes with FetchFailed: the registry, the proxy, the Secret
	// or the cloud with its credentials did not let the controller in.
	AuthenticationFailedReason = "AuthenticationFailed"

	// OCIPullFailedReason goes with FetchFailed: the registry could not be read,
	// or its answer does not have the digest that was requested.
	OCIPullFailedReason = "OCIArtifactPullFailed"

	// OCILayerOperationFailedReason goes with FetchFailed: the manifest is not that of one Helm chart.
	OCILayerOperationFailedReason = "OCIArtifactLayerOperationFailed"

	// ChartInvalidReason goes with BuildFailed: the archive is not a chart that may be installed.
	ChartInvalidReason = "ChartInvalid"

	// ChartMismatchReason goes with BuildFailed: the archive is a chart, but not
	// the requested one (name, version or configuration differ).
	ChartMismatchReason = "ChartMismatch"

	// ReferenceInvalidReason goes with FetchFailed: the semver range or its filter cannot be parsed.
	ReferenceInvalidReason = "ReferenceInvalid"

	// InsecureNotAllowedReason goes with Stalled: the spec asks for plain HTTP and the controller does not allow it.
	InsecureNotAllowedReason = "InsecureNotAllowed"

	// SuspendedReason goes with Ready=False: the object was suspended before anything was published.
	SuspendedReason = "Suspended"

	// NameTakenReason goes with Stalled: another source owns the ExternalArtifact of the same name.
	NameTakenReason = "NameTaken"

	// DowngradeRefusedReason goes with FetchFailed: the semver range resolves to a lower version than the published one.
	DowngradeRefusedReason = "DowngradeRefused"

	// VersionMutatedReason goes with FetchFailed, and with the event of versionMutation: Warn:
	// the digest of a version differs from the digest that was verified first.
	VersionMutatedReason = "VersionMutated"

	// ExemptedReason goes with SourceVerified=False: the chart is published by an exemption.
	ExemptedReason = "Exempted"

	// ArchiveOperationFailedReason goes with StorageOperationFailed.
	ArchiveOperationFailedReason = "ArchiveOperationFailed"

	// ArtifactLostReason goes with FetchFailed: the file of the published chart is lost, and the registry
	// no longer has the chart.
	ArtifactLostReason = "ArtifactLost"

	// ArtifactWithdrawnReason goes with the event of a withdrawal, and with Ready=False of the
	// ExternalArtifact: the published revision is no longer trusted and no longer served.
	ArtifactWithdrawnReason = "ArtifactWithdrawn"
)
