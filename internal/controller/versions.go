// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// refuseMutation returns an error if a version would get another digest, even if the new chart is signed. The object's own policy
// allows the change if the spec names a digest, or if the recorded chart is revoked. A ClusterChartPolicy allows it only if the
// cluster revokes the recorded chart: a tenant cannot.
func (t *try) refuseMutation(version string) error {
	s := t.subject
	record := lifecycle.Recorded(t.obj.Status.History, location.Canonical(s.Repository), version)
	if version == "" || record == nil || digest.Digest(record.Digest) == s.Manifest.Digest {
		return nil
	}
	set := t.now.requestedPolicies
	cluster := set.ClusterVersionMutation() == v1alpha1.VersionMutationDeny && set.RevokedByCluster(record.Repository, digest.Digest(record.Digest), record.Version) == nil
	own := set.VersionMutation() == v1alpha1.VersionMutationDeny && t.obj.Spec.Ref.Digest == "" && !isRevoked(record, set)
	if !cluster && !own {
		return nil
	}
	return &refusal{
		condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.VersionMutatedReason, kind: lifecycle.Rejecting,
		err: problem.New(nil, "digest changed from %s to %s", record.Digest, s.Manifest.Digest).
			Fix("version %s was proven with the first digest: to accept the second, set ref.digest: %s, or verify.versionMutation: Allow", version, s.Manifest.Digest),
	}
}

// isRevoked reports whether a version of the history is revoked, by its digest, its version or all of its signers. It may
// have been revoked after its withdrawal.
func isRevoked(record *v1alpha1.VersionRecord, set policy.Set) bool {
	if set.Revoked(record.Repository, digest.Digest(record.Digest), record.Version) != nil {
		return true
	}
	for _, signer := range record.Signers {
		v := verify.VerifiedSignature{Signer: signer.Signer, Issuer: signer.Issuer, Subject: signer.Subject, SigningKey: signer.SigningKey}
		if set.RevokedSigner(v) == nil {
			return false
		}
	}
	return len(record.Signers) > 0
}

// refuseDowngrade returns an error if a range would move backwards, since the registry may hide new versions or replay old ones.
// This also holds after the published chart is withdrawn, or lost with its volume. A user allows a downgrade by a range that
// excludes the published version, by ref.tag or by ref.digest, and by allowDowngrade; an edit of anything else does not allow it.
func (t *try) refuseDowngrade() error {
	ref := t.obj.Spec.Ref
	ranged := ref.Digest == "" && ref.SemVer != ""
	if !ranged || t.obj.Spec.AllowDowngrade {
		return nil
	}
	from := t.newestTrusted()
	if !pipeline.InRange(t.wanted, from) || !pipeline.IsDowngrade(from, t.resolved.Tag) {
		return nil
	}
	return &refusal{
		condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.DowngradeRefusedReason, kind: lifecycle.Rejecting,
		err: problem.New(nil, "older than the published %s", from).
			Fix("%q resolves to %s: to go back, change ref, as in ref.tag: %q, or set allowDowngrade: true", ref.SemVer, t.resolved.Tag, t.resolved.Tag),
	}
}

// newestTrusted returns the version that a range must not fall below: the published one, or else the last published version that
// is not revoked. It is empty if that chart is in another repository.
func (t *try) newestTrusted() string {
	repository := location.Canonical(t.wanted.Repository)
	if p := t.now.facts.Published; p != nil {
		if p.Repository != repository {
			return ""
		}
		return p.Version
	}
	for i := range t.obj.Status.History {
		switch record := &t.obj.Status.History[i]; {
		case location.Canonical(record.Repository) != repository:
			return ""
		case !isRevoked(record, t.now.requestedPolicies):
			return record.Version
		}
	}
	return ""
}
