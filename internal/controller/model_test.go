package controller

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

// skew is how far the clock is ahead by which the memory of the suite's reconciler forgets.
var skew atomic.Int64

func skewedNow() time.Time { return time.Now().Add(time.Duration(skew.Load())) }

// model is what is so in a world, and what therefore may be served.
type model struct {
	*world
	random    *rand.Rand
	charts    []ocispec.Descriptor
	manifests [][]byte
	signers   []verifytest.Signer

	tag       int            // the chart that the tag names
	signed    []map[int]bool // by chart: who has signed it
	was       []map[int]bool // by chart: who had, at any time since the memory was emptied
	trusted   map[int]bool   // whose keys are in the Secret
	revoked   map[int]bool   // charts
	down      bool           // the registry
	published int            // the chart that is served; -1 for none
	steps     []string
}

func newModel(seed uint64) *model {
	m := &model{
		world: newWorld(context.Background()), random: rand.New(rand.NewPCG(seed, 0)),
		signers: []verifytest.Signer{verifytest.P256(), verifytest.P256()}, trusted: map[int]bool{0: true}, revoked: map[int]bool{}, published: -1,
	}
	for i := range 3 {
		m.charts = append(m.charts, m.pushWith("1.0.0", fmt.Sprintf("chart: %d\n", i)))
		m.manifests = append(m.manifests, m.manifest(m.charts[i]))
		m.signed, m.was = append(m.signed, map[int]bool{}), append(m.was, map[int]bool{})
	}
	m.tag = len(m.charts) - 1
	m.setTrusted()
	m.declare(rules(func(r *v1alpha1.Rules) { r.VersionMutation = v1alpha1.VersionMutationAllow }))
	return m
}

func (m *model) setTrusted() {
	var keys []verifytest.Signer
	for i := range m.signers {
		if m.trusted[i] {
			keys = append(keys, m.signers[i])
		}
	}
	m.setKeys(keys...)
}

// step does something at random.
func (m *model) step() {
	chart, signer := m.random.IntN(len(m.charts)), m.random.IntN(len(m.signers))
	all := []func() string{
		func() string { // sign
			m.signed[chart][signer], m.was[chart][signer] = true, true
			m.rewriteSignatures(chart)
			return fmt.Sprintf("%d signs %d", signer, chart)
		},
		func() string { // unsign
			if m.signed[chart][signer] {
				delete(m.signed[chart], signer)
				m.rewriteSignatures(chart)
			}
			return fmt.Sprintf("%d unsigns %d", signer, chart)
		},
		func() string { // rotate: one key is always there
			m.trusted[signer] = true
			if other := 1 - signer; m.random.IntN(2) == 0 {
				delete(m.trusted, other)
			}
			m.setTrusted()
			return fmt.Sprintf("trust is in %v", m.trusted)
		},
		func() string { // revoke, or not
			if m.revoked[chart] = !m.revoked[chart]; !m.revoked[chart] {
				delete(m.revoked, chart)
			}
			var digests []string
			for i := range m.charts {
				if m.revoked[i] {
					digests = append(digests, m.charts[i].Digest.String())
				}
			}
			m.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &v1alpha1.Revocations{Digests: digests} }))
			return fmt.Sprintf("revoked are %v", m.revoked)
		},
		func() string { // move the tag
			m.tag = chart
			m.registry.PushManifest(m.repo.Name, "1.0.0", m.charts[chart].MediaType, m.manifests[chart])
			return fmt.Sprintf("the tag names %d", chart)
		},
		func() string { // the registry goes, or comes back
			if m.down = !m.down; m.down {
				m.unreachable()
			} else {
				m.registry.Break(nil)
			}
			return fmt.Sprintf("the registry is down: %v", m.down)
		},
		func() string { // the clock goes forward
			skew.Add(int64(2 * time.Hour))
			for i := range m.was {
				m.was[i] = map[int]bool{}
				for s := range m.signed[i] {
					m.was[i][s] = true
				}
			}
			return "two hours pass"
		},
	}
	m.steps = append(m.steps, all[m.random.IntN(len(all))]())
}

func (m *model) rewriteSignatures(chart int) {
	var signers []verifytest.Signer
	for i := range m.signers {
		if m.signed[chart][i] {
			signers = append(signers, m.signers[i])
		}
	}
	d := m.charts[chart].Digest
	if len(signers) == 0 {
		m.registry.DeleteTag(m.repo.Name, verifytest.SignatureTag(d))
		return
	}
	m.sign(d, signers...)
}

// proven says whether a chart is proven by today's rules, going by some signatures.
func (m *model) proven(chart int, signed []map[int]bool) bool {
	if chart < 0 || m.revoked[chart] {
		return false
	}
	return slices.ContainsFunc([]int{0, 1}, func(i int) bool { return signed[chart][i] && m.trusted[i] })
}

// allowed returns the charts that may be served now; -1 stands for none.
func (m *model) allowed() []int {
	if m.down {
		if m.revoked[m.published] {
			return []int{-1}
		}
		return []int{m.published} // nothing can be found out
	}
	var may []int
	add := func(sure, perhaps bool, chart int) (settled bool) {
		if perhaps {
			may = append(may, chart)
		}
		return sure
	}
	// What the tag names goes first, then what is published; what was unsigned is remembered for a while.
	if add(m.proven(m.tag, m.signed), m.proven(m.tag, m.was), m.tag) || add(m.proven(m.published, m.signed), m.proven(m.published, m.was), m.published) {
		return may
	}
	return append(may, -1)
}

// check waits until what is served is what may be, and stays so.
func (m *model) check() {
	GinkgoHelper()
	obj := m.reconcile()
	allowed := m.allowed()
	m.settle(func(g Gomega, now *v1alpha1.VerifiedChart) {
		obj = now
		g.Expect(m.served(now)).To(BeElementOf(allowed), "after %q", m.steps)
	})
	m.published = m.served(obj)
	switch {
	case m.published >= 0:
		Expect(artifactBytes(obj)).NotTo(BeEmpty())
		Expect(digest.FromBytes(artifactBytes(obj)).String()).To(Equal(obj.Status.Artifact.Digest))
		Expect(reconciler.Served.Admits("/" + obj.Status.Artifact.Path)).To(BeTrue())
	case !m.down: // what was proven before may not have come into the status
		Expect(m.files()).To(BeEmpty())
		Expect(reconciler.Served.Admits("/verifiedchart/" + m.namespace + "/app/chart.tgz")).To(BeFalse())
	}
}

// served returns which chart is served, or -1.
func (m *model) served(obj *v1alpha1.VerifiedChart) int {
	if obj.Status.Artifact == nil {
		return -1
	}
	return slices.IndexFunc(m.charts, func(d ocispec.Descriptor) bool { return d.Digest.String() == obj.Status.Verification.Digest })
}

// What is served is proven by today's rules, or cannot be found out about; and what
// is proven is served, whatever happened before.
var _ = DescribeTable("Whatever happens, what is served is what is proven", Serial,
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
