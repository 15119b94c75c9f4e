// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	"sigs.k8s.io/yaml"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Revocations are what is not trusted, whoever vouches for it. The zero value revokes nothing.
type Revocations struct {
	source   string // which list, to be shown
	digests  map[digest.Digest]bool
	keys     verify.Keys
	versions []versionRange
}

// versionRange is a range of versions of some charts.
type versionRange struct {
	charts Glob // of URLs; empty for the chart that is judged
	text   string
	within *semver.Constraints
}

// revokedError matches verify.ErrRejected: to be revoked is a verdict.
type revokedError struct{ what, source string }

func (e *revokedError) Error() string        { return e.what + " is revoked by " + e.source }
func (e *revokedError) Is(target error) bool { return target == verify.ErrRejected }

// revocationsOf returns what a policy revokes. The error matches verify.ErrTrustMalformed.
func revocationsOf(name string, r *v1alpha1.Revocations) (Revocations, error) {
	if r == nil {
		return Revocations{}, nil
	}
	list := clusterRevocations{Digests: r.Digests, Keys: r.Keys}
	for _, text := range r.Versions {
		list.Versions = append(list.Versions, clusterVersions{Range: text})
	}
	source := "spec.verify.revoked"
	if name != "" {
		source += " of ClusterChartPolicy " + name
	}
	return list.parse(source)
}

// clusterRevocations is a list of revocations for every chart of a cluster.
type clusterRevocations struct {
	Digests  []string          `json:"digests"`
	Keys     []string          `json:"keys"`
	Versions []clusterVersions `json:"versions"`
}

type clusterVersions struct {
	URL   string `json:"url"`
	Range string `json:"range"`
}

// ParseRevocations reads the list of what is revoked for a whole cluster, YAML with
// the fields `digests` and `keys` as under spec.verify.revoked, and `versions`, each a
// `url`, in which * and ** stand for any part and any parts, and a `range`. Unknown
// fields are an error, since what is misspelt would not be revoked. Source names the
// list in messages. The error matches verify.ErrTrustMalformed.
func ParseRevocations(source string, raw []byte) (Revocations, error) {
	var list clusterRevocations
	if err := yaml.UnmarshalStrict(raw, &list); err != nil {
		return Revocations{}, malformed(source, fmt.Errorf("it is no such list: %s", printable.String(err.Error(), maxShown)))
	}
	for _, v := range list.Versions {
		if v.URL == "" {
			return Revocations{}, malformed(source, errors.New("versions need a url, as oci://ghcr.io/org/charts/*"))
		}
	}
	return list.parse(source)
}

// maxShown bounds what is repeated of a list.
const maxShown = 200

func (l clusterRevocations) parse(source string) (Revocations, error) {
	r := Revocations{source: source, digests: map[digest.Digest]bool{}}
	for _, d := range l.Digests {
		parsed, err := digest.Parse(d)
		if err != nil {
			return Revocations{}, malformed(source, fmt.Errorf("%q is no digest", printable.String(d, maxShown)))
		}
		r.digests[parsed] = true
	}
	var err error
	if r.keys, err = verify.ParseKeys(l.Keys); err != nil {
		return Revocations{}, malformed(source, err)
	}
	for _, v := range l.Versions {
		parsed, err := v.parse()
		if err != nil {
			return Revocations{}, malformed(source, err)
		}
		r.versions = append(r.versions, parsed)
	}
	return r, nil
}

func (v clusterVersions) parse() (versionRange, error) {
	within, err := semver.NewConstraint(v.Range)
	if err != nil {
		return versionRange{}, fmt.Errorf("%q is no range of versions, as <1.2.3", printable.String(v.Range, maxShown))
	}
	within.IncludePrerelease = true // a release candidate of what is revoked is no better
	return versionRange{charts: Glob(v.URL), text: v.Range, within: within}, nil
}

func malformed(source string, err error) error {
	return fmt.Errorf("%w: %s: %w", verify.ErrTrustMalformed, source, err)
}

// Check returns an error that matches verify.ErrRejected where the digest, or the
// version, of the chart at a URL is revoked. The version is empty where it is not known.
func (r Revocations) Check(url string, d digest.Digest, version string) error {
	if r.digests[d] {
		return &revokedError{"manifest " + d.String(), r.source}
	}
	parsed, err := semver.NewVersion(version)
	if err != nil {
		return nil // not known yet, or none that a range could hold
	}
	for _, v := range r.versions {
		if (v.charts == "" || v.charts.Matches(url)) && v.within.Check(parsed) {
			return &revokedError{fmt.Sprintf("version %s, in %q,", version, v.text), r.source}
		}
	}
	return nil
}
