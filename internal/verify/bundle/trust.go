// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"slices"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
)

// LogPolicy is whether a signature must be proven to be in a transparency log.
type LogPolicy int

const (
	// LogAsRoot requires a log entry if the trusted root names a log. It is the zero value.
	LogAsRoot LogPolicy = iota
	// LogRequired requires a log entry.
	LogRequired
	// LogIgnored requires no log entry. Then only a timestamp authority can prove the time of a signature.
	LogIgnored
)

// Trust is the set of proofs that a signature needs. The zero value trusts nothing.
type Trust struct {
	// Root holds the trusted authorities and logs. It may be nil if there are keys, and neither a log entry nor
	// a time is required.
	Root *trustroot.Root
	// Keys are the trusted keys, one of which must have signed. Without keys, the signature must be made with a
	// certificate of an authority of the root, at a proven time.
	Keys []Key
	// Log is whether a log entry is required.
	Log LogPolicy
	// Timed reads the proofs of the signing time, even for keys without a period of validity. If nothing proves
	// the time, the signature counts and has no time.
	Timed bool
}

// ErrTrust is matched by the error for a Trust that no signature can satisfy.
var ErrTrust = errors.New("no signature can be proven")

// Check returns an error matching ErrTrust if no signature can satisfy t.
func (t Trust) Check() error {
	switch {
	case !t.keyed() && (t.Root == nil || !t.Root.HasCertificateAuthorities()):
		return trustError("there are no keys, and the trusted root names no certificate authority")
	case t.Log == LogRequired && (t.Root == nil || !t.Root.HasLogs()):
		return trustError("a log entry is required, and the trusted root names no transparency log")
	case t.timed() && !t.logged() && !t.stamped():
		return trustError("the time of a signature must be proven, and the trusted root names no timestamp authority")
	}
	return nil
}

func trustError(reason string) error { return errors.Join(ErrTrust, errors.New(reason)) }

// keyed reports whether keys are trusted, instead of certificates.
func (t Trust) keyed() bool { return len(t.Keys) > 0 }

// logged reports whether a log entry is required.
func (t Trust) logged() bool {
	return t.Log == LogRequired || (t.Log == LogAsRoot && t.Root != nil && t.Root.HasLogs())
}

// stamped reports whether the trusted root names timestamp authorities.
func (t Trust) stamped() bool { return t.Root != nil && t.Root.HasTimestampAuthorities() }

// timed reports whether proofs of the signing time are read. If so, each proof that the signature carries must
// be valid.
func (t Trust) timed() bool { return t.Timed || t.needsTime() }

// needsTime reports whether a signature needs a proven time.
func (t Trust) needsTime() bool {
	return !t.keyed() || slices.ContainsFunc(t.Keys, Key.expires)
}

// options returns the proofs that sigstore-go must check in a bundle, except for the log entry. Every kind of
// proof that the trusted root names is required, and a proof of time in the bundle must be valid. The clock of
// this machine proves nothing.
func (t Trust) options(b *Bundle) []verify.VerifierOption {
	var options []verify.VerifierOption
	if !t.keyed() && t.Root.HasCTLogs() {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	if !t.timed() {
		return append(options, verify.WithNoObserverTimestamps())
	}
	return append(options, t.timeOptions(b)...)
}

// timeOptions returns the proofs of time that sigstore-go must check in a bundle.
func (t Trust) timeOptions(b *Bundle) (options []verify.VerifierOption) {
	stamped := t.stamped() && b.isStamped()
	promised := t.logged() && b.entity.HasInclusionPromise()
	if stamped {
		options = append(options, verify.WithSignedTimestamps(1))
	}
	if promised {
		options = append(options, verify.WithIntegratedTimestamps(1))
	}
	switch {
	case stamped || promised:
		return options
	case t.needsTime():
		return append(options, verify.WithObserverTimestamps(1)) // fails: the bundle has no usable time
	}
	return append(options, verify.WithNoObserverTimestamps())
}

// material returns the trusted material, with at most one key: the given one, or none if key is nil.
func (t Trust) material(key root.TimeConstrainedVerifier) material {
	if t.Root == nil {
		return material{TrustedMaterial: &root.BaseTrustedMaterial{}, key: key}
	}
	trusted := t.Root.Material()
	return material{TrustedMaterial: trusted, key: key, authorities: once(trusted.FulcioCertificateAuthorities())}
}
