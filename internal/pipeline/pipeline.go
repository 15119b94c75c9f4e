// SPDX-License-Identifier: Apache-2.0

// Package pipeline turns a reference into the bytes of a chart that may be served,
// with one function for each step:
//
//	Resolve   a tag, a range or a digest → the manifest it names now
//	Manifest  that manifest → the subject to verify
//	Verify    the subject → the proof that it is trusted
//	Fetch     the proof → the archive's bytes
//	Validate  the archive → the requested chart
//
// Fetch takes a verify.Accepted, so an unverified archive cannot be downloaded.
// Every error is a *Failure that names its step.
//
// A classic repository has archives instead of manifests. Find takes the place of Resolve, and the archive is the subject.
//
// The package does not know Kubernetes, storage or signature formats.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Request is the requested chart.
type Request struct {
	// Repository is the name of the chart's repository: host and path in a registry, a URL if it is classic.
	Repository string
	// Name is the name that the chart must have.
	Name string
	// Digest, SemVer and Tag determine the version: the first that is set, in this order.
	Digest digest.Digest
	// SemVer is a range of versions.
	SemVer string
	// SemverFilter is a regular expression that tags must match to be considered for SemVer.
	SemverFilter string
	// Tag is the tag of the chart.
	Tag string
	// AllowLibrary allows a chart of type library: the user asked for this chart by name.
	AllowLibrary bool
}

// Resolved is the manifest that a reference names at one moment.
type Resolved struct {
	// Tag is the tag that was resolved; empty for a digest.
	Tag string
	// Manifest is the manifest that the reference names.
	Manifest registry.Manifest
}

// Manifest returns the subject to verify. The bytes must match the digest, and the
// manifest must describe exactly one chart. In a classic repository the subject is the archive.
func Manifest(w Request, r Resolved) (verify.Subject, error) {
	if location.IsClassic(w.Repository) {
		return Archive(w.Repository, w.Name, r.Tag, r.Manifest.Descriptor.Digest), nil
	}
	d := r.Manifest.Descriptor.Digest
	if got := digest.FromBytes(r.Manifest.Raw); got != d {
		return verify.Subject{}, failed(StepManifest, fmt.Errorf("%w: requested %s, got %s", registry.ErrIntegrity, d, got))
	}
	layout, err := chart.ParseManifest(r.Manifest.Raw)
	if err != nil {
		return verify.Subject{}, failed(StepManifest, noChart(w, r, fmt.Errorf("%s: %w", d, err)))
	}
	expected := verify.Chart{Name: w.Name, Archive: layout.Archive, Config: layout.Config, Provenance: layout.Provenance}
	if version, ok := chart.NamedVersion(r.Tag); ok {
		expected.Version = version
	}
	return verify.Subject{Repository: w.Repository, Manifest: r.Manifest.Descriptor, Raw: r.Manifest.Raw, Chart: expected}, nil
}

// noChart returns the error for a manifest that is not that of a chart. If a range selected it, the error names the tag, which
// no field of the user names.
func noChart(w Request, r Resolved, err error) error {
	if w.SemVer == "" || r.Tag == "" {
		return err
	}
	return problem.Explain(err, fmt.Sprintf("tag %s, the highest version of ref.semver, is no Helm chart", r.Tag),
		fmt.Sprintf("set ref.semverFilter to a regular expression that does not match %s", r.Tag))
}

// errUnproven is the error for a zero Accepted, which a caller has only if Verify did not accept.
var errUnproven = errors.New("refused to fetch a chart that was not accepted")

// Fetch writes the archive of the accepted chart to w. The content of w is valid only
// if the error is nil: then it has the size and digest that the manifest gives.
func Fetch(ctx context.Context, r registry.Reader, a verify.Accepted, w io.Writer) (chart.Layout, error) {
	subject, ok := a.Subject()
	if !ok {
		return chart.Layout{}, failed(StepFetch, errUnproven)
	}
	layout, err := LayoutOf(subject)
	if err != nil {
		return chart.Layout{}, failed(StepManifest, err)
	}
	return layout, fetchArchive(ctx, r, layout.Archive, w)
}

func fetchConfig(ctx context.Context, r registry.Reader, d ocispec.Descriptor) (chart.Metadata, error) {
	raw, err := r.Blob(ctx, d, d.Size)
	if err != nil {
		return chart.Metadata{}, failed(StepFetch, fmt.Errorf("fetch the configuration: %w", err))
	}
	config, err := chart.ParseConfig(raw)
	if err != nil {
		return chart.Metadata{}, failed(StepValidate, err)
	}
	return config, nil
}

func fetchArchive(ctx context.Context, r registry.Reader, d ocispec.Descriptor, w io.Writer) error {
	body, err := r.Open(ctx, d)
	if err != nil {
		return failed(StepFetch, fmt.Errorf("fetch the archive: %w", err))
	}
	defer body.Close() //nolint:errcheck // everything was read, or the error below explains why not
	if _, err := io.Copy(w, body); err != nil {
		return failed(StepFetch, fmt.Errorf("fetch the archive: %w", err))
	}
	return nil
}

// Inspect reads the archive that Fetch wrote and returns its metadata. The archive must be a chart that may be installed. Inspect
// asks no registry, and may take as much memory as the largest chart.
func Inspect(archive io.Reader) (chart.Metadata, error) {
	metadata, err := chart.Inspect(archive)
	if err != nil {
		return chart.Metadata{}, failed(StepValidate, err)
	}
	return metadata, nil
}

// Validate checks that an inspected chart agrees with its configuration, and is the requested chart. It reads the configuration
// from the registry only if its digest differs from that of the configuration that Helm makes for such an archive. A classic
// repository has no configuration.
func Validate(ctx context.Context, r registry.Reader, metadata chart.Metadata, l chart.Layout, w Request, resolved Resolved) error {
	if l.Config.Digest != "" && !metadata.Configures(l.Config.Digest) {
		config, err := fetchConfig(ctx, r, l.Config)
		if err != nil {
			return err
		}
		if err := metadata.Agrees(config); err != nil {
			return failed(StepValidate, err)
		}
	}
	if metadata.IsLibrary && !w.AllowLibrary {
		return failed(StepValidate, fmt.Errorf("%w: a library chart cannot be installed: to publish it all the same, set chartName: %s", chart.ErrInvalid, metadata.Name))
	}
	return Identify(metadata, w, resolved)
}

// maxShown bounds a text of a repository in a message, in bytes.
const maxShown = 128

// Identify returns an error unless a chart has the requested name, and a version that
// the resolved tag may name. A version in the index of a classic repository names only itself.
func Identify(m chart.Metadata, w Request, r Resolved) error {
	if location.IsClassic(w.Repository) && r.Tag != "" && m.Name == w.Name && !chart.SameVersion(m.Version, r.Tag) {
		return failed(StepValidate, problem.New(chart.ErrMismatch, "version %q in the index holds version %q", printable.String(r.Tag, maxShown), m.Version).
			Fix("correct the index: write it again with helm repo index"))
	}
	if err := chart.CheckIdentity(m, w.Name, r.Tag); err != nil {
		return failed(StepValidate, err)
	}
	return nil
}
