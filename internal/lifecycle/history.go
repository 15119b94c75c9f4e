// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
)

// Recorded returns the record of a version in a history, or nil. The repository is canonical. Versions are compared
// with [chart.SameVersion].
func Recorded(history []v1alpha1.VersionRecord, repository, version string) *v1alpha1.VersionRecord {
	for i, record := range history {
		if record.Repository == repository && chart.SameVersion(record.Version, version) {
			return &history[i]
		}
	}
	return nil
}

// recordVersion makes the published, proven version the first of the history.
func recordVersion(s *v1alpha1.VerifiedChartStatus, now time.Time) {
	version := s.Artifact.Metadata[ocispec.AnnotationVersion]
	if version == "" {
		return
	}
	record := v1alpha1.VersionRecord{
		Repository: s.Verification.Repository, Version: version, Digest: s.Verification.Digest,
		VerifiedAt: *timestamp(now), Signers: signersOf(s.Verification),
	}
	if before := Recorded(s.History, record.Repository, version); before != nil && before.Digest == record.Digest {
		record.VerifiedAt = before.VerifiedAt
	}
	if len(s.History) > 0 && equality.Semantic.DeepEqual(s.History[0], record) {
		return
	}
	history := []v1alpha1.VersionRecord{record}
	for _, older := range s.History {
		if (older.Repository != record.Repository || !chart.SameVersion(older.Version, version)) && len(history) < v1alpha1.MaxHistory {
			history = append(history, older)
		}
	}
	s.History = history
}

// signersOf returns the signers of a proof, each once.
func signersOf(v *v1alpha1.VerificationStatus) []v1alpha1.SignerRecord {
	var signers []v1alpha1.SignerRecord
	seen := map[v1alpha1.SignerRecord]bool{}
	for _, a := range v.Authorities {
		signer := v1alpha1.SignerRecord{Signer: a.Signer, Issuer: a.Issuer, Subject: a.Subject, SigningKey: a.SigningKey}
		if !seen[signer] && len(signers) < v1alpha1.MaxRecordedSigners {
			seen[signer] = true
			signers = append(signers, signer)
		}
	}
	return signers
}
