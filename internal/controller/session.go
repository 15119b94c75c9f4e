// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// session holds what this process knows about one object between two reconciles. Its lock covers a decision and the
// effects of the decision on what this process serves.
type session struct {
	mu sync.Mutex

	uid types.UID
	// stored is the newest version of the object in the API server that this process knows. superseded are the older
	// resource versions that the cache may still hold. status is the decided status that is not written yet.
	stored     *v1alpha1.VerifiedChart
	superseded map[string]bool
	status     *v1alpha1.VerifiedChartStatus

	verified   verification // of the published chart, by stored material
	accepted   acceptance   // the last acceptance by the object's own policy
	acceptedBy string       // the key of the last verification by which this process accepted the chart
	rejectedAt time.Time    // when the stored material was first rejected
	answer     *answer      // of the registry, about the published chart; set when a question or a recovery ends

	// since records when the published chart was first without a verdict, or held.
	since since

	question *errand // about the published chart, while it runs
	// servedBy is the version of everything by which the published chart was published. The path of the chart before it stays
	// allowed for a while, until that version changes.
	servedBy   string
	errand     *errand    // an attempt, or the recovery of the published chart, while it runs
	done       *attempt   // the attempt that has ended, until a reconcile takes it
	resolution resolution // of the last attempt
	leftAt     time.Time  // when the object left the selector; zero while it is in
	// ended reports that the object is gone, or that a new object has its name. Nothing is started for it.
	ended bool
	// hasLeft reports whether leftAt is set, for readers that must not wait for the lock.
	hasLeft atomic.Bool
}

// leave records when the object left the selector; a zero time records that it is in. It is called under the lock.
func (s *session) leave(at time.Time) {
	s.leftAt = at
	s.hasLeft.Store(!at.IsZero())
}

// verification is the verdict on a published chart, for one version of everything that the verdict depends on.
type verification struct {
	key      string
	at       time.Time
	accepted verify.Accepted
	outcomes []verify.Outcome
	layer    digest.Digest
	stale    bool
	file     error // why the file is not the right one, or cannot be read; nil if it is right
	// repository as it was read when the chart was published; empty if that is not stored.
	repository string
	// place of the archive in a classic repository; nil if it is not stored.
	place *chartrepo.Place
}

// published records the verdict by which a chart is published as its verification, for the reconciles that follow soon. It is called
// under the lock.
func (s *session) published(now local, a *attempt) {
	key := verificationKey(now.key, a.value.Chart, *a.value.Artifact)
	s.verified = verification{
		key: key, at: now.facts.Now, accepted: a.value.Accepted, outcomes: a.value.Outcomes, layer: a.layer, repository: a.proof.Repository, place: a.proof.Place,
	}
	s.acceptedBy = key
}

// acceptance records that the object's own policy accepted the published chart, for one version of everything that the verdict depends on.
type acceptance struct {
	key  string
	ends time.Time // when it ends by the clock; zero if it does not end
}

// since records when a published revision was first without a verdict, and when it was first held.
type since struct {
	revision         string
	unverified, held *metav1.Time
}

// saveSince saves the times of a decided status since which the published chart is without a verdict, or held. The status itself
// may never be written, if somebody edits the object all the time. For that reason a withdrawal does not change the saved times.
func (s *session) saveSince(status v1alpha1.VerifiedChartStatus) {
	if a := status.Artifact; a != nil {
		s.since = since{revision: a.Revision, unverified: status.UnverifiedSince, held: status.HeldSince}
	}
}

// restoreSince returns the object with the earlier of the times in its status and the saved times.
func (s *session) restoreSince(obj *v1alpha1.VerifiedChart) *v1alpha1.VerifiedChart {
	if a := obj.Status.Artifact; a == nil || a.Revision != s.since.revision {
		return obj
	}
	restored := obj.DeepCopy()
	restored.Status.UnverifiedSince = earlier(obj.Status.UnverifiedSince, s.since.unverified)
	restored.Status.HeldSince = earlier(obj.Status.HeldSince, s.since.held)
	return restored
}

func earlier(a, b *metav1.Time) *metav1.Time {
	if a == nil || (b != nil && b.Before(a)) {
		return b
	}
	return a
}

// verificationAge is how long a verdict is reused for the reconciles that one change causes. It is shorter than the default of the
// shortest interval.
const verificationAge = 9 * time.Second

