// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

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

// attempt is the result of one attempt on the requested chart.
type attempt struct {
	// key is the version of everything that the attempt depends on.
	key   string
	value lifecycle.Attempt
	// staged is the archive that waits to be stored, layer its digest. staged is nil if there is nothing to store.
	staged *storage.Staged
	layer  digest.Digest
	// download is the key of the archive among the downloads.
	download string
	// proof is stored with the chart if it is accepted.
	proof *storedProof
}

func (a *attempt) discard() {
	if a != nil {
		a.staged.Discard()
	}
}

// resolution is the tag and digest that a reference named when the registry was asked.
type resolution struct {
	key    string // the version of everything that the answer depends on
	at     time.Time
	tag    string
	digest digest.Digest
}

// isFresh reports whether the resolution is recent enough that the registry need not be asked again.
func (r resolution) isFresh(now time.Time, interval time.Duration) bool {
	return r.digest != "" && now.Sub(r.at) < interval/2
}

// startAttempt starts an errand that resolves the reference and takes the chart through the pipeline until it can be stored.
func (e *errands) startAttempt(obj *v1alpha1.VerifiedChart, s *session, now local, key string) *errand {
	t := &try{errands: e, obj: obj.DeepCopy(), now: now.withoutPolicies(), resolution: s.resolution}
	r := &errand{key: key}
	r.stop = e.run(e.attempts, obj, now, e.timeout(obj), func(ctx context.Context) {
		done := &attempt{key: key}
		err := errAborted
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.fill(done, err)
			switch {
			case s.errand != r:
				done.discard()
			case errors.Is(err, errOutdated):
				s.errand = nil
			default:
				s.errand, s.done, s.resolution = nil, done, t.resolution
			}
		}()
		err = t.run(ctx)
		if cause := context.Cause(ctx); err != nil && errors.Is(cause, errCrowdedOut) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
	})
	return r
}

// errOutdated ends an errand if the policies have changed since it was sent.
var errOutdated = errors.New("the policies have changed")

// errAborted is the failure of an attempt that panicked.
var errAborted = errors.New("the attempt ended unexpectedly: see the controller's log")

// try is one attempt while it runs.
type try struct {
	*errands
	obj        *v1alpha1.VerifiedChart
	now        local
	resolution resolution

	wanted   pipeline.Request
	reader   *registry.CachingReader
	charts   *chartrepo.Repository // nil if the repository is in a registry
	scope    string                // of the credentials
	place    *chartrepo.Place      // of the archive in a classic repository
	resolved pipeline.Resolved
	subject  verify.Subject
	metadata chart.Metadata
	accepted verify.Accepted
	outcomes []verify.Outcome
	artifact *meta.Artifact
	staged   *storage.Staged
	layout   chart.Layout
}

// run takes the chart from its reference to the staged archive. If the registry answers that the password of a cloud has expired, run asks
// the cloud for another password, once.
func (t *try) run(ctx context.Context) error {
	err := t.steps(ctx)
	if !t.renew(t.obj, err) {
		return err
	}
	return t.steps(ctx)
}

