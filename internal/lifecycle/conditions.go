// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// maxMessage bounds the message of a condition and of an event, maxReady the message of Ready, in bytes.
const maxMessage, maxReady = 4096, 256

// abnormal lists the conditions that are True while something is wrong or in progress.
var abnormal = []string{
	v1alpha1.StorageOperationFailedCondition, v1alpha1.FetchFailedCondition, v1alpha1.BuildFailedCondition,
	meta.StalledCondition, meta.ReconcilingCondition,
}

// setConditions writes the report into the conditions. It keeps conditions that the report does not concern.
func setConditions(s *v1alpha1.VerifiedChartStatus, f Facts, r decided) {
	c := conditions{list: slices.Clone(s.Conditions), now: f.Now, generation: f.Object.Generation}
	defer func() { s.Conditions = c.list }()
	switch {
	case s.Artifact != nil && r.report.silent:
	case s.Artifact != nil:
		c.set(v1alpha1.ArtifactInStorageCondition, metav1.ConditionTrue, meta.SucceededReason, "stored artifact of revision "+s.Artifact.Revision)
	default:
		c.remove(v1alpha1.ArtifactInStorageCondition)
	}
	if r.report.silent {
		c.clearProof(s, r.report)
		if f.Object.Spec.Suspend {
			c.setSuspended(*s)
			s.ObservedGeneration = f.Object.Generation
		}
		return
	}
	for _, t := range abnormal {
		c.remove(t)
	}
	c.setVerified(s, r.report)
	message := readyMessage(f, r, *s)
	if r.report.reason == "" {
		c.set(meta.ReadyCondition, metav1.ConditionTrue, meta.SucceededReason, message)
		s.ObservedGeneration = f.Object.Generation
		return
	}
	c.setFailure(r.report, message)
	if r.report.stalled || r.report.settled {
		s.ObservedGeneration = f.Object.Generation
	}
}

// setSuspended adds to the message of Ready that the object is suspended. The status of Ready stays as it was, unless Ready is new
// or was set for a suspension or progress.
func (c *conditions) setSuspended(s v1alpha1.VerifiedChartStatus) {
	serving := ServingClause(s)
	if serving == "" {
		serving = "nothing is published"
	}
	message := suspended + serving
	switch ready := find(c.list, meta.ReadyCondition); {
	case ready == nil, ready.Reason == v1alpha1.SuspendedReason, ready.Reason == meta.ProgressingReason:
		c.remove(meta.ReconcilingCondition)
		c.set(meta.ReadyCondition, metav1.ConditionFalse, v1alpha1.SuspendedReason, message)
	case ready.Status == metav1.ConditionTrue:
		c.set(meta.ReadyCondition, metav1.ConditionTrue, ready.Reason, message)
	case !strings.HasPrefix(ready.Message, suspended):
		was := ready.Message
		for i := range c.list {
			if each := &c.list[i]; each.Message == was {
				each.Message = printable.String(suspended+was, maxMessage)
			}
		}
	}
	for i := range c.list {
		c.list[i].ObservedGeneration = c.generation
	}
}

// setFailure sets the conditions of a failure. Ready and the condition of the failure have the same message, as the checks
// of Flux require. The details and the fix appear once: in SourceVerified, or else in Stalled or Reconciling.
func (c *conditions) setFailure(r report, message string) {
	if r.condition != "" {
		c.set(r.condition, metav1.ConditionTrue, r.reason, message)
	}
	progress := meta.ReconcilingCondition
	if r.stalled {
		progress = meta.StalledCondition
	}
	details := r.message
	if r.verified != "" && r.verified != metav1.ConditionTrue {
		details = message
	}
	c.set(progress, metav1.ConditionTrue, r.reason, details)
	c.set(meta.ReadyCondition, metav1.ConditionFalse, r.reason, message)
}

// conditions changes a list of conditions at one moment.
type conditions struct {
	list       []metav1.Condition
	now        time.Time
	generation int64
}

// find returns the condition of a type, or nil.
func find(list []metav1.Condition, conditionType string) *metav1.Condition {
	for i := range list {
		if list[i].Type == conditionType {
			return &list[i]
		}
	}
	return nil
}

// set adds or replaces a condition. Its transition time changes only if its status, reason or message changes, as in Flux.
func (c *conditions) set(conditionType string, status metav1.ConditionStatus, reason, message string) {
	next := metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: printable.String(message, maxMessage),
		ObservedGeneration: c.generation, LastTransitionTime: *timestamp(c.now),
	}
	if was := find(c.list, conditionType); was != nil {
		if was.Status == next.Status && was.Reason == next.Reason && was.Message == next.Message {
			next.LastTransitionTime = was.LastTransitionTime
		}
		*was = next
		return
	}
	c.list = append(c.list, next)
	slices.SortFunc(c.list, func(a, b metav1.Condition) int {
		switch {
		case a.Type == meta.ReadyCondition:
			return -1
		case b.Type == meta.ReadyCondition:
			return 1
		}
		return strings.Compare(a.Type, b.Type)
	})
}

func (c *conditions) remove(conditionType string) {
	c.list = slices.DeleteFunc(c.list, func(each metav1.Condition) bool { return each.Type == conditionType })
}

// setVerified sets SourceVerified. If the report has no value for it, SourceVerified stays, unless it is about a
// chart that is no longer published, or the report is stalled.
func (c *conditions) setVerified(s *v1alpha1.VerifiedChartStatus, r report) {
	switch {
	case r.verified != "":
		c.set(v1alpha1.SourceVerifiedCondition, r.verified, r.verifiedReason, r.verifiedMessage)
	case r.stalled:
		c.remove(v1alpha1.SourceVerifiedCondition)
	default:
		c.clearProof(s, r)
	}
}

// clearProof sets SourceVerified=Unknown if it is True for a chart that is no longer published.
func (c *conditions) clearProof(s *v1alpha1.VerifiedChartStatus, r report) {
	was := find(c.list, v1alpha1.SourceVerifiedCondition)
	if s.Artifact == nil && was != nil && was.Status == metav1.ConditionTrue {
		message := r.message
		if message == "" {
			message = "nothing is published"
		}
		c.set(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason, message)
	}
}
