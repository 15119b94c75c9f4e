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

// discovery finds what may be a signature of a subject, where cosign keeps them.
type discovery struct{ search attached.Search }

// discover looks in a repository, which may be another than the subject's.
func discover(s verify.Subject, r registry.Reader, in string) *discovery {
	return &discovery{attached.Search{Subject: s.Manifest.Digest, Reader: r, In: in, Preferred: isSignature, Prefer: s.Sources}}
}

// isSignature reports whether cosign lists its signatures so.
func isSignature(artifactType string) bool {
	return isBundle(artifactType) || artifactType == experimentalArtifactType
}

// listed is how a bundle is listed. With a wrong size it cannot be read, so that it must not stand for the right one.
type listed struct {
	digest digest.Digest
	size   int64
}

// candidates yields what may be a signature, one by one: what is in the
// referrers, and under the tag of legacy signatures, sha256-<hex>.sig.
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
					c.problem = verify.Refuse("it and what follows is not considered: at most %d candidates are", verify.MaxCandidates)
				}
				if !yield(c) || count > verify.MaxCandidates {
					return
				}
			}
		}
	}
}

// open returns the candidates in what was found, classified by what they are
// and not by what they are listed as.
func open(f attached.Found) []candidate {
	if f.Problem != nil {
		return []candidate{{source: f.Source, format: otherFormat, problem: f.Problem}}
	}
	return classify(f.Raw, f.Source)
}

func isBundle(mediaType string) bool { return strings.HasPrefix(mediaType, bundle.MediaTypePrefix) }
