// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"crypto"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
)

const (
	// keySuffix marks the entries of a Secret that are public keys.
	keySuffix = ".pub"
	// maxKeys bounds the keys of one authority.
	maxKeys = 16
)

// cosign returns the verifier of a cosign authority.
func (b builder) cosign() (verify.Verifier, error) {
	spec := cosign.Authority{
		Name: b.Name, KeysIn: b.material.Secret, Every: b.every, Constraints: b.constraints,
		Trust: bundle.Trust{Root: b.material.Root, Log: logPolicy(b.Authority), Timed: b.constraints.MinAge > 0},
	}
	var err error
	if b.SecretRef != nil {
		spec.Trust.Keys, err = b.keys()
	}
	if err == nil {
		spec.Identities, err = identitiesOf(b.Authority)
	}
	if err == nil && b.SignatureRepository != "" {
		spec.Repository, err = registry.ParseURL(b.SignatureRepository)
	}
	if err != nil {
		return nil, err
	}
	return cosign.New(spec)
}

// logPolicy returns the requirements on transparency logs. Unless the authority
// says otherwise, an identity needs the logs that the trusted root names, and a key needs none.
func logPolicy(a v1alpha1.Authority) bundle.LogPolicy {
	switch {
	case a.NeedsLog():
		return bundle.LogRequired
	case a.TransparencyLog == v1alpha1.TransparencyLogIgnore || a.SecretRef != nil:
		return bundle.LogIgnored
	}
	return bundle.LogAsRoot
}

// identitiesOf compiles the identities of an authority.
func identitiesOf(a v1alpha1.Authority) ([]cosign.Identity, error) {
	var claims certificate.Extensions
	if c := a.Claims; c != nil {
		claims = certificate.Extensions{
			BuildSignerURI: c.BuildSignerURI, BuildSignerDigest: c.BuildSignerDigest, RunnerEnvironment: c.RunnerEnvironment,
			SourceRepositoryURI: c.SourceRepositoryURI, SourceRepositoryDigest: c.SourceRepositoryDigest, SourceRepositoryRef: c.SourceRepositoryRef,
			SourceRepositoryIdentifier: c.SourceRepositoryIdentifier, SourceRepositoryOwnerURI: c.SourceRepositoryOwnerURI,
			SourceRepositoryOwnerIdentifier: c.SourceRepositoryOwnerIdentifier, BuildConfigURI: c.BuildConfigURI, BuildConfigDigest: c.BuildConfigDigest,
			BuildTrigger: c.BuildTrigger, RunInvocationURI: c.RunInvocationURI, SourceRepositoryVisibilityAtSigning: c.SourceRepositoryVisibilityAtSigning,
		}
	}
	identities := make([]cosign.Identity, 0, len(a.MatchOIDCIdentity))
	for _, m := range a.MatchOIDCIdentity {
		identity, err := cosign.NewIdentity(m.Issuer, m.Subject, claims)
		if err != nil {
			return nil, err
		}
		identities = append(identities, identity)
	}
	return identities, nil
}

// keys parses the keys of the authority, and applies its hash algorithm and validity to all of them.
func (b builder) keys() ([]bundle.Key, error) {
	a := b.Authority
	keys, err := publicKeys(b.material.Data)
	for i := range keys {
		if a.HashAlgorithm != "" && err == nil {
			keys[i], err = keys[i].WithHash(hashes[a.HashAlgorithm])
		}
		if r := a.ValidFor; r != nil {
			keys[i] = keys[i].ValidFor(timeOf(r.Start), timeOf(r.End))
		}
	}
	if err != nil {
		return nil, problem.In(b.material.Secret, err)
	}
	return keys, nil
}

var hashes = map[string]crypto.Hash{"SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512}

// publicKeys parses every *.pub entry, in the order of their names. One malformed
// key makes all keys unusable: using the rest would hide a mistake that affects
// trust.
func publicKeys(data map[string][]byte) ([]bundle.Key, error) {
	var names []string
	for name := range data {
		if strings.HasSuffix(name, keySuffix) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	switch {
	case len(names) == 0:
		return nil, noKeys(data)
	case len(names) > maxKeys:
		return nil, problem.New(nil, "%d keys, more than %d", len(names), maxKeys).Fix("spread them over several authorities with atLeast")
	}
	keys := make([]bundle.Key, 0, len(names))
	for _, name := range names {
		key, err := bundle.ParseKey(name, data[name])
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// noKeys returns the error for a Secret without a *.pub entry. It names the entries, so that users see their mistake, and
// warns of a private key among them.
func noKeys(data map[string][]byte) error {
	names := slices.Sorted(maps.Keys(data))
	for _, name := range names {
		if bytes.Contains(data[name], []byte("PRIVATE KEY-----")) {
			return problem.New(nil, "no *%s entry; %s is a PRIVATE key", keySuffix, name).
				Fix("replace the key pair, which every reader of the Secret has, and store only the public key, with --from-file=cosign.pub")
		}
	}
	has := "the Secret is empty"
	if len(names) > 0 {
		has = "the Secret has " + printable.String(strings.Join(names, ", "), maxShown)
	}
	return problem.New(nil, "no *%s entry (%s)", keySuffix, has).Fix("add the public key with --from-file=cosign.pub")
}

// timeOf returns a time as a bound; the zero time means no bound. A time that is
// itself zero (year 1) is moved by a nanosecond, so that it stays a bound.
func timeOf(t *metav1.Time) time.Time {
	switch {
	case t == nil:
		return time.Time{}
	case t.IsZero():
		return t.Add(time.Nanosecond)
	}
	return t.Time
}
