// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// published holds the data that an errand about the published chart needs.
type published struct {
	obj   *v1alpha1.VerifiedChart
	chart lifecycle.Chart
	now   local
	// repository is the name by which the repository is read.
	repository string
}

func (e *errands) publishedOf(obj *v1alpha1.VerifiedChart, now local) published {
	p := published{obj: obj.DeepCopy(), chart: now.facts.Published.Chart, now: now.withoutPolicies()}
	p.repository = readAs(p.obj, now)
	return p
}

// readAs returns the name by which the repository of the published chart is read: the name at its publication, else the name in
// the spec if that is the same repository, else the canonical name.
func readAs(obj *v1alpha1.VerifiedChart, now local) string {
	if now.repository != "" {
		return now.repository
	}
	canonical := now.facts.Published.Repository
	if repository, err := repositoryOf(obj.Spec); err == nil && location.Canonical(repository) == canonical {
		return repository
	}
	return canonical
}

// questionPause is how long to wait before the registry is asked again after a fault.
const questionPause = 300 * time.Millisecond

// startQuestion starts an errand that asks the registry for signatures of the published chart. The errand ends at the object's
// timeout, or at until if that is earlier and not zero.
func (e *errands) startQuestion(obj *v1alpha1.VerifiedChart, s *session, now local, until time.Time) *errand {
	p := e.publishedOf(obj, now)
	timeout := e.timeout(obj)
	if !until.IsZero() {
		timeout = min(timeout, max(until.Sub(now.facts.Now), 0))
	}
	q := &errand{key: now.aboutPublished()}
	q.stop = e.run(e.questions, obj, now, timeout, func(ctx context.Context) {
		var got *answer
		if now, ok := e.withPolicies(ctx, p.obj, p.now); ok {
			p.now = now
			got = e.askUntilVerdict(ctx, p)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.question != q {
			return
		}
		if s.question, s.answer = nil, got; got == nil {
			return
		}
		if got.isAccepted() {
			s.verified = verification{} // the stored signature material has changed
		} else if s.errand == nil && s.done == nil && p.isRequested(s.resolution, *got) {
			s.done = p.attempt(s.resolution, *got)
		}
	})
	return q
}

// isRequested reports whether the answer is a verdict on the requested chart too: the same policies apply to both charts, and a
// resolution that is still fresh shows that the reference names the published chart. Then a rejection needs no attempt.
func (p published) isRequested(r resolution, a answer) bool {
	requested, err := repositoryOf(p.obj.Spec)
	if err != nil || p.obj.Spec.Suspend || isUndecided(a.outcomes) || !r.isFresh(a.at, p.now.facts.Interval) {
		return false
	}
	samePolicies := slices.EqualFunc(a.outcomes, p.now.requestedPolicies.Policies(), func(o verify.Outcome, n verify.Named) bool { return o.Policy == n.Policy })
	named := pipeline.Identify(chart.Metadata{Name: p.chart.Name, Version: p.chart.Version}, wanted(p.obj, requested), pipeline.Resolved{Tag: r.tag})
	return samePolicies && named == nil && r.digest == p.chart.Digest && r.key == resolutionKey(p.obj, a.scope) && location.Canonical(requested) == p.chart.Repository
}

// attempt returns a rejection by the registry's answer as the result of an attempt.
func (p published) attempt(r resolution, a answer) *attempt {
	failure := &pipeline.Failure{Step: pipeline.StepVerify, Err: verify.Unaccepted(a.outcomes)}
	return &attempt{key: a.key, value: lifecycle.Attempt{
		Tag: r.tag, Chart: p.chart, Outcomes: a.outcomes, Failure: classify(failure), Observed: observedSigners(p.now.requestedPolicies, a.outcomes),
	}}
}

// askUntilVerdict asks the registry about the published chart until there is a verdict, the registry answers that it no longer has
// the chart or does not show its signatures, or time runs out.
func (e *errands) askUntilVerdict(ctx context.Context, p published) *answer {
	renewed := false
	for {
		a, err := e.verifyPublished(ctx, p)
		if !renewed {
			renewed = e.renew(p.obj, err)
		}
		if err == nil || errors.Is(err, verify.ErrRejected) || errors.Is(err, errHidden) || a.lost {
			return &a
		}
		select {
		case <-ctx.Done():
			return &a
		case <-time.After(questionPause):
		}
	}
}

// verifyPublished verifies the published chart with current answers of the registry, and stores the proof.
func (e *errands) verifyPublished(ctx context.Context, p published) (answer, error) {
	a, _, err := e.readPublished(ctx, p)
	return a, err
}

// readPublished does the work of verifyPublished, and also returns the reader of the repository. In a classic repository it looks first
// where the archive was last, and asks the index only if nothing there proves the chart.
func (e *errands) readPublished(ctx context.Context, p published) (answer, *registry.CachingReader, error) {
	var last *located
	if location.IsClassic(p.repository) && p.now.place != nil {
		if at, err := e.locateAgain(ctx, p); err == nil {
			a, err := e.verifyAt(ctx, p, at)
			if err == nil {
				return a, at.reader, nil
			}
			last = &at
		}
	}
	at, err := e.locate(ctx, p)
	if err != nil && last == nil {
		return answer{chart: p.chart, key: p.now.request, at: e.gatherer.now(), scope: at.scope, lost: errors.Is(err, registry.ErrNotFound)}, nil, err
	}
	if err != nil {
		at = *last // the index cannot be read, so that the last place decides
	}
	a, err := e.verifyAt(ctx, p, at)
	return a, at.reader, err
}

// verifyAt verifies the published chart where it was found, and stores the proof.
func (e *errands) verifyAt(ctx context.Context, p published, at located) (answer, error) {
	a := answer{chart: p.chart, key: p.now.request, scope: at.scope}
	at.subject.Chart.Version, at.subject.Sources = p.chart.Version, sourcesOf(p.obj, p.chart.Digest)
	var err error
	a.accepted, a.outcomes, err = verifyByRegistry(ctx, p.now.publishedPolicies.Policies(), at.subject, at.reader, isProven(p.now))
	a.at = e.gatherer.now()
	if err == nil {
		e.keep(p.obj, p.chart, storedProof{Repository: p.repository, Place: at.place, Answers: at.reader.Answers()})
	}
	return a, err
}

// located is the published chart in its repository.
type located struct {
	subject verify.Subject
	reader  *registry.CachingReader
	scope   string
	place   *chartrepo.Place // in a classic repository
}

// locate finds the published chart in its repository, which is asked now.
func (e *errands) locate(ctx context.Context, p published) (at located, err error) {
	if location.IsClassic(p.repository) {
		return e.locateArchive(ctx, p)
	}
	if at.reader, at.scope, err = e.reader(ctx, p.obj, p.repository, true); err != nil {
		return at, err
	}
	at.reader.Bypass()
	wanted := pipeline.Request{Repository: p.repository, Name: p.chart.Name, Digest: p.chart.Digest}
	resolved, err := pipeline.Resolve(ctx, at.reader, wanted)
	if err == nil {
		at.subject, err = pipeline.Manifest(wanted, resolved)
	}
	return at, err
}

// errHidden is the failure of a verification for which the registry does not show the signatures of a proven chart.
var errHidden = problem.New(registry.ErrUnauthorized, "the registry refuses access to the signatures").
	Fix("renew the credentials in secretRef, or let them read all tags and referrers of the repository")

// isProven reports whether the stored signature material proves the published chart.
func isProven(now local) bool {
	return now.facts.Published != nil && now.facts.Published.Accepted.Result().IsProof()
}

// verifyByRegistry verifies a chart by the registry's answers. If the stored signature material proves the chart, and the registry
// only refuses to show its signatures, there is no verdict.
func verifyByRegistry(ctx context.Context, policies []verify.Named, s verify.Subject, r *registry.CachingReader, isProven bool) (verify.Accepted, []verify.Outcome, error) {
	accepted, outcomes, err := pipeline.Verify(ctx, policies, s, r)
	if err != nil && isProven && verify.Withhold(outcomes, errHidden) {
		err = &pipeline.Failure{Step: pipeline.StepVerify, Err: verify.Unaccepted(outcomes)}
	}
	return accepted, outcomes, err
}

// keep stores the proof of a published chart. If that fails, the earlier proof stays.
func (e *errands) keep(obj *v1alpha1.VerifiedChart, chart lifecycle.Chart, proof storedProof) {
	raw, err := proof.marshal()
	if err == nil {
		err = e.storage.WriteMaterial(obj, chart.Digest, raw)
	}
	if err != nil {
		logOf(obj).Error(err, "cannot store signature material")
	}
}

// startRecovery starts an errand that verifies the published chart, and fetches it again if its file or manifest is lost.
func (e *errands) startRecovery(obj *v1alpha1.VerifiedChart, s *session, now local, key string) *errand {
	p := e.publishedOf(obj, now)
	r := &errand{key: key}
	r.stop = e.run(e.attempts, obj, now, e.timeout(obj), func(ctx context.Context) {
		got, staged, err := e.fetchPublished(ctx, p)
		defer staged.Discard()
		if err != nil {
			logOf(obj).Info("cannot recover the published chart", "cause", err.Error())
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.errand != r {
			return
		}
		if staged != nil && err == nil {
			artifact := *p.obj.Status.Artifact.DeepCopy()
			if err := e.storage.Commit(staged, &artifact); err != nil {
				logOf(obj).Error(err, "cannot store the published chart again")
			}
		}
		s.errand, s.answer, s.verified = nil, got, verification{}
	})
	return r
}

// fetchPublished verifies the published chart, and fetches its archive if the file is missing.
func (e *errands) fetchPublished(ctx context.Context, p published) (*answer, *storage.Staged, error) {
	now, ok := e.withPolicies(ctx, p.obj, p.now)
	if !ok {
		return nil, nil, errOutdated
	}
	p.now = now
	a, reader, err := e.readPublished(ctx, p)
	if err != nil {
		return &a, nil, err
	}
	subject, _ := a.accepted.Subject()
	if e.storage.HasFile(*p.obj.Status.Artifact, subject.Chart.Archive.Digest) == nil {
		return &a, nil, nil
	}
	staged, err := e.storage.Stage()
	if err != nil {
		return &a, nil, err
	}
	if _, err := pipeline.Fetch(ctx, reader, a.accepted, staged); err != nil {
		a.lost = errors.Is(err, registry.ErrNotFound)
		return &a, staged, err
	}
	return &a, staged, nil
}
