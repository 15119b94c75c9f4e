// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// dropDamaged takes a published artifact whose file is gone, or is no longer
// what was stored, out of the status, so that it is fetched again.
func (r *VerifiedChartReconciler) dropDamaged(obj *v1alpha1.VerifiedChart) error {
	artifact := obj.Status.Artifact
	if artifact == nil {
		return nil
	}
	err := r.Storage.Check(*artifact)
	switch {
	case err == nil && r.Storage.Owns(obj, *artifact):
		r.Storage.SetURL(artifact)
		return nil
	case !r.Storage.Owns(obj, *artifact):
		// Somebody wrote this status: it says nothing of what is published, and must not lead to another's file.
		forget(obj)
		return nil
	case errors.Is(err, storage.ErrMissing), errors.Is(err, storage.ErrDamaged):
		forget(obj)
		return stored(r.Storage.Withdraw(*artifact))
	}
	return stored(err)
}

// store returns the artifact for what was accepted: the published one where it
// is the same, or else a new one, fetched, validated and written.
func (r *VerifiedChartReconciler) store(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs, resolved pipeline.Resolved, accepted verify.Accepted) (meta.Artifact, error) {
	subject, _ := accepted.Subject()
	if current := obj.Status.Artifact; current != nil && isPublished(obj, subject) {
		return *current, pipeline.Identify(publishedMetadata(obj), in.wanted, resolved)
	}
	if err := in.finalized(); err != nil {
		return meta.Artifact{}, err
	}
	staged, layout, err := r.stage(ctx, obj, in, accepted)
	defer staged.Discard()
	if err != nil {
		return meta.Artifact{}, err
	}
	metadata, err := pipeline.Validate(ctx, in.reader, staged.Reader(), layout, in.wanted, resolved)
	if err != nil {
		return meta.Artifact{}, err
	}
	if err := in.policies.Revoked(subject.Repository, subject.Manifest.Digest, metadata.Version); err != nil {
		return meta.Artifact{}, &pipeline.Failure{Step: pipeline.StepVerify, Err: err}
	}
	if err := refuseMutation(obj, in, subject, metadata.Version); err != nil {
		return meta.Artifact{}, err
	}
	artifact := r.Storage.NewArtifact(obj, revision(metadata, subject), fileName(subject))
	artifact.Metadata = map[string]string{ocispec.AnnotationTitle: metadata.Name, ocispec.AnnotationVersion: metadata.Version}
	artifact.Digest = layout.Archive.Digest.String()
	if err := r.Storage.Commit(staged, &artifact); err != nil {
		return meta.Artifact{}, stored(err)
	}
	return artifact, stored(r.Storage.ForgetRetired(obj))
}

// stage returns the archive of what was accepted: what was published before and
// withdrawn, where its bytes are those that the manifest names, or else fetched.
func (r *VerifiedChartReconciler) stage(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs, accepted verify.Accepted) (*storage.Staged, chart.Layout, error) {
	subject, _ := accepted.Subject()
	layout, err := chart.ParseManifest(subject.Raw)
	if err == nil {
		recovered, err := r.Storage.Recover(obj, r.Storage.NewArtifact(obj, "", fileName(subject)))
		if err == nil && recovered.Digest() == layout.Archive.Digest {
			return recovered, layout, nil
		}
		recovered.Discard()
	}
	staged, err := r.Storage.Stage()
	if err != nil {
		return nil, layout, stored(err)
	}
	layout, err = pipeline.Fetch(ctx, in.reader, accepted, staged)
	return staged, layout, err
}

// fileName is the name of the file of an artifact.
func fileName(s verify.Subject) string { return s.Manifest.Digest.Encoded() + ".tgz" }

// revision is the chart's version, as a tag, and the digest of its manifest:
// what helm-controller expects of a chart from an OCI registry.
func revision(m chart.Metadata, s verify.Subject) string {
	return fmt.Sprintf("%s@%s", strings.ReplaceAll(m.Version, "+", "_"), s.Manifest.Digest)
}

// publishedMetadata is what the published chart says of itself.
func publishedMetadata(obj *v1alpha1.VerifiedChart) chart.Metadata {
	if obj.Status.Artifact == nil {
		return chart.Metadata{}
	}
	m := obj.Status.Artifact.Metadata
	return chart.Metadata{Name: m[ocispec.AnnotationTitle], Version: m[ocispec.AnnotationVersion]}
}

// forget takes what was published out of the status.
func forget(obj *v1alpha1.VerifiedChart) {
	obj.Status.Artifact, obj.Status.URL, obj.Status.Verification = nil, "", nil
	obj.Status.HeldSince, obj.Status.UnverifiedSince = nil, nil
}

func stored(err error) error {
	if err == nil {
		return nil
	}
	return &pipeline.Failure{Step: pipeline.StepStore, Err: err}
}
