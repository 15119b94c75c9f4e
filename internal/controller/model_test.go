// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// none is the chart that is served where none is.
const none = -1

// model is what is so in a world, and what therefore may be served.
type model struct {
	*world
	random    *rand.Rand
	charts    []ocispec.Descriptor
	manifests [][]byte
	signers   []verifytest.Signer

	controller *VerifiedChartReconciler // with what it keeps in memory
	stop       func()                   // ends it
	ahead      atomic.Int64             // by how much its clock is
	asked      chan bool                // whether anything was served when the registry was first asked

	tag     int            // the chart that the tag names
	signed  []map[int]bool // by chart: who has signed it
	was     []map[int]bool // by chart: who had, at any time since the memory was emptied
	trusted map[int]bool   // whose keys are in the Secret
	down    bool           // the registry

	revoked map[int]bool // charts
	audit   bool         // what is not proven is published
	hold    bool         // what is not trusted any more is served
	exempt  int          // the chart that need not be proven, or none

	published int  // the chart that is served, or none
	excepted  bool // it was published by a rule, and not by proof
	held      bool // it was not trusted when it was judged last
	steps     []string
}

func newModel(seed uint64) *model {
	m := &model{
		world: newWorld(context.Background()), random: rand.New(rand.NewPCG(seed, 0)),
		signers: []verifytest.Signer{verifytest.P256(), verifytest.P256()}, trusted: map[int]bool{0: true}, revoked: map[int]bool{},
		exempt: none, published: none,
	}
	m.labels, m.storage = map[string]string{apart: "model"}, GinkgoT().TempDir()
	for i := range 3 {
		m.charts = append(m.charts, m.pushWith("1.0.0", "chart: "+strconv.Itoa(i)+"\n"))
		m.manifests = append(m.manifests, m.manifest(m.charts[i]))
		m.signed, m.was = append(m.signed, map[int]bool{}), append(m.was, map[int]bool{})
	}
	m.tag = len(m.charts) - 1
	m.setTrusted()
	m.declare(m.setRules)
	m.start()
	DeferCleanup(func() { m.stop() })
	return m
}

// proven says whether a chart is proven by today's keys, going by some signatures.
func (m *model) proven(chart int, signed []map[int]bool) bool {
	return slices.ContainsFunc([]int{0, 1}, func(i int) bool { return signed[chart][i] && m.trusted[i] })
}

// isExcepted says whether a rule lets a chart be published that is not proven.
func (m *model) isExcepted(chart int) bool { return m.audit || m.exempt == chart }

// accepted says whether a chart may be published by today's rules, going by some
// signatures. Nothing helps what is revoked.
func (m *model) accepted(chart int, signed []map[int]bool) bool {
	return chart != none && !m.revoked[chart] && (m.proven(chart, signed) || m.isExcepted(chart))
}

// lost says whether what is published is known not to be trusted any more, without
// asking the registry: it is revoked, or only a rule let it be published or held it, which is no more.
func (m *model) lost() bool {
	return m.published != none && (m.revoked[m.published] || m.held || m.excepted && !m.isExcepted(m.published))
}

// allowed returns the charts that may be served now. A controller that was started
// anew is allowed what the one before was: what is so does not hang on who asks.
func (m *model) allowed() (may []int) {
	for _, chart := range []int{m.tag, m.published} { // what the tag names goes first
		if m.accepted(chart, m.was) { // what was unsigned is remembered for a while
			may = append(may, chart)
		}
		if !m.down && m.accepted(chart, m.signed) {
			return may
		}
	}
	switch {
	case m.hold && !m.revoked[m.published]:
		return append(may, m.published)
	case m.down && !m.lost(): // nothing can be found out
		return append(may, m.published)
	}
	return append(may, none)
}

// check waits until what is served is what may be.
func (m *model) check() {
	GinkgoHelper()
	m.reconcile()
	allowed := m.allowed()
	obj := m.settle(func(g Gomega, now *v1alpha1.VerifiedChart) {
		g.Expect(m.served(now)).To(BeElementOf(allowed), "after %q", m.steps)
	})
	m.published, m.held = m.served(obj), obj.Status.HeldSince != nil
	Eventually(func() bool { return sameArtifact(m.announced(), obj.Status.Artifact) }).WithTimeout(patience).Should(BeTrue(), "after %q", m.steps)
	Expect(m.controller.Served.Admits(m.path())).To(Equal(m.published != none), "after %q", m.steps)
	switch {
	case m.published != none:
		Expect(digest.FromBytes(artifactBytesIn(m.storage, obj)).String()).To(Equal(obj.Status.Artifact.Digest))
		m.checkException(obj)
	case !m.down: // what was proven before may not have come into the status
		Expect(m.files()).To(BeEmpty())
	}
}

// checkException checks that the status says whether what is served is proven, where
// that can be found out and is not remembered otherwise.
func (m *model) checkException(obj *v1alpha1.VerifiedChart) {
	GinkgoHelper()
	m.excepted = len(obj.Status.Verification.Exceptions) > 0
	if m.down || !m.accepted(m.published, m.signed) {
		return
	}
	if now := m.proven(m.published, m.signed); now == m.proven(m.published, m.was) {
		Expect(m.excepted).To(Equal(!now), "after %q", m.steps)
	}
}

// path is where what is served is asked for. The files of one object are in one folder.
func (m *model) path() string { return "/verifiedchart/" + m.namespace + "/app/chart.tgz" }

// served returns which chart is served, or none.
func (m *model) served(obj *v1alpha1.VerifiedChart) int {
	if obj.Status.Artifact == nil {
		return none
	}
	return slices.IndexFunc(m.charts, func(d ocispec.Descriptor) bool { return d.Digest.String() == obj.Status.Verification.Digest })
}

// What is served is proven by today's rules, or held by one of them, or cannot be
// found out about; and what is proven is served, whatever happened before.
var _ = DescribeTable("Whatever happens, what is served is what is proven",
	func(seed uint64) {
		m := newModel(seed)
		for range 40 {
			m.step()
			m.check()
		}
	},
	Entry("in a first world", uint64(1)),
	Entry("in a second world", uint64(2)),
	Entry("in a third world", uint64(3)),
	Entry("in a fourth world", uint64(4)),
	Entry("in a world that is different each time", uint64(time.Now().UnixNano())),
)

var _ = It("A file whose artifact never came into the status is not served once its chart is refused", func() {
	w := newWorld(context.Background())
	folder := filepath.Join(storageDir, "verifiedchart", w.namespace, "app")
	Expect(os.MkdirAll(folder, 0o700)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(folder, "left.tgz"), []byte("left"), 0o600)).To(Succeed())
	left := &meta.Artifact{Path: "verifiedchart/" + w.namespace + "/app/left.tgz"}
	reconciler.Served.Admit(left)
	w.push("1.0.0")
	w.declare()
	w.rejected()
	Expect(w.files()).To(BeEmpty())
	Expect(reconciler.Served.Admits("/" + left.Path)).To(BeFalse())
})
