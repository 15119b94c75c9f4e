// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/keyid"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Policy is one `spec.verify`, with the material that it refers to.
type Policy struct {
	// Name of the ClusterChartPolicy; empty for the VerifiedChart's own.
	Name string
	// Verify is the specification.
	Verify v1alpha1.Verification
	// Material is the material of its authorities, by their names.
	Material map[string]Material
	// Observe is called for every answer of an authority. Optional.
	Observe Observer
}

// Set holds every policy that applies to one chart: the chart has to satisfy each of
// them. A revoked chart is rejected before any authority is asked, and neither an
// exemption nor mode Audit admits it. The zero value accepts nothing.
type Set struct {
	policies []member // ClusterChartPolicies first
	cluster  Revoked
	now      func() time.Time
	denied   string
	fault    error
}

// member is a policy of a set, with its revocations.
type member struct {
	Policy
	revoked Revoked
	// keys are the keys that the keyrings of its authorities revoke.
	keys keyid.Set
	// malformed explains why some of its revocations cannot be read; nil if all can be read.
	malformed error
}

// NewSet returns the set of the policies, with the revocations of the whole cluster.
// A set without policies accepts nothing. If a revocation of a policy cannot be read,
// only that policy reaches no verdict.
func NewSet(now func() time.Time, cluster Revoked, policies ...Policy) Set {
	s := Set{cluster: cluster, now: now}
	for _, p := range policies {
		m := member{Policy: p, keys: p.revokedByKeyrings()}
		m.revoked, m.malformed = revocationsOf(p.Name, p.Verify.Revoked)
		s.policies = append(s.policies, m)
	}
	slices.SortStableFunc(s.policies, func(a, b member) int { return cmp.Compare(rank(a), rank(b)) })
	return s
}

// rank orders the policies: ClusterChartPolicies before the VerifiedChart's own.
func rank(m member) int {
	if m.Name == "" {
		return 1
	}
	return 0
}

// revokedByKeyrings returns the keys that keyrings of the policy mark as revoked.
func (p Policy) revokedByKeyrings() keyid.Set {
	all := keyid.Set{}
	for _, m := range p.Material {
		for _, id := range m.RevokedKeys {
			if keys, err := keyid.Parse([]string{id}); err == nil {
				all.Add(keys)
			}
		}
	}
	return all
}

// Policies returns the verifiers of the policies, ClusterChartPolicies first and the
// VerifiedChart's own last, each with its exceptions. Each of them rejects a revoked
// chart. A denying set has only one verifier, which rejects everything.
func (s Set) Policies() []verify.Named {
	if s.denied != "" {
		return []verify.Named{{Policy: s.denied, Verifier: denying(s.denied)}}
	}
	constraints := s.constraints()
	named := make([]verify.Named, 0, len(s.policies))
	for _, m := range s.policies {
		var v verify.Verifier
		switch {
		case s.fault != nil:
			v = verify.Unavailable(s.fault)
		case m.malformed != nil:
			v = verify.Unavailable(m.malformed)
		default:
			v = m.verifier(s.now, constraints)
		}
		named = append(named, verify.Named{Policy: m.Name, Verifier: unrevoked{set: s, Verifier: v}})
	}
	return named
}

// constraints returns the constraints on signatures under every policy: if one policy
// revokes a key or an identity, no policy accepts it.
func (s Set) constraints() verify.Constraints {
	c := verify.Constraints{Revoked: keyid.Set{}, Now: s.now}
	for _, r := range s.revocations() {
		c.Revoked.Add(r.keys)
		c.RevokedIdentities = append(c.RevokedIdentities, r.identities...)
	}
	return c
}

// revocations returns every list that applies.
func (s Set) revocations() []Revoked {
	lists := []Revoked{s.cluster}
	for _, m := range s.policies {
		lists = append(lists, m.revoked)
	}
	return lists
}

// verifier returns the verifier of the policy, with its exceptions.
func (m member) verifier(now func() time.Time, constraints verify.Constraints) verify.Verifier {
	if len(m.keys) > 0 {
		own := keyid.Set{}
		own.Add(constraints.Revoked)
		own.Add(m.keys)
		constraints.Revoked = own
	}
	if age := m.Verify.MinSignatureAge; age != nil {
		constraints.MinAge = age.Duration
	}
	return excepting{Verifier: m.authorities(constraints), policy: m.Policy, now: now}
}

