// SPDX-License-Identifier: Apache-2.0

package cosign

import (
	"context"
	"iter"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// places finds the possible signatures of a subject in the locations that cosign uses.
type places interface {
	// candidates yields the possible signatures one by one.
	candidates(ctx context.Context) iter.Seq[candidate]
	// searched returns the locations that were searched so far.
	searched() []string
}

// placesOf returns the locations of the signatures of a subject, in a repository that may differ from the
// repository of the subject.
func placesOf(s verify.Subject, r registry.Reader, in string) places {
	if s.IsArchive() {
		return &beside{subject: s, reader: r}
	}
	return discover(s, r, in)
}

// discovery finds the possible signatures of a manifest.
type discovery struct{ search attached.Search }

func (d *discovery) searched() []string { return d.search.Searched() }

// discover searches a repository, which may differ from the repository of the subject.
func discover(s verify.Subject, r registry.Reader, in string) *discovery {
	return &discovery{attached.Search{Subject: s.Manifest.Digest, Reader: r, In: in, Preferred: isSignature, Prefer: s.Sources}}
}

// isSignature reports whether cosign lists its signatures with that artifact type.
func isSignature(artifactType string) bool {
	return isBundle(artifactType) || artifactType == experimentalArtifactType
}

// listed is the descriptor of a bundle. The size is part of it: a bundle listed with a wrong size cannot be
// read, and must not hide the same bundle with the right size.
type listed struct {
	digest digest.Digest
	size   int64
}

// candidates yields the possible signatures one by one: those in the referrers, and those under the tag of
// legacy signatures, sha256-<hex>.sig.
func (d *discovery) candidates(ctx context.Context) iter.Seq[candidate] {
	return func(yield func(candidate) bool) {
		count, bundles := 0, map[listed]bool{}
		for found := range d.search.All(ctx, attached.Tag(d.search.Subject)+".sig") {
			for _, c := range open(found) {
				if c.problem == nil && c.format == bundleFormat {
					b := listed{c.layer.Digest, c.layer.Size}
					if bundles[b] {
						c.problem = verify.Refuse("it is listed twice")
					}
					bundles[b] = true
				}
				if count++; count > verify.MaxCandidates {
					c.problem = verify.Refuse("too many candidates: this one and all later ones are ignored, at most %d are considered", verify.MaxCandidates)
				}
				if !yield(c) || count > verify.MaxCandidates {
					return
				}
			}
		}
	}
}

// open returns the candidates in a found manifest. It classifies them by their content, not by the type in the
// listing.
func open(f attached.Found) []candidate {
	if f.Problem != nil {
		return []candidate{{source: f.Source, format: otherFormat, problem: f.Problem}}
	}
	return classify(f.Raw, f.Source)
}

func isBundle(mediaType string) bool { return strings.HasPrefix(mediaType, bundle.MediaTypePrefix) }
