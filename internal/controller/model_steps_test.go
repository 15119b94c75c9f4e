// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// step takes one random step.
func (m *model) step() {
	if all := m.changes(); m.random.IntN(len(all)+1) < len(all) {
		m.change()
		return
	}
	m.restart()
}

// change makes one random change that needs no controller.
func (m *model) change() {
	all := m.changes()
	chart, signer := m.random.IntN(len(m.charts)), m.random.IntN(len(m.signers))
	m.steps = append(m.steps, all[m.random.IntN(len(all))](chart, signer))
}

// changes are the changes to a chart or a signer. Each returns a description of the change.
func (m *model) changes() []func(chart, signer int) string {
	return []func(chart, signer int) string{
		m.signs, m.unsigns, m.rotate, m.moveTag, m.breakOrMend, m.passTime, m.revoke, m.exemptOne, m.switchAudit, m.switchHold,
	}
}

func (m *model) signs(chart, signer int) string {
	m.signed[chart][signer], m.was[chart][signer] = true, true
	m.rewriteSignatures(chart)
	return fmt.Sprintf("%d signs %d", signer, chart)
}

func (m *model) unsigns(chart, signer int) string {
	if m.signed[chart][signer] {
		delete(m.signed[chart], signer)
		m.rewriteSignatures(chart)
	}
	return fmt.Sprintf("%d unsigns %d", signer, chart)
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
		m.repo.DeleteTag(verifytest.SignatureTag(d))
		return
	}
	m.sign(d, signers...)
}

// rotate leaves at least one key.
func (m *model) rotate(_, signer int) string {
	m.trusted[signer] = true
	if other := 1 - signer; m.random.IntN(2) == 0 {
		delete(m.trusted, other)
	}
	m.setTrusted()
	return fmt.Sprintf("trust is in %v", m.trusted)
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

func (m *model) moveTag(chart, _ int) string {
	m.tag = chart
	m.repo.PushManifest("1.0.0", m.manifests[chart])
	return fmt.Sprintf("the tag names %d", chart)
}

func (m *model) breakOrMend(int, int) string {
	m.down = !m.down
	m.setFault()
	return fmt.Sprintf("the registry is down: %v", m.down)
}

// passTime advances the clock, so that every cached answer that may have changed expires.
func (m *model) passTime(int, int) string {
	m.ahead.Add(int64(2 * time.Hour))
	m.restartEmpty()
	return "two hours pass"
}

// restartEmpty updates the model for a controller that has no cached answers that may have changed.
func (m *model) restartEmpty() {
	for i := range m.was {
		if i != m.published { // the published chart's signatures are stored beside it
			m.was[i] = maps.Clone(m.signed[i])
		}
	}
}

func (m *model) revoke(chart, _ int) string {
	if m.revoked[chart] = !m.revoked[chart]; !m.revoked[chart] {
		delete(m.revoked, chart)
	}
	m.edit(m.setRules)
	return fmt.Sprintf("revoked are %v", m.revoked)
}

// exemptOne exempts the published chart, or any chart, or ends the exemption.
func (m *model) exemptOne(chart, _ int) string {
	switch {
	case m.exempt != none:
		m.exempt = none
	case m.published != none && m.random.IntN(2) == 0:
		m.exempt = m.published
	default:
		m.exempt = chart
	}
	m.edit(m.setRules)
	return fmt.Sprintf("exempt is %d", m.exempt)
}

// switchAudit mostly leaves the mode at Enforce, since in Audit the other rules matter little.
func (m *model) switchAudit(int, int) string {
	m.audit = !m.audit && m.random.IntN(2) == 0
	m.edit(m.setRules)
	return fmt.Sprintf("the mode is Audit: %v", m.audit)
}

func (m *model) switchHold(int, int) string {
	m.hold = !m.hold
	m.edit(m.setRules)
	return fmt.Sprintf("onTrustLoss is Hold: %v", m.hold)
}

// setRules copies the rules of the model into a spec.
func (m *model) setRules(spec *v1alpha1.VerifiedChartSpec) {
	r := v1alpha1.Rules{VersionMutation: v1alpha1.VersionMutationAllow, Revoked: &v1alpha1.Revocations{}}
	for i := range m.charts {
		if m.revoked[i] {
			r.Revoked.Digests = append(r.Revoked.Digests, m.charts[i].Digest.String())
		}
	}
	if m.exempt != none {
		r.Exemptions = []v1alpha1.Exemption{{
			Digest: m.charts[m.exempt].Digest.String(), Reason: "it is needed", ExpiresAt: metav1.NewTime(time.Now().Add(time.Hour)),
		}}
	}
	if m.audit {
		r.Mode = v1alpha1.ModeAudit
	}
	if m.hold {
		r.OnTrustLoss = v1alpha1.OnTrustLossHold
	}
	spec.Verify.Rules = r
}

// restart stops the controller, and starts a new one with an empty memory. Changes may happen in between.
func (m *model) restart() {
	m.stop()
	m.steps = append(m.steps, "the controller stops")
	for range m.random.IntN(4) {
		m.change()
	}
	if m.random.IntN(4) == 0 {
		m.wipe()
	}
	m.steps = append(m.steps, "the controller starts")
	m.start()
}

// wipe empties the disk, as the move to another node does.
func (m *model) wipe() {
	GinkgoHelper()
	m.steps = append(m.steps, "the disk is emptied")
	m.wiped = m.published != none
	entries, err := os.ReadDir(m.storage)
	Expect(err).NotTo(HaveOccurred())
	for _, e := range entries {
		Expect(os.RemoveAll(filepath.Join(m.storage, e.Name()))).To(Succeed())
	}
}

// start starts a controller with an empty memory and the storage of the previous one.
func (m *model) start() {
	GinkgoHelper()
	mgr := newManager(restConfig, cache.Options{DefaultNamespaces: map[string]cache.Config{m.namespace: {}}})
	m.controller = newReconciler(mgr, m.storage)
	clock := func() time.Time { return time.Now().Add(time.Duration(m.ahead.Load())) }
	m.controller.Cache = registry.NewCache(16<<20, MaterialAge, clock)
	m.restartEmpty()
	m.setFault()
	m.stop = start(mgr, m.controller, nil)
}

// setFault makes the registry answer or not.
func (m *model) setFault() {
	down := m.down
	m.registry.Break(func(rw http.ResponseWriter, r *http.Request) bool {
		return down && answerNothing(rw, r)
	})
}
