// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"
	"errors"
	"fmt"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

// externalSource returns a reader of provenance files outside the registry; nil if the files are in
// the registry.
func (l *Loader) externalSource(ctx context.Context, objects *view, p *v1alpha1.Provenance) (provenance.ExternalSource, error) {
	switch {
	case p == nil:
		return nil, nil
	case p.Source == v1alpha1.ProvenanceSourceURL:
		return l.atURL(ctx, objects, p)
	case fileRef(p, v1alpha1.ProvenanceSourceSecret) != nil:
		secret, err := objects.secret(ctx, p.FileRef.Name, "FILE")
		if err != nil {
			return nil, err
		}
		return inObject(secretKind, p.FileRef, func(key string) ([]byte, bool) { raw, ok := secret.Data[key]; return raw, ok }), nil
	case fileRef(p, v1alpha1.ProvenanceSourceConfigMap) != nil:
		config, err := objects.configMap(ctx, p.FileRef.Name)
		if err != nil {
			return nil, err
		}
		return inObject(configMapKind, p.FileRef, func(key string) ([]byte, bool) { return entryOf(config, key) }), nil
	}
	return nil, nil
}

// inObject returns a reader of files in the entries of a Secret or ConfigMap.
func inObject(kind string, ref *v1alpha1.FileReference, entry func(key string) ([]byte, bool)) provenance.ExternalSource {
	template := provenance.Template(ref.Key)
	if template == "" {
		template = v1alpha1.DefaultProvenanceKey
	}
	return func(_ context.Context, _ registry.Reader, name, version string) (where string, raw []byte, err error) {
		key := template.Tag(name, version)
		where = fmt.Sprintf("key %s of %s %s", key, kind, ref.Name)
		if file, ok := entry(key); ok {
			raw = append([]byte{}, file...) // an empty file exists, and is not nil
		}
		return where, raw, nil
	}
}

// atURL returns a reader of files on a web server. The registry's cache also keeps these files.
func (l *Loader) atURL(ctx context.Context, objects *view, p *v1alpha1.Provenance) (provenance.ExternalSource, error) {
	if l.downloads == nil {
		return nil, unavailable("URL %s cannot be read by this program", download.Shown(p.URL)).Fix("put the files in a Secret or a ConfigMap")
	}
	request := download.Request{Limit: provenance.MaxSize, Scope: objects.namespace}
	var err error
	if request.Credentials, err = parsed(ctx, objects, p.SecretRef, download.ParseCredentials); err != nil {
		return nil, err
	}
	if request.Trust, err = parsed(ctx, objects, p.CertSecretRef, outbound.ParseTrust); err != nil {
		return nil, err
	}
	return func(ctx context.Context, reader registry.Reader, name, version string) (where string, raw []byte, err error) {
		request := request
		request.URL = provenance.Template(p.URL).URL(name, version)
		access := request.Credentials.Fingerprint() + outbound.Route{Trust: request.Trust}.Fingerprint()
		raw, err = reader.ReadThrough("URL "+request.URL, access, func() ([]byte, error) { return l.download(ctx, request) })
		return "URL " + download.Shown(request.URL), raw, err
	}, nil
}

// download returns a file, or nil if the server has none.
func (l *Loader) download(ctx context.Context, request download.Request) ([]byte, error) {
	raw, err := l.downloads.File(ctx, request)
	switch {
	case errors.Is(err, download.ErrNotFound):
		return nil, nil
	case errors.Is(err, download.ErrTooLarge):
		return nil, fmt.Errorf("%w: the file has more than %d bytes", registry.ErrTooLarge, request.Limit)
	case errors.Is(err, download.ErrURL):
		return nil, malformedIn("URL "+download.Shown(request.URL), err)
	case err != nil:
		return nil, problem.Of(verify.ErrTrustUnavailable, err)
	}
	return raw, nil
}

// parsed returns the parsed content of the Secret of a reference; without a reference, the zero value.
func parsed[T any](ctx context.Context, objects *view, ref *meta.LocalObjectReference, parse func(map[string][]byte) (T, error)) (value T, err error) {
	if ref == nil {
		return value, nil
	}
	secret, err := objects.secret(ctx, ref.Name, "FILE")
	if err != nil {
		return value, err
	}
	if value, err = parse(secret.Data); err != nil {
		return value, malformedIn(objects.name(secretKind, ref.Name), err)
	}
	return value, nil
}
