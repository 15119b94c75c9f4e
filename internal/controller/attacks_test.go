// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = DescribeTable("J5: Stored signature material that gives no verdict", Label("storage", "deadline"),
	func(why error, accepted bool, want verify.Verdict) {
		outcomes := []verify.Outcome{{Err: why}, {Verdict: verify.VerdictAccepted}}
		rejectUnproven(outcomes, accepted)
		Expect(outcomes[0].Verdict).To(Equal(want))
		Expect(errors.Is(outcomes[0].Err, verify.ErrRejected)).To(Equal(want == verify.VerdictRejected))
		Expect(outcomes[1].Verdict).To(Equal(verify.VerdictAccepted))
	},
	Entry("rejects if only answers of the registry are missing", registry.ErrNoAnswer, true, verify.VerdictRejected),
	Entry("rejects if time ran out and these policies never accepted it", fmt.Errorf("read: %w", context.DeadlineExceeded), false, verify.VerdictRejected),
	Entry("rejects if a policy that never accepted it panics", errors.New("policy could not be evaluated"), false, verify.VerdictRejected),
	Entry("keeps if time ran out after the same policies accepted it", context.DeadlineExceeded, true, verify.VerdictUndecided),
	Entry("keeps if a key cannot be read", fmt.Errorf("authority: %w", verify.ErrTrustUnavailable), false, verify.VerdictUndecided),
	Entry("keeps if a keyring is malformed", verify.ErrTrustMalformed, false, verify.VerdictUndecided),
	Entry("keeps if the process ends", context.Canceled, false, verify.VerdictUndecided),
)

var _ = Describe("J8: A session that saves since when there is no verdict", Label("deadline"), func() {
	early, late := metav1.NewTime(time.Unix(1000, 0)), metav1.NewTime(time.Unix(2000, 0))
	published := func(revision string, since *metav1.Time) *v1alpha1.VerifiedChart {
		obj := &v1alpha1.VerifiedChart{}
		obj.Status.Artifact, obj.Status.UnverifiedSince, obj.Status.HeldSince = &meta.Artifact{Revision: revision}, since, since
		return obj
	}
	It("keeps the time after a withdrawal whose status was never written, until the next publication", func() {
		s := &session{}
		s.saveSince(published("1", &early).Status)
		s.saveSince((&v1alpha1.VerifiedChart{}).Status)
		Expect(s.restoreSince(published("1", nil)).Status.UnverifiedSince).To(Equal(&early))
		s.saveSince(published("1", nil).Status)
		Expect(s.restoreSince(published("1", nil)).Status.UnverifiedSince).To(BeNil())
	})

	DescribeTable("restores",
		func(saved, stored *v1alpha1.VerifiedChart, want *metav1.Time) {
			s := &session{}
			s.saveSince(saved.Status)
			before := stored.DeepCopy()
			got := s.restoreSince(stored)
			Expect(got.Status.UnverifiedSince).To(Equal(want))
			Expect(got.Status.HeldSince).To(Equal(want))
			Expect(stored).To(Equal(before), "the cached object is unchanged")
		},
		Entry("the time that was never written", published("1", &early), published("1", nil), &early),
		Entry("the earlier time", published("1", &early), published("1", &late), &early),
		Entry("the stored time, if that is earlier", published("1", &late), published("1", &early), &early),
		Entry("nothing of another revision", published("1", &early), published("2", nil), nil),
		Entry("nothing, once there was a verdict", published("1", nil), published("1", nil), nil),
		Entry("nothing, if no chart is published", published("1", &early), &v1alpha1.VerifiedChart{}, nil),
	)
})

