// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// accepting accepts every chart by one key.
type accepting struct{}

func (accepting) Verify(context.Context, verify.Subject, registry.Reader) (verify.Result, error) {
	return verify.Result{Signatures: []verify.VerifiedSignature{{Authority: "release", Provider: "cosign", Signer: "SHA256:ab", Key: "cosign.pub"}}}, nil
}

// acceptedManifest returns a genuine proof of a manifest.
func acceptedManifest(raw string) verify.Accepted {
	d := digest.FromString(raw)
	accepted, err := verify.Check(context.Background(), accepting{}, verify.Subject{
		Repository: "ghcr.io/org/app", Manifest: ocispec.Descriptor{Digest: d, Size: int64(len(raw))}, Raw: []byte(raw),
	}, nil)
	if err != nil {
		panic(err)
	}
	return accepted
}

var (
	publishedRaw, requestedRaw = "published", "requested"
	proof, otherProof          = acceptedManifest(publishedRaw), acceptedManifest(requestedRaw)
	publishedChart             = Chart{Repository: "ghcr.io/org/app", Digest: digest.FromString(publishedRaw), Name: "app", Version: "1.0.0"}
	requestedChart             = Chart{Repository: "ghcr.io/org/app", Digest: digest.FromString(requestedRaw), Name: "app", Version: "1.1.0"}
	rejection                  = &verify.Rejection{Authority: "release", Searched: []string{"tag sha256-x.sig"}}
)

func outcome(policy string, v verify.Verdict) verify.Outcome {
	o := verify.Outcome{Policy: policy, Verdict: v}
	if v == verify.VerdictRejected {
		o.Err = rejection
	}
	return o
}

// The values of each fact.
var (
	both     = []bool{false, true}
	verdicts = [][]verify.Outcome{
		nil,
		{outcome("company", verify.VerdictAccepted), outcome("", verify.VerdictAccepted)},
		{outcome("company", verify.VerdictAccepted), outcome("", verify.VerdictRejected)},
		{outcome("company", verify.VerdictRejected), outcome("", verify.VerdictAccepted)},
		{outcome("company", verify.VerdictUndecided), outcome("", verify.VerdictAccepted)},
	}
	files    = []File{FileLost, FileUnknown, FileRight}
	ages     = []time.Duration{0, 2 * time.Hour, time.Minute} // none, not over, over
	attempts = []func() *Attempt{
		func() *Attempt { return nil },
		func() *Attempt {
			return &Attempt{Chart: requestedChart, Failure: &Failure{Condition: v1alpha1.FetchFailedCondition, Reason: v1alpha1.OCIPullFailedReason, Message: "connection refused"}}
		},
		func() *Attempt {
			return &Attempt{Chart: requestedChart, Outcomes: verdicts[1], Accepted: otherProof, Artifact: artifactOf(requestedChart)}
		},
		func() *Attempt { return &Attempt{Chart: publishedChart, Outcomes: verdicts[1], Accepted: proof} },
		func() *Attempt {
			return &Attempt{Chart: publishedChart, Outcomes: verdicts[2], Failure: refusedBy(rejection)}
		},
		func() *Attempt {
			return &Attempt{Chart: requestedChart, Outcomes: verdicts[2], Failure: refusedBy(rejection)}
		},
	}
)

func refusedBy(err error) *Failure {
	return &Failure{Reason: v1alpha1.VerificationErrorReason, Message: err.Error(), Kind: Rejecting}
}

func artifactOf(c Chart) *meta.Artifact {
	return &meta.Artifact{
		Path: "verifiedchart/apps/app/" + c.Digest.Encoded() + ".tgz", URL: "http://x/" + c.Digest.Encoded() + ".tgz",
		Revision: c.Version + "@" + c.Digest.String(), Digest: digest.FromString("archive of " + c.Version).String(), LastUpdateTime: metav1.NewTime(now),
		Metadata: map[string]string{ocispec.AnnotationTitle: c.Name, ocispec.AnnotationVersion: c.Version},
	}
}

