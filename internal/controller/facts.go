// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// withoutPolicies returns the facts without the policies, since their keys take memory.
func (l local) withoutPolicies() local {
	l.requestedPolicies, l.publishedPolicies = policy.Set{}, policy.Set{}
	return l
}

// aboutPublished returns the key of a question about the published chart; empty if no chart is published.
func (l local) aboutPublished() string {
	if l.facts.Published == nil {
		return ""
	}
	c := l.facts.Published.Chart
	return keyOf(l.request, c.Repository, c.Digest.String(), c.Name, c.Version)
}

// gatherer gathers the facts that need no registry: the policies, and the verdict on the published chart by its stored signature material.
type gatherer struct {
	client      client.Client
	material    *material.Loader
	revocations *material.RevocationSource
	storage     *storage.Storage
	namespace   string // of the controller
	observe     policy.Observer
	now         func() time.Time
	minInterval time.Duration
}

// local holds the facts about an object that need no registry.
type local struct {
	facts lifecycle.Facts
	// key is the version of everything that the facts depend on, except the clock. request is the same for answers of the
	// registry: it also differs if somebody requests a reconcile. An answer that was made with another version is not used.
	key, request string
	// requestedPolicies match the repository in the spec, publishedPolicies that match the published chart's.
	requestedPolicies, publishedPolicies policy.Set
	// bytes is the size of the material that the object's own policy refers to.
	bytes int
	// layer is the digest of the published chart's file.
	layer digest.Digest
	// repository is the published chart's repository as it was read; empty if that is not known.
	repository string
	// place is the place of its archive in a classic repository; nil if that is not known.
	place *chartrepo.Place
	// listFault explains why the list in force is not the one in the ConfigMap of the revocation list; nil if it is.
	listFault error
}

// gather returns the local facts of an object. It is called under the session's lock.
func (g gatherer) gather(ctx context.Context, obj *v1alpha1.VerifiedChart, s *session) local {
	chart, isPublished := lifecycle.PublishedChart(obj.Status, location.Canonical)
	// Another client may have written this status: it must not lead to another object's file.
	isPublished = isPublished && g.storage.Owns(obj, *obj.Status.Artifact)
	rules := g.rules(ctx, obj, chart.Repository)
	now := local{
		key: rules.key, request: keyOf(rules.key, requestToken(obj)), requestedPolicies: rules.requested, publishedPolicies: rules.published, listFault: rules.listFault, bytes: rules.bytes,
		facts: lifecycle.Facts{
			Now: g.now(), Object: obj, Interval: max(obj.GetRequeueAfter(), g.minInterval), Policies: rules.names,
			WarnsOfMutation: rules.requested.VersionMutation() == v1alpha1.VersionMutationWarn,
		},
	}
	if isPublished {
		var v verification
		now.facts.Published, v = g.publishedFacts(ctx, obj, chart, now, s)
		now.layer, now.repository, now.place = v.layer, v.repository, v.place
	}
	if !now.facts.Rejected() {
		s.rejectedAt = time.Time{}
	} else if s.rejectedAt.IsZero() {
		s.rejectedAt = now.facts.Now
	}
	if p := now.facts.Published; p != nil {
		p.RejectedAt = s.rejectedAt
	}
	return now
}

// verifyTime bounds a verification by stored signature material. Each policy gets a share of it. It is a last resort:
// verify.MaxWork bounds the work, so that time runs out only if the processor is overloaded.
const verifyTime = 30 * time.Second

// publishedFacts returns the facts about the published chart, and the verification that they depend on; zero if a revocation or denial decides.
func (g gatherer) publishedFacts(ctx context.Context, obj *v1alpha1.VerifiedChart, chart lifecycle.Chart, now local, s *session) (*lifecycle.Published, verification) {
	set := now.publishedPolicies
	revoked, denied := set.Revoked(chart.Repository, chart.Digest, chart.Version), set.Denied()
	if revoked != nil || denied != nil { // no signature matters
		p := &lifecycle.Published{Chart: chart, Revoked: problem.Brief(revoked), Denied: problem.Brief(denied)}
		return p, verification{}
	}
	v := g.verify(ctx, obj, chart, now, s)
	artifact := *obj.Status.Artifact
	g.storage.SetURL(&artifact)
	p := &lifecycle.Published{
		Chart: chart, URL: artifact.URL, File: fileState(v), Layer: v.layer, Outcomes: v.outcomes, Accepted: v.accepted, Stale: v.stale, Incomplete: isIncomplete(v),
		Holds: set.Holds(), SignerRevoked: revokedSigner(obj, set), ExceptionEnded: endedException(obj, set),
	}
	p.OwnEnded = g.ownEnded(v, s)
	p.MaxUnverifiedAge, _ = set.MaxUnverifiedAge()
	g.addAnswer(p, now.request, s)
	return p, v
}

