// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// errUnverified is matched by the error for an artifact that was withdrawn since it could not be judged.
var errUnverified = errors.New("the published revision is withdrawn: it could not be verified")

// age ends the publication of what could not be judged for longer than a policy
// allows, and says in the findings when something changes by the clock alone.
func (r *VerifiedChartReconciler) age(obj *v1alpha1.VerifiedChart, in inputs, found findings, err error) (findings, error) {
	found.due = sooner(found.due, verify.Until(err))
	setHeld(obj, found.judged, errors.Is(err, errHeld))
	for _, x := range found.accepted.Evidence().Exceptions {
		found.due = sooner(found.due, verify.Until(x.Verdict))
	}
	found.due = sooner(found.due, endOfException(obj))
	if obj.Status.Artifact == nil || found.judged {
		obj.Status.UnverifiedSince = nil
		return found, err
	}
	if obj.Status.UnverifiedSince == nil {
		now := metav1.Now().Rfc3339Copy()
		obj.Status.UnverifiedSince = &now
	}
	longest, ok := in.policies.MaxUnverifiedAge()
	if !ok {
		return found, err
	}
	if end := obj.Status.UnverifiedSince.Add(longest); time.Now().Before(end) {
		found.due = sooner(found.due, end)
		return found, err
	}
	since := obj.Status.UnverifiedSince.UTC().Format(time.RFC3339)
	return found, errors.Join(err, fmt.Errorf("%w since %s, and maxUnverifiedAge is %s", errUnverified, since, longest), r.withdraw(obj))
}

// setHeld says in the status since when the published artifact is held. Where there
// was no verdict it is held if it was.
func setHeld(obj *v1alpha1.VerifiedChart, judged, held bool) {
	switch {
	case obj.Status.Artifact == nil, judged && !held:
		obj.Status.HeldSince = nil
	case held && obj.Status.HeldSince == nil:
		now := metav1.Now().Rfc3339Copy()
		obj.Status.HeldSince = &now
	}
}

// endOfException is when the first rule ends by which something is published; zero for
// none, or where it has ended.
func endOfException(obj *v1alpha1.VerifiedChart) (end time.Time) {
	if obj.Status.Verification == nil {
		return end
	}
	for _, x := range obj.Status.Verification.Exceptions {
		if x.Until != nil && time.Now().Before(x.Until.Time) {
			end = sooner(end, x.Until.Time)
		}
	}
	return end
}

// sooner returns the earlier of two moments, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