// each visits every combination of facts.
func each(visit func(n int, f Facts)) (n int) {
	run := func(f Facts) { visit(n, f); n++ }
	eachObject(func(obj *v1alpha1.VerifiedChart) {
		for _, attempt := range attempts {
			bare := obj.DeepCopy()
			bare.Status = v1alpha1.VerifiedChartStatus{ObservedGeneration: 1}
			for _, gone := range both {
				run(Facts{Now: now, Interval: 10 * time.Minute, Object: bare, Gone: gone, Attempt: attempt()})
			}
			eachPublished(func(p Published) {
				run(Facts{Now: now, Interval: 10 * time.Minute, Object: obj, Published: &p, Attempt: attempt()})
			})
			run(Facts{Now: now, Interval: 10 * time.Minute, Object: obj, Gone: true, Published: &Published{Chart: publishedChart}, Attempt: attempt()})
		}
	})
	return n
}

func eachObject(visit func(obj *v1alpha1.VerifiedChart)) {
	for _, edited := range both {
		for _, suspended := range both {
			for _, held := range both {
				obj := &v1alpha1.VerifiedChart{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "apps", UID: "1", Generation: 1}}
				obj.Spec = v1alpha1.VerifiedChartSpec{Interval: metav1.Duration{Duration: 10 * time.Minute}, Suspend: suspended}
				obj.Status = v1alpha1.VerifiedChartStatus{
					ObservedGeneration: 1, Artifact: artifactOf(publishedChart),
					Verification:    &v1alpha1.VerificationStatus{Repository: publishedChart.Repository, Digest: publishedChart.Digest.String(), VerifiedAt: metav1.NewTime(now)},
					UnverifiedSince: &metav1.Time{Time: now.Add(-time.Hour)},
				}
				if edited {
					obj.Generation = 2
				}
				if held {
					obj.Status.HeldSince = &metav1.Time{Time: now.Add(-time.Hour)}
				}
				visit(obj)
			}
		}
	}
}

func eachPublished(visit func(Published)) {
	text := func(b bool, s string) string {
		if b {
			return s
		}
		return ""
	}
	for _, revoked := range both {
		for _, denied := range both {
			for _, signer := range both {
				for _, outcomes := range verdicts {
					for _, long := range both {
						for _, asked := range both {
							for _, ended := range both {
								for _, holds := range both {
									for _, age := range ages {
										for _, lost := range both {
											for _, file := range files {
												p := Published{
													Chart: publishedChart, URL: "http://here/app.tgz", File: file, Outcomes: outcomes, Questioned: asked, Holds: holds, MaxUnverifiedAge: age, Lost: lost,
													Revoked: text(revoked, "manifest is revoked"), Denied: text(denied, "company"),
													SignerRevoked: text(signer, "key is revoked"), ExceptionEnded: text(ended, "Audit"), RejectedAt: now,
												}
												if long {
													p.RejectedAt = now.Add(-Patience)
												}
												if verdictOf(outcomes) == trusted {
													p.Accepted = proof
												}
												visit(p)
											}
										}
									}
								}
							}
						}
					}
				}
			}
		}
	}
}

// TestInvariants walks every combination of facts.
func TestInvariants(t *testing.T) {
	failures := 0
	n := each(func(n int, f Facts) {
		r := ruleFor(f)
		if name := broken(f, r); name != "" {
			if failures++; failures < 10 {
				t.Errorf("%s: %s, by rule %q", name, describe(f), r.name)
			}
		}
		if n%53 == 0 {
			checkDecision(t, f)
		}
	})
	t.Logf("%d combinations of facts", n)
}

// broken returns the invariant that a decision breaks; empty if it breaks none.
func broken(f Facts, r decided) string {
	s := serving(f, r)
	switch {
	case f.Gone && (r.action != Remove || s != ServeNothing):
		return "a chart that is gone is served"
	case !f.Gone && f.revoked() && s != ServeNothing:
		return "a revoked chart is served"
	case !f.Gone && f.denied() && s != ServeNothing:
		return "a chart that is denied is served"
	case servedThoughRejected(f, r):
		return "a rejected chart is served"
	case r.action == Hold && !f.Published.Holds:
		return "a chart is held against a policy that does not hold"
	case r.action == Hold && f.Published.SignerRevoked != "":
		return "a chart whose signer is revoked is held"
	case withdrawnTooSoon(f, r):
		return "a chart without a verdict is withdrawn before its time"
	case keptTooLong(f, r):
		return "a chart without a verdict is kept beyond its time"
	case r.action == Publish && (f.Attempt.Artifact == nil || !proven(f.Attempt.Accepted)):
		return "a chart is published without a proof"
	case s == Serve && r.action != Publish && f.Published.File != FileRight:
		return "a lost or unknown file is served"
	case secondChangesFirst(f):
		return "an attempt on another chart changes the first answer"
	case r.pending && !now.Before(f.Published.RejectedAt.Add(Patience)):
		return "a verdict is delayed for longer than the registry may take"
	case trustLost(f, r):
		return "a trusted chart is withdrawn"
	}
	return ""
}