// ownEnded reports whether the acceptance by the object's own policy has ended by the clock although nothing else has changed.
func (g gatherer) ownEnded(v verification, s *session) bool {
	for _, o := range v.outcomes {
		if o.Policy == "" && o.Verdict == verify.VerdictAccepted {
			s.accepted = acceptance{key: v.key, ends: o.Ends}
		}
	}
	return s.accepted.key == v.key && !s.accepted.ends.IsZero() && !g.now().Before(s.accepted.ends)
}

// addAnswer adds the registry's answer about the published chart. It discards an outdated answer.
func (g gatherer) addAnswer(p *lifecycle.Published, key string, s *session) {
	a := s.answer
	if a == nil || a.chart != p.Chart || a.key != key || g.now().Sub(a.at) > answerAge || ended(a.outcomes, g.now()) {
		s.answer = nil
		return
	}
	p.Questioned, p.Lost = true, a.lost
	switch {
	case a.isAccepted():
		p.Accepted, p.Outcomes = a.accepted, a.outcomes
	case isUndecided(a.outcomes):
	case isUndecided(p.Outcomes), p.Stale: // a signature that the registry no longer has no longer counts
		p.Outcomes, p.Accepted = a.outcomes, verify.Accepted{}
	}
}

// isIncomplete reports whether the stored signature material lacks something that a verdict needs.
func isIncomplete(v verification) bool {
	return errors.Is(v.file, errNoManifest) || slices.ContainsFunc(v.outcomes, func(o verify.Outcome) bool {
		return o.Verdict == verify.VerdictUndecided && errors.Is(o.Err, registry.ErrNoAnswer)
	})
}

// isUndecided reports whether no policy rejects and not every policy accepts.
func isUndecided(outcomes []verify.Outcome) bool {
	undecided := len(outcomes) == 0
	for _, o := range outcomes {
		switch o.Verdict {
		case verify.VerdictRejected:
			return false
		case verify.VerdictUndecided:
			undecided = true
		}
	}
	return undecided
}

// verify verifies the published chart with the signature material that is stored beside it.
func (g gatherer) verify(ctx context.Context, obj *v1alpha1.VerifiedChart, chart lifecycle.Chart, now local, s *session) verification {
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	key := verificationKey(now.key, chart, *obj.Status.Artifact)
	if v := s.verified; v.key == key && g.now().Sub(v.at) < verificationAge && !ended(v.outcomes, g.now()) {
		if !errors.Is(v.file, errNoManifest) {
			v.file = g.storage.HasFile(*obj.Status.Artifact, v.layer)
		}
		return v
	}
	v := verification{key: key, at: g.now()}
	subject, reader, kept, err := g.stored(ctx, obj, chart)
	v.repository, v.place = subject.Repository, kept.Place
	if err != nil {
		v.outcomes = []verify.Outcome{{Verdict: verify.VerdictUndecided, Err: err}}
		v.file = fmt.Errorf("%w: %w", errNoManifest, err)
	} else {
		v.layer = subject.Chart.Archive.Digest
		v.file = g.storage.HasFile(*obj.Status.Artifact, v.layer)
		v.accepted, v.outcomes, _ = verify.CheckEach(ctx, now.publishedPolicies.Policies(), subject, reader)
		rejectUnproven(v.outcomes, s.acceptedBy == key)
		if _, ok := v.accepted.Subject(); ok {
			s.acceptedBy = key
		}
		v.stale = isStale(kept.Answers.At(), g.now())
	}
	s.verified = v
	return v
}

// verificationKey returns the version of everything that the verdict on a published chart depends on.
func verificationKey(rules string, chart lifecycle.Chart, artifact meta.Artifact) string {
	return rules + " " + chart.Digest.String() + " " + artifact.Path
}

// rejectUnproven rejects a chart for each policy that the stored signature material does not satisfy although the policy's keys and
// lists are there: the chart was never proven by this policy. Either an answer of the registry is missing, and a silent registry must not
// keep the chart served forever; or time ran out, and slow signatures must not keep it served either. A chart that this process has
// already accepted by the same policies is not rejected for lack of time.
func rejectUnproven(outcomes []verify.Outcome, accepted bool) {
	for i, o := range outcomes {
		lacksTime := !accepted && !errors.Is(o.Err, verify.ErrTrustUnavailable) && !errors.Is(o.Err, context.Canceled)
		if o.Verdict == verify.VerdictUndecided && (verify.OnlyUnanswered(o.Err) || lacksTime) {
			outcomes[i].Verdict = verify.VerdictRejected
			outcomes[i].Err = fmt.Errorf("%w: the published proof does not satisfy this policy: %w", verify.ErrRejected, o.Err)
		}
	}
}

// isStale reports whether signature material that was fetched at a moment has to be fetched again. A moment in the future was
// recorded with a wrong clock.
func isStale(at, now time.Time) bool {
	return !at.IsZero() && (now.Sub(at) > MaterialAge || at.After(now))
}

