// Package chart knows what a Helm chart is: its manifest in an OCI registry,
// its configuration and its archive. It decides whether bytes that are already
// proven are a chart that may be handed to Helm, without running any of it.
//
// It does not know registries, signatures or Kubernetes.
package chart

import (
	"errors"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of a Helm chart in an OCI registry (HIP-0006).
const (
	ConfigMediaType     = "application/vnd.cncf.helm.config.v1+json"
	ArchiveMediaType    = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	ProvenanceMediaType = "application/vnd.cncf.helm.chart.provenance.v1.prov"
)

var (
	// ErrManifest is matched by the error for a manifest that is not that of exactly one Helm chart.
	ErrManifest = errors.New("not the manifest of a Helm chart")
	// ErrInvalid is matched by the error for an archive or configuration that is not a chart that may be installed.
	ErrInvalid = errors.New("not a valid Helm chart")
)

// Layout is where the parts of a chart are.
type Layout struct {
	// Config describes the chart's Chart.yaml as JSON.
	Config ocispec.Descriptor
	// Archive describes the chart's archive, a gzip compressed tar.
	Archive ocispec.Descriptor
	// Provenance describes the chart's provenance file, or is nil.
	Provenance *ocispec.Descriptor
}

// Metadata is what a chart says of itself. Its strings are printable and bounded.
type Metadata struct {
	Name        string
	Version     string
	AppVersion  string
	Description string
}

// The functions of this package, each in the file of its concern:
//
//	ParseManifest(raw []byte) (Layout, error)            manifest.go
//	ParseConfig(raw []byte) (Metadata, error)            metadata.go
//	Inspect(archive io.Reader) (Metadata, error)         archive.go
var _ io.Reader