func trustLost(f Facts, r decided) bool {
	return !f.Gone && f.Published != nil && f.verdict() == trusted && r.action == Withdraw && !f.revoked() && !f.denied() && !f.lost()
}

func proven(a verify.Accepted) bool { _, ok := a.Subject(); return ok }

func servedThoughRejected(f Facts, r decided) bool {
	if f.Gone || f.Published == nil || f.verdict() != rejected || r.action == Publish || r.pending {
		return false
	}
	return serving(f, r) != ServeNothing && r.action != Hold
}

func withdrawnTooSoon(f Facts, r decided) bool {
	return f.Published != nil && !f.Gone && r.action == Withdraw && f.verdict() == unknown && !f.revoked() && !f.denied() && !f.lost() && !f.expired()
}

func keptTooLong(f Facts, r decided) bool {
	return f.Published != nil && !f.Gone && f.verdict() == unknown && f.expired() && r.action == Keep
}

// secondChangesFirst reports whether an attempt changes the local decision although it is not about the published
// chart and does not replace it.
func secondChangesFirst(f Facts) bool {
	if f.Published == nil || f.Attempt == nil || f.attemptConcernsPublished() || f.stored() {
		return false
	}
	local := f
	local.Attempt = nil
	before, after := ruleFor(local), ruleFor(f)
	return before.action != after.action && !before.pending
}

func describe(f Facts) string {
	text := fmt.Sprintf("gone %t, attempt %+v", f.Gone, f.Attempt)
	if f.Published != nil {
		text += fmt.Sprintf(", published %+v", *f.Published)
	}
	return text
}

// checkDecision checks the invariants of a whole decision, for any facts.
func checkDecision(t *testing.T, f Facts) {
	t.Helper()
	before := f.Object.DeepCopy()
	for _, d := range []Decision{Decide(f), DecideLocal(f)} {
		if d.Action == Remove {
			continue
		}
		s := d.Status
		published := s.Artifact != nil
		if published != (s.Verification != nil) || published != (s.URL != "") {
			t.Fatalf("the status publishes half a chart: %s", describe(f))
		}
		if served := d.Serving != ServeNothing; served != published {
			t.Fatalf("the served path (%d) contradicts the status (%t): %s", d.Serving, published, describe(f))
		}
		if !published && (s.HeldSince != nil || s.UnverifiedSince != nil) {
			t.Fatalf("the status is held or unverified without a published chart: %s", describe(f))
		}
		ready, stalled, reconciling := find(s.Conditions, meta.ReadyCondition), find(s.Conditions, meta.StalledCondition), find(s.Conditions, meta.ReconcilingCondition)
		if stalled != nil && reconciling != nil {
			t.Fatalf("both Stalled and Reconciling: %s", describe(f))
		}
		if ready != nil && ready.Status == metav1.ConditionTrue && (!published || stalled != nil || reconciling != nil) {
			t.Fatalf("Ready is True, and something is wrong: %s", describe(f))
		}
		if ready != nil && len(ready.Message) > maxReady {
			t.Fatalf("the message of Ready has %d bytes: %s", len(ready.Message), ready.Message)
		}
		if d.Action == Withdraw && (len(d.Events) == 0 || d.Events[0].Reason != v1alpha1.ArtifactWithdrawnReason) {
			t.Fatalf("a withdrawal without an event: %s", describe(f))
		}
	}
	if !equality.Semantic.DeepEqual(before, f.Object) {
		t.Fatal("the object was changed")
	}
}

// TestReferenceWaits checks that an attempt waits only for the answer to a question about a rejected chart whose spec is unchanged.
func TestReferenceWaits(t *testing.T) {
	waiting := 0
	each(func(n int, f Facts) {
		f.Attempt = nil
		d := DecideLocal(f)
		if d.Action == Remove || f.Object.Spec.Suspend || d.Ask.Reference {
			return
		}
		waiting++
		if f.edited() || f.verdict() != rejected || !d.Ask.Signatures || d.Ask.Until.After(f.Now.Add(Patience)) {
			t.Fatalf("combination %d: no attempt is made: %s", n, describe(f))
		}
	})
	if waiting == 0 {
		t.Fatal("no attempt waits")
	}
}
