// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"fmt"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Verify verifies s by every policy. Cached signature material is good enough for a proof.
// Before a policy rejects, accepts by exception or reaches no verdict, the registry is asked
// again instead of the cache. The error is nil only if the Accepted is not zero. It matches
// verify.ErrRejected if and only if a policy rejects.
func Verify(ctx context.Context, policies []verify.Named, s verify.Subject, r *registry.CachingReader) (verify.Accepted, []verify.Outcome, error) {
	current := make([]verify.Named, 0, len(policies))
	for _, p := range policies {
		current = append(current, verify.Named{Policy: p.Policy, Verifier: uncached{Verifier: p.Verifier, reader: r}})
	}
	accepted, outcomes, err := verify.CheckEach(ctx, current, s, r)
	if err == nil {
		confirm(ctx, outcomes, s, r)
		err = verify.Unaccepted(outcomes)
	}
	if err != nil {
		return verify.Accepted{}, outcomes, failed(StepVerify, err)
	}
	return accepted, outcomes, nil
}

// confirm turns rejections into missing verdicts if the registry does not have the manifest itself: then it may lack the
// signatures only because it has lost everything. The same holds for an archive: a signature beside it may be that of its
// successor.
func confirm(ctx context.Context, outcomes []verify.Outcome, s verify.Subject, r *registry.CachingReader) {
	var denied error
	for i, o := range outcomes {
		if o.Verdict != verify.VerdictRejected {
			continue
		}
		if denied == nil {
			if denied = r.Confirm(ctx, s.Manifest.Digest); denied == nil {
				return
			}
		}
		outcomes[i].Verdict = verify.VerdictUndecided
		outcomes[i].Err = denied
		if !s.IsArchive() {
			outcomes[i].Err = fmt.Errorf("%w; without the manifest, what the registry says of its signatures proves nothing", denied)
		}
	}
}

// uncached asks its verifier again without the cache, unless cached answers prove the
// Subject. Both calls share the time of one policy: a policy that waits for its registry
// must not use up the time of another policy.
type uncached struct {
	verify.Verifier
	reader *registry.CachingReader
}

// Verify implements verify.Verifier.
func (u uncached) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	result, err := u.Verifier.Verify(ctx, s, r)
	if proven := err == nil && result.IsProof(); proven || !u.reader.FromCache() {
		return result, err
	}
	u.reader.Bypass()
	return u.Verifier.Verify(ctx, s, r)
}
