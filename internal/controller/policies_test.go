// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// slowFor is a source of Secrets with one key. It does not answer for one namespace.
type slowFor struct {
	namespace string
	key       []byte
}

func (s slowFor) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	if namespace == s.namespace {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{"a.pub": s.key}}, nil
}

func (s slowFor) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	_, err := s.Secret(ctx, namespace, name)
	return &corev1.ConfigMap{}, err
}

func (s slowFor) ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	_, err := s.Secret(ctx, namespace, name)
	return &corev1.ServiceAccount{}, err
}

var _ = DescribeTable("J5: The company's verdict does not wait for the material of a tenant's own policy", Label("policy", "deadline"),
	func(ctx context.Context, signer, key verifytest.Signer, verdict verify.Verdict) {
		v := v1alpha1.Verification{Authorities: []v1alpha1.Authority{
			{Name: "release", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "keys"}},
		}}
		company := &v1alpha1.ClusterChartPolicy{ObjectMeta: metav1.ObjectMeta{Name: "company"}}
		company.Spec.Verify = v
		j := gatherer{
			client:    fake.NewClientBuilder().WithScheme(scheme).WithObjects(company).Build(),
			material:  material.NewLoader(material.Options{Source: slowFor{namespace: "team", key: key.Public}}),
			namespace: "system", now: time.Now,
		}
		obj := &v1alpha1.VerifiedChart{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "app"}}
		obj.Spec.URL, obj.Spec.Verify = "oci://registry.example/app", v

		rules := j.rules(ctx, obj, "registry.example/app")
		repo := verifytest.NewRepository()
		subject := repo.Subject("chart")
		verifytest.SignLegacy(repo, subject, signer)
		_, outcomes, err := verify.CheckEach(ctx, rules.published.Policies(), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes).To(HaveLen(2))
		Expect(outcomes[0].Policy).To(Equal("company"))
		Expect(outcomes[0].Verdict).To(Equal(verdict))
		Expect(outcomes[1].Verdict).To(Equal(verify.VerdictUndecided))
		Expect(outcomes[1].Err).To(MatchError(verify.ErrTrustUnavailable))
	},
	Entry("if it accepts", NodeTimeout(20*time.Second), ours, ours, verify.VerdictAccepted),
	Entry("if it rejects", NodeTimeout(20*time.Second), theirs, ours, verify.VerdictRejected),
)

var ours, theirs = verifytest.P256(), verifytest.P256()