var _ = Describe("A registry", Label("registry"), func() {
	var p *process
	BeforeEach(func() {
		p = newProcess()
		p.run()
	})

	It("B13: cannot move a range backwards while something else in the spec is edited", func() {
		p.push("1.0.0", p.ours)
		d := p.push("1.1.0", p.ours)
		p.declare(byRange("*"))
		p.ready(d.Digest)
		p.repo.DeleteTag("1.1.0")
		p.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Interval = metav1.Duration{Duration: 30 * time.Minute} })
		obj := p.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.DowngradeRefusedReason)
		Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		p.edit(byRange("<1.1.0"))
		p.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.Artifact.Revision).To(HavePrefix("1.0.0@"))
		})
	})

	It("J1: withdraws, before the stored material is too old, a chart whose signature it no longer has, even if the reference names another chart", func() {
		d := p.push("1.0.0", p.ours)
		p.declare(byRange("*"))
		p.ready(d.Digest)
		p.push("1.1.0")
		p.reconcile()
		Expect(p.get().Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		p.repo.DeleteTag(verifytest.SignatureTag(d.Digest))
		p.ahead.Store(int64(MaterialAge + time.Minute))
		p.reconcile()
		p.withdrawn()
	})

	// hides makes the registry answer requests for signatures with a status.
	hides := func(status int) {
		p.registry.Break(func(rw http.ResponseWriter, r *http.Request) bool {
			hidden := strings.Contains(r.URL.Path, "/referrers/") || strings.Contains(r.URL.Path, "/manifests/sha256-")
			if hidden {
				rw.WriteHeader(status)
			}
			return hidden
		})
	}

	DescribeTable("A23: does not end a proof in stored material that is too old, if it only refuses to show signatures",
		func(status int, reference string) {
			d := p.push("1.0.0", p.ours)
			p.declare(byRange(reference))
			p.ready(d.Digest)
			p.push("1.1.0")
			hides(status)
			p.ahead.Store(int64(MaterialAge + time.Minute))
			obj := p.reconcile()
			name := client.ObjectKeyFromObject(obj)
			Eventually(func() bool {
				s := p.controller.sessions.find(name)
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.question == nil && s.answer != nil && s.errand == nil && s.done == nil
			}).WithTimeout(patience).Should(BeTrue(), "the registry has answered")
			obj = p.reconcile()
			Expect(obj.Status.Artifact).NotTo(BeNil())
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
			Expect(serves(p.controller, obj.Status.Artifact.Path)).To(BeTrue())
		},
		Entry("by 403, for the requested chart", http.StatusForbidden, "1.0.0"),
		Entry("by 401, for the requested chart", http.StatusUnauthorized, "1.0.0"),
		Entry("by 403, while the reference names another chart", http.StatusForbidden, "*"),
	)

	DescribeTable("A23: does not keep a chart by refusing to show signatures, if its key is gone",
		func(status int) {
			d := p.push("1.0.0", p.ours)
			p.declare()
			p.ready(d.Digest)
			hides(status)
			p.setKeys(p.theirs)
			p.withdrawn()
		},
		Entry("by 403", http.StatusForbidden),
		Entry("by 401", http.StatusUnauthorized),
	)
})

var _ = Describe("An object that is deleted while its chart is fetched", Label("storage"), func() {
	It("J15: leaves no staged file", func() {
		p := newProcess()
		p.run()
		begun, finish := make(chan struct{}, 10), make(chan struct{})
		p.registry.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/blobs/") {
				select {
				case begun <- struct{}{}:
				default:
				}
				select {
				case <-finish:
				case <-r.Context().Done():
				}
			}
			return false
		})
		p.push("1.0.0", p.ours)
		obj := p.declare()
		Eventually(begun).WithTimeout(patience).Should(Receive())
		Expect(p.client.Delete(p.ctx, obj)).To(Succeed())
		Eventually(func() *session { return p.controller.sessions.find(client.ObjectKeyFromObject(obj)) }).WithTimeout(patience).Should(BeNil())
		close(finish)
		Eventually(func() ([]string, error) { return filepath.Glob(filepath.Join(p.storage, ".staging", "*", "*")) }).WithTimeout(patience).ShouldNot(ContainElement(Not(HaveSuffix("lock"))))
	})
})
