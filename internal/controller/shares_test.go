// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

var _ = Describe("The workers of the Guard", Label("deadline"), func() {
	var now time.Time
	var s *shares
	BeforeEach(func() {
		now = time.Now()
		s = newShares(8, func() time.Time { return now })
	})

	It("J5: are at most half occupied by slow objects of one namespace", func() {
		var ends []func()
		for range 4 {
			end := s.begin("slow")
			Expect(end).NotTo(BeNil())
			ends = append(ends, end)
		}
		now = now.Add(slowPass)
		Expect(s.begin("slow")).To(BeNil())
		Expect(s.begin("other")).NotTo(BeNil())
		ends[0]()
		Expect(s.begin("slow")).NotTo(BeNil())
	})

	It("may all be occupied by a namespace whose objects are quick", func() {
		for range 8 {
			Expect(s.begin("quick")).NotTo(BeNil())
		}
	})

	It("drop a namespace of which no object runs", func() {
		s.begin("a")()
		Expect(s.running).To(BeEmpty())
	})
})

var _ = Describe("A session", Label("registry"), func() {
	It("J5: does not block the list of objects that have left", func(ctx context.Context) {
		var all sessions
		name := types.NamespacedName{Namespace: "team", Name: "app"}
		s := &session{}
		all.all = map[types.NamespacedName]*session{name: s, {Namespace: "team", Name: "other"}: {}}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.leave(time.Now())
		Expect(all.left()).To(ConsistOf(name))
		s.leave(time.Time{})
		Expect(all.left()).To(BeEmpty())
	}, NodeTimeout(10*time.Second))

	const returned, dropped = true, false
	const inASecond, now, aSecondAgo = time.Second, time.Duration(0), -time.Second
	DescribeTable("returns no outdated attempt",
		func(key string, ends time.Duration, expected bool) {
			at := time.Now()
			s := &session{done: &attempt{key: "now", value: lifecycle.Attempt{Outcomes: []verify.Outcome{{Verdict: verify.VerdictAccepted, Ends: at.Add(ends)}}}}}
			Expect(s.takeAttempt(key, at) != nil).To(Equal(expected))
			Expect(s.done).To(BeNil())
		},
		Entry("but a current one", "now", inASecond, returned),
		Entry("with an earlier key", "before", inASecond, dropped),
		Entry("J9: with a proof that has ended since", "now", aSecondAgo, dropped),
		Entry("J9: with a proof that ends now", "now", now, dropped),
	)

	It("starts nothing for an object that is gone", func() {
		s := &session{}
		s.end()
		e := &errands{}
		e.send(nil, s, local{}, lifecycle.Ask{Reference: true, Signatures: true})
		Expect(s.errand).To(BeNil())
		Expect(s.question).To(BeNil())
	})

	const used, ignored = true, false
	DescribeTable("J18: does not use an answer about another chart",
		func(change func(*answer), expected bool) {
			now := time.Now()
			chart := lifecycle.Chart{Repository: "r/app", Digest: "sha256:1", Name: "app", Version: "1.0.0"}
			a := answer{chart: chart, key: "now", at: now, lost: true}
			change(&a)
			s := &session{answer: &a}
			p := &lifecycle.Published{Chart: chart}
			gatherer{now: func() time.Time { return now }}.addAnswer(p, "now", s)
			Expect(p.Questioned).To(Equal(expected))
			Expect(p.Lost).To(Equal(expected))
		},
		Entry("but an answer about its own", func(*answer) {}, used),
		Entry("of another digest", func(a *answer) { a.chart.Digest = "sha256:2" }, ignored),
		Entry("of another repository", func(a *answer) { a.chart.Repository = "r/other" }, ignored),
		Entry("of another version", func(a *answer) { a.chart.Version = "1.0.1" }, ignored),
		Entry("by other policies", func(a *answer) { a.key = "before" }, ignored),
		Entry("when it is too old", func(a *answer) { a.at = a.at.Add(-answerAge - time.Second) }, ignored),
	)
})

// These are the outcomes of isStale.
const stale, fresh = true, false

var _ = DescribeTable("Signature material has to be fetched again", Label("cache", "registry"),
	func(at func(now time.Time) time.Time, expected bool) {
		now := time.Now()
		Expect(isStale(at(now), now)).To(Equal(expected))
	},
	Entry("not when it is new", func(now time.Time) time.Time { return now.Add(-time.Minute) }, fresh),
	Entry("when it is old", func(now time.Time) time.Time { return now.Add(-MaterialAge - time.Second) }, stale),
	Entry("when its time is in the future, since a clock was wrong", func(now time.Time) time.Time { return now.Add(time.Hour) }, stale),
	Entry("not if it cannot change", func(time.Time) time.Time { return time.Time{} }, fresh),
)
