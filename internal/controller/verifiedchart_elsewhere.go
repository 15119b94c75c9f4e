// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

// elsewhere returns what reads the provenance files that are not in the registry,
// or nil where they are.
func (r *VerifiedChartReconciler) elsewhere(ctx context.Context, n namespaced, p *v1alpha1.Provenance) (provenance.Elsewhere, error) {
	switch {
	case p == nil:
		return nil, nil
	case p.Source == v1alpha1.ProvenanceSourceURL:
		return r.atURL(ctx, n, p)
	case p.FileRef == nil:
		return nil, nil
	case p.Source == v1alpha1.ProvenanceSourceSecret:
		secret, err := n.secret(ctx, p.FileRef.Name)
		if err != nil {
			return nil, err
		}
		return inObject(secretKind, p.FileRef, secret.Data), nil
	}
	config, err := n.configMap(ctx, p.FileRef.Name)
	if err != nil {
		return nil, err
	}
	return inObject(configMapKind, p.FileRef, contents(config)), nil
}

// contents returns everything that a ConfigMap holds; no key is in both of its parts.
func contents(config *corev1.ConfigMap) map[string][]byte {
	all := make(map[string][]byte, len(config.Data)+len(config.BinaryData))
	maps.Copy(all, config.BinaryData)
	for key, text := range config.Data {
		all[key] = []byte(text)
	}
	return all
}

// inObject reads files from what a Secret or ConfigMap holds.
func inObject(kind string, ref *v1alpha1.FileReference, data map[string][]byte) provenance.Elsewhere {
	template := provenance.Template(ref.Key)
	if template == "" {
		template = v1alpha1.DefaultProvenanceKey
	}
	return func(_ context.Context, _ registry.Reader, name, version string) (where string, raw []byte, err error) {
		key := template.Tag(name, version)
		where = fmt.Sprintf("key %s of %s %s", key, kind, ref.Name)
		if file, ok := data[key]; ok {
			raw = append([]byte{}, file...) // an empty file is there, and not nil
		}
		return where, raw, nil
	}
}

// atURL reads files from a web server. What it answers is remembered as a registry's answers are.
func (r *VerifiedChartReconciler) atURL(ctx context.Context, n namespaced, p *v1alpha1.Provenance) (provenance.Elsewhere, error) {
	request := download.Request{Limit: provenance.MaxSize}
	var err error
	if ref := p.SecretRef; ref != nil {
		if request.Credentials, err = parsed(ctx, n, ref.Name, download.ParseCredentials); err != nil {
			return nil, err
		}
	}
	if ref := p.CertSecretRef; ref != nil {
		if request.Trust, err = parsed(ctx, n, ref.Name, download.ParseTrust); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, reader registry.Reader, name, version string) (where string, raw []byte, err error) {
		request := request
		request.URL = provenance.Template(p.URL).URL(name, version)
		raw, err = reader.Recall("URL "+request.URL, func() ([]byte, error) { return r.download(ctx, request) })
		return "URL " + download.Shown(request.URL), raw, err
	}, nil
}

// download returns a file, or nil where the server has none.
func (r *VerifiedChartReconciler) download(ctx context.Context, request download.Request) ([]byte, error) {
	raw, err := r.Downloads.File(ctx, request)
	switch {
	case errors.Is(err, download.ErrNotFound):
		return nil, nil
	case errors.Is(err, download.ErrTooLarge):
		return nil, attached.Refuse("it has more than %d bytes", request.Limit)
	case errors.Is(err, download.ErrURL):
		return nil, fmt.Errorf("%w: %w", verify.ErrTrustMalformed, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", verify.ErrTrustUnavailable, err)
	}
	return raw, nil
}

// parsed returns what a Secret holds.
func parsed[T any](ctx context.Context, n namespaced, name string, parse func(map[string][]byte) (T, error)) (T, error) {
	var none T
	secret, err := n.secret(ctx, name)
	if err != nil {
		return none, err
	}
	value, err := parse(secret.Data)
	if err != nil {
		return none, fmt.Errorf("%w: Secret %q: %w", verify.ErrTrustMalformed, name, err)
	}
	return value, nil
}
