package controller

import (
	"fmt"

	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
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
// digest in the spec says that it is wanted.
func refuseMutation(obj *v1alpha1.VerifiedChart, in inputs, s verify.Subject, version string) error {
	record := provenAs(obj, s.Repository, version)
	switch {
	case record == nil, digest.Digest(record.Digest) == s.Manifest.Digest, obj.Spec.Ref.Digest != "":
		return nil
	case in.policies.VersionMutation() != v1alpha1.VersionMutationDeny:
		return nil
	}
	return &refusal{
		condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.VersionMutatedReason, settled: true,
		err: fmt.Errorf("version %s was proven as %s, and is %s now: whoever signed it has changed it; to accept that, set ref.digest: %[3]s, or verify.versionMutation: Allow",
			version, record.Digest, s.Manifest.Digest),
	}
}

// remember makes the published version the newest of the history, unless it is in it with that digest.
func remember(obj *v1alpha1.VerifiedChart, s verify.Subject) {
	version := publishedMetadata(obj).Version
	record := provenAs(obj, s.Repository, version)
	if version == "" || (record != nil && record.Digest == s.Manifest.Digest.String()) {
		return
	}
	history := []v1alpha1.VersionRecord{{
		Repository: s.Repository, Version: version, Digest: s.Manifest.Digest.String(), VerifiedAt: metav1.Now().Rfc3339Copy(),
	}}
	for _, older := range obj.Status.History {
		if (older.Repository != s.Repository || older.Version != version) && len(history) < v1alpha1.MaxHistory {
			history = append(history, older)
		}
	}
	obj.Status.History = history
}
