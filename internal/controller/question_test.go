// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// asked is an answer about a published chart, and the last resolution of the reference.
type asked struct {
	published  published
	resolution resolution
	answer     answer
}

func newAsked() *asked {
	now := time.Now()
	obj := &v1alpha1.VerifiedChart{Spec: v1alpha1.VerifiedChartSpec{URL: "oci://ghcr.io/org/app", Ref: v1alpha1.ChartRef{Tag: "1.0.0"}}}
	chart := lifecycle.Chart{Repository: "ghcr.io/org/app", Digest: "sha256:1", Name: "app", Version: "1.0.0"}
	return &asked{
		published: published{obj: obj, chart: chart, now: local{
			facts: lifecycle.Facts{Interval: time.Hour}, requestedPolicies: policy.NewSet(time.Now, policy.Revoked{}, policy.Policy{Name: "company"}),
		}},
		resolution: resolution{key: resolutionKey(obj, "pull"), at: now.Add(-time.Minute), tag: "1.0.0", digest: chart.Digest},
		answer: answer{chart: chart, at: now, scope: "pull", key: "now", outcomes: []verify.Outcome{
			{Policy: "company", Verdict: verify.VerdictRejected, Err: &verify.Rejection{}},
		}},
	}
}

var _ = Describe("An answer that rejects the published chart", Label("registry"), func() {
	const requested, notRequested = true, false
	DescribeTable("replaces an attempt",
		func(change func(*asked), expected bool) {
			a := newAsked()
			change(a)
			Expect(a.published.isRequested(a.resolution, a.answer)).To(Equal(expected))
		},
		Entry("if the reference named that chart a moment ago", func(*asked) {}, requested),
		Entry("if it spells the repository in another way", func(a *asked) { a.published.obj.Spec.URL = "oci://GHCR.io:443/org/app" }, requested),
		Entry("not if it named another digest", func(a *asked) { a.resolution.digest = "sha256:2" }, notRequested),
		Entry("not if the reference was never resolved", func(a *asked) { a.resolution = resolution{} }, notRequested),
		Entry("not if the resolution is no longer fresh", func(a *asked) { a.resolution.at = a.answer.at.Add(-time.Hour / 2) }, notRequested),
		Entry("not if it was resolved with other credentials", func(a *asked) { a.answer.scope = "other" }, notRequested),
		Entry("not if the spec was edited since", func(a *asked) { a.published.obj.Generation++ }, notRequested),
		Entry("not if a reconcile was requested since", func(a *asked) {
			a.published.obj.Annotations = map[string]string{"reconcile.fluxcd.io/requestedAt": "now"}
		}, notRequested),
		Entry("not if it names another repository", func(a *asked) { a.published.obj.Spec.URL = "oci://ghcr.io/org/other" }, notRequested),
		Entry("not if its URL is malformed", func(a *asked) { a.published.obj.Spec.URL = "oci://" }, notRequested),
		Entry("not if the tag names another version", func(a *asked) { a.resolution.tag = "1.0.1" }, notRequested),
		Entry("not if the chart must have another name", func(a *asked) { a.published.obj.Spec.ChartName = "other" }, notRequested),
		Entry("not if other policies verified it", func(a *asked) { a.answer.outcomes[0].Policy = "other" }, notRequested),
		Entry("not if there is no verdict", func(a *asked) {
			a.answer.outcomes[0] = verify.Outcome{Policy: "company", Verdict: verify.VerdictUndecided, Err: errors.New("the registry is away")}
		}, notRequested),
		Entry("not if the object is suspended: then the reference is not resolved", func(a *asked) { a.published.obj.Spec.Suspend = true }, notRequested),
	)

	It("refuses the chart as an attempt does", func() {
		a := newAsked()
		got := a.published.attempt(a.resolution, a.answer)
		Expect(got.key).To(Equal("now"))
		Expect(got.value.Chart).To(Equal(a.published.chart))
		Expect(got.value.Tag).To(Equal("1.0.0"))
		Expect(got.value.Failure.Reason).To(Equal(v1alpha1.VerificationErrorReason))
		Expect(got.staged).To(BeNil())
	})
})