func (t *try) steps(ctx context.Context) error {
	for _, step := range []func(context.Context) error{t.load, t.open, t.resolve, t.manifest, t.verify, t.fetch} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load loads the policies.
func (t *try) load(ctx context.Context) (err error) {
	var ok bool
	if t.now, ok = t.withPolicies(ctx, t.obj, t.now); !ok {
		return errOutdated
	}
	return nil
}

// fill writes the result of the try into an attempt.
func (t *try) fill(a *attempt, err error) {
	a.value = lifecycle.Attempt{
		Tag: t.resolved.Tag, Outcomes: t.outcomes, Accepted: t.accepted, Artifact: t.artifact, Failure: classify(err),
		Chart:    lifecycle.Chart{Repository: location.Canonical(t.wanted.Repository), Digest: t.subject.Manifest.Digest, Name: t.wanted.Name, Version: t.version()},
		Observed: observedSigners(t.now.requestedPolicies, t.outcomes),
	}
	a.staged, a.layer, a.download = t.staged, t.layout.Archive.Digest, t.download()
	if _, ok := t.accepted.Subject(); ok && t.reader != nil && !t.isKnown() {
		a.proof = &storedProof{Repository: t.wanted.Repository, Place: t.place, Answers: t.reader.Answers()}
	}
	if err != nil {
		a.value.Artifact = nil
		if !errors.Is(err, verify.ErrRejected) {
			t.resolution = resolution{}
		}
	}
}

// version returns the version of the requested chart: from Chart.yaml once that is known, else the version that the reference binds.
func (t *try) version() string {
	switch {
	case t.metadata.Version != "":
		return t.metadata.Version
	case t.isPublished():
		return t.now.facts.Published.Version
	}
	return t.subject.Chart.Version
}

// isPublished reports whether the requested manifest is the published one, and the reference agrees with the
// published name and version.
func (t *try) isPublished() bool {
	p := t.now.facts.Published
	if p == nil || t.subject.Manifest.Digest != p.Digest || location.Canonical(t.wanted.Repository) != p.Repository {
		return false
	}
	return pipeline.Identify(chart.Metadata{Name: p.Name, Version: p.Version}, t.wanted, t.resolved) == nil
}

// isKnown reports whether the requested chart is published and proven by its stored signature material, and that material is not stale.
func (t *try) isKnown() bool {
	p := t.now.facts.Published
	if !t.isPublished() || p.Stale || p.File != lifecycle.FileRight {
		return false
	}
	_, accepted := p.Accepted.Subject()
	return accepted && p.Accepted.Result().IsProof()
}

// open makes the reader of the requested repository.
func (t *try) open(ctx context.Context) error {
	repository, err := repositoryOf(t.obj.Spec)
	if err != nil {
		return &refusal{condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.URLInvalidReason, kind: lifecycle.Final, err: err}
	}
	if t.obj.Spec.Insecure && !t.allowHTTP {
		return &refusal{reason: v1alpha1.InsecureNotAllowedReason, kind: lifecycle.Final,
			err: problem.New(nil, "insecure: true is not allowed").Fix("remove insecure: true, or run the controller with --insecure-allow-http")}
	}
	t.wanted = wanted(t.obj, repository)
	if location.IsClassic(repository) {
		t.charts, t.scope, err = t.classic(ctx, t.obj, repository, false)
	} else {
		t.reader, t.scope, err = t.errands.reader(ctx, t.obj, repository, false)
	}
	if err != nil {
		return err
	}
	if key := resolutionKey(t.obj, t.scope); t.resolution.key != key {
		t.resolution = resolution{key: key}
	}
	return nil
}

// resolutionKey returns the version of everything that a resolution depends on, including the scope of the credentials.
func resolutionKey(obj *v1alpha1.VerifiedChart, scope string) string {
	return keyOf(fmt.Sprint(obj.Generation), requestToken(obj), scope)
}

// resolve resolves the reference. It asks the registry once an interval. Between two requests it uses the last answer, for
// example if somebody edits a Secret that a thousand objects use.
func (t *try) resolve(ctx context.Context) (err error) {
	last := &t.resolution
	if last.isFresh(t.gatherer.now(), t.now.facts.Interval) {
		wanted := t.wanted
		wanted.Digest = last.digest
		err = t.ask(ctx, wanted, last.tag)
		t.resolved.Tag = last.tag
	} else {
		err = t.ask(ctx, t.wanted, "")
		last.at, last.tag, last.digest = t.gatherer.now(), t.resolved.Tag, t.resolved.Manifest.Descriptor.Digest
	}
	if err != nil {
		return err
	}
	return t.refuseDowngrade()
}

// ask asks the repository for a chart. The version is the known one; empty if it is not known.
func (t *try) ask(ctx context.Context, wanted pipeline.Request, version string) (err error) {
	if t.charts == nil {
		t.resolved, err = pipeline.Resolve(ctx, t.reader, wanted)
		return err
	}
	if version != "" {
		wanted.Tag, wanted.SemVer = version, ""
	}
	return t.resolveArchive(ctx, wanted)
}

// manifest parses the manifest.
func (t *try) manifest(context.Context) (err error) {
	if t.subject, err = pipeline.Manifest(t.wanted, t.resolved); err != nil {
		return err
	}
	t.subject.Sources = sourcesOf(t.obj, t.subject.Manifest.Digest)
	if t.subject.Chart.Version == "" && t.isPublished() {
		t.subject.Chart.Version = t.now.facts.Published.Version
	}
	return nil
}

// verify verifies the requested chart. It does not verify the published chart a second time.
func (t *try) verify(ctx context.Context) (err error) {
	set := t.now.requestedPolicies
	s := t.subject
	if err := set.Revoked(location.Canonical(s.Repository), s.Manifest.Digest, s.Chart.Version); err != nil {
		return t.revoked(err)
	}
	if err := set.Denied(); err != nil {
		return t.revoked(err)
	}
	if t.isKnown() {
		t.accepted, t.outcomes = t.now.facts.Published.Accepted, t.now.facts.Published.Outcomes
	} else if t.accepted, t.outcomes, err = verifyByRegistry(ctx, set.Policies(), s, t.reader, t.isPublished() && isProven(t.now)); err != nil {
		return err
	}
	return t.refuseMutation(s.Chart.Version)
}

// revoked records a rejection that needs no signature, and returns it as a failure.
func (t *try) revoked(err error) error {
	t.outcomes = []verify.Outcome{{Verdict: verify.VerdictRejected, Err: err}}
	return &pipeline.Failure{Step: pipeline.StepVerify, Err: err}
}

// fetch stages the archive of the accepted chart, unless that is already published, and validates it.
func (t *try) fetch(ctx context.Context) error {
	if p := t.now.facts.Published; p != nil && t.isSameManifest() && p.File == lifecycle.FileRight {
		known := chart.Metadata{Name: p.Name, Version: p.Version}
		if err := pipeline.Identify(known, t.wanted, t.resolved); err != nil {
			return err
		}
		t.metadata = known
		t.staged.Discard()
		t.staged = nil
		return nil
	}
	if err := t.stage(ctx); err != nil {
		return err
	}
	if err := t.validate(ctx); err != nil {
		return err
	}
	s := t.subject
	if err := t.now.requestedPolicies.Revoked(location.Canonical(s.Repository), s.Manifest.Digest, t.metadata.Version); err != nil {
		return t.revoked(err)
	}
	if err := t.refuseMutation(t.metadata.Version); err != nil {
		return err
	}
	artifact := t.storage.NewArtifact(t.obj, chart.TagOf(t.metadata.Version)+"@"+s.Manifest.Digest.String(), s.Manifest.Digest.Encoded()+".tgz")
	artifact.Metadata = map[string]string{ocispec.AnnotationTitle: t.metadata.Name, ocispec.AnnotationVersion: t.metadata.Version}
	if coversManifest(t.accepted.Result()) {
		maps.Copy(artifact.Metadata, t.layout.Origin)
	}
	artifact.Digest = t.layout.Archive.Digest.String()
	t.artifact = &artifact
	return nil
}

// coversManifest reports whether a signature of the manifest itself proves the chart, so that the annotations of the manifest are
// proven too. A provenance file names only the archive.
func coversManifest(r verify.Result) bool {
	return slices.ContainsFunc(r.Signatures, func(s verify.VerifiedSignature) bool { return s.Provider == v1alpha1.CosignProvider })
}

// isSameManifest reports whether the requested manifest is the published one, under any name and version.
func (t *try) isSameManifest() bool {
	p := t.now.facts.Published
	return p != nil && t.subject.Manifest.Digest == p.Digest && location.Canonical(t.wanted.Repository) == p.Repository
}

// stage stages the archive: the bytes that were measured, the retired file of a withdrawn chart, or a download, whichever has the digest.
func (t *try) stage(ctx context.Context) (err error) {
	subject, _ := t.accepted.Subject()
	if t.layout, err = pipeline.LayoutOf(subject); err != nil {
		return &pipeline.Failure{Step: pipeline.StepManifest, Err: err}
	}
	if t.isStaged() {
		return nil
	}
	t.staged, err = t.storage.Recover(t.obj, t.storage.NewArtifact(t.obj, "", subject.Manifest.Digest.Encoded()+".tgz"))
	if err == nil && t.isStaged() {
		return nil
	}
	t.staged, err = t.downloads.get(ctx, t.storage, t.download(), t.layout.Archive.Digest, func(into *storage.Staged) error {
		_, err := pipeline.Fetch(ctx, t.reader, t.accepted, into)
		return err
	})
	return asFailure(err)
}

// isStaged reports whether the staged file is the archive. It discards another file.
func (t *try) isStaged() bool {
	if t.staged != nil && t.staged.Digest() == t.layout.Archive.Digest {
		return true
	}
	t.staged.Discard()
	t.staged = nil
	return false
}

// download returns the key of the archive among the downloads.
func (t *try) download() string {
	return keyOfDownload(t.wanted.Repository, t.scope, t.layout.Archive.Digest)
}

// asFailure returns the failure to get an archive.
func asFailure(err error) error {
	var failure *pipeline.Failure
	switch {
	case err == nil, errors.As(err, &failure):
		return err
	case errors.Is(err, storage.ErrStorage):
		return &pipeline.Failure{Step: pipeline.StepStore, Err: err}
	}
	return &pipeline.Failure{Step: pipeline.StepFetch, Err: err}
}

// inspect inspects the staged archive, unless an archive with its digest was inspected lately. Few archives are inspected at a time, since
// an inspection takes memory.
func (t *try) inspect(ctx context.Context) (chart.Metadata, error) {
	d := t.staged.Digest()
	if m, ok := t.inspected.Get("", d); ok {
		return m, nil
	}
	select {
	case t.inspections <- struct{}{}:
		defer func() { <-t.inspections }()
	case <-ctx.Done():
		return chart.Metadata{}, ctx.Err()
	}
	m, err := pipeline.Inspect(t.staged.Reader())
	if err == nil {
		t.inspected.Add("", d, m, len(m.Name)+len(m.Version)+len(m.AppVersion)+len(m.Description))
	}
	return m, err
}

// validate inspects the staged archive and validates it against its configuration and the reference.
func (t *try) validate(ctx context.Context) (err error) {
	if t.metadata, err = t.inspect(ctx); err != nil {
		return err
	}
	return pipeline.Validate(ctx, t.reader, t.metadata, t.layout, t.wanted, t.resolved)
}
