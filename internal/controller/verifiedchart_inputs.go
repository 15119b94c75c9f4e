// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// inputs is everything a reconcile needs from outside, gathered before anything is judged.
type inputs struct {
	wanted   pipeline.Wanted
	target   registry.Target
	reader   *registry.CachingReader
	policies policy.Set
	// finalized waits for the finalizer, without which nothing may be stored.
	finalized func() error
}

// refusal is an error that is about the spec, or about what it refers to, and not about a chart.
type refusal struct {
	// condition is the type of the condition that says so, or empty for Ready alone.
	condition string
	reason    string
	// final means that asking again is in vain until the spec or a Secret changes.
	final bool
	// settled means that the spec was dealt with, and this is the answer until the interval is over.
	settled bool
	err     error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// gather returns the inputs. The policies are among them whatever the error.
func (r *VerifiedChartReconciler) gather(ctx context.Context, obj *v1alpha1.VerifiedChart) (in inputs, err error) {
	named := r.Objects.in(obj.Namespace)
	in.policies = r.policies(ctx, obj, r.material)
	repository, err := registry.ParseURL(obj.Spec.URL)
	if err != nil {
		return in, &refusal{condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.URLInvalidReason, final: true, err: err}
	}
	if obj.Spec.Insecure && !r.AllowHTTP {
		return in, &refusal{reason: v1alpha1.InsecureNotAllowedReason, final: true,
			err: errors.New("insecure: true asks for plain HTTP, which this controller does not allow: remove it, or run the controller with --insecure-allow-http")}
	}
	in.target = registry.Target{Repository: repository, PlainHTTP: obj.Spec.Insecure}
	if err := named.authenticate(ctx, obj, &in.target); err != nil {
		return in, err
	}
	in.wanted = wanted(obj, repository)
	in.reader, err = r.reader(obj, in.target)
	return in, err
}

// reader returns a reader of the target that recalls what this object was answered before.
func (r *VerifiedChartReconciler) reader(obj *v1alpha1.VerifiedChart, target registry.Target) (*registry.CachingReader, error) {
	reader, err := r.Registries.Repository(target)
	if err != nil {
		return nil, &refusal{condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.URLInvalidReason, final: true, err: err}
	}
	return r.Memory.Reader(string(obj.UID), target.Repository, reader), nil
}

func wanted(obj *v1alpha1.VerifiedChart, repository string) pipeline.Wanted {
	name := obj.Spec.ChartName
	if name == "" {
		name = path.Base(repository)
	}
	return pipeline.Wanted{
		Repository:   repository,
		Name:         name,
		Digest:       digest.Digest(obj.Spec.Ref.Digest),
		SemVer:       obj.Spec.Ref.SemVer,
		SemverFilter: obj.Spec.Ref.SemverFilter,
		Tag:          obj.Spec.Ref.Tag,
	}
}

// authenticate adds the credentials that the spec names to the target.
func (n namespaced) authenticate(ctx context.Context, obj *v1alpha1.VerifiedChart, target *registry.Target) error {
	ref := obj.Spec.SecretRef
	if ref == nil {
		return nil
	}
	refused := func(final bool, err error) error {
		return &refusal{condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.AuthenticationFailedReason, final: final, err: err}
	}
	secret, err := n.secret(ctx, ref.Name)
	if err != nil {
		return refused(false, err)
	}
	raw, ok := secret.Data[corev1.DockerConfigJsonKey]
	if !ok {
		return refused(true, fmt.Errorf("Secret %q has no entry %s: create it with kubectl create secret docker-registry", ref.Name, corev1.DockerConfigJsonKey)) //nolint:staticcheck // Secret is a kind
	}
	credentials, err := registry.ParseDockerConfig(raw)
	if err != nil {
		return refused(true, fmt.Errorf("Secret %q: %w", ref.Name, err)) //nolint:staticcheck // Secret is a kind
	}
	target.Credentials = credentials
	target.Scope = fmt.Sprintf("%s/%s@%s", n.namespace, ref.Name, secret.ResourceVersion)
	return nil
}

// secretNames returns the names of the Secrets that a spec refers to.
func secretNames(obj *v1alpha1.VerifiedChart) []string {
	names := secretsOf(obj.Spec.Verify)
	if ref := obj.Spec.SecretRef; ref != nil {
		names = append(names, ref.Name)
	}
	return names
}

// secretsOf returns the names of the Secrets that a policy refers to.
func secretsOf(v v1alpha1.Verification) []string {
	var refs []*meta.LocalObjectReference
	for _, a := range v.Authorities {
		refs = append(refs, a.SecretRef, a.TrustedRootSecretRef)
		if p := a.Provenance; p != nil {
			refs = append(refs, p.SecretRef, p.CertSecretRef, fileRef(p, v1alpha1.ProvenanceSourceSecret))
		}
	}
	return namesOf(refs)
}

// configMapNames returns the names of the ConfigMaps that a spec refers to.
func configMapNames(obj *v1alpha1.VerifiedChart) []string { return configMapsOf(obj.Spec.Verify) }

// configMapsOf returns the names of the ConfigMaps that a policy refers to.
func configMapsOf(v v1alpha1.Verification) []string {
	var refs []*meta.LocalObjectReference
	for _, a := range v.Authorities {
		if p := a.Provenance; p != nil {
			refs = append(refs, fileRef(p, v1alpha1.ProvenanceSourceConfigMap))
		}
	}
	return namesOf(refs)
}

// fileRef returns the object that holds provenance files, where it is of that source.
func fileRef(p *v1alpha1.Provenance, source string) *meta.LocalObjectReference {
	if p.FileRef == nil || p.Source != source {
		return nil
	}
	return &meta.LocalObjectReference{Name: p.FileRef.Name}
}

// namesOf returns the names of the references that are set.
func namesOf(refs []*meta.LocalObjectReference) []string {
	var names []string
	for _, ref := range refs {
		if ref != nil {
			names = append(names, ref.Name)
		}
	}
	return names
}