// unrevoked rejects a revoked chart, even if its verifier accepts the chart.
type unrevoked struct {
	verify.Verifier
	set Set
}

// Verify implements verify.Verifier.
func (u unrevoked) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	if err := u.set.Revoked(s.Repository, s.Manifest.Digest, s.Chart.Version); err != nil {
		return verify.Result{}, err
	}
	return u.Verifier.Verify(ctx, s, r)
}

// Verify implements verify.Verifier: it accepts if every policy accepts.
func (s Set) Verify(ctx context.Context, subject verify.Subject, r registry.Reader) (verify.Result, error) {
	if err := s.Revoked(subject.Repository, subject.Manifest.Digest, subject.Chart.Version); err != nil {
		return verify.Result{}, err
	}
	accepted, outcomes, err := verify.CheckEach(ctx, s.Policies(), subject, r)
	if err == nil {
		err = verify.Unaccepted(outcomes)
	}
	return accepted.Result(), err
}

// Revoked returns an error that matches verify.ErrRejected if a chart is revoked, by
// the digest of its manifest or by its version, which is empty if it is not known. Any
// name of the repository will do. Revoked needs no registry.
func (s Set) Revoked(repository string, d digest.Digest, version string) error {
	return anyRevokes(s.revocations(), repository, d, version)
}

// RevokedByCluster is Revoked for the cluster's list and ClusterChartPolicies only,
// which no tenant can change.
func (s Set) RevokedByCluster(repository string, d digest.Digest, version string) error {
	lists := []Revoked{s.cluster}
	for _, m := range s.policies {
		if m.Name != "" {
			lists = append(lists, m.revoked)
		}
	}
	return anyRevokes(lists, repository, d, version)
}

func anyRevokes(lists []Revoked, repository string, d digest.Digest, version string) error {
	for _, r := range lists {
		if err := r.Check(repository, d, version); err != nil {
			return err
		}
	}
	return nil
}

// RevokedSigner returns an error that matches verify.ErrRejected if the key or the
// identity of a verified signature is revoked: by a list, or by a keyring of the policy
// that the signature names, even if that keyring cannot be read to its end. It needs no
// registry.
func (s Set) RevokedSigner(v verify.VerifiedSignature) error {
	for _, r := range s.revocations() {
		if err := r.signer(v); err != nil {
			return err
		}
	}
	for _, m := range s.policies {
		if id, ok := verify.RevokedKey(m.keys, v); ok && m.Name == v.Policy {
			return revokedBy("a keyring of "+nameOf(m.Name), "key %s", id)
		}
	}
	return nil
}

// nameOf returns the name of a policy in messages.
func nameOf(policy string) string {
	if policy == "" {
		return "spec.verify"
	}
	return "ClusterChartPolicy " + policy
}

// WithFault returns a set with the revocations of s in which no policy reaches a
// verdict: each returns the error.
func (s Set) WithFault(err error) Set {
	s.fault = err
	return s
}

// Denying returns a set with the revocations of s that rejects everything else: no
// ClusterChartPolicy matches the chart, and the named one sets unmatched: Deny.
func (s Set) Denying(name string) Set {
	s.denied = name
	return s
}

// Denied returns an error that matches verify.ErrRejected if the chart is denied: no ClusterChartPolicy matches it, and
// one sets unmatched: Deny.
func (s Set) Denied() error {
	if s.denied == "" {
		return nil
	}
	return denial(s.denied)
}

func denial(policy string) error {
	return problem.New(verify.ErrRejected, "no ClusterChartPolicy matches; policy %s sets unmatched: Deny", policy).
		Fix("add a ClusterChartPolicy that matches the url and the namespace of the VerifiedChart")
}

type denying string

// Verify implements verify.Verifier.
func (d denying) Verify(context.Context, verify.Subject, registry.Reader) (verify.Result, error) {
	return verify.Result{}, denial(string(d))
}