// MaterialAge is how long signature material is used before it is fetched again.
const MaterialAge = time.Hour

// errNoManifest is matched by the error for a published chart whose manifest is not stored.
var errNoManifest = errors.New("the manifest of the published chart is not stored")

// stored returns the published chart's manifest and signature material from the disk.
func (g gatherer) stored(ctx context.Context, obj *v1alpha1.VerifiedChart, chart lifecycle.Chart) (verify.Subject, registry.Reader, storedProof, error) {
	kept, err := readProof(ctx, g.storage, obj, chart.Digest)
	if err == nil && location.Canonical(kept.Repository) != chart.Repository {
		err = fmt.Errorf("the stored signature material is of repository %s", kept.Repository)
	}
	if err != nil {
		return verify.Subject{}, nil, storedProof{}, err
	}
	reader := kept.Answers.Reader(kept.Repository)
	if location.IsClassic(kept.Repository) {
		subject := pipeline.Archive(kept.Repository, chart.Name, chart.Version, chart.Digest)
		subject.Sources = sourcesOf(obj, chart.Digest)
		return subject, reader, kept, nil
	}
	manifest, err := reader.Manifest(ctx, chart.Digest)
	if err != nil {
		return verify.Subject{}, nil, storedProof{}, err
	}
	subject, err := pipeline.Manifest(pipeline.Request{Repository: kept.Repository, Name: chart.Name}, pipeline.Resolved{Manifest: manifest})
	subject.Chart.Version, subject.Sources = chart.Version, sourcesOf(obj, chart.Digest)
	return subject, reader, kept, err
}

// sourcesOf returns the sources of the signatures by which a manifest was last accepted; none if it was not accepted.
func sourcesOf(obj *v1alpha1.VerifiedChart, d digest.Digest) (sources []string) {
	v := obj.Status.Verification
	if v == nil || v.Digest != d.String() {
		return nil
	}
	for _, a := range v.Authorities {
		sources = append(sources, a.Source)
	}
	return sources
}

// ended reports whether any acceptance has ended by the clock.
func ended(outcomes []verify.Outcome, now time.Time) bool {
	for _, o := range outcomes {
		if !o.Ends.IsZero() && !now.Before(o.Ends) {
			return true
		}
	}
	return false
}

// fileState returns the state of the published chart's file.
func fileState(v verification) lifecycle.File {
	switch {
	case v.file == nil:
		return lifecycle.FileRight
	case errors.Is(v.file, storage.ErrMissing) && !errors.Is(v.file, errNoManifest), errors.Is(v.file, storage.ErrDamaged) && !errors.Is(v.file, errNoManifest):
		return lifecycle.FileLost
	}
	return lifecycle.FileUnknown
}

// revokedSigner explains why a signer of the published chart is revoked; it is empty if none is.
func revokedSigner(obj *v1alpha1.VerifiedChart, set policy.Set) string {
	for _, a := range obj.Status.Verification.Authorities {
		v := verify.VerifiedSignature{Policy: a.Policy, Authority: a.Name, Signer: a.Signer, Issuer: a.Issuer, Subject: a.Subject, SigningKey: a.SigningKey}
		if err := set.RevokedSigner(v); err != nil {
			return err.Error()
		}
	}
	return ""
}

// endedException returns the exception by which the chart was published if that is no longer in force, else an empty string. A
// status that names neither a signer nor an exception counts as an ended exception.
func endedException(obj *v1alpha1.VerifiedChart, set policy.Set) string {
	v := obj.Status.Verification
	for _, x := range v.Exceptions {
		if set.DemandsProof(x.Policy, digest.Digest(v.Digest)) {
			return "exception (" + x.Rule + ")"
		}
	}
	if len(v.Exceptions) == 0 && len(v.Authorities) == 0 {
		return "exception"
	}
	return ""
}

// wanted returns the chart that a spec requests.
func wanted(obj *v1alpha1.VerifiedChart, repository string) pipeline.Request {
	name := obj.Spec.ChartName
	if name == "" {
		name = path.Base(repository)
	}
	return pipeline.Request{
		Repository: repository, Name: name, AllowLibrary: obj.Spec.ChartName != "", Digest: digest.Digest(obj.Spec.Ref.Digest),
		SemVer: obj.Spec.Ref.SemVer, SemverFilter: obj.Spec.Ref.SemverFilter, Tag: obj.Spec.Ref.Tag,
	}
}

// keyOf returns a digest of its parts, in their order.
func keyOf(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(fmt.Appendf(nil, "%d:%s", len(part), part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// requestToken returns the value of the annotation that requests a reconcile.
func requestToken(obj *v1alpha1.VerifiedChart) string {
	token, _ := meta.ReconcileAnnotationValue(obj.Annotations)
	return token
}
