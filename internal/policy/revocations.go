// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/keyid"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Revoked lists the digests, versions, keys and identities that are not trusted, even if an authority accepts them. The zero value
// revokes nothing.
type Revoked struct {
	source     string // name of the list, for messages
	digests    map[digest.Digest]bool
	keys       keyid.Set
	identities verify.Identities
	versions   []versionRange
}

// versionRange is a range of versions of some charts.
type versionRange struct {
	charts string // glob of URLs; empty for every chart that the list is for
	text   string
	within *semver.Constraints
}

// revokedBy returns the error for a chart or signer that an entry of a source revokes. It matches verify.ErrRejected, since
// a revocation is a verdict.
func revokedBy(source, format string, args ...any) error {
	return problem.New(verify.ErrRejected, "revoked by %s (%s)", source, fmt.Sprintf(format, args...))
}

// revocationsOf returns the revocations of a policy. The error matches
// verify.ErrTrustMalformed; the entries that can be read stay in force.
func revocationsOf(name string, r *v1alpha1.Revocations) (Revoked, error) {
	if r == nil {
		return Revoked{}, nil
	}
	list := revocationList{digests: r.Digests, keys: r.Keys}
	for _, text := range r.Versions {
		list.versions = append(list.versions, revokedVersions{text: text})
	}
	for _, i := range r.Identities {
		list.identities = append(list.identities, verify.IdentityPattern{Issuer: i.Issuer, Subject: i.Subject})
	}
	source := "spec.verify.revoked"
	if name != "" {
		source += " of ClusterChartPolicy " + name
	}
	return list.parse(source)
}

// revocationList is a list of revocations as it is written.
type revocationList struct {
	digests, keys []string
	identities    []verify.IdentityPattern
	versions      []revokedVersions
}

// revokedVersions is one entry of versions.
type revokedVersions struct{ charts, text string }

const (
	// maxShown bounds the text of a list that a message repeats, in bytes.
	maxShown = 200
	// maxProblems bounds how many entries of a list a message names.
	maxProblems = 3
)

// parse returns the entries of the list that can be read, and an error that matches
// verify.ErrTrustMalformed if any cannot be read.
func (l revocationList) parse(source string) (Revoked, error) {
	r := Revoked{source: source, digests: map[digest.Digest]bool{}, keys: keyid.Set{}}
	var problems []error
	for _, text := range l.digests {
		d, err := parseDigest(text)
		if err == nil {
			r.digests[d] = true
		}
		problems = append(problems, err)
	}
	for _, text := range l.keys {
		keys, err := keyid.Parse([]string{text})
		r.keys.Add(keys)
		problems = append(problems, err)
	}
	for _, pattern := range l.identities {
		identities, err := verify.NewIdentities(pattern)
		r.identities = append(r.identities, identities...)
		problems = append(problems, err)
	}
	for _, v := range l.versions {
		parsed, err := v.parse()
		if err == nil {
			r.versions = append(r.versions, parsed)
		}
		problems = append(problems, err)
	}
	return r, malformed(source, problems...)
}

// parseDigest returns the digest of a manifest. Case and spaces do not matter.
func parseDigest(text string) (digest.Digest, error) {
	d, err := digest.Parse(strings.ToLower(strings.ReplaceAll(text, " ", "")))
	if err != nil || d.Algorithm() != digest.SHA256 {
		return "", fmt.Errorf("%q is no digest of a manifest: write sha256: and 64 hexadecimal digits", printable.String(text, maxShown))
	}
	return d, nil
}

func (v revokedVersions) parse() (versionRange, error) {
	within, err := semver.NewConstraint(v.text)
	if err != nil {
		return versionRange{}, fmt.Errorf("%q is no range of versions: write one such as <1.2.3", printable.String(v.text, maxShown))
	}
	within.IncludePrerelease = true // a release candidate of a revoked version is revoked too
	return versionRange{charts: v.charts, text: v.text, within: within}, nil
}

// malformed returns an error about the first of the problems, or nil if there are none.
func malformed(source string, problems ...error) error {
	var shown []string
	for _, p := range problems {
		if p != nil {
			shown = append(shown, p.Error())
		}
	}
	switch n := len(shown); {
	case n == 0:
		return nil
	case n > maxProblems:
		shown = append(shown[:maxProblems], fmt.Sprintf("and %d more", n-maxProblems))
	}
	return fmt.Errorf("%w: %s: %w", verify.ErrTrustMalformed, source, errors.New(strings.Join(shown, "; ")))
}

// Check returns an error that matches verify.ErrRejected if the digest, or the version,
// of the chart in a repository is revoked. Any name of the repository will do. The
// version is empty if it is not known.
func (r Revoked) Check(repository string, d digest.Digest, version string) error {
	if r.digests[d] {
		return revokedBy(r.source, "digests: %s", d)
	}
	parsed, err := semver.NewVersion(version)
	if err != nil || len(r.versions) == 0 {
		return nil // the version is not known yet, or not semantic, so that it is in no range
	}
	urls := urlsOf(repository)
	for _, v := range r.versions {
		if v.within.Check(parsed) && (v.charts == "" || anyURLMatches([]string{v.charts}, urls)) {
			return revokedBy(r.source, "versions: %s", v.text)
		}
	}
	return nil
}

// signer returns an error that matches verify.ErrRejected if the key or the identity
// of a verified signature is revoked.
func (r Revoked) signer(v verify.VerifiedSignature) error {
	if id, ok := verify.RevokedKey(r.keys, v); ok {
		return revokedBy(r.source, "key %s", id)
	}
	if name, ok := r.identities.Of(v); ok {
		return revokedBy(r.source, "identity %s", name)
	}
	return nil
}
