// SPDX-License-Identifier: Apache-2.0

// Package chart knows Helm charts: their manifest in an OCI registry, their configuration and their archive. It
// decides whether verified bytes are a chart that may be handed to Helm, without running any part of it: it
// renders no template and evaluates no schema.
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
	// LegacyArchiveMediaType is the type that Helm before 3.7 pushed, and that Helm still pulls.
	LegacyArchiveMediaType = "application/tar+gzip"
)

// Limits on the parts of a chart in the registry, in bytes. A larger part is refused before any of it is read.
// The limit on a provenance file is only an upper bound: the package that reads provenance files has its own
// limit.
const (
	MaxArchiveSize    = 100 << 20
	MaxConfigSize     = 1 << 20
	MaxProvenanceSize = 1 << 30
)

// Limits on a chart archive, summed over it and all archives inside it.
const (
	// MaxUnpackedSize bounds the decompressed bytes, as Helm does per archive.
	MaxUnpackedSize = 100 << 20
	// MaxFileSize bounds one file, as Helm does.
	MaxFileSize = 5 << 20
	// MaxEntries bounds the files and folders.
	MaxEntries = 10_000
	// MaxDepth bounds the nesting of subcharts.
	MaxDepth = 8
)

var (
	// ErrManifest is matched by the error for a manifest that does not describe exactly one Helm chart.
	ErrManifest = errors.New("not the manifest of a Helm chart")
	// ErrInvalid is matched by the error for an archive or configuration that is not an installable chart.
	ErrInvalid = errors.New("not a valid Helm chart")
	// ErrMismatch is matched by the error for a valid chart that differs from its configuration, its tag or its
	// repository.
	ErrMismatch = errors.New("not the chart it is said to be")
)

// Bounds, in bytes, on text of a chart in an error.
const (
	maxShown  = 128 // a name or other value
	maxReason = 512 // the reason as a whole
)

// refuse returns an error with a reason that matches class. The reason may quote the chart, so it is made
// printable and cut.
func refuse(class, reason error) error {
	return problem.New(class, "%v", class).Fix("%s", printable.String(reason.Error(), maxReason))
}

// Layout holds the descriptors of the parts of a chart. Each descriptor has a digest of a known algorithm and a
// size from 1 to its limit.
type Layout struct {
	// Config describes the chart's Chart.yaml as JSON.
	Config ocispec.Descriptor
	// Archive describes the chart's archive, a gzip compressed tar.
	Archive ocispec.Descriptor
	// Provenance describes the chart's provenance file, or is nil.
	Provenance *ocispec.Descriptor
	// Origin is what the manifest states about the origin of the chart, by OpenContainers annotation: its source, its
	// revision and the time of its build. The values are printable and bounded. A signature of the manifest covers them; a
	// provenance file does not.
	Origin map[string]string
}

// Metadata is the chart's description of itself. Name and Version are complete and plain ASCII; the other
// strings are printable and cut to a limit.
type Metadata struct {
	Name        string
	Version     string
	AppVersion  string
	Description string
	// IsLibrary reports whether the chart is of type library, which Helm does not install. It is known of archives only.
	IsLibrary bool

	// config is the digest of the matching configuration, if the metadata was read from an archive.
	config digest.Digest
}
