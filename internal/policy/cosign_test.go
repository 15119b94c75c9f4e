// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"crypto"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A cosign authority", Label("cosign", "policy"), func() {
	sigstore, ours := sigstoretest.NewSmall(), P256()

	// by changes how the chart is signed, ask the requirements of the authority.
	type (
		by  func(*sigstoretest.How)
		ask func(*v1alpha1.Authority)
	)
	workflow := func(h *sigstoretest.How) {
		h.Issuer, h.Subject, h.Log, h.Stamped = "https://issuer.example", "release@example.com", sigstoretest.RekorV1, true
		h.Claims = certificate.Extensions{SourceRepositoryURI: "https://github.com/org/charts", BuildTrigger: "push"}
	}
	key := func(h *sigstoretest.How) { h.Key = ours.Key }
	identity := func(a *v1alpha1.Authority) {
		a.MatchOIDCIdentity = []v1alpha1.OIDCIdentityMatch{{Issuer: "nobody", Subject: "nobody"}, {Issuer: "https://issuer[.]example", Subject: "release@.*"}}
	}
	theKey := func(a *v1alpha1.Authority) { a.SecretRef = &meta.LocalObjectReference{Name: "key"} }
	at := func(offset time.Duration) *metav1.Time { return &metav1.Time{Time: sigstore.Epoch.Add(offset)} }

	verifyChart := func(bys []by, asks []ask, without ...sigstoretest.Part) error {
		GinkgoHelper()
		repo := NewRepository()
		subject := repo.Subject("chart")
		var how sigstoretest.How
		for _, change := range bys {
			change(&how)
		}
		AttachBundle(repo, subject.Manifest, sigstore.Bundle(subject.Raw, how))
		root, err := trustroot.Parse(sigstore.Root(without...))
		Expect(err).NotTo(HaveOccurred())
		a := v1alpha1.Authority{Name: "a", Provider: v1alpha1.CosignProvider}
		for _, change := range asks {
			change(&a)
		}
		m := secret(ours)
		m.Root = root
		v := only(v1alpha1.Verification{Authorities: []v1alpha1.Authority{a}}, map[string]policy.Material{"a": m})
		_, err = verify.Check(context.Background(), v, subject, repo)
		return err
	}

	DescribeTable("accepts a signature with the required property, and no signature without it",
		func(signed []by, asked []ask, lacking by, want ask) {
			Expect(verifyChart(signed, asked)).To(Succeed())
			if lacking != nil {
				Expect(verifyChart(append(signed, lacking), asked)).To(MatchError(verify.ErrRejected))
			}
			if want != nil {
				Expect(verifyChart(signed, append(asked, want))).To(MatchError(verify.ErrRejected))
			}
		},
		Entry("an identity", []by{workflow}, []ask{identity},
			by(func(h *sigstoretest.How) { h.Subject = "mallory@example.com" }),
			ask(func(a *v1alpha1.Authority) { a.MatchOIDCIdentity = a.MatchOIDCIdentity[:1] })),
		Entry("an identity with a claim", []by{workflow}, []ask{identity, func(a *v1alpha1.Authority) {
			a.Claims = &v1alpha1.CertificateClaims{SourceRepositoryURI: "https://github.com/org/charts", BuildTrigger: "push"}
		}},
			by(func(h *sigstoretest.How) { h.Claims.BuildTrigger = "pull_request" }),
			ask(func(a *v1alpha1.Authority) { a.Claims.RunnerEnvironment = "github-hosted" })),
		Entry("an identity's log entry", []by{workflow}, []ask{identity}, by(func(h *sigstoretest.How) { h.Log = sigstoretest.NoLog }), nil),
		Entry("an identity's timestamp, if logs are ignored", []by{workflow, func(h *sigstoretest.How) { h.Log = sigstoretest.NoLog }},
			[]ask{identity, func(a *v1alpha1.Authority) { a.TransparencyLog = v1alpha1.TransparencyLogIgnore }},
			by(func(h *sigstoretest.How) { h.Stamped = false }),
			ask(func(a *v1alpha1.Authority) { a.TransparencyLog = v1alpha1.TransparencyLogRequired })),
		Entry("a key", []by{key}, []ask{theKey}, by(func(h *sigstoretest.How) { h.Key = P256().Key }),
			ask(func(a *v1alpha1.Authority) { a.TransparencyLog = v1alpha1.TransparencyLogRequired })),
		Entry("D12: a key's log entry", []by{key, func(h *sigstoretest.How) { h.Log = sigstoretest.RekorV2 }},
			[]ask{theKey, func(a *v1alpha1.Authority) { a.TransparencyLog = v1alpha1.TransparencyLogRequired }},
			by(func(h *sigstoretest.How) { h.Log = sigstoretest.NoLog }), nil),
		Entry("a key's hash", []by{key, func(h *sigstoretest.How) { h.Hash = crypto.SHA512 }}, []ask{theKey, func(a *v1alpha1.Authority) { a.HashAlgorithm = "SHA-512" }},
			by(func(h *sigstoretest.How) { h.Hash = crypto.SHA256 }), ask(func(a *v1alpha1.Authority) { a.HashAlgorithm = "SHA-384" })),
		Entry("D15: a key's period", []by{key, func(h *sigstoretest.How) { h.Stamped = true }},
			[]ask{theKey, func(a *v1alpha1.Authority) {
				a.ValidFor = &v1alpha1.TimeRange{Start: at(-time.Hour), End: at(time.Hour)}
			}},
			by(func(h *sigstoretest.How) { h.Time = sigstore.Epoch.Add(2 * time.Hour) }),
			ask(func(a *v1alpha1.Authority) { a.ValidFor = &v1alpha1.TimeRange{Start: at(time.Second)} })),
		Entry("D15: an end of a key's period in the year 1", []by{key, func(h *sigstoretest.How) { h.Stamped = true }},
			[]ask{theKey, func(a *v1alpha1.Authority) { a.ValidFor = &v1alpha1.TimeRange{End: at(time.Hour)} }},
			nil, ask(func(a *v1alpha1.Authority) { a.ValidFor = &v1alpha1.TimeRange{End: &metav1.Time{}} })),
	)

	DescribeTable("gives no verdict if its requirements cannot be met",
		func(asks []ask, without ...sigstoretest.Part) {
			err := verifyChart([]by{workflow}, asks, without...)
			Expect(err).To(MatchError(verify.ErrTrustMalformed))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("by a root without authorities", []ask{identity}, sigstoretest.Authority),
		Entry("by a root without logs, if a log entry is required", []ask{identity, func(a *v1alpha1.Authority) { a.TransparencyLog = v1alpha1.TransparencyLogRequired }}, sigstoretest.Log),
		Entry("by a root without timestamp authorities, if logs are ignored", []ask{identity, func(a *v1alpha1.Authority) { a.TransparencyLog = v1alpha1.TransparencyLogIgnore }}, sigstoretest.TimestampAuthority),
		Entry("by a root without timestamp authorities, if a key has a period", []ask{theKey, func(a *v1alpha1.Authority) { a.ValidFor = &v1alpha1.TimeRange{End: at(0)} }}, sigstoretest.TimestampAuthority),
		Entry("E2: by a pattern that does not compile", []ask{func(a *v1alpha1.Authority) {
			a.MatchOIDCIdentity = []v1alpha1.OIDCIdentityMatch{{Issuer: "(", Subject: "x"}}
		}}),
		Entry("by a malformed repository of signatures", []ask{identity, func(a *v1alpha1.Authority) { a.SignatureRepository = "oci://user:pass@host/x" }}),
		Entry("by a key and an identity", []ask{identity, theKey}),
	)
})
