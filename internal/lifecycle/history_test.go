// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// J17: another spelling of a version is the same version of the history, so that a version that must not change
// cannot change with its spelling.
func TestHistoryKnowsVersionsByEverySpelling(t *testing.T) {
	for recorded, others := range map[string]map[string]bool{
		"1.2.3":      {"1.2.3": true, "v1.2.3": true, "1.2.4": false, "1.2": false},
		"v1.2.3+a":   {"1.2.3+a": true, "1.2.3_a": true, "1.2.3+b": false},
		"2024.02.0":  {"v2024.02.0": true, "2024.2.0": false},
		"1.2.3-rc.1": {"v1.2.3-rc.1": true, "1.2.3": false},
	} {
		for version, same := range others {
			s := &v1alpha1.VerifiedChartStatus{
				Artifact:     &meta.Artifact{Metadata: map[string]string{ocispec.AnnotationVersion: version}},
				Verification: &v1alpha1.VerificationStatus{Repository: "ghcr.io/org/app", Digest: "sha256:new"},
				History:      []v1alpha1.VersionRecord{{Repository: "ghcr.io/org/app", Version: recorded, Digest: "sha256:old"}},
			}
			if found := Recorded(s.History, "ghcr.io/org/app", version) != nil; found != same {
				t.Errorf("Recorded(%q, %q) finds a record: %v, want %v", recorded, version, found, same)
			}
			if Recorded(s.History, "ghcr.io/org/other", version) != nil {
				t.Errorf("Recorded(%q) finds a record of another repository", version)
			}
			recordVersion(s, now)
			if want := map[bool]int{true: 1, false: 2}[same]; len(s.History) != want {
				t.Errorf("after %q, the history of %q has %d records, want %d", version, recorded, len(s.History), want)
			}
		}
	}
}
