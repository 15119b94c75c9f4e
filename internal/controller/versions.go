// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// refuseMutation keeps a version from becoming another chart, even a signed one. A digest in the spec says that it is
// wanted, and a revoked chart is not defended; against a ClusterChartPolicy neither helps a tenant.
func (t *try) refuseMutation(version string) error {
	s := t.subject
	record := lifecycle.Recorded(t.obj.Status.History, registry.Canonical(s.Repository), version)
	if version == "" || record == nil || digest.Digest(record.Digest) == s.Manifest.Digest {
		return nil
	}
	set := t.now.requested
	cluster := set.ClusterVersionMutation() == v1alpha1.VersionMutationDeny && set.RevokedByCluster(record.Repository, digest.Digest(record.Digest), record.Version) == nil
	own := set.VersionMutation() == v1alpha1.VersionMutationDeny && t.obj.Spec.Ref.Digest == "" && !isRevoked(record, set)
	if !cluster && !own {
		return nil
	}
	return &refusal{
		condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.VersionMutatedReason, kind: lifecycle.Settled,
		err: problem.New(nil, "digest changed from %s to %s", record.Digest, s.Manifest.Digest).
			Fix("version %s was proven with the first one: to accept the other, set ref.digest: %s, or verify.versionMutation: Allow", version, s.Manifest.Digest),
	}
}

// isRevoked reports whether a version of the history is revoked, by its digest, its version or all of its signers, as
// it may be after it was withdrawn.
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

// refuseDowngrade keeps a registry that hides new versions, or replays old ones, from moving a range backwards, also after
// the published chart is withdrawn or lost with its volume. A range that leaves out what was published says that it is wanted,
// and so do ref.tag and ref.digest: an edit of anything else does not.
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
		condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.DowngradeRefusedReason, kind: lifecycle.Settled,
		err: problem.New(nil, "older than the published %s", from).
			Fix("%q resolves to %s: to go back, change ref, as in ref.tag: %q, or set allowDowngrade: true", ref.SemVer, t.resolved.Tag, t.resolved.Tag),
	}
}

// newestTrusted is the version that a range must not fall below: the published one, or of those that are not revoked the
// one that was published last. A chart of another repository says nothing of this one.
func (t *try) newestTrusted() string {
	repository := registry.Canonical(t.wanted.Repository)
	if p := t.now.facts.Published; p != nil {
		if p.Repository != repository {
			return ""
		}
		return p.Version
	}
	for i := range t.obj.Status.History {
		switch record := &t.obj.Status.History[i]; {
		case registry.Canonical(record.Repository) != repository:
			return ""
		case !isRevoked(record, t.now.requested):
			return record.Version
		}
	}
	return ""
}
