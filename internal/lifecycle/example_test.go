// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"fmt"
	"time"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// The key of the published chart is removed. The registry gets three seconds to show
// another signature, and then the chart is withdrawn, or held if every policy says so.
func ExampleDecideLocal() {
	removed := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	rejected := verify.Outcome{Verdict: verify.VerdictRejected, Err: verify.ErrRejected}
	object := &v1alpha1.VerifiedChart{Status: v1alpha1.VerifiedChartStatus{
		Artifact:     &meta.Artifact{Revision: "1.0.0@sha256:ab"},
		Verification: &v1alpha1.VerificationStatus{},
	}}
	decide := func(after time.Duration, holds bool) {
		d := lifecycle.DecideLocal(lifecycle.Facts{
			Now: removed.Add(after), Object: object, Interval: time.Minute,
			Published: &lifecycle.Published{
				File: lifecycle.FileRight, Outcomes: []verify.Outcome{rejected}, RejectedAt: removed, Holds: holds,
			},
		})
		fmt.Printf("after %s: %s\n", after, d.Action)
	}
	decide(time.Second, false)
	decide(lifecycle.Patience, false)
	decide(lifecycle.Patience, true)
	// Output:
	// after 1s: Keep
	// after 3s: Withdraw
	// after 3s: Hold
}
