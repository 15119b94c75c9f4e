// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// provenAs returns the record of a version in the history, or nil.
func provenAs(obj *v1alpha1.VerifiedChart, repository, version string) *v1alpha1.VersionRecord {
	for i, record := range obj.Status.History {
		if record.Repository == repository && record.Version == version {
			return &obj.Status.History[i]
		}
	}
	return nil
}

// refuseMutation keeps a version from becoming another chart, even a signed one. A
// digest in the spec says that it is wanted; what is revoked is not defended.
func refuseMutation(obj *v1alpha1.VerifiedChart, in inputs, s verify.Subject, version string) error {
	record := provenAs(obj, s.Repository, version)
	switch {
	case record == nil, digest.Digest(record.Digest) == s.Manifest.Digest, obj.Spec.Ref.Digest != "":
		return nil
	case in.policies.VersionMutation() != v1alpha1.VersionMutationDeny, isRevoked(record, in):
		return nil
	}
	return &refusal{
		condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.VersionMutatedReason, settled: true,
		err: fmt.Errorf("version %s was proven as %s, and is %s now: whoever signed it has changed it; to accept that, set ref.digest: %[3]s, or verify.versionMutation: Allow",
			version, record.Digest, s.Manifest.Digest),
	}
}

// remember makes the proven version that is published the first of the history.
func remember(obj *v1alpha1.VerifiedChart, s verify.Subject) {
	version := publishedMetadata(obj).Version
	if version == "" {
		return
	}
	record := v1alpha1.VersionRecord{
		Repository: s.Repository, Version: version, Digest: s.Manifest.Digest.String(), VerifiedAt: metav1.Now().Rfc3339Copy(),
	}
	if before := provenAs(obj, s.Repository, version); before != nil && before.Digest == record.Digest {
		record = *before
	}
	if last := lastProven(obj); last != nil && *last == record {
		return
	}
	history := []v1alpha1.VersionRecord{record}
	for _, older := range obj.Status.History {
		if (older.Repository != s.Repository || older.Version != version) && len(history) < v1alpha1.MaxHistory {
			history = append(history, older)
		}
	}
	obj.Status.History = history
}

// unremember takes what is published out of the history, since it is revoked: it says
// nothing any more of what may follow.
func unremember(obj *v1alpha1.VerifiedChart) {
	v := obj.Status.Verification
	obj.Status.History = slices.DeleteFunc(slices.Clone(obj.Status.History), func(record v1alpha1.VersionRecord) bool {
		return record.Repository == v.Repository && record.Digest == v.Digest
	})
}

// isRevoked says whether a version of the history is revoked, as one may be after it was withdrawn.
func isRevoked(record *v1alpha1.VersionRecord, in inputs) bool {
	return in.policies.Revoked(record.Repository, digest.Digest(record.Digest), record.Version) != nil
}

// lastProven returns the record of what was published by proof last, which may be withdrawn; nil for none.
func lastProven(obj *v1alpha1.VerifiedChart) *v1alpha1.VersionRecord {
	if len(obj.Status.History) == 0 {
		return nil
	}
	return &obj.Status.History[0]
}

// refuseDowngrade keeps a registry that hides new versions, or replays old ones,
// from moving a range backwards, also after what was published is withdrawn or lost
// with its volume. A changed spec says that it is wanted, and a range that leaves out
// what was published says so for as long as it does.
func refuseDowngrade(obj *v1alpha1.VerifiedChart, in inputs, resolved pipeline.Resolved) error {
	ranged := obj.Spec.Ref.Digest == "" && obj.Spec.Ref.SemVer != ""
	unchanged := obj.Status.ObservedGeneration == obj.Generation
	if !ranged || !unchanged || obj.Spec.AllowDowngrade {
		return nil
	}
	from := newestTrusted(obj, in)
	if !pipeline.InRange(in.wanted, from) || !pipeline.IsDowngrade(from, resolved.Tag) {
		return nil
	}
	return &refusal{
		condition: v1alpha1.FetchFailedCondition,
		reason:    v1alpha1.DowngradeRefusedReason,
		settled:   true,
		err: fmt.Errorf("%q resolves to %s, which is less than %s, which was published: to go back, change ref, as in ref.tag: %q, or set allowDowngrade: true",
			obj.Spec.Ref.SemVer, resolved.Tag, from, resolved.Tag),
	}
}

// newestTrusted is the version that a range must not fall below: the published one, or
// the one of those that are not revoked that was published last. What is of another
// repository says nothing of this one.
func newestTrusted(obj *v1alpha1.VerifiedChart, in inputs) string {
	if obj.Status.Artifact != nil {
		if v := obj.Status.Verification; v != nil && v.Repository != in.wanted.Repository {
			return ""
		}
		return publishedMetadata(obj).Version
	}
	for i := range obj.Status.History {
		switch record := &obj.Status.History[i]; {
		case record.Repository != in.wanted.Repository:
			return ""
		case !isRevoked(record, in):
			return record.Version
		}
	}
	return ""
}
