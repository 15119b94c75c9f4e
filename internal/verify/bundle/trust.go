// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"slices"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
)

// LogPolicy reports whether a signature must be proven to be in a transparency log.
type LogPolicy int

const (
	// LogAsRoot requires a log entry if the trusted root names a log, and is the zero value.
	LogAsRoot LogPolicy = iota
	// LogRequired requires a log entry.
	LogRequired
	// LogIgnored requires none; the time of a signature is then proven by a timestamp authority alone.
	LogIgnored
)

// Trust says what a signature must be proven by. The zero value trusts nothing.
type Trust struct {
	// Root holds the authorities and logs that are trusted. It may be nil if
	// there are keys and neither a log entry nor a time is asked for.
	Root *trustroot.Root
	// Keys, of which one must have signed. Without any, the signature must be
	// made with a certificate of an authority of the root, at a proven time.
	Keys []Key
	// Log is what is asked of transparency logs.
	Log LogPolicy
	// RequireSCT asks for a signed certificate timestamp though the root may name no CT log.
	RequireSCT bool
	// Timed asks when signatures by keys without a period of validity were made. If
	// nothing proves that, the signature counts and has no time.
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

// keyed reports whether signatures are trusted by a key rather than by a certificate.
func (t Trust) keyed() bool { return len(t.Keys) > 0 }

// logged reports whether a log entry is asked for.
func (t Trust) logged() bool {
	return t.Log == LogRequired || (t.Log == LogAsRoot && t.Root != nil && t.Root.HasLogs())
}

// stamped reports whether the trusted root names timestamp authorities.
func (t Trust) stamped() bool { return t.Root != nil && t.Root.HasTimestampAuthorities() }

// timed reports whether proofs of the time of a signature are read. Each that the
// signature carries must then hold.
func (t Trust) timed() bool { return t.Timed || t.needsTime() }

// needsTime reports whether a signature does not count without a proven time.
func (t Trust) needsTime() bool {
	return !t.keyed() || slices.ContainsFunc(t.Keys, Key.expires)
}

// options are what sigstore-go is asked to prove of a bundle, but for the log
// entry. Whatever the trusted root names is asked for, and a proof of the time
// that the bundle carries must hold; the clock of this machine proves nothing.
func (t Trust) options(b *Bundle) []verify.VerifierOption {
	var options []verify.VerifierOption
	if !t.keyed() && (t.RequireSCT || t.Root.HasCTLogs()) {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	if !t.timed() {
		return append(options, verify.WithNoObserverTimestamps())
	}
	return append(options, t.timeOptions(b)...)
}

// timeOptions are what sigstore-go is asked to prove of the time of a bundle.
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
		return append(options, verify.WithObserverTimestamps(1)) // which there is none
	}
	return append(options, verify.WithNoObserverTimestamps())
}

// material returns what is trusted, with a key as the only one; nil for none.
func (t Trust) material(key root.TimeConstrainedVerifier) material {
	if t.Root == nil {
		return material{TrustedMaterial: &root.BaseTrustedMaterial{}, key: key}
	}
	trusted := t.Root.Material()
	return material{TrustedMaterial: trusted, key: key, authorities: once(trusted.FulcioCertificateAuthorities())}
}
