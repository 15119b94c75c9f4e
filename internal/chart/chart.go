// SPDX-License-Identifier: Apache-2.0

// Package chart knows what a Helm chart is: its manifest in an OCI registry,
// its configuration and its archive. It decides whether bytes that are already
// proven are a chart that may be handed to Helm, without running any of it: no
// template is rendered and no schema is evaluated.
//
// It does not know registries, signatures or Kubernetes.
package chart

import (
	"errors"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// Media types of a Helm chart in an OCI registry (HIP-0006).
const (
	ConfigMediaType     = "application/vnd.cncf.helm.config.v1+json"
	ArchiveMediaType    = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	ProvenanceMediaType = "application/vnd.cncf.helm.chart.provenance.v1.prov"
	// LegacyArchiveMediaType is what Helm before 3.7 pushed, and Helm still pulls.
	LegacyArchiveMediaType = "application/tar+gzip"
)

// Limits on the parts of a chart as they are in the registry, in bytes. A
// larger one is refused before any of it is read. How large a provenance file may be
// that is read is for who reads it to say: here it is only more than any has.
const (
	MaxArchiveSize    = 100 << 20
	MaxConfigSize     = 1 << 20
	MaxProvenanceSize = 1 << 30
)

// Limits on a chart archive, counted over it and all archives inside it.
const (
	// MaxUnpackedSize bounds the decompressed bytes, as Helm does per archive.
	MaxUnpackedSize = 100 << 20
	// MaxFileSize bounds one file, as Helm does.
	MaxFileSize = 5 << 20
	// MaxEntries bounds the files and folders.
	MaxEntries = 10_000
	// MaxDepth bounds how deep subcharts lie in subcharts.
	MaxDepth = 8
)

var (
	// ErrManifest is matched by the error for a manifest that is not that of exactly one Helm chart.
	ErrManifest = errors.New("not the manifest of a Helm chart")
	// ErrInvalid is matched by the error for an archive or configuration that is not a chart that may be installed.
	ErrInvalid = errors.New("not a valid Helm chart")
	// ErrMismatch is matched by the error for a chart that is valid, but another
	// one than its configuration, its tag or its repository says.
	ErrMismatch = errors.New("not the chart it is said to be")
)

// Bounds, in bytes, on what of a chart is shown in an error.
const (
	maxShown  = 128 // a name or other value
	maxReason = 512 // the reason as a whole
)

// refuse returns an error that matches class and says why. The reason may quote
// the chart, so that it is made printable and cut.
func refuse(class, reason error) error {
	return problem.New(class, "%v", class).Fix("%s", printable.String(reason.Error(), maxReason))
}

// Layout is where the parts of a chart are. Each descriptor has a digest of a
// known algorithm and a size from 1 to its limit.
type Layout struct {
	// Config describes the chart's Chart.yaml as JSON.
	Config ocispec.Descriptor
	// Archive describes the chart's archive, a gzip compressed tar.
	Archive ocispec.Descriptor
	// Provenance describes the chart's provenance file, or is nil.
	Provenance *ocispec.Descriptor
}

// Metadata is what a chart says of itself. Name and Version are whole and plain
// ASCII; the other strings are printable and cut to a limit.
type Metadata struct {
	Name        string
	Version     string
	AppVersion  string
	Description string

	// config is the digest of the configuration that goes with it, if it was read from an archive.
	config digest.Digest
}