// answer is the registry's answer about a published chart's signatures.
type answer struct {
	// chart is the chart that the answer is about, key the version of everything else that the answer depends on.
	chart    lifecycle.Chart
	key      string
	at       time.Time
	accepted verify.Accepted
	outcomes []verify.Outcome
	lost     bool
	scope    string // of the credentials that were used
}

// isAccepted reports whether every policy accepted the chart, by proof or by exception.
func (a answer) isAccepted() bool {
	_, accepted := a.accepted.Subject()
	return accepted
}

// answerAge is how long an answer of the registry about a published chart stays valid.
const answerAge = 30 * time.Second

// takeAttempt returns the attempt that is done, and takes it out of the session. It discards the attempt and returns nil if the
// attempt has another key, or if an acceptance in it has ended meanwhile.
func (s *session) takeAttempt(key string, now time.Time) *attempt {
	a := s.done
	s.done = nil
	if a != nil && (a.key != key || ended(a.value.Outcomes, now)) {
		a.discard()
		return nil
	}
	return a
}

// latest returns the newest version of the object that this process knows, which may be newer than the cache, and the object
// with the status that was decided last, even if that is not written yet. It is called under the lock.
func (s *session) latest(cached *v1alpha1.VerifiedChart) (stored, obj *v1alpha1.VerifiedChart) {
	if !s.knows(cached) {
		s.stored, s.status = cached, nil
	}
	if cached.ResourceVersion == s.stored.ResourceVersion {
		s.superseded = map[string]bool{}
	}
	return s.stored, s.current()
}

// peek returns the same object as latest, but changes nothing: the Guard may read an older version from the cache than the
// reconciler that writes. It is called under the lock.
func (s *session) peek(cached *v1alpha1.VerifiedChart) *v1alpha1.VerifiedChart {
	if !s.knows(cached) {
		return cached
	}
	return s.current()
}

// knows reports whether the cached object is not newer than the newest version that this process knows.
func (s *session) knows(cached *v1alpha1.VerifiedChart) bool {
	return s.stored != nil && (cached.ResourceVersion == s.stored.ResourceVersion || s.superseded[cached.ResourceVersion])
}

// current returns the stored object with the status that was decided last.
func (s *session) current() *v1alpha1.VerifiedChart {
	obj := s.stored.DeepCopy()
	if s.status != nil {
		obj.Status = *s.status.DeepCopy()
	}
	return obj
}

// decided keeps a decided status until it is written, or until the cache holds a newer object.
func (s *session) decided(status v1alpha1.VerifiedChartStatus) { s.status = status.DeepCopy() }

// wrote records the object that was written to the API server.
func (s *session) wrote(obj *v1alpha1.VerifiedChart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored != nil {
		s.superseded[s.stored.ResourceVersion] = true
	}
	s.stored, s.status = obj.DeepCopy(), nil
}

// end cancels running errands and discards the attempt that is done.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errand.cancel()
	s.question.cancel()
	s.done.discard()
	s.errand, s.question = nil, nil // their results are discarded
	s.done, s.answer, s.stored, s.status, s.ended = nil, nil, nil, nil, true
}

// sessions holds the sessions of all objects, by name. The zero value is empty.
type sessions struct {
	mu  sync.Mutex
	all map[types.NamespacedName]*session
}

// of returns the session of an object. If an object with another UID had the name, its session is ended.
func (all *sessions) of(obj *v1alpha1.VerifiedChart) *session {
	name := client.ObjectKeyFromObject(obj)
	all.mu.Lock()
	s := all.all[name]
	if s != nil && s.uid == obj.UID {
		all.mu.Unlock()
		return s
	}
	if all.all == nil {
		all.all = map[types.NamespacedName]*session{}
	}
	next := &session{uid: obj.UID}
	all.all[name] = next
	all.mu.Unlock()
	if s != nil {
		s.end()
	}
	return next
}

// find returns the session of a name, or nil.
func (all *sessions) find(name types.NamespacedName) *session {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.all[name]
}

// end ends the session of a name.
func (all *sessions) end(name types.NamespacedName) {
	all.mu.Lock()
	s := all.all[name]
	delete(all.all, name)
	all.mu.Unlock()
	if s != nil {
		s.end()
	}
}

// left returns the names of the objects that have left the selector. It waits for no session.
func (all *sessions) left() (names []types.NamespacedName) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for name, s := range all.all {
		if s.hasLeft.Load() {
			names = append(names, name)
		}
	}
	return names
}
