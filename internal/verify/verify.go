// SPDX-License-Identifier: Apache-2.0

// Package verify holds the contract of verification: the manifest to verify (Subject), the
// verifier that decides (Verifier), the signatures and exceptions that it found (Result), and the proof that
// it accepted (Accepted). Rejections and outcomes name formats and places as texts.
//
// The package parses no signature format, speaks no registry protocol and knows no Kubernetes type.
package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Subject is what a signature must speak for: one manifest, pinned by digest, never by tag.
type Subject struct {
	// Repository is the host and path of the repository, without scheme and tag.
	Repository string
	// Manifest describes Raw.
	Manifest ocispec.Descriptor
	// Raw is the manifest as the registry stores it; it hashes to Manifest.Digest.
	Raw []byte
	// Sources of the signatures that were accepted last, which are looked at first: a matter of order alone.
	Sources []string
	// Chart is which chart the manifest must be, for signatures that speak of it by its parts.
	Chart Chart
}

// Chart is the chart that was asked for, and where the manifest has its parts.
type Chart struct {
	// Name that was asked for, and Version where the reference says one.
	Name, Version string
	// Archive and Config describe the archive and Helm's configuration.
	Archive, Config ocispec.Descriptor
	// Provenance describes the provenance file in the manifest; nil if it has none.
	Provenance *ocispec.Descriptor
}

// Result is what a Verifier found in favour of a Subject. The zero value accepts nothing.
type Result struct {
	// Signatures holds one verified signature for each authority that accepts, in the order of the policy.
	Signatures []VerifiedSignature
	// Unread is why some material could not be read that might have held more signatures; nil if everything was read. A policy that
	// needs more signatures has no verdict while it is set.
	Unread error
	// Exceptions are why it is admitted that is not proven, in the order of the policies; usually there are none.
	Exceptions []Exception
	// Seen lists the signers of all signatures that were read, those of the verified ones included.
	Seen []Candidate
}

// IsZero reports whether nothing accepts the Subject.
func (r Result) IsZero() bool { return len(r.Signatures) == 0 && len(r.Exceptions) == 0 }

// IsProof reports whether a signature accepts the Subject and no exception was needed.
func (r Result) IsProof() bool { return len(r.Signatures) > 0 && len(r.Exceptions) == 0 }

// Exception is an explicit rule of a policy by which a Subject is admitted that the
// policy does not trust.
type Exception struct {
	// Policy is the name of the policy; empty for that of the object itself.
	Policy string
	// Rule is the kind of rule.
	Rule Rule
	// Reason that was given for the rule; may be empty.
	Reason string
	// Until is when the rule ends; zero if it does not.
	Until time.Time
	// Verdict is why the Subject would not be admitted; nil if it was not asked for.
	Verdict error
}

// Rule is the kind of an Exception.
type Rule string

const (
	// Audit admits whatever is refused, and says so.
	Audit Rule = "Audit"
	// Exemption admits one digest for a while.
	Exemption Rule = "Exemption"
)

// VerifiedSignature is a signature for a Subject that one authority accepts.
type VerifiedSignature struct {
	// Policy is the name of the policy that asked; empty for that of the object itself.
	Policy string
	// Authority is the name of the authority in the policy.
	Authority string
	// Provider is the kind of signature, as "cosign".
	Provider string
	// Signer identifies who signed, the same for the same signer wherever it is
	// seen: for a key "SHA256:" and the hexadecimal digest of its SPKI, for an
	// identity its subject and issuer. It is what distinct signers are counted by.
	Signer string
	// Issuer and Subject are those of an identity; empty for a key.
	Issuer, Subject string
	// Key is the name under which the policy holds the signer's key, if there is one.
	Key string
	// UserID is the primary user id of an OpenPGP key, fit to be shown; empty otherwise.
	UserID string
	// SigningKey is the fingerprint of the OpenPGP key that signed: a subkey of the signer's, or its primary key.
	SigningKey string
	// Ends is the first moment at which the proof ends by the clock, such as the expiry of the key; zero if it does not.
	Ends time.Time
	// Format is the format of the signature, as "legacy" or "bundle".
	Format string
	// Source is where the signature was found, relative to the repository.
	Source string
	// Time is a proven signing time, or zero if the signature proves none.
	Time time.Time
	// ClaimedTime is when the signer says to have signed, or zero. It proves nothing.
	ClaimedTime time.Time
	// LogIndex is that of the entry in a trusted transparency log; nil if none is proven.
	LogIndex *int64
	// SkippedKeys are those of the authority's keys that are not used, and why: a few, bounded and fit to be shown.
	SkippedKeys []string
}

// Verifier decides whether a Subject is trusted.
//
// A nil error comes only with a non-zero Result. An error matching ErrRejected
// is a verdict: the Subject is proven not to be trusted. Any other error means
// that no verdict was reached, and says nothing about the Subject.
type Verifier interface {
	Verify(ctx context.Context, s Subject, r registry.Reader) (Result, error)
}

// Accepted proves that a Subject was accepted. Only Check and CheckEach make one: the
// zero value proves nothing, and whoever takes an Accepted refuses it.
type Accepted struct {
	subject Subject
	result  Result
}

// Subject returns what was accepted, and false for the zero Accepted.
func (a Accepted) Subject() (Subject, bool) { return a.subject, !a.result.IsZero() }

// Result returns what the acceptance rests on; zero for the zero Accepted.
func (a Accepted) Result() Result { return a.result }

// ErrSubject is matched by the error of Check and CheckEach for a Subject whose Raw is not what its descriptor says.
var ErrSubject = errors.New("the manifest does not match its descriptor")

// Check asks v about s. It never believes an answer that breaks the contract of
// Verifier: a result with an error, or neither, is no acceptance.
func Check(ctx context.Context, v Verifier, s Subject, r registry.Reader) (Accepted, error) {
	if err := s.check(); err != nil {
		return Accepted{}, err
	}
	result, err := v.Verify(ctx, s, r)
	if err != nil {
		return Accepted{}, err
	}
	if result.IsZero() {
		return Accepted{}, fmt.Errorf("verifier %T accepted %s without a result", v, s.Manifest.Digest)
	}
	return Accepted{subject: s, result: result}, nil
}

// check returns an error that matches ErrSubject if Raw does not hash to the digest.
func (s Subject) check() error {
	if err := s.Manifest.Digest.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrSubject, err)
	}
	if got := s.Manifest.Digest.Algorithm().FromBytes(s.Raw); got != s.Manifest.Digest {
		return fmt.Errorf("%w: descriptor %s, bytes %s", ErrSubject, s.Manifest.Digest, got)
	}
	return nil
}
