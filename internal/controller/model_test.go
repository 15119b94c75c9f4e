// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/server"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// none stands for no chart.
const none = -1

// model is the state of a world, from which the charts that may be served follow.
type model struct {
	*world
	seed      uint64
	random    *rand.Rand
	charts    []ocispec.Descriptor
	manifests [][]byte
	signers   []verifytest.Signer

	controller *VerifiedChartReconciler // with its memory
	stop       func()                   // stops the controller
	ahead      atomic.Int64             // how far its clock is ahead

	tag     int            // the chart that the tag names
	signed  []map[int]bool // by chart: its signers
	was     []map[int]bool // by chart: its signers at any time since the memory was emptied
	trusted map[int]bool   // the signers whose keys are in the Secret
	down    bool           // the registry is down

	revoked map[int]bool // charts
	audit   bool         // unproven charts are published
	hold    bool         // a chart that is no longer trusted stays served
	exempt  int          // the chart that need not be proven, or none

	published int    // the chart that is served, or none
	excepted  bool   // it was published by an exception, not by proof
	held      bool   // the last verification did not trust it
	provenBy  string // the signers that the status names
	wiped     bool   // the disk was wiped, and the registry has been down since then
	steps     []string
}

func newModel(seed uint64) *model {
	m := &model{
		world: newWorld(context.Background()), seed: seed, random: rand.New(rand.NewPCG(seed, 0)),
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

// proven reports whether a chart is proven by some signatures with the current keys.
func (m *model) proven(chart int, signed []map[int]bool) bool {
	return slices.ContainsFunc([]int{0, 1}, func(i int) bool { return signed[chart][i] && m.trusted[i] })
}

// isExcepted reports whether a rule lets an unproven chart be published.
func (m *model) isExcepted(chart int) bool { return m.audit || m.exempt == chart }

// accepted reports whether a chart with some signatures may be published by the current
// rules. A revoked chart may never be published.
func (m *model) accepted(chart int, signed []map[int]bool) bool {
	return chart != none && !m.revoked[chart] && (m.proven(chart, signed) || m.isExcepted(chart))
}

// lost reports whether the published chart is rejected without asking the registry: it is revoked, or it was served only by an
// exception or a Hold that has ended.
func (m *model) lost() bool {
	return m.published != none && (m.revoked[m.published] || m.held || m.excepted && !m.isExcepted(m.published))
}

// proofStands reports whether the published chart is proven by a key that is still trusted. The proof is stored beside the chart.
func (m *model) proofStands() bool {
	if m.published == none || m.excepted || m.held || m.revoked[m.published] {
		return false
	}
	return slices.ContainsFunc([]int{0, 1}, func(i int) bool { return m.trusted[i] && strings.Contains(m.provenBy, keyID(m.signers[i])) })
}

// keyID returns the name of a signer's key in a status.
func keyID(s verifytest.Signer) string {
	block, _ := pem.Decode(s.Public)
	return fmt.Sprintf("SHA256:%x", sha256.Sum256(block.Bytes))
}

// allowed returns the charts that may be published now. The result does not depend on whether the controller has just been
// started.
func (m *model) allowed() (may []int) {
	for _, chart := range []int{m.tag, m.published} { // the tag comes first
		if m.accepted(chart, m.was) { // removed signatures are cached for a while
			may = append(may, chart)
		}
		if !m.down && m.accepted(chart, m.signed) {
			return may
		}
	}
	switch {
	case m.hold && !m.wiped && !m.revoked[m.published]:
		return append(may, m.published)
	case m.down && m.proofStands(): // an outage withdraws nothing
		return append(may, m.published)
	case m.down && !m.lost(): // its stored signatures may be lost, or made with another key
		return append(may, m.published, none)
	}
	return append(may, none)
}

// check waits until the served chart is one of the allowed charts.
func (m *model) check() {
	GinkgoHelper()
	m.reconcile()
	allowed := m.allowed()
	var obj *v1alpha1.VerifiedChart
	Eventually(func(g Gomega) { // everything at one moment
		obj = m.get()
		g.Expect(m.served(obj)).To(BeElementOf(allowed))
		g.Expect(lifecycle.SameArtifact(m.externalArtifact(), obj.Status.Artifact)).To(BeTrue())
		if !m.wiped { // without its file the path answers 503 until the registry is back
			g.Expect(m.servesAny()).To(Equal(m.served(obj) != none))
		}
	}).WithTimeout(patience).WithPolling(20*time.Millisecond).Should(Succeed(), "seed %d, after %q", m.seed, m.steps)
	m.published, m.held = m.served(obj), obj.Status.HeldSince != nil
	m.wiped = m.wiped && m.down && m.published != none
	switch {
	case m.wiped:
	case m.published != none:
		Expect(digest.FromBytes(artifactBytesIn(m.storage, obj)).String()).To(Equal(obj.Status.Artifact.Digest))
		m.checkException(obj)
	case !m.down: // a file may be there whose chart never came into the status
		Expect(m.files()).To(BeEmpty())
	}
}

// checkException checks that the status reports whether the served chart is proven, if the
// registry answers and no cached answer differs.
func (m *model) checkException(obj *v1alpha1.VerifiedChart) {
	GinkgoHelper()
	m.excepted, m.provenBy = len(obj.Status.Verification.Exceptions) > 0, obj.Status.Verification.Signers
	if m.down || !m.accepted(m.published, m.signed) {
		return
	}
	if now := m.proven(m.published, m.signed); now == m.proven(m.published, m.was) {
		Expect(m.excepted).To(Equal(!now), "seed %d, after %q", m.seed, m.steps)
	}
}

// servesAny reports whether the controller serves any chart of the object.
func (m *model) servesAny() bool {
	_, _, _, ok := m.controller.Paths.Current(m.namespace, "app")
	return ok
}

// served returns which chart is served, or none.
func (m *model) served(obj *v1alpha1.VerifiedChart) int {
	if obj.Status.Artifact == nil {
		return none
	}
	return slices.IndexFunc(m.charts, func(d ocispec.Descriptor) bool { return d.Digest.String() == obj.Status.Verification.Digest })
}

// After any sequence of steps the served chart is proven by the current rules, or held by
// one of them, or cannot be verified; and a proven chart is served.
var _ = DescribeTable("After any sequence of steps, exactly the proven chart is served", Label("policy", "restart"),
	func(seed uint64) {
		m := newModel(seed)
		GinkgoWriter.Printf("seed %d\n", seed)
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

var _ = It("A file whose artifact never came into the status is not served once its chart is refused", Label("serving"), func() {
	w := newWorld(context.Background())
	folder := filepath.Join(storageDir, "verifiedchart", w.namespace, "app")
	Expect(os.MkdirAll(folder, 0o700)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(folder, "left.tgz"), []byte("left"), 0o600)).To(Succeed())
	left := &meta.Artifact{Path: "verifiedchart/" + w.namespace + "/app/left.tgz"}
	reconciler.Paths.Allow(server.Owner{Namespace: w.namespace, Name: "app", UID: "0"}, left.Path, digest.FromString("left"))
	w.push("1.0.0")
	w.declare()
	w.rejected()
	Expect(w.files()).To(BeEmpty())
	Expect(serves(reconciler, left.Path)).To(BeFalse())
})
